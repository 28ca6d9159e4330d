"""Moments as whole POSIX seconds, and their local weekday and quarter hour, by the array."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np

from v2g_daemon.planning.case import Ints

DAY_S = 86_400
QUARTER_S = 900
THURSDAY = 3  # 1970-01-01, counted from Monday


def posix_seconds(moments_utc: Sequence[datetime]) -> Ints:
    """Whole seconds since 1970."""
    return np.array([int(moment.timestamp()) for moment in moments_utc], dtype=np.int64)


def quarter_seconds(starts_utc: Sequence[datetime]) -> Ints:
    """The same of starts of quarter hours; a month without a gap is counted, not converted."""
    first_s, last_s = int(starts_utc[0].timestamp()), int(starts_utc[-1].timestamp())
    # As many different quarter hours as fit between the first and the last: every one of them.
    if last_s - first_s == QUARTER_S * (len(starts_utc) - 1) and _rises(starts_utc):
        return first_s + QUARTER_S * np.arange(len(starts_utc), dtype=np.int64)
    return posix_seconds(starts_utc)


def local_quarters(moments_s: Ints, zone: ZoneInfo) -> tuple[Ints, Ints]:
    """Weekday (Monday 0) and quarter hour (0–95) of the wall clock."""
    local_s = moments_s + _offsets_s(moments_s, zone)
    weekday = (local_s // DAY_S + THURSDAY) % 7
    return weekday, local_s % DAY_S // QUARTER_S


def _rises(moments_utc: Sequence[datetime]) -> bool:
    return all(a < b for a, b in pairwise(moments_utc))


def _offsets_s(moments_s: Ints, zone: ZoneInfo) -> Ints:
    """Seconds that the wall clock is ahead of UTC; asked per moment only where a day changes it."""
    days, which = np.unique(moments_s // DAY_S, return_inverse=True)
    at_start = np.array([_offset_s(int(day) * DAY_S, zone) for day in days], dtype=np.int64)
    at_end = np.array([_offset_s(int(day + 1) * DAY_S - 1, zone) for day in days], dtype=np.int64)
    offsets_s = at_start[which]
    for place in np.flatnonzero((at_start != at_end)[which]):
        offsets_s[place] = _offset_s(int(moments_s[place]), zone)
    return offsets_s


def _offset_s(moment_s: int, zone: ZoneInfo) -> int:
    offset = datetime.fromtimestamp(moment_s, tz=UTC).astimezone(zone).utcoffset()
    return 0 if offset is None else round(offset.total_seconds())
