"""Money and time as exact integers in the file."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy.dialects import sqlite

from v2g_daemon.adapters.database.types import Money, UtcMoment
from v2g_daemon.adapters.database.writer import DatabaseLedger
from v2g_daemon.domain.interval import Interval
from v2g_daemon.domain.ledger import PccInterval

SQLITE = sqlite.dialect()


@pytest.mark.parametrize(
    ("amount", "micros"),
    [("0.000001", 1), ("-0.5", -500_000), ("92233720368.547758", 92233720368547758)],
)
def test_money_is_a_whole_number_of_micro_units(amount: str, micros: int) -> None:
    assert Money().process_bind_param(Decimal(amount), SQLITE) == micros
    assert Money().process_result_value(micros, SQLITE) == Decimal(amount)


def test_money_finer_than_that_is_refused() -> None:
    with pytest.raises(ValueError, match="finer"):
        Money().process_bind_param(Decimal("0.0000001"), SQLITE)


def test_time_is_a_whole_number_of_microseconds_of_utc() -> None:
    moment = datetime(1970, 1, 1, 2, 0, 0, 7, tzinfo=timezone(timedelta(hours=1)))
    assert UtcMoment().process_bind_param(moment, SQLITE) == 3_600_000_007
    assert UtcMoment().process_result_value(3_600_000_007, SQLITE) == moment
    with pytest.raises(ValueError, match="without a zone"):
        UtcMoment().process_bind_param(moment.replace(tzinfo=None), SQLITE)


def test_the_file_holds_integers(tmp_path: Path) -> None:
    file = tmp_path / "ledger.sqlite3"
    start_utc = datetime(2024, 12, 11, 10, 0, tzinfo=UTC)
    ledger = DatabaseLedger(f"sqlite:///{file}", now_utc=start_utc)
    ledger.commit(
        [
            PccInterval(
                interval=Interval(start_utc=start_utc, end_utc=start_utc + timedelta(minutes=15)),
                import_milliwh=1,
                export_milliwh=2,
                pv_milliwh=None,
                import_register_milliwh=None,
                export_register_milliwh=None,
                estimated=False,
                import_per_kwh=Decimal("0.873"),
                export_per_kwh=None,
                currency="EUR",
            )
        ]
    ).result(20.0)
    ledger.close()
    with closing(sqlite3.connect(file)) as raw:
        found = raw.execute(
            "SELECT start_utc, typeof(start_utc), import_per_kwh, typeof(import_per_kwh), "
            "export_per_kwh FROM pcc_interval"
        ).fetchone()
        mode = raw.execute("PRAGMA journal_mode").fetchone()[0]
    assert found == (1_733_911_200_000_000, "integer", 873_000, "integer", None)
    assert mode == "wal"
