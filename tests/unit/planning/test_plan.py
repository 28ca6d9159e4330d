from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.unit.planning.problems import REAL_LOSS, START_UTC, hourly_curve, plan_problem
from v2g_daemon.domain.goals import DepartureGoal
from v2g_daemon.domain.plan import HistoryRow, Plan
from v2g_daemon.planning.plan import solve
from v2g_daemon.step.history import by_days


def powers_w(plan: Plan) -> list[float]:
    return [slot.power_w for slot in plan.slots]


def gain_at(plan: Plan, step: int, soc: float) -> float:
    grid = plan.value.soc_grid
    return plan.value.rows[step][min(range(len(grid)), key=lambda j: abs(grid[j] - soc))]


def test_it_buys_in_the_cheap_hour_and_saves_the_dear_one() -> None:
    plan = solve(plan_problem())
    assert powers_w(plan) == [1000.0, -1000.0]
    assert [slot.soc for slot in plan.slots] == [0.6, 0.5]
    assert plan.expected_cost == 0.2  # two kWh at 0.10, none at 0.50
    assert plan.missed_wh == 0.0


def test_the_value_function_holds_what_is_still_to_be_gained() -> None:
    plan = solve(plan_problem())
    # The end is worth 0.18 per kWh: the 20 % quantile of 0.10 and 0.50.
    assert gain_at(plan, 2, 0.5) == 0.9
    # One kWh of load is served by the pack, four are left.
    assert gain_at(plan, 1, 0.5) == 0.72
    # Before that, one bought for the house and one for the pack.
    assert gain_at(plan, 0, 0.5) == 0.7
    assert len(plan.value.rows) == 3
    assert plan.value.soc_grid[0] == 0.0
    assert plan.value.soc_grid[-1] == pytest.approx(1.0)


def test_values_are_rounded_to_a_hundredth_of_a_cent() -> None:
    plan = solve(plan_problem(prices=hourly_curve([0.123456, 0.456789], [0.0, 0.0])))
    assert all(value == round(value, 4) for row in plan.value.rows for value in row)


def test_the_margin_is_a_hurdle_and_no_cost() -> None:
    plan = solve(plan_problem(cycle_margin_per_kwh=0.30))
    assert powers_w(plan)[1] == -1000.0
    assert plan.expected_cost == 0.2
    stopped = solve(plan_problem(cycle_margin_per_kwh=0.33))
    assert powers_w(stopped)[1] == 0.0


def test_a_plan_that_never_discharges_says_what_was_offered_and_what_it_would_have_cost() -> None:
    plan = solve(plan_problem(wear_cost_per_kwh_discharged=0.5, cycle_margin_per_kwh=0.02))
    assert powers_w(plan) == [1000.0, 0.0]
    assert plan.summary == (
        "Charges 1.0 kWh between 01:00 on Wednesday and 02:00 on Wednesday for 0.100 EUR per kWh "
        "on average. Never discharges: the best offer was 0.500 EUR per kWh at 02:00 on Wednesday, "
        "but a kWh from the car would have cost 0.700: refill 0.180, losses 0.000, wear 0.500, "
        "margin 0.020."
    )


def test_losses_are_told_apart_from_the_refill() -> None:
    plan = solve(
        plan_problem(loss=REAL_LOSS, wear_cost_per_kwh_discharged=0.5, max_discharge_w=1000.0)
    )
    # 1 kW out takes 1.183 kW from the pack, each worth 0.18; a charge keeps 81.7 %.
    assert "refill 0.147, losses 0.066, wear 0.592, margin 0.000" in plan.summary


def test_a_plan_that_discharges_says_what_it_earns() -> None:
    summary = solve(plan_problem(wear_cost_per_kwh_discharged=0.1)).summary
    assert "Discharges 1.0 kWh between 02:00 on Wednesday and 03:00 on Wednesday" in summary
    assert "earns or saves 0.400 EUR per kWh after wear and margin" in summary


def test_a_car_at_its_floor_says_that_this_is_why() -> None:
    summary = solve(plan_problem(soc=0.3, soc_floor=0.3, max_charge_w=0.0)).summary
    assert "never above its floor of 30% while plugged in" in summary


def test_a_charge_only_charger_needs_no_excuse() -> None:
    assert "discharge" not in solve(plan_problem(max_discharge_w=0.0)).summary


def test_without_export_only_the_house_is_served() -> None:
    dear = hourly_curve([0.10, 0.50], [0.10, 0.90])
    exporting = plan_problem(prices=dear, max_discharge_w=4000.0)
    assert powers_w(solve(exporting))[1] == -4000.0
    at_home = plan_problem(prices=dear, max_discharge_w=4000.0, may_export=False)
    assert powers_w(solve(at_home))[1] == -1000.0


def test_an_export_that_pays_at_default_wear_alone_is_left_and_the_house_still_served() -> None:
    # A kWh sold earns 0.90 and costs 0.18 to refill and 0.30 of wear: 0.42 may be in doubt.
    dear = hourly_curve([0.10, 0.50], [0.10, 0.90])
    problem = plan_problem(prices=dear, max_discharge_w=4000.0, wear_cost_per_kwh_discharged=0.30)
    little, much = (
        solve(replace(problem, store=replace(problem.store, export_wear_per_kwh=doubt)))
        for doubt in (0.40, 0.44)
    )
    assert (powers_w(little)[1], powers_w(much)[1]) == (-4000.0, -1000.0)
    # What it is expected to cost is told by the default: 2 kWh bought at 0.10, 1 kWh of wear.
    assert much.expected_cost == pytest.approx(0.2 + 0.3)


