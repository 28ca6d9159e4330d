"""The backward pass: from the end of the horizon, the least cost still to come at each SoC.

Two programmes go hand in hand, of the car plugged in and of the car away. A car that leaves drops
from one into the other, poorer by its trip; one that returns comes back. In each scenario the best
action is taken, as dispatch will when it sees the load, and what that costs is averaged.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isnan

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from v2g_daemon.planning.case import SLACK_WH, Case, Floats, Trips
from v2g_daemon.planning.grid import Grid, between
from v2g_daemon.planning.programs import absent_cost
from v2g_daemon.planning.stage import FORBIDDEN
from v2g_daemon.planning.tables import Tables


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """Costs to come: `before[k]` at the start of step k, `after[k]` once its action is done.

    Both are of a car plugged in, `away[k]` of one that is not at the start of step k. `after`
    leaves out the penalty of a target at the end of step k (see `unmet_cost`). `hold[k]` is the
    exact cost to come after step k for a pack that holds the next target and idles until it counts;
    infinite where no target is next. A target lies between lattice points, and the line through
    them would charge a car that is exactly on it.
    """

    before: Floats
    after: Floats
    away: Floats
    hold: tuple[float, ...]


def values(
    tables: Tables, shadow_per_kwh: Floats, *, later: Values | None = None, last: int | None = None
) -> Values:
    """Solve the programme under the shadow price of each step on exports.

    `later` are the values of a case that is the same after the step `last`: they are taken over
    from there on.
    """
    case, grid = tables.case, tables.grid
    steps = case.horizon.steps
    # Idling costs the same whatever is in the pack, so it is left out until the end.
    idle = np.append(np.cumsum(tables.idle_cost[::-1])[::-1], 0.0)
    before, after, away, hold = _begun(case, grid) if later is None else _without(later, idle)
    going, goals = _Going(case, grid), _Goals(tables)
    window, landings = _Window(tables, shadow_per_kwh), _Landings(tables, shadow_per_kwh)
    for step in range(steps - 1 if last is None else last, -1, -1):
        after[step] = going.plugged(step, before[step + 1], away[step + 1])
        away[step] = going.away(step, before[step + 1], away[step + 1])
        to_come = goals.with_unmet(step, after[step])
        hold[step] = goals.hold(step, after[step], hold)
        window.least(step, to_come, out=before[step])
        landings.improve(step, to_come, hold[step], before[step])
        if tables.standing is not None:
            before[step] += tables.standing.cost[step]
    before += idle[:, None]
    after += idle[1:, None]
    away += idle[:, None]
    held = tuple(cost + rest for cost, rest in zip(hold, idle[1:].tolist(), strict=True))
    return Values(before=before, after=after, away=away, hold=held)


def _begun(case: Case, grid: Grid) -> tuple[Floats, Floats, Floats, list[float]]:
    """Room for before, after, away and hold, of which the end of the horizon is known."""
    steps = case.horizon.steps
    before, after = np.empty((steps + 1, grid.points)), np.empty((steps, grid.points))
    away = np.empty((steps + 1, grid.points))
    before[steps] = away[steps] = terminal_cost(case, grid.energy_wh)
    return before, after, away, [inf] * steps


def _without(found: Values, idle: Floats) -> tuple[Floats, Floats, Floats, list[float]]:
    """The same of values that are found, without what idling costs."""
    return (
        found.before - idle[:, None],
        found.after - idle[1:, None],
        found.away - idle[:, None],
        [cost - rest for cost, rest in zip(found.hold, idle[1:].tolist(), strict=True)],
    )


def terminal_cost(case: Case, energy_wh: Floats) -> Floats:
    """What the pack is worth at the end, as a negative cost: flat per kWh above the floor."""
    return -case.terms.terminal_per_kwh * (energy_wh - case.pack.floor_wh) / 1000.0


def unmet_cost(case: Case, step: int, energy_wh: Floats) -> Floats | float:
    """The price of missing the target of a step, for packs before the step's trip leaves."""
    here = case.horizon.presence
    target_wh = float(here.target_wh[step])
    if isnan(target_wh):
        return 0.0
    left_wh = np.maximum(energy_wh - here.trip_wh[step], 0.0)
    missed_wh: Floats = np.maximum(target_wh - left_wh, 0.0)
    return missed_wh * (case.terms.unmet_per_kwh / 1000.0)


