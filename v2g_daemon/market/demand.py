"""Demand: the highest mean power over a clocked interval, so far or of a whole bill month."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

from v2g_daemon.domain.interval import Interval
from v2g_daemon.domain.prices import PeakCharge
from v2g_daemon.market.calendar import HOUR_S, LocalCalendar, LocalDay
from v2g_daemon.market.metered import MILLIWH_PER_KWH, Columns
from v2g_daemon.market.rated import edges
from v2g_daemon.market.tariff import Demand, Tariff
from v2g_daemon.market.track import Span, Track, Value, constant, means, of_steps

INSIDE = Decimal(1)
W_PER_KW = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Peak:
    """The highest mean import of any counting interval of a bill month, and when it was (POSIX).

    `billed_kw` is what the month pays for: the ratchet may ask for more than it saw.
    """

    name: str
    kw: Decimal
    billed_kw: Decimal
    start_s: int | None


def peak(
    demand: Demand, tariff: Tariff, steps: Columns, span: Span, *, before_kw: Iterable[Decimal]
) -> Peak:
    """The peak of the steps of one bill month; `before_kw` are those of the months before."""
    highest, start_s = Decimal(0), None
    for block_s, kw in _blocks(demand, tariff, steps, span):
        if kw > highest:
            highest, start_s = kw, block_s
    kept = sorted(list(before_kw)[-demand.ratchet_months :])
    ratchet = kept[-1] * demand.ratchet_pct / 100 if kept else Decimal(0)
    return Peak(name=demand.name, kw=highest, billed_kw=max(highest, ratchet), start_s=start_s)


def peak_charges(
    tariff: Tariff, span: Span, billed_kw: Mapping[str, Decimal]
) -> tuple[PeakCharge, ...]:
    """The demand charges, VAT included, to plan by within a span; no peak billed yet is 0 kW."""
    return tuple(
        PeakCharge(
            name=demand.name,
            per_kw=float(demand.rate_per_kw_month * (1 + tariff.imports.vat)),
            billed_w=float(billed_kw.get(demand.name, Decimal(0))) * W_PER_KW,
            windows=windows_of(demand, tariff.calendar, span),
        )
        for demand in tariff.demands
    )


def windows_of(demand: Demand, calendar: LocalCalendar, span: Span) -> tuple[Interval, ...] | None:
    """When import counts within a span; None where it does at all times."""
    if not demand.windows:
        return None
    inside = _inside(demand, calendar, span)
    ends_s = (*inside.starts_s[1:], inside.end_s)
    return tuple(
        Interval(
            start_utc=datetime.fromtimestamp(start_s, tz=UTC),
            end_utc=datetime.fromtimestamp(end_s, tz=UTC),
        )
        for start_s, value, end_s in zip(inside.starts_s, inside.values, ends_s, strict=True)
        if value == INSIDE
    )


def _blocks(
    demand: Demand, tariff: Tariff, steps: Columns, span: Span
) -> Iterator[tuple[int, Decimal]]:
    """The mean import of each clocked interval that counts, in kW.

    Intervals are clocked from local midnight. A step that lasts longer than one is taken to have
    flowed evenly; what is not metered did not flow.
    """
    sums: dict[int, Fraction | int] = {}
    days = list(tariff.calendar.days(span))
    for (start_s, end_s), energy_milliwh in zip(steps.spans, steps.import_milliwh, strict=True):
        for block_s, length_s in _overlaps(start_s, end_s, days, demand.interval_s):
            part: Fraction | int = energy_milliwh
            if length_s != end_s - start_s:
                part = Fraction(energy_milliwh * length_s, end_s - start_s)
            sums[block_s] = sums.get(block_s, 0) + part
    starts = sorted(sums)
    counts = _counting(demand, tariff.calendar, starts, span)
    for block_s, inside in zip(starts, counts, strict=True):
        if inside == INSIDE:
            energy = Fraction(sums[block_s])
            kwh = Decimal(energy.numerator) / energy.denominator / MILLIWH_PER_KWH
            yield block_s, kwh * HOUR_S / demand.interval_s


def _overlaps(
    start_s: int, end_s: int, days: list[LocalDay], interval_s: int
) -> Iterator[tuple[int, int]]:
    """(start of the clocked interval, seconds of the step in it); drops days that are over."""
    at_s = start_s
    while at_s < end_s and days:
        day = days[0]
        if at_s >= day.end_s:
            days.pop(0)
            continue
        block_s = day.start_s + (at_s - day.start_s) // interval_s * interval_s
        until_s = min(block_s + interval_s, day.end_s, end_s)
        yield block_s, until_s - at_s
        at_s = until_s


def _counting(
    demand: Demand, calendar: LocalCalendar, starts: list[int], span: Span
) -> list[Value]:
    """1 for each interval whose start lies in a window; without windows all count."""
    inside = _inside(demand, calendar, span)
    return means(inside, [(start_s, start_s + 1) for start_s in starts])


def _inside(demand: Demand, calendar: LocalCalendar, span: Span) -> Track:
    """1 where import counts, else 0."""
    if not demand.windows:
        return constant(INSIDE, span=span)
    return of_steps(
        calendar.steps(span, lambda month, kind: _window_day(demand, month, kind)), span=span
    )


def _window_day(demand: Demand, month: int, kind: int) -> Iterator[tuple[int, Value]]:
    held = [window for window in demand.windows if window.has_day(month, kind)]
    for minute in edges(held):
        inside = any(window.has_minute(minute) for window in held)
        yield minute, INSIDE if inside else Decimal(0)