def test_the_export_limit_is_filled_and_not_passed() -> None:
    dear = hourly_curve([0.10, 0.50], [0.10, 0.90])
    plan = solve(
        plan_problem(
            prices=dear, max_discharge_w=4000.0, min_discharge_w=1400.0, export_limit_w=500.0
        )
    )
    assert powers_w(plan)[1] == -1500.0


def test_a_goal_out_of_reach_is_missed_by_what_full_power_leaves() -> None:
    goal = DepartureGoal(ready_by_utc=START_UTC + timedelta(hours=2), soc=1.0)
    plan = solve(plan_problem(goals=(goal,)))
    assert powers_w(plan) == [1000.0, 1000.0]
    assert plan.missed_wh == 3000.0
    assert "3.0 kWh missing at departure" in plan.summary


def test_a_session_without_soc_is_planned_as_the_energy_it_wants() -> None:
    goal = DepartureGoal(ready_by_utc=START_UTC + timedelta(hours=2), energy_wh=1000.0)
    plan = solve(
        plan_problem(
            soc=0.0,
            capacity_wh=1000.0,
            max_discharge_w=0.0,
            goals=(goal,),
            prices=hourly_curve([0.50, 0.10], [0.0, 0.0]),
        )
    )
    assert powers_w(plan) == [0.0, 1000.0]
    assert plan.slots[1].soc == 1.0
    assert plan.missed_wh == 0.0


def test_a_car_that_is_away_gets_no_power_and_a_plain_sentence() -> None:
    plan = solve(plan_problem(plugged_in=False))
    assert powers_w(plan) == [0.0, 0.0]
    assert plan.summary.startswith("The car is away")


def test_export_days_run_from_noon_to_noon_local() -> None:
    # 11:00 UTC is noon in Amsterdam: four hours before it and four after, 1 kWh of depth each.
    start = START_UTC + timedelta(hours=7)
    plan = solve(
        plan_problem(
            start_utc=start,
            step_s=(3600,) * 8,
            prices=hourly_curve([0.20] * 8, [0.25, 0.26, 0.27, 0.26] * 2, start),
            max_charge_w=0.0,
            current_net_load_w=0.0,
            daily_export_wh=1000.0,
        )
    )
    assert powers_w(plan) == [0.0, 0.0, -1000.0, 0.0, 0.0, 0.0, -1000.0, 0.0]
    assert plan.export_shadow_per_kwh[0] > 0.0


def test_prices_beyond_the_known_are_marked() -> None:
    plan = solve(plan_problem(step_s=(3600,) * 26))
    assert [slot.price_is_forecast for slot in plan.slots[:3]] == [False, False, True]


def test_pv_in_the_history_fills_the_car_instead_of_the_grid() -> None:
    history = by_days(
        HistoryRow(
            start_utc=START_UTC - timedelta(days=7) + timedelta(minutes=15 * quarter),
            net_load_w=-1000.0,
            pv_w=1500.0,
        )
        for quarter in range(7 * 96)
    )
    plan = solve(plan_problem(history=history, current_net_load_w=None))
    assert powers_w(plan) == [1000.0, 1000.0]
    assert plan.expected_cost == 0.0


def test_the_same_problem_has_the_same_plan_under_the_same_id() -> None:
    first, second = solve(plan_problem()), solve(plan_problem())
    assert first == second
    assert solve(plan_problem(soc=0.4)).plan_id != first.plan_id


def test_uneven_steps_keep_their_lengths() -> None:
    plan = solve(plan_problem(step_s=(3600, 900, 900, 1800)))
    assert powers_w(plan) == [1000.0, -1000.0, -1000.0, -1000.0]
    assert [round(slot.soc, 4) for slot in plan.slots] == [0.6, 0.575, 0.55, 0.5]


def test_the_last_action_before_a_departure_is_priced_with_the_goal() -> None:
    goal = DepartureGoal(ready_by_utc=START_UTC + timedelta(hours=1), soc=0.5)
    plan = solve(plan_problem(goals=(goal,), prices=hourly_curve([0.50, 0.10], [0.0, 0.0])))
    assert powers_w(plan)[0] == 0.0
    # One kWh short of the goal at 2.00 per kWh, beside the 0.18 that a kWh is worth.
    assert gain_at(plan, 1, 0.5) - gain_at(plan, 1, 0.4) == pytest.approx(2.18)


def test_a_goal_between_lattice_points_is_a_point_of_its_own() -> None:
    goal = DepartureGoal(ready_by_utc=START_UTC + timedelta(hours=1), soc=0.5123)
    plan = solve(plan_problem(goals=(goal,), capacity_wh=60_000.0, soc=0.5123))
    assert any(soc == pytest.approx(0.5123) for soc in plan.value.soc_grid)
    assert list(plan.value.soc_grid) == sorted(set(plan.value.soc_grid))
    above, exact = gain_at(plan, 1, 0.53), gain_at(plan, 1, 0.5123)
    assert above - exact == pytest.approx((0.53 - 0.5123) * 60 * 0.18, abs=0.05)
