"""Is a plan wanted, and what is the question: plans are asked for on news and now and then."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from math import isinf
from zoneinfo import ZoneInfo

from v2g_daemon.accounting.counters import local_month
from v2g_daemon.battery.budgets import month_budget, warranty_budgets
from v2g_daemon.battery.wear import export_wear_per_kwh
from v2g_daemon.control.commute import done_early_s, energy_wanted_wh
from v2g_daemon.control.excerpt import counters_of
from v2g_daemon.domain.budget import DischargeBudget
from v2g_daemon.domain.decision import EvseDecision
from v2g_daemon.domain.goals import DepartureGoal
from v2g_daemon.domain.instant import Instant, fresh
from v2g_daemon.domain.interval import QUARTER_HOUR, QUARTER_HOUR_S, quarter_hour_start
from v2g_daemon.domain.plan import PastStay, PlanProblem, Store
from v2g_daemon.domain.policy import ExportPolicy, Policy, Stage
from v2g_daemon.domain.prices import PriceCurve
from v2g_daemon.domain.quick import quick, replace
from v2g_daemon.domain.readings import EvseStatus, PowerControl
from v2g_daemon.domain.snapshot import Snapshot
from v2g_daemon.domain.vehicle import Vehicle
from v2g_daemon.step.beside import Turn
from v2g_daemon.step.pasts import Past, stays_of
from v2g_daemon.step.programs import with_programs

HORIZON = timedelta(hours=48)
# A new plan comes within four hours; what lies further ahead need not be told by the quarter hour.
BY_QUARTERS = timedelta(hours=6)
HOUR = timedelta(hours=1)
# In a real-time market prices are gathered for so long until they are news, and as many steps ahead
# as a plan then serves, and one that comes late, are told by the market's own intervals.
NEWS_EVERY_S = 1800.0
BY_INTERVALS = timedelta(hours=1)
RETRY_S = 60.0
LEAST_STORE_WH = 1.0


class Answer(Enum):
    """What became of a question."""

    PENDING = "pending"
    PLANNED = "planned"
    FAILED = "failed"


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What the last plan for an EVSE was asked about; a difference is news.

    When it was asked, what became of it and `turn` are no part of the question.
    """

    evse_id: str
    session_id: str | None
    vehicle_id: str
    stage: Stage
    soc_reported: bool
    prices_until_utc: datetime
    goals: tuple[DepartureGoal, ...]
    asked_at: Instant = field(compare=False)
    answer: Answer = field(default=Answer.PENDING, compare=False)
    turn: Turn = field(default=Turn(), compare=False)


def question_of(
    status: EvseStatus, decision: EvseDecision, snapshot: Snapshot, policy: Policy
) -> Question | None:
    """The question an EVSE poses now; None while there is nothing to plan or no price is known."""
    prices, now = snapshot.prices, snapshot.now
    if not (status.plugged_in and status.connected) or prices is None:
        return None
    if decision.vehicle_id is None:
        return None
    if prices.at(now.utc) is None or decision.stage is Stage.WATCH or not snapshot.clock_trusted:
        return None
    return Question(
        evse_id=status.evse_id,
        session_id=status.session_id,
        vehicle_id=decision.vehicle_id,
        stage=decision.stage,
        soc_reported=decision.soc is not None,
        prices_until_utc=_prices_until(prices, now.utc),
        goals=_goals_of(decision.vehicle_id, snapshot),
        asked_at=now,
    )


def is_news(question: Question, before: Question | None, *, renew_s: float) -> bool:
    """Whether the question must be asked again; an answer that never came is awaited `renew_s`."""
    if before is None:
        return True
    age_s = question.asked_at.seconds_since(before.asked_at)
    if age_s >= renew_s:
        return True
    if before.answer is Answer.PENDING or age_s < RETRY_S:
        return False
    if before.answer is Answer.FAILED:
        return True
    return question != before


def problem_of(
    question: Question,
    status: EvseStatus,
    decision: EvseDecision,
    snapshot: Snapshot,
    policy: Policy,
    *,
    charged_wh: float,
    past: Past,
) -> PlanProblem:
    """The question spelled out; `charged_wh` (AC) is what this session has charged so far."""
    vehicle, export_w = policy.vehicle(question.vehicle_id), _export_limit_w(decision, policy)
    store = _store(status, decision, vehicle, question, policy, charged_wh=charged_wh)
    problem = PlanProblem(
        asked_at=snapshot.now,
        evse_id=question.evse_id,
        vehicle_id=question.vehicle_id,
        timezone=policy.timezone,
        start_utc=quarter_hour_start(snapshot.now.utc),
        step_s=_step_lengths(question, snapshot),
        plugged_in=True,
        store=store,
        goals=_goals_for_store(question, vehicle, store, charged_wh),
        prices=_prices(snapshot),
        history=past.history,
        current_net_load_w=_net_load_w(snapshot, policy),
        import_limit_w=_import_limit_w(policy),
        export_limit_w=max(export_w - policy.grid.margin_to_w(export_w), 0.0),
        daily_export_wh=_daily_export_wh(vehicle, policy),
        exported_today_wh=_exported_today_wh(vehicle, snapshot),
        cycle_margin_per_kwh=policy.economics.margin_per_kwh,
        unmet_goal_per_kwh=policy.economics.unmet_goal_per_kwh,
        may_export=export_w > 0.0,
        stays=_stays(question, vehicle, past),
        current_pv_w=snapshot.pv_power_w,
        past_prices=() if _prices(snapshot).real_time_s is None else past.prices,
        budgets=_budgets(vehicle, snapshot, policy),
    )
    in_this_house = _in_this_house(problem, question, snapshot, policy)
    return with_programs(in_this_house, vehicle, past.sessions)


