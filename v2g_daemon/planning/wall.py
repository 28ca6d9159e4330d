"""Moments as whole POSIX seconds, and their local weekday and quarter hour, by the array."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from itertools import islice
from operator import lt
from zoneinfo import ZoneInfo

import numpy as np

from v2g_daemon.planning.case import Floats, Ints

DAY_S = 86_400
QUARTER_S = 900
CLOCKS_STAY_S = 20 * DAY_S  # no zone changes its clocks twice in so few days
THURSDAY = 3  # 1970-01-01, counted from Monday


def posix_seconds(moments_utc: Sequence[datetime]) -> Ints:
    """Whole seconds since 1970."""
    exact_s = np.fromiter(map(datetime.timestamp, moments_utc), np.float64, len(moments_utc))
    return exact_s.astype(np.int64)


def quarter_seconds(starts_utc: Sequence[datetime]) -> Ints:
    """The same of starts of quarter hours; a month without a gap is counted, not converted."""
    first_s, last_s = int(starts_utc[0].timestamp()), int(starts_utc[-1].timestamp())
    # As many different quarter hours as fit between the first and the last: every one of them.
    if last_s - first_s == QUARTER_S * (len(starts_utc) - 1) and _rises(starts_utc):
        return first_s + QUARTER_S * np.arange(len(starts_utc), dtype=np.int64)
    return posix_seconds(starts_utc)


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
    return weekday * (DAY_S // QUARTER_S) + quarter


def local_seconds(moments_s: Ints, zone: ZoneInfo) -> Ints:
    """Seconds of the wall clock since a Monday."""
    return moments_s + _offsets_s(moments_s, zone) + THURSDAY * DAY_S


def same_wall_time(moments_s: Ints, zone: ZoneInfo, *, days_back: int | Ints) -> Ints:
    """The moments at which the wall clock showed the same, days before (shapes broadcast)."""
    before_s = moments_s - days_back * DAY_S
    return before_s + _offsets_s(moments_s, zone) - _offsets_s(before_s, zone)


def _rises(moments_utc: Sequence[datetime]) -> bool:
    return all(map(lt, moments_utc, islice(moments_utc, 1, None)))


def _offsets_s(moments_s: Ints, zone: ZoneInfo) -> Ints:
    """Seconds that the wall clock is ahead of UTC; asked per moment only where a day changes it."""
    first_s, last_s = int(moments_s.min()), int(moments_s.max())
    if last_s - first_s < CLOCKS_STAY_S and _offset_s(first_s, zone) == _offset_s(last_s, zone):
        return np.full(moments_s.shape, _offset_s(first_s, zone), dtype=np.int64)
    days, which = np.unique(moments_s // DAY_S, return_inverse=True)
    at_start = np.array([_offset_s(int(day) * DAY_S, zone) for day in days], dtype=np.int64)
    at_end = np.array([_offset_s(int(day + 1) * DAY_S - 1, zone) for day in days], dtype=np.int64)
    offsets_s = at_start[which].ravel()
    for place in np.flatnonzero((at_start != at_end)[which]):
        offsets_s[place] = _offset_s(int(moments_s.flat[place]), zone)
    return offsets_s.reshape(moments_s.shape)


@lru_cache(maxsize=4096)
def _offset_s(moment_s: int, zone: ZoneInfo) -> int:
    offset = datetime.fromtimestamp(moment_s, tz=UTC).astimezone(zone).utcoffset()
    return 0 if offset is None else round(offset.total_seconds())
