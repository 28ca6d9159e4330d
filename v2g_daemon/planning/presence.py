"""When the car is here, what its trips take, and what it must hold when it leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from v2g_daemon.battery.losses import pack_power_w
from v2g_daemon.domain.goals import DepartureGoal
from v2g_daemon.domain.plan import Store
from v2g_daemon.planning.case import Bools, Case, Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """One value per step; a target is wanted at the end of its step (NaN: none)."""

    plugged: Bools
    trip_wh: Floats
    target_wh: Floats
    ceiling_wh: Floats


def presence(
    *,
    starts_utc: Sequence[datetime],
    end_utc: datetime,
    plugged_in: bool,
    store: Store,
    goals: Sequence[DepartureGoal],
) -> Presence:
    """Away from each `ready_by` to its return (the rest of the horizon if unknown).

    A step that is partly away counts as away. A car that is out now comes back with the trip it
    is on, if that is known; a car that is here now is not on any trip.
    """
    steps = len(starts_utc)
    ends_utc = [*starts_utc[1:], end_utc]
    plugged = np.full(steps, plugged_in, dtype=np.bool_)
    trip_wh, target_wh = np.zeros(steps), np.full(steps, np.nan)
    ceiling_wh = np.full(steps, store.soc_ceiling * store.capacity_wh)
    home_from = 0
    for goal in sorted(goals, key=lambda goal: goal.ready_by_utc):
        leaves = sum(1 for end in ends_utc if end <= goal.ready_by_utc)
        returns = _first_step_from(goal.returns_at_utc, starts_utc)
        if goal.ready_by_utc <= starts_utc[0]:
            home_from = _back_from_trip(goal, returns, plugged, trip_wh, plugged_in=plugged_in)
            continue
        if leaves >= steps and goal.ready_by_utc > end_utc:
            break
        if leaves > home_from and plugged[leaves - 1]:
            wanted_wh = _wanted_wh(goal, store)
            target_wh[leaves - 1] = wanted_wh
            ceiling_wh[home_from:leaves] = np.maximum(ceiling_wh[home_from:leaves], wanted_wh)
        if returns > leaves:
            plugged[leaves:returns] = False
            trip_wh[returns - 1] += goal.trip_wh
        plugged[returns:] = True
        home_from = max(home_from, returns)
    return Presence(plugged=plugged, trip_wh=trip_wh, target_wh=target_wh, ceiling_wh=ceiling_wh)


def _first_step_from(moment_utc: datetime | None, starts_utc: Sequence[datetime]) -> int:
    """The first step that starts at or after the moment; the number of steps if none does."""
    if moment_utc is None:
        return len(starts_utc)
    return sum(1 for start in starts_utc if start < moment_utc)


def _back_from_trip(
    goal: DepartureGoal, returns: int, plugged: Bools, trip_wh: Floats, *, plugged_in: bool
) -> int:
    """Book the trip a car is on now; where it is home again."""
    on_it = goal.returns_at_utc is not None and returns > 0
    if plugged_in or not on_it:
        return 0
    trip_wh[returns - 1] += goal.trip_wh
    plugged[returns:] = True
    return returns


def _wanted_wh(goal: DepartureGoal, store: Store) -> float:
    if goal.soc is not None:
        wanted_wh = goal.soc * store.capacity_wh
    else:
        wanted_wh = 0.0 if goal.energy_wh is None else goal.energy_wh
    return min(wanted_wh, store.capacity_wh)


def reachable_targets_wh(case: Case) -> Floats:
    """The targets, each clamped to what charging at full power from now on would hold."""
    horizon, pack = case.horizon, case.pack
    if bool(np.isnan(horizon.target_wh).all()):
        return horizon.target_wh
    headroom_w = (case.terms.import_limit_w - horizon.net_load_w).tolist()
    hours, trips_wh = horizon.hours.tolist(), horizon.trip_wh.tolist()
    ceilings_wh, plugged = horizon.ceiling_wh.tolist(), horizon.plugged.tolist()
    reached_wh: list[float] = []
    energy_wh = pack.start_wh
    for step in range(horizon.steps):
        if plugged[step]:
            power_w = min(pack.accepted_w(energy_wh), headroom_w[step])
            if power_w >= pack.min_charge_w and power_w > 0.0:
                into_wh = pack_power_w(power_w, pack.charge_loss) * hours[step]
                room_wh = max(ceilings_wh[step] - energy_wh, 0.0)
                energy_wh += min(max(into_wh, 0.0), room_wh)
        energy_wh = max(energy_wh - trips_wh[step], 0.0)
        reached_wh.append(energy_wh)
    # NaN stays NaN: there is no target in that step.
    clamped_wh: Floats = np.minimum(horizon.target_wh, np.array(reached_wh))
    return clamped_wh
