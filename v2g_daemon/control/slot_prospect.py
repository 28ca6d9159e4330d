"""A slot of the plan explained: its move, its reason, its terms, and what would change it."""

from __future__ import annotations

from typing import assert_never

from v2g_daemon.battery.losses import pack_power_w
from v2g_daemon.control.moment import moment_at
from v2g_daemon.control.pricing import Ahead, Moment, ahead_of, at_pcc_w, value_at, worth
from v2g_daemon.control.situation import Situation
from v2g_daemon.control.turning import move_of, runner_up, turns, weighed, weighed_action
from v2g_daemon.domain.plan import Plan, PlanSlot
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.prices import PriceSlot
from v2g_daemon.domain.prospect import DischargeTerms, Move, SlotProspect, Turn
from v2g_daemon.domain.quick import replace
from v2g_daemon.domain.snapshot import Snapshot
from v2g_daemon.domain.vehicle import Vehicle

ONE_KWH = 1000.0
HELD_BACK_MONEY = 0.005
SOC_ROUNDING = 1e-5
TOLD_PER_KWH = 0.0005


def slots_ahead(
    situation: Situation, vehicle: Vehicle, plan: Plan, snapshot: Snapshot, policy: Policy
) -> tuple[SlotProspect, ...]:
    """The slots of the plan from the running one on."""
    found: list[SlotProspect] = []
    before: PlanSlot | None = None
    for slot in plan.slots:
        if slot.interval.end_utc > snapshot.now.utc:
            moment = _moment(situation, vehicle, slot, before, snapshot=snapshot, policy=policy)
            found.append(_explained(plan, slot, moment, vehicle, policy))
        before = slot
    return tuple(found)


def _moment(
    situation: Situation,
    vehicle: Vehicle,
    slot: PlanSlot,
    before: PlanSlot | None,
    *,
    snapshot: Snapshot,
    policy: Policy,
) -> Moment:
    """The start of a slot as the plan expects it."""
    ahead_s = (slot.interval.start_utc - snapshot.now.utc).total_seconds()
    then = replace(snapshot, now=snapshot.now.later(ahead_s))
    moment = moment_at(
        situation, vehicle, _price(slot), slot.net_load_w, snapshot=then, policy=policy
    )
    soc = before.soc if before is not None else _soc_before(slot, moment)
    last_w = before.power_w if before is not None else moment.last_target_w
    # A goal may lift the ceiling; what the plan charges to is permitted, as is its rounded floor.
    ceiling = max(moment.soc_ceiling, slot.soc)
    return replace(
        moment,
        now_utc=slot.interval.start_utc,
        soc=soc,
        soc_floor=moment.soc_floor - SOC_ROUNDING,
        soc_ceiling=ceiling,
        last_target_w=last_w,
    )


def _price(slot: PlanSlot) -> PriceSlot:
    return PriceSlot(
        interval=slot.interval,
        import_per_kwh=slot.import_per_kwh,
        export_per_kwh=slot.export_per_kwh,
    )


def _soc_before(slot: PlanSlot, moment: Moment) -> float:
    """The SoC that the slot's power leads from."""
    moved_wh = pack_power_w(slot.power_w, moment.loss) * slot.interval.seconds_s / 3600.0
    return slot.soc - moved_wh / moment.capacity_wh


def _explained(
    plan: Plan, slot: PlanSlot, moment: Moment, vehicle: Vehicle, policy: Policy
) -> SlotProspect:
    ahead = ahead_of(plan, moment)
    move = move_of(slot.power_w) if slot.plugged_in else Move.AWAY
    bare = SlotProspect(
        interval=slot.interval,
        import_per_kwh=slot.import_per_kwh,
        export_per_kwh=slot.export_per_kwh,
        price_is_forecast=slot.price_is_forecast,
        net_load_w=slot.net_load_w,
        move=move,
        power_w=slot.power_w,
        soc=slot.soc,
        worth_per_kwh=None,
        reason="the car is likely away",
        terms=None,
        runner_up=None,
        turns=(),
    )
    if ahead is None or move is Move.AWAY:
        return bare
    actions = weighed(plan, moment, ahead)
    gained = _gain(plan, slot, moment, ahead)
    made = weighed_action(slot.power_w, 0.0 if gained is None else gained, moment, ahead)
    rival = None if gained is None else runner_up(actions, made)
    explained = replace(
        bare,
        worth_per_kwh=worth_per_kwh(plan, ahead, slot.soc, moment.capacity_wh),
        terms=discharge_terms(plan, moment, ahead, slot.power_w, vehicle, policy),
        runner_up=rival,
        turns=turns(actions if gained is None else (*actions, made), moment),
    )
    return replace(explained, reason=_reason(explained, plan, moment, ahead))


def _gain(plan: Plan, slot: PlanSlot, moment: Moment, ahead: Ahead) -> float | None:
    """What the planned power gains over idling; None where dispatch could not do it."""
    idle = worth(0.0, moment, plan.value.soc_grid, ahead)
    planned = worth(slot.power_w, moment, plan.value.soc_grid, ahead)
    return None if idle is None or planned is None else planned - idle


