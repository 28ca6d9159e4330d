"""Dispatch against a toy value function: idle, charge or discharge, worked by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from math import inf
from typing import Any

import pytest

from tests.builders import LOSSLESS, LOSSY, NOW, a_plan
from v2g_daemon.control.dispatch import Choice, dispatch
from v2g_daemon.control.pricing import Moment, step_at, value_at
from v2g_daemon.domain.plan import PeakCap, Plan, ValueFunction

# One quarter of an hour is left; 60 kWh at 50 %; the house draws 500 W; 0.30 in, 0.20 out.


def a_moment(**changes: Any) -> Moment:
    moment = Moment(
        now_utc=NOW.utc,
        net_load_w=500.0,
        import_per_kwh=0.30,
        export_per_kwh=0.20,
        soc=0.5,
        capacity_wh=60_000.0,
        soc_floor=0.3,
        soc_ceiling=0.8,
        max_charge_w=7400.0,
        max_discharge_w=4400.0,
        min_charge_w=1400.0,
        min_discharge_w=1400.0,
        loss=LOSSLESS,
        wear_and_margin_per_kwh=0.06,
        last_target_w=0.0,
    )
    return replace(moment, **changes)


def chosen(plan: Plan, **changes: Any) -> Choice:
    choice = dispatch(plan, a_moment(**changes))
    assert choice is not None
    return choice


def test_energy_worth_more_than_its_price_is_bought_at_full_power() -> None:
    # 7.4 kW x 0.25 h = 1.85 kWh at (0.50 - 0.30), and 0.0001 for being early
    choice = chosen(a_plan(0.50))
    assert choice.target_w == 7400.0
    assert choice.gain_money == pytest.approx(0.3701)


def test_energy_worth_less_than_the_offer_is_sold() -> None:
    # 1.1 kWh out: 0.125 at 0.30 (own load) + 0.975 at 0.20 - 1.1 x (0.06 wear + 0.05 worth) - 0.001
    choice = chosen(a_plan(0.05))
    assert choice.target_w == -4400.0
    assert choice.gain_money == pytest.approx(0.1105)


def test_between_the_two_prices_nothing_is_worth_its_while() -> None:
    assert chosen(a_plan(0.25)) == Choice(target_w=0.0, gain_money=0.0)


def test_wear_and_margin_are_paid_by_what_leaves_the_pack() -> None:
    # 0.20 - 0.06 = 0.14 is the least a stored kWh may be worth to be kept
    assert chosen(a_plan(0.11), net_load_w=0.0).target_w == -4400.0
    assert chosen(a_plan(0.145), net_load_w=0.0).target_w == 0.0


def test_only_what_is_exported_must_earn_more_than_its_default_wear() -> None:
    # A kWh worth 0.10 may be sold at 0.20 for 0.06 of wear and margin; 0.05 more is too much.
    doubtful = {"net_load_w": 2000.0, "export_wear_per_kwh": 0.05}
    assert chosen(a_plan(0.10), net_load_w=2000.0).target_w == -4400.0
    assert chosen(a_plan(0.10), **doubtful).target_w == -2000.0
    # 0.5 kWh at 0.30 less 0.16, and 0.6 kWh at 0.20 less 0.16 and 0.01 of doubt.
    little = chosen(a_plan(0.10), **{**doubtful, "export_wear_per_kwh": 0.01})
    assert little.gain_money == pytest.approx(0.5 * 0.14 + 0.6 * 0.03 - 0.001)


def test_the_price_of_the_budgets_is_paid_by_what_leaves_the_charger() -> None:
    # 0.20 - 0.06 = 0.14 less what the budgets ask is the least a stored kWh may be worth.
    by_energy = replace(a_plan(0.11), budget_per_kwh=0.02)
    assert chosen(by_energy, net_load_w=0.0).gain_money == pytest.approx(1.1 * 0.01 - 0.001)
    assert chosen(replace(by_energy, budget_per_kwh=0.04), net_load_w=0.0).target_w == 0.0
    # A quarter of an hour at 0.10 takes 0.025 of 1.1 kWh x 0.03, at 0.20 more than all of it.
    by_time = replace(a_plan(0.11), budget_per_h=0.10)
    assert chosen(by_time, net_load_w=0.0).gain_money == pytest.approx(0.033 - 0.025 - 0.001)
    assert chosen(replace(by_time, budget_per_h=0.20), net_load_w=0.0).target_w == 0.0


def test_the_own_load_is_served_where_export_does_not_pay() -> None:
    # 0.30 saved, 0.05 earned: 2 kW of load are worth serving, not a watt more.
    choice = chosen(a_plan(0.15), net_load_w=2000.0, export_per_kwh=0.05)
    assert choice.target_w == -2000.0
    assert choice.gain_money == pytest.approx(0.5 * (0.30 - 0.06 - 0.15) - 0.001)


def test_pv_surplus_is_taken_where_buying_does_not_pay() -> None:
    choice = chosen(a_plan(0.25), net_load_w=-3000.0)
    assert choice.target_w == 3000.0
    assert choice.gain_money == pytest.approx(0.75 * (0.25 - 0.20) - 0.001)


def test_pv_that_would_be_throttled_costs_nothing_to_take() -> None:
    # 7 kW of surplus, of which 5 may go out: 2 kW are free, the rest is worth less in the car.
    sunny = {"net_load_w": -7000.0, "last_target_w": 1500.0, "export_per_kwh": 0.30}
    free = chosen(a_plan(0.25), **sunny, pv_throttled_above_w=5000.0)
    assert free.gain_money > 0.25 * 1.4 * 0.24
    assert chosen(a_plan(0.25), **sunny).target_w == 0.0
    # While exports cost money nothing goes out, so all of it is free.
    negative = {**sunny, "export_per_kwh": -0.10, "import_per_kwh": 0.0}
    assert chosen(a_plan(0.01), **negative, pv_throttled_above_w=5000.0).target_w >= 7000.0


def test_losses_decide_with_the_optimisers_own_arithmetic() -> None:
    # Lossless a worth of 0.31 would buy; with losses 7.4 kW bring in 6.864 kW: 0.334 is needed.
    assert chosen(a_plan(0.32), loss=LOSSLESS).target_w == 7400.0
    assert chosen(a_plan(0.32), loss=LOSSY).target_w == 0.0
    assert chosen(a_plan(0.36), loss=LOSSY).target_w > 0.0


def test_the_depths_shadow_price_is_paid_by_what_is_exported() -> None:
    plan = replace(a_plan(0.05), export_shadow_per_kwh=(0.20,) * 192)
    assert chosen(plan, net_load_w=0.0).target_w == 0.0
    # 2 kW of own load are not exported: they are still served.
    assert chosen(plan, net_load_w=2000.0).target_w == -2000.0


def test_switching_has_a_small_price_and_going_on_has_none() -> None:
    # 0.46 kWh out at a gain of 0.002 each: less than 0.001
    plan = a_plan(0.138)
    tiny = {"max_charge_w": 0.0, "max_discharge_w": 1840.0, "net_load_w": 0.0}
    assert chosen(plan, **tiny).target_w == 0.0
    going_on = chosen(plan, **tiny, last_target_w=-1500.0)
    assert going_on.target_w == -1840.0
    assert going_on.gain_money == pytest.approx(0.00092 + 0.001)
    # A charge that loses as little is not broken off for it.
    assert chosen(a_plan(0.2999), last_target_w=7400.0).target_w > 0.0


def test_a_charge_that_costs_the_same_later_is_made_now_and_at_full_power() -> None:
    early = chosen(a_plan(0.30))
    assert early.target_w == 7400.0
    assert early.gain_money == pytest.approx(0.0001)
    assert chosen(a_plan(0.30), last_target_w=1400.0).target_w == 7400.0


def test_a_charge_that_would_be_cheaper_later_waits() -> None:
    # 1.85 kWh lose 0.000185 at 0.0001 each: more than values are told to.
    assert chosen(a_plan(0.2999)) == Choice(target_w=0.0, gain_money=0.0)


def test_a_discharge_that_gains_the_same_later_is_not_given_up_for_a_charge() -> None:
    # A kWh out of the pack brings 0.14, one into it costs 0.14: both are as good as idling.
    even = {"net_load_w": 0.0, "import_per_kwh": 0.14, "last_target_w": -4400.0}
    assert chosen(a_plan(0.14), **even).target_w < 0.0


def test_nothing_is_sold_from_below_the_floor() -> None:
    # 4.4 kW for 15 minutes are 1.83 points.
    assert chosen(a_plan(0.0), soc=0.30).target_w == 0.0
    assert chosen(a_plan(0.0), soc=0.319).target_w == -4400.0
    partly = chosen(a_plan(0.0), soc=0.31).target_w
    assert partly == pytest.approx(-2400.0)  # 0.6 kWh above the floor


def test_what_exceeds_the_ceiling_is_worth_nothing() -> None:
    # 0.5 points = 0.3 kWh are left: 1.2 kW would do, 1.4 kW is the least and still pays.
    choice = chosen(a_plan(1.0), soc=0.795, min_charge_w=1000.0)
    assert choice.target_w == pytest.approx(1200.0)
    assert chosen(a_plan(1.0), soc=0.85).target_w == 0.0


def test_a_charger_without_a_minimum_has_all_levels() -> None:
    free = {"min_charge_w": 0.0, "min_discharge_w": 0.0}
    assert chosen(a_plan(0.50), **free).target_w == 7400.0
    assert chosen(a_plan(0.05), **free).target_w == -4400.0
    assert chosen(a_plan(0.25), **free).target_w == 0.0


def test_what_cannot_move_idles() -> None:
    nothing = {"max_charge_w": 0.0, "max_discharge_w": 0.0}
    assert chosen(a_plan(0.9), **nothing).target_w == 0.0


def test_an_impossible_future_loses_against_any_other() -> None:
    plan = a_plan()
    row = (-inf, 30.0, 30.0)
    plan = replace(plan, value=replace(plan.value, rows=(row,) * 193))
    assert chosen(plan, soc=0.5).target_w == 0.0
    # 0.6 kWh in 15 minutes lead out of the impossible; 3 kWh cannot be had, so nothing helps.
    assert chosen(plan, soc=0.49).target_w >= 2400.0
    assert chosen(plan, soc=0.45).target_w == 0.0


def test_the_worth_scales_with_what_is_left_of_the_step() -> None:
    late = NOW.utc + timedelta(minutes=5)
    assert chosen(a_plan(0.50), now_utc=late).gain_money == pytest.approx(7.4 / 6 * 0.20 + 0.0001)
    last_seconds = NOW.utc + timedelta(minutes=14, seconds=50)
    assert chosen(a_plan(0.50), now_utc=last_seconds).gain_money == pytest.approx(
        7.4 / 12 * 0.20 + 0.0001
    )


def test_outside_the_horizon_there_is_no_choice() -> None:
    for minutes in (-1, 192 * 15):
        moment = a_moment(now_utc=NOW.utc + timedelta(minutes=minutes))
        assert dispatch(a_plan(), moment) is None


def test_a_plan_shorter_than_its_steps_is_no_plan_there() -> None:
    plan = a_plan()
    assert dispatch(replace(plan, export_shadow_per_kwh=()), a_moment()) is None


@pytest.mark.parametrize(
    "broken",
    [{"rows": ((0.0,) * 3,)}, {"soc_grid": (0.0, 1.0)}, {"soc_grid": (1.0, 0.5, 0.0)}],
)
def test_a_value_function_that_does_not_fit_together_cannot_be_made(broken: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"row|grid"):
        replace(a_plan().value, **broken)


# The value function.


def test_the_row_is_interpolated_and_flat_beyond_its_ends() -> None:
    grid, row = (0.2, 0.4, 0.8), (1.0, 3.0, 4.0)
    values = [value_at(grid, row, soc) for soc in (0.0, 0.2, 0.3, 0.4, 0.7, 0.8, 1.0)]
    assert values == pytest.approx([1.0, 1.0, 2.0, 3.0, 3.75, 4.0, 4.0])


def test_a_grid_point_is_not_spoiled_by_an_impossible_neighbour() -> None:
    assert value_at((0.0, 0.5, 1.0), (1.0, 2.0, -inf), 0.5) == 2.0
    assert value_at((0.0, 0.5, 1.0), (1.0, 2.0, -inf), 0.6) == -inf


@pytest.mark.parametrize(
    ("minutes", "expected"), [(0, (0, 15)), (14, (0, 15)), (15, (1, 45)), (44, (1, 45))]
)
def test_the_step_of_a_moment_is_found_in_uneven_steps(
    minutes: int, expected: tuple[int, int]
) -> None:
    value = ValueFunction(
        start_utc=NOW.utc, step_s=(900, 1800), soc_grid=(0.0, 1.0), rows=((0.0, 0.0),) * 3
    )
    index, end_minutes = expected
    assert step_at(value, NOW.utc + timedelta(minutes=minutes)) == (
        index,
        NOW.utc + timedelta(minutes=end_minutes),
    )


def under_cap(plan: Plan, cap_w: float, *, counts: bool = True) -> Plan:
    cap = PeakCap(name="demand", cap_w=cap_w, over_per_kwh=20.0, counts=(counts,) * 192)
    return replace(plan, peak_caps=(cap,))


def test_a_charge_keeps_the_import_to_the_cap_of_a_demand_charge() -> None:
    assert chosen(under_cap(a_plan(0.50), 4000.0)).target_w == 3500.0
    assert chosen(under_cap(a_plan(0.50), 9000.0)).target_w == 7400.0
    assert chosen(under_cap(a_plan(0.50), 4000.0, counts=False)).target_w == 7400.0


def test_the_houses_own_peak_is_shaved_to_the_cap_though_energy_is_dear() -> None:
    assert chosen(a_plan(0.30), net_load_w=6000.0).target_w == 7400.0
    assert chosen(under_cap(a_plan(0.30), 4000.0), net_load_w=6000.0).target_w == -2000.0


def test_a_cap_gives_way_where_energy_is_worth_more() -> None:
    # Below a goal a kWh is worth more than what crosses the cap costs.
    assert chosen(under_cap(a_plan(40.0), 4000.0)).target_w == 7400.0
