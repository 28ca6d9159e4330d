"""Plans of several EVSEs: each is made beside what the others mean to do."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from tests.unit.planning.problems import START_UTC, hourly_curve, plan_problem
from v2g_daemon.domain.errors import ProblemRefused
from v2g_daemon.domain.interval import Interval
from v2g_daemon.domain.plan import Plan, PlannedPower, PlanProblem
from v2g_daemon.planning.beside import left_beside
from v2g_daemon.planning.plan import solve
from v2g_daemon.planning.wall import Steps

HOUR = timedelta(hours=1)
STARTS_UTC = [START_UTC, START_UTC + HOUR]
STEPS = Steps.of(STARTS_UTC, [3600, 3600])
# An evening that pays for what the night brings; exports earn next to nothing.
IMPORTS = [0.30, 0.60, 0.60, 0.30, 0.10, 0.10]
EXPORTS = [0.05] * 6


def planned(power_w: float, *, from_h: float = 0.0, hours: float = 1.0) -> PlannedPower:
    start_utc = START_UTC + from_h * HOUR
    return PlannedPower(
        interval=Interval(start_utc=start_utc, end_utc=start_utc + hours * HOUR), power_w=power_w
    )


def test_a_step_sees_the_mean_of_what_is_planned_in_it() -> None:
    # A quarter of an hour at 2 kW in the first hour; half of what serves 1 kW in the second.
    course = (planned(2000.0, hours=0.25), planned(-1000.0, from_h=1.5, hours=0.5))
    left_w = left_beside([course], STEPS, np.array([[-3000.0, 800.0]]))
    assert left_w.tolist() == [[-2500.0, 300.0]]


def test_nothing_is_left_beside_who_crosses_the_pcc() -> None:
    course = (planned(7000.0), planned(-7000.0, from_h=1.0))
    left_w = left_beside([course], STEPS, np.array([[500.0, 500.0], [-500.0, -500.0]]))
    assert left_w.tolist() == [[0.0, 0.0], [0.0, 0.0]]


def test_nobody_beside_leaves_all_of_it() -> None:
    load_w = np.array([[500.0, -500.0]])
    assert left_beside([()], STEPS, load_w) is load_w


def test_a_planned_power_that_is_no_number_is_refused() -> None:
    problem = plan_problem(beside=((planned(float("nan")),),))
    with pytest.raises(ProblemRefused, match="a power planned beside is nan"):
        solve(problem)


def evening(evse_id: str, other: Plan | None) -> PlanProblem:
    """Six hours with 1.5 kW of load; 2 kWh in the car, a lossless 2 kW charger."""
    slots = () if other is None else other.slots
    course = tuple(PlannedPower(interval=slot.interval, power_w=slot.power_w) for slot in slots)
    return plan_problem(
        evse_id=evse_id,
        step_s=(3600,) * 6,
        prices=hourly_curve(IMPORTS, EXPORTS),
        current_net_load_w=1500.0,
        soc=0.2,
        max_charge_w=2000.0,
        max_discharge_w=2000.0,
        beside=(course,),
    )


def settled(rounds: int) -> tuple[Plan, Plan]:
    """Two cars that plan in turn, each beside the newest plan of the other."""
    first = solve(evening("garage", None))
    second = solve(evening("yard", first))
    for _ in range(rounds):
        first = solve(evening("garage", second))
        second = solve(evening("yard", first))
    return first, second


def test_two_cars_serve_the_evening_together_and_once() -> None:
    first, second = settled(rounds=3)
    given_w = [[max(-slot.power_w, 0.0) for slot in plan.slots] for plan in (first, second)]
    together_w = [a + b for a, b in zip(*given_w, strict=True)]
    # Both dear hours are served, by 3 of the 4 kWh; nothing is sold at 0.05.
    assert together_w[1:3] == pytest.approx([1500.0, 1500.0])
    assert max(together_w) <= 1500.0 + 1e-6


def test_no_car_charges_while_the_other_gives() -> None:
    first, second = settled(rounds=3)
    for one, other in zip(first.slots, second.slots, strict=True):
        assert one.power_w * other.power_w >= 0.0


def test_once_settled_another_round_changes_nothing() -> None:
    before, after = settled(rounds=3), settled(rounds=4)
    for one, other in zip(before, after, strict=True):
        assert [slot.power_w for slot in one.slots] == [slot.power_w for slot in other.slots]
