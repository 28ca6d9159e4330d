"""A household's load where none is measured: a stated profile, not anybody's measurement.

Watts by the local hour for working days and for weekends, times a factor of the month, scaled to
an energy a year. It has a morning and an evening peak and more load in winter; it knows no heat
pump, no holidays, and nothing of the spikes that real houses have.
"""

from __future__ import annotations

from zoneinfo import ZoneInfo

from v2g_daemon.domain.interval import QUARTER_HOUR, Interval

KWH_A_YEAR = 3500.0
HOURS_A_YEAR = 8760.0
WORKING_DAY = (
    0.55, 0.48, 0.45, 0.44, 0.46, 0.56, 0.82, 1.06, 1.02, 0.92, 0.90, 0.98,
    1.06, 1.00, 0.92, 0.92, 1.02, 1.30, 1.68, 1.76, 1.62, 1.38, 1.06, 0.74,
)  # fmt: skip
WEEKEND = (
    0.64, 0.54, 0.48, 0.46, 0.46, 0.48, 0.56, 0.76, 1.04, 1.24, 1.32, 1.40,
    1.48, 1.34, 1.20, 1.14, 1.18, 1.36, 1.62, 1.66, 1.52, 1.32, 1.06, 0.80,
)  # fmt: skip
MONTH_FACTORS = (1.20, 1.15, 1.07, 0.98, 0.91, 0.86, 0.84, 0.85, 0.92, 1.00, 1.09, 1.18)
DAYS_OF_MONTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
NOTE = (
    "no measured load: a standard profile of {kwh:.0f} kWh a year stands in for it (shown in "
    "docs/backtest.md); measure yours for figures that are yours"
)


def standard_load_w(interval: Interval, *, timezone: str, kwh_a_year: float) -> tuple[float, ...]:
    """The profile on the quarter hours of an interval."""
    zone = ZoneInfo(timezone)
    scale_w = kwh_a_year * 1000.0 / HOURS_A_YEAR / _mean_of_the_shape()
    count = (interval.end_utc - interval.start_utc) // QUARTER_HOUR
    found: list[float] = []
    for slot in range(count):
        local = (interval.start_utc + slot * QUARTER_HOUR).astimezone(zone)
        day = WEEKEND if local.weekday() >= 5 else WORKING_DAY
        found.append(scale_w * day[local.hour] * MONTH_FACTORS[local.month - 1])
    return tuple(found)


def _mean_of_the_shape() -> float:
    """So that a year of the shape holds the energy asked for."""
    week, year = 0.0, 0.0
    for working_day, weekend in zip(WORKING_DAY, WEEKEND, strict=True):
        week += 5.0 * working_day + 2.0 * weekend
    for factor, days in zip(MONTH_FACTORS, DAYS_OF_MONTHS, strict=True):
        year += factor * days
    return week / 168.0 * year / 365.0
