"""Everything of a case that does not change with the shadow price, computed once."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from v2g_daemon.planning.actions import (
    FINE_LEVELS,
    LEVELS,
    Band,
    band,
    landing_levels,
    level_powers,
    match_powers,
    next_targets_wh,
)
from v2g_daemon.planning.case import SLACK_W, SLACK_WH, Case, Floats, Ints
from v2g_daemon.planning.grid import Grid, grid_of
from v2g_daemon.planning.stage import FORBIDDEN, Priced, StepTerms, priced

SAME_PLACE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Landing:
    """A band priced beyond idling, one row for each of the `steps`."""

    band: Band
    steps: tuple[int, ...]
    priced: Priced


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """Where actions lead from any lattice point, of shape (steps, levels + scenarios · matches).

    Levels lead to the same place in every scenario, so they come once, and first. An action ends
    `cells` points away, and the `share` of the way to the next one. `refused`, of shape (steps,
    scenarios, actions, points from the floor on), is added to the cost where the car does not
    accept a charge.
    """

    levels: int
    cells: Ints
    share: Floats
    refused: Floats | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """Priced actions of every step and scenario, and where they lead on the lattice.

    `actions` is of shape (steps · scenarios, actions), cost beyond idling. `strongest[step]` is
    the level that charges most. `floor_point` is the first lattice point not below the floor.
    """

    case: Case
    grid: Grid
    terms: StepTerms
    idle_cost: Floats
    actions: Priced
    level_wh: Floats
    strongest: Ints
    ends: Ends
    floor_point: int
    next_target_wh: tuple[float | None, ...]
    landing_levels_wh: tuple[tuple[float, ...], ...]
    landings: tuple[Landing, ...]


def tables_of(case: Case) -> Tables:
    """Price and place all actions of a case."""
    grid, level_w = grid_of(case), level_powers(case.pack, LEVELS)
    idle = int(np.flatnonzero(level_w == 0.0)[0])
    power_w, actions, idle_cost = _actions(case, level_w, idle)
    # A floor lies on the lattice, but for one of less than half a cell.
    floor_point = int(np.count_nonzero(grid.energy_wh < case.pack.floor_wh - grid.step_wh / 2.0))
    targets_wh = next_targets_wh(case)
    levels_wh = landing_levels(case, targets_wh)
    steps = case.horizon.steps
    terms = StepTerms.of(case, np.arange(steps))
    charges = actions.feasible[:, idle : len(level_w)].reshape(steps, -1, len(level_w) - idle)
    return Tables(
        case=case,
        grid=grid,
        terms=terms,
        idle_cost=idle_cost.reshape(steps, -1).mean(axis=1),
        actions=actions,
        level_wh=case.pack.delta_w(level_w) * case.horizon.hours[:, None],
        # Powers rise along the axis, and the least of them, 0 W, is always feasible.
        strongest=idle + charges.all(axis=1).sum(axis=1) - 1,
        ends=_ends(case, grid, power_w, len(level_w), floor_point),
        floor_point=floor_point,
        next_target_wh=targets_wh,
        landing_levels_wh=levels_wh,
        landings=_landings(case, grid, terms, levels_wh),
    )


def _actions(case: Case, level_w: Floats, idle: int) -> tuple[Floats, Priced, Floats]:
    """Powers of shape (steps · scenarios, actions), what they cost beyond idling, and idling.

    An action is matched to a scenario's mean, and permitted where it is at that; what it costs is
    the mean over the members.
    """
    scenarios_w, at_mean = case.horizon.scenarios_w, StepTerms.of_scenarios(case)
    match_w = match_powers(case.pack, case.terms, at_mean.net_load_w[:, 0])
    every_w = np.broadcast_to(level_w, (len(match_w), len(level_w)))
    power_w = np.concatenate([every_w, match_w], axis=1)
    actions = priced(case, at_mean, power_w)
    cost = actions.cost
    if scenarios_w.shape[1] > 1:
        cost = priced(case, at_mean.of_members(scenarios_w), power_w).cost.mean(axis=0)
    idle_cost = cost[:, idle]
    return power_w, replace(actions, cost=cost - idle_cost[:, None]), idle_cost


@dataclass(frozen=True, slots=True, kw_only=True)
class FineActions:
    """Closer levels for the way through, priced at every step; the matches follow the levels."""

    power_w: Floats
    idle: int
    levels_and_matches: Priced


def fine_actions(tables: Tables) -> FineActions:
    """The actions that the way through may take, powers of shape (steps, actions)."""
    case, steps = tables.case, tables.case.horizon.steps
    level_w = level_powers(case.pack, FINE_LEVELS)
    match_w = match_powers(case.pack, case.terms, case.horizon.net_load_w)
    power_w = np.concatenate([np.broadcast_to(level_w, (steps, len(level_w))), match_w], axis=1)
    return FineActions(
        power_w=power_w,
        idle=int(np.flatnonzero(level_w == 0.0)[0]),
        levels_and_matches=priced(case, tables.terms, power_w),
    )


def _ends(case: Case, grid: Grid, power_w: Floats, levels: int, floor_point: int) -> Ends:
    steps = case.horizon.steps
    by_scenario_w = power_w.reshape(steps, -1, power_w.shape[1])
    once_w = [by_scenario_w[:, 0, :levels], by_scenario_w[:, :, levels:].reshape(steps, -1)]
    moved_wh = case.pack.delta_w(np.concatenate(once_w, axis=1)) * case.horizon.hours[:, None]
    # A move past the whole lattice ends where one just past it does: beyond its end.
    place = np.clip(moved_wh / grid.step_wh, -grid.points, grid.points)
    cells = np.floor(place + SAME_PLACE)
    return Ends(
        levels=levels,
        cells=cells.astype(np.int64),
        share=np.where(place - cells < SAME_PLACE, 0.0, place - cells),
        refused=_refused(case, grid, by_scenario_w, floor_point),
    )


def _refused(case: Case, grid: Grid, power_w: Floats, floor_point: int) -> Floats | None:
    """What the car does not accept at each point: past a ceiling, or as fast as that."""
    pack, ceiling_wh = case.pack, case.horizon.ceiling_wh
    energy_wh = grid.energy_wh[floor_point:]
    reaches_past = float(ceiling_wh.min()) + grid.step_wh <= grid.energy_wh[-1] + SLACK_WH
    if not reaches_past and pack.taper_above_wh >= float(grid.energy_wh[-1]) - SLACK_WH:
        return None
    accepted_w = np.array([pack.accepted_w(float(wh)) for wh in energy_wh])
    after_wh = energy_wh + (pack.delta_w(power_w) * case.horizon.hours[:, None, None])[..., None]
    # A ceiling between two points is charged to as far as the upper one.
    top_wh = np.ceil(ceiling_wh / grid.step_wh - SAME_PLACE) * grid.step_wh
    charges = power_w[..., None] > 0.0
    refused = charges & (
        (power_w[..., None] > accepted_w + SLACK_W)
        | (after_wh > top_wh[:, None, None, None] + SLACK_WH)
    )
    return np.where(refused, FORBIDDEN, 0.0)


def _landings(
    case: Case, grid: Grid, terms: StepTerms, levels_wh_of: tuple[tuple[float, ...], ...]
) -> tuple[Landing, ...]:
    hours_of, ceilings_wh = case.horizon.hours.tolist(), case.horizon.ceiling_wh.tolist()
    rows_of: dict[tuple[float, float, float], list[int]] = {}
    for step, levels_wh in enumerate(levels_wh_of):
        for level_wh in levels_wh:
            key = (level_wh, hours_of[step], ceilings_wh[step])
            rows_of.setdefault(key, []).append(step)
    found: list[Landing] = []
    for (level_wh, hours, ceiling_wh), rows in rows_of.items():
        where = band(case, grid, level_wh, hours, ceiling_wh)
        if where is not None:
            here = terms.rows(np.array(rows, dtype=np.int64))
            price = priced(case, here, np.append(where.power_w, 0.0)[None, :])
            beyond_idling = Priced(
                cost=price.cost[:, :-1] - price.cost[:, -1:],
                exported_wh=price.exported_wh[:, :-1],
                feasible=price.feasible[:, :-1] & where.lands,
            )
            found.append(Landing(band=where, steps=tuple(rows), priced=beyond_idling))
    return tuple(found)
