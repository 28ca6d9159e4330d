"""The house's rules, as configured: what `decide` obeys beside the snapshot."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, time
from enum import Enum, IntEnum
from zoneinfo import ZoneInfo

from v2g_daemon.domain.billing_meter import BillingMeter, Netting
from v2g_daemon.domain.goals import UNMET_LATER_PER_KWH, WeeklySchedule
from v2g_daemon.domain.loss import LossCurve
from v2g_daemon.domain.vehicle import Vehicle


class Stage(IntEnum):
    """How far the house may go; each stage contains the ones before it."""

    WATCH = 0
    V1G = 1
    V2H = 2
    V2G = 3


class ExportPolicy(Enum):
    """Whether energy from the car may cross the PCC."""

    NEVER = "never"
    ALLOWED = "allowed"


class FailState(Enum):
    """What the charger does when the daemon is gone."""

    CHARGES = "charges"
    IDLES = "idles"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Ages and leases in (simulated) seconds; in time-lapse none is shorter than its ticks.

    `first_discharge_s`: how long a session's discharge must flow to be believed (0: it always is).
    `countercheck_s`: how long the PCC is asked about each step of a discharge (0: it is not).
    `renew_plan_s`: a plan is asked for anew after so long, news or not.
    """

    tick_s: float
    meter_max_age_s: float
    meter_no_increase_age_s: float
    meter_recovery_s: float
    evse_max_age_s: float
    discharge_lease_s: float
    safe_charge_lease_s: float
    idle_lease_s: float
    recording_max_age_s: float
    follow_within_s: float
    first_discharge_s: float = 30.0
    countercheck_s: float = 20.0
    renew_plan_s: float = 3600.0

    @property
    def stale_plan_s(self) -> float:
        """The age from which a plan is told to be old: its renewal has failed once."""
        return 2.0 * self.renew_plan_s


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportWindow:
    """A daily span of local wall time, maybe over midnight, in which less may be exported."""

    starts_at: time
    ends_at: time
    export_limit_w: float

    def holds_at(self, wall: time) -> bool:
        """Whether the wall time lies in [starts_at, ends_at)."""
        if self.starts_at <= self.ends_at:
            return self.starts_at <= wall < self.ends_at
        return wall >= self.starts_at or wall < self.ends_at


@dataclass(frozen=True, slots=True, kw_only=True)
class GridConnection:
    """The PCC; `export_limit_w` None means unknown, which permits no export.

    `export_limit_per_phase_w` None: the agreement counts the sum of the phases only.
    `margin_w`, or `margin_share` of a bound where that is more, is kept between it and the power
    aimed at.
    `meter_netting` is how our own meter's registers count. `throttles_pv`: the inverter keeps the
    export limit by itself, and exports nothing while that costs money.
    """

    phases: int
    nominal_voltage_v: float
    main_fuse_a: float
    largest_other_load_a: float
    has_meter: bool
    import_limit_w: float | None
    export_limit_w: float | None
    max_phase_imbalance_w: float | None
    grid_operator_import_w: float | None
    export_limit_per_phase_w: float | None = None
    export_windows: tuple[ExportWindow, ...] = ()
    margin_w: float = 100.0
    margin_share: float = 0.02
    meter_netting: Netting = Netting.SUM
    billing_meter: BillingMeter = field(default_factory=BillingMeter)
    throttles_pv: bool = False

    def margin_to_w(self, bound_w: float) -> float:
        """What is kept between a bound at the PCC and the power aimed at."""
        return max(self.margin_w, self.margin_share * bound_w)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cadence:
    """How often a charger may be bothered: steps, dwell, ramps and the budgets of a local day.

    `smallest_change_a` counts where a bound is told to the car as a current. `writes_wear_flash`:
    each new setpoint wears the charger's memory. `rests_closed`: its contactor stays closed at 0 W.
    `wanted_for_s`: a plan raises the power only to what was wanted for so long.
    """

    smallest_change_w: float
    smallest_change_a: float
    between_increases_s: float
    dwell_on_s: float
    dwell_off_s: float
    ramp_up_w_per_s: float
    closings_per_day: int
    writes_per_day: int
    writes_wear_flash: bool
    rests_closed: bool
    wanted_for_s: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EvsePolicy:
    """One EVSE as installed; powers are positive magnitudes in AC W.

    `connected_phase` (1..3, as the meter counts them) matters where `phases` is 1.
    """

    evse_id: str
    phases: int
    static_safe_current_a: float
    max_charge_w: float
    max_discharge_w: float
    min_charge_w: float
    min_discharge_w: float
    loss: LossCurve
    fail_state: FailState
    soc_needs_power: bool
    cadence: Cadence
    connected_phase: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Economics:
    """What makes an action worth its while; prices are money per kWh or t, as their names say.

    `unmet_goal_per_kwh` is for a departure that was told, `unmet_later_per_kwh` for one that is
    only to be expected. Hints to people are shown from `hint_from_money` on.
    Energy of the car that crosses the PCC must earn its wear `export_wear_factor` times. A tonne of
    carbon counts `carbon_price_per_t` where the grid's factors are told: in rehearsals.
    """

    currency: str
    margin_per_kwh: float
    unmet_goal_per_kwh: float
    unmet_later_per_kwh: float = UNMET_LATER_PER_KWH
    hint_from_money: float = 0.25
    export_wear_factor: float = 1.0
    carbon_price_per_t: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportDepth:
    """Daily export depth, noon to noon local: min(EVSE discharge, PCC export)."""

    energy_wh: float
    share_of_pack: float
    cycles_per_month: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """All rules of the house; changes only with the configuration."""

    timezone: str
    stage_wanted: Stage
    export_policy: ExportPolicy
    timing: Timing
    grid: GridConnection
    evses: tuple[EvsePolicy, ...]
    vehicles: tuple[Vehicle, ...]
    schedule: WeeklySchedule
    economics: Economics
    export_depth: ExportDepth
    commute_margin_fraction: float

    def export_limit_at_w(self, now_utc: datetime) -> float | None:
        """The export limit of the moment: the lowest of the standing one and the windows'."""
        limit_w = self.grid.export_limit_w
        if limit_w is None or not self.grid.export_windows:
            return limit_w
        wall = now_utc.astimezone(ZoneInfo(self.timezone)).time()
        for window in self.grid.export_windows:
            if window.holds_at(wall):
                limit_w = min(limit_w, window.export_limit_w)
        return limit_w

    def evse(self, evse_id: str) -> EvsePolicy:
        """The policy of one EVSE; KeyError if it is not configured."""
        for evse in self.evses:
            if evse.evse_id == evse_id:
                return evse
        raise KeyError(evse_id)

    def vehicle(self, vehicle_id: str) -> Vehicle:
        """The configured vehicle; KeyError if there is none."""
        for vehicle in self.vehicles:
            if vehicle.vehicle_id == vehicle_id:
                return vehicle
        raise KeyError(vehicle_id)
