"""The recorder: the only client of ledger and trace, fed by a bounded queue."""

from __future__ import annotations

import asyncio
import logging

from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.ledger import BatchedRow, LedgerRow
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.snapshot import RecordingHealth
from v2g_daemon.ports import Clock, LedgerWriter, TraceSink
from v2g_daemon.step.house import Outcome
from v2g_daemon.trace.codec import TraceEncoder

_log = logging.getLogger(__name__)

QUEUE_LENGTH = 600


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
        self._pending: set[asyncio.Future[None]] = set()
        self._committed_at: Instant | None = None
        self._lost = 0
        self._trace_broken = False

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
            records_lost=self._lost + self._ledger.rows_lost,
        )

    async def run(self) -> None:
        """Drain the queue until cancelled; what is left is drained by `drain`."""
        while True:
            self._write(await self._queue.get())

    async def drain(self, closing: tuple[LedgerRow, ...], *, timeout_s: float) -> None:
        """At shutdown: write what is queued and what was still running, within real `timeout_s`."""
        while not self._queue.empty():
            self._write(self._queue.get_nowait())
        self._commit(closing)
        if self._pending:
            await asyncio.wait(self._pending, timeout=timeout_s)

    def _write(self, outcome: Outcome) -> None:
        self._trace_tick(outcome)
        self._commit(tuple(row for row in outcome.rows if not isinstance(row, BatchedRow)))
        self._commit(tuple(row for row in outcome.rows if isinstance(row, BatchedRow)))

    def _trace_tick(self, outcome: Outcome) -> None:
        """A tick the disk refuses is lost to the trace; the next one restates what it needs."""
        lines = self._encoder.lines(
            outcome.snapshot,
            outcome.decision,
            policy=self._policy,
            memory=outcome.memory_before,
            memory_after=outcome.memory_after,
        )
        try:
            for line in lines:
                self._trace.append(line)
        except OSError as error:
            self._encoder.restart()
            self._lost += 1
            if not self._trace_broken:
                _log.error("the trace cannot be written: %s", error)
            self._trace_broken = True
        else:
            self._trace_broken = False

    def _commit(self, rows: tuple[LedgerRow, ...]) -> None:
        """Hand rows to the ledger, which keeps what it cannot write yet and tries again."""
        if not rows:
            return
        committing = asyncio.wrap_future(self._ledger.commit(rows))
        self._pending.add(committing)
        committing.add_done_callback(self._committed)

    def _committed(self, committing: asyncio.Future[None]) -> None:
        self._pending.discard(committing)
        if committing.cancelled():
            return
        error = committing.exception()
        if error is None:
            self._committed_at = self._clock.now()
        else:
            _log.error("rows not in the ledger yet: %s", error)
