"""Grid programs in a plan: the energy a commitment takes, and what an hour plugged in is worth.

Both are money of the energy that a step begins with, whatever is done in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import erf, exp, inf, pi, sqrt

import numpy as np

from v2g_daemon.domain.interval import Interval
from v2g_daemon.domain.plan import PlanProblem
from v2g_daemon.domain.programs import AvailabilityPay, Commitment
from v2g_daemon.planning.case import SMALLEST_W, Case, Floats, Held, Presence
from v2g_daemon.planning.wall import DAY_S, Steps

# What is missing less is not noticed.
LEAST_SPAN_WH = 1.0
# A period's plugged hours are never known better than this.
LEAST_SIGMA_H = 1.0


def held_of(
    problem: PlanProblem, case: Case, steps: Steps, *, plugged_share: float
) -> tuple[Held, ...]:
    """What the programs of a problem want; `plugged_share`: how much of the time it is usual."""
    found = reserves(problem.commitments, case, steps)
    for pay in problem.availability:
        per_h = _worth_per_h(pay, case.horizon.presence, steps, plugged_share)
        money = per_h * shared_h(pay.period, steps)
        if per_h > 0.0 and bool((money > 0.0).any()):
            least_wh = np.full(len(money), pay.terms.soc_at_least * case.pack.capacity_wh)
            span_wh = np.full(len(money), LEAST_SPAN_WH)
            found.append(
                Held(least_wh=least_wh, span_wh=span_wh, paid_money=money, lacking_money=money)
            )
    return tuple(found)


def reserves(commitments: Sequence[Commitment], case: Case, steps: Steps) -> list[Held]:
    """Each on top of the floor, and of those before it."""
    pack = case.pack
    base_wh, left_w = np.full(case.horizon.steps, pack.floor_wh), _outlet_w(case)
    found: list[Held] = []
    for one in commitments:
        active_h = shared_h(one.interval, steps)
        drawn_w = np.where(active_h > 0.0, np.minimum(one.discharge_w, left_w), 0.0)
        drawn_w[drawn_w < max(pack.min_discharge_w, SMALLEST_W)] = 0.0
        if not drawn_w.any() or one.shortfall_per_kwh <= 0.0:
            continue
        span_wh = -pack.delta_w(-drawn_w) * _sustained_h(one, steps)
        base_wh, left_w = base_wh + span_wh, left_w - drawn_w
        found.append(
            Held(
                least_wh=base_wh,
                span_wh=np.maximum(span_wh, LEAST_SPAN_WH),
                paid_money=np.zeros(len(span_wh)),
                lacking_money=one.shortfall_per_kwh / 1000.0 * drawn_w * active_h,
            )
        )
    return found


def _outlet_w(case: Case) -> Floats:
    """What can be given in each step: to the house as it likely draws, and over the PCC."""
    terms = case.terms
    out_w = terms.export_limit_w if terms.may_export else 0.0
    return np.clip(case.horizon.net_load_w + out_w, 0.0, case.pack.max_discharge_w)


def _sustained_h(commitment: Commitment, steps: Steps) -> Floats:
    """For how long the power must still be there as each step begins, or the commitment in it."""
    begins_s = np.maximum(steps.starts_s, commitment.interval.start_utc.timestamp())
    rest_s = np.maximum(commitment.interval.end_utc.timestamp() - begins_s, 0.0)
    longest_s = inf if commitment.sustained_s is None else commitment.sustained_s
    return np.minimum(rest_s, longest_s) / 3600.0


def shared_h(interval: Interval, steps: Steps) -> Floats:
    """How much of each step lies in an interval."""
    ends_s = steps.starts_s + steps.hours * 3600.0
    begins_s = np.maximum(steps.starts_s, interval.start_utc.timestamp())
    shared_s: Floats = np.minimum(ends_s, interval.end_utc.timestamp()) - begins_s
    return np.maximum(shared_s, 0.0) / 3600.0


def _worth_per_h(pay: AvailabilityPay, here: Presence, steps: Steps, plugged_share: float) -> float:
    """What one more hour plugged in adds to the pay that the period is likely to bring.

    The hours of the whole period are taken as normal: those to date, those that the plan expects,
    and the usual share of what is left; as uncertain as if each day were all here or all away. An
    hour pays its rate as likely as the cap is not reached without it, and of the bonus as much as
    it makes the threshold likelier. What may still come can neither fill a cap nor reach a
    threshold that lies beyond it.
    """
    terms, to_date_h = pay.terms, pay.plugged_to_date_h
    rest_h = _rest_h(pay.period, float(steps.starts_s[0]))
    planned_h = shared_h(pay.period, steps)
    later_h = max(rest_h - float(planned_h.sum()), 0.0)
    likely_h = to_date_h + float(planned_h @ _chance_plugged(here)) + plugged_share * later_h
    a_day_h = DAY_S / 3600.0
    variance_h2 = plugged_share * (1.0 - plugged_share) * a_day_h * rest_h
    sigma_h = max(sqrt(max(variance_h2, 0.0)), LEAST_SIGMA_H)
    per_h = terms.per_plugged_h
    if terms.cap_h is not None and to_date_h + rest_h > terms.cap_h:
        short = (terms.cap_h - likely_h) / sigma_h
        per_h *= (1.0 + erf(short / sqrt(2.0))) / 2.0 if to_date_h < terms.cap_h else 0.0
    if to_date_h < terms.threshold_h <= to_date_h + rest_h:
        short = (terms.threshold_h - likely_h) / sigma_h
        per_h += terms.bonus_money * exp(-short * short / 2.0) / (sigma_h * sqrt(2.0 * pi))
    return per_h


def _rest_h(period: Interval, now_s: float) -> float:
    """What is left of a period, which may not have begun."""
    begins_s = max(period.start_utc.timestamp(), now_s)
    return max(period.end_utc.timestamp() - begins_s, 0.0) / 3600.0


def _chance_plugged(here: Presence) -> Floats:
    """How likely the car is plugged in during each step."""
    chance, found = 1.0 if bool(here.plugged[0]) else 0.0, []
    for leaves, returns in zip(here.leaves.tolist(), here.returns.tolist(), strict=True):
        found.append(chance)
        chance = chance * (1.0 - leaves) + (1.0 - chance) * returns
    return np.array(found)


def standing_cost(held: Sequence[Held], energy_wh: Floats) -> Floats:
    """What a car plugged in with these energies owes in each step, less what it is paid.

    Energies of shape (points) or (steps, points); the money is of the latter.
    """
    cost = np.zeros((1, 1))
    for one in held:
        missing_wh = one.least_wh[:, None] - energy_wh
        missing = np.clip(missing_wh / one.span_wh[:, None], 0.0, 1.0)
        cost = cost + (one.lacking_money[:, None] * missing - one.paid_money[:, None])
    return cost


def absent_cost(held: Sequence[Held], steps: int) -> Floats:
    """What a car that is not plugged in owes in each step."""
    return sum((one.lacking_money - one.paid_money for one in held), np.zeros(steps))


def paid_money(held: Sequence[Held], steps: int) -> Floats:
    """What whoever is plugged in is paid in each step, if nothing is missing."""
    return sum((one.paid_money for one in held), np.zeros(steps))
