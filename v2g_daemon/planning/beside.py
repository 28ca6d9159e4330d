"""What the other EVSEs of the house leave of its load, by what they plan: `power.load_beside`.

Each plan is made beside the newest of all others, in turn, so that they settle among themselves.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from v2g_daemon.domain.plan import PlannedPower
from v2g_daemon.planning.case import Floats
from v2g_daemon.planning.wall import Steps, posix_seconds


def left_beside(beside: Sequence[Sequence[PlannedPower]], steps: Steps, load_w: Floats) -> Floats:
    """Net loads of shape (..., steps) without what the others take of a surplus or serve."""
    for planned in beside:
        if not planned:
            continue
        power_w = _mean_w(planned, steps)
        moved_w = load_w + power_w
        taken_w, served_w = np.minimum(moved_w, 0.0), np.maximum(moved_w, 0.0)
        load_w = np.where(power_w > 0.0, taken_w, np.where(power_w < 0.0, served_w, load_w))
    return load_w


def _mean_w(planned: Sequence[PlannedPower], steps: Steps) -> Floats:
    """The mean power of each step."""
    begins_s = posix_seconds([one.interval.start_utc for one in planned])
    ends_s = posix_seconds([one.interval.end_utc for one in planned])
    lengths_s = steps.hours * 3600.0
    step_ends_s = steps.starts_s + lengths_s
    first_s = np.maximum(begins_s, steps.starts_s[:, None])
    shared_s = np.maximum(np.minimum(ends_s, step_ends_s[:, None]) - first_s, 0.0)
    mean_w: Floats = shared_s @ np.array([one.power_w for one in planned]) / lengths_s
    return mean_w
