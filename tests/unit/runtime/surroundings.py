"""The world around the runtime, moved and watched by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import timedelta

from tests.builders import NOW, a_policy
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.ledger import LedgerRow
from v2g_daemon.domain.outlook import Outlook
from v2g_daemon.domain.setpoint import Command
from v2g_daemon.runtime.recorder import Recorder
from v2g_daemon.trace.codec import TraceEncoder


class OverAndOut(Exception):
    """The hand-moved clock has reached its end."""


@dataclass(slots=True, kw_only=True)
class HandClock:
    """Starts at NOW; time passes in `sleep` and where a test says so."""

    until_s: float = float("inf")
    passed_s: float = 0.0
    slept_s: list[float] = field(default_factory=list)

    def now(self) -> Instant:
        return Instant(
            utc=NOW.utc + timedelta(seconds=self.passed_s),
            monotonic_s=NOW.monotonic_s + self.passed_s,
        )

    async def sleep(self, seconds_s: float) -> None:
        self.slept_s.append(seconds_s)
        self.passed_s += max(seconds_s, 0.0)
        await asyncio.sleep(0)
        if self.passed_s >= self.until_s:
            raise OverAndOut

    def trusted(self) -> bool:
        return True


@dataclass(slots=True, kw_only=True)
class OpenLedger:
    """Notes what is committed; a test resolves the futures, or `at_once` does."""

    at_once: bool = True
    committed: list[tuple[LedgerRow, ...]] = field(default_factory=list)
    futures: list[Future[None]] = field(default_factory=list)
    rows_lost: int = 0

    def commit(self, rows: Sequence[LedgerRow]) -> Future[None]:
        self.committed.append(tuple(rows))
        future: Future[None] = Future()
        self.futures.append(future)
        if self.at_once:
            future.set_result(None)
        return future


@dataclass(slots=True, kw_only=True)
class OpenTrace:
    """Keeps the lines; refuses them while `full`."""

    lines: list[bytes] = field(default_factory=list)
    last_flushed_at: Instant | None = None
    full: bool = False

    def append(self, line: bytes) -> None:
        if self.full:
            raise OSError(28, "No space left on device")
        self.lines.append(line)


@dataclass(slots=True, kw_only=True)
class NotingPort:
    """An EVSE that notes what it is told, and in which order among `events`."""

    evse_id: str
    events: list[str]
    commands: list[Command] = field(default_factory=list)
    outlooks: list[Outlook | None] = field(default_factory=list)

    def command(self, command: Command) -> None:
        self.commands.append(command)
        self.events.append(f"command {self.evse_id}")

    def outlook(self, outlook: Outlook | None) -> None:
        self.outlooks.append(outlook)


@dataclass(slots=True, kw_only=True)
class NotingWatchdog:
    """A watchdog that notes when it is fed."""

    events: list[str]

    def fed(self) -> None:
        self.events.append("fed")


def a_recorder(clock: HandClock, ledger: OpenLedger, trace: OpenTrace) -> Recorder:
    return Recorder(
        policy=a_policy(),
        clock=clock,
        ledger=ledger,
        trace=trace,
        encoder=TraceEncoder(versions={"v2g-daemon": "test"}),
    )