class _Going:
    """Leaving and returning: how rows of values pass into each other between two steps."""

    def __init__(self, case: Case, grid: Grid) -> None:
        here = case.horizon.presence
        self._grid = grid
        self._leaves, self._returns = here.leaves.tolist(), here.returns.tolist()
        self._trip_wh = here.trip_wh.tolist()
        self._expected = (here.unknown_trip & np.isnan(here.target_wh)).tolist()
        self._unknown_trip = here.unknown_trip.tolist()
        self._before_trips, self._missed = None, np.zeros(grid.points)
        if here.trips is not None:
            self._before_trips = _BeforeTrips(grid, here.trips)
            self._missed = _missed_cost(case, grid, here.trips)

    def plugged(self, step: int, plugged: Floats, away: Floats) -> Floats:
        """The costs to come of a car that was plugged in during the step."""
        leaves = self._leaves[step]
        if leaves > 0.0:
            gone = away
            if self._before_trips is not None and self._unknown_trip[step]:
                gone = self._before_trips.mean(away)
            if self._expected[step]:
                gone = gone + self._missed
            plugged = gone if leaves == 1.0 else plugged + leaves * (gone - plugged)
        return self._lightened(step, plugged)

    def away(self, step: int, plugged: Floats, away: Floats) -> Floats:
        """The costs to come of a car that was away during the step."""
        returns = self._returns[step]
        if returns > 0.0:
            away = plugged if returns == 1.0 else away + returns * (plugged - away)
        return self._lightened(step, away)

    def _lightened(self, step: int, following: Floats) -> Floats:
        """The same seen before the trip that is surely gone at the step's end."""
        trip_wh = self._trip_wh[step]
        if trip_wh > 0.0:
            return self._grid.on(following, np.maximum(self._grid.energy_wh - trip_wh, 0.0))
        return following


class _BeforeTrips:
    """Takes a row of values to its mean before any of the trips."""

    def __init__(self, grid: Grid, trips: Trips) -> None:
        place = trips.energy_wh / grid.step_wh
        cells = np.ceil(place)
        share = cells - place
        pad = int(cells.max())
        # An empty pack stays empty; past the last point only what counts for nothing is seen.
        self._row = np.zeros(pad + grid.points + 1)
        self._empty, self._inside = self._row[:pad], self._row[pad:-1]
        self._from = sliding_window_view(self._row, grid.points)
        below = pad - cells.astype(np.int64)
        self._cells = np.concatenate([below, below + 1])
        self._weight = np.concatenate([trips.weight * (1.0 - share), trips.weight * share])

    def mean(self, values: Floats) -> Floats:
        """The mean over the trips, linear between lattice points."""
        self._empty[:], self._inside[:] = values[0], values
        mean: Floats = self._weight @ self._from[self._cells]
        return mean


def _missed_cost(case: Case, grid: Grid, trips: Trips) -> Floats:
    """What is likely missing of a trip that leaves the floor untouched, at its price."""
    wanted_wh = trips.energy_wh[:, None] + case.pack.floor_wh
    missed_wh = trips.weight @ np.maximum(wanted_wh - grid.energy_wh, 0.0)
    cost: Floats = missed_wh * (case.terms.unmet_later_per_kwh / 1000.0)
    return cost


