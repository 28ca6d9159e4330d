"""The sources that a tariff names, each with the shape of its answers."""

from __future__ import annotations

from datetime import datetime, time
from zoneinfo import ZoneInfo

from v2g_daemon.adapters.prices import energy_charts, octopus, tibber
from v2g_daemon.adapters.prices.desk import PriceRules
from v2g_daemon.adapters.prices.feed import PriceSource
from v2g_daemon.adapters.prices.listed import START_COLUMN, CsvRows, JsonRows, Place, Stamps
from v2g_daemon.adapters.prices.request import Shape
from v2g_daemon.app.peaks import MonthsBefore, billed_kw, metered
from v2g_daemon.app.tariffs import book_of
from v2g_daemon.domain.errors import InvariantViolated
from v2g_daemon.domain.interval import Interval
from v2g_daemon.domain.policy import GridConnection
from v2g_daemon.market.calendar import bill_months
from v2g_daemon.market.curve import Standing
from v2g_daemon.market.tariff import TariffBook
from v2g_daemon.market.track import posix_s
from v2g_daemon.ports import LedgerReader
from v2g_daemon.settings import Settings, sections, to_policy
from v2g_daemon.settings.price_sources import asked_sources

# When tomorrow is published, in the source's own wall time.
PUBLICATION = {"energy-charts": time(13), "octopus": time(16), "tibber": time(13)}
TIMEZONE = {"octopus": "Europe/London"}
DEFAULT_EVERY_S = 900.0


def price_rules(settings: Settings, reader: LedgerReader) -> PriceRules:
    """What the price desk of a house works by."""
    book, grid = book_of(settings), to_policy(settings).grid
    before = MonthsBefore(reader, grid)

    def standing(now_utc: datetime) -> Standing | None:
        return month_so_far(book, reader, grid, now_utc, before)

    return PriceRules(book=book, sources=price_sources(settings, book), standing=standing)


def price_sources(settings: Settings, book: TariffBook) -> tuple[PriceSource, ...]:
    """Every source that the tariff names."""
    return tuple(_source(one, settings, book) for one in asked_sources(settings))


def month_so_far(
    book: TariffBook,
    reader: LedgerReader,
    grid: GridConnection,
    now_utc: datetime,
    before: MonthsBefore | None = None,
) -> Standing | None:
    """Where the running bill month stands by the ledger; None where no price depends on it.

    `before` remembers the peaks of the months that are over.
    """
    tariff = book.at(now_utc)
    if tariff is None or not tariff.depends_on_month:
        return None
    now_s = posix_s(now_utc)
    zone = ZoneInfo(tariff.timezone)
    (month,) = bill_months((now_s, now_s + 1), zone, billing_day=tariff.billing_day)
    since = Interval(start_utc=month.start_utc, end_utc=month.end_utc)
    rows = metered(reader, grid, since)
    before = MonthsBefore(reader, grid) if before is None else before
    return Standing(
        month=month,
        import_milliwh=sum(row.import_milliwh for row in rows),
        export_milliwh=sum(row.export_milliwh for row in rows),
        billed_kw=billed_kw(tariff, rows, month, before),
    )


def _source(section: sections.PriceSource, settings: Settings, book: TariffBook) -> PriceSource:
    kind = section.kind or ""
    publication = section.publication
    if publication is None and section.every_s is None:
        publication = PUBLICATION.get(kind)
    return PriceSource(
        name=section.name,
        shape=_shape(section, book.currency),
        timezone=section.timezone or TIMEZONE.get(kind) or book.timezone,
        publication=publication,
        every_s=DEFAULT_EVERY_S if section.every_s is None else section.every_s,
        timeout_s=settings.prices.timeout_s,
        real_time_s=section.real_time_s,
    )


def _shape(section: sections.PriceSource, currency: str) -> Shape:
    rest = section.name.partition(":")[2]
    match section.kind:
        case "energy-charts":
            url = section.url or energy_charts.URL
            return energy_charts.EnergyCharts(bzn=rest, currency=currency, url=url)
        case "octopus":
            product, _, tariff = rest.partition("/")
            url = section.url or octopus.URL
            return octopus.Octopus(product=product, tariff=tariff, url=url)
        case "tibber":
            url, token = section.url or tibber.URL, _token(section)
            return tibber.Tibber(home=rest, currency=currency, token=token, url=url)
        case "json":
            return JsonRows(
                place=_place(section),
                currency=currency,
                unit=section.unit or "",
                start=section.start or "",
                value=section.value or "",
                end=section.end,
                stamps=Stamps(section.stamps),
                rows=section.rows,
                length_s=section.real_time_s,
            )
        case "csv":
            return CsvRows(
                place=_place(section),
                currency=currency,
                unit=section.unit,
                start=section.start or START_COLUMN,
                value=section.value,
                end=section.end,
                stamps=Stamps(section.stamps),
                length_s=section.real_time_s,
            )
        case None:
            raise InvariantViolated(f"a source of no kind was accepted: {section.name!r}")


def _place(section: sections.PriceSource) -> Place:
    headers = {"Authorization": f"Bearer {_token(section)}"} if section.token is not None else {}
    return Place(url=section.url, file=section.file, headers=headers)


def _token(section: sections.PriceSource) -> str:
    return "" if section.token is None else section.token.get_secret_value()
