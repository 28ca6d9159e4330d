"""The goals ahead, worked out again only when something was told, one has passed or at the hour."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from v2g_daemon.domain.goals import DepartureGoal
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.snapshot import VehicleGoals

HORIZON = timedelta(days=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Agenda:
    """The upcoming goals of every car, good in [since_utc, until_utc) while `told` holds."""

    goals: tuple[VehicleGoals, ...]
    told: tuple[VehicleGoals, ...]
    since_utc: datetime
    until_utc: datetime


def kept_up(
    agenda: Agenda | None,
    policy: Policy,
    now_utc: datetime,
    *,
    told: tuple[VehicleGoals, ...] = (),
) -> Agenda:
    """The same agenda while it holds, so that its identity says "nothing new".

    A clock that was set back has left the agenda's time: the goals are worked out again.
    """
    if (
        agenda is not None
        and agenda.told == told
        and agenda.since_utc <= now_utc < agenda.until_utc
    ):
        return agenda
    goals = tuple(
        VehicleGoals(
            vehicle_id=vehicle.vehicle_id,
            goals=_ahead(vehicle.vehicle_id, policy, told, now_utc),
        )
        for vehicle in policy.vehicles
    )
    next_hour_utc = now_utc.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    passes_utc = [goal.ready_by_utc for entry in goals for goal in entry.goals]
    until_utc = min([next_hour_utc, *passes_utc])
    if agenda is not None and agenda.goals == goals:
        goals = agenda.goals
    return Agenda(goals=goals, told=told, since_utc=now_utc, until_utc=until_utc)


def _ahead(
    vehicle_id: str, policy: Policy, told: tuple[VehicleGoals, ...], now_utc: datetime
) -> tuple[DepartureGoal, ...]:
    """The weekly goals within the horizon and whatever was told, in time order."""
    weekly = policy.schedule.upcoming(vehicle_id, after_utc=now_utc, horizon=HORIZON)
    told_here = (one for entry in told if entry.vehicle_id == vehicle_id for one in entry.goals)
    ahead = (one for one in told_here if one.ready_by_utc > now_utc)
    return tuple(sorted((*weekly, *ahead), key=lambda goal: goal.ready_by_utc))
