"""The supervisor: what it outlives, what it passes on, and how patiently."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable

import pytest

from v2g_daemon.domain.errors import DeviceUnreachable, InvariantViolated
from v2g_daemon.runtime.supervisor import supervise


class OverAndOut(BaseException):
    """The test has seen enough; no `except Exception` holds it."""


@pytest.fixture
def pauses_s(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses between starts, without waiting for them."""
    noted: list[float] = []
    real_sleep = asyncio.sleep

    async def sleep(seconds_s: float) -> None:
        noted.append(seconds_s)
        await real_sleep(0)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    monkeypatch.setattr(random, "uniform", lambda low, high: (low + high) / 2.0)
    return noted


def failing(times: int, error: Callable[[], Exception]) -> Callable[[], Awaitable[None]]:
    """A task that fails so often before the test ends it."""
    left = [times]

    async def task() -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OverAndOut
        raise error()

    return task


async def test_a_failing_task_is_started_again_after_a_growing_pause(
    pauses_s: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(OverAndOut):
        await supervise("meter", failing(9, lambda: DeviceUnreachable("no route")))
    assert pauses_s == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]
    assert caplog.text.count("meter failed") == 9
    assert "no route" in caplog.text


async def test_an_unforeseen_error_is_outlived_as_well(pauses_s: list[float]) -> None:
    with pytest.raises(OverAndOut):
        await supervise("meter", failing(2, ZeroDivisionError))
    assert len(pauses_s) == 2


async def test_pauses_are_spread_by_a_fifth_either_way(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[float, float]] = []

    def uniform(low: float, high: float) -> float:
        asked.append((low, high))
        return 0.0

    monkeypatch.setattr(random, "uniform", uniform)
    with pytest.raises(OverAndOut):
        await supervise("meter", failing(1, ValueError))
    assert asked == [(0.8, 1.2)]


async def test_a_task_that_held_for_five_minutes_starts_from_a_short_pause(
    pauses_s: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    starts = [0]
    now_s = [0.0]
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(loop, "time", lambda: now_s[0])

    async def task() -> None:
        starts[0] += 1
        if starts[0] == 4:
            now_s[0] += 301.0
        if starts[0] == 6:
            raise OverAndOut
        raise ValueError

    with pytest.raises(OverAndOut):
        await supervise("meter", task)
    assert pauses_s == [0.5, 1.0, 2.0, 0.5, 1.0]


async def test_a_task_that_ends_by_itself_is_started_again_and_said_so(
    pauses_s: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    runs = [0]

    async def task() -> None:
        runs[0] += 1
        if runs[0] == 3:
            raise OverAndOut

    with caplog.at_level(logging.WARNING), pytest.raises(OverAndOut):
        await supervise("prices", task)
    assert runs == [3]
    assert caplog.text.count("prices ended by itself") == 2


async def test_a_broken_invariant_is_passed_on(pauses_s: list[float]) -> None:
    with pytest.raises(InvariantViolated, match="below 0"):
        await supervise("meter", failing(1, lambda: InvariantViolated("energy below 0")))
    assert pauses_s == []


async def test_cancellation_is_passed_on() -> None:
    started = asyncio.Event()

    async def task() -> None:
        started.set()
        await asyncio.Event().wait()

    supervised = asyncio.create_task(supervise("meter", task))
    await started.wait()
    supervised.cancel()
    await asyncio.wait([supervised])
    assert supervised.cancelled()


async def test_a_broken_invariant_inside_a_task_group_is_passed_on_as_well(
    pauses_s: list[float],
) -> None:
    async def broken() -> None:
        raise InvariantViolated("a negative limit")

    async def grouped() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(broken())

    with pytest.raises(ExceptionGroup) as found:
        await supervise("ocpp", grouped)
    assert found.group_contains(InvariantViolated)
    assert pauses_s == []
