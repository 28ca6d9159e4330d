"""The statement of a day or any interval: energy, money, wear, and what plain charging costs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import assert_never

from v2g_daemon.accounting import counterfactual, valuation
from v2g_daemon.accounting.circulation import between_phases, netting_doubts, settled
from v2g_daemon.accounting.counterfactual import PlainCharging, PlugIn
from v2g_daemon.accounting.valuation import WearRange
from v2g_daemon.battery.losses import pack_power_w
from v2g_daemon.domain.interval import Interval, quarter_hour_start
from v2g_daemon.domain.ledger import EvseInterval, PccInterval, SessionRow
from v2g_daemon.domain.policy import EvsePolicy, Policy
from v2g_daemon.domain.quick import replace
from v2g_daemon.domain.vehicle import Vehicle

GOAL_HORIZON = timedelta(hours=48)
# Shorter holes are the seconds between a start and its first reading.
SMALLEST_HOLE_S = 60.0


class PlainTarget(Enum):
    """Where plain charging stops."""

    GOAL_ELSE_CEILING = "goal_else_ceiling"
    SOC_REACHED = "soc_reached"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """All figures of one interval; money is None where no meter row stands behind it.

    `net_cost` = energy + wear − what `end_energy_wh` is worth at `neutral_per_kwh`; plain charging
    is credited likewise, with `plain_ahead_wh` more left in the packs. `incomplete`: the reasons.
    """

    interval: Interval
    currency: str
    import_milliwh: int
    export_milliwh: int
    charge_milliwh: int
    discharge_milliwh: int
    exported_milliwh: int
    plain_charge_milliwh: int
    import_cost: Decimal
    export_revenue: Decimal
    energy_cost: Decimal | None
    wear: WearRange
    net_cost: Decimal | None
    plain_charging_cost: Decimal | None
    saved: Decimal | None
    neutral_per_kwh: Decimal
    end_energy_wh: float
    plain_ahead_wh: float
    intervals_count: int
    estimated_count: int
    incomplete: tuple[str, ...]


def statement(
    interval: Interval,
    *,
    pcc_rows: Iterable[PccInterval],
    evse_rows: Iterable[EvseInterval],
    sessions: Iterable[SessionRow],
    policy: Policy,
    target: PlainTarget,
    neutral_per_kwh: Decimal,
    end_energy_wh: float = 0.0,
) -> Statement:
    """Add up the rows of the interval; simulated history does not count.

    Rows from before the interval may be passed along: they tell the SoC at its start. Energy over
    the PCC is that which the billing meter counts.
    """
    counted = tuple(one for one in pcc_rows if _counts(one, interval))
    metered = tuple(settled(one, policy.grid) for one in counted)
    known = tuple(one for one in evse_rows if not one.simulated)
    charged = tuple(one for one in known if _counts(one, interval))
    stays = plug_ins(interval, evse_rows=known, sessions=sessions, policy=policy, target=target)
    house = counterfactual.quarters(metered, charged, between_phases(counted, policy.grid))
    plain = counterfactual.plain_charging(house, stays)
    wear = valuation.wear_range(sum((one.wear_cost for one in charged), start=Decimal(0)))
    currency = policy.economics.currency
    stated = _stated(
        interval, metered, charged, wear, plain, currency, neutral_per_kwh, end_energy_wh
    )
    doubts = netting_doubts(counted, policy.grid)
    return replace(stated, incomplete=(*stated.incomplete, *doubts))


def _stated(
    interval: Interval,
    metered: tuple[PccInterval, ...],
    charged: tuple[EvseInterval, ...],
    wear: WearRange,
    plain: PlainCharging,
    currency: str,
    neutral_per_kwh: Decimal,
    end_energy_wh: float,
) -> Statement:
    """The sums as a statement."""
    import_cost, export_revenue = _gross(metered)
    energy_cost = net_cost = plain_cost = None
    if metered:
        energy_cost = import_cost - export_revenue
        net_cost = energy_cost + wear.default - _worth(end_energy_wh, neutral_per_kwh)
        plain_cost = plain.energy_cost - _worth(end_energy_wh + plain.ahead_wh, neutral_per_kwh)
    return Statement(
        interval=interval,
        currency=metered[0].currency if metered else currency,
        import_milliwh=sum(one.import_milliwh for one in metered),
        export_milliwh=sum(one.export_milliwh for one in metered),
        charge_milliwh=sum(one.charge_milliwh for one in charged),
        discharge_milliwh=sum(one.discharge_milliwh for one in charged),
        exported_milliwh=sum(one.exported_milliwh for one in charged),
        plain_charge_milliwh=plain.charge_milliwh,
        import_cost=import_cost,
        export_revenue=export_revenue,
        energy_cost=energy_cost,
        wear=wear,
        net_cost=net_cost,
        plain_charging_cost=plain_cost,
        saved=None if net_cost is None or plain_cost is None else plain_cost - net_cost,
        neutral_per_kwh=neutral_per_kwh,
        end_energy_wh=end_energy_wh,
        plain_ahead_wh=plain.ahead_wh,
        intervals_count=len({quarter_hour_start(one.interval.start_utc) for one in metered}),
        estimated_count=sum(1 for one in metered if one.estimated),
        incomplete=_reasons(interval, metered, charged, plain.unpriced_count),
    )


def plug_ins(
    interval: Interval,
    *,
    evse_rows: Iterable[EvseInterval],
    sessions: Iterable[SessionRow],
    policy: Policy,
    target: PlainTarget,
) -> tuple[PlugIn, ...]:
    """The stays at the chargers inside the interval."""
    rows = tuple(evse_rows)
    stays: list[PlugIn] = []
    for session in sessions:
        start_utc = max(session.plugged_in_utc, interval.start_utc)
        end_utc = min(session.plugged_out_utc or interval.end_utc, interval.end_utc)
        if end_utc <= start_utc:
            continue
        within = Interval(start_utc=start_utc, end_utc=end_utc)
        own = tuple(one for one in rows if one.session_id == session.session_id)
        stays.append(_stay(within, session, own, policy, target))
    return tuple(stays)


def neutral_price(pcc_rows: Iterable[PccInterval]) -> Decimal:
    """The mean import price of the rows, by which differing end energies are made comparable."""
    prices = [one.import_per_kwh for one in pcc_rows if one.import_per_kwh is not None]
    if not prices:
        return Decimal(0)
    return (sum(prices, start=Decimal(0)) / len(prices)).quantize(valuation.MICRO)


def _stay(
    within: Interval,
    session: SessionRow,
    rows: tuple[EvseInterval, ...],
    policy: Policy,
    target: PlainTarget,
) -> PlugIn:
    evse = policy.evse(session.evse_id)
    car = next((one for one in policy.vehicles if one.vehicle_id == session.vehicle_id), None)
    start_soc, end_soc = _soc_at_start(within, session, rows), _soc_at_end(within, session, rows)
    if car is None or start_soc is None or end_soc is None:
        return _by_energy(within, session, rows, evse)
    start_wh, end_wh = start_soc * car.capacity_wh, end_soc * car.capacity_wh
    return PlugIn(
        car=car.vehicle_id,
        interval=within,
        start_wh=start_wh,
        end_wh=end_wh,
        target_wh=_target_wh(target, car, session.plugged_in_utc, start_wh, end_wh, policy),
        max_charge_w=min(evse.max_charge_w, car.max_charge_w),
        loss=evse.loss,
    )


def _by_energy(
    within: Interval, session: SessionRow, rows: tuple[EvseInterval, ...], evse: EvsePolicy
) -> PlugIn:
    """A car without SoC: the same energy at full power."""
    charged = sum(
        int(one.charge_milliwh) for one in rows if within.contains(one.interval.start_utc)
    )
    into_pack = pack_power_w(evse.max_charge_w, evse.loss) / evse.max_charge_w
    gained_wh = charged / 1000.0 * into_pack
    return PlugIn(
        car=session.session_id,
        interval=within,
        start_wh=0.0,
        end_wh=gained_wh,
        target_wh=gained_wh,
        max_charge_w=evse.max_charge_w,
        loss=evse.loss,
    )


def _target_wh(
    target: PlainTarget,
    car: Vehicle,
    plugged_in_utc: datetime,
    start_wh: float,
    end_wh: float,
    policy: Policy,
) -> float:
    """Where plain charging stops: as measured, or the goal in force at plug-in (else ceiling)."""
    match target:
        case PlainTarget.SOC_REACHED:
            return end_wh
        case PlainTarget.GOAL_ELSE_CEILING:
            return _wanted_wh(car, plugged_in_utc, start_wh, policy)
        case _ as unreachable:
            assert_never(unreachable)


def _wanted_wh(car: Vehicle, plugged_in_utc: datetime, start_wh: float, policy: Policy) -> float:
    goals = policy.schedule.upcoming(car.vehicle_id, after_utc=plugged_in_utc, horizon=GOAL_HORIZON)
    if goals and goals[0].soc is not None:
        return goals[0].soc * car.capacity_wh
    if goals and goals[0].energy_wh is not None:
        return min(start_wh + goals[0].energy_wh, car.capacity_wh)
    return car.soc_ceiling * car.capacity_wh


def _soc_at_start(
    within: Interval, session: SessionRow, rows: tuple[EvseInterval, ...]
) -> float | None:
    earlier = [
        one for one in rows if one.interval.end_utc <= within.start_utc and one.end_soc is not None
    ]
    if within.start_utc > session.plugged_in_utc and earlier:
        return max(earlier, key=lambda one: one.interval.end_utc).end_soc
    return session.start_soc


def _soc_at_end(
    within: Interval, session: SessionRow, rows: tuple[EvseInterval, ...]
) -> float | None:
    if session.plugged_out_utc is not None and session.plugged_out_utc <= within.end_utc:
        return session.end_soc
    inside = [
        one for one in rows if one.interval.end_utc <= within.end_utc and one.end_soc is not None
    ]
    if inside:
        return max(inside, key=lambda one: one.interval.end_utc).end_soc
    return session.end_soc


def _counts(row: PccInterval | EvseInterval, interval: Interval) -> bool:
    return not row.simulated and interval.contains(row.interval.start_utc)


def _gross(rows: Iterable[PccInterval]) -> tuple[Decimal, Decimal]:
    paid, earned = Decimal(0), Decimal(0)
    for row in rows:
        if row.import_per_kwh is not None:
            paid += valuation.money(row.import_milliwh, row.import_per_kwh)
        if row.export_per_kwh is not None:
            earned += valuation.money(row.export_milliwh, row.export_per_kwh)
    return paid, earned


def _worth(energy_wh: float, per_kwh: Decimal) -> Decimal:
    return valuation.money(round(energy_wh * 1000.0), per_kwh)


def _reasons(
    interval: Interval,
    metered: tuple[PccInterval, ...],
    charged: tuple[EvseInterval, ...],
    unpriced_count: int,
) -> tuple[str, ...]:
    """Why the figures are not the whole truth, in words; empty when they are."""
    if not metered:
        return ("no meter readings at the grid connection: no money can be stated",)
    reasons: list[str] = []
    covered_s = 0.0
    for row in metered:
        covered_s += row.interval.seconds_s
    hole_s = interval.seconds_s - covered_s
    if hole_s > SMALLEST_HOLE_S:
        reasons.append(f"{hole_s / 60.0:.0f} minutes are not recorded")
    if unpriced_count > 0:
        reasons.append(f"{unpriced_count} quarter hours have no price and are left out")
    estimated_count = sum(1 for row in metered if row.estimated)
    estimated_count += sum(1 for row in charged if row.estimated)
    if estimated_count > 0:
        reasons.append(f"{estimated_count} interval rows are estimated across a gap")
    return tuple(reasons)