def _in_this_house(
    problem: PlanProblem, question: Question, snapshot: Snapshot, policy: Policy
) -> PlanProblem:
    """The problem under the house's rules and its sun, and beside its other EVSEs."""
    return replace(
        problem,
        sun=None if snapshot.sun is None else snapshot.sun.as_of(snapshot.now.utc),
        beside=question.turn.courses,
        unmet_later_per_kwh=policy.economics.unmet_later_per_kwh,
        pv_throttled_above_w=policy.grid.export_limit_w if policy.grid.throttles_pv else None,
        done_early_s=done_early_s(policy.evse(problem.evse_id), policy),
    )


def _prices(snapshot: Snapshot) -> PriceCurve:
    return PriceCurve(currency="", slots=()) if snapshot.prices is None else snapshot.prices


def _step_lengths(question: Question, snapshot: Snapshot) -> tuple[int, ...]:
    start_utc, real_time_s = quarter_hour_start(snapshot.now.utc), _prices(snapshot).real_time_s
    return step_lengths(start_utc, question.goals, real_time_s=real_time_s)


def _prices_until(prices: PriceCurve, now_utc: datetime) -> datetime:
    """Until when prices are known; in a real-time market, until when none is news."""
    if prices.real_time_s is None:
        return prices.known_until(now_utc)
    return now_utc + timedelta(seconds=NEWS_EVERY_S - now_utc.timestamp() % NEWS_EVERY_S)


def _stays(question: Question, vehicle: Vehicle, past: Past) -> tuple[PastStay, ...]:
    """What habits are learned from; without SoC the store is this session's energy alone."""
    return stays_of(past.sessions, vehicle) if question.soc_reported else ()


def _daily_export_wh(vehicle: Vehicle, policy: Policy) -> float:
    depth = policy.export_depth
    return min(depth.energy_wh, depth.share_of_pack * vehicle.capacity_wh)


