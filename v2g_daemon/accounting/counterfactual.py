"""Plain charging: the same house and trips, but full power from plug-in to the charge target."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from v2g_daemon.accounting.valuation import priced
from v2g_daemon.battery.losses import pack_power_w
from v2g_daemon.domain.interval import Interval, quarter_hour_start, quarter_hours
from v2g_daemon.domain.ledger import EvseInterval, PccInterval
from v2g_daemon.domain.loss import LossCurve


@dataclass(frozen=True, slots=True, kw_only=True)
class PlugIn:
    """One stay at the charger; energies are those in the pack, `start` and `end` as they were."""

    car: str
    interval: Interval
    start_wh: float
    end_wh: float
    target_wh: float
    max_charge_w: float
    loss: LossCurve


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarter:
    """The house without its EVSEs in one quarter hour, and the prices it paid; + is import.

    `between_phases_milliwh` is billed on both sides whatever the car does: as it was.
    """

    start_utc: datetime
    baseload_milliwh: int
    import_per_kwh: Decimal | None
    export_per_kwh: Decimal | None
    between_phases_milliwh: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainCharging:
    """What plain charging would have cost at the PCC, and what more it leaves in the packs.

    `unpriced_count`: quarter hours that no price or meter row covers, left out.
    """

    energy_cost: Decimal
    charge_milliwh: int
    ahead_wh: float
    unpriced_count: int


def quarters(
    pcc_rows: Iterable[PccInterval],
    evse_rows: Iterable[EvseInterval],
    between_phases: Mapping[datetime, int],
) -> tuple[Quarter, ...]:
    """Baseload = import − export − charge + discharge, per quarter hour with a meter row."""
    baseload: dict[datetime, int] = {}
    prices: dict[datetime, tuple[Decimal | None, Decimal | None]] = {}
    for row in pcc_rows:
        start_utc = quarter_hour_start(row.interval.start_utc)
        net = row.import_milliwh - row.export_milliwh
        baseload[start_utc] = baseload.get(start_utc, 0) + net
        prices[start_utc] = (row.import_per_kwh, row.export_per_kwh)
    for evse in evse_rows:
        start_utc = quarter_hour_start(evse.interval.start_utc)
        if start_utc in baseload:
            baseload[start_utc] += evse.discharge_milliwh - evse.charge_milliwh
    return tuple(
        Quarter(
            start_utc=start_utc,
            baseload_milliwh=baseload[start_utc],
            import_per_kwh=prices[start_utc][0],
            export_per_kwh=prices[start_utc][1],
            between_phases_milliwh=between_phases.get(start_utc, 0),
        )
        for start_utc in sorted(baseload)
    )


def plain_charging(house: Iterable[Quarter], plug_ins: Iterable[PlugIn]) -> PlainCharging:
    """Charge each stay at full power from its start; trips take what they took."""
    charge: dict[datetime, int] = {}
    ahead_wh: dict[str, float] = {}
    for stay in sorted(plug_ins, key=lambda one: one.interval.start_utc):
        start_wh = max(stay.start_wh + ahead_wh.get(stay.car, 0.0), 0.0)
        seconds_s = _charging_s(stay, start_wh)
        into_pack_w = pack_power_w(stay.max_charge_w, stay.loss)
        ahead_wh[stay.car] = start_wh + into_pack_w * seconds_s / 3600.0 - stay.end_wh
        for start_utc, energy_milliwh in _spread(stay, seconds_s):
            charge[start_utc] = charge.get(start_utc, 0) + energy_milliwh
    cost, unpriced_count = Decimal(0), 0
    seen: set[datetime] = set()
    for quarter in house:
        seen.add(quarter.start_utc)
        net = quarter.baseload_milliwh + charge.get(quarter.start_utc, 0)
        paid = priced(
            max(net, 0) + quarter.between_phases_milliwh,
            max(-net, 0) + quarter.between_phases_milliwh,
            import_per_kwh=quarter.import_per_kwh,
            export_per_kwh=quarter.export_per_kwh,
        )
        if paid is None:
            unpriced_count += 1
        else:
            cost += paid
    total_ahead_wh = 0.0
    for one_wh in ahead_wh.values():
        total_ahead_wh += one_wh
    return PlainCharging(
        energy_cost=cost,
        charge_milliwh=sum(drawn_milliwh for drawn_milliwh in charge.values()),
        ahead_wh=total_ahead_wh,
        unpriced_count=unpriced_count + len(charge.keys() - seen),
    )


def _charging_s(stay: PlugIn, start_wh: float) -> float:
    """How long full power takes to the target, at most the stay."""
    into_pack_w = pack_power_w(stay.max_charge_w, stay.loss)
    wanted_wh = stay.target_wh - start_wh
    if wanted_wh <= 0.0 or into_pack_w <= 0.0:
        return 0.0
    return min(wanted_wh / into_pack_w * 3600.0, stay.interval.seconds_s)


def _spread(stay: PlugIn, seconds_s: float) -> Iterable[tuple[datetime, int]]:
    """The AC energy of charging from plug-in on, by quarter hour."""
    start_utc = stay.interval.start_utc
    end_utc = start_utc + timedelta(seconds=seconds_s)
    if end_utc <= start_utc:
        return
    for quarter in quarter_hours(Interval(start_utc=start_utc, end_utc=end_utc)):
        overlap = min(quarter.end_utc, end_utc) - max(quarter.start_utc, start_utc)
        yield quarter.start_utc, round(stay.max_charge_w * overlap.total_seconds() / 3.6)
