"""Tracks: a value per kWh over time as a step function, so that any resolutions mix.

A step holds until the next one; where nothing is known the value is None and stays so in every sum.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from v2g_daemon.market.series import Series

Value = Decimal | None
Span = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """`values[i]` holds from `starts_s[i]` to the next start, the last until `end_s` (POSIX)."""

    starts_s: tuple[int, ...]
    values: tuple[Value, ...]
    end_s: int


def posix_s(moment_utc: datetime) -> int:
    """Whole seconds since 1970."""
    return int(moment_utc.timestamp())


def constant(value: Value, *, span: Span) -> Track:
    """One value from start to end."""
    return Track(starts_s=(span[0],), values=(value,), end_s=span[1])


def of_steps(steps: Iterable[tuple[int, Value]], *, span: Span) -> Track:
    """A track from (start, value) in time order; before the first it is unknown.

    Neighbours of equal value become one step.
    """
    starts: list[int] = [span[0]]
    values: list[Value] = [None]
    for start_s, value in steps:
        if start_s >= span[1]:
            break
        if start_s <= starts[-1]:
            values[-1] = value
        elif value != values[-1]:
            starts.append(start_s)
            values.append(value)
    return Track(starts_s=tuple(starts), values=tuple(values), end_s=span[1])


def of_series(series: Series, *, span: Span) -> Track:
    """A series as a track: its own steps, gaps as unknown."""
    starts: list[int] = []
    values: list[Value] = []
    known_until_s = span[0]
    for price in series:
        start_s, end_s = posix_s(price.interval.start_utc), posix_s(price.interval.end_utc)
        if end_s <= span[0]:
            continue
        if start_s >= span[1]:
            break
        if start_s > known_until_s:
            starts.append(known_until_s)
            values.append(None)
        starts.append(max(start_s, span[0]))
        values.append(price.per_kwh)
        known_until_s = end_s
    if known_until_s < span[1]:
        starts.append(known_until_s)
        values.append(None)
    return Track(starts_s=tuple(starts), values=tuple(values), end_s=span[1])


def mapped(track: Track, change: Callable[[Decimal], Decimal]) -> Track:
    """The track with each known value changed."""
    values = tuple([None if value is None else change(value) for value in track.values])
    return Track(starts_s=track.starts_s, values=values, end_s=track.end_s)


def aligned(tracks: Sequence[Track]) -> tuple[tuple[int, ...], tuple[tuple[Value, ...], ...]]:
    """The finest common steps: their starts, and the values of each track at them."""
    starts = tuple(sorted({start_s for track in tracks for start_s in track.starts_s}))
    if all(track.starts_s == starts for track in tracks):
        return starts, tuple(track.values for track in tracks)
    return starts, tuple(_held(track, starts) for track in tracks)


def summed(tracks: Sequence[Track]) -> Track:
    """The sum at every moment, on the finest steps among them; unknown where any of them is."""
    if len(tracks) == 1:
        return tracks[0]
    starts, columns = aligned(tracks)
    values = tuple([_sum(row) for row in zip(*columns, strict=True)])
    return Track(starts_s=starts, values=values, end_s=tracks[0].end_s)


def means(track: Track, spans: Sequence[Span]) -> list[Value]:
    """The mean over each span (in time order); None where any part of it is unknown."""
    found: list[Value] = []
    starts, values = track.starts_s, track.values
    last, index = len(starts) - 1, 0
    for start_s, end_s in spans:
        while index < last and starts[index + 1] <= start_s:
            index += 1
        if start_s < starts[0] or end_s > track.end_s:
            found.append(None)
        elif index == last or end_s <= starts[index + 1]:
            found.append(values[index])
        else:
            found.append(_mean(track, index, start_s, end_s))
    return found


def _held(track: Track, starts: Sequence[int]) -> tuple[Value, ...]:
    """The values at each start, held from the step before."""
    own, values = track.starts_s, track.values
    last, index = len(own) - 1, 0
    found: list[Value] = []
    for start_s in starts:
        while index < last and own[index + 1] <= start_s:
            index += 1
        found.append(values[index])
    return tuple(found)


def _sum(row: tuple[Value, ...]) -> Value:
    total = Decimal(0)
    for value in row:
        if value is None:
            return None
        total += value
    return total


def _mean(track: Track, index: int, start_s: int, end_s: int) -> Value:
    """The time-weighted mean over several steps, the first of them at `index`."""
    total, at_s = Decimal(0), start_s
    while at_s < end_s:
        last = index + 1 == len(track.starts_s)
        until_s = end_s if last else min(track.starts_s[index + 1], end_s)
        value = track.values[index]
        if value is None:
            return None
        total += value * (until_s - at_s)
        at_s, index = until_s, index + 1
    return total / (end_s - start_s)
