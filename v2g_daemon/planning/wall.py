"""Moments as whole POSIX seconds, and their local weekday and quarter hour, by the array."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from v2g_daemon.planning.case import Floats, Ints

DAY_S = 86_400
QUARTER_S = 900
QUARTERS = DAY_S // QUARTER_S
CLOCKS_STAY_S = 20 * DAY_S  # no zone changes its clocks twice in so few days
THURSDAY = 3  # 1970-01-01, counted from Monday


def posix_seconds(moments_utc: Sequence[datetime]) -> Ints:
    """Whole seconds since 1970."""
    exact_s = np.fromiter(map(datetime.timestamp, moments_utc), np.float64, len(moments_utc))
    return exact_s.astype(np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """Steps as the quarter hours that they begin with or hold; `first` finds those of each."""

    starts_s: Ints
    hours: Floats
    quarters_s: Ints
    first: Ints

    @staticmethod
    def of(starts_utc: Sequence[datetime], step_s: Sequence[int]) -> Steps:
        """Each step of a quarter hour or less is seen at its start, a longer one at several."""
        starts_s, lengths_s = posix_seconds(starts_utc), np.array(step_s, dtype=np.int64)
        counts = np.maximum(lengths_s // QUARTER_S, 1)
        first = np.cumsum(counts) - counts
        within = np.arange(int(counts.sum())) - np.repeat(first, counts)
        return Steps(
            starts_s=starts_s,
            hours=lengths_s / 3600.0,
            quarters_s=np.repeat(starts_s, counts) + within * QUARTER_S,
            first=first,
        )

    def mean(self, values: Floats) -> Floats:
        """The mean over each step of values over quarter hours (last axis)."""
        if len(self.first) == len(self.quarters_s):
            return values
        counts = np.diff(np.append(self.first, len(self.quarters_s)))
        means: Floats = np.add.reduceat(values, self.first, axis=-1) / counts
        return means


def local_quarters(moments_s: Ints, zone: ZoneInfo) -> tuple[Ints, Ints]:
    """Weekday (Monday 0) and quarter hour (0–95) of the wall clock."""
    since_monday_s = local_seconds(moments_s, zone)
    return since_monday_s // DAY_S % 7, since_monday_s % DAY_S // QUARTER_S


def quarters_of_the_week(moments_s: Ints, zone: ZoneInfo) -> Ints:
    """The quarter hour of the local week, 0 on Monday at 0:00."""
    weekday, quarter = local_quarters(moments_s, zone)
    return weekday * QUARTERS + quarter


def local_seconds(moments_s: Ints, zone: ZoneInfo) -> Ints:
    """Seconds of the wall clock since a Monday."""
    return moments_s + _offsets_s(moments_s, zone) + THURSDAY * DAY_S


def same_wall_time(moments_s: Ints, zone: ZoneInfo, *, days_back: int | Ints) -> Ints:
    """The moments at which the wall clock showed the same, days before (shapes broadcast)."""
    before_s = moments_s - days_back * DAY_S
    return before_s + _offsets_s(moments_s, zone) - _offsets_s(before_s, zone)


def _offsets_s(moments_s: Ints, zone: ZoneInfo) -> Ints:
    """Seconds that the wall clock is ahead of UTC."""
    first, last = int(moments_s.min()) // CLOCKS_STAY_S, int(moments_s.max()) // CLOCKS_STAY_S
    changes_s, offsets_s = _clock(first, last, zone)
    if len(changes_s) == 0:
        return np.full(moments_s.shape, offsets_s[0])
    return offsets_s[np.searchsorted(changes_s, moments_s, side="right")]


@lru_cache(maxsize=64)
def _clock(first: int, last: int, zone: ZoneInfo) -> tuple[Ints, Ints]:
    """When the clock changes in the spans `first` to `last`, and its offset before and after."""
    changes_s = [
        change_s
        for span in range(first, last + 1)
        if (change_s := _change_s(span, zone)) is not None
    ]
    offsets_s = [_offset_s(moment_s, zone) for moment_s in (first * CLOCKS_STAY_S, *changes_s)]
    return np.array(changes_s, dtype=np.int64), np.array(offsets_s, dtype=np.int64)


@lru_cache(maxsize=256)
def _change_s(span: int, zone: ZoneInfo) -> int | None:
    """The first second of a new offset in a span of days, up to the start of the next one."""
    before_s, after_s = span * CLOCKS_STAY_S, (span + 1) * CLOCKS_STAY_S
    offset_s = _offset_s(before_s, zone)
    if _offset_s(after_s, zone) == offset_s:
        return None
    while after_s - before_s > 1:
        middle_s = (before_s + after_s) // 2
        if _offset_s(middle_s, zone) == offset_s:
            before_s = middle_s
        else:
            after_s = middle_s
    return after_s


def _offset_s(moment_s: int, zone: ZoneInfo) -> int:
    offset = datetime.fromtimestamp(moment_s, tz=UTC).astimezone(zone).utcoffset()
    return 0 if offset is None else round(offset.total_seconds())


def summed(places: Ints, amounts: Floats, count: int) -> Floats:
    """What falls on each of so many places, such as the quarter hours of a day."""
    sums: Floats = np.bincount(places, weights=amounts, minlength=count).astype(np.float64)
    return sums
