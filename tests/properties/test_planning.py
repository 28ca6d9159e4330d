"""Whatever the problem, the plan is finite, inside its bounds, and agrees with its own values."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from math import inf, isfinite
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.unit.planning.problems import (
    LOSSLESS,
    REAL_LOSS,
    START_UTC,
    a_budget,
    hourly_curve,
    plan_problem,
    toy_case,
)
from v2g_daemon.battery.losses import active_loss_w, pack_power_w
from v2g_daemon.domain.budget import DischargeBudget
from v2g_daemon.domain.goals import DepartureGoal
from v2g_daemon.domain.plan import PastStay, Plan, PlanProblem
from v2g_daemon.market.money import net_cost
from v2g_daemon.planning.actions import LEVELS
from v2g_daemon.planning.depth import optimise
from v2g_daemon.planning.plan import solve

STEPS = 16
HOURS = 4
SLACK = 1e-3


@st.composite
def goals(draw: st.DrawFn) -> tuple[DepartureGoal, ...]:
    """Up to two departures, in the past, inside the horizon or beyond; returns may be unknown."""
    found = []
    for _ in range(draw(st.integers(0, 2))):
        leaves = draw(st.integers(-30, 300))
        away = draw(st.none() | st.integers(1, 200))
        ready_by_utc = START_UTC + timedelta(minutes=leaves)
        found.append(
            DepartureGoal(
                ready_by_utc=ready_by_utc,
                soc=draw(st.none() | st.floats(0.0, 1.0)),
                energy_wh=draw(st.none() | st.floats(0.0, 80_000.0)),
                returns_at_utc=None if away is None else ready_by_utc + timedelta(minutes=away),
                trip_wh=draw(st.floats(0.0, 70_000.0)),
            )
        )
    return tuple(found)


@st.composite
def budgets(draw: st.DrawFn) -> tuple[DischargeBudget, ...]:
    """Up to two, by energy and by time, spent or saved."""
    found = []
    for unit in draw(st.lists(st.sampled_from(["energy", "time"]), max_size=2)):
        whole: dict[str, Any] = {"whole_wh": None, "whole_s": 7200.0} if unit == "time" else {}
        used_share, saved_share = draw(st.floats(0.0, 1.0)), draw(st.floats(0.0, 1.0))
        found.append(a_budget(**whole, used_share=used_share, saved_share=saved_share))
    return tuple(found)


@st.composite
def problems(draw: st.DrawFn, /, **fixed: Any) -> PlanProblem:
    """Four hours in quarter hours, with every oddity that a house can have."""
    price = st.floats(-0.5, 1.5)
    known = draw(st.integers(0, HOURS))
    minimum_w = draw(st.sampled_from([0.0, 1400.0]))
    values: dict[str, Any] = {
        "step_s": (900,) * STEPS,
        "prices": hourly_curve(
            [draw(price) for _ in range(known)], [draw(price) for _ in range(known)]
        ),
        "goals": draw(goals()),
        "soc": draw(st.floats(0.0, 1.0)),
        "capacity_wh": draw(st.sampled_from([1.0, 3000.0, 20_000.0, 60_000.0])),
        "soc_floor": draw(st.sampled_from([0.0, 0.01, 0.3])),
        "soc_ceiling": draw(st.sampled_from([0.3, 0.8, 1.0])),
        "taper_above_soc": draw(st.sampled_from([0.75, 1.0])),
        "max_charge_w": draw(st.sampled_from([0.0, 1000.0, 7400.0])),
        "max_discharge_w": draw(st.sampled_from([0.0, 7400.0])),
        "min_charge_w": minimum_w,
        "min_discharge_w": minimum_w,
        "loss": draw(st.sampled_from([LOSSLESS, REAL_LOSS])),
        "wear_cost_per_kwh_discharged": draw(st.sampled_from([0.0, 0.04])),
        "cycle_margin_per_kwh": draw(st.sampled_from([0.0, 0.02])),
        "plugged_in": draw(st.booleans()),
        "current_net_load_w": draw(st.none() | st.floats(-8000.0, 20_000.0)),
        "import_limit_w": draw(st.sampled_from([4200.0, 17_250.0, inf])),
        "export_limit_w": draw(st.sampled_from([0.0, 4000.0, inf])),
        "daily_export_wh": draw(st.sampled_from([0.0, 1500.0, 10_000.0])),
        "exported_today_wh": draw(st.sampled_from([0.0, 1000.0, 12_000.0])),
        "may_export": draw(st.booleans()),
        "budgets": draw(budgets()),
    }
    return plan_problem(**{**values, **fixed})


@given(problem=problems())
@settings(max_examples=80)
def test_any_problem_has_a_finite_plan_inside_every_bound(problem: PlanProblem) -> None:
    plan = solve(problem)
    store = problem.store
    assert isfinite(plan.expected_cost)
    assert isfinite(plan.missed_wh)
    assert all(isfinite(value) for row in plan.value.rows for value in row)
    assert len(plan.value.rows) == len(plan.slots) + 1 == STEPS + 1
    assert all(len(row) == len(plan.value.soc_grid) for row in plan.value.rows)
    for slot in plan.slots:
        power_w, flow_w = slot.power_w, slot.net_load_w + slot.power_w
        assert -store.max_discharge_w - SLACK <= power_w <= store.max_charge_w + SLACK
        assert isfinite(slot.soc)
        assert slot.soc >= 0.0
        if power_w > 0.0:
            assert power_w >= store.min_charge_w - SLACK
            assert flow_w <= problem.import_limit_w + SLACK
        if power_w < 0.0:
            assert -power_w >= store.min_discharge_w - SLACK
            assert -flow_w <= problem.export_limit_w + SLACK
            if not problem.may_export:
                assert -power_w <= max(slot.net_load_w, 0.0) + SLACK


@given(problem=problems())
@settings(max_examples=80)
def test_no_plan_exports_more_than_is_left_of_the_day(problem: PlanProblem) -> None:
    exported_wh = sum(
        min(max(-(slot.net_load_w + slot.power_w), 0.0), max(-slot.power_w, 0.0)) / 4.0
        for slot in solve(problem).slots
    )
    assert exported_wh <= max(problem.daily_export_wh - problem.exported_today_wh, 0.0) + 0.1


@given(problem=problems())
@settings(max_examples=80)
def test_no_plan_discharges_more_than_is_left_of_its_budgets(problem: PlanProblem) -> None:
    drawn_w = [max(-slot.power_w, 0.0) for slot in solve(problem).slots]
    for budget in problem.budgets:
        if budget.left_wh is not None:
            assert sum(drawn_w) / 4.0 <= budget.left_wh + 0.1
        if budget.left_s is not None:
            assert 900.0 * sum(1 for power_w in drawn_w if power_w > 0.0) <= budget.left_s + 1e-3


# Without a daily depth: what is left of that no price gives out in part, so that a plan may keep
# more of it than one which values energy higher.
@given(
    problem=problems(
        plugged_in=True, goals=(), budgets=(), capacity_wh=60_000.0, daily_export_wh=inf
    ),
    saved=st.lists(st.floats(0.0, 1.0), min_size=2, max_size=2),
)
@settings(max_examples=40)
def test_the_less_is_saved_the_less_a_plan_discharges(
    problem: PlanProblem, saved: list[float]
) -> None:
    def drawn_kwh(*shares: float) -> float:
        found = tuple(a_budget(whole_wh=1e9, saved_share=share) for share in shares)
        slots = solve(replace(problem, budgets=found)).slots
        return sum(max(-slot.power_w, 0.0) for slot in slots) / 4000.0

    # What a plan gives is a sum of powers on a lattice: it may be off by a part of a cell.
    cell_kwh = 0.25 + 1e-6
    less, more = drawn_kwh(min(saved)), drawn_kwh(max(saved))
    assert less <= more + cell_kwh
    assert more <= drawn_kwh() + cell_kwh
    assert drawn_kwh(1.0) == drawn_kwh()


# A car that is out comes back at 03:01, is gone again at 03:15 and back after the horizon.
GONE_AGAIN = plan_problem(
    step_s=(900,) * STEPS,
    prices=hourly_curve([0.1, 0.1, 0.1, 1.5], [0.1, 0.1, 0.1, 1.5]),
    plugged_in=False,
    goals=(
        DepartureGoal(
            ready_by_utc=START_UTC - timedelta(minutes=10),
            returns_at_utc=START_UTC + timedelta(minutes=181),
        ),
        DepartureGoal(
            ready_by_utc=START_UTC + timedelta(minutes=195),
            returns_at_utc=START_UTC + timedelta(minutes=241),
            trip_wh=60_000.0,
        ),
    ),
    capacity_wh=60_000.0,
    soc_floor=0.3,
    max_charge_w=7400.0,
    max_discharge_w=7400.0,
)


@example(problem=GONE_AGAIN)
@given(problem=problems())
@settings(max_examples=80)
def test_no_plan_discharges_below_the_floor_or_charges_above_the_ceiling(
    problem: PlanProblem,
) -> None:
    store = problem.store
    goal_socs = [
        (goal.energy_wh or 0.0) / store.capacity_wh if goal.soc is None else goal.soc
        for goal in problem.goals
    ]
    top = min(max(store.soc_ceiling, *goal_socs, 0.0), 1.0)
    back_utc = [goal.returns_at_utc for goal in problem.goals if goal.returns_at_utc is not None]
    for slot in solve(problem).slots:
        span = slot.interval
        # What a trip took is gone at the end of the step in which the car comes back.
        took = any(span.start_utc < moment <= span.end_utc for moment in back_utc)
        if slot.power_w < 0.0 and not took:
            assert slot.soc >= store.soc_floor - 1e-5
        into_wh = pack_power_w(slot.power_w, store.loss) / 4.0
        if into_wh > 0.0:
            assert slot.soc <= top + 1e-5


@given(
    prices=st.lists(st.floats(0.0, 1.5), min_size=80, max_size=80),
    daily_export_wh=st.sampled_from([0.0, 1500.0, 10_000.0]),
    exported_today_wh=st.sampled_from([0.0, 1000.0, 12_000.0]),
    goals=goals(),
)
@settings(max_examples=30)
def test_no_day_from_noon_to_noon_exports_more_than_it_may(
    prices: list[float],
    daily_export_wh: float,
    exported_today_wh: float,
    goals: tuple[DepartureGoal, ...],
) -> None:
    problem = plan_problem(
        step_s=(3600,) * 40,
        prices=hourly_curve(prices[:40], prices[40:]),
        capacity_wh=60_000.0,
        max_charge_w=7400.0,
        max_discharge_w=7400.0,
        daily_export_wh=daily_export_wh,
        exported_today_wh=exported_today_wh,
        goals=goals,
    )
    # Noon in Amsterdam is 11 o'clock UTC: the plan of 40 hours from midnight spans three days.
    exported_wh = [0.0, 0.0, 0.0]
    for hour, slot in enumerate(solve(problem).slots):
        flow_w = slot.net_load_w + slot.power_w
        exported_wh[(hour + 13) // 24] += min(max(-flow_w, 0.0), max(-slot.power_w, 0.0))
    assert exported_wh[0] <= max(daily_export_wh - exported_today_wh, 0.0) + 0.1
    assert max(exported_wh[1:]) <= daily_export_wh + 0.1


# With a least power or a standby loss a little more energy may keep a charger from filling the last
# bit of the pack, and where the car takes less the fuller it is, its levels of power are apart:
# only without these is more never worth less.
@given(
    data=st.data(),
    imports=st.lists(st.floats(0.0, 1.5), min_size=HOURS, max_size=HOURS),
    exports=st.lists(st.floats(0.0, 1.5), min_size=HOURS, max_size=HOURS),
)
@settings(max_examples=80)
def test_more_in_the_car_is_never_worth_less_at_prices_of_nothing_or_more(
    data: st.DataObject, imports: list[float], exports: list[float]
) -> None:
    problem = data.draw(
        problems(
            prices=hourly_curve(imports, exports),
            goals=(),
            min_charge_w=0.0,
            min_discharge_w=0.0,
            taper_above_soc=1.0,
            loss=LOSSLESS,
            current_net_load_w=500.0,
        )
    )
    value = solve(problem).value
    # A ceiling between two points is charged to as far as the upper one, by who can land there.
    cell_wh = (value.soc_grid[1] - value.soc_grid[0]) * problem.store.capacity_wh
    ceiling_wh = problem.store.soc_ceiling * problem.store.capacity_wh
    between_wh = abs(ceiling_wh - round(ceiling_wh / cell_wh) * cell_wh)
    past_wh = cell_wh if between_wh > SLACK else 0.0
    past_money = past_wh / 1000.0 * max(*imports, *exports)
    assert np.diff(np.array(value.rows), axis=1).min() >= -past_money - 1e-3


def gained(problem: PlanProblem, plan: Plan, step: int, soc: float, power_w: float) -> float:
    """What dispatch expects of a power, in plain Python: this step's money and the rest."""
    slot, store = plan.slots[step], problem.store
    flow_w = slot.net_load_w + power_w
    drawn_w = max(-power_w, 0.0)
    out_w = drawn_w + active_loss_w(drawn_w, store.loss) if drawn_w > 0.0 else 0.0
    exported_w = min(max(-flow_w, 0.0), drawn_w)
    paid = net_cost(
        import_w=max(flow_w, 0.0),
        export_w=max(-flow_w, 0.0),
        hours=0.25,
        import_per_kwh=slot.import_per_kwh,
        export_per_kwh=slot.export_per_kwh,
    )
    hurdle = store.wear_cost_per_kwh_discharged + problem.cycle_margin_per_kwh
    paid += hurdle * out_w * 0.25 / 1000.0
    paid += plan.export_shadow_per_kwh[step] * exported_w * 0.25 / 1000.0
    paid += plan.budget_per_kwh * drawn_w * 0.25 / 1000.0
    paid += plan.budget_per_h * 0.25 if drawn_w > 0.0 else 0.0
    after = soc + pack_power_w(power_w, store.loss) * 0.25 / store.capacity_wh
    rest = np.interp(after, plan.value.soc_grid, plan.value.rows[step + 1])
    return float(rest) - paid


