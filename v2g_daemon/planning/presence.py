"""When the car is here, what its trips take, and what it must hold when it leaves.

Goals are sure: nobody leaves before them, and whoever said when returns then. Elsewhere, and after
a departure without a return, habits say how likely it is; without habits a car stays where it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from v2g_daemon.battery.losses import pack_power_w
from v2g_daemon.domain.goals import DepartureGoal
from v2g_daemon.domain.plan import Store
from v2g_daemon.planning.case import Bools, Case, Floats, Presence, Trips


@dataclass(frozen=True, slots=True, kw_only=True)
class Chances:
    """How likely a car leaves and returns by the end of each step, and what its trips take."""

    leaves: Floats
    returns: Floats
    trips: Trips


def presence(
    *,
    starts_utc: Sequence[datetime],
    end_utc: datetime,
    plugged_in: bool,
    store: Store,
    goals: Sequence[DepartureGoal],
    chances: Chances | None = None,
) -> tuple[Presence, Floats]:
    """The presence, and the ceiling (Wh) of each step, which a goal may lift until it is due.

    A step that is partly away counts as away. A car that is out now comes back with the trip it
    is on, if that is known; a car that is here now is not on any trip.
    """
    course = _Course(starts_utc, end_utc, store, chances, plugged_in=plugged_in)
    for goal in sorted(goals, key=lambda goal: goal.ready_by_utc):
        if goal.ready_by_utc <= starts_utc[0]:
            if not plugged_in:
                course.out_now(goal)
        elif not course.leave(goal):
            break
    return course.presence(), course.ceiling_wh


class _Course:
    """The steps as far as they are told; what is not stays as habits have it."""

    def __init__(
        self,
        starts_utc: Sequence[datetime],
        end_utc: datetime,
        store: Store,
        chances: Chances | None,
        *,
        plugged_in: bool,
    ) -> None:
        self._plugged_in = plugged_in
        self._starts_utc, self._ends_utc = starts_utc, [*starts_utc[1:], end_utc]
        self._store, self._trips = store, None if chances is None else chances.trips
        steps = len(starts_utc)
        self._leaves = np.zeros(steps) if chances is None else chances.leaves.copy()
        self._returns = np.zeros(steps) if chances is None else chances.returns.copy()
        self._trip_wh, self._target_wh = np.zeros(steps), np.full(steps, np.nan)
        self._unknown_trip = np.full(steps, chances is not None)
        self._home_from = 0
        self.ceiling_wh = np.full(steps, store.soc_ceiling * store.capacity_wh)

    def out_now(self, goal: DepartureGoal) -> None:
        """The car is on the trip of this goal."""
        back = self._first_step_from(goal.returns_at_utc)
        if goal.returns_at_utc is not None and back > 0:
            self._come_back(0, back, goal.trip_wh)
            self._home_from = back

    def leave(self, goal: DepartureGoal) -> bool:
        """The car leaves as told; False where that is beyond the horizon."""
        leaving = sum(1 for end in self._ends_utc if end <= goal.ready_by_utc)
        if leaving >= len(self._leaves) and goal.ready_by_utc > self._ends_utc[-1]:
            self._leaves[self._home_from :] = 0.0
            return False
        back = self._first_step_from(goal.returns_at_utc)
        if self._plugged_in and self._home_from == 0 and back > 1:
            # It is here now, and the step that is running is the last in which it can be charged.
            leaving = max(leaving, 1)
        if leaving > self._home_from:
            self._stay_until(leaving, goal)
        elif 0 < self._home_from < back:
            # Not one whole step at home: it does not come back in between.
            self._returns[self._home_from - 1] = 0.0
        elif self._home_from > 0:
            # Within the trip that it is on.
            self._trip_wh[self._home_from - 1] += goal.trip_wh
        away_from = max(leaving, self._home_from)
        if goal.returns_at_utc is not None and back > away_from:
            if goal.trip_wh > 0.0 and leaving > 0:
                self._unknown_trip[leaving - 1] = False
            self._come_back(away_from, back, goal.trip_wh)
            away_from = back
        self._home_from = away_from
        return True

    def _stay_until(self, leaving: int, goal: DepartureGoal) -> None:
        here, wanted_wh = slice(self._home_from, leaving), _wanted_wh(goal, self._store)
        self.ceiling_wh[here] = np.maximum(self.ceiling_wh[here], wanted_wh)
        self._target_wh[leaving - 1] = wanted_wh
        self._leaves[here] = 0.0
        self._leaves[leaving - 1] = 1.0

    def _come_back(self, first: int, back: int, trip_wh: float) -> None:
        self._returns[first:back] = 0.0
        self._returns[back - 1] = 1.0
        self._trip_wh[back - 1] += trip_wh

    def _first_step_from(self, moment_utc: datetime | None) -> int:
        """The first step that starts at or after the moment; the number of steps if none does."""
        if moment_utc is None:
            return len(self._starts_utc)
        return sum(1 for start in self._starts_utc if start < moment_utc)

    def presence(self) -> Presence:
        """All of it, with the course that is likelier than not."""
        plugged = _likely(self._leaves, self._returns, plugged_in=self._plugged_in)
        likely_trip_wh = self._trip_wh.copy()
        if self._trips is not None:
            comes = ~plugged & np.append(plugged[1:], plugged[-1]) & (self._trip_wh == 0.0)
            likely_trip_wh[comes] += self._trips.typical_wh()
        return Presence(
            leaves=self._leaves,
            returns=self._returns,
            plugged=plugged,
            trip_wh=self._trip_wh,
            likely_trip_wh=likely_trip_wh,
            target_wh=np.where(plugged, self._target_wh, np.nan),
            unknown_trip=self._unknown_trip,
            trips=self._trips,
        )


def _likely(leaves: Floats, returns: Floats, *, plugged_in: bool) -> Bools:
    """Where the car is plugged in with a chance of a half or more."""
    chance, chances = float(plugged_in), []
    for leaving, returning in zip(leaves.tolist(), returns.tolist(), strict=True):
        chances.append(chance)
        chance = chance * (1.0 - leaving) + (1.0 - chance) * returning
    return np.array(chances) >= 0.5


def _wanted_wh(goal: DepartureGoal, store: Store) -> float:
    if goal.soc is not None:
        wanted_wh = goal.soc * store.capacity_wh
    else:
        wanted_wh = 0.0 if goal.energy_wh is None else goal.energy_wh
    return min(wanted_wh, store.capacity_wh)


def reachable_targets_wh(case: Case) -> Floats:
    """The targets, each clamped to what charging at full power from now on would hold."""
    horizon, pack, here = case.horizon, case.pack, case.horizon.presence
    if bool(np.isnan(here.target_wh).all()):
        return here.target_wh
    headroom_w = (case.terms.import_limit_w - horizon.net_load_w).tolist()
    hours, trips_wh = horizon.hours.tolist(), here.likely_trip_wh.tolist()
    ceilings_wh, plugged = horizon.ceiling_wh.tolist(), here.plugged.tolist()
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
    clamped_wh: Floats = np.minimum(here.target_wh, np.array(reached_wh))
    return clamped_wh
