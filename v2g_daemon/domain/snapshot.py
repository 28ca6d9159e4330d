"""Snapshot: all that `decide` may look at, frozen once per tick."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from v2g_daemon.domain.goals import DepartureGoal, ToldDeparture, UserOverride
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.plan import Plan
from v2g_daemon.domain.prices import PriceCurve
from v2g_daemon.domain.quick import quick
from v2g_daemon.domain.readings import EvseStatus, MeterReading, MeterRole, MeterStatus
from v2g_daemon.domain.sun import SunForecast
from v2g_daemon.domain.vehicle import CarAnswer, VehicleFeedStatus


class CommissioningStep(Enum):
    """What must stand recorded before energy may leave the car."""

    PERMISSION_TO_OPERATE = "permission_to_operate"
    SIGN_TEST = "sign_test"
    EXPORT_COMPENSATION = "export_compensation"
    OWNER_CONSENT = "owner_consent"
    TEST_PERMIT = "test_permit"  # the grid operator lets a guided test discharge, and no more


@dataclass(frozen=True, slots=True, kw_only=True)
class CommissioningRecord:
    """A dated record; a simulated one is valid for simulated serials (`SIM-…`) only.

    `meter_serial`: of the grid meter whose sign was tested, as in `MeterStatus.serial`; the test is
    valid for that meter only.
    """

    step: CommissioningStep
    evse_serial: str
    recorded_at_utc: datetime
    recorded_by: str
    evidence: str
    simulated: bool
    meter_serial: str | None = None


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class DischargeCounters:
    """Sums over ledger rows plus the running interval; None: unreadable, so no discharge.

    The counters belong to the car; the day runs noon to noon local, the month is local.
    """

    vehicle_id: str
    exported_today_wh: float | None
    discharged_month_wh: float | None
    discharged_life_wh: float | None
    discharging_life_s: float | None


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class CommandCounters:
    """What one EVSE was told in this local day, by its ledger rows and the running count.

    `changes_today`: new setpoints; `closings_today`: those that started a power from 0 W.
    """

    evse_id: str
    day_ends_utc: datetime
    changes_today: int
    closings_today: int


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingHealth:
    """When the recorder last made something durable, and whether its queue is full."""

    last_durable_at: Instant | None
    queue_full: bool
    records_lost: int


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class VehicleGoals:
    """The upcoming goals of one vehicle (None: whoever is plugged in unidentified)."""

    vehicle_id: str | None
    goals: tuple[DepartureGoal, ...]


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One moment of the house; what is unknown is None, never 0.

    `meter` is the PCC; PV counts production as positive, the home battery its charging. `goals` are
    what owner (`told`), calendars and weekly schedule come to. `sun` is what a weather service told
    however long ago (None: the house has none).
    """

    now: Instant
    clock_trusted: bool
    meter: MeterReading | None
    pv_power_w: float | None
    evses: tuple[EvseStatus, ...]
    prices: PriceCurve | None
    plans: tuple[Plan, ...]
    goals: tuple[VehicleGoals, ...]
    overrides: tuple[UserOverride, ...]
    commissioning: tuple[CommissioningRecord, ...]
    counters: tuple[DischargeCounters, ...]
    recording: RecordingHealth
    answers: tuple[CarAnswer, ...] = ()
    battery_power_w: float | None = None
    meters: tuple[MeterStatus, ...] = ()
    command_counters: tuple[CommandCounters, ...] = ()
    vehicle_feeds: tuple[VehicleFeedStatus, ...] = ()
    told: tuple[ToldDeparture, ...] = ()
    sun: SunForecast | None = None

    @property
    def grid_meter_serial(self) -> str | None:
        """Which meter the first choice at the grid is, once it was read: `MeterStatus.serial`."""
        grid = (status for status in self.meters if status.role is MeterRole.GRID)
        return next((status.serial for status in grid), None)
