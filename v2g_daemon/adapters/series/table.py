"""A CSV file as rows with their line numbers, plain or gzip; and how a fault in it is told."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from v2g_daemon.domain.errors import SeriesFileError

LARGEST_BYTES = 256 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line: its number in the file, and its fields in the order of the header."""

    number: int
    fields: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A header and the rows below it; `name` is what the file is called in messages."""

    name: str
    header: list[str]
    rows: list[Row]

    def column(self, name: str) -> int:
        """Where a column stands; SeriesFileError if there is none."""
        if name not in self.header:
            raise fault(self.name, 1, f"there is no column {name}", f"it has {self.header}")
        return self.header.index(name)


def fault(name: str, line: int, problem: str, fix: str) -> SeriesFileError:
    """A file that cannot be used, and what would help."""
    return SeriesFileError(f"{name}: line {line}: {problem}; {fix}")


def read_bytes(path: Path) -> bytes:
    """The content of a file; SeriesFileError if it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise SeriesFileError(f"{path}: cannot be read: {error.strerror}") from error


def table_of(payload: bytes, *, name: str) -> Table:
    """The rows of a file; SeriesFileError where it is no table."""
    reader = csv.reader(io.StringIO(_text(payload, name), newline=""), strict=True)
    try:
        rows = [Row(number=reader.line_num, fields=fields) for fields in reader if fields]
    except csv.Error as error:
        raise fault(
            name, reader.line_num, f"no CSV ({error})", "write it as RFC 4180 says"
        ) from error
    if len(rows) < 2:
        raise fault(name, 1, "there are no rows", "write a header and at least one line below it")
    header = rows[0].fields
    for row in rows[1:]:
        if len(row.fields) != len(header):
            problem = f"{len(row.fields)} fields, the header has {len(header)}"
            raise fault(name, row.number, problem, "write decimals with a point, not a comma")
    return Table(name=name, header=header, rows=rows[1:])


def moment_of(text: str, name: str, line: int) -> datetime:
    """A UTC moment from ISO 8601 with its offset; SeriesFileError for anything else."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        if "24:00" in text:
            problem = f"{text!r} counts hours by their end"
            fix = "write the UTC start of each interval, or name the column end_utc"
            raise fault(name, line, problem, fix) from error
        problem, fix = f"{text!r} is not ISO 8601", "write it as 2024-12-31T23:00:00Z"
        raise fault(name, line, problem, fix) from error
    if moment.tzinfo is None:
        problem, fix = f"{text!r} tells no offset from UTC", "write it as 2024-12-31T23:00:00Z"
        raise fault(name, line, problem, fix)
    return moment.astimezone(UTC).replace(tzinfo=UTC)


def span(rows: Iterator[Row] | list[Row]) -> str:
    """The lines of some rows, in words."""
    numbers = [row.number for row in rows]
    return f"line {numbers[0]}" if len(numbers) == 1 else f"lines {numbers[0]} to {numbers[-1]}"


def _text(payload: bytes, name: str) -> str:
    try:
        if payload.startswith(b"\x1f\x8b"):
            with gzip.GzipFile(fileobj=io.BytesIO(payload)) as packed:
                payload = packed.read(LARGEST_BYTES + 1)
        if len(payload) > LARGEST_BYTES:
            raise SeriesFileError(f"{name}: more than {LARGEST_BYTES} bytes; cut it into parts")
        return payload.decode("utf-8-sig")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise SeriesFileError(
            f"{name}: neither text nor gzip ({error}); write a CSV, packed or not"
        ) from error
