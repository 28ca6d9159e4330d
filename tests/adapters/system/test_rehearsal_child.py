"""A strategy in a process of its own: its answer, its last words, its end when cancelled."""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import date
from pathlib import Path

import pytest

from tests.adapters.waiting import until
from tests.unit.rehearsal.weeks import days_from
from v2g_daemon.adapters.system.rehearsal_child import RehearsalChild
from v2g_daemon.domain.errors import RehearsalFailed
from v2g_daemon.planning.plan import advise
from v2g_daemon.rehearsal.job import Job, run
from v2g_daemon.rehearsal.knowledge import Knowledge
from v2g_daemon.rehearsal.strategies import Strategy
from v2g_daemon.rehearsal_worker import foreseen


def a_job(strategy: Strategy) -> Job:
    return days_from("nl2024pv", date(2024, 6, 8), 2).job(strategy, Knowledge.TOLD)


def child_that(code: str, *arguments: str) -> RehearsalChild:
    return RehearsalChild(command=(sys.executable, "-c", code, *arguments))


@pytest.mark.parametrize("strategy", [Strategy.V2G, Strategy.PERFECT], ids=lambda one: one.value)
async def test_the_answer_is_that_of_this_process_to_the_last_bit(strategy: Strategy) -> None:
    told: list[int] = []
    ran = await RehearsalChild().run(a_job(strategy), told.append)
    here = run(a_job(strategy), planner=advise, foresight=foreseen, progress=lambda slots: None)
    assert ran == here
    assert told == [192]


async def test_the_relaxation_is_asked_for_in_the_same_way() -> None:
    found = await RehearsalChild().relaxed_net_cost(a_job(Strategy.PERFECT))
    assert found is not None


async def test_a_child_that_dies_tells_its_last_words() -> None:
    with pytest.raises(RehearsalFailed, match="v2g: exit status 3: no more memory"):
        await child_that("import sys; print('no more memory', file=sys.stderr); sys.exit(3)").run(
            a_job(Strategy.V2G), lambda slots: None
        )


async def test_a_child_without_an_answer_failed() -> None:
    with pytest.raises(RehearsalFailed, match="exit status 0"):
        await child_that("print('{}')").run(a_job(Strategy.V2G), lambda slots: None)


async def test_an_answer_of_another_shape_is_not_taken() -> None:
    with pytest.raises(RehearsalFailed, match="v2g: unreadable"):
        await child_that("""print('{"ran": {"setpoint_w": 1}}')""").run(
            a_job(Strategy.V2G), lambda slots: None
        )


async def test_a_child_that_cannot_start_is_a_failure() -> None:
    with pytest.raises(RehearsalFailed, match="did not start"):
        await RehearsalChild(command=("/nowhere/python",)).run(
            a_job(Strategy.V2G), lambda slots: None
        )


async def test_who_cancels_ends_the_child(tmp_path: Path) -> None:
    place = tmp_path / "pid"
    code = "import os, sys, time; open(sys.argv[1], 'w').write(f'{os.getpid()}\\n'); time.sleep(99)"
    asking = asyncio.create_task(
        child_that(code, str(place)).run(a_job(Strategy.PLAIN), lambda slots: None)
    )
    await until(lambda: place.exists() and place.read_text().endswith("\n"), timeout_s=30.0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    with pytest.raises(ProcessLookupError):
        os.kill(int(place.read_text()), 0)


async def test_a_job_that_cannot_be_read_is_refused() -> None:
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "v2g_daemon.rehearsal_worker",
        stdin=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, said = await worker.communicate(b'{"strategy":"v3g"}')
    assert worker.returncode == os.EX_DATAERR
    assert said.startswith(b"rehearsal job cannot be read: ")
