"""Price series: what a source says a kWh costs, as it becomes known, before any tariff."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from v2g_daemon.domain.interval import Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesPrice:
    """A source's price of one interval, as published; may be negative."""

    interval: Interval
    per_kwh: Decimal


Series = Sequence[SeriesPrice]
# By the name that a tariff calls the source; each in time order, without overlaps.
KnownSeries = Mapping[str, Series]


def merged(known: Series, news: Series, *, keep_from_utc: datetime) -> tuple[SeriesPrice, ...]:
    """Both series in time order without overlaps; news replaces what it overlaps, gaps do not.

    Both are in time order themselves. What ended by `keep_from_utc` is forgotten.
    """
    ends = [price.interval.end_utc for price in news]

    def replaced(price: SeriesPrice) -> bool:
        index = bisect_right(ends, price.interval.start_utc)
        return index < len(news) and news[index].interval.start_utc < price.interval.end_utc

    kept = [price for price in known if not replaced(price)]
    return tuple(
        sorted(
            (price for price in [*kept, *news] if price.interval.end_utc > keep_from_utc),
            key=lambda price: price.interval.start_utc,
        )
    )


def covers(series: Series, interval: Interval) -> bool:
    """Whether the series knows every moment of the interval."""
    known_until = interval.start_utc
    for price in series:
        if price.interval.contains(known_until):
            known_until = price.interval.end_utc
    return known_until >= interval.end_utc
