"""The moment as dispatch prices it: what the car at one EVSE can do now, and what that costs."""

from __future__ import annotations

from v2g_daemon.battery.wear import export_wear_per_kwh
from v2g_daemon.control.commute import energy_wanted_wh
from v2g_daemon.control.grid import GridView
from v2g_daemon.control.pricing import Moment, step_at
from v2g_daemon.control.site_limits import exportable_w
from v2g_daemon.control.situation import Situation
from v2g_daemon.domain.policy import Policy, Stage
from v2g_daemon.domain.prices import PriceSlot
from v2g_daemon.domain.quick import replace
from v2g_daemon.domain.snapshot import Snapshot
from v2g_daemon.domain.vehicle import Vehicle

LEAST_STORE_WH = 1.0


def moment_of(
    situation: Situation, grid: GridView, snapshot: Snapshot, policy: Policy
) -> Moment | None:
    """None while price or load are unknown, or there is no plan."""
    plan, prices = situation.plan, snapshot.prices
    vehicle = situation.vehicle
    if plan is None or prices is None or vehicle is None:
        return None
    slot, net_load_w = prices.at(snapshot.now.utc), grid.served_load_w
    if net_load_w is None:
        net_load_w = _forecast_net_load_w(situation, snapshot)
    if slot is None or net_load_w is None:
        return None
    moment = moment_at(situation, vehicle, slot, net_load_w, snapshot=snapshot, policy=policy)
    if grid.beside.charges:
        most_w = min(moment.max_discharge_w, max(net_load_w, 0.0))
        moment = replace(moment, max_discharge_w=most_w)
    beside_w = grid.import_beside_w if plan.peak_caps else 0.0
    return moment if beside_w == 0.0 else replace(moment, import_beside_w=beside_w)


def moment_at(
    situation: Situation,
    vehicle: Vehicle,
    price: PriceSlot,
    net_load_w: float,
    *,
    snapshot: Snapshot,
    policy: Policy,
) -> Moment:
    """The moment of the snapshot at a price and a load that may be only expected."""
    soc, capacity_wh, floor, ceiling = _store(situation, vehicle)
    last = situation.memory.last
    return Moment(
        now_utc=snapshot.now.utc,
        net_load_w=net_load_w,
        import_per_kwh=price.import_per_kwh,
        export_per_kwh=price.export_per_kwh,
        soc=soc,
        capacity_wh=capacity_wh,
        soc_floor=floor,
        soc_ceiling=ceiling,
        max_charge_w=situation.max_charge_w,
        max_discharge_w=_dischargeable_w(situation, net_load_w, snapshot, policy),
        min_charge_w=situation.min_charge_w,
        min_discharge_w=situation.min_discharge_w,
        loss=situation.evse.loss,
        wear_and_margin_per_kwh=vehicle.wear_cost_per_kwh_discharged
        + policy.economics.margin_per_kwh,
        last_target_w=0.0 if last is None else last.target_w,
        export_wear_per_kwh=export_wear_per_kwh(vehicle, policy.economics),
        pv_throttled_above_w=policy.grid.export_limit_w if policy.grid.throttles_pv else None,
    )


def _store(situation: Situation, vehicle: Vehicle) -> tuple[float, float, float, float]:
    """SoC, capacity (Wh), floor and ceiling; without a SoC the store is the energy wanted."""
    estimate = situation.estimate
    if estimate is not None:
        return estimate.low, vehicle.capacity_wh, vehicle.soc_floor, situation.soc_ceiling
    goal = situation.goals[0] if situation.goals else None
    wanted_wh = energy_wanted_wh(goal, vehicle)
    if situation.charged_wh >= wanted_wh:
        return 1.0, max(wanted_wh, LEAST_STORE_WH), 0.0, 1.0
    return situation.charged_wh / wanted_wh, wanted_wh, 0.0, 1.0


def _dischargeable_w(
    situation: Situation, net_load_w: float, snapshot: Snapshot, policy: Policy
) -> float:
    """What can be discharged without passing the export limit; limits check it again."""
    if situation.estimate is None or situation.stage < Stage.V2H:
        return 0.0
    room_w = max(net_load_w + exportable_w((situation,), snapshot, policy), 0.0)
    return min(situation.max_discharge_w, room_w)


def _forecast_net_load_w(situation: Situation, snapshot: Snapshot) -> float | None:
    """Without a meter value the plan's own expectation has to do."""
    plan = situation.plan
    step = None if plan is None else step_at(plan.value, snapshot.now.utc)
    if plan is None or step is None or step[0] >= len(plan.slots):
        return None
    return plan.slots[step[0]].net_load_w
