"""An electric vehicle: its pack, its own limits and its comings and goings."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from enum import StrEnum
from pathlib import Path
from zoneinfo import ZoneInfo

from simulators.clock import utc_from_s
from simulators.recorded import epoch_s, number, rows

LOOKBACK_DAYS = 2  # a trip that began before the start may still return after it


class Movement(StrEnum):
    """What a vehicle does at an instant."""

    DEPARTS = "departs"
    RETURNS = "returns"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Event:
    """A departure, or a return that costs the pack energy."""

    at_s: float
    movement: Movement
    trip_wh: float
    needed_soc: float | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklyTrip:
    """A trip on the given weekdays (Monday 0), in local wall time."""

    timezone: ZoneInfo
    weekdays: frozenset[int]
    departure: time
    returns: time
    trip_wh: float
    needed_soc: float | None

    def events(self, after_s: float) -> Iterator[Event]:
        """Yield this trip's events after an instant, for ever, in order."""
        day = utc_from_s(after_s).astimezone(self.timezone).date() - timedelta(days=LOOKBACK_DAYS)
        overnight = timedelta(days=1 if self.returns <= self.departure else 0)
        while True:
            if day.weekday() in self.weekdays:
                leaves = datetime.combine(day, self.departure, self.timezone)
                comes_back = datetime.combine(day + overnight, self.returns, self.timezone)
                for moment, movement in (
                    (leaves, Movement.DEPARTS),
                    (comes_back, Movement.RETURNS),
                ):
                    if moment.timestamp() > after_s:
                        yield Event(
                            at_s=moment.timestamp(),
                            movement=movement,
                            trip_wh=self.trip_wh,
                            needed_soc=self.needed_soc,
                        )
            day += timedelta(days=1)


def weekly_events(trips: Iterable[WeeklyTrip], after_s: float) -> Iterator[Event]:
    """Merge several weekly trips into one ordered stream."""
    return heapq.merge(*(trip.events(after_s) for trip in trips))


def recorded_events(
    path: Path, *, user: str | None, shift_s: float, after_s: float
) -> Iterator[Event]:
    """Yield returns and departures of recorded plug-ins; overlapping rows are skipped."""
    busy_until_s = float("-inf")
    columns = ("plug_in_utc", "plug_out_utc", "energy_kwh")
    for row in rows(path, columns if user is None else (*columns, "user")):
        if user is not None and row["user"] != user:
            continue
        plug_in_s = epoch_s(row["plug_in_utc"], path) + shift_s
        plug_out_s = epoch_s(row["plug_out_utc"], path) + shift_s
        if plug_in_s < busy_until_s or plug_out_s <= plug_in_s:
            continue
        busy_until_s = plug_out_s
        trip_wh = (number(row["energy_kwh"], path) or 0.0) * 1000.0
        if plug_in_s > after_s:
            yield Event(at_s=plug_in_s, movement=Movement.RETURNS, trip_wh=trip_wh)
        if plug_out_s > after_s:
            yield Event(at_s=plug_out_s, movement=Movement.DEPARTS, trip_wh=0.0)


@dataclass(slots=True, kw_only=True)
class Vehicle:
    """A car; energy_wh is what its pack holds."""

    name: str
    home_station: str
    evccid: str
    id_token: str
    capacity_wh: float
    energy_wh: float
    upper_limit_soc: float
    minimum_discharge_soc: float
    taper_from_soc: float
    taper_to_share: float
    v2x: bool
    events: Iterator[Event]
    next_event: Event | None = None

    def __post_init__(self) -> None:
        """Look at the first event."""
        self.pop_event()

    @property
    def soc(self) -> float:
        """State of charge, 0..1."""
        return self.energy_wh / self.capacity_wh

    def pop_event(self) -> Event | None:
        """Return the event that was next and look at the one after it."""
        event = self.next_event
        self.next_event = next(self.events, None)
        return event

    def charge_limit_w(self, max_charge_w: float) -> float:
        """Return what the pack accepts of a charger's maximum at its present SoC."""
        soc = self.soc
        if soc >= self.upper_limit_soc or soc >= 1.0:
            return 0.0
        if soc <= self.taper_from_soc:
            return max_charge_w
        along = (soc - self.taper_from_soc) / (1.0 - self.taper_from_soc)
        return max_charge_w * (1.0 - along * (1.0 - self.taper_to_share))

    def refuses_discharge(self) -> bool:
        """Say whether the pack is at or under the car's own minimum."""
        return self.soc <= self.minimum_discharge_soc

    def drive(self, trip_wh: float) -> float:
        """Take a trip's energy from the pack and return what it really held of it."""
        taken_wh = min(trip_wh, max(0.0, self.energy_wh))
        self.energy_wh -= taken_wh
        return taken_wh
