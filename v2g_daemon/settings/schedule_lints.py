"""What looks wrong in the weekly schedule: trips that overlap, distances beyond the pack."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import time, timedelta

from v2g_daemon.battery.driving import missing_km
from v2g_daemon.domain.goals import WeeklyDeparture
from v2g_daemon.domain.needs import Distance
from v2g_daemon.domain.policy import Policy
from v2g_daemon.settings.sections import Settings

DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_DAY, _WEEK = timedelta(days=1), timedelta(days=7)


def schedule_doubts(settings: Settings, policy: Policy) -> Iterator[str]:
    """One sentence each."""
    yield from _overlaps(policy.schedule.departures)
    yield from _beyond_the_pack(settings, policy)


def in_week(weekday: int, wall: time) -> timedelta:
    """How long after Monday 0:00 by the wall clock."""
    return timedelta(days=weekday, hours=wall.hour, minutes=wall.minute, seconds=wall.second)


def away(departure: WeeklyDeparture) -> timedelta:
    """How long the trip lasts by the wall clock; nothing where no return is told."""
    if departure.returns_at is None:
        return timedelta(0)
    length = in_week(0, departure.returns_at) - in_week(0, departure.ready_by)
    if departure.returns_after_days == 0:
        return length % _DAY
    return length + timedelta(days=departure.returns_after_days)


def _overlaps(departures: tuple[WeeklyDeparture, ...]) -> Iterator[str]:
    """A departure of a car that is still away then, or leaves then already; each pair once."""
    leaving = [
        (in_week(day, one.ready_by), day, number, one)
        for number, one in enumerate(departures)
        for day in one.weekdays
    ]
    told: set[tuple[int, int]] = set()
    for leaves, day, number, trip in leaving:
        for other_leaves, other_day, other_number, other in leaving:
            since = (other_leaves - leaves) % _WEEK
            meets = since < away(trip) if since else number < other_number
            pair = (number, other_number)
            if meets and trip.vehicle_id == other.vehicle_id and pair not in told:
                told.add(pair)
                yield (
                    f"departure {DAY_NAMES[other_day]} {other.ready_by:%H:%M}: the car is out "
                    f"since {DAY_NAMES[day]} {trip.ready_by:%H:%M} then, and not charged for it"
                )


def _beyond_the_pack(settings: Settings, policy: Policy) -> Iterator[str]:
    for number, departure in enumerate(settings.departure):
        vehicle = policy.vehicle(policy.schedule.departures[number].vehicle_id)
        distance_km = departure.range_km
        if distance_km is None and departure.soc is None and departure.energy_wh is None:
            distance_km = departure.trip_km
        need = None if distance_km is None else Distance(distance_km=distance_km)
        lacking_km = missing_km(need, vehicle)
        if lacking_km > 0.0:
            yield (
                f"departure[{number}]: a full pack holds {lacking_km:.0f} km less than the "
                f"{distance_km:g} km above its floor of {vehicle.soc_floor:.0%}, with a margin of "
                f"{vehicle.consumption_margin_fraction:.0%}; the car leaves full"
            )
