"""The backward pass: from the end of the horizon, the least cost still to come at each SoC."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from v2g_daemon.planning.case import Case, Floats, Ints
from v2g_daemon.planning.grid import Grid
from v2g_daemon.planning.tables import Tables


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """Costs to come: `before[k]` at the start of step k, `after[k]` once its action is done."""

    before: Floats
    after: Floats


def values(tables: Tables, shadow_per_kwh: Floats) -> Values:
    """Solve the programme under the shadow price of each step on exports."""
    case, grid = tables.case, tables.grid
    steps = case.horizon.steps
    before = np.empty((steps + 1, grid.points))
    after = np.empty((steps, grid.points))
    before[steps] = terminal_cost(case, grid.energy_wh)
    window = _Window(tables)
    levels = tables.levels.under(shadow_per_kwh)
    matches = tables.matches.under(shadow_per_kwh)
    landings = [landing.priced.under(shadow_per_kwh[list(landing.row_of)]) for landing in tables.landings]
    for step in range(steps - 1, -1, -1):
        after[step] = _after_action(case, grid, step, before[step + 1])
        if case.horizon.plugged[step]:
            window.fill(after[step])
            before[step] = window.best(step, levels[step], matches[step])
            _land(tables, landings, step, after[step], before[step])
        else:
            before[step] = tables.idle_cost[step] + after[step]
    return Values(before=before, after=after)


def terminal_cost(case: Case, energy_wh: Floats) -> Floats:
    """What the pack is worth at the end, as a negative cost: flat per kWh above the floor."""
    return -case.terms.terminal_per_kwh * (energy_wh - case.pack.floor_wh) / 1000.0


def _after_action(case: Case, grid: Grid, step: int, following: Floats) -> Floats:
    """The cost to come seen after the action: then the trip leaves, then the target counts."""
    target_wh = case.horizon.target_wh[step]
    trip_wh = float(case.horizon.trip_wh[step])
    if not np.isnan(target_wh):
        missing_wh = np.maximum(target_wh - grid.energy_wh, 0.0)
        following = following + case.terms.unmet_per_kwh / 1000.0 * missing_wh
    if trip_wh > 0.0:
        return grid.on(following, np.maximum(grid.energy_wh - trip_wh, 0.0))
    return following


def _land(
    tables: Tables, landings: list[Floats], step: int, after: Floats, before: Floats
) -> None:
    """Improve `before` in place where a step can end exactly on a level."""
    for landing, cost in zip(tables.landings, landings, strict=True):
        row = landing.row_of.get(step)
        if row is not None:
            points = landing.band.points
            reached = cost[row] + tables.grid.at(after, landing.band.level_wh)
            before[points] = np.minimum(before[points], reached)


class _Window:
    """Shifted views of one row of values, so that a move is a row of the window."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._points = tables.grid.points
        cells = [move.cells for move in (*tables.level_moves, tables.match_moves)]
        self._pad = 2 + int(max(np.abs(cell).max(initial=0) for cell in cells))
        self._row = np.zeros(self._points + 2 * self._pad)
        self._shifted = sliding_window_view(self._row, self._points + 1)
        self._floor_points = int(
            np.count_nonzero(tables.grid.energy_wh < tables.case.pack.floor_wh - 1e-6)
        )

    def fill(self, after: Floats) -> None:
        """Take a new row; outside the lattice its ends go on flat."""
        self._row[: self._pad] = after[0]
        self._row[self._pad : self._pad + self._points] = after
        self._row[self._pad + self._points :] = after[-1]

    def best(self, step: int, levels: Floats, matches: Floats) -> Floats:
        """The least cost to come over levels and matches."""
        tables = self._tables
        move = tables.level_moves[tables.kind_of_step[step]]
        reached = self._reached(move.cells, move.share)
        match = self._reached(tables.match_moves.cells[step], tables.match_moves.share[step])
        match += matches[:, None] + tables.match_moves.forbidden[step]
        reached += levels[:, None]
        strongest = tables.strongest[step]
        forced = reached[strongest, : self._floor_points].copy()
        reached += move.forbidden
        best: Floats = reached.min(axis=0)
        np.minimum(best, match.min(axis=0), out=best)
        best[: self._floor_points] = np.minimum(best[: self._floor_points], forced)
        return best

    def _reached(self, cells: Ints, share: Floats) -> Floats:
        around = self._shifted[cells + self._pad]
        lower = around[:, :-1]
        reached = around[:, 1:] - lower
        reached *= share
        reached += lower
        return reached
