"""The household's price curve: what the next kWh costs and earns, for control and planning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal

from v2g_daemon.domain.interval import Interval
from v2g_daemon.domain.prices import PeakCharge, PriceCurve, PriceSlot
from v2g_daemon.market import tiers
from v2g_daemon.market.demand import peak_charges
from v2g_daemon.market.rated import Rated, bounded, export_on_purpose, import_price
from v2g_daemon.market.tariff import Tariff
from v2g_daemon.market.track import Track, aligned, posix_s, summed

# The ledger keeps prices in millionths; rounded here once, every reader has the same number.
SMALLEST = Decimal("0.000001")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a bill month has seen so far: it decides what the next kWh of that month costs.

    `billed_kw`: what each demand charge bills already, by its name.
    """

    month: Interval
    import_milliwh: int
    export_milliwh: int
    billed_kw: Mapping[str, Decimal] = field(default_factory=dict)


def price_curve(versions: Sequence[Rated], standing: Standing | None = None) -> PriceCurve:
    """The prices of the next kWh over time; gaps stay gaps. ValueError without a version.

    The running bill month stands where `standing` says, every other at its beginning. Demand has
    no price per kWh: it is told beside, where its month stands.
    """
    slots: list[PriceSlot] = []
    for version in versions:
        slots += _slots(version, standing)
    if not versions:
        raise ValueError("no version of the tariff is valid in the interval")
    return PriceCurve(
        currency=versions[0].tariff.currency,
        slots=tuple(slots),
        peak_charges=_peak_charges(versions, standing),
    )


def _peak_charges(versions: Sequence[Rated], standing: Standing | None) -> tuple[PeakCharge, ...]:
    """Those of the version that holds in the running bill month, for as long as the curve is."""
    if standing is None:
        return ()
    whole = (versions[0].span[0], versions[-1].span[1])
    start_s, end_s = posix_s(standing.month.start_utc), posix_s(standing.month.end_utc)
    within = [one for one in versions if one.span[0] < end_s and one.span[1] > start_s]
    return peak_charges(within[-1].tariff, whole, standing.billed_kw) if within else ()


def _slots(version: Rated, standing: Standing | None) -> Iterator[PriceSlot]:
    tariff = version.tariff
    starts, (imports, exports) = aligned((_cut_at(version, standing), export_on_purpose(version)))
    moments = [datetime.fromtimestamp(start_s, tz=UTC) for start_s in (*starts, version.span[1])]
    for index, (base, worth) in enumerate(zip(imports, exports, strict=True)):
        if base is None or worth is None:
            continue
        known = standing if _holds(standing, moments[index]) else None
        bought = bounded(base + _tier_adder(tariff, known), tariff.imports)
        sold = bought if tariff.nets and not _exports_more(known) else worth
        yield PriceSlot(
            interval=Interval(start_utc=moments[index], end_utc=moments[index + 1]),
            import_per_kwh=float(bought.quantize(SMALLEST, rounding=ROUND_HALF_EVEN)),
            export_per_kwh=float(sold.quantize(SMALLEST, rounding=ROUND_HALF_EVEN)),
        )


def _cut_at(version: Rated, standing: Standing | None) -> Track:
    """The import price, with steps of their own where the month of the standing begins and ends."""
    price = import_price(version)
    if standing is None:
        return price
    edges = (posix_s(standing.month.start_utc), posix_s(standing.month.end_utc))
    inside = [edge for edge in edges if version.span[0] < edge < version.span[1]]
    begins = (version.span[0], *inside)
    nothing = Track(starts_s=begins, values=(Decimal(0),) * len(begins), end_s=version.span[1])
    return summed((price, nothing))


def _holds(standing: Standing | None, moment_utc: datetime) -> bool:
    return standing is not None and standing.month.contains(moment_utc)


def _tier_adder(tariff: Tariff, standing: Standing | None) -> Decimal:
    """The adder of the next kWh; a month of which nothing is known begins with the first tier."""
    used_milliwh = 0
    if standing is not None:
        used_milliwh = standing.import_milliwh
        if tariff.nets:
            used_milliwh -= standing.export_milliwh
    tier = tiers.state(tariff.tiers, used_milliwh)
    return Decimal(0) if tier is None else tier.adder


def _exports_more(standing: Standing | None) -> bool:
    """Whether the month has exported more than it imported, so that a kWh more is not netted."""
    return standing is not None and standing.export_milliwh > standing.import_milliwh
