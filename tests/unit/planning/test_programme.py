"""The dynamic programme on toys: against every sequence of actions, and where it must bend."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.unit.planning.problems import toy_case
from v2g_daemon.planning.case import Case
from v2g_daemon.planning.depth import Solution, optimise

LEVELS_KW = [float(kw) for kw in range(-12, 13)]


def cheapest_kwh(case: Case, *, depth_kwh: float = float("inf")) -> float:
    """The least objective over all sequences of whole kilowatts, in kW and kWh throughout."""
    horizon, here, terms = case.horizon, case.horizon.presence, case.terms

    def from_step(step: int, soc: float, exported: float) -> float:
        if step == horizon.steps:
            return -terms.terminal_per_kwh * (soc - 2.0)
        best = float("inf")
        for power in LEVELS_KW if here.plugged[step] else [0.0]:
            flow = horizon.net_load_w[step] / 1000.0 + power
            after = soc + power
            car_export = min(max(-flow, 0.0), max(-power, 0.0))
            if power > 0.0 and (flow > 10.0 or after > 12.0):
                continue
            if power < 0.0 and (flow < -5.0 or after < 2.0 or exported + car_export > depth_kwh):
                continue
            buy, sell = horizon.import_per_kwh[step], horizon.export_per_kwh[step]
            cost = flow * (buy if flow > 0.0 else sell) + 0.03 * max(-power, 0.0)
            after -= here.trip_wh[step] / 1000.0
            if not np.isnan(here.target_wh[step]):
                cost += 2.0 * max(here.target_wh[step] / 1000.0 - after, 0.0)
            best = min(best, cost + from_step(step + 1, after, exported + car_export))
        return best

    return from_step(0, case.pack.start_wh / 1000.0, 0.0)


TOYS: dict[str, dict[str, Any]] = {
    "a cheap and a dear hour": {
        "imports": [0.10, 0.40, 0.20, 0.30],
        "exports": [0.05, 0.35, 0.10, 0.20],
    },
    "export above import": {
        "imports": [0.10, 0.20, 0.20, 0.10],
        "exports": [0.30, 0.10, 0.40, 0.10],
    },
    "negative prices": {
        "imports": [-0.20, 0.10, -0.05, 0.30],
        "exports": [-0.25, 0.05, -0.10, 0.20],
    },
}


@pytest.mark.parametrize("name", list(TOYS))
@pytest.mark.parametrize(
    "net_load_w", [[1000.0, 2000.0, 0.0, 3000.0], [-3000.0, 1000.0, -7000.0, 0.0]]
)
def test_no_sequence_of_actions_is_cheaper(name: str, net_load_w: list[float]) -> None:
    case = toy_case(**TOYS[name], net_load_w=net_load_w)
    solution = optimise(case)
    assert solution.path.objective == pytest.approx(cheapest_kwh(case), abs=1e-6)
    start = solution.tables.grid.at(solution.values.before[0], case.pack.start_wh)
    assert start == pytest.approx(solution.path.objective, abs=1e-6)


def test_with_a_trip_and_a_target_no_sequence_is_cheaper() -> None:
    nan = float("nan")
    case = toy_case(
        imports=[0.40, 0.10, 0.30, 0.20],
        exports=[0.35, 0.05, 0.25, 0.10],
        net_load_w=[1000.0, 1000.0, 1000.0, 1000.0],
        plugged=[True, True, False, True],
        trip_wh=[0.0, 0.0, 5000.0, 0.0],
        target_wh=[nan, 9000.0, nan, nan],
    )
    assert optimise(case).path.objective == pytest.approx(cheapest_kwh(case), abs=1e-6)


def test_the_daily_depth_holds_and_goes_to_the_dearest_hour() -> None:
    case = toy_case(
        imports=[0.30, 0.30, 0.30, 0.30],
        exports=[0.20, 0.28, 0.25, 0.20],
        net_load_w=[0.0, 0.0, 0.0, 0.0],
        daily_export_wh=3000.0,
    )
    solution = optimise(case)
    assert solution.path.power_w.tolist() == [0.0, -3000.0, 0.0, 0.0]
    assert solution.path.exported_wh == {0: 3000.0}
    assert solution.path.objective == pytest.approx(cheapest_kwh(case, depth_kwh=3.0))
    assert solution.shadow_per_kwh[0] > 0.0


def test_the_depth_of_a_day_costs_no_more_than_its_exports_earn() -> None:
    case = toy_case(
        imports=[0.30, 0.30, 0.90, 0.90],
        exports=[0.20, 0.28, 0.90, 0.80],
        net_load_w=[0.0, 0.0, 0.0, 0.0],
        start_wh=12_000.0,
        daily_export_wh=3000.0,
    )
    two_days = replace(case, horizon=replace(case.horizon, export_day=np.array([0, 0, 1, 1])))
    solution = optimise(two_days)
    assert solution.path.power_w.tolist() == [0.0, -3000.0, -3000.0, 0.0]
    earned = np.array([0.28, 0.28, 0.90, 0.90]) - case.terms.wear_per_kwh
    assert (solution.shadow_per_kwh > 0.0).all()
    assert (solution.shadow_per_kwh <= earned + 1e-3).all()


def test_what_was_exported_before_counts_against_todays_depth() -> None:
    case = toy_case(
        imports=[0.30, 0.30],
        exports=[0.20, 0.28],
        net_load_w=[0.0, 0.0],
        daily_export_wh=3000.0,
        exported_today_wh=2000.0,
    )
    assert optimise(case).path.power_w.tolist() == [0.0, -1000.0]


def idle_case_with(start_wh: float, **changes: Any) -> Solution:
    """Flat prices at which nothing pays."""
    flat: dict[str, Any] = {"imports": [0.15] * 4, "exports": [0.05] * 4, "net_load_w": [0.0] * 4}
    return optimise(toy_case(**{**flat, **changes}, start_wh=start_wh))


def test_below_the_floor_it_charges_at_once_whatever_the_price() -> None:
    solution = idle_case_with(1000.0, imports=[0.90, 0.15, 0.15, 0.15])
    assert solution.path.power_w[0] == pytest.approx(1000.0)
    assert solution.path.energy_wh[0] == pytest.approx(2000.0)


def test_above_the_ceiling_it_only_stays_or_discharges() -> None:
    solution = idle_case_with(13_000.0)
    assert (solution.path.power_w <= 0.0).all()
    assert np.isfinite(solution.values.before).all()


def test_a_trip_longer_than_the_pack_leaves_it_empty_and_charging() -> None:
    away: dict[str, Any] = {
        "plugged": [False, True, True, True],
        "trip_wh": [9000.0, 0.0, 0.0, 0.0],
    }
    solution = idle_case_with(6000.0, imports=[0.9, 0.9, 0.9, 0.15], **away)
    assert solution.path.energy_wh[0] == 0.0
    assert solution.path.power_w[1] == pytest.approx(2000.0)


def test_load_over_the_fuse_is_no_reason_to_fail_but_to_discharge() -> None:
    solution = idle_case_with(6000.0, net_load_w=[14_000.0] * 4, imports=[0.30] * 4)
    assert np.isfinite(solution.path.objective)
    assert (solution.path.power_w <= 0.0).all()
    assert solution.path.power_w.sum() == pytest.approx(-4000.0)


def test_a_target_between_lattice_points_is_met_exactly_and_not_overshot() -> None:
    nan = float("nan")
    solution = idle_case_with(6000.0, imports=[0.25] * 4, target_wh=[nan, nan, nan, 7130.0])
    assert solution.path.energy_wh[3] == pytest.approx(7130.0)
