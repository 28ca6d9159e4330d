"""What the budgets of discharge are worth, and what a plan makes of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.unit.planning.problems import a_budget, plan_problem
from v2g_daemon.domain.plan import Plan
from v2g_daemon.planning.budgets import budget_terms, worth_share
from v2g_daemon.planning.plan import advise, solve

ENERGY = a_budget(whole_wh=1_000_000.0, used_share=0.5, open_share=0.6)
TIME = replace(ENERGY, name="warranty hours", whole_wh=None, whole_s=3_600_000.0)


def powers_w(plan: Plan) -> list[float]:
    return [slot.power_w for slot in plan.slots]


def test_each_third_that_is_saved_makes_a_budget_worth_a_tenth() -> None:
    worth = [worth_share(replace(ENERGY, saved_share=saved / 3.0)) for saved in range(4)]
    assert worth == pytest.approx([1.0, 0.099099, 0.009009, 0.0], abs=1e-6)
    assert worth[3] == 0.0


def test_a_kwh_of_a_budget_is_worth_at_most_one_that_a_trip_misses() -> None:
    problem = plan_problem(unmet_goal_per_kwh=2.0)
    assert budget_terms(problem).per_kwh == 0.0
    third = replace(ENERGY, saved_share=2.0 / 3.0)
    assert budget_terms(replace(problem, budgets=(third,))).per_kwh == 0.018
    assert budget_terms(replace(problem, budgets=(third, third))).per_kwh == 0.036
    none = replace(ENERGY, saved_share=0.0)
    assert budget_terms(replace(problem, budgets=(none, none))).per_kwh == 2.0


def test_an_hour_is_worth_at_most_what_the_charger_gives_in_it() -> None:
    problem = plan_problem(unmet_goal_per_kwh=2.0, max_discharge_w=3000.0)
    found = budget_terms(replace(problem, budgets=(replace(TIME, saved_share=0.0), ENERGY)))
    assert (found.per_kwh, found.per_h) == (0.0, 6.0)
    assert found.left_wh == pytest.approx(100_000.0)
    assert found.left_h == pytest.approx(100.0)


def test_a_budget_with_enough_saved_changes_nothing() -> None:
    problem = plan_problem()
    assert solve(replace(problem, budgets=(ENERGY, TIME))) == solve(problem)
    assert advise(replace(problem, budgets=(ENERGY, TIME))) == advise(problem)


def planned(**changes: Any) -> Plan:
    """A kWh of load at 0.50 after one at 0.10, and energy that is worth 0.18."""
    return solve(plan_problem(budgets=(replace(ENERGY, **changes),)))


@pytest.mark.parametrize(
    ("saved_share", "price_per_kwh", "power_w"), [(0.3, 0.25, -1000.0), (0.2, 0.5014, 0.0)]
)
def test_only_what_earns_more_than_the_budget_is_worth_is_discharged(
    saved_share: float, price_per_kwh: float, power_w: float
) -> None:
    plan = planned(saved_share=saved_share)
    assert plan.budget_per_kwh == pytest.approx(price_per_kwh, abs=2e-3)
    assert powers_w(plan)[1] == power_w


def test_what_a_budget_is_worth_is_no_cost() -> None:
    assert planned(saved_share=0.3).expected_cost == planned().expected_cost == 0.2


def test_the_sentence_names_the_price_of_the_budgets() -> None:
    given = planned(saved_share=0.3).summary
    assert "after wear, margin and the price of its budgets" in given
    kept = planned(saved_share=0.2).summary
    assert kept.endswith(
        "but a kWh from the car would have cost 0.681: refill 0.180, losses 0.000, wear 0.000, "
        "margin 0.000, budgets 0.501."
    )


def test_a_plan_keeps_to_what_is_left_of_a_budget() -> None:
    assert powers_w(planned(used_share=0.5995))[1] >= -500.0
    assert powers_w(planned(used_share=0.6))[1] == 0.0
    by_time = solve(plan_problem(budgets=(replace(TIME, used_share=0.5995),)))
    assert powers_w(by_time)[1] == 0.0  # half an hour is left, and a step is one
