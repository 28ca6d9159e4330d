"""A day of a tariff drawn with characters: import stacked by component, export as a mark."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from v2g_daemon.market.day import DayPrices, DayStep

BAR_CELLS = 54
INKS = "=+#%&@$~"
VAT_INK = "v"
EXPORT_MARK = "o"
AXIS = "|"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Money to cells: `zero` is the cell of the axis."""

    per_cell: Decimal
    zero: int

    def cell(self, per_kwh: Decimal) -> int:
        """Where a value stands."""
        return self.zero + round(per_kwh / self.per_cell)


def drawn(prices: DayPrices) -> str:
    """The day at 80 columns: head, a line for each step, and what the marks mean."""
    inks = {name: INKS[index % len(INKS)] for index, name in enumerate(_names(prices.steps))}
    scale = _scale(prices.steps)
    lines = [*_head(prices), *_legend(prices, inks), " from   import  export"]
    seen: set[str] = set()
    for step in prices.steps:
        local = step.interval.start_utc.astimezone(prices.zone)
        wall = f"{local:%H:%M}"
        again = "*" if wall in seen else " "
        seen.add(wall)
        amounts = f"{_price(step, step.import_per_kwh)} {_price(step, step.export_per_kwh)}"
        lines.append(f"{wall}{again} {amounts}  {_bar(step, inks, scale)}".rstrip())
    return "\n".join(lines)


def _head(prices: DayPrices) -> Iterator[str]:
    yield f"{prices.tariff.id}, {prices.day:%A %d %B %Y}, {prices.zone.key}"
    if prices.hours < 24:
        yield f"{prices.hours:g} hours: the clock is put forward, and an hour is missing."
    if prices.hours > 24:
        yield f"{prices.hours:g} hours: the clock is put back, and an hour is there twice (*)."
    if not all(step.exact for step in prices.steps):
        yield "~ marks the mean of prices that change within the step."


def _legend(prices: DayPrices, inks: Mapping[str, str]) -> Iterator[str]:
    marks = [f"{ink} {name}" for name, ink in inks.items()]
    if prices.tariff.imports.vat != 0:
        marks.append(f"{VAT_INK} VAT")
    marks.append(f"{EXPORT_MARK} export")
    yield f"{prices.tariff.currency} per kWh:  {'  '.join(marks)}"


def _names(steps: Iterable[DayStep]) -> list[str]:
    return list(dict.fromkeys(name for step in steps for name in step.components))


def _price(step: DayStep, per_kwh: Decimal | None) -> str:
    """Eight columns."""
    if per_kwh is None:
        return "      ? "
    return f"{per_kwh:7.4f}{' ' if step.exact else '~'}"


def _scale(steps: Iterable[DayStep]) -> Scale:
    """So that the longest stacks of both signs fit, and zero has a cell of its own."""
    highest, lowest = Decimal(0), Decimal(0)
    for step in steps:
        parts = [*step.components.values(), step.vat_per_kwh]
        known = [part for part in parts if part is not None]
        above = sum((part for part in known if part > 0), start=Decimal(0))
        below = sum((part for part in known if part < 0), start=Decimal(0))
        export = Decimal(0) if step.export_per_kwh is None else step.export_per_kwh
        highest, lowest = max(highest, above, export), min(lowest, below, export)
    span = highest - lowest
    if span == 0:
        return Scale(per_cell=Decimal(1), zero=0)
    per_cell = span / (BAR_CELLS - 1)
    return Scale(per_cell=per_cell, zero=round(-lowest / per_cell))


def _bar(step: DayStep, inks: Mapping[str, str], scale: Scale) -> str:
    """Components to the right of the axis, negative ones to its left, the export over them."""
    cells = [" "] * BAR_CELLS
    up = down = Decimal(0)
    stacked = [(inks[name], part) for name, part in step.components.items()]
    for ink, part in [*stacked, (VAT_INK, step.vat_per_kwh)]:
        if part is None or part == 0:
            continue
        before = up if part > 0 else down
        first, last = sorted((scale.cell(before), scale.cell(before + part)))
        cells[first:last] = ink * (last - first)
        up, down = (up + part, down) if part > 0 else (up, down + part)
    cells = [*cells[: scale.zero], AXIS, *cells[scale.zero :]][: BAR_CELLS + 1]
    if step.export_per_kwh is not None:
        at = scale.cell(step.export_per_kwh)
        cells[min(at if step.export_per_kwh < 0 else at + 1, BAR_CELLS)] = EXPORT_MARK
    return "".join(cells)


def day_json(prices: DayPrices) -> dict[str, object]:
    """The day for programs: amounts as decimal strings, null where unknown."""
    return {
        "tariff": prices.tariff.id,
        "day": prices.day.isoformat(),
        "timezone": prices.zone.key,
        "currency": prices.tariff.currency,
        "hours": prices.hours,
        "steps": [_step_json(step, prices) for step in prices.steps],
    }


def _step_json(step: DayStep, prices: DayPrices) -> dict[str, object]:
    return {
        "start_utc": step.interval.start_utc.isoformat(),
        "start_local": step.interval.start_utc.astimezone(prices.zone).isoformat(),
        "minutes": step.interval.seconds_s / timedelta(minutes=1).total_seconds(),
        "import_per_kwh": _text(step.import_per_kwh),
        "export_per_kwh": _text(step.export_per_kwh),
        "vat_per_kwh": _text(step.vat_per_kwh),
        "components": {name: _text(part) for name, part in step.components.items()},
    }


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else str(amount)
