"""The backward pass: from the end of the horizon, the least cost still to come at each SoC."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isnan

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from v2g_daemon.planning.actions import Moves
from v2g_daemon.planning.case import SLACK_WH, Case, Floats
from v2g_daemon.planning.grid import Grid
from v2g_daemon.planning.stage import FORBIDDEN
from v2g_daemon.planning.tables import Tables


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """Costs to come: `before[k]` at the start of step k, `after[k]` once its action is done.

    `after` leaves out the penalty of a target at the end of step k (see `unmet_cost`). `hold[k]`
    is the exact cost to come after step k for a pack that holds the next target and idles until
    it counts; infinite where no target is next. A target lies between lattice points, and the
    line through them would charge a car that is exactly on it.
    """

    before: Floats
    after: Floats
    hold: tuple[float, ...]


def values(tables: Tables, shadow_per_kwh: Floats) -> Values:
    """Solve the programme under the shadow price of each step on exports."""
    case, grid = tables.case, tables.grid
    steps = case.horizon.steps
    before, after = np.empty((steps + 1, grid.points)), np.empty((steps, grid.points))
    before[steps] = terminal_cost(case, grid.energy_wh)
    hold = [inf] * steps
    window = _Window(tables)
    levels = tables.levels.under(shadow_per_kwh)
    matches = tables.matches.under(shadow_per_kwh)
    landings = [
        landing.priced.under(shadow_per_kwh[list(landing.row_of)]) for landing in tables.landings
    ]
    for step in range(steps - 1, -1, -1):
        after[step] = _once_back(case, grid, step, before[step + 1])
        to_come = after[step] + unmet_cost(case, step, grid.energy_wh)
        hold[step] = _hold(tables, step, after[step], hold)
        if case.horizon.plugged[step]:
            window.fill(to_come)
            window.least(step, levels[step], matches[step], out=before[step])
            _land(tables, landings, step, (to_come, hold[step]), before[step])
        else:
            before[step] = tables.idle_cost[step] + to_come
    return Values(before=before, after=after, hold=tuple(hold))


def terminal_cost(case: Case, energy_wh: Floats) -> Floats:
    """What the pack is worth at the end, as a negative cost: flat per kWh above the floor."""
    return -case.terms.terminal_per_kwh * (energy_wh - case.pack.floor_wh) / 1000.0


def unmet_cost(case: Case, step: int, energy_wh: Floats) -> Floats | float:
    """The price of missing the target of a step, for packs before the step's trip leaves."""
    target_wh = float(case.horizon.target_wh[step])
    if isnan(target_wh):
        return 0.0
    left_wh = np.maximum(energy_wh - case.horizon.trip_wh[step], 0.0)
    missed_wh: Floats = np.maximum(target_wh - left_wh, 0.0)
    return missed_wh * (case.terms.unmet_per_kwh / 1000.0)


def _once_back(case: Case, grid: Grid, step: int, following: Floats) -> Floats:
    """The cost to come seen before the step's trip has left."""
    trip_wh = float(case.horizon.trip_wh[step])
    if trip_wh > 0.0:
        return grid.on(following, np.maximum(grid.energy_wh - trip_wh, 0.0))
    return following


def _hold(tables: Tables, step: int, after: Floats, hold: list[float]) -> float:
    """The exact cost to come on the next target: nothing is missed, and idling leads there."""
    horizon = tables.case.horizon
    target_wh = float(horizon.target_wh[step])
    if not isnan(target_wh):
        before_trip_wh = target_wh + float(horizon.trip_wh[step])
        return tables.grid.at(after, before_trip_wh)
    if step + 1 == horizon.steps or not horizon.plugged[step]:
        return inf
    return float(tables.idle_cost[step + 1]) + hold[step + 1]


def _land(
    tables: Tables,
    landings: list[Floats],
    step: int,
    to_come: tuple[Floats, float],
    before: Floats,
) -> None:
    """Improve `before` in place where a step can end exactly on a level."""
    row_of_values, hold = to_come
    target_wh = tables.next_target_wh[step]
    for landing, cost in zip(tables.landings, landings, strict=True):
        row = landing.row_of.get(step)
        if row is not None:
            worth = tables.grid.at(row_of_values, landing.band.level_wh)
            if landing.band.level_wh == target_wh:
                worth = min(worth, hold)
            near = before[landing.band.points]
            np.minimum(near, cost[row] + worth, out=near)


class _Window:
    """One row of values seen from every lattice point, so that all actions are one product.

    Only points that can end a step at the floor or above are free to choose (from `first` on);
    below the floor, the strongest charge is what the house does.
    """

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        points, taps = tables.grid.points, tables.taps
        reach = taps.weight.shape[2]
        furthest = 1 + max(abs(taps.lowest_cell), abs(taps.lowest_cell + reach))
        floor_wh = tables.case.pack.floor_wh
        self._below_floor = int(np.count_nonzero(tables.grid.energy_wh < floor_wh - SLACK_WH))
        self._first = max(self._below_floor - furthest, 0)
        self._pad = furthest
        self._row = np.zeros(points + 2 * furthest)
        self._values = self._row[furthest : furthest + points]
        nearest = furthest + self._first + taps.lowest_cell
        free = points - self._first
        self._around = sliding_window_view(self._row, free)[nearest : nearest + reach]
        self._level_forbidden = [
            np.ascontiguousarray(move.forbidden[:, self._first :]) for move in tables.level_moves
        ]
        self._match_forbidden = tables.match_moves.forbidden[:, :, self._first :]

    def fill(self, after: Floats) -> None:
        """Take a new row; outside the lattice its ends go on flat."""
        self._row[: self._pad] = after[0]
        self._values[:] = after
        self._row[-self._pad :] = after[-1]

    def least(self, step: int, levels: Floats, matches: Floats, *, out: Floats) -> None:
        """Write the least cost to come over levels and matches."""
        kind = int(self._tables.kind_of_step[step])
        # BLAS wants the overlapping view as rows of their own.
        reached = self._tables.taps.weight[step] @ np.ascontiguousarray(self._around)
        by_level, by_match = reached[: len(levels)], reached[len(levels) :]
        by_level += levels[:, None]
        by_level += self._level_forbidden[kind]
        by_match += matches[:, None]
        by_match += self._match_forbidden[step]
        first, below = self._first, self._below_floor
        reached.min(axis=0, out=out[first:])
        out[:first] = FORBIDDEN
        if below > 0:
            self._force(step, self._tables.level_moves[kind], levels, out[:below])

    def _force(self, step: int, move: Moves, levels: Floats, out: Floats) -> None:
        """Below the floor: the strongest charge where it does not get there, else what does.

        Where nothing permitted reaches the floor without passing the ceiling, the pack stays.
        """
        strongest = int(self._tables.strongest[step])
        charged = self._one(move, strongest, len(out)) + levels[strongest]
        falls_short = move.short_of_floor[strongest, : len(out)]
        np.minimum(out, np.where(falls_short, charged, FORBIDDEN), out=out)
        stuck = out > FORBIDDEN / 2.0
        if stuck.any():
            idle = self._values[: len(out)] + self._tables.idle_cost[step]
            out[stuck] = idle[stuck]

    def _one(self, move: Moves, action: int, points: int) -> Floats:
        start, share = self._pad + int(move.cells[action]), move.share[action]
        lower = self._row[start : start + points]
        upper = self._row[start + 1 : start + points + 1]
        reached: Floats = lower * (1.0 - share) + upper * share
        return reached
