"""Demand charges in virtual time: what their bill month has billed so far, slot by slot."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from zoneinfo import ZoneInfo

from v2g_daemon.domain.interval import Interval
from v2g_daemon.domain.prices import PeakCharge
from v2g_daemon.domain.quick import replace
from v2g_daemon.market.calendar import bill_months
from v2g_daemon.market.demand import peak_charges
from v2g_daemon.market.rated import Rated
from v2g_daemon.market.track import posix_s
from v2g_daemon.rehearsal.days import Days

_BY_START = attrgetter("start_utc")


@dataclass(frozen=True, slots=True, kw_only=True)
class DemandRule:
    """A demand charge over all days; intervals are clocked from whole hours.

    `months` are the bill months of the days. Import counts in `windows` (None: at all times).
    """

    name: str
    per_kw: float
    interval_s: int
    windows: tuple[Interval, ...] | None
    months: tuple[Interval, ...]
    ratchet_share: float
    ratchet_months: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PeakSoFar:
    """Where one demand charge stands: its month, the energy of the running interval, the peaks."""

    month: int = 0
    block: int = -1
    block_wh: float = 0.0
    peak_w: float = 0.0
    before_w: tuple[float, ...] = ()

    def billed_w(self, rule: DemandRule) -> float:
        """What the month bills by now."""
        kept_w = self.before_w[-rule.ratchet_months :]
        return max(self.peak_w, rule.ratchet_share * max(kept_w, default=0.0))


def demand_rules(versions: Sequence[Rated], days: Days) -> tuple[DemandRule, ...]:
    """The demand charges of the newest version of a tariff."""
    if not versions or not versions[-1].tariff.demands:
        return ()
    tariff, span = versions[-1].tariff, (posix_s(days.start_utc), posix_s(days.end_utc))
    zone = ZoneInfo(tariff.timezone)
    months = tuple(bill_months(span, zone, billing_day=tariff.billing_day))
    told = peak_charges(tariff, span, {})
    return tuple(
        DemandRule(
            name=demand.name,
            per_kw=charge.per_kw,
            interval_s=demand.interval_s,
            windows=charge.windows,
            months=months,
            ratchet_share=float(demand.ratchet_pct) / 100.0,
            ratchet_months=demand.ratchet_months,
        )
        for demand, charge in zip(tariff.demands, told, strict=True)
    )


def after(
    so_far: Iterable[PeakSoFar],
    rules: Iterable[DemandRule],
    days: Days,
    slot: int,
    import_wh: float,
) -> tuple[PeakSoFar, ...]:
    """Where all of them stand after a slot that imported so much."""
    return tuple(
        _after(one, rule, days, slot, import_wh) for one, rule in zip(so_far, rules, strict=True)
    )


def charges(so_far: Iterable[PeakSoFar], rules: Iterable[DemandRule]) -> tuple[PeakCharge, ...]:
    """What the house is told of them."""
    return tuple(
        PeakCharge(
            name=rule.name,
            per_kw=rule.per_kw,
            billed_w=one.billed_w(rule),
            windows=rule.windows,
        )
        for one, rule in zip(so_far, rules, strict=True)
    )


def _after(one: PeakSoFar, rule: DemandRule, days: Days, slot: int, import_wh: float) -> PeakSoFar:
    start_utc = days.utc(slot)
    month = _holding(rule.months, start_utc)
    if month is not None and month != one.month:
        one = PeakSoFar(month=month, before_w=(*one.before_w, one.peak_w))
    if rule.windows is not None and _holding(rule.windows, start_utc) is None:
        return one
    block = round(start_utc.timestamp()) // rule.interval_s
    block_wh = import_wh + (one.block_wh if block == one.block else 0.0)
    peak_w = max(one.peak_w, block_wh * 3600.0 / rule.interval_s)
    return replace(one, block=block, block_wh=block_wh, peak_w=peak_w)


def _holding(spans: tuple[Interval, ...], moment_utc: datetime) -> int | None:
    place = bisect_right(spans, moment_utc, key=_BY_START) - 1
    return place if place >= 0 and spans[place].contains(moment_utc) else None
