"""A house's tariff over the days of a rehearsal: its price series on them, and its rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from v2g_daemon.app.backtest import recorded
from v2g_daemon.app.price_sources import PUBLICATION
from v2g_daemon.domain.errors import ConfigurationError
from v2g_daemon.domain.interval import QUARTER_HOUR, Interval
from v2g_daemon.domain.prices import PriceCurve
from v2g_daemon.market.curve import price_curve
from v2g_daemon.market.rated import Rated, rated
from v2g_daemon.market.series import KnownSeries, Series, SeriesPrice
from v2g_daemon.market.tariff import Component, Export, SeriesRate, Stack, TariffBook
from v2g_daemon.market.track import posix_s

EXPORT_FILE = "export prices"
PUBLISHED = time(13)
# A quarter hour costs what its five-minute steps do on average.
MOMENTS = tuple(timedelta(minutes=minute) for minute in (0, 5, 10))


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """The rules over the days, the price of a kWh more in each quarter hour, and when it is known.

    `published` None: prices hold for good.
    """

    versions: tuple[Rated, ...]
    import_per_kwh: tuple[float, ...]
    export_per_kwh: tuple[float, ...]
    published: time | None
    notes: tuple[str, ...]


def with_export_of_a_file(book: TariffBook) -> TariffBook:
    """The tariff with exports paid as a file says, in cash."""
    stack = Stack(components=(Component(name=EXPORT_FILE, rate=SeriesRate(source=EXPORT_FILE)),))
    export = Export(stack=stack)
    return TariffBook(versions=tuple(replace(one, export=export) for one in book.versions))


def contract(book: TariffBook, series: KnownSeries, interval: Interval) -> Contract:
    """The tariff over an interval; ConfigurationError where a source has no prices."""
    missing = [source for source in book.sources() if source not in series]
    if missing:
        raise ConfigurationError(
            f"the tariff needs prices of {', '.join(missing)}; give them with --prices FILE, or "
            f"--prices '{missing[0]}=FILE' for one of several"
        )
    moved, notes = _on(interval, series)
    book, doubts = _valid_throughout(book, interval)
    versions = rated(book, moved, interval)
    curve = price_curve(versions)
    prices = [_at(curve, interval, slot) for slot in range(_count(interval))]
    return Contract(
        versions=versions,
        import_per_kwh=tuple(bought for bought, _ in prices),
        export_per_kwh=tuple(sold for _, sold in prices),
        published=_published(book),
        notes=(*notes, *doubts),
    )


def _on(interval: Interval, series: KnownSeries) -> tuple[Mapping[str, Series], tuple[str, ...]]:
    """Each series on its own steps of the interval, moved and filled where it has to be."""
    found: dict[str, Series] = {}
    notes: list[str] = []
    for source, prices in series.items():
        step, taken = recorded.prices_on_their_steps(prices, interval, name=source)
        found[source] = tuple(
            SeriesPrice(
                interval=Interval(
                    start_utc=interval.start_utc + number * step,
                    end_utc=interval.start_utc + (number + 1) * step,
                ),
                per_kwh=Decimal(repr(per_kwh)),
            )
            for number, per_kwh in enumerate(taken.values)
        )
        notes += recorded.told(source, taken)
    return found, tuple(notes)


def _valid_throughout(book: TariffBook, interval: Interval) -> tuple[TariffBook, tuple[str, ...]]:
    """The versions as they are, if they reach over the interval; else the newest for all of it."""
    zone = ZoneInfo(book.timezone)
    days = [interval.start_utc + timedelta(days=n) for n in range(_count(interval) // 96 + 1)]
    uncovered = [moment for moment in days[:-1] if book.at(moment) is None]
    if not uncovered:
        return book, ()
    newest = replace(book.versions[-1], valid_from=None, valid_to=None)
    note = (
        f"no version of {newest.id} is valid on {uncovered[0].astimezone(zone):%Y-%m-%d}: the "
        "newest one stands for all days"
    )
    return TariffBook(versions=(newest,)), (note,)


def _at(curve: PriceCurve, interval: Interval, slot: int) -> tuple[float, float]:
    bought = sold = 0.0
    for moment in MOMENTS:
        at_utc = interval.start_utc + slot * QUARTER_HOUR + moment
        price = curve.at(at_utc)
        if price is None:
            raise ConfigurationError(
                f"the tariff has no price at {at_utc:%Y-%m-%d %H:%M} UTC; see v2g tariff check"
            )
        bought += price.import_per_kwh / len(MOMENTS)
        sold += price.export_per_kwh / len(MOMENTS)
    return bought, sold


def _published(book: TariffBook) -> time | None:
    """The latest wall time at which a source publishes tomorrow; None where none is needed."""
    sources: Sequence[str] = [one for one in book.sources() if one != EXPORT_FILE]
    if not sources:
        return None
    return max(PUBLICATION.get(source.partition(":")[0], PUBLISHED) for source in sources)


def _count(interval: Interval) -> int:
    return (posix_s(interval.end_utc) - posix_s(interval.start_utc)) // 900
