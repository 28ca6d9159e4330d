"""The planner's question and answer: PlanProblem, Plan and ValueFunction.

Energies are what the pack holds (Wh); money is float in the curve's currency. A SoC-less session
is planned as a store whose capacity is the energy wanted, so that soc runs from 0 to 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from v2g_daemon.domain.budget import DischargeBudget
from v2g_daemon.domain.goals import UNMET_LATER_PER_KWH, DepartureGoal
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.interval import Interval
from v2g_daemon.domain.loss import LossCurve
from v2g_daemon.domain.prices import PriceCurve, PriceSlot
from v2g_daemon.domain.programs import AvailabilityPay, Commitment
from v2g_daemon.domain.quick import quick
from v2g_daemon.domain.sun import SunForecast


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRow:
    """Mean powers of one past quarter hour; `net_load_w` is load − PV without the EVSEs."""

    start_utc: datetime
    net_load_w: float
    pv_w: float | None = None


# The quarter hours known of one day, UTC, in order of time.
HistoryDay = tuple[HistoryRow, ...]


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class PastStay:
    """The car was plugged in from one moment to the other (None: it still is).

    `trip_wh` had left the pack since it was last plugged in; None where that is not known.
    """

    plugged_in_utc: datetime
    plugged_out_utc: datetime | None
    trip_wh: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """The pack (or the energy still wanted) behind one EVSE, as the planner sees it.

    `export_wear_per_kwh` out of the pack is what an export must earn on top of its wear.
    """

    soc: float
    capacity_wh: float
    soc_floor: float
    soc_ceiling: float
    taper_above_soc: float
    max_charge_w: float
    max_discharge_w: float
    min_charge_w: float
    min_discharge_w: float
    loss: LossCurve
    wear_cost_per_kwh_discharged: float
    export_wear_per_kwh: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedPower:
    """What an EVSE means to take (+) or give (−), AC W, in the mean of an interval."""

    interval: Interval
    power_w: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanProblem:
    """All the planner may know; self-contained, so that it crosses a pipe.

    `history` holds a quarter hour at most once, in order of time.
    `stays` teach when this car leaves and returns (none: it stays but for its goals);
    `unmet_later_per_kwh` prices a kWh missing for a trip that nobody told of. PV beyond an export
    of `pv_throttled_above_w`, or while exports cost money, is not produced (None: all of it is).
    `past_prices` teach what a real-time market asks and pays; there only, in time order.
    `budgets` bound the car's discharge beyond the horizon. `beside` is what each of the other EVSEs
    plans; where it says nothing, that one rests. Under a demand charge goals are reached
    `done_early_s` before their time, when the house would charge for them at full power. `sun` is
    what a weather service told of late, and where the house is (None: PV is as on the past days).
    Of `commitments` that overlap, the one told first has the energy first.
    """

    asked_at: Instant
    evse_id: str
    vehicle_id: str | None
    timezone: str
    start_utc: datetime
    step_s: tuple[int, ...]
    plugged_in: bool
    store: Store
    goals: tuple[DepartureGoal, ...]
    prices: PriceCurve
    history: tuple[HistoryDay, ...]
    current_net_load_w: float | None
    import_limit_w: float
    export_limit_w: float
    daily_export_wh: float
    exported_today_wh: float
    cycle_margin_per_kwh: float
    unmet_goal_per_kwh: float
    may_export: bool
    stays: tuple[PastStay, ...] = ()
    unmet_later_per_kwh: float = UNMET_LATER_PER_KWH
    current_pv_w: float | None = None
    pv_throttled_above_w: float | None = None
    past_prices: tuple[PriceSlot, ...] = ()
    budgets: tuple[DischargeBudget, ...] = ()
    beside: tuple[tuple[PlannedPower, ...], ...] = ()
    done_early_s: float = 0.0
    sun: SunForecast | None = None
    commitments: tuple[Commitment, ...] = ()
    availability: tuple[AvailabilityPay, ...] = ()

    def __post_init__(self) -> None:
        if len(self.step_s) == 0 or min(self.step_s) <= 0:
            raise ValueError("a plan needs at least one step, and each must last")


@dataclass(frozen=True, slots=True, kw_only=True)
class StayWorth:
    """What being plugged in from here to the next departure brings, over standing there unplugged.

    Money of energy, wear and grid programs alone, over the likely SoC that the car may stand with;
    what the next trip would lack without it is told beside, for the likeliest of them.
    """

    low_money: float
    likely_money: float
    high_money: float
    lacking_wh: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSlot:
    """What the plan expects to do in one step; `soc` is at the end of the step.

    `plugged_in`: whether the car is likelier here than away; `stay` is what that is worth. `pv_w`:
    the PV expected (None: nobody meters it).
    """

    interval: Interval
    power_w: float
    soc: float
    net_load_w: float
    import_per_kwh: float
    export_per_kwh: float
    price_is_forecast: bool
    plugged_in: bool = True
    stay: StayWorth | None = None
    pv_w: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueFunction:
    """rows[k][j]: money still to be gained from the start of step k at soc_grid[j]; k = 0..n.

    An advice tells the first steps of its plan only.
    """

    start_utc: datetime
    step_s: tuple[int, ...]
    soc_grid: tuple[float, ...]
    rows: tuple[tuple[float, ...], ...]

    def __post_init__(self) -> None:
        if len(self.rows) != len(self.step_s) + 1:
            raise ValueError(f"{len(self.step_s)} steps need one row more, not {len(self.rows)}")
        if any(len(row) != len(self.soc_grid) for row in self.rows):
            raise ValueError("every row needs a value for each SoC of the grid")
        if any(a >= b for a, b in zip(self.soc_grid, self.soc_grid[1:], strict=False)):
            raise ValueError("the SoC grid must rise")


@dataclass(frozen=True, slots=True, kw_only=True)
class PeakCap:
    """The import that a plan keeps to for a demand charge, in the steps in which that counts.

    A wish, no limit: a kWh above it is priced, at less than one that a trip would miss.
    """

    name: str
    cap_w: float
    over_per_kwh: float
    counts: tuple[bool, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Advisory: slots to show, the value function to dispatch by.

    `export_shadow_per_kwh[k]` prices the daily export depth in step k; `budget_per_kwh` out of the
    EVSE and `budget_per_h` of discharging price the budgets that outlast the horizon. `told_money`:
    what it would be worth to know when the car leaves next, which nobody told; `largest_trip_wh`:
    the most that one of its last trips took. None: there is nothing to learn.
    """

    plan_id: str
    evse_id: str
    vehicle_id: str | None
    made_at: Instant
    slots: tuple[PlanSlot, ...]
    value: ValueFunction
    export_shadow_per_kwh: tuple[float, ...]
    expected_cost: float
    missed_wh: float
    summary: str
    told_money: float | None = None
    largest_trip_wh: float | None = None
    covered_share: float | None = None
    budget_per_kwh: float = 0.0
    budget_per_h: float = 0.0
    peak_caps: tuple[PeakCap, ...] = ()
