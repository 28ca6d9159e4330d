"""Budgets of a day: how often a charger may still be written to, and its contactor closed.

They bind what wants more power, never a decrease. A quarter of each is kept from the plan for the
trip, for people and for the connection.
"""

from __future__ import annotations

from v2g_daemon.control.wish import Wish
from v2g_daemon.domain.decision import DailyUse
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.policy import Cadence
from v2g_daemon.domain.power import PowerRange
from v2g_daemon.domain.readings import EvseStatus
from v2g_daemon.domain.setpoint import Authority, Reason
from v2g_daemon.domain.snapshot import CommandCounters

KEPT_FROM_THE_PLAN = 4  # one part in so many
DAY_S = 86_400.0
PARTS_AHEAD = 8.0


def daily_use(cadence: Cadence, status: EvseStatus, told: CommandCounters | None) -> DailyUse:
    """What was used today, by the device's own count where it keeps one."""
    changes = 0 if told is None else told.changes_today
    writes = changes if status.writes_today is None else status.writes_today
    wears = cadence.writes_wear_flash or status.flash_writes_today is not None
    return DailyUse(
        writes_today=writes if status.flash_writes_today is None else status.flash_writes_today,
        writes_per_day=cadence.writes_per_day if wears else None,
        closings_today=0 if told is None else told.closings_today,
        closings_per_day=None if cadence.rests_closed else cadence.closings_per_day,
    )


def writes_left(use: DailyUse, authority: Authority) -> int | None:
    """How many more writes a wish of this authority may cause today; None: any number."""
    return _left(use.writes_today, use.writes_per_day, authority)


def closings_left(use: DailyUse, authority: Authority) -> int | None:
    """How many more times it may start a power from 0 W today; None: any number."""
    return _left(use.closings_today, use.closings_per_day, authority)


def spread_s(use: DailyUse, told: CommandCounters | None, now: Instant) -> float:
    """How long a plan's increases wait for each other so that its writes last the day.

    0 s while they keep step with the day, a few ahead: most devices are not written to so often.
    Each increase is followed by a decrease sooner or later, so it counts as two.
    """
    left = writes_left(use, Authority.PLAN)
    if left is None or left == 0 or told is None:
        return 0.0
    day_left_s = min(max((told.day_ends_utc - now.utc).total_seconds(), 0.0), DAY_S)
    part = use.writes_today + left
    due = part * (1.0 - day_left_s / DAY_S) + part / PARTS_AHEAD
    return 0.0 if use.writes_today <= due else 2.0 * day_left_s / left


def held_back_by_budget(
    use: DailyUse, wish: Wish, permitted: PowerRange, target_w: float
) -> Reason | None:
    """Why a wish that the limits permit does not get its power: a budget of today is used up."""
    authority = wish.reason.authority
    wanted_w = permitted.clamp(wish.target_w)
    if abs(target_w) >= abs(wanted_w):
        return None
    if writes_left(use, authority) == 0:
        rule, said = "write_budget", f"{use.writes_today} of {use.writes_per_day} writes"
    elif target_w == 0.0 and closings_left(use, authority) == 0:
        rule = "closing_budget"
        said = f"{use.closings_today} of {use.closings_per_day} closings"
    else:
        return None
    kept = "" if authority > Authority.PLAN else "; the rest is kept for the trip and for people"
    detail = f"{said} of today are used{kept} (wanted {wish.target_w:.0f} W: {wish.reason.detail})"
    return Reason(authority=Authority.SITE, rule=rule, detail=detail)


def exhausted_budget(use: DailyUse) -> str | None:
    """What a used-up budget means until midnight, and what would change it."""
    if writes_left(use, Authority.SAFETY) == 0:
        return (
            f"all {use.writes_per_day} writes of today are used: until midnight the car charges at"
            " the static safe current and never discharges; raise charger.cadence.writes_per_day"
            " only if its maker says that the memory bears it"
        )
    if closings_left(use, Authority.SAFETY) == 0:
        return (
            f"all {use.closings_per_day} closings of today are used: until midnight nothing is"
            " started from 0 W, and a car that must charge does so by the station's own default;"
            " see what stops it so often"
        )
    for left, name, key in (
        (writes_left(use, Authority.PLAN), "writes", "writes_per_day"),
        (closings_left(use, Authority.PLAN), "closings", "closings_per_day"),
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
