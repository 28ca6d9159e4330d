"""Prices as rows of any JSON or CSV, by the names of their fields."""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from itertools import pairwise
from pathlib import Path

from v2g_daemon.adapters.prices.request import FileRequest, HttpRequest, Request
from v2g_daemon.adapters.prices.translate import (
    Row,
    Unit,
    amount,
    amount_of_text,
    parsed,
    series_of,
    stamp_s,
)
from v2g_daemon.domain.errors import PriceSourceError
from v2g_daemon.market.series import SeriesPrice

START_COLUMN = "time_utc"
LARGEST_FILE_BYTES = 64 << 20
_UNIT_SUFFIX = re.compile(r"_([a-z]{1,5})_per_(kwh|mwh)$")


class Stamps(Enum):
    """Which end of its interval a stamp marks."""

    START = "start"
    END = "end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where rows are read from: an address ({first} and {last} stand for days) or a file."""

    url: str | None = None
    file: Path | None = None
    headers: dict[str, str] = field(default_factory=dict, repr=False)

    def request(self, first: date, last: date) -> Request:
        """The same for every day, unless the address asks for it."""
        if self.file is not None:
            return FileRequest(path=self.file)
        url = "" if self.url is None else self.url
        url = url.replace("{first}", first.isoformat()).replace("{last}", last.isoformat())
        return HttpRequest(url=url, headers=self.headers)


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonRows:
    """Objects of a JSON array; `rows` is the dotted path to it, "" the answer itself.

    `length_s`: how long each price holds; None: as the stamps tell.
    """

    place: Place
    currency: str
    unit: str
    start: str
    value: str
    end: str | None = None
    stamps: Stamps = Stamps.START
    rows: str = ""
    length_s: int | None = None

    def request(self, first: date, last: date) -> Request:
        """As its place says."""
        return self.place.request(first, last)

    def series(self, payload: bytes) -> tuple[SeriesPrice, ...]:
        """The prices of an answer; raises PriceSourceError."""
        found = parsed(payload)
        for key in self.rows.split(".") if self.rows else ():
            found = found.get(key) if isinstance(found, dict) else None
        if not isinstance(found, list):
            raise PriceSourceError(f"no list at {self.rows!r}, but {payload[:40]!r}")
        unit = Unit.of(self.unit, currency=self.currency)
        rows = _placed([self._row(one, unit) for one in found], self.stamps, self.length_s)
        return series_of(rows, currency=self.currency)

    def _row(self, one: object, unit: Unit) -> Row:
        if not isinstance(one, dict):
            raise PriceSourceError(f"a row of {one!r}")
        return Row(
            start_s=stamp_s(one.get(self.start)),
            end_s=None if self.end is None else stamp_s(one.get(self.end)),
            per_kwh=amount(one.get(self.value), unit),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvRows:
    """Lines of a CSV with a header, plain or gzip.

    `value` None takes the one column whose name ends in its unit, such as price_eur_per_kwh.
    `length_s`: how long each price holds; None: as the stamps tell.
    """

    place: Place
    currency: str
    start: str = START_COLUMN
    value: str | None = None
    unit: str | None = None
    end: str | None = None
    stamps: Stamps = Stamps.START
    length_s: int | None = None

    def request(self, first: date, last: date) -> Request:
        """As its place says."""
        return self.place.request(first, last)

    def series(self, payload: bytes) -> tuple[SeriesPrice, ...]:
        """The prices of a file; raises PriceSourceError."""
        header, lines = _table(payload)
        if not header:
            raise PriceSourceError("an empty table")
        value = self._value_column(header)
        for name in (self.start, value, *(() if self.end is None else (self.end,))):
            if name not in header:
                raise PriceSourceError(f"no column {name!r} among {', '.join(header) or 'none'}")
        unit = Unit.of(self.unit or _unit_of(value), currency=self.currency)
        rows = []
        for number, fields in lines:
            try:
                if len(fields) != len(header):
                    raise PriceSourceError(f"{len(fields)} fields, the header has {len(header)}")
                rows.append(self._row(dict(zip(header, fields, strict=True)), value, unit))
            except PriceSourceError as error:
                raise PriceSourceError(f"line {number}: {error}") from error
        return series_of(_placed(rows, self.stamps, self.length_s), currency=self.currency)

    def _row(self, line: dict[str, str], value: str, unit: Unit) -> Row:
        return Row(
            start_s=stamp_s(_stamp(line[self.start])),
            end_s=None if self.end is None else stamp_s(_stamp(line[self.end])),
            per_kwh=amount_of_text(line[value], unit),
        )

    def _value_column(self, header: list[str]) -> str:
        if self.value is not None:
            return self.value
        priced = [name for name in header if _UNIT_SUFFIX.search(name) is not None]
        if len(priced) != 1:
            raise PriceSourceError(
                f"{len(priced)} columns whose names end in a unit; name one as value"
            )
        return priced[0]


def _placed(rows: Sequence[Row], stamps: Stamps, length_s: int | None) -> Sequence[Row]:
    """Rows whose stamps mark the end begin one usual step before, or as long as they hold."""
    if length_s is not None:
        before_s = length_s if stamps is Stamps.END else 0
        return [
            Row(
                start_s=row.start_s - before_s,
                end_s=row.start_s - before_s + length_s,
                per_kwh=row.per_kwh,
            )
            for row in rows
        ]
    if stamps is Stamps.START or len(rows) < 2:
        return rows
    marks = sorted(row.start_s for row in rows)
    length_s = Counter(later - earlier for earlier, later in pairwise(marks)).most_common(1)[0][0]
    return [
        Row(start_s=row.start_s - length_s, end_s=row.start_s, per_kwh=row.per_kwh) for row in rows
    ]


def _stamp(text: str) -> object:
    """A stamp as text or as a number of seconds."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else text


def _unit_of(column: str) -> str:
    found = _UNIT_SUFFIX.search(column)
    if found is None:
        raise PriceSourceError(f"column {column!r} does not end in its unit; give the unit")
    return f"{found[1]}/{found[2]}"


def _table(payload: bytes) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The header of a CSV, and its other lines that are not empty by their numbers."""
    reader = csv.reader(io.StringIO(_text(payload), newline=""))
    try:
        found = [(reader.line_num, fields) for fields in reader if fields]
    except csv.Error as error:
        raise PriceSourceError(f"no CSV: {error}") from error
    return (found[0][1], found[1:]) if found else ([], [])


def _text(payload: bytes) -> str:
    try:
        if payload.startswith(b"\x1f\x8b"):
            with gzip.GzipFile(fileobj=io.BytesIO(payload)) as packed:
                payload = packed.read(LARGEST_FILE_BYTES + 1)
            if len(payload) > LARGEST_FILE_BYTES:
                raise PriceSourceError(f"more than {LARGEST_FILE_BYTES} bytes when unpacked")
        return payload.decode("utf-8-sig")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise PriceSourceError(f"neither text nor gzip: {error}") from error
