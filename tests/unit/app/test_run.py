"""The daemon's life: what runs, how it ends, and that nothing recorded is lost by the end."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.builders import an_evse_status
from tests.unit.runtime.surroundings import (
    HandClock,
    NotingPort,
    NotingWatchdog,
    OpenLedger,
)
from tests.unit.step.news import FLAT_PRICES, a_commuters_policy
from v2g_daemon.adapters.system.trace_files import TraceFiles, read_trace, trace_paths
from v2g_daemon.adapters.system.watchdog import SystemdWatchdog
from v2g_daemon.app.composition import Parts
from v2g_daemon.app.run import run
from v2g_daemon.control.decide import decide
from v2g_daemon.domain.errors import InvariantViolated
from v2g_daemon.domain.ledger import DecisionRow, SessionRow
from v2g_daemon.domain.plan import Plan, PlanProblem
from v2g_daemon.runtime.control_loop import ControlLoop, Surroundings
from v2g_daemon.runtime.latest_values import LatestValues
from v2g_daemon.runtime.planning_desk import PlanningDesk
from v2g_daemon.runtime.recorder import Recorder
from v2g_daemon.step.house import House, Outcome
from v2g_daemon.trace.codec import TraceEncoder, decode_trace
from v2g_daemon.trace.replay import replay


class NobodyPlans:
    async def solve(self, problem: PlanProblem) -> Plan:
        raise AssertionError(problem.evse_id)


class NotedWatchdog(SystemdWatchdog):
    """Tells nobody but the test."""

    def __init__(self, events: list[str]) -> None:
        super().__init__(notify_socket=None)
        self._events = events

    def ready(self) -> None:
        self._events.append("ready")

    def stopping(self) -> None:
        self._events.append("stopping")


class SmallDaemon:
    """A loop and a recorder on real files, with the edges that a test brings along."""

    def __init__(self, folder: Path, **edges: Callable[[], Awaitable[None]]) -> None:
        self.policy = a_commuters_policy()
        self.clock = HandClock()
        self.ledger = OpenLedger()
        self.trace = TraceFiles(folder, clock=self.clock)
        self.folder = folder
        self.events: list[str] = []
        self.ticked = asyncio.Event()
        self.port = NotingPort(evse_id="carport", events=[])
        latest = LatestValues(evse_ids=["carport"])
        latest.put_evse(an_evse_status())
        latest.put_prices(FLAT_PRICES)
        recorder = Recorder(
            policy=self.policy,
            clock=self.clock,
            ledger=self.ledger,
            trace=self.trace,
            encoder=TraceEncoder(versions={"v2g-daemon": "test"}),
        )
        around = Surroundings(
            clock=self.clock,
            latest=latest,
            recorder=recorder,
            desk=PlanningDesk(planner=NobodyPlans(), latest=latest),
            ports={"carport": self.port},
            watchdog=NotingWatchdog(events=[]),
            on_tick=self._on_tick,
        )
        self.parts = Parts(
            policy=self.policy,
            clock=self.clock,
            loop=ControlLoop(policy=self.policy, house=House(), around=around),
            recorder=recorder,
            trace=self.trace,
            watchdog=NotedWatchdog(self.events),
            edges={"recorder": recorder.run, **edges},
        )
        self.ticks = 0

    def _on_tick(self, _outcome: Outcome) -> None:
        self.ticks += 1
        if self.ticks == 3:
            self.ticked.set()

    def replayed(self) -> tuple[int, bool]:
        (path,) = trace_paths(self.folder)
        result = replay(decode_trace(read_trace(path)), decide)
        return result.ticks, result.identical

    def rows(self) -> list[Any]:
        return [row for rows in self.ledger.committed for row in rows]


async def stopped_after_three_ticks(daemon: SmallDaemon) -> None:
    stop = asyncio.Event()
    async with asyncio.timeout(30.0), asyncio.TaskGroup() as tasks:
        tasks.create_task(run(daemon.parts, stop))
        await daemon.ticked.wait()
        stop.set()


async def test_a_stop_ends_everything_and_leaves_nothing_unwritten(tmp_path: Path) -> None:
    daemon = SmallDaemon(tmp_path)
    await stopped_after_three_ticks(daemon)
    assert daemon.events == ["ready", "stopping"]
    assert daemon.replayed() == (daemon.ticks, True)
    kinds = [type(row) for row in daemon.rows()]
    assert kinds.count(DecisionRow) == 1
    # Once at plug-in, and once more as what was still running.
    assert kinds.count(SessionRow) == 2


async def test_edges_are_cancelled_before_the_recorder(tmp_path: Path) -> None:
    ended: list[str] = []

    async def edge() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("edge")

    daemon = SmallDaemon(tmp_path, edge=edge)
    recording = daemon.parts.edges["recorder"]

    async def recorder() -> None:
        try:
            await recording()
        finally:
            ended.append("recorder")

    daemon.parts.edges["recorder"] = recorder
    await stopped_after_three_ticks(daemon)
    assert ended == ["edge", "recorder"]


async def test_an_edge_that_fails_does_not_end_the_loop(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def edge() -> None:
        raise OSError(errno.EADDRINUSE, "port taken")

    daemon = SmallDaemon(tmp_path, ocpp=edge)
    await stopped_after_three_ticks(daemon)
    assert daemon.ticks >= 3
    assert "ocpp failed" in caplog.text


async def test_a_loop_that_fails_ends_the_daemon_with_its_trace_written(tmp_path: Path) -> None:
    daemon = SmallDaemon(tmp_path)
    tick = daemon.parts.loop.tick

    def failing_tick() -> None:
        tick()
        if daemon.ticks == 3:
            raise ZeroDivisionError

    daemon.parts.loop.tick = failing_tick  # type: ignore[method-assign]
    with pytest.raises(ExceptionGroup) as ended:
        await run(daemon.parts, asyncio.Event())
    assert ended.group_contains(ZeroDivisionError)
    assert daemon.replayed() == (3, True)
    assert SessionRow in {type(row) for row in daemon.rows()}


async def test_a_broken_invariant_in_an_edge_ends_the_daemon(tmp_path: Path) -> None:
    async def edge() -> None:
        raise InvariantViolated("energy below 0")

    with pytest.raises(ExceptionGroup) as ended:
        await run(SmallDaemon(tmp_path, meter=edge).parts, asyncio.Event())
    assert ended.group_contains(InvariantViolated)


async def test_a_disk_that_fails_at_the_end_is_said_and_no_crash(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon = SmallDaemon(tmp_path)
    close = daemon.trace.close

    def refused() -> None:
        close()
        raise OSError(errno.ENOSPC, "no room")

    monkeypatch.setattr(daemon.trace, "close", refused)
    await stopped_after_three_ticks(daemon)
    assert "the end of the trace was lost" in caplog.text
