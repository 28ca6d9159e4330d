"""The weekly departures in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from v2g_daemon.domain.goals import WeeklyDeparture
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.vehicle import Vehicle
from v2g_daemon.settings import Settings

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def departure_sentences(settings: Settings, policy: Policy) -> Iterator[str]:
    """What `v2g check` says of each."""
    for given, departure in zip(settings.departure, policy.schedule.departures, strict=True):
        vehicle = policy.vehicle(departure.vehicle_id)
        distance_km = given.range_km
        if given.soc is None and given.energy_wh is None and distance_km is None:
            distance_km = given.trip_km
        yield (
            f"Departure of {departure.vehicle_id}: {days_of(departure.weekdays)} at "
            f"{departure.ready_by:%H:%M} with "
            f"{_wanted(departure, distance_km, vehicle)}{_back(departure)}{_trip(departure)}."
        )


def days_of(weekdays: Iterable[int]) -> str:
    """The names of weekdays; 0 is Monday."""
    return " ".join(_DAYS[day] for day in weekdays)


def _wanted(departure: WeeklyDeparture, distance_km: float | None, vehicle: Vehicle) -> str:
    if departure.soc is None:
        return "" if departure.energy_wh is None else f"{_kwh(departure.energy_wh)} charged"
    if departure.energy_wh is None:
        return f"{departure.soc:.0%}"
    above = f"{_kwh(departure.energy_wh)} above the floor"
    if distance_km is not None:
        above += f" for {distance_km:g} km, {vehicle.consumption_margin_fraction:.0%} as margin"
    return f"{departure.soc:.0%} ({above})"


def _back(departure: WeeklyDeparture) -> str:
    if departure.returns_at is None:
        return ""
    days = departure.returns_after_days
    if days == 0 and departure.returns_at < departure.ready_by:
        days = 1
    later = ("", " the next day")[days] if days < 2 else f" {days} days later"
    return f", back at {departure.returns_at:%H:%M}{later}"


def _trip(departure: WeeklyDeparture) -> str:
    return f", the trip takes {_kwh(departure.trip_wh)}" if departure.trip_wh > 0.0 else ""


def _kwh(energy_wh: float) -> str:
    return f"{energy_wh / 1000.0:.3g} kWh"
