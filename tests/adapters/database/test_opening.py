"""What stands before the first write: locks, damaged files, and schemas of other versions."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect
from sqlalchemy.exc import OperationalError

import v2g_daemon.adapters.database as package
from v2g_daemon.adapters.database import engine as engines
from v2g_daemon.adapters.database import opening
from v2g_daemon.adapters.database.reader import DatabaseReader
from v2g_daemon.adapters.database.tables import metadata
from v2g_daemon.adapters.database.writer import DatabaseLedger
from v2g_daemon.domain.errors import LedgerError
from v2g_daemon.domain.interval import Interval
from v2g_daemon.domain.ledger import OverrideEvent

NOW = datetime(2024, 12, 11, 10, 0, tzinfo=UTC)
MIGRATIONS = Path(package.__file__).parent / "migrations"
ROW = OverrideEvent(
    at_utc=NOW,
    evse_id="garage",
    kind="stop",
    until_utc=datetime(2030, 1, 1, tzinfo=UTC),
    confirmed=False,
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite3"


def opened(file: Path) -> DatabaseLedger:
    return DatabaseLedger(f"sqlite:///{file}", now_utc=NOW)


def filled(file: Path, rows: int = 1) -> None:
    """A ledger with something in it, closed properly."""
    ledger = opened(file)
    for _ in range(rows):
        ledger.commit([ROW]).result(20.0)
    ledger.close()


def damaged_header(file: Path) -> None:
    file.write_bytes(b"not a database, and long enough to be asked " * 100)


def truncated(file: Path) -> None:
    filled(file)
    os.truncate(file, file.stat().st_size // 2)


def damaged_page(file: Path) -> None:
    filled(file)
    with file.open("r+b") as raw:
        raw.seek(4096)
        raw.write(b"\xff" * 4096)


@pytest.mark.parametrize("damage", [damaged_header, truncated, damaged_page])
def test_an_unreadable_ledger_is_moved_aside_and_the_house_goes_on(file: Path, damage) -> None:
    damage(file)
    before = file.read_bytes()
    ledger = opened(file)
    assert ledger.repair is not None
    aside = file.with_name("ledger.sqlite3.corrupt-20241211T100000Z")
    assert str(aside) in ledger.repair
    assert aside.read_bytes() == before
    ledger.commit([ROW]).result(20.0)
    assert len(ledger.reader().overrides(now_utc=NOW)) == 1
    ledger.close()


def test_an_empty_file_is_begun_anew_and_reported(file: Path) -> None:
    file.touch()
    ledger = opened(file)
    assert ledger.repair == f"the ledger {file} was empty and is begun anew"
    ledger.close()


def test_a_good_ledger_is_not_touched(file: Path) -> None:
    filled(file)
    ledger = opened(file)
    assert ledger.repair is None
    assert len(ledger.reader().overrides(now_utc=NOW)) == 1
    ledger.close()


def test_a_newer_schema_is_refused_without_a_write(file: Path) -> None:
    filled(file)
    with closing(sqlite3.connect(file)) as raw, raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
    before = file.read_bytes()
    with pytest.raises(LedgerError, match="schema 9999, written by another version"):
        opened(file)
    assert file.read_bytes() == before
    with pytest.raises(LedgerError, match="schema 9999"):
        opened(file)  # and the lock was let go


def test_tables_without_a_version_are_refused(file: Path) -> None:
    filled(file)
    with closing(sqlite3.connect(file)) as raw, raw:
        raw.execute("DROP TABLE alembic_version")
    with pytest.raises(LedgerError, match="schema None"):
        opened(file)


def test_migrations_lead_to_the_tables_of_this_version(file: Path) -> None:
    engine = engines.writer_engine(engines.parsed(f"sqlite:///{file}"), durable=True)
    with engine.begin() as connection:
        opening.migrate(connection, "head")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        assert opening.stored_version(connection) == opening.REVISIONS[-1]
        migrated = _schema(connection)
    engine.dispose()
    fresh = file.with_name("fresh.sqlite3")
    filled(fresh)
    engine = engines.writer_engine(engines.parsed(f"sqlite:///{fresh}"), durable=True)
    with engine.connect() as connection:
        assert _schema(connection) == migrated
    engine.dispose()


def _schema(connection) -> dict[str, object]:
    found = inspect(connection)
    return {
        name: (
            [(c["name"], str(c["type"]), c["nullable"]) for c in found.get_columns(name)],
            found.get_pk_constraint(name)["constrained_columns"],
            [key["referred_table"] for key in found.get_foreign_keys(name)],
            sorted(str(index["name"]) for index in found.get_indexes(name)),
        )
        for name in sorted(found.get_table_names())
    }


NEWEST = opening.REVISIONS[-1]
BROKEN = '''"""Breaks after its first statement."""
import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "NEWEST"


def upgrade():
    op.create_table("half", sa.Column("a", sa.Integer()))
    op.execute("INSERT INTO no_such_table VALUES (1)")
'''


def test_a_migration_that_fails_leaves_the_old_schema_whole(file: Path, tmp_path: Path) -> None:
    filled(file)
    scripts = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, scripts, ignore=shutil.ignore_patterns("__pycache__"))
    (scripts / "versions" / "r9999_broken.py").write_text(BROKEN.replace("NEWEST", NEWEST))
    engine = engines.writer_engine(engines.parsed(f"sqlite:///{file}"), durable=True)
    with pytest.raises(OperationalError, match="no_such_table"), engine.begin() as connection:
        opening.migrate(connection, "9999", scripts=scripts)
    with engine.connect() as connection:
        assert opening.stored_version(connection) == NEWEST
        assert not inspect(connection).has_table("half")
    engine.dispose()


def test_an_older_schema_is_migrated(file: Path) -> None:
    engine = engines.writer_engine(engines.parsed(f"sqlite:///{file}"), durable=True)
    with engine.begin() as connection:
        opening.migrate(connection, "0001")
        tables = ("station_event", "car_answer", "foretold")
        assert not any(inspect(connection).has_table(table) for table in tables)
    engine.dispose()
    opened(file).close()
    engine = engines.writer_engine(engines.parsed(f"sqlite:///{file}"), durable=True)
    with engine.connect() as connection:
        assert opening.stored_version(connection) == NEWEST
        assert all(inspect(connection).has_table(table) for table in tables)
    engine.dispose()


def of_the_release_before(file: Path) -> None:
    """An empty ledger as the release before begins it."""
    engine = engines.writer_engine(engines.parsed(f"sqlite:///{file}"), durable=True)
    with engine.begin() as connection:
        opening.migrate(connection, opening.REVISIONS[-2])
    engine.dispose()


def test_the_release_before_refuses_the_new_ledger_and_goes_on_with_what_was_kept(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_the_release_before(file)
    older = opening.REVISIONS[-2]
    with monkeypatch.context() as before:
        before.setattr(opening, "REVISIONS", opening.REVISIONS[:-1])
        filled(file)
    filled(file)
    kept = file.with_name(f"{file.name}.schema-{older}")
    monkeypatch.setattr(opening, "REVISIONS", opening.REVISIONS[:-1])
    with pytest.raises(LedgerError, match=f"schema {NEWEST}, .* this one knows up to {older}"):
        opened(file)
    for suffix in ("", "-wal", "-shm"):
        file.with_name(file.name + suffix).unlink(missing_ok=True)
    kept.rename(file)
    ledger = opened(file)
    with closing(sqlite3.connect(file)) as raw:
        assert raw.execute("SELECT count(*) FROM override_event").fetchone() == (1,)
    ledger.close()


def test_a_ledger_that_cannot_be_kept_is_not_migrated(file: Path) -> None:
    of_the_release_before(file)
    file.with_name(f"{file.name}.schema-{opening.REVISIONS[-2]}").mkdir()
    with pytest.raises(LedgerError, match=r"before its schema changes .*; make room"):
        opened(file)
    with closing(sqlite3.connect(file)) as raw:
        (version,) = raw.execute("SELECT version_num FROM alembic_version").fetchone()
    assert version == opening.REVISIONS[-2]


LOADED = """
import sys
from datetime import UTC, datetime
from v2g_daemon.adapters.database.writer import DatabaseLedger
ledger = DatabaseLedger(sys.argv[1], now_utc=datetime(2024, 12, 11, tzinfo=UTC))
ledger.close()
print(sorted(name for name in ("alembic", "mako", "numpy", "psycopg") if name in sys.modules))
"""


def test_starting_on_a_ledger_of_this_version_loads_no_alembic(file: Path) -> None:
    command = [sys.executable, "-c", LOADED, f"sqlite:///{file}"]
    for _ in ("first start", "second start"):
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=50)
        assert done.stdout.strip() == "[]"


def test_the_lock_names_the_process_that_holds_it(file: Path) -> None:
    ledger = opened(file)
    with pytest.raises(LedgerError, match=f"process {os.getpid()}"):
        opened(file)
    ledger.close()
    opened(file).close()


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("sqlite://", "needs a file"),
        ("sqlite:///:memory:", "needs a file"),
        ("mysql://host/ledger", "'mysql' is not supported"),
        ("ledger.sqlite3", "no database URL"),
        ("sqlite:////proc/nowhere/ledger.sqlite3", "cannot be opened"),
        ("postgresql://127.0.0.1:1/ledger", "cannot be reached"),
    ],
)
def test_a_ledger_that_cannot_be_is_refused_in_words(url: str, complaint: str) -> None:
    with pytest.raises(LedgerError, match=complaint):
        DatabaseLedger(url, now_utc=NOW)


def test_a_reader_wants_a_ledger_that_exists(file: Path) -> None:
    with pytest.raises(LedgerError, match="there is no ledger"):
        DatabaseReader.at(f"sqlite:///{file}")
    assert not file.exists()


def test_a_reader_of_a_damaged_ledger_says_so(file: Path) -> None:
    damaged_header(file)
    reader = DatabaseReader.at(f"sqlite:///{file}")
    with pytest.raises(LedgerError, match="could not be read"):
        reader.sessions(Interval(start_utc=NOW, end_utc=datetime(2025, 1, 1, tzinfo=UTC)))