class _Goals:
    """What missing a target costs, and what it saves to be exactly on it."""

    def __init__(self, tables: Tables) -> None:
        here = tables.case.horizon.presence
        self._case, self._grid = tables.case, tables.grid
        self._targets_wh, self._trips_wh = here.target_wh.tolist(), here.trip_wh.tolist()
        self._may_leave = (here.leaves > 0.0).tolist()
        standing = tables.standing
        self._on_target = None if standing is None else standing.on_target.tolist()

    def with_unmet(self, step: int, after: Floats) -> Floats:
        """The costs to come with the price of missing the target of the step."""
        if isnan(self._targets_wh[step]):
            return after
        return after + unmet_cost(self._case, step, self._grid.energy_wh)

    def hold(self, step: int, after: Floats, hold: list[float]) -> float:
        """The exact cost to come on the next target: nothing is missed, and idling leads there."""
        target_wh = self._targets_wh[step]
        if not isnan(target_wh):
            return self._grid.at(after, target_wh + self._trips_wh[step])
        if step + 1 == len(hold) or self._may_leave[step]:
            return inf
        owed = 0.0 if self._on_target is None else self._on_target[step + 1]
        return hold[step + 1] + owed


# The place of a level, whether it is the next target, and what landing on it costs from where.
_Near = tuple[tuple[int, float], bool, slice, Floats]


class _Landings:
    """For each step the levels it can end on exactly, and what that costs from points nearby."""

    def __init__(self, tables: Tables, shadow_per_kwh: Floats) -> None:
        levels_wh, targets_wh = tables.landing_levels_wh, tables.next_target_wh
        self._bands: list[list[_Near]] = [[] for _ in levels_wh]
        for landing in tables.landings:
            cost = landing.priced.under(shadow_per_kwh[landing.steps])
            first = 0
            for band in landing.bands:
                end, place = first + len(band.lands), tables.grid.place(band.level_wh)
                for step, row in zip(landing.steps, cost[:, first:end], strict=True):
                    if band.level_wh in levels_wh[step]:
                        on_target = band.level_wh == targets_wh[step]
                        self._bands[step].append((place, on_target, band.points, row))
                first = end

    def improve(self, step: int, to_come: Floats, hold: float, before: Floats) -> None:
        """Lower `before` in place where a step can end exactly on a level."""
        for place, on_target, points, cost in self._bands[step]:
            worth = between(to_come, place)
            if on_target:
                worth = min(worth, hold)
            near = before[points]
            np.minimum(near, cost + worth, out=near)


class _Window:
    """One row of values seen from every lattice point, moved by each action.

    Only points at the floor or above are free to choose; below it, the strongest charge is what
    the house does. To spread a column and reckon with it then is sooner than with the column.
    """

    def __init__(self, tables: Tables, shadow_per_kwh: Floats) -> None:
        ends, floor, free = tables.ends, tables.floor_point, tables.grid.points - tables.floor_point
        scenarios = tables.case.horizon.scenarios_w.shape[0]
        cost = tables.actions.under(np.repeat(shadow_per_kwh, scenarios))
        by_action = cost.reshape(-1, scenarios, cost.shape[1], 1).transpose(0, 2, 1, 3).copy()
        self._level_cost, self._match_cost = np.split(by_action, [ends.levels], axis=1)
        pad = 1 + int(np.abs(ends.cells).max())
        # Nothing may end below the floor or past the last point.
        self._row, self._rise = np.full(free + 2 * pad, FORBIDDEN), np.zeros(free + 2 * pad - 1)
        self._inside = self._row[pad : pad + free]
        self._from, self._rising = (
            sliding_window_view(row, free) for row in (self._row, self._rise)
        )
        self._here, self._above = self._row[:-1], self._row[1:]
        self._cells, self._share = ends.cells + pad, ends.share[..., None]
        # Actions first: the least of them is taken row by row, twice as fast as within rows.
        self._reached = np.empty((cost.shape[1], scenarios, free))
        self._by_level, self._by_match = np.split(self._reached, [ends.levels])
        self._ended = np.empty((ends.cells.shape[1], free))
        self._ended_by_level = self._ended[: ends.levels, None]
        self._ended_by_match = self._ended[ends.levels :].reshape(self._by_match.shape)
        self._least, self._scenarios = np.empty((scenarios, free)), scenarios
        self._refused, self._floor = ends.refused, floor
        self._forced = _Forced(tables, cost) if floor > 0 else None

    def least(self, step: int, to_come: Floats, *, out: Floats) -> None:
        """Write the least cost to come over all actions."""
        self._inside[:] = to_come[self._floor :]
        np.subtract(self._above, self._here, out=self._rise)
        self._end(step)
        self._by_level[:] = self._level_cost[step]
        self._by_level += self._ended_by_level
        if self._scenarios > 1:
            np.add(self._ended_by_match, self._match_cost[step], out=self._by_match)
        if self._refused is not None:
            self._reached += self._refused[step]
        self._mean_of_least(out=out[self._floor :])
        if self._forced is not None:
            self._forced.charge(step, to_come, out=out[: self._floor])

    def _mean_of_least(self, *, out: Floats) -> None:
        """The least over the actions, in the mean of the scenarios."""
        if self._scenarios == 1:
            np.minimum.reduce(self._reached, axis=0, out=out[None])
            return
        np.minimum.reduce(self._reached, axis=0, out=self._least)
        np.add.reduce(self._least, axis=0, out=out)
        out /= self._scenarios

    def _end(self, step: int) -> None:
        """The values where each action ends."""
        ended, cells = self._ended, self._cells[step]
        ended[:] = self._share[step]
        ended *= self._rising[cells]
        ended += self._from[cells]


