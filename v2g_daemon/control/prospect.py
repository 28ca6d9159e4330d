"""The plan of one EVSE read aloud: what there is of it, what it does now and next, and why.

Nothing is planned here: the actions of a slot are weighed by dispatch's own arithmetic.
"""

from __future__ import annotations

from v2g_daemon.control.fallback import USABLE_PLAN_S
from v2g_daemon.control.grid import GridView, view_grid
from v2g_daemon.control.hints import hints_of
from v2g_daemon.control.moment import moment_of
from v2g_daemon.control.pricing import Moment, ahead_of
from v2g_daemon.control.readiness import readiness_of
from v2g_daemon.control.situation import Situation, assess
from v2g_daemon.control.slot_prospect import slots_ahead
from v2g_daemon.control.turning import best_of, runner_up, turns, weighed
from v2g_daemon.domain.decision import EvseDecision
from v2g_daemon.domain.memory import Memory
from v2g_daemon.domain.plan import Plan
from v2g_daemon.domain.policy import Policy, Stage
from v2g_daemon.domain.prospect import (
    EvseProspect,
    Move,
    NowProspect,
    Standing,
    Turn,
)
from v2g_daemon.domain.quick import replace
from v2g_daemon.domain.snapshot import Snapshot

LEAST_MOVED_W = 50.0


def prospects(
    memory: Memory, snapshot: Snapshot, decisions: tuple[EvseDecision, ...], policy: Policy
) -> tuple[EvseProspect, ...]:
    """One per EVSE; `memory` is what the tick was decided from."""
    situations = tuple(
        assess(status, memory.of(status.evse_id), snapshot, policy, memory.latches)
        for status in snapshot.evses
    )
    grid = view_grid(situations, memory, snapshot, policy.grid, policy.timing)
    return tuple(
        _prospect(situation, grid, decision, snapshot, policy)
        for situation, decision in zip(situations, decisions, strict=True)
    )


def _prospect(
    situation: Situation,
    grid: GridView,
    decision: EvseDecision,
    snapshot: Snapshot,
    policy: Policy,
) -> EvseProspect:
    standing, said = _standing(situation, decision, snapshot, policy)
    plan = situation.plan if standing in (Standing.PLANNED, Standing.STALE) else None
    told = EvseProspect(
        evse_id=decision.evse_id,
        vehicle_id=decision.vehicle_id,
        standing=standing,
        said=said,
        soc_of_energy_wanted=situation.estimate is None,
        plan_id=None if plan is None else plan.plan_id,
        made_at_utc=None if plan is None else plan.made_at.utc,
        age_s=None if plan is None else snapshot.now.seconds_since(plan.made_at),
        summary=None if plan is None else plan.summary,
        expected_cost=None if plan is None else plan.expected_cost,
        missed_wh=None if plan is None else plan.missed_wh,
        readiness=readiness_of(situation, snapshot, policy),
        now=None,
        slots=(),
        hints=hints_of(situation.status, decision.vehicle_id, snapshot, policy),
    )
    if plan is None or situation.vehicle is None:
        return told
    moment = moment_of(situation, grid, snapshot, policy)
    return replace(
        told,
        now=None if moment is None else _now(plan, moment, decision, policy),
        slots=slots_ahead(situation, situation.vehicle, plan, snapshot, policy),
    )


def _standing(
    situation: Situation, decision: EvseDecision, snapshot: Snapshot, policy: Policy
) -> tuple[Standing, str]:
    status, plan = situation.status, situation.plan
    if not status.plugged_in:
        return Standing.NO_CAR, "no car is plugged in"
    if decision.vehicle_id is None:
        if decision.candidates:
            names = ", ".join(decision.candidates)
            return Standing.UNKNOWN_CAR, f"nobody has said which car this is: {names} or a guest's"
        return Standing.UNKNOWN_CAR, "a guest's car only charges, and nothing is planned for it"
    if plan is None:
        return Standing.NO_PLAN, _why_no_plan(decision, snapshot)
    age_s = snapshot.now.seconds_since(plan.made_at)
    if age_s > USABLE_PLAN_S or not any(
        slot.interval.end_utc > snapshot.now.utc for slot in plan.slots
    ):
        return Standing.NO_PLAN, f"the last plan is {age_s / 3600.0:.0f} h old and no longer used"
    if age_s > policy.timing.stale_plan_s:
        return Standing.STALE, f"the plan is {age_s / 3600.0:.1f} h old: none came since"
    return Standing.PLANNED, f"planned {max(age_s, 0.0) / 60.0:.0f} min ago"


def _why_no_plan(decision: EvseDecision, snapshot: Snapshot) -> str:
    if decision.stage is Stage.WATCH:
        return "nothing is planned at stage watch"
    if not snapshot.clock_trusted:
        return "nothing is planned while the clock is not trusted"
    if snapshot.prices is None or snapshot.prices.at(snapshot.now.utc) is None:
        return "nothing is planned while the price of now is unknown"
    return "no plan has come yet"


def _now(plan: Plan, moment: Moment, decision: EvseDecision, policy: Policy) -> NowProspect | None:
    """The moment weighed as dispatch weighs it."""
    ahead = ahead_of(plan, moment)
    if ahead is None:
        return None
    actions = weighed(plan, moment, ahead)
    made = best_of(actions) or actions[0]
    turning = turns(actions, moment)
    return NowProspect(
        move=made.move,
        power_w=made.power_w,
        gains_money=made.gain_money,
        runner_up=runner_up(actions, made),
        turns=turning,
        said=tuple(
            _said(move, made.move, turning, moment, decision, policy)
            for move in (Move.CHARGE, Move.DISCHARGE)
        ),
    )


def _said(
    move: Move,
    made: Move,
    turning: tuple[Turn, ...],
    moment: Moment,
    decision: EvseDecision,
    policy: Policy,
) -> str:
    """Until when the move goes on, or why it is not made and what would change that."""
    barred = _barred(move, decision)
    turn = next((one for one in turning if one.move is move), None)
    if barred is not None or turn is None:
        return f"it cannot {move.value} now: {barred or _obstacle(move, moment)}"
    which = f"{turn.side.value} price of {turn.threshold_per_kwh:.3f} {policy.economics.currency}"
    is_now = f"it is {turn.price_per_kwh:.3f} now"
    charges = move is Move.CHARGE
    if made is move:
        doing, way = ("charging", "up") if charges else ("discharging", "down")
        return f"{doing} goes on {way} to an {which}/kWh; {is_now}"
    if charges:
        return f"charges at an {which}/kWh or less; {is_now}"
    return f"discharges from an {which}/kWh on; {is_now}"


def _barred(move: Move, decision: EvseDecision) -> str | None:
    """The limit that forbids the move whatever the price, with the highest authority."""
    binding = [
        limit.reason
        for limit in decision.limits
        if (
            limit.permitted.highest_w < LEAST_MOVED_W
            if move is Move.CHARGE
            else limit.permitted.lowest_w > -LEAST_MOVED_W
        )
    ]
    worst = max(binding, key=lambda reason: reason.authority, default=None)
    return None if worst is None else worst.detail


def _obstacle(move: Move, moment: Moment) -> str:
    """What keeps every power of a move from being possible."""
    if move is Move.CHARGE:
        return "the charger has no power for it"
    if moment.max_discharge_w < moment.min_discharge_w:
        return "the house draws less than the charger's least, and no more may be exported"
    return f"the car is at its floor of {moment.soc_floor * 100.0:.0f} %"
