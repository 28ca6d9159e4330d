"""The forward pass: follow the values from the present SoC and write down what is done."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isnan

import numpy as np

from v2g_daemon.domain.quick import quick
from v2g_daemon.planning.actions import landing
from v2g_daemon.planning.backward import Values, terminal_cost, unmet_cost
from v2g_daemon.planning.case import SLACK_W, SLACK_WH, SMALLEST_W, Bools, Floats
from v2g_daemon.planning.programs import standing_cost
from v2g_daemon.planning.stage import FORBIDDEN, priced_moves
from v2g_daemon.planning.tables import FineActions, Tables

SLACK_H = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """One way through the horizon; `cost` per step and `objective` are without the shadow."""

    power_w: Floats
    cost: Floats
    energy_wh: Floats
    exported_wh: dict[int, float]
    objective: float


def walk(
    tables: Tables, fine: FineActions, found: Values, shadow_per_kwh: Floats, *, keep_budget: bool
) -> Path:
    """Take the best action of each step; with `keep_budget`, none that breaks the daily depth.

    What is left of the budgets that outlast the horizon is kept in any case. `fine` are the
    actions to choose from.
    """
    case = tables.case
    horizon = case.horizon
    left_wh = case.export_left_wh()
    exported_wh = dict.fromkeys(left_wh, 0.0)
    power_w, cost, energy_wh = (np.zeros(horizon.steps) for _ in range(3))
    now_wh, objective = case.pack.start_wh, 0.0
    here = horizon.presence
    days, targets_wh, trips_wh = (
        column.tolist() for column in (horizon.export_day, here.target_wh, here.likely_trip_wh)
    )
    pace = _Pace(tables, fine, found, shadow_per_kwh)
    for step in range(horizon.steps):
        day = days[step]
        allowance_wh = left_wh[day] - exported_wh[day] if keep_budget else inf
        taken = pace.take(step, now_wh, allowance_wh)
        exported_wh[day] += taken.exported_wh
        power_w[step], cost[step] = taken.power_w, taken.cost
        now_wh = max(now_wh + taken.delta_wh - trips_wh[step], 0.0)
        energy_wh[step] = now_wh
        missed_wh = 0.0 if isnan(targets_wh[step]) else max(targets_wh[step] - now_wh, 0.0)
        objective += taken.cost + case.terms.unmet_per_kwh * missed_wh / 1000.0
    objective += float(terminal_cost(case, np.array([now_wh]))[0])
    if case.held:
        begins_wh = np.append(case.pack.start_wh, energy_wh[:-1])
        objective += float(standing_cost(case.held, begins_wh[:, None])[here.plugged].sum())
    return Path(
        power_w=power_w,
        cost=cost,
        energy_wh=energy_wh,
        exported_wh=exported_wh,
        objective=objective,
    )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class _Taken:
    power_w: float
    delta_wh: float
    exported_wh: float
    cost: float


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """The actions of one step: what each does to the pack, costs with and without the shadow, and
    exports.
    """

    power_w: Floats
    delta_wh: Floats
    shadowed: Floats
    cost: Floats
    exported_wh: Floats


class _Pace:
    """Finds the best action of one step at one energy."""

    def __init__(
        self, tables: Tables, fine: FineActions, found: Values, shadow_per_kwh: Floats
    ) -> None:
        self._tables = tables
        self._found = found
        self._shadow = shadow_per_kwh
        self._power_w, self._idle = fine.power_w, fine.idle
        case, self._priced = tables.case, fine.levels_and_matches
        self._delta_wh = fine.delta_w * case.horizon.hours[:, None]
        self._hours, self._ceiling_wh = (
            case.horizon.hours.tolist(),
            case.horizon.ceiling_wh.tolist(),
        )
        self._net_load_w, self._plugged = (
            case.horizon.net_load_w,
            case.horizon.presence.plugged.tolist(),
        )
        self._has_target = (~np.isnan(case.horizon.presence.target_wh)).tolist()
        self._reach_w = case.pack.reach_w()
        self._left = _Left.of(tables)
        self._cost = self._priced.under(shadow_per_kwh)

    def take(self, step: int, energy_wh: float, allowance_wh: float) -> _Taken:
        """The cheapest permitted action, its cost without the shadow."""
        case = self._tables.case
        if not self._plugged[step]:
            cost = float(self._priced.cost[step, self._idle])
            return _Taken(power_w=0.0, delta_wh=0.0, exported_wh=0.0, cost=cost)
        here = _Row(
            power_w=self._power_w[step],
            delta_wh=self._delta_wh[step],
            shadowed=self._cost[step],
            cost=self._priced.cost[step],
            exported_wh=self._priced.exported_wh[step],
        )
        extra_w = self._exact_powers(step, energy_wh, allowance_wh)
        if len(extra_w) > 0:
            here = self._with(here, step, extra_w)
        power_w, delta_wh = here.power_w, here.delta_wh
        total = here.shadowed + self._to_come(step, energy_wh + delta_wh)
        if allowance_wh < case.pack.max_discharge_w * self._hours[step]:
            total[here.exported_wh > allowance_wh + SLACK_WH] = FORBIDDEN
        if self._left is not None:
            total[self._left.refused(step, power_w)] = FORBIDDEN
        self._forbid(step, energy_wh, power_w, delta_wh, total)
        best = int(total.argmin())
        if self._left is not None:
            self._left.take(step, float(power_w[best]))
        return _Taken(
            power_w=power_w.item(best),
            delta_wh=delta_wh.item(best),
            exported_wh=here.exported_wh.item(best),
            cost=here.cost.item(best),
        )

    def _to_come(self, step: int, after_wh: Floats) -> Floats:
        case, found = self._tables.case, self._found
        to_come = self._tables.grid.on(found.after[step], after_wh)
        if self._has_target[step]:
            to_come += unmet_cost(case, step, after_wh)
        target_wh = self._tables.next_target_wh[step]
        # Only idling on the target or landing on it ends there; both are few and far between.
        if target_wh is not None and self._may_hold(after_wh, target_wh):
            on_target = np.abs(after_wh - target_wh) <= SLACK_WH
            to_come[on_target] = np.minimum(to_come[on_target], found.hold[step])
        return to_come

    def _may_hold(self, after_wh: Floats, target_wh: float) -> bool:
        idle_wh = float(after_wh[self._idle])
        landings = len(after_wh) > self._power_w.shape[1]
        return landings or abs(idle_wh - target_wh) <= SLACK_WH

    def _exact_powers(self, step: int, energy_wh: float, allowance_wh: float) -> list[float]:
        case, hours, ceiling_wh = self._tables.case, self._hours[step], self._ceiling_wh[step]
        exact_w = [
            power_w
            for level_wh in self._tables.landing_levels_wh[step]
            if abs(level_wh - energy_wh) <= self._reach_w * hours
            and (power_w := landing(case.pack, energy_wh, level_wh, hours, ceiling_wh)) is not None
        ]
        if allowance_wh < case.pack.max_discharge_w * hours:
            last_w = max(float(self._net_load_w[step]), 0.0) + allowance_wh / hours
            if max(case.pack.min_discharge_w, SMALLEST_W) <= last_w <= case.pack.max_discharge_w:
                exact_w.append(-last_w)
        return exact_w

    def _with(self, here: _Row, step: int, extra_w: list[float]) -> _Row:
        case, more_w = self._tables.case, np.array([extra_w])
        more_delta_w = np.array([[case.pack.moved_w(power_w) for power_w in extra_w]])
        more = priced_moves(case, self._tables.terms.row(step), more_w, more_delta_w)
        return _Row(
            power_w=np.concatenate([here.power_w, more_w[0]]),
            delta_wh=np.concatenate([here.delta_wh, more_delta_w[0] * self._hours[step]]),
            shadowed=np.concatenate([here.shadowed, more.under(self._shadow[step : step + 1])[0]]),
            cost=np.concatenate([here.cost, more.cost[0]]),
            exported_wh=np.concatenate([here.exported_wh, more.exported_wh[0]]),
        )

    def _forbid(
        self, step: int, energy_wh: float, power_w: Floats, delta_wh: Floats, total: Floats
    ) -> None:
        """Mark in place what the pack refuses; below the floor the strongest charge stays."""
        case = self._tables.case
        room_wh = max(self._ceiling_wh[step] - energy_wh, 0.0) + SLACK_WH
        spare_wh = max(energy_wh - case.pack.floor_wh, 0.0) + SLACK_WH
        far_wh = self._reach_w * self._hours[step]
        if min(room_wh, spare_wh) >= far_wh and energy_wh <= case.pack.taper_above_wh:
            return  # far from all of them
        refused = (delta_wh > room_wh) | (delta_wh < -spare_wh)
        if energy_wh > case.pack.taper_above_wh:
            refused |= power_w > case.pack.accepted_w(energy_wh) + SLACK_W
        if energy_wh < case.pack.floor_wh - SLACK_WH:
            open_w = np.where(refused | (total > FORBIDDEN / 2.0), -inf, power_w)
            strongest = int(open_w.argmax())
            refused |= energy_wh + delta_wh < case.pack.floor_wh - SLACK_WH
            refused[strongest] = False
        np.putmask(total, refused, FORBIDDEN)


class _Left:
    """What the budgets that outlast the horizon still hold along the way."""

    def __init__(self, tables: Tables) -> None:
        terms = tables.case.terms
        self._wh, self._h = terms.budget_left_wh, terms.budget_left_h
        self._hours: list[float] = tables.case.horizon.hours.tolist()

    @staticmethod
    def of(tables: Tables) -> _Left | None:
        """None where not even discharging all the time would use them up."""
        terms, all_h = tables.case.terms, float(tables.case.horizon.hours.sum())
        all_wh = tables.case.pack.max_discharge_w * all_h
        if terms.budget_left_wh >= all_wh and terms.budget_left_h >= all_h:
            return None
        return _Left(tables)

    def refused(self, step: int, power_w: Floats) -> Bools:
        """The discharges that would take more than is left."""
        hours = self._hours[step]
        if hours > self._h + SLACK_H:
            return power_w < 0.0
        return -power_w * hours > self._wh + SLACK_WH

    def take(self, step: int, power_w: float) -> None:
        """Book what is done."""
        if power_w < 0.0:
            self._wh += power_w * self._hours[step]
            self._h -= self._hours[step]
