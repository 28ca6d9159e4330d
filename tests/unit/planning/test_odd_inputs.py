"""Whatever a house asks, the answer is a plan that harms nobody, or a refusal that says why."""

from __future__ import annotations

import re
from math import isfinite

import pytest

from tests.unit.planning.odd_problems import ODD, REFUSED, house
from tests.unit.planning.problems import as_advised
from v2g_daemon.domain.errors import ProblemRefused
from v2g_daemon.domain.plan import PlanProblem
from v2g_daemon.planning.plan import advise, solve


@pytest.mark.parametrize("problem", ODD.values(), ids=ODD.keys())
def test_it_is_planned_within_all_bounds(problem: PlanProblem) -> None:
    plan, store = solve(problem), problem.store
    assert isfinite(plan.expected_cost)
    assert plan.missed_wh >= 0.0
    assert all(isfinite(value) for row in plan.value.rows for value in row)
    assert plan.summary
    most_soc = max(store.soc_ceiling, *(goal.soc or 0.0 for goal in problem.goals), 0.0)
    for slot in plan.slots:
        assert isfinite(slot.soc)
        flow_w = slot.net_load_w + slot.power_w
        if slot.power_w > 0.0:
            assert slot.power_w <= store.max_charge_w
            assert flow_w <= problem.import_limit_w + 0.01
            assert slot.soc <= most_soc + 1e-5
        if slot.power_w < 0.0:
            assert -slot.power_w <= store.max_discharge_w
            assert -flow_w <= problem.export_limit_w + 0.01
            assert slot.soc >= store.soc_floor - 1e-5


@pytest.mark.parametrize("problem", ODD.values(), ids=ODD.keys())
def test_an_advice_is_the_value_function_of_the_plan_while_it_holds(problem: PlanProblem) -> None:
    plan, advice = solve(problem), advise(problem)
    assert advice.value == as_advised(plan.value)
    assert advice.export_shadow_per_kwh == plan.export_shadow_per_kwh


def test_a_price_for_the_taking_is_taken() -> None:
    assert sum(slot.power_w for slot in solve(ODD["negative import prices"]).slots) > 0.0


@pytest.mark.parametrize("message", REFUSED)
def test_it_is_refused_by_a_message_that_names_the_field(message: str) -> None:
    for asked in (solve, advise):
        with pytest.raises(ProblemRefused, match=re.escape(message)):
            asked(REFUSED[message])


@pytest.mark.parametrize("step_s", [(), (900, 0), (900, -900)])
def test_without_steps_that_last_there_is_nothing_to_plan(step_s: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="at least one step, and each must last"):
        house(step_s=step_s)
