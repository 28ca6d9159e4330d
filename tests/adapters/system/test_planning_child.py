"""The planning child as the daemon knows it: a process of its own that may do anything at all."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from pathlib import Path

import pytest

from tests.unit.planning.problems import plan_problem
from v2g_daemon.adapters.system.planning_child import PlanningChild
from v2g_daemon.domain.errors import PlanningFailed
from v2g_daemon.domain.plan import Plan
from v2g_daemon.planning.plan import solve


def running(script: str, *, deadline_s: float = 30.0) -> PlanningChild:
    """A child that runs this Python instead of the planner."""
    return PlanningChild(deadline_s=deadline_s, command=(sys.executable, "-c", script))


async def refused(child: PlanningChild) -> str:
    with pytest.raises(PlanningFailed) as failed:
        await child.solve(plan_problem())
    return str(failed.value)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_the_child_plans_what_the_planner_plans() -> None:
    plan = await PlanningChild().solve(plan_problem())
    assert isinstance(plan, Plan)
    assert plan == solve(plan_problem())


async def test_a_child_past_its_deadline_is_killed(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    script = (
        "import os, pathlib, time\n"
        f"pathlib.Path({str(pid_file)!r}).write_text(str(os.getpid()))\n"
        "time.sleep(60)"
    )
    started_s = time.monotonic()
    assert await refused(running(script, deadline_s=4.0)) == "no plan within 4 s"
    assert time.monotonic() - started_s < 30.0
    assert not alive(int(pid_file.read_text()))


async def test_a_daemon_that_stops_takes_its_child_along(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    script = (
        "import os, pathlib, time\n"
        f"pathlib.Path({str(pid_file)!r}).write_text(str(os.getpid()))\n"
        "time.sleep(60)"
    )
    solving = asyncio.create_task(running(script).solve(plan_problem()))
    async with asyncio.timeout(30.0):
        while not pid_file.exists() or not pid_file.read_text():  # noqa: ASYNC110 - a file
            await asyncio.sleep(0.02)
    solving.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await solving
    assert not alive(int(pid_file.read_text()))


async def test_the_last_words_of_a_child_that_fails_are_told() -> None:
    script = "import sys; print('first', file=sys.stderr); sys.exit('out of ideas')"
    assert await refused(running(script)) == "exit status 1: out of ideas"


async def test_a_child_that_dies_of_a_signal_is_a_failed_plan() -> None:
    script = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    assert await refused(running(script)) == "exit status -9: "


async def test_a_child_that_talks_nonsense_is_a_failed_plan() -> None:
    said = await refused(running("print('{\"plan\": 1}')"))
    assert said.startswith("the child's plan cannot be read: ")


async def test_a_child_that_does_not_listen_is_a_failed_plan() -> None:
    said = await refused(running("import os; os.close(0); print('none')"))
    assert said.startswith("the child's plan cannot be read: ")


async def test_a_child_that_cannot_be_started_is_a_failed_plan() -> None:
    nowhere = PlanningChild(command=("/nowhere/planner",))
    said = await refused(nowhere)
    assert said.startswith("the planning child did not start: ")
