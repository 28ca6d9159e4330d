"""What the other EVSEs of the house leave of its load and of its connection, by what they plan.

Each plan is made beside the newest of all others, in turn, so that they settle among themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from v2g_daemon.domain.plan import PlannedPower
from v2g_daemon.planning.case import Cap, Case, Floats, Others
from v2g_daemon.planning.wall import Steps, posix_seconds

# A kWh into the room that others mean to use costs so much of one that lacks for a trip: no price
# spread takes it, a goal does, and the others then find the room taken when they plan next.
ROOM_OF_UNMET = 0.5


def left_beside(beside: Sequence[Sequence[PlannedPower]], steps: Steps, load_w: Floats) -> Floats:
    """Net loads of shape (..., steps) without what the others take of a surplus or serve.

    The rule is `power.load_beside`.
    """
    for power_w in _courses_w(beside, steps):
        moved_w = load_w + power_w
        taken_w, served_w = np.minimum(moved_w, 0.0), np.maximum(moved_w, 0.0)
        load_w = np.where(power_w > 0.0, taken_w, np.where(power_w < 0.0, served_w, load_w))
    return load_w


def taken_beside(
    beside: Sequence[Sequence[PlannedPower]], steps: Steps, days_w: Floats
) -> Others | None:
    """What the others take of the connection on days of shape (days, steps), in the mean.

    None: nobody means to do anything.
    """
    courses_w = _courses_w(beside, steps)
    if len(courses_w) == 0:
        return None
    left_w = left_beside(beside, steps, days_w)
    crossing_w = days_w + np.sum(courses_w, axis=0) - left_w
    given_w = np.sum(np.minimum(courses_w, 0.0), axis=0)
    exported_w = np.maximum(left_w - days_w - given_w, 0.0).mean(axis=0)
    charging = np.max(courses_w, axis=0) > 0.0
    return Others(
        import_w=np.maximum(crossing_w, 0.0).mean(axis=0),
        export_w=np.where(charging, np.inf, exported_w),
        load_w=(np.maximum(days_w, 0.0) - np.maximum(left_w, 0.0)).mean(axis=0),
    )


def yielding(case: Case) -> Case:
    """The case with a cap where others leave less of the import than this car might take."""
    others = case.horizon.others
    if others is None:
        return case
    room_w = np.maximum(case.terms.import_limit_w - others.import_w, 0.0)
    may_take_w = np.maximum(case.horizon.net_load_w, 0.0) + case.pack.max_charge_w
    tight = (others.import_w > 0.0) & (may_take_w > room_w)
    if not tight.any():
        return case
    cap = Cap(
        name=None,
        pcc_w=case.terms.import_limit_w,
        cap_w=np.where(tight, room_w, np.inf),
        over_per_kwh=ROOM_OF_UNMET * case.terms.unmet_per_kwh,
    )
    return replace(case, caps=(*case.caps, cap))


def _courses_w(beside: Sequence[Sequence[PlannedPower]], steps: Steps) -> list[Floats]:
    """The mean power of each step, of each of the others that means to do anything."""
    return [_mean_w(planned, steps) for planned in beside if planned]


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
