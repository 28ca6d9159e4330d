"""The SoC lattice: even, from an empty pack to all that can be reached, with the floor on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from v2g_daemon.planning.case import SLACK_WH, Case, Floats

STEP_WH = 200.0
FEWEST_CELLS, MOST_CELLS = 60, 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Energies `energy_wh[j] = j · step_wh`."""

    step_wh: float
    energy_wh: Floats

    @property
    def points(self) -> int:
        """The number of lattice points."""
        return len(self.energy_wh)

    def at(self, row: Floats, energy_wh: float) -> float:
        """A row of values at any energy, linear between points and flat outside."""
        return between(row, self.place(energy_wh))

    def place(self, energy_wh: float) -> tuple[int, float]:
        """The point below an energy, and the share of the way to the next one."""
        place = min(max(energy_wh / self.step_wh, 0.0), self.points - 1.0)
        below = min(int(place), self.points - 2)
        return below, place - below

    def on(self, row: Floats, energy_wh: Floats) -> Floats:
        """A row of values at many energies."""
        return np.interp(energy_wh, self.energy_wh, row)


def between(row: Floats, place: tuple[int, float]) -> float:
    """A row of values at a place on its lattice."""
    below, share = place
    return row.item(below) * (1.0 - share) + row.item(below + 1) * share


def grid_of(case: Case) -> Grid:
    """The lattice of a case."""
    pack = case.pack
    top_wh = max(pack.start_wh, float(case.horizon.ceiling_wh.max()), pack.floor_wh, SLACK_WH)
    step_wh = max(min(STEP_WH, top_wh / FEWEST_CELLS), top_wh / MOST_CELLS)
    cells_to_floor = round(pack.floor_wh / step_wh)
    if cells_to_floor >= 1:
        step_wh = pack.floor_wh / cells_to_floor
    cells = int(np.ceil(top_wh / step_wh - 1e-9))
    return Grid(step_wh=step_wh, energy_wh=np.arange(cells + 1, dtype=np.float64) * step_wh)