class _Forced:
    """Below the floor: as strong a charge up to it as the house allows, whatever it costs."""

    def __init__(self, tables: Tables, cost: Floats) -> None:
        case, grid, floor = tables.case, tables.grid, tables.floor_point
        steps = np.arange(case.horizon.steps)
        per_step = cost.reshape(len(steps), -1, cost.shape[1]).mean(axis=1)
        cost_of = per_step[steps, tables.strongest]
        moved_wh = tables.level_wh[steps, tables.strongest]
        energy_wh, room_wh = grid.energy_wh[:floor], grid.energy_wh[floor] - grid.energy_wh[:floor]
        kinds_wh = sorted(set(moved_wh.tolist()))
        kind = [kinds_wh.index(wh) for wh in moved_wh.tolist()]
        moved_wh, self._grid, self._kind = np.array(kinds_wh)[:, None], grid, kind
        self._reached_wh = energy_wh + np.minimum(moved_wh, room_wh)
        # From the floor on it is free to stop, so it costs no more than getting there.
        share = np.minimum(room_wh / np.maximum(moved_wh, SLACK_WH), 1.0)
        self._cost = cost_of[:, None] * share[kind]

    def charge(self, step: int, to_come: Floats, *, out: Floats) -> None:
        """Write the cost to come of the points below the floor."""
        reached = self._grid.on(to_come, self._reached_wh[self._kind[step]])
        np.add(reached, self._cost[step], out=out)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unplugged:
    """Costs to come of a car that stands here unplugged until it leaves, at the start of each step.

    `unmet` is what of them is the price of energy that it then lacks.
    """

    cost: Floats
    unmet: Floats


def unplugged(tables: Tables, found: Values) -> Unplugged:
    """Nothing can be done until the car leaves; from then on it goes as for any other."""
    case, grid = tables.case, tables.grid
    steps, here = case.horizon.steps, case.horizon.presence
    cost, unmet = (np.zeros((steps + 1, grid.points)) for _ in range(2))
    cost[steps] = found.before[steps]
    going, absent = _Going(case, grid), absent_cost(case.held, steps)
    expected = np.zeros(grid.points)
    if here.trips is not None:
        expected = _missed_cost(case, grid, here.trips)
    for step in range(steps - 1, -1, -1):
        told = unmet_cost(case, step, grid.energy_wh)
        gone = going.plugged(step, cost[step + 1], found.away[step + 1])
        cost[step] = gone + told + float(tables.idle_cost[step] + absent[step])
        leaves = float(here.leaves[step])
        lacking = expected if here.unknown_trip[step] and isnan(here.target_wh[step]) else told
        unmet[step] = unmet[step + 1] + leaves * (lacking - unmet[step + 1])
    return Unplugged(cost=cost, unmet=unmet)
