"""The ladder: what to want without orders from people or the trip, best rung first.

fresh plan > value function under 36 h > cheapest known slots to the goal > PV surplus (the trip is
charged from its latest safe start by `desire`) > charge at once. No discharge from the third on.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from v2g_daemon.control.commute import energy_wanted_wh
from v2g_daemon.control.dispatch import Moment, dispatch, step_at
from v2g_daemon.control.grid import GridView
from v2g_daemon.control.site_limits import exportable_w
from v2g_daemon.control.situation import Situation
from v2g_daemon.control.wish import Wish
from v2g_daemon.domain.instant import fresh
from v2g_daemon.domain.policy import Policy, Stage
from v2g_daemon.domain.prices import PriceCurve
from v2g_daemon.domain.setpoint import Authority, Reason
from v2g_daemon.domain.snapshot import Snapshot
from v2g_daemon.domain.vehicle import Vehicle

USABLE_PLAN_S = 36.0 * 3600.0
SLOT_MARGIN = 1.1
LEAST_STORE_WH = 1.0


def fallback_wish(situation: Situation, grid: GridView, snapshot: Snapshot, policy: Policy) -> Wish:
    """The wish of the highest rung that can be stood on."""
    return (
        _by_plan(situation, grid, snapshot, policy)
        or _cheapest_slots(situation, snapshot)
        or _pv_surplus(situation, grid)
        or _at_once(situation)
    )


def _by_plan(
    situation: Situation, grid: GridView, snapshot: Snapshot, policy: Policy
) -> Wish | None:
    """Rungs 1 and 2: dispatch against the value function at the actual price."""
    plan, prices = situation.plan, snapshot.prices
    if plan is None or prices is None or not snapshot.clock_trusted:
        return None
    slot = prices.at(snapshot.now.utc)
    if slot is None or not fresh(plan.made_at, now=snapshot.now, max_age_s=USABLE_PLAN_S):
        return None
    moment = _moment(situation, grid, snapshot, policy)
    if moment is None:
        return None
    choice = dispatch(plan, moment)
    if choice is None:
        return None
    age_s = snapshot.now.seconds_since(plan.made_at)
    old = "" if age_s <= policy.timing.stale_plan_s else f" (plan is {age_s / 3600.0:.0f} h old)"
    if choice.target_w == 0.0:
        return Wish(
            target_w=0.0,
            reason=_reason("plan_idle", f"{plan.summary}{old}", Authority.PLAN),
        )
    verb = "charging" if choice.target_w > 0.0 else "discharging"
    detail = (
        f"{verb} at {slot.import_per_kwh:.3f} in / {slot.export_per_kwh:.3f} out"
        f" {prices.currency}/kWh gains {choice.gain_money:.3f} until the next step{old}"
    )
    rule = "plan_charge" if choice.target_w > 0.0 else "plan_discharge"
    return Wish(target_w=choice.target_w, reason=_reason(rule, detail, Authority.PLAN))


def _moment(
    situation: Situation, grid: GridView, snapshot: Snapshot, policy: Policy
) -> Moment | None:
    """The moment as dispatch prices it; None while price or load are unknown."""
    plan, prices = situation.plan, snapshot.prices
    vehicle = situation.vehicle
    if plan is None or prices is None or vehicle is None:
        return None
    slot, net_load_w = prices.at(snapshot.now.utc), grid.served_load_w
    if net_load_w is None:
        net_load_w = _forecast_net_load_w(situation, snapshot)
    if slot is None or net_load_w is None:
        return None
    soc, capacity_wh, floor, ceiling = _store(situation, vehicle)
    last = situation.memory.last
    return Moment(
        now_utc=snapshot.now.utc,
        net_load_w=net_load_w,
        import_per_kwh=slot.import_per_kwh,
        export_per_kwh=slot.export_per_kwh,
        soc=soc,
        capacity_wh=capacity_wh,
        soc_floor=floor,
        soc_ceiling=ceiling,
        max_charge_w=situation.max_charge_w,
        max_discharge_w=_dischargeable_w(situation, net_load_w, snapshot, policy),
        min_charge_w=situation.min_charge_w,
        min_discharge_w=situation.min_discharge_w,
        loss=situation.evse.loss,
        wear_and_margin_per_kwh=vehicle.wear_cost_per_kwh_discharged
        + policy.economics.margin_per_kwh,
        last_target_w=0.0 if last is None else last.target_w,
        pv_throttled_above_w=policy.grid.export_limit_w if policy.grid.throttles_pv else None,
    )


def _store(situation: Situation, vehicle: Vehicle) -> tuple[float, float, float, float]:
    """SoC, capacity (Wh), floor and ceiling; without a SoC the store is the energy wanted."""
    estimate = situation.estimate
    if estimate is not None:
        return estimate.low, vehicle.capacity_wh, vehicle.soc_floor, situation.soc_ceiling
    goal = situation.goals[0] if situation.goals else None
    wanted_wh = energy_wanted_wh(goal, vehicle)
    if situation.charged_wh >= wanted_wh:
        return 1.0, max(wanted_wh, LEAST_STORE_WH), 0.0, 1.0
    return situation.charged_wh / wanted_wh, wanted_wh, 0.0, 1.0


def _dischargeable_w(
    situation: Situation, net_load_w: float, snapshot: Snapshot, policy: Policy
) -> float:
    """What can be discharged without passing the export limit; limits check it again."""
    if situation.estimate is None or situation.stage < Stage.V2H:
        return 0.0
    room_w = max(net_load_w + exportable_w((situation,), snapshot, policy), 0.0)
    return min(situation.max_discharge_w, room_w)


def _forecast_net_load_w(situation: Situation, snapshot: Snapshot) -> float | None:
    """Without a meter value the plan's own expectation has to do."""
    plan = situation.plan
    step = None if plan is None else step_at(plan.value, snapshot.now.utc)
    if plan is None or step is None or step[0] >= len(plan.slots):
        return None
    return plan.slots[step[0]].net_load_w


