"""A database that fails for a while loses no row; nor does a process that is killed."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from v2g_daemon.adapters.database import engine, writer
from v2g_daemon.adapters.database.writer import DatabaseLedger
from v2g_daemon.domain.errors import LedgerError
from v2g_daemon.domain.ledger import OverrideEvent

NOW = datetime(2024, 12, 11, 10, 0, tzinfo=UTC)


def row(number: int) -> OverrideEvent:
    return OverrideEvent(
        at_utc=NOW + timedelta(seconds=number),
        evse_id=f"evse-{number}",
        kind="stop",
        until_utc=NOW + timedelta(days=1),
        confirmed=False,
    )


def count(file: Path) -> int:
    with closing(sqlite3.connect(file)) as raw:
        return int(raw.execute("SELECT count(*) FROM override_event").fetchone()[0])


@pytest.fixture
def locked_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A ledger, and a foreign connection that can take its file's write lock."""
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_MS", 50)
    monkeypatch.setattr(writer, "RETRY_S", 0.05)
    file = tmp_path / "ledger.sqlite3"
    ledger = DatabaseLedger(f"sqlite:///{file}", now_utc=NOW)
    with closing(sqlite3.connect(file, isolation_level=None)) as foreign:
        yield ledger, foreign, file
    ledger.close()


def test_rows_refused_by_a_locked_database_are_written_once_it_recovers(locked_out) -> None:
    ledger, foreign, file = locked_out
    foreign.execute("BEGIN IMMEDIATE")
    with pytest.raises(LedgerError, match="locked"):
        ledger.commit([row(0)]).result(20.0)
    with pytest.raises(LedgerError, match="locked"):
        ledger.commit([row(1)]).result(20.0)
    foreign.execute("ROLLBACK")
    ledger.commit([row(2)]).result(20.0)
    assert count(file) == 3
    assert ledger.rows_lost == 0


def test_a_recovered_database_is_written_without_being_asked(locked_out) -> None:
    ledger, foreign, file = locked_out
    foreign.execute("BEGIN IMMEDIATE")
    with pytest.raises(LedgerError):
        ledger.commit([row(0)]).result(20.0)
    foreign.execute("ROLLBACK")
    deadline_s = time.monotonic() + 20.0
    while count(file) == 0 and time.monotonic() < deadline_s:
        time.sleep(0.02)
    assert count(file) == 1


def test_what_is_kept_for_later_is_bounded_and_counted(
    locked_out, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger, foreign, file = locked_out
    monkeypatch.setattr(writer, "MOST_KEPT_ROWS", 3)
    foreign.execute("BEGIN IMMEDIATE")
    with pytest.raises(LedgerError):
        ledger.commit([row(number) for number in range(5)]).result(20.0)
    foreign.execute("ROLLBACK")
    ledger.commit([row(9)]).result(20.0)
    assert (count(file), ledger.rows_lost) == (4, 2)


def test_a_waiter_that_gave_up_stops_nobody(locked_out) -> None:
    ledger, foreign, file = locked_out
    foreign.execute("BEGIN IMMEDIATE")
    first, second = ledger.commit([row(0)]), ledger.commit([row(1)])
    second.cancel()
    with pytest.raises(LedgerError):
        first.result(20.0)
    foreign.execute("ROLLBACK")
    ledger.commit([row(2)]).result(20.0)
    assert count(file) == 3


WRITES = """
import sys
from datetime import UTC, datetime, timedelta
from v2g_daemon.adapters.database.writer import DatabaseLedger
from v2g_daemon.domain.ledger import OverrideEvent

now = datetime(2024, 12, 11, 10, 0, tzinfo=UTC)
ledger = DatabaseLedger(sys.argv[1], now_utc=now)
for number in range(int(sys.argv[2]), 10**9):
    ledger.commit([OverrideEvent(at_utc=now + timedelta(seconds=number), evse_id=f"evse-{number}",
        kind="stop", until_utc=now + timedelta(days=1), confirmed=False)]).result()
    print(number, flush=True)
"""


def test_a_killed_process_loses_no_row_that_was_acknowledged(tmp_path: Path) -> None:
    file = tmp_path / "ledger.sqlite3"
    rng = random.Random(20241211)
    acknowledged: set[int] = set()
    for _ in range(5):
        following = max(acknowledged, default=-1) + 1
        command = [sys.executable, "-c", WRITES, f"sqlite:///{file}", str(following)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            acknowledged.add(int(process.stdout.readline()))
            time.sleep(rng.uniform(0.0, 0.15))
            process.send_signal(signal.SIGKILL)
            acknowledged.update(int(line) for line in process.stdout if line.endswith("\n"))
        with closing(sqlite3.connect(file)) as raw:
            assert raw.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
            found = raw.execute("SELECT evse_id FROM override_event").fetchall()
        stored = [int(name.removeprefix("evse-")) for (name,) in found]
        assert len(stored) == len(set(stored))
        assert acknowledged <= set(stored)
    assert len(acknowledged) > 5
    ledger = DatabaseLedger(f"sqlite:///{file}", now_utc=NOW)
    assert ledger.repair is None
    ledger.close()
