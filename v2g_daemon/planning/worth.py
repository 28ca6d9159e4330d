"""The value function that a plan carries: what dispatch prices the actions of the moment by."""

from __future__ import annotations

from math import isinf

import numpy as np

from v2g_daemon.domain.plan import PlanProblem, ValueFunction
from v2g_daemon.planning.backward import Values, unmet_cost
from v2g_daemon.planning.case import Floats
from v2g_daemon.planning.grid import Grid
from v2g_daemon.planning.tables import Tables

MONEY_DECIMALS = 4
SAME_POINT_WH = 1.0


def value_function(
    problem: PlanProblem, tables: Tables, found: Values, steps: int
) -> ValueFunction:
    """Row k is what is still to be gained once step k begins, for a car plugged in until then.

    Told of the first `steps`. A departure at the end of step k − 1, sure or likely, counts in row k
    with what it misses, so that the last action before it is priced with it. The targets are points
    of their own beside the lattice, where their values are exact.
    """
    grid = tables.grid
    energy_wh = np.sort(np.concatenate([grid.energy_wh, _targets_off_lattice(tables)]))
    rows = _between(grid, np.concatenate([found.before[:1], found.after[:steps]]), energy_wh)
    _correct(tables, found, energy_wh, rows)
    gains = np.round(-rows, MONEY_DECIMALS) + 0.0
    return ValueFunction(
        start_utc=problem.start_utc,
        step_s=problem.step_s[:steps],
        soc_grid=tuple((energy_wh / problem.store.capacity_wh).tolist()),
        rows=tuple(map(tuple, gains.tolist())),
    )


def _targets_off_lattice(tables: Tables) -> Floats:
    lattice_wh = tables.grid.energy_wh
    targets_wh = {wh for wh in tables.next_target_wh if wh is not None}
    near_wh = min(SAME_POINT_WH, tables.grid.step_wh / 4.0)
    off = [
        wh
        for wh in sorted(targets_wh)
        if wh < lattice_wh[-1] and float(np.abs(lattice_wh - wh).min()) > near_wh
    ]
    return np.array(off, dtype=np.float64)


def _between(grid: Grid, rows: Floats, energy_wh: Floats) -> Floats:
    """All rows at these energies: copied on lattice points, linear between them."""
    if len(energy_wh) == grid.points:
        return rows
    on_lattice = np.searchsorted(energy_wh, grid.energy_wh)
    seen = np.empty((len(rows), len(energy_wh)))
    seen[:, on_lattice] = rows
    off_lattice = np.ones(len(energy_wh), dtype=np.bool_)
    off_lattice[on_lattice] = False
    for column in np.flatnonzero(off_lattice).tolist():
        below, share = grid.place(float(energy_wh[column]))
        seen[:, column] = rows[:, below] * (1.0 - share) + rows[:, below + 1] * share
    return seen


def _correct(tables: Tables, found: Values, energy_wh: Floats, rows: Floats) -> None:
    """Put in place what rows do not say: targets missed as they begin, and exact holding."""
    case = tables.case
    targets_wh = case.horizon.presence.target_wh[: len(rows) - 1]
    for step in np.flatnonzero(~np.isnan(targets_wh)).tolist():
        rows[step + 1] += unmet_cost(case, step, energy_wh)
    points_of = {
        target_wh: [] if target_wh is None else np.flatnonzero(energy_wh == target_wh).tolist()
        for target_wh in set(tables.next_target_wh)
    }
    for step, hold in enumerate(found.hold[: len(rows)]):
        if not isinf(hold):
            held = float(tables.idle_cost[step]) + hold
            if tables.standing is not None:
                held += float(tables.standing.on_target[step])
            for point in points_of[tables.next_target_wh[step]]:
                rows[step, point] = min(rows.item(step, point), held)
