"""What the charger can do in a step: power levels, matches with the house, exact landings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan

import numpy as np

from v2g_daemon.planning.case import SLACK_WH, SMALLEST_W, Bools, Case, Floats, Pack
from v2g_daemon.planning.grid import Grid

LEVELS = 8
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


def match_powers(
    pack: Pack,
    limits_w: tuple[Floats | float, Floats | float],
    net_load_w: Floats,
    caps_w: Sequence[Floats] = (),
) -> Floats:
    """Shape (rows, 3 + caps): zero grid power, exactly the export limit, import limit, each cap.

    `limits_w` are those of import and export, of all rows or one each. Against a surplus the first
    two charge: all of it, or what the export limit cannot take. A power the charger cannot hold is
    0 W.
    """
    import_limit_w, export_limit_w = limits_w
    to_caps_w = [np.where(np.isfinite(cap_w), cap_w - net_load_w, 0.0) for cap_w in caps_w]
    wanted_w = np.stack(
        [
            -net_load_w,
            -(net_load_w + export_limit_w),
            import_limit_w - net_load_w,
            *to_caps_w,
        ],
        axis=1,
    )
    wanted_w[:, 2] = np.where(np.isfinite(wanted_w[:, 2]), wanted_w[:, 2], 0.0)
    clipped_w = np.clip(wanted_w, -pack.max_discharge_w, pack.max_charge_w)
    clipped_w[:, 2] = np.maximum(clipped_w[:, 2], 0.0)
    too_small = np.where(
        clipped_w > 0.0, clipped_w < pack.min_charge_w, -clipped_w < pack.min_discharge_w
    ) | (np.abs(clipped_w) < SMALLEST_W)
    return np.where(too_small, 0.0, clipped_w)


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """Neighbouring lattice points from which one step may end exactly at `level_wh`.

    `power_w` does it where `lands`; elsewhere in the band nothing does.
    """

    level_wh: float
    points: slice
    power_w: Floats
    lands: Bools


def bands(
    case: Case, grid: Grid, levels_wh: Sequence[float], hours: float, ceiling_wh: float
) -> list[Band]:
    """The points near each level; a level on which no point can land has no band."""
    pack, level_wh = case.pack, np.array(levels_wh)[:, None]
    to_go_wh = level_wh - grid.energy_wh
    near = np.abs(to_go_wh) <= pack.reach_w() * hours
    power_w = pack.landings_w(to_go_wh / hours)
    accepted_w = np.where(level_wh <= ceiling_wh + SLACK_WH, pack.accepts_w(grid.energy_wh), 0.0)
    lands = near & (np.abs(to_go_wh) > SLACK_WH) & (power_w <= accepted_w)
    lands &= level_wh >= pack.floor_wh - SLACK_WH
    found: list[Band] = []
    for row, landed in enumerate(lands):
        (points,) = landed.nonzero()
        if len(points) > 0:
            span = slice(int(points[0]), int(points[-1]) + 1)
            found.append(
                Band(
                    level_wh=levels_wh[row],
                    points=span,
                    power_w=np.where(landed[span], power_w[row, span], 0.0),
                    lands=landed[span],
                )
            )
    return found


def landing(
    pack: Pack, energy_wh: float, level_wh: float, hours: float, ceiling_wh: float
) -> float | None:
    """The AC power that ends a step exactly at `level_wh`; None if nothing permitted does."""
    if not SLACK_WH < abs(level_wh - energy_wh) <= pack.reach_w() * hours:
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
    here = case.horizon.presence
    targets_wh, surely = (here.target_wh + here.trip_wh).tolist(), (here.leaves == 0.0).tolist()
    found: list[float | None] = []
    following_wh: float | None = None
    for step in range(case.horizon.steps - 1, -1, -1):
        if not isnan(targets_wh[step]):
            following_wh = targets_wh[step]
        elif not surely[step]:
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
