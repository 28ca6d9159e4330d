from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.unit.planning.problems import toy_case
from v2g_daemon.planning.stage import StepTerms, priced


def price_of(
    power_w: float, *, net_load_w: float, export_per_kwh: float = 0.10, **terms: Any
) -> tuple[float, float, bool]:
    case = toy_case(imports=[0.30], exports=[export_per_kwh], net_load_w=[net_load_w], **terms)
    result = priced(case, StepTerms.of(case), np.array([[power_w]]))
    cost, exported_wh = float(result.cost[0, 0]), float(result.exported_wh[0, 0])
    return cost, exported_wh, bool(result.feasible[0, 0])


def test_charging_adds_to_the_import_of_the_house() -> None:
    cost, exported_wh, feasible = price_of(2000.0, net_load_w=500.0)
    assert cost == pytest.approx(0.75)  # 2.5 kWh at 0.30
    assert exported_wh == 0.0
    assert feasible


def test_discharge_first_serves_the_house_and_pays_wear_on_all_of_it() -> None:
    cost, exported_wh, _ = price_of(-2000.0, net_load_w=500.0)
    assert cost == pytest.approx(-0.15 + 0.06)  # 1.5 kWh out at 0.10, 2 kWh of wear at 0.03
    assert exported_wh == pytest.approx(1500.0)


def test_the_cycle_margin_is_a_hurdle_on_top_of_wear() -> None:
    cost, _, _ = price_of(-1000.0, net_load_w=1000.0, margin_per_kwh=0.02)
    assert cost == pytest.approx(0.05)


def test_a_charge_over_the_import_limit_is_not_feasible() -> None:
    assert not price_of(6000.0, net_load_w=5000.0)[2]
    assert price_of(5000.0, net_load_w=5000.0)[2]


def test_a_discharge_past_the_export_limit_is_not_feasible() -> None:
    assert not price_of(-6000.0, net_load_w=500.0)[2]
    assert price_of(-5500.0, net_load_w=500.0)[2]


def test_without_export_a_discharge_serves_at_most_the_house() -> None:
    assert price_of(-1000.0, net_load_w=1000.0, may_export=False)[2]
    assert not price_of(-2000.0, net_load_w=1000.0, may_export=False)[2]


def test_a_used_up_daily_depth_leaves_discharge_for_the_house_only() -> None:
    used: dict[str, Any] = {"daily_export_wh": 3000.0, "exported_today_wh": 3000.0}
    assert price_of(-1000.0, net_load_w=1000.0, **used)[2]
    assert not price_of(-1001.0, net_load_w=1000.0, **used)[2]


def test_surplus_of_the_roof_is_not_export_of_the_car() -> None:
    _, exported_wh, _ = price_of(-1000.0, net_load_w=-2000.0)
    assert exported_wh == pytest.approx(1000.0)
    assert price_of(0.0, net_load_w=-2000.0)[0] == pytest.approx(-0.20)


def test_where_pv_can_be_throttled_nothing_is_paid_for_export() -> None:
    assert price_of(0.0, net_load_w=-2000.0, export_per_kwh=-0.05)[0] == pytest.approx(0.10)
    throttled = price_of(0.0, net_load_w=-2000.0, export_per_kwh=-0.05, throttled_above_w=5000.0)
    assert throttled[0] == 0.0
    limited = price_of(0.0, net_load_w=-8000.0, throttled_above_w=5000.0)
    assert limited[0] == pytest.approx(-0.50)  # 5 of 8 kW go out
