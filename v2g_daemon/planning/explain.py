"""The plan in one or two sentences, for people."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from v2g_daemon.domain.plan import PlanProblem
from v2g_daemon.planning.case import Bools, Case, Floats
from v2g_daemon.planning.depth import Solution
from v2g_daemon.planning.offer import best_offer
from v2g_daemon.planning.peaks import told_caps
from v2g_daemon.planning.problem import Outlook
from v2g_daemon.planning.programs import paid_money, standing_cost
from v2g_daemon.planning.stage import priced

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
TOLD_WH = 50.0
TOLD_MONEY = 0.01


def summary_of(problem: PlanProblem, outlook: Outlook, solution: Solution, missed_wh: float) -> str:
    """What the plan does and why; where it never discharges, what was offered and what it costs."""
    if not solution.tables.case.horizon.presence.plugged.any():
        return "The car is away for as long as the plan looks ahead; nothing is planned."
    power_w = solution.path.power_w
    sentences = [_charging(problem, outlook, solution)]
    drawn_wh = np.maximum(-power_w, 0.0) * outlook.case.horizon.hours
    if float(drawn_wh.sum()) >= TOLD_WH:
        sentences.append(_discharging(problem, outlook, solution))
    elif problem.store.max_discharge_w > 0.0 and not drawn_wh.any():
        sentences.append(_why_not(problem, outlook, solution))
    sentences.extend(_caps(outlook.case))
    if outlook.case.held:
        sentences.extend(_programs(problem, outlook, solution))
    if missed_wh > TOLD_WH:
        sentences.append(f"Charging at full power leaves {_kwh(missed_wh)} missing at departure.")
    return " ".join(sentences)


def _charging(problem: PlanProblem, outlook: Outlook, solution: Solution) -> str:
    goal = _next_goal(problem, outlook)
    charged_wh = np.maximum(solution.path.power_w, 0.0) * outlook.case.horizon.hours
    total_wh = float(charged_wh.sum())
    if total_wh < TOLD_WH:
        return "Charges nothing" + (f": the car already holds {goal}." if goal else ".")
    paid = float(_extra_cost(solution)[charged_wh > 0.0].sum()) / total_wh * 1000.0
    when = _span(outlook, problem.timezone, charged_wh > 0.0)
    aim = f", so that the car holds {goal}" if goal else ""
    return f"Charges {_kwh(total_wh)} {when} for {_price(paid, problem)} on average{aim}."


def _discharging(problem: PlanProblem, outlook: Outlook, solution: Solution) -> str:
    hours = outlook.case.horizon.hours
    drawn_wh = np.maximum(-solution.path.power_w, 0.0) * hours
    active = drawn_wh > 0.0
    total_wh = float(drawn_wh.sum())
    earned = -float(_extra_cost(solution)[active].sum()) / total_wh * 1000.0
    when = _span(outlook, problem.timezone, active)
    return (
        f"Discharges {_kwh(total_wh)} {when}, which earns or saves {_price(earned, problem)} "
        f"after {_deducted(outlook)}, more than the energy is worth in the car."
    )


def _caps(case: Case) -> Iterator[str]:
    """The import that is kept to while a demand charge counts."""
    told = [f"{cap.cap_w / 1000.0:.1f} kW" for cap in told_caps(case)]
    if told:
        yield f"Keeps the import to {' and '.join(told)} while the demand charge counts."


def _programs(problem: PlanProblem, outlook: Outlook, solution: Solution) -> Iterator[str]:
    """What is kept for the next commitment and what of it is missing, and what an hour is paid."""
    case, currency = outlook.case, problem.prices.currency
    begins_wh = np.append(case.pack.start_wh, solution.path.energy_wh[:-1])
    paid = paid_money(case.held, case.horizon.steps)
    owed = standing_cost(case.held, begins_wh[:, None])[:, 0] + paid
    ahead = [one for one in problem.commitments if one.interval.end_utc > problem.start_utc]
    promised = min(ahead, key=lambda one: one.interval.start_utc, default=None)
    if promised is not None:
        begins, ends = (
            _moment(moment_utc, problem.timezone)
            for moment_utc in (promised.interval.start_utc, promised.interval.end_utc)
        )
        yield (
            f"Keeps the energy for {promised.discharge_w / 1000.0:.1f} kW promised to "
            f"{promised.name} between {begins} and {ends}."
        )
        missing = float(owed[case.horizon.presence.plugged].sum())
        if missing >= TOLD_MONEY:
            yield f"What its commitments will be missing costs {missing:.2f} {currency}."
    per_h = float((paid / case.horizon.hours).max())
    if per_h > 0.0:
        yield f"An hour plugged in counts {per_h:.3f} {currency} of availability pay."


def _deducted(outlook: Outlook) -> str:
    """What is taken off before a discharge is said to earn."""
    terms = outlook.case.terms
    if terms.budget_per_kwh > 0.0 or terms.budget_per_h > 0.0:
        return "wear, margin and the price of its budgets"
    return "wear and margin"


def _why_not(problem: PlanProblem, outlook: Outlook, solution: Solution) -> str:
    offer = best_offer(solution)
    if offer is None:
        return f"Never discharges: {_obstacle(problem, outlook, solution)}."
    at = _moment(outlook.starts_utc[offer.step], problem.timezone)
    priced_budgets = f", budgets {offer.budget_per_kwh:.3f}" if offer.budget_per_kwh > 0.0 else ""
    forecast = " (forecast)" if bool(outlook.prices.is_forecast[offer.step]) else ""
    return (
        f"Never discharges: the best offer was {_price(offer.earns_per_kwh, problem)} at {at}"
        f"{forecast}, but a kWh from the car would have cost {offer.costs_per_kwh:.3f}: "
        f"refill {offer.refill_per_kwh:.3f}, losses {offer.losses_per_kwh:.3f}, "
        f"wear {offer.wear_per_kwh:.3f}, margin {offer.margin_per_kwh:.3f}"
        f"{priced_budgets}."
    )


def _obstacle(problem: PlanProblem, outlook: Outlook, solution: Solution) -> str:
    floor_wh = outlook.case.pack.floor_wh
    plugged = outlook.case.horizon.presence.plugged
    if float(solution.path.energy_wh[plugged].max()) <= floor_wh + TOLD_WH:
        return f"the car is never above its floor of {problem.store.soc_floor:.0%} while plugged in"
    if not problem.may_export:
        return "nothing may be exported and the house draws less than the charger's minimum"
    return "no permitted power fits the export limit and the charger's minimum"


def _extra_cost(solution: Solution) -> Floats:
    """What each step costs beyond an idle charger, wear and margin included."""
    tables = solution.tables
    idle = priced(tables.case, tables.terms, np.zeros((1, 1)))
    return solution.path.cost - idle.cost[:, 0]


def _next_goal(problem: PlanProblem, outlook: Outlook) -> str | None:
    ends_utc = [*outlook.starts_utc[1:], outlook.end_utc]
    for wanted_wh, end_utc in zip(outlook.asked_wh, ends_utc, strict=True):
        if wanted_wh is not None:
            share = wanted_wh / problem.store.capacity_wh
            return f"{share:.0%} by {_moment(end_utc, problem.timezone)}"
    return None


def _span(outlook: Outlook, timezone_name: str, active: Bools) -> str:
    steps = np.flatnonzero(active)
    ends_utc = [*outlook.starts_utc[1:], outlook.end_utc]
    first = _moment(outlook.starts_utc[int(steps[0])], timezone_name)
    return f"between {first} and {_moment(ends_utc[int(steps[-1])], timezone_name)}"


def _moment(moment_utc: datetime, timezone_name: str) -> str:
    local = moment_utc.astimezone(ZoneInfo(timezone_name))
    return f"{local:%H:%M} on {WEEKDAYS[local.weekday()]}"


def _kwh(energy_wh: float) -> str:
    return f"{energy_wh / 1000.0:.1f} kWh"


def _price(per_kwh: float, problem: PlanProblem) -> str:
    return f"{per_kwh:.3f} {problem.prices.currency} per kWh"
