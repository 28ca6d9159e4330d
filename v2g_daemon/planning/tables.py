"""Everything of a case that does not change with the shadow price, computed once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from v2g_daemon.domain.quick import replace
from v2g_daemon.planning.actions import (
    FINE_LEVELS,
    LEVELS,
    Band,
    bands,
    landing_levels,
    level_powers,
    match_powers,
    next_targets_wh,
)
from v2g_daemon.planning.case import SLACK_W, SLACK_WH, Case, Floats, Ints
from v2g_daemon.planning.grid import Grid, grid_of
from v2g_daemon.planning.programs import standing_cost
from v2g_daemon.planning.stage import (
    FORBIDDEN,
    Priced,
    StepTerms,
    cost_of_moves,
    limits_w,
    priced,
    priced_moves,
)

SAME_PLACE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Landing:
    """Bands priced beyond idling: a row for each of the `steps`, one band after another.

    A step lands on those of its `landing_levels_wh` alone.
    """

    bands: list[Band]
    steps: list[int]
    priced: Priced


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """Where actions lead from any lattice point, of shape (steps, levels + matches · scenarios).

    Levels lead to the same place in every scenario, so they come once, and first; with a single
    scenario all actions do. An action ends `cells` points away, and the `share` of the way to the
    next one. `refused`, of shape (steps, actions, scenarios, points from the floor on), is added to
    the cost where the car does not accept a charge.
    """

    levels: int
    cells: Ints
    share: Floats
    refused: Floats | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a car plugged in owes as a step begins: at each lattice point, and on its next target.

    `cost` is of shape (steps, points), `on_target` of shape (steps).
    """

    cost: Floats
    on_target: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """Priced actions of every step and scenario, and where they lead on the lattice.

    `actions` is of shape (steps · scenarios, actions), cost beyond idling. `strongest[step]` is
    the level that charges most. `floor_point` is the first lattice point not below the floor.
    `standing` is what grid programs charge for what a step begins with; None without any.
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
    standing: Standing | None = None


def tables_of(case: Case) -> Tables:
    """Price and place all actions of a case."""
    grid, level_w = grid_of(case), level_powers(case.pack, LEVELS)
    idle = int(np.flatnonzero(level_w == 0.0)[0])
    # A floor lies on the lattice, but for one of less than half a cell.
    floor_point = int(np.count_nonzero(grid.energy_wh < case.pack.floor_wh - grid.step_wh / 2.0))
    targets_wh = next_targets_wh(case)
    levels_wh = landing_levels(case, targets_wh)
    steps, terms = case.horizon.steps, StepTerms.of(case)
    moves = _moves(case, level_w, case.horizon.scenarios_w.mean(axis=1).T.ravel())
    actions, idle_cost = _actions(case, terms, moves, idle)
    charges = actions.feasible[:, idle : len(level_w)].reshape(steps, -1, len(level_w) - idle)
    return Tables(
        case=case,
        grid=grid,
        terms=terms,
        idle_cost=idle_cost.reshape(steps, -1).mean(axis=1),
        actions=actions,
        level_wh=moves.delta_w[0, : len(level_w)] * case.horizon.hours[:, None],
        # Powers rise along the axis, and the least of them, 0 W, is always feasible.
        strongest=idle + charges.all(axis=1).sum(axis=1) - 1,
        ends=_ends(case, grid, moves, len(level_w), floor_point),
        floor_point=floor_point,
        next_target_wh=targets_wh,
        landing_levels_wh=levels_wh,
        landings=_landings(case, grid, terms, levels_wh),
        standing=_standing(case, grid, targets_wh),
    )


def _standing(case: Case, grid: Grid, targets_wh: tuple[float | None, ...]) -> Standing | None:
    if not case.held:
        return None
    nowhere_wh = [0.0 if target_wh is None else target_wh for target_wh in targets_wh]
    return Standing(
        cost=standing_cost(case.held, grid.energy_wh),
        on_target=standing_cost(case.held, np.array(nowhere_wh)[:, None])[:, 0],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Moves:
    """Powers of shape (loads, actions), and what they do to the pack; levels come first."""

    power_w: Floats
    delta_w: Floats


def _moves(case: Case, level_w: Floats, net_load_w: Floats) -> _Moves:
    """The levels, and the matches of each load."""
    pack = case.pack
    # The loads of a step stand together.
    each = len(net_load_w) // case.horizon.steps
    caps_w = [np.repeat(cap.cap_w, each) for cap in case.caps]
    others = case.horizon.others
    apart = None if others is None else others.rows(np.repeat(np.arange(case.horizon.steps), each))
    match_w = match_powers(pack, limits_w(case.terms, apart), net_load_w, caps_w)
    levels = (len(match_w), len(level_w))
    level_delta_w = np.broadcast_to(pack.delta_w(level_w), levels)
    return _Moves(
        power_w=np.concatenate([np.broadcast_to(level_w, levels), match_w], axis=1),
        delta_w=np.concatenate([level_delta_w, pack.delta_w(match_w)], axis=1),
    )


def _actions(case: Case, terms: StepTerms, moves: _Moves, idle: int) -> tuple[Priced, Floats]:
    """What the moves cost beyond idling, and idling.

    An action is permitted where it is at the mean of its scenario; what it costs is the mean over
    the members.
    """
    scenarios_w = case.horizon.scenarios_w
    at_mean = terms.of_scenarios(scenarios_w, case.horizon.price_band)
    actions = priced_moves(case, at_mean, moves.power_w, moves.delta_w)
    cost = actions.cost
    if scenarios_w.shape[1] > 1:
        at_members = at_mean.of_members(scenarios_w)
        cost = cost_of_moves(case, at_members, moves.power_w, moves.delta_w).mean(axis=0)
    idle_cost = cost[:, idle]
    return replace(actions, cost=cost - idle_cost[:, None]), idle_cost


@dataclass(frozen=True, slots=True, kw_only=True)
class FineActions:
    """Closer levels for the way through, priced at every step; the matches follow the levels."""

    power_w: Floats
    delta_w: Floats
    idle: int
    levels_and_matches: Priced


def fine_actions(tables: Tables) -> FineActions:
    """The actions that the way through may take, powers of shape (steps, actions)."""
    case, level_w = tables.case, level_powers(tables.case.pack, FINE_LEVELS)
    moves = _moves(case, level_w, case.horizon.net_load_w)
    return FineActions(
        power_w=moves.power_w,
        delta_w=moves.delta_w,
        idle=int(np.flatnonzero(level_w == 0.0)[0]),
        levels_and_matches=priced_moves(case, tables.terms, moves.power_w, moves.delta_w),
    )


def _ends(case: Case, grid: Grid, moves: _Moves, levels: int, floor_point: int) -> Ends:
    steps, actions = case.horizon.steps, moves.delta_w.shape[1]
    if case.horizon.scenarios_w.shape[0] == 1:
        levels = actions
    by_action_w = moves.delta_w.reshape(steps, -1, actions).transpose(0, 2, 1)
    once_w = [by_action_w[:, :levels, 0], by_action_w[:, levels:].reshape(steps, -1)]
    moved_wh = np.concatenate(once_w, axis=1) * case.horizon.hours[:, None]
    # A move past the whole lattice ends where one just past it does: beyond its end.
    place = np.clip(moved_wh / grid.step_wh, -grid.points, grid.points)
    cells = np.floor(place + SAME_PLACE)
    return Ends(
        levels=levels,
        cells=cells.astype(np.int64),
        share=np.where(place - cells < SAME_PLACE, 0.0, place - cells),
        refused=_refused(case, grid, moves, floor_point),
    )


def _refused(case: Case, grid: Grid, moves: _Moves, floor_point: int) -> Floats | None:
    """What the car does not accept at each point: past a ceiling, or as fast as that."""
    pack, ceiling_wh = case.pack, case.horizon.ceiling_wh
    energy_wh = grid.energy_wh[floor_point:]
    reaches_past = float(ceiling_wh.min()) + grid.step_wh <= grid.energy_wh[-1] + SLACK_WH
    if not reaches_past and pack.taper_above_wh >= float(grid.energy_wh[-1]) - SLACK_WH:
        return None
    by_step = (case.horizon.steps, -1, moves.power_w.shape[1], 1)
    power_w, delta_w = (
        powers.reshape(by_step).transpose(0, 2, 1, 3) for powers in (moves.power_w, moves.delta_w)
    )
    after_wh = energy_wh + delta_w * case.horizon.hours[:, None, None, None]
    # A ceiling between two points is charged to as far as the upper one.
    top_wh = np.ceil(ceiling_wh / grid.step_wh - SAME_PLACE) * grid.step_wh
    refused = (power_w > 0.0) & (
        (power_w > pack.accepts_w(energy_wh) + SLACK_W)
        | (after_wh > top_wh[:, None, None, None] + SLACK_WH)
    )
    return np.where(refused, FORBIDDEN, 0.0)


def _landings(
    case: Case, grid: Grid, terms: StepTerms, levels_wh_of: tuple[tuple[float, ...], ...]
) -> tuple[Landing, ...]:
    """The bands of all levels that steps of one length and ceiling can end on."""
    horizon = case.horizon
    steps_of: dict[tuple[float, float], list[int]] = {}
    for step, key in enumerate(
        zip(horizon.hours.tolist(), horizon.ceiling_wh.tolist(), strict=True)
    ):
        steps_of.setdefault(key, []).append(step)
    found: list[Landing] = []
    for (hours, ceiling_wh), steps in steps_of.items():
        levels_wh = sorted({level_wh for step in steps for level_wh in levels_wh_of[step]})
        near = bands(case, grid, levels_wh, hours, ceiling_wh)
        if near:
            found.append(_landing(case, terms, near, steps))
    return tuple(found)


def _landing(case: Case, terms: StepTerms, near: list[Band], steps: list[int]) -> Landing:
    powers_w = [*(band.power_w for band in near), np.zeros(1)]
    price = priced(case, terms.rows(np.array(steps)), np.concatenate(powers_w)[None, :])
    lands = np.concatenate([band.lands for band in near])
    return Landing(
        bands=near,
        steps=steps,
        priced=Priced(
            cost=price.cost[:, :-1] - price.cost[:, -1:],
            exported_wh=price.exported_wh[:, :-1],
            feasible=price.feasible[:, :-1] & lands,
        ),
    )
