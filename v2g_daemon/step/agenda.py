"""The goals ahead, worked out again only when something was told, one has passed or at the hour."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from v2g_daemon.domain.goals import CalendarDepartures, DepartureGoal, ToldDeparture
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.quick import quick
from v2g_daemon.domain.snapshot import VehicleGoals
from v2g_daemon.step.departures import merged

HORIZON = timedelta(days=3)


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What was said of departures beside the weekly schedule, and which cars are plugged in.

    `goals` are a rehearsal's, which hold beside all others.
    """

    goals: tuple[VehicleGoals, ...] = ()
    told: tuple[ToldDeparture, ...] = ()
    calendars: tuple[CalendarDepartures, ...] = ()
    plugged_in: tuple[str, ...] = ()


NOTHING_HEARD = Heard()


@dataclass(frozen=True, slots=True, kw_only=True)
class Agenda:
    """The upcoming goals of every car, good in [since_utc, until_utc) while `heard` holds."""

    goals: tuple[VehicleGoals, ...]
    heard: Heard
    since_utc: datetime
    until_utc: datetime


def kept_up(
    agenda: Agenda | None, policy: Policy, now_utc: datetime, heard: Heard = NOTHING_HEARD
) -> Agenda:
    """The same agenda while it holds, so that its identity says "nothing new".

    A clock that was set back has left the agenda's time: the goals are worked out again.
    """
    if (
        agenda is not None
        and agenda.heard == heard
        and agenda.since_utc <= now_utc < agenda.until_utc
    ):
        return agenda
    goals = tuple(
        VehicleGoals(
            vehicle_id=vehicle.vehicle_id,
            goals=_ahead(vehicle.vehicle_id, policy, heard, now_utc),
        )
        for vehicle in policy.vehicles
    )
    next_hour_utc = now_utc.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    passes_utc = [goal.ready_by_utc for entry in goals for goal in entry.goals]
    until_utc = min([next_hour_utc, *passes_utc])
    if agenda is not None and agenda.goals == goals:
        goals = agenda.goals
    return Agenda(goals=goals, heard=heard, since_utc=now_utc, until_utc=until_utc)


def _ahead(
    vehicle_id: str, policy: Policy, heard: Heard, now_utc: datetime
) -> tuple[DepartureGoal, ...]:
    """What schedule, calendars and owner come to, and whatever a rehearsal told, in time order.

    Who told of a day further off has said nothing yet of the trips before it.
    """
    last_utc = now_utc + HORIZON
    agreed = merged(
        told=[one for one in heard.told if one.vehicle_id == vehicle_id],
        calendar=[
            goal
            for calendar in heard.calendars
            if calendar.vehicle_id == vehicle_id
            for goal in calendar.goals
            if goal.ready_by_utc <= last_utc
        ],
        weekly=policy.schedule.upcoming(vehicle_id, after_utc=now_utc, horizon=HORIZON),
        plugged_in=vehicle_id in heard.plugged_in,
        now_utc=now_utc,
    )
    near = (goal for goal in agreed if goal.ready_by_utc <= last_utc)
    rehearsed = (entry.goals for entry in heard.goals if entry.vehicle_id == vehicle_id)
    ahead = (one for goals in rehearsed for one in goals if one.ready_by_utc > now_utc)
    return tuple(sorted((*near, *ahead), key=lambda goal: goal.ready_by_utc))
