"""Energy times price for the steps of one bill month, exact: imports, and the worth of exports."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from v2g_daemon.market import tiers
from v2g_daemon.market.metered import MILLIWH_PER_KWH, Columns
from v2g_daemon.market.rated import ONE, NamedTrack, Rated, bounded
from v2g_daemon.market.tariff import Export, NegativePriceRule, Stack, Tariff
from v2g_daemon.market.track import Span, Value, means

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedPrices:
    """A component's price for each step, before VAT."""

    name: str
    prices: list[Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedSteps:
    """The prices of all steps: the mean of each component over each step."""

    imports: tuple[NamedPrices, ...]
    exports: tuple[NamedPrices, ...]
    negative: list[Value] | None

    def part(self, first: int, last: int) -> PricedSteps:
        """The steps [first, last)."""
        return PricedSteps(
            imports=tuple(_cut(one, first, last) for one in self.imports),
            exports=tuple(_cut(one, first, last) for one in self.exports),
            negative=None if self.negative is None else self.negative[first:last],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """An exact amount of money under the name of what it is for."""

    name: str
    money: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One direction of a month: its energy, an amount per component, VAT of them, tiers, bounds.

    `unpriced_milliwh` of the energy has no price and is in none of the amounts. `totals` is the
    price of each step, VAT included, before tiers and bounds.
    """

    milliwh: int
    components: tuple[Amount, ...]
    vat: Decimal
    tier: Decimal
    bounds: Decimal
    unpriced_milliwh: int
    totals: list[Value]

    @property
    def money(self) -> Decimal:
        """All of it."""
        total = self.vat + self.tier + self.bounds
        return total + sum((one.money for one in self.components), start=Decimal(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Exports:
    """A month's exports at the export price, and (where they net) at the import price.

    `unnetted_milliwh` had no import price to be netted at.
    """

    worth: Side
    at_import_price: Decimal
    imported_milliwh: int
    unnetted_milliwh: int = 0

    @property
    def unpriced_milliwh(self) -> int:
        """What has no price on either count."""
        return max(self.worth.unpriced_milliwh, self.unnetted_milliwh)


def priced(one: Rated, spans: Sequence[Span]) -> PricedSteps:
    """A price for each component and step; a step longer than a price's own settles at its mean."""
    return PricedSteps(
        imports=_means(one.imports, spans),
        exports=_means(one.exports, spans),
        negative=None if one.negative is None else means(one.negative, spans),
    )


def import_charges(steps: Columns, prices: PricedSteps, tariff: Tariff) -> Side:
    """What the imported kWh of a bill month cost."""
    stack = tariff.imports
    totals = _totals(prices.imports, stack.vat, len(steps.spans))
    energies = _known(steps.import_milliwh, totals)
    components = _components(prices.imports, energies)
    tier = _tier_amounts(steps, tariff) if tariff.tiers else [ZERO] * len(energies)
    return Side(
        milliwh=sum(steps.import_milliwh),
        components=components,
        vat=_vat(components, stack.vat),
        tier=_kwh(sum(tier, start=Decimal(0))),
        bounds=_bounds(energies, totals, tier, stack),
        unpriced_milliwh=_unpriced(steps.import_milliwh, energies),
        totals=totals,
    )


def exports(steps: Columns, prices: PricedSteps, imports: Side, tariff: Tariff) -> Exports:
    """What the exported kWh of a bill month are worth, at both prices."""
    export = tariff.export
    if export is None:
        nothing = _worth(steps, prices, Export(stack=Stack(components=())))
        return Exports(worth=nothing, at_import_price=ZERO, imported_milliwh=imports.milliwh)
    worth = _worth(steps, prices, export)
    if not tariff.nets:
        return Exports(worth=worth, at_import_price=ZERO, imported_milliwh=imports.milliwh)
    return Exports(
        worth=worth,
        at_import_price=_at_import_price(steps, imports, tariff),
        imported_milliwh=imports.milliwh,
        unnetted_milliwh=_unpriced(
            steps.export_milliwh, _known(steps.export_milliwh, imports.totals)
        ),
    )


def _worth(steps: Columns, prices: PricedSteps, export: Export) -> Side:
    """The exported kWh at the export price."""
    stack = export.stack
    totals = _totals(prices.exports, stack.vat, len(steps.spans))
    asked = totals if prices.negative is None else prices.negative
    energies = _known(_known(steps.export_milliwh, totals), asked)
    components = _components(prices.exports, energies)
    bounds = _bounds(energies, totals, [ZERO] * len(energies), stack)
    if export.negative_price_rule is not NegativePriceRule.PAY:
        bounds -= _worth_when_negative(energies, totals, asked, stack)
    return Side(
        milliwh=sum(steps.export_milliwh),
        components=components,
        vat=_vat(components, stack.vat),
        tier=ZERO,
        bounds=bounds,
        unpriced_milliwh=_unpriced(steps.export_milliwh, energies),
        totals=totals,
    )


def _at_import_price(steps: Columns, imports: Side, tariff: Tariff) -> Decimal:
    """What the exported kWh would have cost to import, VAT, tiers and bounds included."""
    total, used = ZERO, 0
    for bought, sold, price in zip(
        steps.import_milliwh, steps.export_milliwh, imports.totals, strict=True
    ):
        used += bought
        if sold > 0 and price is not None:
            tier = tiers.between(tariff.tiers, used - sold, used) / sold
            total += sold * bounded(price + tier, tariff.imports)
        used -= sold
    return _kwh(total)


def _tier_amounts(steps: Columns, tariff: Tariff) -> list[Decimal]:
    """Tier adders × energy for the import of each step; a netting meter counts exports back."""
    found: list[Decimal] = []
    used = 0
    for bought, sold in zip(steps.import_milliwh, steps.export_milliwh, strict=True):
        found.append(tiers.between(tariff.tiers, used, used + bought))
        used += bought - sold if tariff.nets else bought
    return found


def _bounds(
    energies: Iterable[int], totals: Iterable[Value], tier: Iterable[Decimal], stack: Stack
) -> Decimal:
    """What floor and cap change, over all steps."""
    if stack.floor is None and stack.cap is None:
        return ZERO
    change = ZERO
    for energy, price, tier_amount in zip(energies, totals, tier, strict=True):
        if energy > 0 and price is not None:
            whole = price + tier_amount / energy
            change += energy * (bounded(whole, stack) - whole)
    return _kwh(change)


def _worth_when_negative(
    energies: Iterable[int], totals: Iterable[Value], asked: Iterable[Value], stack: Stack
) -> Decimal:
    """What was exported while the asked price was negative would have earned."""
    total = ZERO
    for energy, price, sign in zip(energies, totals, asked, strict=True):
        if energy > 0 and price is not None and sign is not None and sign < 0:
            total += energy * bounded(price, stack)
    return _kwh(total)


def _means(tracks: Iterable[NamedTrack], spans: Sequence[Span]) -> tuple[NamedPrices, ...]:
    return tuple(NamedPrices(name=one.name, prices=means(one.track, spans)) for one in tracks)


def _cut(one: NamedPrices, first: int, last: int) -> NamedPrices:
    return NamedPrices(name=one.name, prices=one.prices[first:last])


def _totals(parts: Sequence[NamedPrices], vat: Decimal, count: int) -> list[Value]:
    """The sum of the components × (1 + vat) at each step."""
    if not parts:
        return [ZERO] * count
    totals = parts[0].prices
    for part in parts[1:]:
        totals = [
            None if one is None or other is None else one + other
            for one, other in zip(totals, part.prices, strict=True)
        ]
    if vat == 0:
        return totals
    factor = ONE + vat
    return [None if total is None else total * factor for total in totals]


def _known(energies: Sequence[int], prices: Sequence[Value]) -> list[int]:
    """The energies, 0 where there is no price."""
    return [0 if price is None else energy for energy, price in zip(energies, prices, strict=True)]


def _components(parts: Iterable[NamedPrices], energies: Sequence[int]) -> tuple[Amount, ...]:
    return tuple(Amount(name=one.name, money=_product(energies, one.prices)) for one in parts)


def _product(energies: Iterable[int], prices: Iterable[Value]) -> Decimal:
    total = ZERO
    for energy, price in zip(energies, prices, strict=True):
        if energy != 0 and price is not None:
            total += energy * price
    return _kwh(total)


def _vat(components: Iterable[Amount], vat: Decimal) -> Decimal:
    return sum((one.money for one in components), start=Decimal(0)) * vat


def _unpriced(metered_milliwh: Sequence[int], known_milliwh: Sequence[int]) -> int:
    return sum(metered_milliwh) - sum(known_milliwh)


def _kwh(milliwh_times_price: Decimal) -> Decimal:
    return milliwh_times_price / MILLIWH_PER_KWH
