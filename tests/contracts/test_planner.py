"""What any planner promises: a plan for the very problem, in a process of its own or in ours."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from tests.unit.planning.problems import START_UTC, plan_problem
from v2g_daemon.adapters.system.planning_child import PlanningChild
from v2g_daemon.domain.plan import Plan, PlanProblem
from v2g_daemon.planning.plan import solve
from v2g_daemon.ports import PlannerPort


class InOurProcess:
    """Solves where it stands."""

    async def solve(self, problem: PlanProblem) -> Plan:
        return solve(problem)


@pytest.fixture(params=["child", "in our process"])
def planner(request: pytest.FixtureRequest) -> PlannerPort:
    """Each planner after the other."""
    return PlanningChild() if request.param == "child" else InOurProcess()


async def test_the_plan_is_for_the_evse_the_car_and_the_horizon_asked(
    planner: PlannerPort,
) -> None:
    problem = plan_problem()
    plan = await planner.solve(problem)
    assert (plan.evse_id, plan.vehicle_id) == ("garage", "car")
    assert plan.made_at == problem.asked_at
    assert plan.value.start_utc == START_UTC
    assert [slot.interval.start_utc for slot in plan.slots] == [
        START_UTC,
        START_UTC + timedelta(hours=1),
    ]
    assert len(plan.value.rows) == 3
    assert len(plan.export_shadow_per_kwh) == 2
    assert plan.summary


async def test_the_dear_hour_is_served_from_the_car(planner: PlannerPort) -> None:
    # 1 kW of load, 0.10 then 0.50 per kWh, a lossless 1 kW charger without wear.
    plan = await planner.solve(plan_problem())
    assert plan.slots[1].power_w == pytest.approx(-1000.0)


async def test_the_same_problem_has_the_same_plan_wherever_it_is_solved(
    planner: PlannerPort,
) -> None:
    assert await planner.solve(plan_problem()) == solve(plan_problem())


async def test_two_problems_at_once_do_not_mix(planner: PlannerPort) -> None:
    first, second = await asyncio.gather(
        planner.solve(plan_problem(evse_id="garage")), planner.solve(plan_problem(evse_id="yard"))
    )
    assert (first.evse_id, second.evse_id) == ("garage", "yard")
