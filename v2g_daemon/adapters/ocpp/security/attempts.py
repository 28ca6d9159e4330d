"""How often somebody may knock: handshakes and wrong passwords, per address and per station.

Times are seconds of any monotonic clock. What is remembered is bounded: a stranger with many
addresses only makes us forget the oldest of them.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace

REMEMBERED = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """So many at once, refilled evenly over a time."""

    count: int
    per_s: float


HANDSHAKES_OF_A_STATION = Allowance(count=30, per_s=60.0)
HANDSHAKES_FROM_AN_ADDRESS = Allowance(count=120, per_s=60.0)
# After an outage all stations of a house come back at once, perhaps from behind one address.
HANDSHAKES_PER_STATION_OF_THE_HOUSE = 4
WRONG_PASSWORDS_FROM_AN_ADDRESS = Allowance(count=5, per_s=300.0)
WRONG_PASSWORDS_FOR_A_STATION = Allowance(count=30, per_s=3600.0)
NOTES = Allowance(count=1, per_s=60.0)
# A station makes up the names of its own events: without this it could write without end.
NOTES_TOLD_BY_A_STATION = Allowance(count=30, per_s=3600.0)


class Tally:
    """Counts by key against one allowance."""

    def __init__(self, allowance: Allowance) -> None:
        self._allowance = allowance
        self._spent: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def exhausted(self, key: str, *, now_s: float) -> bool:
        """Whether one more would be too many."""
        return self._level(key, now_s) + 1.0 > self._allowance.count

    def add(self, key: str, *, now_s: float) -> None:
        """Count one."""
        level = self._level(key, now_s) + 1.0
        self._spent[key] = (min(level, float(self._allowance.count)), now_s)
        self._spent.move_to_end(key)
        if len(self._spent) > REMEMBERED:
            self._spent.popitem(last=False)

    def _level(self, key: str, now_s: float) -> float:
        level, at_s = self._spent.get(key, (0.0, now_s))
        refilled = (now_s - at_s) * self._allowance.count / self._allowance.per_s
        return max(level - refilled, 0.0)


class Door:
    """Remembers who knocked; the address a station last came from is not held to its strangers."""

    def __init__(self, *, stations: int) -> None:
        self._by_station = Tally(HANDSHAKES_OF_A_STATION)
        most = max(HANDSHAKES_FROM_AN_ADDRESS.count, HANDSHAKES_PER_STATION_OF_THE_HOUSE * stations)
        self._by_address = Tally(replace(HANDSHAKES_FROM_AN_ADDRESS, count=most))
        self._wrong_from = Tally(WRONG_PASSWORDS_FROM_AN_ADDRESS)
        self._wrong_for = Tally(WRONG_PASSWORDS_FOR_A_STATION)
        self._home: OrderedDict[str, str] = OrderedDict()

    def too_many(self, *, address: str, station: str | None, now_s: float) -> bool:
        """Whether this knock is refused unheard (HTTP 429); every knock counts."""
        at_home = station is not None and self._home.get(station) == address
        refused = self._by_address.exhausted(address, now_s=now_s)
        refused |= self._wrong_from.exhausted(address, now_s=now_s)
        if station is not None:
            key = f"{station} {address}"  # a storm from elsewhere must not keep the station out
            refused |= self._by_station.exhausted(key, now_s=now_s)
            refused |= not at_home and self._wrong_for.exhausted(station, now_s=now_s)
            self._by_station.add(key, now_s=now_s)
        self._by_address.add(address, now_s=now_s)
        return refused

    def wrong_password(self, *, address: str, station: str | None, now_s: float) -> None:
        """Somebody did not know it; names that do not exist count as well."""
        self._wrong_from.add(address, now_s=now_s)
        if station is not None:
            self._wrong_for.add(station, now_s=now_s)

    def admitted(self, *, address: str, station: str) -> None:
        """This is where the station lives."""
        self._home[station] = address
        self._home.move_to_end(station)
        if len(self._home) > REMEMBERED:
            self._home.popitem(last=False)

    def lives_at(self, address: str) -> bool:
        """Whether a station last came from there."""
        return address in self._home.values()
