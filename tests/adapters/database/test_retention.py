"""Old telemetry goes, in batches; what is of record stays."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.builders import a_pcc_row
from v2g_daemon.adapters.database import writer
from v2g_daemon.adapters.database.writer import DatabaseLedger
from v2g_daemon.domain.errors import LedgerError
from v2g_daemon.domain.interval import Interval
from v2g_daemon.domain.ledger import StationEvent, StationEventKind, TelemetryRow

T0 = datetime(2024, 12, 11, 10, 0, tzinfo=UTC)
WAIT_S = 20.0


def minute(number: int) -> TelemetryRow:
    return TelemetryRow(
        minute_utc=T0 + timedelta(minutes=number),
        pcc_power_w=1.0,
        evse_power_w=None,
        soc=None,
        target_w=None,
    )


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[DatabaseLedger]:
    opened = DatabaseLedger(f"sqlite:///{tmp_path / 'ledger.sqlite3'}", now_utc=T0)
    yield opened
    opened.close()


def telemetry_count(ledger: DatabaseLedger) -> int:
    (row,) = ledger.reader()._read(text("SELECT count(*) AS rows FROM telemetry"))
    return int(row["rows"])


def test_telemetry_before_the_moment_goes_and_the_rest_stays(ledger: DatabaseLedger) -> None:
    ledger.commit([minute(number) for number in range(10)]).result(WAIT_S)
    ledger.drop_telemetry_before(T0 + timedelta(minutes=4)).result(WAIT_S)
    assert telemetry_count(ledger) == 6
    ledger.drop_telemetry_before(T0 + timedelta(minutes=4)).result(WAIT_S)
    assert telemetry_count(ledger) == 6


def test_what_is_of_record_stays(ledger: DatabaseLedger) -> None:
    row = a_pcc_row(Interval(start_utc=T0, end_utc=T0 + timedelta(minutes=15)), import_milliwh=1)
    ledger.commit([row, minute(0)]).result(WAIT_S)
    ledger.drop_telemetry_before(T0 + timedelta(days=365)).result(WAIT_S)
    day = Interval(start_utc=T0, end_utc=T0 + timedelta(days=1))
    assert ledger.reader().pcc_intervals(day) == (row,)
    assert telemetry_count(ledger) == 0


def test_old_security_events_go_and_the_rest_of_the_journal_stays(ledger: DatabaseLedger) -> None:
    def entry(minutes: int, kind: StationEventKind) -> StationEvent:
        return StationEvent(
            at_utc=T0 + timedelta(minutes=minutes),
            station_id="S1",
            kind=kind,
            name="wrong_password" if kind is StationEventKind.SECURITY else "evse 1",
            detail="from 10.0.0.1",
        )

    old = [entry(number, StationEventKind.SECURITY) for number in range(10)]
    kept = [entry(0, StationEventKind.TRANSACTION), entry(1, StationEventKind.LEARNED)]
    ledger.commit([*old, *kept]).result(WAIT_S)
    ledger.drop_telemetry_before(T0 + timedelta(minutes=9)).result(WAIT_S)
    rows = ledger.reader()._read(text("SELECT kind FROM station_event ORDER BY at_utc"))
    assert [row["kind"] for row in rows] == ["transaction", "learned", "security"]


def test_more_than_a_batch_goes_in_several(
    ledger: DatabaseLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "MOST_DROPPED_ROWS", 4)
    batches: list[int] = []
    dropped = writer._dropped

    def counted(engine, batch) -> int:
        batches.append(dropped(engine, batch))
        return batches[-1]

    monkeypatch.setattr(writer, "_dropped", counted)
    ledger.commit([minute(number) for number in range(11)]).result(WAIT_S)
    ledger.drop_telemetry_before(T0 + timedelta(minutes=9)).result(WAIT_S)
    assert batches == [4, 4, 1, 0, 0]  # and no security event, and nothing foretold
    assert telemetry_count(ledger) == 2


def test_a_database_that_fails_says_so_and_goes_on(ledger: DatabaseLedger) -> None:
    with ledger._fast.begin() as connection:
        connection.execute(text("ALTER TABLE telemetry RENAME TO elsewhere"))
    with pytest.raises(LedgerError, match="old telemetry stays"):
        ledger.drop_telemetry_before(T0).result(WAIT_S)
    with ledger._fast.begin() as connection:
        connection.execute(text("ALTER TABLE elsewhere RENAME TO telemetry"))
    ledger.commit([minute(0)]).result(WAIT_S)
    ledger.drop_telemetry_before(T0 + timedelta(days=1)).result(WAIT_S)
    assert telemetry_count(ledger) == 0


def test_a_closed_ledger_drops_nothing(tmp_path: Path) -> None:
    closed = DatabaseLedger(f"sqlite:///{tmp_path / 'other.sqlite3'}", now_utc=T0)
    closed.close()
    with pytest.raises(LedgerError, match="closed"):
        closed.drop_telemetry_before(T0).result(WAIT_S)
