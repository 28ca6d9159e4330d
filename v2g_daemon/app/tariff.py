"""`v2g tariff check|show`: what a tariff file says, what looks wrong in it, and a day of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from textwrap import wrap
from zoneinfo import ZoneInfo

from v2g_daemon.adapters.reports.tariff_day import day_json, drawn
from v2g_daemon.adapters.series.table import read_bytes
from v2g_daemon.adapters.series.translate import series_of
from v2g_daemon.app.tariff_words import sentences
from v2g_daemon.app.tariffs import book_of_versions, load_book
from v2g_daemon.domain.errors import ConfigurationError, SeriesFileError
from v2g_daemon.market.day import DayPrices, day_prices
from v2g_daemon.market.series import KnownSeries, SeriesPrice, covers
from v2g_daemon.market.tariff import TariffBook
from v2g_daemon.settings.tariff_file import load_tariff
from v2g_daemon.settings.tariff_lints import lints

MOST_LINES = 30
COLUMNS = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class TariffReport:
    """What was understood of a tariff, one sentence a line, and what is doubtful about it."""

    name: str
    understood: tuple[str, ...]
    doubts: tuple[str, ...]

    @property
    def text(self) -> str:
        """The report for people."""
        lines = [f"{self.name}: the tariff can be used.", *self.understood]
        return "\n".join([*lines, *(f"Doubt: {_ended(doubt)}" for doubt in self.doubts)])

    @property
    def json(self) -> str:
        """The report for programs."""
        found = {"file": self.name, "understood": self.understood, "doubts": self.doubts}
        return json.dumps(found, indent=2, ensure_ascii=False)


def _ended(sentence: str) -> str:
    return sentence if sentence.endswith("?") else f"{sentence}."


def check_tariff(name: str, *, today: date) -> TariffReport:
    """Read a file (or a shipped tariff by its name); ConfigurationError if it cannot be used."""
    versions = load_tariff(name)
    book = book_of_versions(versions, file=name)
    return TariffReport(
        name=name,
        understood=tuple(line for tariff in book.versions for line in sentences(tariff)),
        doubts=lints(versions, today=today),
    )


def show_tariff(
    name: str, *, day: date | None, now_utc: datetime, prices: Sequence[str], as_json: bool
) -> str:
    """A day of it (by default today, where it is from) as a drawing of 80 columns or as JSON.

    `prices` are files, each for all sources or as SOURCE=FILE for one.
    """
    book = load_book(name)
    if day is None:
        day = now_utc.astimezone(ZoneInfo(book.timezone)).date()
    series = known_series(book, prices)
    found = day_prices(book, series, day, most_steps=None if as_json else MOST_LINES)
    if found is None:
        raise ConfigurationError(f"{name}: no version is valid on {day}; see v2g tariff check")
    missing = [
        source
        for source in found.tariff.sources()
        if not covers(series.get(source, ()), found.interval)
    ]
    if as_json:
        return json.dumps({**day_json(found), "unknown_sources": missing}, indent=2)
    besides = (line for text in _besides(found, missing) for line in wrap(text, COLUMNS))
    return "\n".join([drawn(found), *besides])


def _besides(found: DayPrices, missing: Sequence[str]) -> Iterator[str]:
    for source in missing:
        yield f"? {source} is not known all day; give its prices with --prices FILE."
    if found.tariff.tiers:
        yield "Import is drawn in the first tier."
    yield from list(sentences(found.tariff))[1:]


def known_series(book: TariffBook, prices: Sequence[str]) -> KnownSeries:
    """The series of files, each for all sources or as SOURCE=FILE for one; ConfigurationError."""
    known: dict[str, tuple[SeriesPrice, ...]] = {}
    if prices and not book.sources():
        raise ConfigurationError("--prices: the tariff needs no prices; leave them out")
    for given in prices:
        source, equals, file = given.rpartition("=")
        names = (source,) if equals else book.sources()
        for one in names:
            if one not in book.sources():
                has = ", ".join(book.sources())
                problem = f"the tariff has no source {one!r}; it has {has}"
                raise ConfigurationError(f"--prices {given}: {problem}")
            known[one] = price_column(Path(file), book.currency)
    return known


def price_column(path: Path, currency: str) -> tuple[SeriesPrice, ...]:
    """The one column of prices in the currency."""
    file = series_of(read_bytes(path), name=str(path))
    found = [name for name in file.prices if name.endswith(f"_{currency.lower()}_per_kwh")]
    if len(found) != 1:
        raise SeriesFileError(
            f"{path}: {len(found)} columns of prices in {currency}; leave one, and name it like "
            f"price_{currency.lower()}_per_kwh"
        )
    return file.price_series(found[0])
