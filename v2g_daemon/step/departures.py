"""Whose word on a departure counts: the owner's, then his calendar's, then the weekly schedule's.

Where nobody says anything, habits are learned, in the planner.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from v2g_daemon.domain.goals import DepartureGoal, ToldDeparture

# Within so long of each other two sources mean the same departure.
SAME_DEPARTURE = timedelta(hours=2)


def merged(
    *,
    told: Sequence[ToldDeparture],
    calendar: Sequence[DepartureGoal],
    weekly: Sequence[DepartureGoal],
    plugged_in: bool,
    now_utc: datetime,
) -> tuple[DepartureGoal, ...]:
    """The departures of one car that are still to come, in time order.

    A lower word gives way where a higher one speaks of the same departure or has the car out by
    then; elsewhere both hold. Of the owner's words, in the order told, the newest is the highest. A
    word that has a car out which is plugged in says nothing: what is measured counts.
    """
    kept: list[DepartureGoal] = []
    for rank in (*((one.goal,) for one in reversed(told)), calendar, weekly):
        higher = tuple(kept)
        kept += [
            goal
            for goal in rank
            if not (plugged_in and goal.is_away(now_utc))
            and not any(gives_way(goal, one) for one in higher)
        ]
    ahead = (goal for goal in kept if goal.ready_by_utc > now_utc)
    return tuple(sorted(ahead, key=lambda goal: goal.ready_by_utc))


def gives_way(goal: DepartureGoal, higher: DepartureGoal) -> bool:
    """Whether both cannot be: the same departure, or one while the car is out."""
    if abs(goal.ready_by_utc - higher.ready_by_utc) <= SAME_DEPARTURE:
        return True
    back_utc = higher.returns_at_utc
    return back_utc is not None and higher.ready_by_utc < goal.ready_by_utc < back_utc
