"""Half-open UTC intervals, the quarter-hour grid, and the few local-day rules of the house."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from v2g_daemon.domain.quick import quick

EPOCH_UTC = datetime(1970, 1, 1, tzinfo=UTC)
QUARTER_HOUR = timedelta(minutes=15)
QUARTER_HOUR_S = 900
# Further off a weekday may be that of the week after.
NAMED_BY_WEEKDAY = timedelta(days=6)


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """[start_utc, end_utc), both aware UTC."""

    start_utc: datetime
    end_utc: datetime

    def __post_init__(self) -> None:
        if self.start_utc.tzinfo is not UTC or self.end_utc.tzinfo is not UTC:
            raise ValueError("Interval needs aware UTC datetimes")
        if self.end_utc <= self.start_utc:
            raise ValueError(f"Interval ends before it starts: {self.start_utc}..{self.end_utc}")

    @property
    def seconds_s(self) -> float:
        """Length in seconds."""
        return (self.end_utc - self.start_utc).total_seconds()

    def contains(self, moment_utc: datetime) -> bool:
        """Whether the moment lies in [start, end)."""
        return self.start_utc <= moment_utc < self.end_utc


def quarter_hour_start(moment_utc: datetime) -> datetime:
    """The start of the UTC quarter hour that contains the moment."""
    return moment_utc - (moment_utc - EPOCH_UTC) % QUARTER_HOUR


def quarter_hours(interval: Interval) -> Iterator[Interval]:
    """The quarter hours that the interval touches, in order (92, 96 or 100 in a local day)."""
    start = quarter_hour_start(interval.start_utc)
    while start < interval.end_utc:
        yield Interval(start_utc=start, end_utc=start + QUARTER_HOUR)
        start += QUARTER_HOUR


def wall_clock(moment_utc: datetime, timezone: str) -> str:
    """The hours and minutes that a clock on the wall of the house shows, such as 07:30."""
    return f"{moment_utc.astimezone(ZoneInfo(timezone)):%H:%M}"


def wall_moment(moment_utc: datetime, *, now_utc: datetime, timezone: str) -> str:
    """Weekday and wall time of the house, such as Thu 07:30; far off with the date."""
    form = "%a %H:%M" if moment_utc - now_utc <= NAMED_BY_WEEKDAY else "%a %d %b %H:%M"
    return f"{moment_utc.astimezone(ZoneInfo(timezone)):{form}}"


def at_local(day: date, wall: time, zone: ZoneInfo) -> datetime:
    """The UTC moment of a local wall time: the first of a repeated hour, a skipped one later."""
    return datetime.combine(day, wall, tzinfo=zone).astimezone(UTC)


def local_day(day: date, zone: ZoneInfo) -> Interval:
    """The local calendar day as a UTC interval."""
    return Interval(
        start_utc=at_local(day, time(0), zone),
        end_utc=at_local(day + timedelta(days=1), time(0), zone),
    )


def noon_day(moment_utc: datetime, zone: ZoneInfo) -> Interval:
    """The noon-to-noon local day that contains the moment: the day of the daily export depth."""
    local = moment_utc.astimezone(zone)
    first = local.date() if local.time() >= time(12) else local.date() - timedelta(days=1)
    return Interval(
        start_utc=at_local(first, time(12), zone),
        end_utc=at_local(first + timedelta(days=1), time(12), zone),
    )
