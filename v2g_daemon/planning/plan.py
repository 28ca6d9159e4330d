"""One problem in, one plan out, or a refusal that names the field (ProblemRefused)."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from itertools import accumulate

import numpy as np

from v2g_daemon.domain.interval import Interval
from v2g_daemon.domain.plan import Plan, PlanProblem, PlanSlot
from v2g_daemon.planning.backward import Values
from v2g_daemon.planning.case import Floats
from v2g_daemon.planning.covering import covered_share
from v2g_daemon.planning.depth import Solution, optimise, weigh
from v2g_daemon.planning.explain import summary_of
from v2g_daemon.planning.peaks import told_caps
from v2g_daemon.planning.problem import Outlook, outlook_of
from v2g_daemon.planning.refusal import refuse_unplannable
from v2g_daemon.planning.stage import StepTerms, priced
from v2g_daemon.planning.staying import largest_trip_wh, stays_worth, told_money
from v2g_daemon.planning.worth import MONEY_DECIMALS, value_function

# A rehearsal asks for advice anew sooner than this; `solve` tells the whole horizon.
ADVICE_HOLDS_S = 9 * 1800
POWER_DECIMALS = 3
SOC_DECIMALS = 6


def solve(problem: PlanProblem) -> Plan:
    """The cheapest way through the horizon, and what every other SoC would be worth.

    The value function and the shadow prices are what dispatch works with: it holds wear, cycle
    margin, shadows and unmet goals of all later steps. `expected_cost` is money at the PCC plus
    wear over the horizon, without margin, shadows and demand charges and without credit for the
    energy left.
    """
    refuse_unplannable(problem)
    outlook = outlook_of(problem)
    solution = optimise(outlook.case)
    missed_wh = _missed_wh(outlook, solution.path.energy_wh)
    return Plan(
        plan_id=_plan_id(problem, solution.values, solution.path.power_w),
        evse_id=problem.evse_id,
        vehicle_id=problem.vehicle_id,
        made_at=problem.asked_at,
        slots=_slots(problem, outlook, solution),
        value=value_function(problem, solution.tables, solution.values, len(problem.step_s)),
        export_shadow_per_kwh=_rounded(solution.shadow_per_kwh, MONEY_DECIMALS),
        expected_cost=round(_expected_cost(outlook, solution), MONEY_DECIMALS),
        missed_wh=round(missed_wh, 1),
        summary=summary_of(problem, outlook, solution, missed_wh),
        told_money=told_money(solution, plugged_in=problem.plugged_in),
        largest_trip_wh=largest_trip_wh(problem),
        covered_share=covered_share(solution, plugged_in=problem.plugged_in),
        budget_per_kwh=outlook.case.terms.budget_per_kwh,
        budget_per_h=outlook.case.terms.budget_per_h,
        peak_caps=told_caps(outlook.case),
    )


def advise(problem: PlanProblem) -> Plan:
    """What dispatch works with, sooner: the plan of `solve` without slots, figures and sentence.

    Values are told for `ADVICE_HOLDS_S`.
    """
    refuse_unplannable(problem)
    case = outlook_of(problem).case
    worth = weigh(case)
    return Plan(
        plan_id=_plan_id(problem, worth.values, worth.shadow_per_kwh),
        evse_id=problem.evse_id,
        vehicle_id=problem.vehicle_id,
        made_at=problem.asked_at,
        slots=(),
        value=value_function(problem, worth.tables, worth.values, _advised_steps(problem)),
        export_shadow_per_kwh=_rounded(worth.shadow_per_kwh, MONEY_DECIMALS),
        expected_cost=0.0,
        missed_wh=0.0,
        summary="",
        budget_per_kwh=case.terms.budget_per_kwh,
        budget_per_h=case.terms.budget_per_h,
        peak_caps=told_caps(case),
    )


def _advised_steps(problem: PlanProblem) -> int:
    """How many steps begin while an advice holds."""
    starts_s = accumulate(problem.step_s[:-1], initial=0)
    return sum(start_s < ADVICE_HOLDS_S for start_s in starts_s)


def _slots(problem: PlanProblem, outlook: Outlook, solution: Solution) -> tuple[PlanSlot, ...]:
    horizon = outlook.case.horizon
    ends_utc = [*outlook.starts_utc[1:], outlook.end_utc]
    soc = _rounded(solution.path.energy_wh / problem.store.capacity_wh, SOC_DECIMALS)
    power_w = _rounded(solution.path.power_w, POWER_DECIMALS)
    net_load_w = _rounded(horizon.net_load_w, POWER_DECIMALS)
    pv_w = None if outlook.pv_w is None else _rounded(outlook.pv_w, POWER_DECIMALS)
    stays = stays_worth(solution)
    return tuple(
        PlanSlot(
            interval=Interval(start_utc=start, end_utc=end),
            power_w=power_w[step],
            soc=soc[step],
            net_load_w=net_load_w[step],
            import_per_kwh=float(horizon.import_per_kwh[step]),
            export_per_kwh=float(horizon.export_per_kwh[step]),
            price_is_forecast=bool(outlook.prices.is_forecast[step]),
            plugged_in=bool(horizon.presence.plugged[step]),
            stay=stays[step],
            pv_w=None if pv_w is None else pv_w[step],
        )
        for step, (start, end) in enumerate(zip(outlook.starts_utc, ends_utc, strict=True))
    )


def _rounded(values: Floats, decimals: int) -> tuple[float, ...]:
    return tuple((np.round(values, decimals) + 0.0).tolist())


def _missed_wh(outlook: Outlook, energy_wh: Floats) -> float:
    return sum(
        max(asked_wh - float(energy_wh[step]), 0.0)
        for step, asked_wh in enumerate(outlook.asked_wh)
        if asked_wh is not None
    )


def _expected_cost(outlook: Outlook, solution: Solution) -> float:
    free = replace(
        outlook.case.terms,
        margin_per_kwh=0.0,
        budget_per_kwh=0.0,
        budget_per_h=0.0,
        export_wear_per_kwh=0.0,
    )
    case = replace(outlook.case, terms=free, caps=())
    every = StepTerms.of(case)
    return float(priced(case, every, solution.path.power_w[:, None]).cost.sum())


def _plan_id(problem: PlanProblem, found: Values, path: Floats) -> str:
    digest = sha256()
    for text in (problem.evse_id, repr(problem.vehicle_id), problem.asked_at.utc.isoformat()):
        digest.update(text.encode())
    digest.update(f"{problem.start_utc.isoformat()} {problem.store.soc!r}".encode())
    # What is still to come from now on holds all that comes later.
    digest.update(found.before[0].tobytes())
    digest.update(path.tobytes())
    return digest.hexdigest()[:16]
