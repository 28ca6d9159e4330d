"""Recorded series on the quarter hours that are rehearsed: held, averaged, moved by whole weeks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from v2g_daemon.domain.interval import QUARTER_HOUR, Interval

# 52 weeks: weekdays agree, and seasons nearly.
LAP = timedelta(days=364)
WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A series on an even grid from `start_utc` on; None is missing."""

    start_utc: datetime
    step: timedelta
    values: Sequence[float | None]

    @property
    def end_utc(self) -> datetime:
        """The end of the last step."""
        return self.start_utc + len(self.values) * self.step


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarters:
    """One value for each step, and what was done to have it.

    `moved_days`: by how much the record was moved; `filled_count`: steps that had no value.
    """

    values: tuple[float, ...]
    moved_days: int
    filled_count: int


def quarters(
    recorded: Recorded, interval: Interval, *, step: timedelta = QUARTER_HOUR
) -> Quarters | None:
    """The quarter hours (or other steps) of the interval; None where the record does not reach.

    A record of other years is moved by whole laps of 52 weeks. A missing value is that of a week
    before, else after.
    """
    moved = _lap_to(recorded, interval)
    if moved is None:
        return None
    start_utc = recorded.start_utc + moved
    count = (interval.end_utc - interval.start_utc) // step
    found = [
        _mean_in(recorded, (interval.start_utc - start_utc) + number * step, step)
        for number in range(count)
    ]
    missing = [number for number, value in enumerate(found) if value is None]
    filled = {number: _of_another_week(found, number, WEEK // step) for number in missing}
    if None in filled.values():
        return None
    return Quarters(
        values=tuple(_known(filled.get(slot, value)) for slot, value in enumerate(found)),
        moved_days=moved.days,
        filled_count=len(missing),
    )


def _lap_to(recorded: Recorded, interval: Interval) -> timedelta | None:
    """The smallest move by whole laps after which the record reaches over the interval."""
    least = round((interval.start_utc - recorded.start_utc) / LAP)
    for laps in sorted(range(least - 1, least + 2), key=abs):
        start_utc, end_utc = recorded.start_utc + laps * LAP, recorded.end_utc + laps * LAP
        if start_utc <= interval.start_utc and interval.end_utc <= end_utc:
            return laps * LAP
    return None


def _mean_in(recorded: Recorded, offset: timedelta, step: timedelta) -> float | None:
    """The mean over the step at an offset; what is known of it, if anything is."""
    first = offset // recorded.step
    last = -((-offset - step) // recorded.step)
    known = [value for value in recorded.values[first:last] if value is not None]
    if not known:
        return None
    total = 0.0
    for value in known:
        total += value
    return total / len(known)


def _of_another_week(values: Sequence[float | None], number: int, week: int) -> float | None:
    for weeks in range(1, len(values) // week + 2):
        for other in (number - weeks * week, number + weeks * week):
            if 0 <= other < len(values) and values[other] is not None:
                return values[other]
    return None


def _known(value: float | None) -> float:
    if value is None:
        raise ValueError("a missing value was not filled")
    return value
