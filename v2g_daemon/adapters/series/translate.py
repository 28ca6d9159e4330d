"""Rows of a file as series on an even grid: prices exact, everything else as floats (pure).

Header: `time_utc` (the start of each interval) or `end_utc` (its end), and columns whose names end
in their unit: import_price_eur_per_kwh, load_w, carbon_g_per_kwh. An empty field is missing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from zoneinfo import ZoneInfo

from v2g_daemon.adapters.series import suspicions
from v2g_daemon.adapters.series.table import Row, Table, fault, moment_of, table_of
from v2g_daemon.domain.interval import Interval
from v2g_daemon.market.currencies import largest_per_kwh
from v2g_daemon.market.series import SeriesPrice

START, END = "time_utc", "end_utc"
_PRICE = re.compile(r"(?:^|_)price_([a-z]{3})_per_kwh$|(?:^|_)price_\w+_([a-z]{3})_per_kwh$")
# What a column of each unit may hold; a value outside is a sentinel or another unit.
RANGES: Mapping[str, tuple[float, float]] = {
    "_g_per_kwh": (-3_000.0, 3_000.0),
    "_kwh": (0.0, 10_000.0),
    "_wh": (0.0, 10_000_000.0),
    "_w": (-500_000.0, 500_000.0),
    "_hz": (40.0, 70.0),
    "_v": (0.0, 500_000.0),
    "_c": (-60.0, 60.0),
    "soc": (0.0, 1.0),
}
PV = "pv_w"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesFile:
    """Columns on one even grid; `notes` say what was found odd and how it was taken."""

    name: str
    start_utc: datetime
    step_s: int
    prices: Mapping[str, tuple[Decimal | None, ...]]
    amounts: Mapping[str, tuple[float | None, ...]]
    notes: tuple[str, ...]

    @property
    def steps_count(self) -> int:
        """How many intervals it holds."""
        columns = [*self.prices.values(), *self.amounts.values()]
        return len(columns[0])

    @property
    def interval(self) -> Interval:
        """From the first interval's start to the last one's end."""
        length = timedelta(seconds=self.step_s)
        return Interval(
            start_utc=self.start_utc, end_utc=self.start_utc + length * self.steps_count
        )

    def price_series(self, column: str) -> tuple[SeriesPrice, ...]:
        """A column of prices for a tariff; KeyError if there is none of that name."""
        length = timedelta(seconds=self.step_s)
        return tuple(
            SeriesPrice(
                interval=Interval(
                    start_utc=self.start_utc + length * number,
                    end_utc=self.start_utc + length * (number + 1),
                ),
                per_kwh=per_kwh,
            )
            for number, per_kwh in enumerate(self.prices[column])
            if per_kwh is not None
        )


def series_of(payload: bytes, *, name: str, zone: ZoneInfo | None = None) -> SeriesFile:
    """The series of a file; `zone` is the place that they are from, where it is known.

    SeriesFileError names file, line and fix.
    """
    table = table_of(payload, name=name)
    stamp = next((one for one in (START, END) if one in table.header), START)
    at = table.column(stamp)
    moments = _moments(table, at)
    step_s = _step_s(table, moments)
    start_utc = moments[0] - timedelta(seconds=step_s if stamp == END else 0)
    prices, amounts = _columns(table, at)
    if not prices and not amounts:
        raise fault(name, 1, "there is nothing beside the stamps", "add a column such as load_w")
    notes: list[str] = []
    if stamp == END:
        notes.append(f"{name}: stamps mark the end of each interval: set back by {step_s} s")
    for column, values in amounts.items():
        amounts[column], found = suspicions.taken(column, values, table.rows, step_s=step_s)
        notes += [f"{name}: {note}" for note in found]
    if zone is not None and PV in amounts:
        suspicions.refuse_wall_clock(
            amounts[PV], name=name, start_utc=start_utc, step_s=step_s, zone=zone
        )
    return SeriesFile(
        name=name,
        start_utc=start_utc,
        step_s=step_s,
        prices=prices,
        amounts=amounts,
        notes=tuple(notes),
    )


def _columns(
    table: Table, at: int
) -> tuple[dict[str, tuple[Decimal | None, ...]], dict[str, tuple[float | None, ...]]]:
    """The columns of prices, and all others but that of the stamps."""
    prices: dict[str, tuple[Decimal | None, ...]] = {}
    amounts: dict[str, tuple[float | None, ...]] = {}
    for index, column in enumerate(table.header):
        currency = _currency(column)
        if currency is not None:
            prices[column] = tuple(_price(row, index, currency, table.name) for row in table.rows)
        elif index != at:
            amounts[column] = _amounts(table, index, column)
    return prices, amounts


def _moments(table: Table, at: int) -> list[datetime]:
    """The stamps in UTC, which must rise."""
    found = [moment_of(row.fields[at], table.name, row.number) for row in table.rows]
    for (earlier, later), row in zip(pairwise(found), table.rows[1:], strict=True):
        if later == earlier:
            problem = f"{row.fields[at]} stands there twice"
            fix = "write UTC: an hour that the clock repeats has two different ones"
            raise fault(table.name, row.number, problem, fix)
        if later < earlier:
            raise fault(
                table.name, row.number, f"{row.fields[at]} runs backwards", "sort by time in UTC"
            )
    return found


def _step_s(table: Table, moments: Sequence[datetime]) -> int:
    """The one step between all stamps."""
    if len(moments) < 2:
        problem = "one line alone does not tell its length"
        raise fault(table.name, table.rows[0].number, problem, "write at least two")
    steps = [round((later - earlier).total_seconds()) for earlier, later in pairwise(moments)]
    usual_s = Counter(steps).most_common(1)[0][0]
    for step_s, row in zip(steps, table.rows[1:], strict=True):
        if step_s == usual_s:
            continue
        if step_s % usual_s == 0:
            missing = step_s // usual_s - 1
            problem = f"{missing} {'line is' if missing == 1 else 'lines are'} missing before it"
            fix = "insert them with empty fields (where the clock jumps, write UTC)"
        else:
            problem = f"it begins {step_s} s after the line before, the others {usual_s} s"
            fix = "write one even step"
        raise fault(table.name, row.number, problem, fix)
    return usual_s


def _currency(column: str) -> str | None:
    found = _PRICE.search(column)
    return None if found is None else (found[1] or found[2]).upper()


def _price(row: Row, index: int, currency: str, name: str) -> Decimal | None:
    text = row.fields[index].strip()
    if not text:
        return None
    value = _number(text, row, name)
    largest = largest_per_kwh(currency)
    if not -largest <= value <= largest:
        problem = f"a price of {text} {currency} per kWh, at most {largest}"
        raise fault(name, row.number, problem, "divide prices per MWh by 1000; leave gaps empty")
    return value


def _amounts(table: Table, index: int, column: str) -> tuple[float | None, ...]:
    unit = next((one for one in RANGES if column.endswith(one)), None)
    if unit is None:
        known = ", ".join((*RANGES, "_price_eur_per_kwh"))
        raise fault(table.name, 1, f"column {column} ends in no known unit", f"known are {known}")
    low, high = RANGES[unit]
    if column == PV:
        low = 0.0
    found: list[float | None] = []
    for row in table.rows:
        text = row.fields[index].strip()
        value = float(_number(text, row, table.name)) if text else None
        if value is not None and not low <= value <= high:
            problem = f"{column} = {text} lies outside {low:g} to {high:g}"
            raise fault(table.name, row.number, problem, "leave what was not measured empty")
        found.append(value)
    return tuple(found)


def _number(text: str, row: Row, name: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        problem = f"{text!r} is no number"
        raise fault(name, row.number, problem, "write digits and a point") from error
    if not value.is_finite():
        raise fault(name, row.number, f"{text!r} is no number", "leave the field empty")
    return value
