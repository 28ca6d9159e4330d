"""[[departure]]: the weekly schedule, its goals in per cent, kilometres or kilowatt hours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import time
from typing import Annotated, Literal

from pydantic import Field

from v2g_daemon.battery.driving import driven_wh, held
from v2g_daemon.domain.goals import WeeklyDeparture
from v2g_daemon.domain.needs import Distance, Drive, Energy
from v2g_daemon.domain.vehicle import Vehicle
from v2g_daemon.settings.cars import Cars, unknown_consumption, whose
from v2g_daemon.settings.complaint import Complaint
from v2g_daemon.settings.section import Fraction, Name, NotNegative, Positive, Section

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
EVERY_DAY: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WEEKDAYS = {name: number for number, name in enumerate(EVERY_DAY)}
_GOALS = ("soc", "energy_wh", "range_km")


class Departure(Section):
    """[[departure]]: a weekly goal in local wall time; the trip takes `trip_wh` from the pack.

    `range_km` and a trip that is a goal by itself lie above the car's floor.
    """

    ready_by: time
    vehicle: Name | None = None
    weekdays: Annotated[tuple[Weekday, ...], Field(min_length=1)] = EVERY_DAY
    returns_at: time | None = None
    returns_after_days: Annotated[int, Field(ge=0, le=6)] = 0
    soc: Fraction | None = None
    energy_wh: Positive | None = None
    range_km: Positive | None = None
    trip_wh: NotNegative = 0.0
    trip_km: Positive | None = None

    @property
    def trip(self) -> Drive | None:
        """What is driven, if it is told."""
        if self.trip_km is not None:
            return Distance(distance_km=self.trip_km)
        return Energy(energy_wh=self.trip_wh) if self.trip_wh > 0.0 else None


def weekday_numbers(names: Iterable[Weekday]) -> tuple[int, ...]:
    """Each once, in order; 0 is Monday."""
    return tuple(sorted({_WEEKDAYS[day] for day in names}))


def weekly(departure: Departure, vehicle: Vehicle) -> WeeklyDeparture:
    """The departure with what it needs of this car's pack."""
    soc, energy_wh, trip = departure.soc, departure.energy_wh, departure.trip
    if soc is None and energy_wh is None:
        range_km = departure.range_km
        wanted = held(trip if range_km is None else Distance(distance_km=range_km), vehicle)
        soc, energy_wh = wanted.soc, wanted.energy_wh
    return WeeklyDeparture(
        vehicle_id=vehicle.vehicle_id,
        weekdays=weekday_numbers(departure.weekdays),
        ready_by=departure.ready_by,
        returns_at=departure.returns_at,
        soc=soc,
        energy_wh=energy_wh,
        trip_wh=0.0 if trip is None else driven_wh(trip, vehicle),
        returns_after_days=departure.returns_after_days,
    )


def departure_complaints(departure: Departure, number: int, cars: Cars) -> Iterator[Complaint]:
    """What cannot hold together."""
    key = f"departure[{number}]"
    yield from whose(departure.vehicle, key, cars)
    yield from _goals(departure, key)
    yield from _times(departure, key)
    for name in ("range_km", "trip_km"):
        distance_km = getattr(departure, name)
        if distance_km is not None:
            yield from unknown_consumption(
                departure.vehicle, f"{key}.{name}", f"{distance_km:g}", cars
            )
            return


def _goals(departure: Departure, key: str) -> Iterator[Complaint]:
    given = [name for name in _GOALS if getattr(departure, name) is not None]
    if len(given) > 1 or (not given and departure.trip is None):
        yield Complaint(
            key=f"{key}.{given[-1] if given else 'soc'}",
            value=f"{getattr(departure, given[-1]):g}" if given else None,
            problem="a goal is either soc or range_km or energy_wh, or the trip alone",
            fix="give one of them" if given else "give one of them, or trip_km or trip_wh",
        )
    if departure.trip_km is not None and departure.trip_wh > 0.0:
        yield Complaint(
            key=f"{key}.trip_km",
            value=f"{departure.trip_km:g}",
            problem=f"the trip is told as trip_wh = {departure.trip_wh:g}, too",
            fix="give one of the two",
        )


def _times(departure: Departure, key: str) -> Iterator[Complaint]:
    for name, wall in (("ready_by", departure.ready_by), ("returns_at", departure.returns_at)):
        if wall is not None and wall.tzinfo is not None:
            yield Complaint(
                key=f"{key}.{name}",
                value=repr(wall.isoformat()),
                problem="a wall time has no offset",
                fix='write it as "07:30"',
            )
    if departure.returns_at is None and departure.returns_after_days > 0:
        yield Complaint(
            key=f"{key}.returns_after_days",
            value=str(departure.returns_after_days),
            problem="says nothing without returns_at",
            fix="add returns_at",
        )
    if departure.returns_at == departure.ready_by and departure.returns_after_days == 0:
        yield Complaint(
            key=f"{key}.returns_at",
            value=repr(f"{departure.ready_by:%H:%M}"),
            problem="is when it leaves",
            fix="correct one of them; an earlier time than ready_by is that of the next day",
        )
