"""A tariff over an interval: one track for each component, and the price they make.

This is the work that is done once; curves and bills of any number of strategies are read from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import assert_never
from zoneinfo import ZoneInfo

from v2g_daemon.domain.interval import Interval
from v2g_daemon.market.calendar import MINUTES_PER_DAY, WEEKDAYS, LocalCalendar, Period, validity
from v2g_daemon.market.series import KnownSeries
from v2g_daemon.market.tariff import (
    Component,
    FlatRate,
    NegativePriceRule,
    Rate,
    SeriesRate,
    Stack,
    TableRate,
    Tariff,
    TariffBook,
    TouRate,
)
from v2g_daemon.market.track import (
    Span,
    Track,
    Value,
    aligned,
    constant,
    mapped,
    of_series,
    of_steps,
    posix_s,
    summed,
)

ONE = Decimal(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedTrack:
    """A component's value over time, before VAT."""

    name: str
    track: Track


@dataclass(frozen=True, slots=True, kw_only=True)
class Rated:
    """One version of a tariff over the part of an interval in which it is valid.

    `negative` is the price of the source that the rule for negative prices asks, if it asks one.
    """

    tariff: Tariff
    span: Span
    imports: tuple[NamedTrack, ...]
    exports: tuple[NamedTrack, ...]
    negative: Track | None


def rated(book: TariffBook, series: KnownSeries, interval: Interval) -> tuple[Rated, ...]:
    """Each version over its valid part of the interval; a missing source is a gap."""
    whole = (posix_s(interval.start_utc), posix_s(interval.end_utc))
    found: list[Rated] = []
    for tariff in book.versions:
        valid = validity(tariff.valid_from, tariff.valid_to, ZoneInfo(tariff.timezone))
        span = (max(valid[0], whole[0]), min(valid[1], whole[1]))
        if span[0] < span[1]:
            found.append(_version(tariff, series, span))
    return tuple(found)


def import_price(one: Rated) -> Track:
    """What a kWh costs before tiers and bounds, VAT included."""
    return _with_vat(one.imports, one.tariff.imports.vat, one.span)


def export_price(one: Rated) -> Track:
    """What a kWh earns after bounds and the rule for negative prices, VAT included."""
    return _ruled(one, lambda price, sign: Decimal(0) if sign < 0 else price)


def export_on_purpose(one: Rated) -> Track:
    """The same to decide by: where the rule is `no_export`, a negative price stays negative."""
    if one.tariff.export is None:
        return export_price(one)
    if one.tariff.export.negative_price_rule is not NegativePriceRule.NO_EXPORT:
        return export_price(one)
    return _ruled(one, lambda price, sign: min(price, sign) if sign < 0 else price)


def _ruled(one: Rated, rule: Callable[[Decimal, Decimal], Decimal]) -> Track:
    """The export price, changed by the rule of (price, the price whose sign is asked)."""
    export = one.tariff.export
    if export is None:
        return constant(Decimal(0), span=one.span)
    total = _with_vat(one.exports, export.stack.vat, one.span)
    total = mapped(total, lambda value: bounded(value, export.stack))
    if export.negative_price_rule is NegativePriceRule.PAY:
        return total
    starts, (prices, signs) = aligned((total, total if one.negative is None else one.negative))
    values = [
        None if price is None or sign is None else rule(price, sign)
        for price, sign in zip(prices, signs, strict=True)
    ]
    return Track(starts_s=starts, values=tuple(values), end_s=total.end_s)


def bounded(per_kwh: Decimal, bounds: Stack | Component) -> Decimal:
    """The value within floor and cap; where they cross, the cap holds."""
    if bounds.floor is not None and per_kwh < bounds.floor:
        per_kwh = bounds.floor
    if bounds.cap is not None and per_kwh > bounds.cap:
        per_kwh = bounds.cap
    return per_kwh


def _version(tariff: Tariff, series: KnownSeries, span: Span) -> Rated:
    export, negative = tariff.export, None
    if export is not None and export.negative_price_source is not None:
        negative = of_series(series.get(export.negative_price_source, ()), span=span)
    exported = () if export is None else export.stack.components
    return Rated(
        tariff=tariff,
        span=span,
        imports=_tracks(tariff.imports.components, tariff, series, span),
        exports=_tracks(exported, tariff, series, span),
        negative=negative,
    )


def _tracks(
    components: Iterable[Component], tariff: Tariff, series: KnownSeries, span: Span
) -> tuple[NamedTrack, ...]:
    return tuple(
        NamedTrack(name=one.name, track=_component(one, tariff.calendar, series, span))
        for one in components
    )


def _component(
    component: Component, calendar: LocalCalendar, series: KnownSeries, span: Span
) -> Track:
    track = _rate(component.rate, calendar, series, span)
    if component.floor is None and component.cap is None:
        return track
    return mapped(track, lambda value: bounded(value, component))


def _rate(rate: Rate, calendar: LocalCalendar, series: KnownSeries, span: Span) -> Track:
    match rate:
        case FlatRate(value=value):
            return constant(value, span=span)
        case TouRate():
            return of_steps(
                calendar.steps(span, lambda month, kind: _tou_day(rate, month, kind)), span=span
            )
        case SeriesRate(source=source, mult=mult, adder=adder):
            track = of_series(series.get(source, ()), span=span)
            return mapped(track, lambda value: value * mult + adder)
        case TableRate():
            return of_steps(
                calendar.steps(span, lambda month, kind: _table_day(rate, month, kind)), span=span
            )
        case _ as unreachable:
            assert_never(unreachable)


def _tou_day(rate: TouRate, month: int, kind: int) -> Iterator[tuple[int, Value]]:
    """(minute, value) wherever a period of the day begins or ends."""
    held = [one for one in rate.periods if one.period.has_day(month, kind)]
    for minute in edges([one.period for one in held]):
        found = [one.value for one in held if one.period.has_minute(minute)]
        yield minute, found[0] if found else rate.default


def edges(periods: Iterable[Period]) -> list[int]:
    """The wall minutes at which anything may change, from 0 on."""
    minutes = {0}
    for period in periods:
        minutes |= {period.from_min, period.to_min}
    return sorted(minute for minute in minutes if minute < MINUTES_PER_DAY)


def _table_day(rate: TableRate, month: int, kind: int) -> Iterator[tuple[int, Value]]:
    weekday, other = rate.values[month - 1]
    for hour, value in enumerate(weekday if kind in WEEKDAYS else other):
        yield hour * 60, value


def _with_vat(parts: tuple[NamedTrack, ...], vat: Decimal, span: Span) -> Track:
    if not parts:
        return constant(Decimal(0), span=span)
    total = summed([part.track for part in parts])
    return total if vat == 0 else mapped(total, lambda value: value * (ONE + vat))
