"""Plans of several EVSEs: each is made beside what the others mean to do."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.planning.problems import START_UTC, hourly_curve, plan_problem
from v2g_daemon.domain.errors import ProblemRefused
from v2g_daemon.domain.goals import DepartureGoal
from v2g_daemon.domain.interval import Interval
from v2g_daemon.domain.plan import Plan, PlannedPower, PlanProblem
from v2g_daemon.domain.prices import PeakCharge
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


# --- the connection is shared


def powers_w(*beside: PlannedPower, **changes: Any) -> list[float]:
    """Four hours with 1 kW of load, the second one cheap, beside what another car means to do."""
    prices = hourly_curve([0.30, 0.10, 0.30, 0.30], [0.02] * 4)
    problem: dict[str, Any] = {
        "step_s": (3600,) * 4,
        "prices": prices,
        "soc": 0.2,
        "max_charge_w": 8000.0,
        "max_discharge_w": 8000.0,
        "import_limit_w": 8000.0,
    }
    plan = solve(plan_problem(beside=(beside,), **(problem | changes)))
    return [slot.power_w for slot in plan.slots]


def test_what_another_means_to_import_is_left_to_it() -> None:
    assert powers_w()[1] == pytest.approx(7000.0)
    assert powers_w(planned(5000.0, from_h=1.0))[1] == pytest.approx(2000.0)


def test_a_goal_takes_the_room_of_others_but_not_of_the_house() -> None:
    wanted = DepartureGoal(ready_by_utc=START_UTC + 2 * HOUR, soc=1.0)
    first = planned(5000.0, hours=2.0)
    # 8 kWh by then: 2 kW in each hour are left beside the other, and 7 kW beside the load alone.
    found_w = powers_w(first, goals=(wanted,))
    assert found_w[0] + found_w[1] == pytest.approx(8000.0)
    assert max(found_w) <= 7000.0 + 1e-6
    late = DepartureGoal(ready_by_utc=START_UTC + 4 * HOUR, soc=1.0)
    assert max(powers_w(first, goals=(late,))[:2]) <= 2000.0 + 1e-6


def test_what_another_means_to_export_is_left_to_it() -> None:
    dear = hourly_curve([0.30] * 4, [0.02, 0.90, 0.02, 0.02])
    alone_w = powers_w(prices=dear, soc=1.0)
    assert alone_w[1] == pytest.approx(-5000.0)
    # It serves the load and exports 3 of 4 kW.
    assert powers_w(planned(-4000.0, from_h=1.0), prices=dear, soc=1.0)[1] == pytest.approx(-1000.0)


def test_nothing_is_exported_while_another_charges() -> None:
    dear = hourly_curve([0.95] * 4, [0.02, 0.90, 0.02, 0.02])
    assert powers_w(planned(3000.0, from_h=1.0), prices=dear, soc=1.0)[1] == 0.0


def test_two_cars_that_rest_in_turn_leave_each_other_all_of_it() -> None:
    assert powers_w(planned(5000.0, from_h=2.0))[1] == pytest.approx(7000.0)


def test_the_room_under_a_demand_charge_is_shared() -> None:
    # 4 kW are billed: beside 1 kW of load two cars find 12 kWh in four hours, which is what they
    # want. Not sharing, each would take 3 kW in the cheap hour.
    charge = PeakCharge(name="demand", per_kw=10.0, billed_w=4000.0, windows=None)
    prices = replace(hourly_curve([0.20, 0.10, 0.20, 0.20], [0.0] * 4), peak_charges=(charge,))
    wanted = DepartureGoal(ready_by_utc=START_UTC + 4 * HOUR, soc=0.8)
    given: dict[str, Any] = {"prices": prices, "goals": (wanted,), "max_discharge_w": 0.0}
    first_w = powers_w(**given)
    course = [planned(power_w, from_h=at) for at, power_w in enumerate(first_w) if power_w != 0.0]
    second_w = powers_w(*course, **given)
    assert first_w[1] == pytest.approx(3000.0)
    assert [sum(first_w), sum(second_w)] == pytest.approx([6000.0, 6000.0], abs=10.0)
    imports_w = [1000.0 + a + b for a, b in zip(first_w, second_w, strict=True)]
    assert imports_w == pytest.approx([4000.0] * 4, abs=20.0)


def test_the_room_that_a_discharge_makes_under_a_cap_is_not_charged_into() -> None:
    # 1 kW is billed and the house draws as much; who charges 1 kW instead, while the other serves
    # it, binds the other to it.
    charge = PeakCharge(name="demand", per_kw=10.0, billed_w=1000.0, windows=None)
    prices = replace(hourly_curve([0.30, 0.10, 0.30, 0.30], [0.0] * 4), peak_charges=(charge,))
    given: dict[str, Any] = {"prices": prices, "max_discharge_w": 0.0}
    assert powers_w(planned(-1000.0, from_h=1.0), **given)[1] == pytest.approx(0.0, abs=1.0)


def test_what_another_shaves_is_not_shaved_again() -> None:
    charge = PeakCharge(name="demand", per_kw=10.0, billed_w=4000.0, windows=None)
    prices = replace(hourly_curve([0.30] * 4, [0.0] * 4), peak_charges=(charge,))
    dear: dict[str, Any] = {"wear_cost_per_kwh_discharged": 0.20, "current_net_load_w": 6000.0}
    alone_w = powers_w(prices=prices, soc=1.0, **dear)
    assert alone_w == pytest.approx([-2000.0] * 4, abs=60.0)
    beside_w = powers_w(planned(-2000.0, hours=4.0), prices=prices, soc=1.0, **dear)
    assert beside_w == pytest.approx([0.0] * 4, abs=1.0)


@given(
    others_w=st.lists(st.sampled_from([-4000.0, 0.0, 2000.0, 6000.0]), min_size=4, max_size=4),
    loads_w=st.floats(-3000.0, 5000.0),
    imports=st.lists(st.floats(0.05, 0.60), min_size=4, max_size=4),
    billed_w=st.floats(0.0, 9000.0),
)
@settings(max_examples=20, deadline=None)
def test_beside_others_the_import_stays_under_the_cap_or_is_theirs(
    others_w: list[float], loads_w: float, imports: list[float], billed_w: float
) -> None:
    charge = PeakCharge(name="demand", per_kw=25.0, billed_w=billed_w, windows=None)
    prices = replace(hourly_curve(imports, [0.03] * 4), peak_charges=(charge,))
    plan = solve(
        plan_problem(
            step_s=(3600,) * 4,
            prices=prices,
            current_net_load_w=loads_w,
            max_charge_w=8000.0,
            max_discharge_w=8000.0,
            import_limit_w=8000.0,
            beside=(tuple(planned(w, from_h=at) for at, w in enumerate(others_w) if w != 0.0),),
        )
    )
    for slot, other_w in zip(plan.slots, others_w, strict=True):
        import_w = loads_w + other_w + slot.power_w
        without_w = max(loads_w, loads_w + other_w, 0.0)
        for cap in plan.peak_caps:
            assert import_w <= max(cap.cap_w, without_w) + 1e-3
        if slot.power_w > 0.0:
            assert import_w <= 8000.0 + 1e-3
        if slot.power_w < 0.0 and other_w > 0.0:
            assert -slot.power_w <= max(loads_w, 0.0) + 1e-3
        if slot.power_w < 0.0:
            assert -import_w <= 4000.0 + 1e-3