@given(
    problem=problems(
        plugged_in=True, goals=(), daily_export_wh=1e9, capacity_wh=60_000.0, budgets=()
    )
)
@settings(max_examples=80)
def test_dispatch_sees_in_the_values_what_the_plan_saw(problem: PlanProblem) -> None:
    plan = solve(problem)
    soc, grid = problem.store.soc, plan.value.soc_grid
    # A value between two points of the grid lies on the chord, at most a quarter of the cell times
    # the bend below the curve; here twice: in the row read now and in the one read after the step.
    cell_kwh = (grid[1] - grid[0]) * problem.store.capacity_wh / 1000.0
    prices = [p for slot in plan.slots for p in (slot.import_per_kwh, slot.export_per_kwh)]
    hurdle = problem.store.wear_cost_per_kwh_discharged + problem.cycle_margin_per_kwh
    slack_kwh = cell_kwh / 2.0
    if problem.store.taper_above_soc < 1.0:
        # From a point that takes a little less, a whole level less is charged.
        slack_kwh += problem.store.max_charge_w / LEVELS / 4000.0
    slack_money = slack_kwh * (max(prices) - min(prices) + hurdle)
    for step, slot in enumerate(plan.slots):
        if soc < problem.store.soc_floor:
            break
        idle = gained(problem, plan, step, soc, 0.0)
        planned = gained(problem, plan, step, soc, slot.power_w)
        assert planned >= idle - 1e-3
        now = float(np.interp(soc, plan.value.soc_grid, plan.value.rows[step]))
        assert planned == pytest.approx(now, abs=slack_money + 2e-3)
        soc = slot.soc


