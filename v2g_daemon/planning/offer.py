"""What a kWh out of the car would have earned at best, and what it would have cost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from v2g_daemon.planning.backward import unmet_cost
from v2g_daemon.planning.case import SLACK_WH, Case, Floats
from v2g_daemon.planning.depth import Solution
from v2g_daemon.planning.tables import fine_actions

TIE = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """The best-paid discharge of the horizon; money per kWh at the EVSE.

    `refill_per_kwh` is the grid price at which the programme values the energy in the pack.
    """

    step: int
    earns_per_kwh: float
    refill_per_kwh: float
    losses_per_kwh: float
    wear_per_kwh: float
    margin_per_kwh: float
    budget_per_kwh: float

    @property
    def costs_per_kwh(self) -> float:
        """All that the kWh would have cost."""
        kept = self.refill_per_kwh + self.losses_per_kwh + self.wear_per_kwh + self.margin_per_kwh
        return kept + self.budget_per_kwh


def best_offer(solution: Solution) -> Offer | None:
    """The highest price for a discharge that was possible on the way; None if none was."""
    tables, case = solution.tables, solution.tables.case
    fine = fine_actions(tables)
    power_w = fine.power_w
    cost, feasible = fine.levels_and_matches.cost, fine.levels_and_matches.feasible
    drawn_kwh = np.maximum(-power_w, 0.0) * case.horizon.hours[:, None] / 1000.0
    out_wh = -fine.delta_w * case.horizon.hours[:, None]
    before_wh = _energy_before(case, solution.path.energy_wh)
    spare_wh = before_wh - case.pack.floor_wh
    possible = feasible & (power_w < 0.0) & (out_wh <= spare_wh[:, None] + SLACK_WH)
    possible &= case.horizon.presence.plugged[:, None]
    if not possible.any():
        return None
    exported_share = fine.levels_and_matches.exported_wh / 1000.0 / np.maximum(drawn_kwh, TIE)
    wear_per_kwh = case.terms.wear_per_kwh + exported_share * case.terms.export_wear_per_kwh
    hurdle = (wear_per_kwh + case.terms.margin_per_kwh) / 1000.0
    hours = case.horizon.hours[:, None]
    budgets = hours * case.terms.budget_per_h + drawn_kwh * case.terms.budget_per_kwh
    earned = cost[:, fine.idle, None] - (cost - hurdle * out_wh - budgets)
    with np.errstate(divide="ignore", invalid="ignore"):
        per_kwh = np.where(possible, earned / drawn_kwh, -np.inf)
        # Of equally paid powers, the one that takes least out of the pack.
        rank = np.where(possible, np.round(per_kwh, 6) - TIE * out_wh / drawn_kwh, -np.inf)
    step, action = np.unravel_index(int(rank.argmax()), rank.shape)
    return _costed(
        solution,
        step=int(step),
        earns_per_kwh=float(per_kwh[step, action]),
        drawn_kwh=float(drawn_kwh[step, action]),
        energy_wh=(float(before_wh[step]), float(before_wh[step] - out_wh[step, action])),
        wear_per_kwh=float(wear_per_kwh[step, action]),
    )


def _energy_before(case: Case, energy_wh: Floats) -> Floats:
    return np.concatenate([np.array([case.pack.start_wh]), energy_wh[:-1]])


def _costed(
    solution: Solution,
    *,
    step: int,
    earns_per_kwh: float,
    drawn_kwh: float,
    energy_wh: tuple[float, float],
    wear_per_kwh: float,
) -> Offer:
    case, grid = solution.tables.case, solution.tables.grid
    before_wh, after_wh = energy_wh
    out_per_kwh = (before_wh - after_wh) / 1000.0 / drawn_kwh
    to_come = solution.values.after[step] + unmet_cost(case, step, grid.energy_wh)
    given_up = (grid.at(to_come, after_wh) - grid.at(to_come, before_wh)) / drawn_kwh
    full_w = np.array(case.pack.max_charge_w)
    kept_share = float(case.pack.delta_w(full_w)) / max(float(full_w), 1.0)
    refill_per_kwh = given_up / out_per_kwh * kept_share
    return Offer(
        step=step,
        earns_per_kwh=earns_per_kwh,
        refill_per_kwh=refill_per_kwh,
        losses_per_kwh=given_up - refill_per_kwh,
        wear_per_kwh=wear_per_kwh * out_per_kwh,
        margin_per_kwh=case.terms.margin_per_kwh * out_per_kwh,
        budget_per_kwh=case.terms.budget_per_kwh
        + case.terms.budget_per_h * float(case.horizon.hours[step]) / drawn_kwh,
    )
