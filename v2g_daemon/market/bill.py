"""The bill: what metered energy costs under a tariff, line by line and month by month.

Amounts are exact until the end of a bill month; there each line is rounded to the cent, once, half
up, and every total is a sum of such lines.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from v2g_daemon.domain.interval import Interval
from v2g_daemon.market import charges, tiers
from v2g_daemon.market.calendar import bill_months, validity
from v2g_daemon.market.charges import ZERO, Amount, PricedSteps, Side
from v2g_daemon.market.demand import Peak, peak
from v2g_daemon.market.metered import Columns, MeteredStep, columns
from v2g_daemon.market.rated import Rated
from v2g_daemon.market.relief import Lot, relieved
from v2g_daemon.market.settlement import (
    BillLine,
    Credit,
    LineKind,
    amounts,
    line,
    settlement,
    side_lines,
    worth_lines,
)
from v2g_daemon.market.tariff import Tariff
from v2g_daemon.market.tiers import TierState
from v2g_daemon.market.track import Span, posix_s

MONTHS_REMEMBERED = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """What one bill hands to the next: credit, peaks (newest last), energy still stored.

    `month_start_utc` is the bill month that it was made in: a version may end inside of one.
    """

    month_start_utc: datetime | None = None
    credit: Decimal = ZERO
    peaks_kw: Mapping[str, tuple[Decimal, ...]] = field(default_factory=dict)
    lots: tuple[Lot, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthBill:
    """One bill month, or the part of it that the steps hold and one tariff version covers.

    `export_lines` say what the exports were worth, however they settle. `unpriced_milliwh` had no
    price and stands in no line. `tier` and `peaks` say where the month stands at its last step.
    """

    month: Interval
    tariff_id: str
    currency: str
    lines: tuple[BillLine, ...]
    export_lines: tuple[BillLine, ...]
    credit: Credit
    import_milliwh: int
    export_milliwh: int
    unpriced_milliwh: int
    tier: TierState | None
    peaks: tuple[Peak, ...]

    @property
    def total(self) -> Decimal:
        """What is due; negative is paid out."""
        return amounts(self.lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """The months in order; `carried` starts the next one; `outside_count` steps had no tariff."""

    months: tuple[MonthBill, ...]
    carried: Carried
    outside_count: int

    @property
    def total(self) -> Decimal:
        """What is due over all months."""
        return sum((month.total for month in self.months), start=Decimal(0))

    def by_name(self) -> dict[str, Decimal]:
        """The sum of each line over all months."""
        found: dict[str, Decimal] = {}
        for month in self.months:
            for one in month.lines:
                found[one.name] = found.get(one.name, ZERO) + one.amount
        return found


def bill(
    versions: Sequence[Rated], steps: Sequence[MeteredStep], carried: Carried | None = None
) -> Bill:
    """The bill of steps in time order, each under the version and bill month in which it starts.

    Months come out alike whether asked for at once or one by one with what the last one carried.
    """
    whole, carried = columns(steps), Carried() if carried is None else carried
    starts = [start_s for start_s, _ in whole.spans]
    months: list[MonthBill] = []
    inside_count = 0
    for version in versions:
        first, last = bisect_left(starts, version.span[0]), bisect_left(starts, version.span[1])
        if first == last:
            continue
        inside_count += last - first
        part = whole.part(first, last)
        prices = charges.priced(version, part.spans)
        for month, begin, end in _months(version.tariff, part):
            found, carried = _month_bill(
                version, month, part.part(begin, end), prices.part(begin, end), carried
            )
            months.append(found)
    return Bill(months=tuple(months), carried=carried, outside_count=len(starts) - inside_count)


def _months(tariff: Tariff, steps: Columns) -> Iterator[tuple[Interval, int, int]]:
    """Each bill month that has steps, with the first and the end of them."""
    starts = [start_s for start_s, _ in steps.spans]
    span = (starts[0], starts[-1] + 1)
    zone = ZoneInfo(tariff.timezone)
    for month in bill_months(span, zone, billing_day=tariff.billing_day):
        begin = bisect_left(starts, posix_s(month.start_utc))
        end = bisect_left(starts, posix_s(month.end_utc))
        if begin < end:
            yield month, begin, end


def _month_bill(
    version: Rated, month: Interval, steps: Columns, prices: PricedSteps, carried: Carried
) -> tuple[MonthBill, Carried]:
    tariff = version.tariff
    imports = charges.import_charges(steps, prices, tariff)
    exports = charges.exports(steps, prices, imports, tariff)
    peaks = _peaks(version, month, steps, carried)
    gave_back, lots = relieved(carried.lots, steps, prices.imports, tariff)
    lines = _import_lines(tariff, month, steps, imports, peaks, gave_back)
    settled, credit = settlement(
        tariff.export, exports, charges=lines, credit=_credit(tariff, month, carried)
    )
    found = MonthBill(
        month=month,
        tariff_id=tariff.id,
        currency=tariff.currency,
        lines=lines + settled,
        export_lines=worth_lines(exports),
        credit=credit,
        import_milliwh=imports.milliwh,
        export_milliwh=exports.worth.milliwh,
        unpriced_milliwh=imports.unpriced_milliwh + exports.unpriced_milliwh,
        tier=tiers.state(tariff.tiers, _used_milliwh(tariff, imports, exports.worth)),
        peaks=peaks,
    )
    return found, Carried(
        month_start_utc=month.start_utc,
        credit=credit.left,
        peaks_kw=_with_peaks(carried, peaks, month),
        lots=lots,
    )


def _import_lines(
    tariff: Tariff,
    month: Interval,
    steps: Columns,
    imports: Side,
    peaks: tuple[Peak, ...],
    gave_back: Decimal,
) -> tuple[BillLine, ...]:
    """Energy, tiers, bounds, fees and relief; last VAT, of the energy and the fees."""
    fees = [*_fixed(tariff, month, steps), *_demand(tariff, month, peaks)]
    vat = imports.vat + tariff.imports.vat * sum((fee.money for fee in fees), start=Decimal(0))
    purchase = LineKind.ENERGY_PURCHASE
    return (
        *side_lines(replace(imports, vat=ZERO), purchase, sign=1),
        *(line(LineKind.FEE, fee.name, fee.money) for fee in fees),
        *(() if gave_back == 0 else (line(purchase, "relief", -gave_back),)),
        *(() if vat == 0 else (line(LineKind.TAX_VAT, "vat", vat),)),
    )


def _fixed(tariff: Tariff, month: Interval, steps: Columns) -> Iterator[Amount]:
    """Fixed charges by the time that the steps span, from the first to the last of them."""
    span = (steps.spans[0][0], min(steps.spans[-1][1], posix_s(month.end_utc)))
    if tariff.fixed_per_day != 0:
        shares = [_share(span, day.start_s, day.end_s) for day in tariff.calendar.days(span)]
        yield Amount(
            name="fixed_per_day", money=tariff.fixed_per_day * sum(shares, start=Decimal(0))
        )
    if tariff.fixed_per_month != 0:
        share = _share(span, posix_s(month.start_utc), posix_s(month.end_utc))
        yield Amount(name="fixed_per_month", money=tariff.fixed_per_month * share)


def _demand(tariff: Tariff, month: Interval, peaks: Iterable[Peak]) -> Iterator[Amount]:
    """Demand charges, by the share of the month in which this version is valid."""
    whole = (posix_s(month.start_utc), posix_s(month.end_utc))
    valid = validity(tariff.valid_from, tariff.valid_to, ZoneInfo(tariff.timezone))
    share = _share(valid, *whole)
    for demand, seen in zip(tariff.demands, peaks, strict=True):
        yield Amount(name=demand.name, money=demand.rate_per_kw_month * seen.billed_kw * share)


def _share(span: Span, start_s: int, end_s: int) -> Decimal:
    """How much of [start, end) lies in the span, 0–1."""
    inside_s = min(span[1], end_s) - max(span[0], start_s)
    return Decimal(inside_s) / (end_s - start_s)


def _peaks(version: Rated, month: Interval, steps: Columns, carried: Carried) -> tuple[Peak, ...]:
    span = (posix_s(month.start_utc), posix_s(month.end_utc))
    return tuple(
        peak(demand, version.tariff, steps, span, before_kw=carried.peaks_kw.get(demand.name, ()))
        for demand in version.tariff.demands
    )


def _with_peaks(
    carried: Carried, peaks: tuple[Peak, ...], month: Interval
) -> dict[str, tuple[Decimal, ...]]:
    """The peaks of the months so far, for ratchets of later ones; a month has one."""
    found = dict(carried.peaks_kw)
    for one in peaks:
        before, kw = found.get(one.name, ()), one.kw
        if before and carried.month_start_utc == month.start_utc:
            before, kw = before[:-1], max(before[-1], kw)
        found[one.name] = (*before, kw)[-MONTHS_REMEMBERED:]
    return found


def _credit(tariff: Tariff, month: Interval, carried: Carried) -> Credit:
    """The credit account at the start of the month; in the expiry month it begins anew, once."""
    month_begins = month.start_utc.astimezone(ZoneInfo(tariff.timezone))
    expiry = None if tariff.export is None else tariff.export.credit_expiry_month
    begins = carried.month_start_utc != month.start_utc
    expired = carried.credit if begins and month_begins.month == expiry else ZERO
    return Credit(before=carried.credit, expired=expired)


def _used_milliwh(tariff: Tariff, imports: Side, exports: Side) -> int:
    """What counts towards the tiers."""
    if tariff.nets:
        return imports.milliwh - exports.milliwh
    return imports.milliwh