@given(problem=problems(goals=()))
@settings(max_examples=40)
def test_energy_is_neither_lost_nor_found(problem: PlanProblem) -> None:
    plan, store = solve(problem), problem.store
    soc = max(store.soc, 0.0)
    for slot in plan.slots:
        moved_wh = pack_power_w(slot.power_w, store.loss) / 4.0
        assert slot.soc * store.capacity_wh == pytest.approx(
            max(soc * store.capacity_wh + moved_wh, 0.0), abs=0.15 + 1e-6 * store.capacity_wh
        )
        soc = slot.soc


@given(problem=problems())
@settings(max_examples=20)
def test_the_same_question_has_the_same_answer(problem: PlanProblem) -> None:
    assert solve(problem) == solve(problem)


@given(
    shift=st.floats(-0.2, 0.5),
    prices=st.lists(st.floats(-0.2, 0.8), min_size=6, max_size=6),
    margins=st.lists(st.floats(0.0, 0.3), min_size=6, max_size=6),
    loads_w=st.lists(st.floats(-3000.0, 6000.0), min_size=6, max_size=6),
)
@settings(max_examples=60)
def test_a_shift_of_all_prices_changes_nothing_but_money(
    shift: float, prices: list[float], margins: list[float], loads_w: list[float]
) -> None:
    def objective(by: float) -> float:
        case = toy_case(
            imports=[price + by for price in prices],
            exports=[price - margin + by for price, margin in zip(prices, margins, strict=True)],
            net_load_w=loads_w,
            terminal_per_kwh=0.15 + by,
        )
        return optimise(case).path.objective

    # Whatever is done, the house's own kWh cost so much more, and 4 kWh above the floor are paid.
    more = shift * (sum(loads_w) / 1000.0 - 4.0)
    assert objective(shift) == pytest.approx(objective(0.0) + more, abs=2e-3)


@given(problem=problems(plugged_in=True, goals=(), capacity_wh=60_000.0), hours=st.integers(4, 200))
@settings(max_examples=30)
def test_learned_presence_keeps_every_bound_and_every_value_finite(
    problem: PlanProblem, hours: int
) -> None:
    stays = tuple(
        PastStay(
            plugged_in_utc=START_UTC - timedelta(hours=hours * number + 14),
            plugged_out_utc=START_UTC - timedelta(hours=hours * number + 2),
            trip_wh=1000.0 * number,
        )
        for number in range(12, 0, -1)
    )
    now = PastStay(plugged_in_utc=START_UTC - timedelta(hours=1), plugged_out_utc=None)
    plan = solve(replace(problem, stays=(*stays, now)))
    assert all(isfinite(value) for row in plan.value.rows for value in row)
    for slot in plan.slots:
        if slot.power_w > 0.0:
            assert slot.net_load_w + slot.power_w <= problem.import_limit_w + SLACK
        if slot.power_w < 0.0:
            assert slot.soc >= problem.store.soc_floor - 1e-5
