"""The ladder: what to want without orders from people or the trip, best rung first.

fresh plan > value function under 36 h > cheapest known slots to the goal > PV surplus (the trip is
charged from its latest safe start by `desire`) > charge at once. No discharge from the third on.
While a real-time market has yet to tell the price, a plan goes on as before, without an export.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from v2g_daemon.control.dispatch import dispatch
from v2g_daemon.control.grid import GridView
from v2g_daemon.control.moment import moment_of
from v2g_daemon.control.situation import Situation
from v2g_daemon.control.wish import Wish
from v2g_daemon.domain.instant import fresh
from v2g_daemon.domain.interval import wall_clock
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.prices import PriceCurve
from v2g_daemon.domain.setpoint import Authority, Reason
from v2g_daemon.domain.snapshot import Snapshot

USABLE_PLAN_S = 36.0 * 3600.0
SLOT_MARGIN = 1.1
# A gain of less is told as none.
EQUAL_MONEY = 0.0005


def fallback_wish(situation: Situation, grid: GridView, snapshot: Snapshot, policy: Policy) -> Wish:
    """The wish of the highest rung that can be stood on."""
    return (
        _by_plan(situation, grid, snapshot, policy)
        or _as_before(situation, snapshot)
        or _cheapest_slots(situation, snapshot, policy)
        or _pv_surplus(situation, grid, policy)
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
    moment = moment_of(situation, grid, snapshot, policy)
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
    gains = f" gains {choice.gain_money:.3f} until the next step"
    if choice.target_w > 0.0 and choice.gain_money < EQUAL_MONEY:
        gains = ", since it would cost as much later"
    detail = (
        f"{verb} at {slot.import_per_kwh:.3f} in / {slot.export_per_kwh:.3f} out"
        f" {prices.currency}/kWh{gains}{old}"
    )
    rule = "plan_charge" if choice.target_w > 0.0 else "plan_discharge"
    return Wish(target_w=choice.target_w, reason=_reason(rule, detail, Authority.PLAN))


def _as_before(situation: Situation, snapshot: Snapshot) -> Wish | None:
    """Between two prices of a real-time market a charger is not switched to and fro."""
    plan, prices, last = situation.plan, snapshot.prices, situation.memory.last
    if plan is None or prices is None or last is None or not snapshot.clock_trusted:
        return None
    known = fresh(plan.made_at, now=snapshot.now, max_age_s=USABLE_PLAN_S)
    if not known or not prices.awaited_at(snapshot.now.utc):
        return None
    detail = "the price of this interval is not told yet; going on as before"
    return Wish(target_w=last.target_w, reason=_reason("price_awaited", detail, Authority.PLAN))


def _cheapest_slots(situation: Situation, snapshot: Snapshot, policy: Policy) -> Wish | None:
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
                f" before {wall_clock(commute.goal.ready_by_utc, policy.timezone)}",
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


def _pv_surplus(situation: Situation, grid: GridView, policy: Policy) -> Wish | None:
    """Rung 4: no prices; take what would be exported, the trip's energy comes by itself."""
    if situation.commute is None or grid.served_load_w is None:
        return None
    surplus_w = max(-grid.served_load_w, 0.0)
    if surplus_w < situation.min_charge_w:
        latest_utc = situation.commute.latest_start_utc
        return Wish(
            target_w=0.0,
            reason=_reason(
                "waiting_without_prices",
                f"no prices; charging starts at {wall_clock(latest_utc, policy.timezone)}",
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
