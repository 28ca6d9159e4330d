"""One local day of a tariff, step by step: what each component of both prices is, for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

from v2g_daemon.domain.interval import Interval, local_day
from v2g_daemon.market.calendar import HOUR_S
from v2g_daemon.market.rated import Rated, bounded, export_price, import_price, rated
from v2g_daemon.market.series import KnownSeries
from v2g_daemon.market.tariff import Tariff, TariffBook
from v2g_daemon.market.track import Span, Value, aligned, means


@dataclass(frozen=True, slots=True, kw_only=True)
class DayStep:
    """Prices from one moment to the next; None is unknown. Components are before VAT.

    `exact`: the prices hold all the while; otherwise they are means.
    """

    interval: Interval
    import_per_kwh: Value
    export_per_kwh: Value
    components: Mapping[str, Value]
    vat_per_kwh: Value
    exact: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DayPrices:
    """A local day under the version that is valid on it."""

    day: date
    zone: ZoneInfo
    tariff: Tariff
    interval: Interval
    steps: tuple[DayStep, ...]

    @property
    def hours(self) -> float:
        """23, 24 or 25, where the clock changes by an hour."""
        return self.interval.seconds_s / HOUR_S


def day_prices(
    book: TariffBook, series: KnownSeries, day: date, *, most_steps: int | None = None
) -> DayPrices | None:
    """Every step of the day as its prices have it; None where no version is valid on it.

    With `most_steps` a step begins at each hour at least, and where that makes more than so many,
    the hours themselves are shown with the means of what is finer.
    """
    zone = ZoneInfo(book.timezone)
    interval = local_day(day, zone)
    versions = rated(book, series, interval)
    if not versions:
        return None
    version = versions[0]
    return DayPrices(
        day=day,
        zone=zone,
        tariff=version.tariff,
        interval=interval,
        steps=_steps(version, most_steps),
    )


def _steps(version: Rated, most_steps: int | None) -> tuple[DayStep, ...]:
    bought, sold = import_price(version), export_price(version)
    starts, _ = aligned((bought, sold, *(one.track for one in version.imports)))
    spans = _spans(starts, version.span, most_steps)
    columns = {one.name: means(one.track, spans) for one in version.imports}
    imports, exports = means(bought, spans), means(sold, spans)
    tiers = version.tariff.tiers
    adder = tiers[0].adder if tiers else Decimal(0)
    found: list[DayStep] = []
    for index, (start_s, end_s) in enumerate(spans):
        parts = {name: column[index] for name, column in columns.items()}
        price = imports[index]
        before = sum((part for part in parts.values() if part is not None), start=Decimal(0))
        found.append(
            DayStep(
                interval=Interval(
                    start_utc=datetime.fromtimestamp(start_s, tz=UTC),
                    end_utc=datetime.fromtimestamp(end_s, tz=UTC),
                ),
                import_per_kwh=None
                if price is None
                else bounded(price + adder, version.tariff.imports),
                export_per_kwh=exports[index],
                components=parts,
                vat_per_kwh=None if price is None else price - before,
                exact=not any(start_s < one < end_s for one in starts),
            )
        )
    return tuple(found)


def _spans(starts: Sequence[int], span: Span, most_steps: int | None) -> list[Span]:
    edges = {*starts, span[1]}
    if most_steps is not None:
        hours = set(range(span[0], span[1], HOUR_S))
        edges |= hours
        if len(edges) - 1 > most_steps:
            edges = {*hours, span[1]}
    return list(pairwise(sorted(edges)))
