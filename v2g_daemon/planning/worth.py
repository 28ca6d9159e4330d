"""The value function that a plan carries: what dispatch prices the actions of the moment by."""

from __future__ import annotations

from math import isinf

import numpy as np

from v2g_daemon.domain.plan import PlanProblem, ValueFunction
from v2g_daemon.planning.backward import unmet_cost
from v2g_daemon.planning.case import Floats
from v2g_daemon.planning.depth import Solution

MONEY_DECIMALS = 4
SAME_POINT_WH = 1.0


def value_function(problem: PlanProblem, solution: Solution) -> ValueFunction:
    """Row k is what is still to be gained once step k begins.

    A target at the end of step k − 1 counts in row k, so that the last action before a departure
    is priced with it. The targets are points of their own beside the lattice, where their values
    are exact.
    """
    case, grid = solution.tables.case, solution.tables.grid
    energy_wh = np.sort(np.concatenate([grid.energy_wh, _targets_off_lattice(solution)]))
    rows = [_row(solution, step, energy_wh) for step in range(case.horizon.steps + 1)]
    gains = np.round(-np.array(rows), MONEY_DECIMALS) + 0.0
    return ValueFunction(
        start_utc=problem.start_utc,
        step_s=problem.step_s,
        soc_grid=tuple((energy_wh / problem.store.capacity_wh).tolist()),
        rows=tuple(tuple(row) for row in gains.tolist()),
    )


def _targets_off_lattice(solution: Solution) -> Floats:
    lattice_wh = solution.tables.grid.energy_wh
    targets_wh = {wh for wh in solution.tables.next_target_wh if wh is not None}
    near_wh = min(SAME_POINT_WH, solution.tables.grid.step_wh / 4.0)
    off = [
        wh
        for wh in sorted(targets_wh)
        if wh < lattice_wh[-1] and float(np.abs(lattice_wh - wh).min()) > near_wh
    ]
    return np.array(off, dtype=np.float64)


def _row(solution: Solution, step: int, energy_wh: Floats) -> Floats:
    """The cost to come at the start of a step, missed targets of that moment included."""
    tables, found = solution.tables, solution.values
    row = tables.grid.on(found.before[step], energy_wh)
    if step > 0:
        row = row + unmet_cost(tables.case, step - 1, energy_wh)
    if step < tables.case.horizon.steps and not isinf(found.hold[step]):
        held = float(tables.idle_cost[step]) + found.hold[step]
        on_target = energy_wh == tables.next_target_wh[step]
        row[on_target] = np.minimum(row[on_target], held)
    return row
