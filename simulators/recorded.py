"""Recorded series from CSV files, plain or gzip, held as steps."""

from __future__ import annotations

import csv
import gzip
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

PACKAGED = "demo:"


class RecordedDataError(Exception):
    """A recorded file is missing or unreadable; the text says which and why."""


def resolve(name: str, base: Path) -> Path:
    """Return the path of a file named in a scenario: packaged with `demo:`, else next to it."""
    if name.startswith(PACKAGED):
        return Path(str(files("simulators").joinpath("data", name.removeprefix(PACKAGED))))
    return base / name


def rows(path: Path, columns: tuple[str, ...]) -> Iterator[dict[str, str]]:
    """Yield the rows of a CSV file that must have the given columns."""
    try:
        with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
            reader = csv.DictReader(lines)
            missing = [name for name in columns if name not in (reader.fieldnames or [])]
            if missing:
                raise RecordedDataError(f"{path}: column {missing[0]} is missing")
            yield from reader
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise RecordedDataError(f"{path}: cannot be read ({error})") from error


def epoch_s(stamp: str, path: Path) -> float:
    """Return seconds since the epoch of an ISO stamp with offset or Z."""
    try:
        moment = datetime.fromisoformat(stamp)
    except ValueError as error:
        raise RecordedDataError(f"{path}: {stamp!r} is not a time stamp") from error
    if moment.tzinfo is None:
        raise RecordedDataError(f"{path}: {stamp!r} has no offset")
    return moment.timestamp()


def number(text: str, path: Path) -> float | None:
    """Return the value of a CSV field, None where the source has none."""
    try:
        return float(text) if text.strip() else None
    except ValueError as error:
        raise RecordedDataError(f"{path}: {text!r} is not a number") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class StepSeries:
    """Values that hold from their stamp until the next one; the first also holds before it."""

    times_s: tuple[float, ...]
    values: tuple[float, ...]

    def at(self, at_s: float) -> float:
        """Return the value in force."""
        return self.values[max(0, bisect_right(self.times_s, at_s) - 1)]

    def next_change_s(self, at_s: float) -> float | None:
        """Return the first stamp after at_s, None past the end."""
        index = bisect_right(self.times_s, at_s)
        return self.times_s[index] if index < len(self.times_s) else None


def step_series(path: Path, column: str, *, shift_s: float) -> StepSeries:
    """Read one column; an empty field holds the value before it."""
    times_s: list[float] = []
    values: list[float] = []
    for row in rows(path, ("time_utc", column)):
        value = number(row[column], path)
        if value is not None:
            times_s.append(epoch_s(row["time_utc"], path) + shift_s)
            values.append(value)
    if not times_s:
        raise RecordedDataError(f"{path}: column {column} holds no value")
    if any(later <= earlier for earlier, later in pairwise(times_s)):
        raise RecordedDataError(f"{path}: time_utc does not rise from row to row")
    return StepSeries(times_s=tuple(times_s), values=tuple(values))