def worth_per_kwh(plan: Plan, ahead: Ahead, soc: float, capacity_wh: float) -> float:
    """What one kWh more in the pack adds once the step is done (of a full one: the last kWh)."""
    grid, kwh = plan.value.soc_grid, ONE_KWH / capacity_wh
    base = min(soc, grid[-1] - kwh)
    return value_at(grid, ahead.row, base + kwh) - value_at(grid, ahead.row, base)


def discharge_terms(
    plan: Plan, moment: Moment, ahead: Ahead, power_w: float, vehicle: Vehicle, policy: Policy
) -> DischargeTerms | None:
    """The terms of a kWh out of the pack at this power; None where it does not discharge."""
    if power_w >= 0.0:
        return None
    out_kwh = -pack_power_w(power_w, moment.loss) * ahead.hours_h / 1000.0
    action = weighed_action(power_w, 0.0, moment, ahead)
    brings = -action.imports_kwh * moment.import_per_kwh
    brings -= action.exports_kwh * moment.export_per_kwh
    brings += ahead.peaks_money(at_pcc_w(0.0, moment)[0])
    brings -= ahead.peaks_money(at_pcc_w(power_w, moment)[0])
    drawn_kwh = -power_w * ahead.hours_h / 1000.0
    exported_w = min(-power_w, at_pcc_w(power_w, moment)[1])
    depth = exported_w * ahead.hours_h / 1000.0 * ahead.shadow_per_kwh / out_kwh + 0.0
    budget = ahead.budgets_money(power_w) / out_kwh
    after = moment.soc - out_kwh * ONE_KWH / moment.capacity_wh
    grid = plan.value.soc_grid
    kept = value_at(grid, ahead.row, moment.soc) - value_at(grid, ahead.row, after)
    refill = kept / out_kwh * _kept_share(moment)
    earns, given_up = brings / out_kwh, kept / out_kwh
    wear, margin = vehicle.wear_cost_per_kwh_discharged, policy.economics.margin_per_kwh
    wear += exported_w / -power_w * moment.export_wear_per_kwh
    return DischargeTerms(
        price_per_kwh=brings / drawn_kwh,
        earns_per_kwh=earns,
        refill_per_kwh=refill,
        losses_per_kwh=given_up - refill,
        wear_per_kwh=wear,
        margin_per_kwh=margin,
        depth_per_kwh=depth,
        budget_per_kwh=budget,
        gains_per_kwh=earns - given_up - wear - margin - depth - budget,
    )


def _kept_share(moment: Moment) -> float:
    """What reaches the pack of a charge at full power."""
    if moment.max_charge_w <= 0.0:
        return 1.0
    return pack_power_w(moment.max_charge_w, moment.loss) / moment.max_charge_w


def _reason(slot: SlotProspect, plan: Plan, moment: Moment, ahead: Ahead) -> str:
    """Why the slot is planned so, in one sentence."""
    match slot.move:
        case Move.CHARGE:
            return _why_charge(slot, plan, moment, ahead)
        case Move.DISCHARGE:
            return _why_discharge(slot)
        case Move.IDLE:
            return _why_idle(slot)
        case Move.AWAY:
            return slot.reason
        case _:
            assert_never(slot.move)


def _why_charge(slot: SlotProspect, plan: Plan, moment: Moment, ahead: Ahead) -> str:
    if moment.soc < moment.soc_floor:
        return f"below the floor of {moment.soc_floor * 100.0:.0f} %"
    action = weighed_action(slot.power_w, 0.0, moment, ahead)
    into_kwh = pack_power_w(slot.power_w, moment.loss) * ahead.hours_h / 1000.0
    if into_kwh <= 0.0:
        return "what it takes is lost on the way"
    costs = action.imports_kwh * moment.import_per_kwh
    costs += action.exports_kwh * moment.export_per_kwh
    grid = plan.value.soc_grid
    adds = value_at(grid, ahead.row, slot.soc) - value_at(grid, ahead.row, moment.soc)
    what = "a kWh of sun" if action.exports_kwh > action.imports_kwh else "a kWh"
    return f"{what} costs {costs / into_kwh:.3f} in the pack and is worth {adds / into_kwh:.3f}"


def _why_discharge(slot: SlotProspect) -> str:
    terms = slot.terms
    if terms is None:
        return ""
    costs = terms.earns_per_kwh - terms.gains_per_kwh
    said = f"a kWh out of the pack earns {terms.earns_per_kwh:.3f} and costs {costs:.3f}"
    if terms.budget_per_kwh < TOLD_PER_KWH:
        return said
    return f"{said}, {terms.budget_per_kwh:.3f} of it for the discharge budgets"


def _why_idle(slot: SlotProspect) -> str:
    rival = slot.runner_up
    if rival is not None and rival.dearer_by_money < -HELD_BACK_MONEY:
        return f"a limit of the plan keeps it from {rival.move.value}"
    if not slot.turns:
        return "nothing else can be done"
    return "; ".join(turn_words(turn) for turn in slot.turns)


def turn_words(turn: Turn) -> str:
    """At which price the move is made."""
    verb, end = ("charges", "or less") if turn.move is Move.CHARGE else ("gives", "or more")
    return f"{verb} at {turn.threshold_per_kwh:.3f} {turn.side.value} {end}"
