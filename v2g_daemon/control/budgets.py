"""Budgets of a day: how often a charger may still be written to, and its contactor closed.

They bind what wants more power, never a decrease. A quarter of each is kept from the plan for the
trip, for people and for the connection.
"""

from __future__ import annotations

from v2g_daemon.control.dependable import static_safe_w
from v2g_daemon.control.situation import Situation
from v2g_daemon.control.wish import Wish
from v2g_daemon.domain.decision import DailyUse
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.policy import FailState, Policy
from v2g_daemon.domain.power import PowerRange
from v2g_daemon.domain.setpoint import Authority, Reason

KEPT_FROM_THE_PLAN = 4  # one part in so many
DAY_S = 86_400.0


def daily_use(situation: Situation) -> DailyUse:
    """What was used today, by the device's own count where it keeps one."""
    cadence, status, counters = situation.evse.cadence, situation.status, situation.told
    changes = 0 if counters is None else counters.changes_today
    writes = changes if status.writes_today is None else status.writes_today
    wears = cadence.writes_wear_flash or status.flash_writes_today is not None
    return DailyUse(
        writes_today=writes if status.flash_writes_today is None else status.flash_writes_today,
        writes_per_day=cadence.writes_per_day if wears else None,
        closings_today=0 if counters is None else counters.closings_today,
        closings_per_day=None if cadence.rests_closed else cadence.closings_per_day,
    )


def writes_left(situation: Situation, authority: Authority) -> int | None:
    """How many more writes a wish of this authority may cause today; None: any number."""
    use = daily_use(situation)
    return _left(use.writes_today, use.writes_per_day, authority)


def closings_left(situation: Situation, authority: Authority) -> int | None:
    """How many more times it may start a power from 0 W today; None: any number."""
    use = daily_use(situation)
    return _left(use.closings_today, use.closings_per_day, authority)


def day_left_s(situation: Situation, now: Instant) -> float:
    """Seconds until the budgets are whole again."""
    if situation.told is None:
        return DAY_S
    return max((situation.told.day_ends_utc - now.utc).total_seconds(), 0.0)


def held_back_by_budget(
    situation: Situation, wish: Wish, permitted: PowerRange, target_w: float
) -> Reason | None:
    """Why a wish that the limits permit does not get its power: a budget of today is used up."""
    authority, use = wish.reason.authority, daily_use(situation)
    wanted_w = permitted.clamp(wish.target_w)
    if abs(target_w) >= abs(wanted_w):
        return None
    if writes_left(situation, authority) == 0:
        rule, said = "write_budget", f"{use.writes_today} of {use.writes_per_day} writes"
    elif target_w == 0.0 and closings_left(situation, authority) == 0:
        rule = "closing_budget"
        said = f"{use.closings_today} of {use.closings_per_day} starts"
    else:
        return None
    kept = "" if authority > Authority.PLAN else "; the rest is kept for the trip and for people"
    detail = f"{said} of today are used{kept} (wanted {wish.target_w:.0f} W: {wish.reason.detail})"
    return Reason(authority=Authority.SITE, rule=rule, detail=detail)


def may_lapse(situation: Situation, wish: Wish, permitted: PowerRange, policy: Policy) -> bool:
    """Whether a car that budgets keep from charging is left to the station's own default.

    That needs no write and no start of ours: the lease ends, and the station charges by itself.
    """
    spent = 0 in (
        writes_left(situation, Authority.SAFETY),
        closings_left(situation, Authority.SAFETY),
    )
    safe_w = static_safe_w(situation.evse, policy.grid)
    return (
        spent
        and wish.target_w > 0.0
        and situation.evse.fail_state is FailState.CHARGES
        and safe_w >= situation.min_charge_w
        and permitted.contains(safe_w)
    )


def exhausted_budget(situation: Situation) -> str | None:
    """What a used-up budget means until midnight, and what would change it."""
    use = daily_use(situation)
    if writes_left(situation, Authority.SAFETY) == 0:
        return (
            f"all {use.writes_per_day} writes of today are used: until midnight the car charges at"
            " the static safe current and never discharges; raise charger.cadence.writes_per_day"
            " only if its maker says that the memory bears it"
        )
    if closings_left(situation, Authority.SAFETY) == 0:
        return (
            f"all {use.closings_per_day} starts of today are used: until midnight none is made, and"
            " a car that must charge does so by the station's own default; see what stops it so"
            " often"
        )
    for left, name, key in (
        (writes_left(situation, Authority.PLAN), "writes", "writes_per_day"),
        (closings_left(situation, Authority.PLAN), "starts", "closings_per_day"),
    ):
        if left == 0:
            return (
                f"the plan has used its part of today's {name}: until midnight only the trip,"
                f" people and the connection may cause more (charger.cadence.{key})"
            )
    return None


def _left(used: int, budget: int | None, authority: Authority) -> int | None:
    if budget is None:
        return None
    kept = -(-budget // KEPT_FROM_THE_PLAN) if authority <= Authority.PLAN else 0
    return max(budget - kept - used, 0)
