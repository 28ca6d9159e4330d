"""The trip: what it still needs, from when on it must charge, and what must stay in the pack."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from v2g_daemon.battery.losses import pack_power_w
from v2g_daemon.battery.taper import accepted_share
from v2g_daemon.control.soc import SocEstimate
from v2g_daemon.domain.goals import DepartureGoal
from v2g_daemon.domain.policy import EvsePolicy, FailState, Policy
from v2g_daemon.domain.quick import quick
from v2g_daemon.domain.snapshot import Snapshot
from v2g_daemon.domain.vehicle import Vehicle

DERATING = 0.9
TAPER_SLICES = 6
LEAST_PACK_W = 1.0
LONGEST_CHARGE_S = 30.0 * 86400.0
START_MARGIN_S = 300.0
IDLE_FAIL_STATE_EARLIER_S = 7200.0


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Commute:
    """The next departure and its needs; energies on the pack side, Wh.

    `slack_s` is the time left before the latest safe start; `reserve_soc` is what must not be
    discharged now: the goal less what can still be charged, everything for a goal in energy.
    """

    goal: DepartureGoal
    unmet: bool
    needed_wh: float
    charge_time_s: float
    latest_start_utc: datetime
    slack_s: float
    shortfall_wh: float
    reserve_soc: float

    @property
    def urgent(self) -> bool:
        """Whether the latest safe start has come and something is missing."""
        return self.unmet and self.slack_s <= 0.0


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEnergy:
    """What this plug-in has brought: the AC energy so far, and whether the car ended it."""

    charged_wh: float
    car_full: bool


def commute_of(
    *,
    goals: tuple[DepartureGoal, ...],
    vehicle: Vehicle | None,
    estimate: SocEstimate | None,
    evse: EvsePolicy,
    max_charge_w: float,
    session: SessionEnergy,
    snapshot: Snapshot,
    policy: Policy,
) -> Commute | None:
    """The needs of the first goal ahead; None without goal or car."""
    if vehicle is None or not goals:
        return None
    goal = goals[0]
    pack_w = _derated_pack_w(max_charge_w, evse)
    needed_wh, unmet = _needed_wh(goal, vehicle, estimate, session)
    taper_s = _taper_time_s(goal, vehicle, estimate, evse, max_charge_w)
    charge_time_s = min(needed_wh / pack_w * 3600.0 + taper_s, LONGEST_CHARGE_S)
    margin_s = _margin_s(charge_time_s, evse, policy)
    left_s = (goal.ready_by_utc - snapshot.now.utc).total_seconds()
    slack_s = left_s - charge_time_s - margin_s
    chargeable_wh = max(left_s - margin_s - taper_s, 0.0) * pack_w / 3600.0
    reserve_soc = 1.0
    if goal.soc is not None:
        reserve_soc = goal.soc - chargeable_wh / vehicle.capacity_wh
    return Commute(
        goal=goal,
        unmet=unmet,
        needed_wh=needed_wh,
        charge_time_s=charge_time_s,
        latest_start_utc=goal.ready_by_utc - timedelta(seconds=charge_time_s + margin_s),
        slack_s=slack_s,
        shortfall_wh=max(needed_wh - max(left_s, 0.0) * pack_w / DERATING / 3600.0, 0.0),
        reserve_soc=reserve_soc,
    )


def energy_wanted_wh(goal: DepartureGoal | None, vehicle: Vehicle) -> float:
    """Without a SoC a goal is an energy: the goal's own, or what this driver usually takes."""
    if goal is not None and goal.energy_wh is not None:
        return goal.energy_wh
    return vehicle.usual_energy_wh


def done_early_s(evse: EvsePolicy, policy: Policy) -> float:
    """How long before a departure all is done; where a charger idles without us, two hours."""
    early_s = START_MARGIN_S + 2.0 * policy.timing.tick_s
    if evse.fail_state is FailState.IDLES:
        early_s += IDLE_FAIL_STATE_EARLIER_S
    return early_s


def _needed_wh(
    goal: DepartureGoal,
    vehicle: Vehicle,
    estimate: SocEstimate | None,
    session: SessionEnergy,
) -> tuple[float, bool]:
    """Pack energy still needed, the worst assumed, and whether the goal is unmet.

    A goal in energy is met as well once the car has stopped drawing by itself.
    """
    if estimate is None or goal.soc is None:
        if session.car_full:
            return 0.0, False
        needed_wh = max(energy_wanted_wh(goal, vehicle) - session.charged_wh, 0.0)
        return needed_wh, needed_wh > 0.0
    needed_wh = max(goal.soc - estimate.low, 0.0) * vehicle.capacity_wh
    return needed_wh, estimate.low < min(goal.soc, 1.0 - estimate.sigma)


def _margin_s(charge_time_s: float, evse: EvsePolicy, policy: Policy) -> float:
    """What is kept in hand."""
    return charge_time_s * policy.commute_margin_fraction + done_early_s(evse, policy)


def _derated_pack_w(max_charge_w: float, evse: EvsePolicy) -> float:
    return max(pack_power_w(DERATING * max_charge_w, evse.loss), LEAST_PACK_W)


def _taper_time_s(
    goal: DepartureGoal,
    vehicle: Vehicle,
    estimate: SocEstimate | None,
    evse: EvsePolicy,
    max_charge_w: float,
) -> float:
    """Extra time above the taper, in slices that each charge as slowly as at their upper end."""
    if goal.soc is None or estimate is None or goal.soc <= vehicle.taper_above_soc:
        return 0.0
    start_soc = max(estimate.low, vehicle.taper_above_soc)
    slice_soc = max(goal.soc - start_soc, 0.0) / TAPER_SLICES
    slice_wh = slice_soc * vehicle.capacity_wh
    nominal_s = slice_wh / _derated_pack_w(max_charge_w, evse) * 3600.0
    extra_s = 0.0
    for index in range(TAPER_SLICES):
        share = accepted_share(start_soc + slice_soc * (index + 1), vehicle.taper_above_soc)
        slow_w = _derated_pack_w(max_charge_w * share, evse)
        extra_s += slice_wh / slow_w * 3600.0 - nominal_s
    return extra_s
