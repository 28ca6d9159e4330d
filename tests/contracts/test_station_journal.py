"""The station journal over a real ledger: durable before it says so, and there after a restart."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from v2g_daemon.adapters.database.writer import DatabaseLedger
from v2g_daemon.domain.errors import LedgerError
from v2g_daemon.domain.ledger import StationEvent, StationEventKind
from v2g_daemon.runtime.station_journal import LedgerStationJournal

NOW = datetime(2024, 12, 11, 17, 0, tzinfo=UTC)
TRANSACTION = StationEventKind.TRANSACTION


def event(detail: str, *, name: str = "evse 1", after_s: int = 0) -> StationEvent:
    return StationEvent(
        at_utc=NOW + timedelta(seconds=after_s),
        station_id="S1",
        kind=TRANSACTION,
        name=name,
        detail=detail,
    )


def opened(folder: Path) -> DatabaseLedger:
    return DatabaseLedger(f"sqlite:///{folder / 'ledger.db'}", now_utc=NOW)


async def test_what_was_kept_is_there_after_a_restart_and_the_newest_of_a_name_holds(
    tmp_path: Path,
) -> None:
    ledger = opened(tmp_path)
    journal = LedgerStationJournal(ledger, newest=())
    assert await journal.keep(event("first"))
    assert await journal.keep(event("second", after_s=1))
    journal.note(event("other", name="evse 2"))
    await asyncio.to_thread(ledger.close)
    again = opened(tmp_path)
    recalled = LedgerStationJournal(again, newest=again.reader().newest_station_events())
    assert recalled.newest("S1", TRANSACTION, "evse 1") == event("second", after_s=1)
    assert recalled.newest("S1", TRANSACTION, "evse 2") == event("other", name="evse 2")
    assert recalled.newest("S2", TRANSACTION, "evse 1") is None
    assert recalled.newest("S1", StationEventKind.SECURITY, "evse 1") is None
    await asyncio.to_thread(again.close)


class BrokenLedger:
    """Refuses every row, or never answers."""

    rows_lost = 0

    def __init__(self, *, silent: bool) -> None:
        self._silent = silent

    def commit(self, rows: object) -> Future[None]:
        del rows
        done: Future[None] = Future()
        if not self._silent:
            done.set_exception(LedgerError("disk full"))
        return done


@pytest.mark.parametrize("silent", [False, True])
async def test_what_is_not_durable_is_said_so_and_known_all_the_same(
    silent: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("v2g_daemon.runtime.station_journal.KEEP_TIMEOUT_S", 0.05)
    journal = LedgerStationJournal(BrokenLedger(silent=silent), newest=())
    assert not await journal.keep(event("first"))
    journal.note(event("second", after_s=1))
    assert journal.newest("S1", TRANSACTION, "evse 1") == event("second", after_s=1)
    assert "evse 1 of S1 is not in the ledger yet" in caplog.text
