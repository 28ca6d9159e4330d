"""Stays as a weekly schedule has them: home from each return to the next departure."""

from __future__ import annotations

from datetime import datetime, timedelta

from v2g_daemon.domain.goals import DepartureGoal, WeeklySchedule
from v2g_daemon.domain.interval import QUARTER_HOUR, Interval
from v2g_daemon.domain.vehicle import Vehicle
from v2g_daemon.rehearsal.days import Stay


def scheduled_stays(
    schedule: WeeklySchedule, vehicle: Vehicle, interval: Interval
) -> tuple[Stay, ...]:
    """The stays of a car that keeps to its schedule; ValueError for a departure without return."""
    found: list[Stay] = []
    first, trip_wh = 0, 0.0
    for goal in _departures(schedule, vehicle, interval):
        if goal.returns_at_utc is None:
            raise ValueError(f"the departure at {goal.ready_by_utc:%A %H:%M} UTC never returns")
        end = _slot(goal.ready_by_utc, interval, up=False)
        if end > first:
            target_wh = _target_wh(goal, vehicle)
            found.append(Stay(first=first, end=end, trip_wh=trip_wh, target_wh=target_wh))
        # A departure during another trip joins it.
        trip_wh = goal.trip_wh if end > first else trip_wh + goal.trip_wh
        first = max(first, _slot(goal.returns_at_utc, interval, up=True))
    count = _slot(interval.end_utc, interval, up=False)
    if first < count:
        found.append(Stay(first=first, end=count, trip_wh=trip_wh, target_wh=None))
    return tuple(found)


def _departures(
    schedule: WeeklySchedule, vehicle: Vehicle, interval: Interval
) -> tuple[DepartureGoal, ...]:
    horizon: timedelta = interval.end_utc - interval.start_utc
    goals = schedule.upcoming(vehicle.vehicle_id, after_utc=interval.start_utc, horizon=horizon)
    return tuple(goal for goal in goals if goal.ready_by_utc <= interval.end_utc)


def _target_wh(goal: DepartureGoal, vehicle: Vehicle) -> float:
    if goal.soc is not None:
        return goal.soc * vehicle.capacity_wh
    wanted_wh = vehicle.usual_energy_wh if goal.energy_wh is None else goal.energy_wh
    return min(vehicle.soc_floor * vehicle.capacity_wh + wanted_wh, vehicle.capacity_wh)


def _slot(moment_utc: datetime, interval: Interval, *, up: bool) -> int:
    offset = moment_utc - interval.start_utc
    return -(-offset // QUARTER_HOUR) if up else offset // QUARTER_HOUR
