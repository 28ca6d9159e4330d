"""What a strategy was worth: money by component, wear, energy, departures, switches, carbon."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from v2g_daemon.accounting.valuation import WearRange, exact, money, wear_range
from v2g_daemon.domain.billing_meter import BillingMeter
from v2g_daemon.domain.interval import Interval, noon_day
from v2g_daemon.domain.vehicle import WarrantyTerms
from v2g_daemon.market.bill import bill
from v2g_daemon.market.metered import MeteredStep, settled
from v2g_daemon.market.rated import Rated
from v2g_daemon.rehearsal.days import Days
from v2g_daemon.rehearsal.job import Job, Ran

# A departure short of its target by no more than this was met.
MET_WITHIN_WH = 100.0
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyLine:
    """One component of the bill, exact; positive is paid, negative is earned."""

    name: str
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Carbon:
    """By the grid's factors: what the import emitted, and what the export stands against."""

    import_kg: float
    export_kg: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WarrantyUse:
    """The shares of the warranty's paced budgets that the days used; None: no such budget."""

    energy_share: float | None
    hours_share: float | None
    cycles_share: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """What the days are settled by, and at what energy left in the pack is credited."""

    versions: tuple[Rated, ...]
    meter: BillingMeter
    end_per_kwh: Decimal
    carbon_g_per_kwh: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """The figures of one strategy over all days.

    `net_cost` = `energy_cost` + wear − `end_credit`. `discharged_wh` left the pack (DC), of which
    `discharge_milliwh` came out of the charger. A switch starts a power, or turns it round;
    `nights_count` are the noon-to-noon days with the car plugged in.
    """

    lines: tuple[MoneyLine, ...]
    energy_cost: Decimal
    wear: WearRange
    end_credit: Decimal
    import_milliwh: int
    export_milliwh: int
    charge_milliwh: int
    discharge_milliwh: int
    discharged_wh: float
    discharging_h: float
    cycles: float
    departures_count: int
    departures_met_count: int
    missed_wh: float
    stranded_wh: float
    switches_count: int
    nights_count: int
    carbon: Carbon | None
    warranty: WarrantyUse | None

    @property
    def net_cost(self) -> Decimal:
        """What the days cost, all in."""
        return self.energy_cost + self.wear.default - self.end_credit

    def net_cost_at(self, wear: Decimal) -> Decimal:
        """The same with another wear."""
        return self.energy_cost + wear - self.end_credit

    @property
    def switches_per_night(self) -> float:
        """Starts and reversals in a night with the car plugged in, on average."""
        return self.switches_count / self.nights_count if self.nights_count > 0 else 0.0


def scored(job: Job, ran: Ran, market: Market) -> Score:
    """Settle what a strategy did."""
    days = job.days
    lines = _lines(days, ran, market)
    out_wh = _total(max(-moved_wh, 0.0) for moved_wh in ran.pack_wh)
    discharging_h = days.slot_h * sum(1 for power_w in ran.power_w if power_w < 0.0)
    vehicle = job.policy.vehicles[0]
    worn = money(round(out_wh * 1000.0), exact(vehicle.wear_cost_per_kwh_discharged))
    return Score(
        lines=lines,
        energy_cost=sum((line.amount for line in lines), start=Decimal(0)),
        wear=wear_range(worn),
        end_credit=money(round((ran.energy_wh[-1] - job.start_wh) * 1000.0), market.end_per_kwh),
        import_milliwh=sum(energy_milliwh for energy_milliwh in ran.import_milliwh),
        export_milliwh=sum(energy_milliwh for energy_milliwh in ran.export_milliwh),
        charge_milliwh=sum(energy_milliwh for energy_milliwh in ran.charge_milliwh),
        discharge_milliwh=sum(energy_milliwh for energy_milliwh in ran.discharge_milliwh),
        discharged_wh=out_wh,
        discharging_h=discharging_h,
        cycles=out_wh / job.plant.pack_wh,
        departures_count=len(ran.missing_wh),
        departures_met_count=sum(1 for missing_wh in ran.missing_wh if missing_wh <= MET_WITHIN_WH),
        missed_wh=_total(ran.missing_wh),
        stranded_wh=ran.stranded_wh,
        switches_count=switches(ran.power_w),
        nights_count=len(nights(days)),
        carbon=_carbon(ran, market.carbon_g_per_kwh),
        warranty=_warranty(vehicle.warranty, days, out_wh, discharging_h, job.plant.pack_wh),
    )


def switches(power_w: Sequence[float]) -> int:
    """How often a power starts from rest, or turns round."""
    before_w, count = 0.0, 0
    for now_w in power_w:
        if now_w != 0.0 and now_w * before_w <= 0.0:
            count += 1
        before_w = now_w
    return count


def nights(days: Days) -> set[datetime]:
    """The noons at which the noon-to-noon days begin that have the car plugged in."""
    zone = ZoneInfo(days.timezone)
    found: set[datetime] = set()
    for stay in days.stays:
        moment_utc = days.utc(stay.first)
        while moment_utc < days.utc(stay.end):
            night = noon_day(moment_utc, zone)
            found.add(night.start_utc)
            moment_utc = night.end_utc
    return found


def metered(days: Days, ran: Ran) -> Iterator[MeteredStep]:
    """The energy over the PCC, slot by slot."""
    for slot in range(days.count):
        yield MeteredStep(
            interval=Interval(start_utc=days.utc(slot), end_utc=days.utc(slot + 1)),
            import_milliwh=ran.import_milliwh[slot],
            export_milliwh=ran.export_milliwh[slot],
            charge_milliwh=ran.charge_milliwh[slot],
            discharge_milliwh=ran.discharge_milliwh[slot],
        )


def _lines(days: Days, ran: Ran, market: Market) -> tuple[MoneyLine, ...]:
    """The bill of all months, before it is rounded to the cent."""
    found: dict[str, Decimal] = {}
    for month in bill(market.versions, settled(tuple(metered(days, ran)), market.meter)).months:
        for line in month.lines:
            found[line.name] = found.get(line.name, ZERO) + line.exact
    return tuple(MoneyLine(name=name, amount=amount) for name, amount in found.items())


def _carbon(ran: Ran, factors: tuple[float, ...] | None) -> Carbon | None:
    if factors is None:
        return None
    return Carbon(
        import_kg=_weighted_kg(ran.import_milliwh, factors),
        export_kg=_weighted_kg(ran.export_milliwh, factors),
    )


def _weighted_kg(energies: tuple[int, ...], factors: tuple[float, ...]) -> float:
    pairs = zip(energies, factors, strict=True)
    return _total(milliwh / 1e6 * g_per_kwh / 1000.0 for milliwh, g_per_kwh in pairs)


def _warranty(
    terms: WarrantyTerms | None,
    days: Days,
    discharged_wh: float,
    discharging_h: float,
    pack_wh: float,
) -> WarrantyUse | None:
    """Budgets are paced evenly over the warranty's years."""
    if terms is None or terms.years <= 0.0:
        return None
    paced = days.hours() / (terms.years * 365.25 * 24.0)
    return WarrantyUse(
        energy_share=_used(discharged_wh, terms.discharge_wh, paced),
        hours_share=_used(discharging_h * 3600.0, terms.discharge_s, paced),
        cycles_share=_used(discharged_wh / pack_wh, terms.equivalent_cycles, paced),
    )


def _used(amount: float, budget: float | None, paced: float) -> float | None:
    return None if budget is None or budget <= 0.0 else amount / (budget * paced)


def _total(values: Iterator[float] | tuple[float, ...]) -> float:
    total = 0.0
    for value in values:
        total += value
    return total
