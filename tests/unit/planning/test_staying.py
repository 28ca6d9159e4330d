"""What it is worth to be plugged in and to know the departure, worked by hand on small days."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from tests.unit.planning.problems import START_UTC, hourly_curve, plan_problem, toy_case
from v2g_daemon.domain.goals import DepartureGoal
from v2g_daemon.domain.plan import PastStay, PlanProblem, StayWorth
from v2g_daemon.planning.case import Case, Presence, Trips
from v2g_daemon.planning.depth import optimise
from v2g_daemon.planning.plan import solve
from v2g_daemon.planning.staying import largest_trip_wh, told_money

HOUR = timedelta(hours=1)
FOUR_HOURS = hourly_curve([0.10, 0.50, 0.10, 0.50], [0.0] * 4)


def stays(problem: PlanProblem) -> list[StayWorth | None]:
    return [slot.stay for slot in solve(problem).slots]


def stay(problem: PlanProblem, step: int) -> StayWorth:
    found = stays(problem)[step]
    assert found is not None
    return found


def test_a_stay_is_worth_what_the_car_saves_the_house() -> None:
    # Unplugged the house pays 0.10 + 0.50; plugged in it pays 2 x 0.10 and keeps the same 5 kWh.
    first = stay(plan_problem(), 0)
    assert (first.low_money, first.likely_money, first.high_money) == (0.4, 0.4, 0.4)
    assert first.lacking_wh == 0.0
    # In the second hour 6 kWh are in the pack, of which one saves 0.50 and is worth 0.18 kept.
    assert stay(plan_problem(), 1).likely_money == pytest.approx(0.32)


def test_what_the_trip_would_lack_is_told_in_energy_and_not_as_money() -> None:
    # 7 kWh are wanted in two hours and 5 are there. Unplugged: 0.60 paid. Plugged in: 4 kWh for
    # 0.20 + 1.00, of which 2 stay in the pack at 0.18.
    goal = DepartureGoal(ready_by_utc=START_UTC + 2 * HOUR, soc=0.7)
    found = stay(plan_problem(goals=(goal,)), 0)
    assert found.likely_money == pytest.approx(0.60 - 1.20 + 0.36)
    assert found.lacking_wh == 2000.0


def test_a_car_that_is_away_has_no_stay_and_comes_back_with_what_its_trip_left() -> None:
    goal = DepartureGoal(
        ready_by_utc=START_UTC + HOUR,
        soc=0.5,
        returns_at_utc=START_UTC + 2 * HOUR,
        trip_wh=4500.0,
    )
    problem = plan_problem(goals=(goal,), prices=FOUR_HOURS, step_s=(3600,) * 4)
    plan = solve(problem)
    assert [slot.plugged_in for slot in plan.slots] == [True, False, True, True]
    found = [slot.stay for slot in plan.slots]
    assert found[1] is None
    # It came back with 0.5 kWh; one is bought at 0.10 and used at 0.50.
    assert found[2] is not None
    assert found[2].likely_money == pytest.approx(0.4)
    # An hour later it still stands there with that: it saves 0.50 per kWh, and is worth 0.10 kept.
    assert found[3] is not None
    assert found[3].likely_money == pytest.approx(0.2)


def test_trips_that_differ_make_a_range() -> None:
    stays_so_far = tuple(
        PastStay(
            plugged_in_utc=START_UTC - timedelta(days=day, hours=6),
            plugged_out_utc=START_UTC - timedelta(days=day, hours=-7),
            trip_wh=1000.0 + 500.0 * (day % 7),
        )
        for day in range(28, 0, -1)
    )
    problem = plan_problem(
        stays=stays_so_far, prices=hourly_curve([0.1, 0.5], [0.0, 0.0]), soc=0.05
    )
    found = stay(problem, 0)
    assert found.low_money <= found.likely_money <= found.high_money
    assert found.low_money < found.high_money


def uncertain(leaves: list[float]) -> Case:
    """Two hours at 0.40 and 0.10, 2 kWh in the pack, a trip of 3 kWh whose lack costs 0.50."""
    nothing = np.zeros(2)
    here = Presence(
        leaves=np.array(leaves),
        returns=nothing,
        plugged=np.ones(2, dtype=np.bool_),
        trip_wh=nothing,
        likely_trip_wh=nothing,
        target_wh=np.full(2, np.nan),
        unknown_trip=np.ones(2, dtype=np.bool_),
        trips=Trips(energy_wh=np.array([3000.0]), weight=np.array([1.0])),
    )
    case = toy_case(
        imports=[0.40, 0.10],
        exports=[0.0, 0.0],
        net_load_w=[0.0, 0.0],
        start_wh=2000.0,
        unmet_later_per_kwh=0.5,
        terminal_per_kwh=0.0,
    )
    pack = replace(case.pack, floor_wh=0.0)
    return replace(case, horizon=replace(case.horizon, presence=here), pack=pack)


def test_knowing_the_departure_saves_what_waiting_or_hurrying_costs() -> None:
    # It leaves after one hour with 0.4, else after two. Not knowing, the car waits: 0.4 x 0.50 for
    # the missing kWh, 0.6 x 0.10. Knowing, it buys at 0.40 where it must: 0.4 x 0.40 + 0.6 x 0.10.
    solution = optimise(uncertain([0.4, 1.0]))
    assert told_money(solution, plugged_in=True) == pytest.approx(0.04, abs=1e-4)


def test_a_sure_departure_is_known_already() -> None:
    assert told_money(optimise(uncertain([0.0, 1.0])), plugged_in=True) == 0.0


def test_who_is_told_or_has_no_habits_has_nothing_to_learn() -> None:
    goal = DepartureGoal(ready_by_utc=START_UTC + HOUR, soc=0.5)
    assert solve(plan_problem()).told_money is None
    assert solve(plan_problem(goals=(goal,))).told_money is None
    assert told_money(optimise(uncertain([0.4, 1.0])), plugged_in=False) is None


def days_ago(day: int, trip_wh: float | None) -> PastStay:
    return PastStay(
        plugged_in_utc=START_UTC - day * 24 * HOUR, plugged_out_utc=None, trip_wh=trip_wh
    )


def test_the_largest_trip_is_remembered() -> None:
    stays_so_far = (days_ago(3, 2000.0), days_ago(2, 9000.0), days_ago(1, None))
    assert solve(plan_problem(stays=stays_so_far)).largest_trip_wh == 9000.0
    assert solve(plan_problem()).largest_trip_wh is None


def test_a_holiday_is_forgotten_after_ten_trips_however_the_stays_are_ordered() -> None:
    holiday, unknown = days_ago(20, 40_000.0), days_ago(1, None)
    usual = [days_ago(day, 9000.0) for day in range(2, 12)]
    nine, ten = (unknown, *usual[:9], holiday), (unknown, *usual, holiday)
    assert largest_trip_wh(plan_problem(stays=nine)) == 40_000.0
    assert largest_trip_wh(plan_problem(stays=ten)) == 9000.0
    assert largest_trip_wh(plan_problem(stays=ten[::-1])) == 9000.0
