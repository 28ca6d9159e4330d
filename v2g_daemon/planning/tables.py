"""Everything of a case that does not change with the shadow price, computed once."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from v2g_daemon.planning.actions import (
    FINE_LEVELS,
    LEVELS,
    Band,
    Moves,
    band,
    landing_levels,
    level_powers,
    match_powers,
    moves,
    next_targets_wh,
)
from v2g_daemon.planning.case import Case, Floats, Ints
from v2g_daemon.planning.grid import Grid, grid_of
from v2g_daemon.planning.stage import Priced, StepTerms, priced


@dataclass(frozen=True, slots=True, kw_only=True)
class Landing:
    """A band priced at the steps `rows`; `row_of` finds a step's row."""

    band: Band
    row_of: dict[int, int]
    priced: Priced


@dataclass(frozen=True, slots=True, kw_only=True)
class Taps:
    """Moves as weights on neighbouring lattice points: levels first, then matches.

    `weight[step, action, k]` is the share of the point `lowest_cell + k` away.
    """

    lowest_cell: int
    weight: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """Priced actions of every step and their moves on the lattice."""

    case: Case
    grid: Grid
    terms: StepTerms
    idle_cost: Floats
    levels: Priced
    level_moves: tuple[Moves, ...]
    kind_of_step: Ints
    strongest: Ints
    matches: Priced
    match_moves: Moves
    taps: Taps
    match_power_w: Floats
    next_target_wh: tuple[float | None, ...]
    landing_levels_wh: tuple[tuple[float, ...], ...]
    landings: tuple[Landing, ...]


def tables_of(case: Case) -> Tables:
    """Price and place all actions of a case."""
    grid = grid_of(case)
    horizon = case.horizon
    every = StepTerms.of(case, np.arange(horizon.steps))
    level_w = level_powers(case.pack, LEVELS)
    match_w = match_powers(case)
    levels = priced(case, every, level_w[None, :])
    targets_wh = next_targets_wh(case)
    levels_wh = landing_levels(case, targets_wh)
    kinds, kind_of_step = _kinds(case)
    level_moves = tuple(
        moves(case, grid, level_w, np.array(hours), np.array(ceiling_wh))
        for hours, ceiling_wh in kinds
    )
    match_moves = moves(case, grid, match_w, horizon.hours, horizon.ceiling_wh)
    return Tables(
        case=case,
        grid=grid,
        terms=every,
        idle_cost=levels.cost[:, int(np.flatnonzero(level_w == 0.0)[0])],
        levels=levels,
        level_moves=level_moves,
        kind_of_step=kind_of_step,
        # Powers rise along the axis, so the last feasible one is the strongest charge or 0 W.
        strongest=np.max(
            np.where(levels.feasible & (level_w >= 0.0), np.arange(len(level_w)), -1), axis=1
        ),
        matches=priced(case, every, match_w),
        match_moves=match_moves,
        taps=_taps(level_moves, match_moves, kind_of_step),
        match_power_w=match_w,
        next_target_wh=targets_wh,
        landing_levels_wh=levels_wh,
        landings=_landings(case, grid, levels_wh),
    )


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
    levels = priced(case, tables.terms, level_w[None, :])
    every_w = np.broadcast_to(level_w, (steps, len(level_w)))
    return FineActions(
        power_w=np.concatenate([every_w, tables.match_power_w], axis=1),
        idle=int(np.flatnonzero(level_w == 0.0)[0]),
        levels_and_matches=_joined(levels, tables.matches),
    )


def _joined(left: Priced, right: Priced) -> Priced:
    return Priced(
        cost=np.concatenate([left.cost, right.cost], axis=1),
        exported_wh=np.concatenate([left.exported_wh, right.exported_wh], axis=1),
        feasible=np.concatenate([left.feasible, right.feasible], axis=1),
    )


def _kinds(case: Case) -> tuple[list[tuple[float, float]], Ints]:
    """The distinct (hours, ceiling) of the horizon, and which one each step has."""
    horizon = case.horizon
    pairs = list(zip(horizon.hours.tolist(), horizon.ceiling_wh.tolist(), strict=True))
    kinds = sorted(set(pairs))
    return kinds, np.array([kinds.index(pair) for pair in pairs], dtype=np.int64)


def _taps(levels: tuple[Moves, ...], matches: Moves, kind_of_step: Ints) -> Taps:
    level_cells = np.stack([move.cells for move in levels])[kind_of_step]
    level_share = np.stack([move.share[:, 0] for move in levels])[kind_of_step]
    cells = np.concatenate([level_cells, matches.cells], axis=1)
    share = np.concatenate([level_share, matches.share[..., 0]], axis=1)
    lowest, highest = int(cells.min()), int(cells.max()) + 1
    weight = np.zeros((*cells.shape, highest - lowest + 1))
    np.put_along_axis(weight, (cells - lowest)[..., None], (1.0 - share)[..., None], axis=2)
    np.put_along_axis(weight, (cells + 1 - lowest)[..., None], share[..., None], axis=2)
    return Taps(lowest_cell=lowest, weight=weight)


def _landings(
    case: Case, grid: Grid, levels_wh_of: tuple[tuple[float, ...], ...]
) -> tuple[Landing, ...]:
    horizon = case.horizon
    rows_of: dict[tuple[float, float, float], list[int]] = {}
    for step, levels_wh in enumerate(levels_wh_of):
        if horizon.plugged[step]:
            for level_wh in levels_wh:
                key = (level_wh, float(horizon.hours[step]), float(horizon.ceiling_wh[step]))
                rows_of.setdefault(key, []).append(step)
    found: list[Landing] = []
    for (level_wh, hours, ceiling_wh), rows in rows_of.items():
        where = band(case, grid, level_wh, hours, ceiling_wh)
        if where is not None:
            steps = np.array(rows, dtype=np.int64)
            price = priced(case, StepTerms.of(case, steps), where.power_w[None, :])
            price = replace(price, feasible=price.feasible & where.lands)
            row_of = {step: row for row, step in enumerate(rows)}
            found.append(Landing(band=where, row_of=row_of, priced=price))
    return tuple(found)
