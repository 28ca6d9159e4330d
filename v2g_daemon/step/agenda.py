"""The goals ahead, worked out again only when one has passed or the hour has turned."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.snapshot import VehicleGoals

HORIZON = timedelta(days=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Agenda:
    """The upcoming goals of every car, good in [since_utc, until_utc)."""

    goals: tuple[VehicleGoals, ...]
    since_utc: datetime
    until_utc: datetime


def kept_up(agenda: Agenda | None, policy: Policy, now_utc: datetime) -> Agenda:
    """The same agenda while it holds, so that its identity says "nothing new".

    A clock that was set back has left the agenda's time: the goals are worked out again.
    """
    if agenda is not None and agenda.since_utc <= now_utc < agenda.until_utc:
        return agenda
    goals = tuple(
        VehicleGoals(
            vehicle_id=vehicle.vehicle_id,
            goals=policy.schedule.upcoming(vehicle.vehicle_id, after_utc=now_utc, horizon=HORIZON),
        )
        for vehicle in policy.vehicles
    )
    next_hour_utc = now_utc.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    passes_utc = [goal.ready_by_utc for entry in goals for goal in entry.goals]
    until_utc = min([next_hour_utc, *passes_utc])
    if agenda is not None and agenda.goals == goals:
        goals = agenda.goals
    return Agenda(goals=goals, since_utc=now_utc, until_utc=until_utc)
