"""What grid programs want of a car beforehand, as far as a plan must know it.

A commitment is capacity that may be called for at any moment of its time; availability pay counts
the hours in which the car is plugged in. The calls themselves are no part of a plan.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from v2g_daemon.domain.interval import Interval, at_local


@dataclass(frozen=True, slots=True, kw_only=True)
class Commitment:
    """At any moment of the interval the EVSE can give `discharge_w` for `sustained_s`.

    None, or more than is left: to the interval's end. A kWh of the power promised that could not be
    given so costs `shortfall_per_kwh`.
    """

    name: str
    interval: Interval
    discharge_w: float
    sustained_s: float | None
    shortfall_per_kwh: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklyCommitment:
    """A commitment that recurs in local wall time; weekday 0 is Monday.

    An end that is not after the start is the next day's.
    """

    name: str
    weekdays: tuple[int, ...]
    starts_at: time
    ends_at: time
    discharge_w: float
    sustained_s: float | None
    shortfall_per_kwh: float

    def within(self, span: Interval, zone: ZoneInfo) -> tuple[Commitment, ...]:
        """The commitments that the span touches, whole, in order of time."""
        first = span.start_utc.astimezone(zone).date() - timedelta(days=1)
        last = span.end_utc.astimezone(zone).date()
        days = [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
        overnight = timedelta(days=1 if self.ends_at <= self.starts_at else 0)
        spans = [
            (at_local(day, self.starts_at, zone), at_local(day + overnight, self.ends_at, zone))
            for day in days
            if day.weekday() in self.weekdays
        ]
        return tuple(
            self._over(starts_utc, ends_utc)
            for starts_utc, ends_utc in spans
            if starts_utc < ends_utc and starts_utc < span.end_utc and ends_utc > span.start_utc
        )

    def _over(self, starts_utc: datetime, ends_utc: datetime) -> Commitment:
        return Commitment(
            name=self.name,
            interval=Interval(start_utc=starts_utc, end_utc=ends_utc),
            discharge_w=self.discharge_w,
            sustained_s=self.sustained_s,
            shortfall_per_kwh=self.shortfall_per_kwh,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AvailabilityTerms:
    """What is paid for the hours of a period in which the car is plugged in with enough SoC.

    `per_plugged_h` for each up to `cap_h` (None: for all), and `bonus_money` once there are
    `threshold_h` of them.
    """

    name: str
    soc_at_least: float
    per_plugged_h: float = 0.0
    cap_h: float | None = None
    bonus_money: float = 0.0
    threshold_h: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AvailabilityPay:
    """The terms in one period, of which so many hours are plugged in already."""

    terms: AvailabilityTerms
    period: Interval
    plugged_to_date_h: float
