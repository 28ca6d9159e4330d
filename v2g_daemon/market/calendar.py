"""Local time as tariffs mean it: days, months and hours of the wall clock, over UTC.

A local day has 92, 96 or 100 quarter hours. A wall time that a spring day skips never holds, and
one that an autumn day repeats holds twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from v2g_daemon.domain.interval import Interval, at_local
from v2g_daemon.market.track import Span, Value, posix_s

MINUTES_PER_DAY = 1440
DAY_S = 86_400
HOUR_S = 3600
MINUTE_S = 60
ALL_MONTHS = frozenset(range(1, 13))
# A kind of day is its weekday (Monday 0), plus 7 on a holiday.
ALL_DAYS = frozenset(range(14))
WEEKDAYS = frozenset(range(5))
WEEKEND = frozenset({5, 6, 12, 13})
HOLIDAYS = frozenset(range(7, 14))
WEEKEND_AND_HOLIDAYS = WEEKEND | HOLIDAYS


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Hours of some days of some months, [from_min, to_min) of the wall clock.

    A period over midnight (`to_min` <= `from_min`) is two pieces of each of its own days.
    """

    months: frozenset[int]
    days: frozenset[int]
    from_min: int
    to_min: int

    def has_day(self, month: int, kind: int) -> bool:
        """Whether a day of that month and kind is one of its days."""
        return month in self.months and kind in self.days

    def has_minute(self, minute: int) -> bool:
        """Whether a wall minute (0–1439) is one of its minutes."""
        if self.from_min < self.to_min:
            return self.from_min <= minute < self.to_min
        return minute >= self.from_min or minute < self.to_min


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalDay:
    """A local calendar day and its span in POSIX seconds."""

    day: date
    kind: int
    start_s: int
    end_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalCalendar:
    """The days of one place: its zone, and the holidays of whoever set the tariff."""

    zone: ZoneInfo
    holidays: frozenset[date]

    def days(self, span: Span) -> Iterator[LocalDay]:
        """The local days that the span touches, in order and whole."""
        day = datetime.fromtimestamp(span[0], tz=self.zone).date()
        start_s = self._midnight_s(day)
        while start_s < span[1]:
            following = day + timedelta(days=1)
            end_s = self._midnight_s(following)
            yield LocalDay(day=day, kind=self._kind(day), start_s=start_s, end_s=end_s)
            day, start_s = following, end_s

    def steps(
        self, span: Span, day_of: Callable[[int, int], Iterable[tuple[int, Value]]]
    ) -> Iterator[tuple[int, Value]]:
        """(start, value) wherever the value may change.

        `day_of(month, kind)` is a day of it: (wall minute, value) in order, from minute 0 on.
        """
        known: dict[tuple[int, int], tuple[tuple[int, Value], ...]] = {}
        for day in self.days(span):
            key = (day.day.month, day.kind)
            if key not in known:
                known[key] = tuple(day_of(*key))
            yield from self._placed(day, known[key])

    def _placed(
        self, day: LocalDay, changes: tuple[tuple[int, Value], ...]
    ) -> Iterator[tuple[int, Value]]:
        if day.end_s - day.start_s == DAY_S:
            for minute, value in changes:
                yield day.start_s + minute * MINUTE_S, value
            return
        # The clock jumps somewhere in this day: ask it each minute.
        for at_s in range(day.start_s, day.end_s, MINUTE_S):
            wall = datetime.fromtimestamp(at_s, tz=self.zone)
            minute = wall.hour * 60 + wall.minute
            yield at_s, [value for start, value in changes if start <= minute][-1]

    def _midnight_s(self, day: date) -> int:
        return posix_s(at_local(day, time(0), self.zone))

    def _kind(self, day: date) -> int:
        return day.weekday() + (7 if day in self.holidays else 0)


def bill_months(span: Span, zone: ZoneInfo, *, billing_day: int) -> Iterator[Interval]:
    """The bill months that the span touches, whole; each begins at midnight of `billing_day`."""
    first = datetime.fromtimestamp(span[0], tz=zone).date()
    begin = first.replace(day=billing_day)
    if begin > first:
        begin = _month_before(begin)
    start_utc = at_local(begin, time(0), zone)
    while posix_s(start_utc) < span[1]:
        begin = _month_after(begin)
        end_utc = at_local(begin, time(0), zone)
        yield Interval(start_utc=start_utc, end_utc=end_utc)
        start_utc = end_utc


def validity(valid_from: date | None, valid_to: date | None, zone: ZoneInfo) -> Span:
    """From the first local day to the end of the last one, both included; None is without end."""
    first_utc = datetime(1970, 1, 1, tzinfo=UTC)
    last_utc = datetime(2200, 1, 1, tzinfo=UTC)
    if valid_from is not None:
        first_utc = at_local(valid_from, time(0), zone)
    if valid_to is not None:
        last_utc = at_local(valid_to + timedelta(days=1), time(0), zone)
    return posix_s(first_utc), posix_s(last_utc)


def _month_after(day: date) -> date:
    if day.month == 12:
        return day.replace(year=day.year + 1, month=1)
    return day.replace(month=day.month + 1)


def _month_before(day: date) -> date:
    if day.month == 1:
        return day.replace(year=day.year - 1, month=12)
    return day.replace(month=day.month - 1)
