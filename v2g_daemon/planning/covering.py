"""How likely the next departure that nobody told of finds what its trip takes, as it is planned."""

from __future__ import annotations

import numpy as np

from v2g_daemon.planning.case import Floats
from v2g_daemon.planning.depth import Solution

SHARE_DECIMALS = 4
# What no driver notices.
UNNOTICED_WH = 250.0


def covered_share(solution: Solution, *, plugged_in: bool) -> float | None:
    """The chance over when it leaves and how far it goes; None where that is told, or unknown.

    Departures beyond the horizon are left out. A car that stays longer than is likely holds what
    it held when it was likely to leave.
    """
    case = solution.tables.case
    here = case.horizon.presence
    if here.trips is None or not plugged_in or bool((~np.isnan(here.target_wh)).any()):
        return None
    stays = np.cumprod(1.0 - here.leaves)
    leaves = np.append(here.leaves[:1], stays[:-1] * here.leaves[1:])
    if float(leaves.sum()) <= 0.0:
        return None
    left_wh = _held_wh(solution) - case.pack.floor_wh + UNNOTICED_WH
    enough = here.trips.weight @ (here.trips.energy_wh[:, None] <= left_wh)
    return round(float(leaves @ enough / leaves.sum()), SHARE_DECIMALS)


def _held_wh(solution: Solution) -> Floats:
    """What the pack holds at the end of each step, as long as the car is here."""
    plugged = solution.tables.case.horizon.presence.plugged
    held_wh, last_wh = [], solution.tables.case.pack.start_wh
    for here, energy_wh in zip(plugged.tolist(), solution.path.energy_wh.tolist(), strict=True):
        last_wh = energy_wh if here else last_wh
        held_wh.append(last_wh)
    return np.array(held_wh)
