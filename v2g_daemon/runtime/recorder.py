"""The recorder: the only client of ledger and trace, fed by a bounded queue."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Future

from v2g_daemon.domain.errors import LedgerError
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.ledger import LedgerRow
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.snapshot import RecordingHealth
from v2g_daemon.ports import Clock, LedgerWriter, TraceSink
from v2g_daemon.step.house import Outcome
from v2g_daemon.trace.codec import TraceEncoder

_log = logging.getLogger(__name__)

QUEUE_LENGTH = 600
UNCOMMITTED_ROWS = 20_000


class Recorder:
    """Takes outcomes without blocking; overflow is counted and shown as a fault."""

    def __init__(
        self,
        *,
        policy: Policy,
        clock: Clock,
        ledger: LedgerWriter,
        trace: TraceSink,
        encoder: TraceEncoder,
    ) -> None:
        self._policy = policy
        self._clock = clock
        self._ledger = ledger
        self._trace = trace
        self._encoder = encoder
        self._queue: asyncio.Queue[Outcome] = asyncio.Queue(maxsize=QUEUE_LENGTH)
        self._uncommitted: list[LedgerRow] = []
        self._commit: asyncio.Future[None] | None = None
        self._committed_at: Instant | None = None
        self._lost = 0

    def record(self, outcome: Outcome) -> None:
        """Enqueue; a full queue loses the outcome and says so."""
        try:
            self._queue.put_nowait(outcome)
        except asyncio.QueueFull:
            self._lost += 1

    def health(self) -> RecordingHealth:
        """When something last became durable; the trace counts as much as the ledger."""
        flushed_at = self._trace.last_flushed_at
        known = [at for at in (flushed_at, self._committed_at) if at is not None]
        return RecordingHealth(
            last_durable_at=max(known, key=lambda at: at.monotonic_s, default=None),
            queue_full=self._queue.full(),
            records_lost=self._lost,
        )

    async def run(self) -> None:
        """Drain the queue until cancelled; what is left is drained by `drain`."""
        while True:
            self._write(await self._queue.get())

    async def drain(self, closing: tuple[LedgerRow, ...], *, timeout_s: float) -> None:
        """At shutdown: write what is queued and commit everything, within real `timeout_s`."""
        while not self._queue.empty():
            self._write(self._queue.get_nowait())
        self._uncommitted.extend(closing)
        async with asyncio.timeout(timeout_s):
            while self._uncommitted or self._commit is not None:
                self._start_commit()
                if self._commit is not None:
                    await asyncio.wait([self._commit])
                await asyncio.sleep(0)

    def _write(self, outcome: Outcome) -> None:
        for line in self._encoder.lines(
            outcome.snapshot,
            outcome.decision,
            policy=self._policy,
            memory=outcome.memory_before,
            memory_after=outcome.memory_after,
        ):
            self._trace.append(line)
        if outcome.rows:
            self._uncommitted.extend(outcome.rows)
            excess = len(self._uncommitted) - UNCOMMITTED_ROWS
            if excess > 0:
                del self._uncommitted[:excess]
                self._lost += excess
        self._start_commit()

    def _start_commit(self) -> None:
        """One commit in flight; a failed one's rows are tried again with the next."""
        if self._commit is not None or not self._uncommitted:
            return
        rows = tuple(self._uncommitted)
        self._uncommitted.clear()
        pending: Future[None] = self._ledger.commit(rows)
        self._commit = asyncio.wrap_future(pending)
        self._commit.add_done_callback(self._on_done(rows))

    def _on_done(self, rows: tuple[LedgerRow, ...]) -> Callable[[asyncio.Future[None]], None]:
        def done(future: asyncio.Future[None]) -> None:
            self._commit = None
            if future.cancelled():
                return
            error = future.exception()
            if error is None:
                self._committed_at = self._clock.now()
            elif isinstance(error, LedgerError):
                _log.error("%d rows could not be committed: %s", len(rows), error)
                self._uncommitted[:0] = rows
            else:
                raise error

        return done
