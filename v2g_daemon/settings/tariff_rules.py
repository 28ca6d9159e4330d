"""The tables of the tariff language as the rules of market/."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from decimal import Decimal

from v2g_daemon.market.calendar import Period
from v2g_daemon.market.metered import MILLIWH_PER_KWH
from v2g_daemon.market.tariff import (
    Component,
    Demand,
    Export,
    FlatRate,
    NegativePriceRule,
    Rate,
    SeriesRate,
    Settles,
    Stack,
    TableRate,
    Tariff,
    TariffBook,
    TierStep,
    TouPeriod,
    TouRate,
)
from v2g_daemon.settings import tariff_sections as sections

Holidays = Callable[[sections.HolidaysSection], frozenset[date]]


def to_book(
    versions: Sequence[sections.TariffSection], *, timezone: str, holidays: Holidays
) -> TariffBook:
    """The versions in time order; `timezone` is that of those that tell none."""
    ordered = sorted(versions, key=lambda one: one.valid_from or date.min)
    return TariffBook(versions=tuple(_tariff(one, timezone, holidays) for one in ordered))


def _tariff(section: sections.TariffSection, timezone: str, holidays: Holidays) -> Tariff:
    imports = section.imports
    tiers = imports.tiers
    billing_days = (section.billing_day, None if tiers is None else tiers.billing_day, 1)
    return Tariff(
        id=section.id,
        currency=section.currency,
        timezone=section.timezone or timezone,
        imports=Stack(
            components=_components(imports.energy, imports.component),
            vat=section.vat,
            floor=imports.floor,
            cap=imports.cap,
        ),
        export=_export(section.export),
        valid_from=section.valid_from,
        valid_to=section.valid_to,
        fixed_per_day=section.fixed_per_day,
        fixed_per_month=section.fixed_per_month,
        billing_day=next(day for day in billing_days if day is not None),
        tiers=() if tiers is None else _tiers(tiers),
        demands=tuple(_demand(one) for one in imports.demand),
        relieved=() if section.relief is None else section.relief.components,
        holidays=frozenset() if section.holidays is None else holidays(section.holidays),
    )


def _components(
    energy: sections.RateSection, more: Iterable[sections.ComponentSection]
) -> tuple[Component, ...]:
    named = [("energy", energy), *((one.name, one) for one in more)]
    return tuple(
        Component(name=name, rate=_rate(one), floor=one.floor, cap=one.cap) for name, one in named
    )


def _rate(section: sections.RateSection) -> Rate:
    if section.kind == "tou":
        return TouRate(
            periods=tuple(
                TouPeriod(period=_period(one), value=one.value) for one in section.periods
            ),
            default=section.default,
        )
    if section.kind == "series":
        return SeriesRate(source=section.source or "", mult=section.mult, adder=section.adder)
    if section.kind == "table576":
        months = tuple((weekday, other) for weekday, other in section.values)
        return TableRate(values=months)
    # A tiered price is its tiers' adders alone, unless it has a value below them.
    return FlatRate(value=Decimal(0) if section.value is None else section.value)


def _export(section: sections.ExportSection) -> Export | None:
    if section.kind == "none":
        return None
    # Floor and cap of the export are those of its price: its energy has none of its own.
    energy = section.model_copy(update={"floor": None, "cap": None})
    return Export(
        stack=Stack(
            components=_components(energy, section.component),
            vat=section.vat,
            floor=section.floor,
            cap=section.cap,
        ),
        settles=Settles(section.settles),
        negative_price_rule=NegativePriceRule(section.negative_price_rule),
        negative_price_source=section.negative_price_source,
        credit_expiry_month=section.credit_expiry,
    )


def _tiers(section: sections.TiersSection) -> tuple[TierStep, ...]:
    return tuple(
        TierStep(
            upper_milliwh=None if upper is None else round(upper * MILLIWH_PER_KWH), adder=adder
        )
        for upper, adder in section.steps
    )


def _demand(section: sections.DemandSection) -> Demand:
    return Demand(
        name=section.name,
        rate_per_kw_month=section.rate_per_kw_month,
        interval_s=section.interval_s,
        windows=tuple(_period(one) for one in section.windows),
        ratchet_pct=section.ratchet_pct,
        ratchet_months=section.ratchet_months,
    )


def _period(section: sections.PeriodSection) -> Period:
    return Period(
        months=section.months, days=section.days, from_min=section.from_min, to_min=section.to_min
    )