def step_lengths(
    start_utc: datetime, goals: tuple[DepartureGoal, ...], *, real_time_s: int | None = None
) -> tuple[int, ...]:
    """Quarter hours for a while, then whole hours, but for those in which a departure is due.

    A real-time market's next quarter hours are told by its own intervals.
    """
    lengths_s: list[int] = []
    moment_utc, end_utc = start_utc, start_utc + HORIZON
    if real_time_s is not None and QUARTER_HOUR_S % real_time_s == 0:
        lengths_s += [real_time_s] * (round(BY_INTERVALS.total_seconds()) // real_time_s)
        moment_utc += BY_INTERVALS
    while moment_utc < end_utc:
        whole = moment_utc.minute == 0 and moment_utc - start_utc >= BY_QUARTERS
        due = any(moment_utc < goal.ready_by_utc < moment_utc + HOUR for goal in goals)
        length = HOUR if whole and not due and moment_utc + HOUR <= end_utc else QUARTER_HOUR
        lengths_s.append(round(length.total_seconds()))
        moment_utc += length
    return tuple(lengths_s)


def _store(
    status: EvseStatus,
    decision: EvseDecision,
    vehicle: Vehicle,
    question: Question,
    policy: Policy,
    *,
    charged_wh: float,
) -> Store:
    """The pack as far as it is surely there; without SoC the energy wanted from this session."""
    evse = policy.evse(question.evse_id)
    may_discharge = decision.soc is not None and decision.stage >= Stage.V2H
    capability = status.capability
    if capability is None or capability.control is not PowerControl.SIGNED:
        may_discharge = False
    max_discharge_w = min(evse.max_discharge_w, vehicle.max_discharge_w)
    store = Store(
        soc=_low_soc(decision),
        capacity_wh=vehicle.capacity_wh,
        soc_floor=vehicle.soc_floor,
        soc_ceiling=vehicle.soc_ceiling,
        taper_above_soc=vehicle.taper_above_soc,
        max_charge_w=min(evse.max_charge_w, vehicle.max_charge_w),
        max_discharge_w=max_discharge_w if may_discharge else 0.0,
        min_charge_w=evse.min_charge_w,
        min_discharge_w=evse.min_discharge_w,
        loss=evse.loss,
        wear_cost_per_kwh_discharged=vehicle.wear_cost_per_kwh_discharged,
        export_wear_per_kwh=export_wear_per_kwh(vehicle, policy.economics),
    )
    return store if decision.soc is not None else _without_soc(store, vehicle, question, charged_wh)


def _low_soc(decision: EvseDecision) -> float:
    """The SoC that is surely there; 0 without any."""
    if decision.soc is None or decision.soc_sigma is None:
        return 0.0
    return max(decision.soc - decision.soc_sigma, 0.0)


def _without_soc(store: Store, vehicle: Vehicle, question: Question, charged_wh: float) -> Store:
    """The energy wanted from this session, as far as it is charged."""
    goal = question.goals[0] if question.goals else None
    wanted_wh = max(energy_wanted_wh(goal, vehicle), LEAST_STORE_WH)
    return replace(
        store,
        soc=min(charged_wh / wanted_wh, 1.0),
        capacity_wh=wanted_wh,
        soc_floor=0.0,
        soc_ceiling=1.0,
        taper_above_soc=1.0,
    )


def _goals_for_store(
    question: Question, vehicle: Vehicle, store: Store, charged_wh: float
) -> tuple[DepartureGoal, ...]:
    """The goals as SoC of the store.

    Without SoC only the next goal can be planned: the whole store by its time. With SoC an energy
    still to come from this session lies above what is in the pack now.
    """
    if not question.soc_reported:
        return tuple(
            replace(goal, soc=1.0, energy_wh=None, trip_wh=0.0, returns_at_utc=None)
            for goal in question.goals[:1]
        )
    if not question.goals or question.goals[0].soc is not None:
        return question.goals
    goal, *later = question.goals
    missing_wh = max(energy_wanted_wh(goal, vehicle) - charged_wh, 0.0)
    soc = min(store.soc + missing_wh / store.capacity_wh, 1.0)
    return (replace(goal, soc=soc, energy_wh=None), *later)


def _goals_of(vehicle_id: str, snapshot: Snapshot) -> tuple[DepartureGoal, ...]:
    for entry in snapshot.goals:
        if entry.vehicle_id == vehicle_id:
            return tuple(g for g in entry.goals if g.ready_by_utc > snapshot.now.utc)
    return ()


def _exported_today_wh(vehicle: Vehicle, snapshot: Snapshot) -> float:
    """0 Wh where the counter cannot be read: the limit then forbids discharge anyway."""
    for counters in snapshot.counters:
        if counters.vehicle_id == vehicle.vehicle_id and counters.exported_today_wh is not None:
            return counters.exported_today_wh
    return 0.0


def _budgets(vehicle: Vehicle, snapshot: Snapshot, policy: Policy) -> tuple[DischargeBudget, ...]:
    """What bounds this car's discharge beyond the horizon.

    None whose counter cannot be read: the limit then forbids discharge anyway.
    """
    now_utc, counters = snapshot.now.utc, counters_of(vehicle, snapshot)
    if counters is None:
        return ()
    budgets = warranty_budgets(vehicle, counters, now_utc)
    whole_wh = policy.export_depth.cycles_per_month * vehicle.capacity_wh
    if not isinf(whole_wh):
        month = local_month(now_utc, ZoneInfo(policy.timezone))
        budgets = (*budgets, month_budget(whole_wh, counters, month, now_utc))
    return tuple(budget for budget in budgets if budget.used_share is not None)


def _net_load_w(snapshot: Snapshot, policy: Policy) -> float | None:
    """What the house draws without its EVSEs, by a fresh meter."""
    meter, max_age_s = snapshot.meter, policy.timing.meter_max_age_s
    if meter is None or not fresh(meter.observed_at, now=snapshot.now, max_age_s=max_age_s):
        return None
    net_load_w = meter.power_w
    for status in snapshot.evses:
        net_load_w -= status.power_w if status.power_w is not None else 0.0
    return net_load_w


def _import_limit_w(policy: Policy) -> float:
    grid = policy.grid
    bound_w = grid.main_fuse_a * grid.nominal_voltage_v * grid.phases
    if grid.import_limit_w is not None:
        bound_w = min(bound_w, grid.import_limit_w)
    return bound_w - grid.margin_to_w(bound_w)


def _export_limit_w(decision: EvseDecision, policy: Policy) -> float:
    if decision.stage < Stage.V2G or policy.export_policy is not ExportPolicy.ALLOWED:
        return 0.0
    export_limit_w = policy.grid.export_limit_w
    return 0.0 if export_limit_w is None else export_limit_w
