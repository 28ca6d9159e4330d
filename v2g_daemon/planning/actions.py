"""What the charger can do in a step: power levels, matches with the house, exact landings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from v2g_daemon.planning.case import SLACK_W, SLACK_WH, SMALLEST_W, Bools, Case, Floats, Ints, Pack
from v2g_daemon.planning.grid import Grid
from v2g_daemon.planning.stage import FORBIDDEN

LEVELS = 12
FINE_LEVELS = 24


def level_powers(pack: Pack, levels: int) -> Floats:
    """Signed AC powers: `levels` per direction from minimum to maximum, and 0 W."""
    charge_w = _levels(pack.min_charge_w, pack.max_charge_w, levels)
    drawn_w = _levels(pack.min_discharge_w, pack.max_discharge_w, levels)
    return np.concatenate([-drawn_w[::-1], np.zeros(1), charge_w])


def _levels(lowest_w: float, highest_w: float, levels: int) -> Floats:
    if highest_w < max(lowest_w, SMALLEST_W):
        return np.zeros(0)
    first_w = lowest_w if lowest_w > 0.0 else highest_w / levels
    return np.linspace(first_w, highest_w, levels)


def match_powers(case: Case) -> Floats:
    """Shape (steps, 3): zero grid power, exactly the export limit, exactly the import limit.

    Against a surplus the first two charge: all of it, or what the export limit cannot take.
    A power the charger cannot hold is 0 W.
    """
    pack, net_w = case.pack, case.horizon.net_load_w
    wanted_w = np.stack(
        [-net_w, -(net_w + case.terms.export_limit_w), case.terms.import_limit_w - net_w], axis=1
    )
    wanted_w[:, 2] = np.where(np.isfinite(wanted_w[:, 2]), wanted_w[:, 2], 0.0)
    clipped_w = np.clip(wanted_w, -pack.max_discharge_w, pack.max_charge_w)
    clipped_w[:, 2] = np.maximum(clipped_w[:, 2], 0.0)
    too_small = np.where(
        clipped_w > 0.0, clipped_w < pack.min_charge_w, -clipped_w < pack.min_discharge_w
    ) | (np.abs(clipped_w) < SMALLEST_W)
    return np.where(too_small, 0.0, clipped_w)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moves:
    """Where actions lead on the lattice: whole cells moved, share of the next one.

    `forbidden` is added to the cost at each lattice point; `short_of_floor` marks where an action
    ends below the floor.
    """

    cells: Ints
    share: Floats
    forbidden: Floats
    short_of_floor: Bools


def moves(case: Case, grid: Grid, power_w: Floats, hours: Floats, ceiling_wh: Floats) -> Moves:
    """The moves of actions (last axis); hours and ceiling are scalars or one per leading row."""
    delta_wh = case.pack.delta_w(power_w) * hours[..., None]
    # A move past the whole lattice ends where one just past it does: on the flat beyond its end.
    place = np.clip(delta_wh / grid.step_wh, -grid.points, grid.points)
    cells = np.floor(place)
    after_wh = grid.energy_wh + delta_wh[..., None]
    short_of_floor = after_wh < case.pack.floor_wh - SLACK_WH
    allowed = permitted(case.pack, power_w[..., None], after_wh, grid, ceiling_wh[..., None, None])
    return Moves(
        cells=cells.astype(np.int64),
        share=(place - cells)[..., None],
        forbidden=np.where(allowed, 0.0, FORBIDDEN),
        short_of_floor=short_of_floor,
    )


def permitted(
    pack: Pack, power_w: Floats, after_wh: Floats, grid: Grid, ceiling_wh: Floats
) -> Bools:
    """Which actions the pack permits at each lattice point.

    Below the floor the house charges at once: only what reaches the floor is free to choose.
    """
    energy_wh = grid.energy_wh
    accepted_w = np.array([pack.accepted_w(float(energy)) for energy in energy_wh])
    below_floor = energy_wh < pack.floor_wh - SLACK_WH
    reaches_floor = after_wh >= pack.floor_wh - SLACK_WH
    charge = (after_wh <= ceiling_wh + SLACK_WH) & (power_w <= accepted_w + SLACK_W)
    kept = np.where(power_w > 0.0, charge, (power_w == 0.0) | reaches_floor)
    permission: Bools = kept & (reaches_floor | ~below_floor)
    return permission


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """Neighbouring lattice points from which one step may end exactly at `level_wh`.

    `power_w` does it where `lands`; elsewhere in the band nothing does.
    """

    level_wh: float
    points: slice
    power_w: Floats
    lands: Bools


def band(case: Case, grid: Grid, level_wh: float, hours: float, ceiling_wh: float) -> Band | None:
    """The points near one level; None if no point can land on it."""
    pack = case.pack
    near = np.flatnonzero(np.abs(grid.energy_wh - level_wh) <= pack.reach_w() * hours)
    powers_w = [
        landing(pack, float(grid.energy_wh[point]), level_wh, hours, ceiling_wh) for point in near
    ]
    if all(power_w is None for power_w in powers_w):
        return None
    return Band(
        level_wh=level_wh,
        points=slice(int(near[0]), int(near[-1]) + 1),
        power_w=np.array([0.0 if power_w is None else power_w for power_w in powers_w]),
        lands=np.array([power_w is not None for power_w in powers_w], dtype=np.bool_),
    )


def landing(
    pack: Pack, energy_wh: float, level_wh: float, hours: float, ceiling_wh: float
) -> float | None:
    """The AC power that ends a step exactly at `level_wh`; None if nothing permitted does."""
    apart_wh = abs(level_wh - energy_wh)
    if not SLACK_WH < apart_wh <= pack.reach_w() * hours:
        return None
    power_w = pack.landing_w((level_wh - energy_wh) / hours)
    if power_w is None:
        return None
    if power_w > 0.0:
        fits = level_wh <= ceiling_wh + SLACK_WH and power_w <= pack.accepted_w(energy_wh)
        return power_w if fits and level_wh >= pack.floor_wh - SLACK_WH else None
    return power_w if level_wh >= pack.floor_wh - SLACK_WH else None


def next_targets_wh(case: Case) -> tuple[float | None, ...]:
    """Per step, the energy to hold when the trip of its target has left; None if none is next."""
    horizon = case.horizon
    targets_wh = (horizon.target_wh + horizon.trip_wh).tolist()
    found: list[float | None] = []
    following_wh: float | None = None
    for step in range(horizon.steps - 1, -1, -1):
        if not np.isnan(horizon.target_wh[step]):
            following_wh = targets_wh[step]
        elif not horizon.plugged[step]:
            following_wh = None
        found.append(following_wh)
    return tuple(found[::-1])


def landing_levels(
    case: Case, targets_wh: tuple[float | None, ...]
) -> tuple[tuple[float, ...], ...]:
    """Per step, the energies worth landing on: floor, ceiling, and the next target."""
    floor_wh, ceilings_wh = case.pack.floor_wh, case.horizon.ceiling_wh.tolist()
    return tuple(
        tuple(sorted({floor_wh, ceiling_wh} | (set() if target_wh is None else {target_wh})))
        for target_wh, ceiling_wh in zip(targets_wh, ceilings_wh, strict=True)
    )
