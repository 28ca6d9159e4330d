"""A tariff in words: what was understood of its file."""

from __future__ import annotations

from calendar import month_name
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import assert_never

from v2g_daemon.market.metered import MILLIWH_PER_KWH
from v2g_daemon.market.tariff import (
    Component,
    Demand,
    Export,
    FlatRate,
    NegativePriceRule,
    SeriesRate,
    Settles,
    Stack,
    TableRate,
    Tariff,
    TierStep,
    TouRate,
)


def sentences(tariff: Tariff) -> Iterator[str]:
    """One sentence for each thing that the tariff charges or pays."""
    yield (
        f"Tariff {tariff.id}{_validity(tariff)}, in {tariff.currency} per kWh: "
        f"import = {_stack(tariff.imports)}, export = {_export(tariff.export)}."
    )
    if tariff.tiers:
        yield f"In a bill month each kWh costs more: {', '.join(_tiers(tariff.tiers))}."
    for demand in tariff.demands:
        yield _demand(demand, tariff.currency)
    fixed = [
        f"{amount} {tariff.currency} a {name}"
        for name, amount in (("day", tariff.fixed_per_day), ("month", tariff.fixed_per_month))
        if amount != 0
    ]
    if fixed:
        yield f"Fixed: {' and '.join(fixed)}, before VAT."
    if tariff.relieved:
        yield f"Not charged on kWh later returned to the grid: {', '.join(tariff.relieved)}."


def _validity(tariff: Tariff) -> str:
    first = "" if tariff.valid_from is None else f" from {tariff.valid_from}"
    last = "" if tariff.valid_to is None else f" to {tariff.valid_to}"
    return f"{first}{last}"


def _stack(stack: Stack) -> str:
    text = " + ".join(_component(one) for one in stack.components)
    if stack.vat != 0:
        text = f"({text}) × {1 + stack.vat}"
    return text + _bounds(stack)


def _component(component: Component) -> str:
    name = "" if component.name == "energy" else f"{component.name} "
    return f"{name}{_rate(component)}{_bounds(component)}"


def _rate(component: Component) -> str:
    rate = component.rate
    match rate:
        case FlatRate(value=value):
            return str(value)
        case TouRate():
            values = [one.value for one in rate.periods]
            values += [] if rate.default is None else [rate.default]
            return f"{min(values)} to {max(values)} by time of use"
        case SeriesRate(source=source, mult=mult, adder=adder):
            times = "" if mult == 1 else f" × {mult}"
            return f"{source}{times}{_plus(adder)}"
        case TableRate(values=months):
            cells = [cell for month in months for day in month for cell in day]
            return f"{min(cells)} to {max(cells)} by a table of 576"
        case _ as unreachable:
            assert_never(unreachable)


def _plus(amount: Decimal) -> str:
    if amount == 0:
        return ""
    return f" + {amount}" if amount > 0 else f" − {-amount}"


def _bounds(bounds: Stack | Component) -> str:
    floor = "" if bounds.floor is None else f", at least {bounds.floor}"
    cap = "" if bounds.cap is None else f", at most {bounds.cap}"
    return f"{floor}{cap}"


def _export(export: Export | None) -> str:
    if export is None:
        return "nothing"
    rules = {
        NegativePriceRule.PAY: "",
        NegativePriceRule.ZERO: ", nothing while the price is negative",
        NegativePriceRule.NO_EXPORT: ", no export while the price is negative",
    }
    expiry = export.credit_expiry_month
    settles = {
        Settles.CASH: "paid in cash",
        Settles.BILL_CREDIT: "as a credit on the bill"
        + ("" if expiry is None else f" that is lost each {month_name[expiry]}"),
        Settles.NETTING: "netted against imports of the bill month",
    }
    return f"{_stack(export.stack)}{rules[export.negative_price_rule]}, {settles[export.settles]}"


def _tiers(tiers: Iterable[TierStep]) -> Iterator[str]:
    for step in tiers:
        if step.upper_milliwh is None:
            yield f"above that {step.adder}"
        else:
            yield f"up to {step.upper_milliwh / MILLIWH_PER_KWH:g} kWh {step.adder}"


def _demand(demand: Demand, currency: str) -> str:
    name = "" if demand.name == "demand" else f" {demand.name}"
    windows = " in its windows" if demand.windows else ""
    ratchet = (
        ""
        if demand.ratchet_pct == 0
        else f", and no month less than {demand.ratchet_pct} % of the highest of the "
        f"{demand.ratchet_months} before"
    )
    return (
        f"Demand charge{name}: {demand.rate_per_kw_month} {currency} a month for each kW of the "
        f"highest {demand.interval_s // 60} minutes{windows}{ratchet}."
    )