def _cheapest_slots(situation: Situation, snapshot: Snapshot) -> Wish | None:
    """Rung 3: the cheapest known slots that still reach the goal; charge only."""
    commute, prices = situation.commute, snapshot.prices
    if commute is None or prices is None or not snapshot.clock_trusted:
        return None
    current = prices.at(snapshot.now.utc)
    if current is None:
        return None
    if not commute.unmet:
        return Wish(
            target_w=0.0,
            reason=_reason("goal_met", "no plan; the next trip has its energy"),
        )
    threshold = _dearest_needed(
        prices, snapshot.now.utc, commute.goal.ready_by_utc, commute.charge_time_s * SLOT_MARGIN
    )
    if current.import_per_kwh <= threshold:
        return Wish(
            target_w=situation.max_charge_w,
            reason=_reason(
                "cheapest_slots",
                f"no plan; {current.import_per_kwh:.3f} is among the cheapest known prices"
                f" before {commute.goal.ready_by_utc:%H:%M} UTC",
            ),
        )
    return Wish(
        target_w=0.0,
        reason=_reason(
            "cheapest_slots", f"no plan; waiting for a price of {threshold:.3f} or less"
        ),
    )


def _dearest_needed(
    prices: PriceCurve, now_utc: datetime, ready_by_utc: datetime, needed_s: float
) -> float:
    """The highest price among the cheapest slots that together last `needed_s`."""
    ahead = sorted(
        (
            slot
            for slot in prices.slots
            if slot.interval.end_utc > now_utc and slot.interval.start_utc < ready_by_utc
        ),
        key=lambda slot: (slot.import_per_kwh, slot.interval.start_utc),
    )
    left = timedelta(seconds=needed_s)
    threshold = float("-inf")
    for slot in ahead:
        if left <= timedelta(0):
            break
        threshold = slot.import_per_kwh
        left -= min(slot.interval.end_utc, ready_by_utc) - max(slot.interval.start_utc, now_utc)
    return threshold


def _pv_surplus(situation: Situation, grid: GridView) -> Wish | None:
    """Rung 4: no prices; take what would be exported, the trip's energy comes by itself."""
    if situation.commute is None or grid.served_load_w is None:
        return None
    surplus_w = max(-grid.served_load_w, 0.0)
    if surplus_w < situation.min_charge_w:
        return Wish(
            target_w=0.0,
            reason=_reason(
                "waiting_without_prices",
                f"no prices; charging starts at {situation.commute.latest_start_utc:%H:%M} UTC",
            ),
        )
    return Wish(
        target_w=min(surplus_w, situation.max_charge_w),
        reason=_reason("pv_surplus", f"no prices; {surplus_w:.0f} W would be exported"),
    )


def _at_once(situation: Situation) -> Wish:
    """Last rung: nobody knows when this car leaves, so it charges now, to its ceiling."""
    who = "a guest's car" if situation.vehicle is None else "no departure is known, so the car"
    return Wish(
        target_w=situation.max_charge_w,
        reason=_reason("charge_at_once", f"{who} charges at once"),
    )


def _reason(rule: str, detail: str, authority: Authority = Authority.FALLBACK) -> Reason:
    return Reason(authority=authority, rule=rule, detail=detail)
