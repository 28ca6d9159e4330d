"""The trip: what it still needs, from when on it must charge, and what must stay in the pack."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from v2g_daemon.battery.losses import pack_power_w
from v2g_daemon.control.soc import SocEstimate
from v2g_daemon.domain.goals import DepartureGoal
from v2g_daemon.domain.policy import EvsePolicy, FailState, Policy
from v2g_daemon.domain.snapshot import Snapshot
from v2g_daemon.domain.vehicle import Vehicle

DERATING = 0.9
TAPERED_SHARE = 0.5
START_MARGIN_S = 300.0
IDLE_FAIL_STATE_EARLIER_S = 7200.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Commute:
    """The next departure and its needs; energies on the pack side, Wh.

    `reserve_soc` is what must not be discharged now: the goal less what can still be charged.
    """

    goal: DepartureGoal
    unmet: bool
    needed_wh: float
    charge_time_s: float
    latest_start_utc: datetime
    urgent: bool
    shortfall_wh: float
    reserve_soc: float


def commute_of(
    *,
    goals: tuple[DepartureGoal, ...],
    vehicle: Vehicle | None,
    estimate: SocEstimate | None,
    evse: EvsePolicy,
    max_charge_w: float,
    charged_wh: float,
    snapshot: Snapshot,
    policy: Policy,
) -> Commute | None:
    """The needs of the first goal ahead; None without goal or car."""
    if vehicle is None or not goals:
        return None
    goal = goals[0]
    pack_w = max(pack_power_w(DERATING * max_charge_w, evse.loss), 1.0)
    needed_wh, unmet = _needed_wh(goal, vehicle, estimate, charged_wh)
    charge_time_s = needed_wh / pack_w * 3600.0
    if goal.soc is not None and estimate is not None:
        charge_time_s += _taper_time_s(goal.soc, estimate.low, vehicle, pack_w)
    margin_s = charge_time_s * policy.commute_margin_fraction + START_MARGIN_S + 2.0 * policy.timing.tick_s
    if evse.fail_state is FailState.IDLES:
        margin_s += IDLE_FAIL_STATE_EARLIER_S
    left_s = (goal.ready_by_utc - snapshot.now.utc).total_seconds()
    chargeable_wh = max(left_s - margin_s, 0.0) * pack_w / 3600.0
    target_soc = goal.soc if goal.soc is not None else 1.0
    return Commute(
        goal=goal,
        unmet=unmet,
        needed_wh=needed_wh,
        charge_time_s=charge_time_s,
        latest_start_utc=goal.ready_by_utc - timedelta(seconds=charge_time_s + margin_s),
        urgent=unmet and left_s <= charge_time_s + margin_s,
        shortfall_wh=max(needed_wh - max(left_s, 0.0) * pack_w / DERATING / 3600.0, 0.0),
        reserve_soc=target_soc - chargeable_wh / vehicle.capacity_wh,
    )


def energy_wanted_wh(goal: DepartureGoal | None, vehicle: Vehicle) -> float:
    """Without a SoC a goal is an energy: the goal's own, or what this driver usually takes."""
    if goal is not None and goal.energy_wh is not None:
        return goal.energy_wh
    return vehicle.usual_energy_wh


def _needed_wh(
    goal: DepartureGoal, vehicle: Vehicle, estimate: SocEstimate | None, charged_wh: float
) -> tuple[float, bool]:
    """Pack energy still needed, the worst assumed, and whether the goal is unmet."""
    if estimate is None or goal.soc is None:
        needed_wh = max(energy_wanted_wh(goal, vehicle) - charged_wh, 0.0)
        return needed_wh, needed_wh > 0.0
    needed_wh = max(goal.soc - estimate.low, 0.0) * vehicle.capacity_wh
    return needed_wh, estimate.low < min(goal.soc, 1.0 - estimate.sigma)


def _taper_time_s(target: float, low: float, vehicle: Vehicle, pack_w: float) -> float:
    """Extra time for the part of the pack above the taper, charged at half power."""
    tapered = max(target - max(low, vehicle.taper_above_soc), 0.0)
    return tapered * vehicle.capacity_wh / (pack_w * TAPERED_SHARE) * 3600.0 * (1.0 - TAPERED_SHARE)
