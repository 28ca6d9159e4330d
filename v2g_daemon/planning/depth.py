"""The daily export depth: a shadow price per export day, found by bisection."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

import numpy as np

from v2g_daemon.planning.backward import Values, values
from v2g_daemon.planning.case import SLACK_WH, Case, Floats
from v2g_daemon.planning.forward import Path, walk
from v2g_daemon.planning.tables import FineActions, Tables, fine_actions, tables_of

HALVINGS = 5
MONEY_SLACK = 1e-9
JUST_ABOVE_PER_KWH = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution:
    """The programme solved: costs to come, the way through, and the price of the depth."""

    tables: Tables
    values: Values
    path: Path
    shadow_per_kwh: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """What dispatch works with: the costs to come, and the price of the depth."""

    tables: Tables
    values: Values
    shadow_per_kwh: Floats


def weigh(case: Case) -> Worth:
    """The values alone; the way through is only looked for where a depth may bind."""
    if case.terms.may_export and isfinite(case.terms.daily_export_wh):
        solution = optimise(case)
        return Worth(
            tables=solution.tables,
            values=solution.values,
            shadow_per_kwh=solution.shadow_per_kwh,
        )
    tables, free = tables_of(case), np.zeros(case.horizon.steps)
    return Worth(tables=tables, values=values(tables, free), shadow_per_kwh=free)


def optimise(case: Case) -> Solution:
    """The cheapest way found that keeps every export day within its depth."""
    tables = tables_of(case)
    fine, free = fine_actions(tables), np.zeros(case.horizon.steps)
    found = values(tables, free)
    path = walk(tables, fine, found, free, keep_budget=False)
    if not _broken(case, path):
        return Solution(tables=tables, values=found, path=path, shadow_per_kwh=free)
    return _bisected(tables, fine, found, path)


def _broken(case: Case, path: Path) -> set[int]:
    left_wh = case.export_left_wh()
    return {day for day, wh in path.exported_wh.items() if wh > left_wh[day] + SLACK_WH}


def _bisected(tables: Tables, fine: FineActions, free: Values, path: Path) -> Solution:
    """All days at once; each day's price moves by its own excess, the best kept way wins."""
    case = tables.case
    left_wh = case.export_left_wh()
    low = dict.fromkeys(left_wh, 0.0)
    high = {day: _forbidding_per_kwh(case, day) for day in left_wh}
    priced_days = _broken(case, path)
    shadow = np.zeros(case.horizon.steps)
    best = _kept(tables, fine, free, shadow)
    for halving in range(HALVINGS):
        price = {day: (low[day] + high[day]) / 2.0 if day in priced_days else 0.0 for day in low}
        shadow = np.array([price[int(day)] for day in case.horizon.export_day])
        found = _under(tables, shadow, free)
        path = walk(tables, fine, found, shadow, keep_budget=False)
        broken = _broken(case, path)
        for day in priced_days:
            if day in broken:
                low[day] = price[day]
            else:
                high[day] = price[day]
        priced_days |= broken
        if not broken:
            kept = Solution(tables=tables, values=found, path=path, shadow_per_kwh=shadow)
        elif halving < HALVINGS // 2:
            continue  # the price is far off yet
        else:
            kept = _kept(tables, fine, found, shadow)
        # Of two equally cheap ways, the one whose values know the price of the depth.
        best = kept if kept.path.objective <= best.path.objective + MONEY_SLACK else best
    return best


def _forbidding_per_kwh(case: Case, day: int) -> float:
    """The price of the depth at which no export of the day pays, the energy itself for nothing."""
    horizon, terms = case.horizon, case.terms
    earned = float(horizon.highest_export_per_kwh[horizon.export_day == day].max())
    spent = terms.wear_per_kwh + terms.export_wear_per_kwh + terms.margin_per_kwh
    return max(earned - spent - terms.budget_per_kwh, 0.0) + JUST_ABOVE_PER_KWH


def _under(tables: Tables, shadow: Floats, free: Values) -> Values:
    """The values under the shadow; after the last step that has one they are the free ones."""
    priced = np.flatnonzero(shadow)
    return free if len(priced) == 0 else values(tables, shadow, later=free, last=int(priced[-1]))


def _kept(tables: Tables, fine: FineActions, found: Values, shadow: Floats) -> Solution:
    path = walk(tables, fine, found, shadow, keep_budget=True)
    return Solution(tables=tables, values=found, path=path, shadow_per_kwh=shadow)
