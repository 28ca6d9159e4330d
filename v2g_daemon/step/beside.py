"""What the EVSEs of a house mean to do beside each other, and whether that is other than it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from v2g_daemon.domain.instant import fresh
from v2g_daemon.domain.plan import Plan, PlannedPower
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.snapshot import Snapshot

Courses = tuple[tuple[PlannedPower, ...], ...]
# What others mean to do differently is news from so much energy on.
MOVED_WH = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What a question was asked beside, and how often plans have answered each other since news.

    `plan_ids` are the plans of the others, seen so far; `courses` what they meant to do when asked.
    """

    plan_ids: tuple[str, ...] = ()
    courses: Courses = ()
    replies: int = 0


def plans_beside(evse_id: str, snapshot: Snapshot, policy: Policy) -> tuple[Plan, ...]:
    """The plans of the other EVSEs that hold a car, but for those that are stale."""
    if len(snapshot.evses) == 1:
        return ()
    now, plugged = snapshot.now, {one.evse_id for one in snapshot.evses if one.plugged_in}
    return tuple(
        plan
        for plan in snapshot.plans
        if plan.evse_id != evse_id
        and plan.evse_id in plugged
        and fresh(plan.made_at, now=now, max_age_s=policy.timing.stale_plan_s)
    )


def courses_of(plans: Sequence[Plan], now_utc: datetime) -> Courses:
    """What they mean to do from now on."""
    return tuple(
        tuple(
            PlannedPower(interval=slot.interval, power_w=slot.power_w)
            for slot in plan.slots
            if slot.power_w != 0.0 and slot.interval.end_utc > now_utc
        )
        for plan in plans
    )


def moved(before: Courses, after: Courses, now_utc: datetime) -> bool:
    """Whether together they mean to do something else."""
    steps = [(one, 1.0) for course in after for one in course]
    steps += [(one, -1.0) for course in before for one in course]
    changes_w = dict[datetime, float]()
    for one, sign in steps:
        start_utc, end_utc = max(one.interval.start_utc, now_utc), one.interval.end_utc
        if end_utc > start_utc:
            changes_w[start_utc] = changes_w.get(start_utc, 0.0) + sign * one.power_w
            changes_w[end_utc] = changes_w.get(end_utc, 0.0) - sign * one.power_w
    moved_wh = power_w = 0.0
    since_utc = now_utc
    for moment_utc in sorted(changes_w):
        moved_wh += abs(power_w) * (moment_utc - since_utc).total_seconds() / 3600.0
        power_w += changes_w[moment_utc]
        since_utc = moment_utc
    return moved_wh >= MOVED_WH
