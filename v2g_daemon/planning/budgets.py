"""What is left of the budgets that outlast the horizon, and what a kWh or an hour of them is worth.

The price depends on nothing but what has been saved up, so that it is learned from use alone: it
rises while a budget is used faster than it opens, and falls while it is used more slowly, until so
much is used as opens. Each third of the most that may be saved makes it a tenth, since nobody knows
beforehand what a tariff's spreads are worth.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from v2g_daemon.domain.budget import DischargeBudget
from v2g_daemon.domain.plan import PlanProblem

DECADES = 3.0
MONEY_DECIMALS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetTerms:
    """Money per kWh out of the EVSE and per hour of discharging, and how much of both is left."""

    per_kwh: float = 0.0
    per_h: float = 0.0
    left_wh: float = inf
    left_h: float = inf


def budget_terms(problem: PlanProblem) -> BudgetTerms:
    """All budgets of a problem together; a kWh is never worth more than one missed by a trip."""
    most_per_kwh = problem.unmet_goal_per_kwh
    most_per_h = most_per_kwh * problem.store.max_discharge_w / 1000.0
    per_kwh, per_h, left_wh, left_h = 0.0, 0.0, inf, inf
    for budget in problem.budgets:
        if budget.left_wh is not None:
            per_kwh += most_per_kwh * worth_share(budget)
            left_wh = min(left_wh, budget.left_wh)
        if budget.left_s is not None:
            per_h += most_per_h * worth_share(budget)
            left_h = min(left_h, budget.left_s / 3600.0)
    return BudgetTerms(
        per_kwh=round(min(per_kwh, most_per_kwh), MONEY_DECIMALS),
        per_h=round(min(per_h, most_per_h), MONEY_DECIMALS),
        left_wh=left_wh,
        left_h=left_h,
    )


def worth_share(budget: DischargeBudget) -> float:
    """What the budget is worth, of the most that it can be: 1 with nothing saved, 0 with enough."""
    least: float = 10.0**-DECADES
    worth: float = 10.0 ** (-DECADES * budget.saved_share)
    return (worth - least) / (1.0 - least)
