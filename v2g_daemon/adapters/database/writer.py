"""The one writer: a thread that commits rows in order and acknowledges them by futures.

Rows of record are committed at once and wait for the disk. Batched rows (telemetry, decisions) are
committed every five minutes of their own stamps, without waiting, or along with the next rows of
record: a commit a minute alone would wear an SD card by 30 MiB a day. Rows that a failing database
refused are kept and written first once it recovers; their futures have failed by then.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from queue import Empty, Queue
from threading import Lock, Thread
from typing import Any

from sqlalchemy import Delete, Engine, Table, delete, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    ProgrammingError,
    SQLAlchemyError,
)

from v2g_daemon.adapters.database import engine as engines
from v2g_daemon.adapters.database import opening, tables
from v2g_daemon.adapters.database.reader import DatabaseReader
from v2g_daemon.adapters.database.translate import ORDER, to_table
from v2g_daemon.domain.errors import LedgerError
from v2g_daemon.domain.ledger import (
    BatchedRow,
    DecisionRow,
    EvseInterval,
    LedgerRow,
    PccInterval,
    StationEventKind,
)

RETRY_S = 5.0
CLOSE_TIMEOUT_S = 10.0
BATCH = timedelta(minutes=5)
MOST_KEPT_ROWS = 20_000
MOST_DROPPED_ROWS = 5_000

# A number too large for a column is no error of the database's own.
UNWRITABLE = (SQLAlchemyError, ValueError, OverflowError)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Rows to commit together, and who waits for them."""

    rows: tuple[LedgerRow, ...]
    done: Future[None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """Telemetry older than this goes; who waits for it."""

    before_utc: datetime
    done: Future[None]


class DatabaseLedger:
    """The ledger of one house; `repair` says what had to be moved aside at the start, if any."""

    def __init__(self, database_url: str, *, now_utc: datetime) -> None:
        url = engines.parsed(database_url)
        self._url = url
        self._durable = engines.writer_engine(url, durable=True)
        self._fast = engines.writer_engine(url, durable=False)
        self._lock = opening.LedgerLock(url)
        self.repair: str | None = None
        try:
            file = engines.sqlite_file(url)
            if file is not None:
                self.repair = opening.repaired(file, now_utc=now_utc)
            opening.brought_up_to_date(self._durable)
        except LedgerError:
            self._release()
            raise
        self._jobs: Queue[Job | Drop | None] = Queue()
        self._closing = Lock()
        self._closed = False
        self._kept: deque[LedgerRow] = deque()
        self._waiting: list[Job] = []
        self._waiting_written_utc: datetime | None = None
        self.rows_lost = 0
        self._thread = Thread(target=self._run, name="ledger-writer", daemon=True)
        self._thread.start()

    def commit(self, rows: Sequence[LedgerRow]) -> Future[None]:
        """Resolves when the rows are durable; LedgerError if they are not yet, or will never be."""
        return self._queued(Job(rows=tuple(rows), done=Future()))

    def drop_telemetry_before(self, moment_utc: datetime) -> Future[None]:
        """Resolves when no older telemetry, forecast or security event is left; records stay."""
        return self._queued(Drop(before_utc=moment_utc, done=Future()))

    def _queued(self, job: Job | Drop) -> Future[None]:
        with self._closing:
            if not self._closed:
                self._jobs.put(job)
                return job.done
        job.done.set_exception(LedgerError("the ledger is closed"))
        return job.done

    def seed_history(self, rows: Sequence[PccInterval | EvseInterval]) -> Future[None]:
        """Rows of a past that never was: for forecasts, never for statements or counters."""
        if not all(row.simulated for row in rows):
            raise LedgerError("seeded history must be marked simulated")
        return self.commit(rows)

    def reader(self) -> DatabaseReader:
        """A reader of the same database, for the caller's thread."""
        return DatabaseReader(self._url)

    def close(self) -> None:
        """Write what is queued, stop the thread and let go of the database."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
            self._jobs.put(None)
        self._thread.join(CLOSE_TIMEOUT_S)
        if self._thread.is_alive():
            log.error("the ledger's writer did not finish within %s s", CLOSE_TIMEOUT_S)
            return
        if self._kept:
            log.error("%d ledger rows could not be written", len(self._kept))
        self._release()

    def _release(self) -> None:
        self._durable.dispose()
        self._fast.dispose()
        self._lock.release()

    def _run(self) -> None:
        while True:
            try:
                job = self._jobs.get(timeout=RETRY_S if self._kept else None)
            except Empty:
                self._retry()
                continue
            if job is None:
                self._write_waiting()
                self._retry()
                return
            # From here on the waiter cannot cancel what may already stand in the database.
            job.done.set_running_or_notify_cancel()
            if isinstance(job, Drop):
                self._drop(job)
            elif all(isinstance(row, BatchedRow) for row in job.rows):
                self._buffer(job)
            else:
                jobs, self._waiting = [*self._waiting, job], []
                self._write(jobs, self._durable)

    def _buffer(self, job: Job) -> None:
        """Hold batched rows until five minutes of their own stamps have passed since the last."""
        self._waiting.append(job)
        stamps = [_stamp(row) for row in job.rows if isinstance(row, BatchedRow)]
        if not stamps:
            self._write_waiting()
            return
        written_utc = self._waiting_written_utc
        if written_utc is None or abs(max(stamps) - written_utc) >= BATCH:
            self._waiting_written_utc = max(stamps)
            self._write_waiting()

    def _write_waiting(self) -> None:
        jobs, self._waiting = self._waiting, []
        if jobs:
            self._write(jobs, self._fast)

    def _drop(self, job: Drop) -> None:
        """Delete in batches, so that no transaction holds up the disk for long."""
        try:
            for batch in _old(job.before_utc):
                while _dropped(self._fast, batch) >= MOST_DROPPED_ROWS:
                    pass
        except UNWRITABLE as error:
            log.error("old telemetry could not be dropped: %s", error)
            if not job.done.cancelled():
                job.done.set_exception(LedgerError(f"old telemetry stays: {error}"))
            return
        if not job.done.cancelled():
            job.done.set_result(None)

    def _write(self, jobs: list[Job], engine: Engine) -> None:
        """Commit the jobs together and tell each waiter what became of its rows."""
        rows = [row for job in jobs for row in job.rows]
        try:
            self._write_kept()
            _upsert(engine, rows)
        except UNWRITABLE as error:
            self._failed(jobs, rows, error)
            return
        for job in jobs:
            if not job.done.cancelled():
                job.done.set_result(None)

    def _failed(self, jobs: list[Job], rows: list[LedgerRow], error: Exception) -> None:
        if _may_recover(error):
            self._keep(rows)
            log.error("the ledger cannot be written and will be tried again: %s", error)
        else:
            self.rows_lost += len(rows)
            log.error("the ledger refused %d rows: %s", len(rows), error)
        for job in jobs:
            if not job.done.cancelled():
                job.done.set_exception(LedgerError(f"the ledger could not be written: {error}"))

    def _keep(self, rows: Iterable[LedgerRow]) -> None:
        """Keep rows for later; over the bound the oldest go, and are counted."""
        self._kept.extend(rows)
        while len(self._kept) > MOST_KEPT_ROWS:
            self._kept.popleft()
            self.rows_lost += 1

    def _retry(self) -> None:
        try:
            self._write_kept()
        except UNWRITABLE as error:
            log.error("the ledger still cannot be written: %s", error)

    def _write_kept(self) -> None:
        """Write the kept rows; one that will never be accepted is dropped and counted."""
        if not self._kept:
            return
        try:
            _upsert(self._durable, self._kept)
        except UNWRITABLE as error:
            if _may_recover(error):
                raise
            self._write_one_by_one()
        self._kept.clear()

    def _write_one_by_one(self) -> None:
        while self._kept:
            try:
                _upsert(self._durable, [self._kept[0]])
            except UNWRITABLE as error:
                if _may_recover(error):
                    raise
                self.rows_lost += 1
                log.error("the ledger refused a row: %s", error)
            self._kept.popleft()


def _stamp(row: BatchedRow) -> datetime:
    return row.at_utc if isinstance(row, DecisionRow) else row.minute_utc


def _may_recover(error: Exception) -> bool:
    """Whether the database failed (full, locked, gone) rather than the rows."""
    at_fault = (IntegrityError, DataError, ProgrammingError)
    return isinstance(error, DBAPIError) and not isinstance(error, at_fault)


def _old(before_utc: datetime) -> tuple[Delete, ...]:
    """A batch of each kind of row that is not kept for good."""
    return (
        _old_telemetry(before_utc),
        _old_security_events(before_utc),
        _old_foretold(before_utc),
    )


def _old_telemetry(before_utc: datetime) -> Delete:
    """One batch, the oldest first."""
    minute = tables.telemetry.c.minute_utc
    oldest = select(minute).where(minute < before_utc).order_by(minute).limit(MOST_DROPPED_ROWS)
    return delete(tables.telemetry).where(minute.in_(oldest))


def _old_security_events(before_utc: datetime) -> Delete:
    """The same of the station journal: who knocked long ago; transactions stay."""
    event = tables.station_event
    knocked = event.c.kind == StationEventKind.SECURITY.value
    before = select(event.c.at_utc).where(knocked, event.c.at_utc < before_utc)
    oldest = before.order_by(event.c.at_utc).limit(MOST_DROPPED_ROWS)
    return delete(event).where(knocked, event.c.at_utc.in_(oldest))


def _old_foretold(before_utc: datetime) -> Delete:
    """The same of what was foretold of quarter hours long past."""
    start = tables.foretold.c.start_utc
    oldest = select(start).where(start < before_utc).order_by(start).limit(MOST_DROPPED_ROWS)
    return delete(tables.foretold).where(start.in_(oldest))


def _dropped(engine: Engine, batch: Delete) -> int:
    """How many rows the batch was."""
    with engine.begin() as connection:
        return int(connection.execute(batch).rowcount)


def _upsert(engine: Engine, rows: Iterable[LedgerRow]) -> None:
    """Write all rows in one transaction, each over a row of the same key."""
    grouped: dict[Table, list[dict[str, Any]]] = {}
    for row in rows:
        table, columns = to_table(row)
        grouped.setdefault(table, []).append(columns)
    insert = sqlite_insert if engine.dialect.name == "sqlite" else postgresql_insert
    with engine.begin() as connection:
        for table in ORDER:
            if table not in grouped:
                continue
            statement = insert(table)
            keys = [column.name for column in table.primary_key]
            changed = {
                column.name: statement.excluded[column.name]
                for column in table.columns
                if column.name not in keys
            }
            connection.execute(
                statement.on_conflict_do_update(index_elements=keys, set_=changed),
                grouped[table],
            )
