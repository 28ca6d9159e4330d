"""News: what the edges observed since the last tick, frozen once."""

from __future__ import annotations

from dataclasses import dataclass

from v2g_daemon.domain.faults import Fault
from v2g_daemon.domain.goals import CalendarDepartures, ToldDeparture, UserOverride
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.memory import LatchClearance
from v2g_daemon.domain.plan import Plan
from v2g_daemon.domain.prices import PriceCurve
from v2g_daemon.domain.quick import quick
from v2g_daemon.domain.readings import EvseStatus, MeterReading, MeterStatus
from v2g_daemon.domain.snapshot import CommissioningRecord, RecordingHealth, VehicleGoals
from v2g_daemon.domain.sun import SunForecast
from v2g_daemon.domain.vehicle import CarAnswer, VehicleFeedStatus


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """The newest of everything; `plans` holds at most one per EVSE, `failed_plans` EVSE ids.

    `goals` are those that a rehearsal tells, beside all others; `told` is the owner's word on when
    a car leaves, `calendars` what each calendar says. `faults` are what edge tasks find wrong by
    themselves; no decision looks at them.
    """

    now: Instant
    clock_trusted: bool
    meter: MeterReading | None
    pv_power_w: float | None
    evses: tuple[EvseStatus, ...]
    prices: PriceCurve | None
    plans: tuple[Plan, ...]
    failed_plans: tuple[str, ...]
    overrides: tuple[UserOverride, ...]
    commissioning: tuple[CommissioningRecord, ...]
    recording: RecordingHealth
    goals: tuple[VehicleGoals, ...] = ()
    cleared: tuple[LatchClearance, ...] = ()
    answers: tuple[CarAnswer, ...] = ()
    battery_power_w: float | None = None
    meters: tuple[MeterStatus, ...] = ()
    faults: tuple[Fault, ...] = ()
    vehicle_feeds: tuple[VehicleFeedStatus, ...] = ()
    told: tuple[ToldDeparture, ...] = ()
    calendars: tuple[CalendarDepartures, ...] = ()
    sun: SunForecast | None = None
