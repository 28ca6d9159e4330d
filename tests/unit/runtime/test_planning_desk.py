"""The planning desk: one problem at a time, the newest of each EVSE, never in the way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest

from tests.builders import NOW, a_plan
from tests.unit.step.news import played, some_news
from v2g_daemon.domain.errors import PlanningFailed
from v2g_daemon.domain.plan import Plan, PlanProblem
from v2g_daemon.domain.snapshot import RecordingHealth
from v2g_daemon.runtime.latest_values import LatestValues
from v2g_daemon.runtime.planning_desk import PlanningDesk
from v2g_daemon.step.news import News


@dataclass(slots=True, kw_only=True)
class SlowPlanner:
    """Solves when it is let; fails for EVSEs in `failing`, breaks for those in `breaking`."""

    let: asyncio.Event = field(default_factory=asyncio.Event)
    failing: tuple[str, ...] = ()
    breaking: tuple[str, ...] = ()
    solved: list[tuple[str, float]] = field(default_factory=list)
    at_work: int = 0
    most_at_work: int = 0

    async def solve(self, problem: PlanProblem) -> Plan:
        self.at_work += 1
        self.most_at_work = max(self.most_at_work, self.at_work)
        await self.let.wait()
        self.at_work -= 1
        self.solved.append((problem.evse_id, problem.unmet_goal_per_kwh))
        if problem.evse_id in self.failing:
            raise PlanningFailed("exit status 65: no")
        if problem.evse_id in self.breaking:
            raise RuntimeError("nobody foresaw this")
        return a_plan(evse_id=problem.evse_id)


def a_problem(evse_id: str = "carport", mark: float = 5.0) -> PlanProblem:
    """A real problem; `mark` tells two of one EVSE apart."""
    _, (outcome,) = played([some_news()])
    return replace(outcome.problems[0], evse_id=evse_id, unmet_goal_per_kwh=mark)


def frozen(latest: LatestValues) -> News:
    health = RecordingHealth(last_durable_at=None, queue_full=False, records_lost=0)
    return latest.freeze(now=NOW, clock_trusted=True, recording=health)


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


@asynccontextmanager
async def running(desk: PlanningDesk) -> AsyncIterator[None]:
    task = asyncio.create_task(desk.run())
    await settled()
    yield
    task.cancel()
    await asyncio.wait([task])


@pytest.fixture
def latest() -> LatestValues:
    return LatestValues(evse_ids=["carport", "yard"])


async def test_an_answer_comes_as_news(latest: LatestValues) -> None:
    planner = SlowPlanner()
    desk = PlanningDesk(planner=planner, latest=latest)
    async with running(desk):
        desk.pose(a_problem())
        await settled()
        assert frozen(latest).plans == ()
        planner.let.set()
        await settled()
    assert frozen(latest).plans == (a_plan(),)


async def test_a_newer_problem_replaces_the_one_that_waits(latest: LatestValues) -> None:
    planner = SlowPlanner()
    desk = PlanningDesk(planner=planner, latest=latest)
    async with running(desk):
        desk.pose(a_problem("yard", 1.0))
        await settled()
        for mark in (2.0, 3.0, 4.0):
            desk.pose(a_problem("carport", mark))
        desk.pose(a_problem("yard", 5.0))
        planner.let.set()
        await settled()
    assert planner.solved == [("yard", 1.0), ("carport", 4.0), ("yard", 5.0)]
    assert planner.most_at_work == 1


async def test_a_failure_is_reported_and_the_next_problem_solved(
    latest: LatestValues, caplog: pytest.LogCaptureFixture
) -> None:
    planner = SlowPlanner(failing=("carport",))
    planner.let.set()
    desk = PlanningDesk(planner=planner, latest=latest)
    async with running(desk):
        desk.pose(a_problem("carport"))
        desk.pose(a_problem("yard"))
        await settled()
    news = frozen(latest)
    assert news.failed_plans == ("carport",)
    assert [plan.evse_id for plan in news.plans] == ["yard"]
    assert "no plan for carport: exit status 65: no" in caplog.text


async def test_what_waited_is_answered_first_by_a_desk_that_was_restarted(
    latest: LatestValues,
) -> None:
    planner = SlowPlanner(breaking=("carport",))
    planner.let.set()
    desk = PlanningDesk(planner=planner, latest=latest)
    desk.pose(a_problem("carport"))
    desk.pose(a_problem("yard"))
    with pytest.raises(RuntimeError):
        await desk.run()
    async with running(desk):
        await settled()
    assert [plan.evse_id for plan in frozen(latest).plans] == ["yard"]
