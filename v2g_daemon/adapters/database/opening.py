"""Before the first write: one daemon per ledger, a readable file, this version's schema."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from contextlib import closing
from datetime import datetime
from importlib.resources import as_file, files
from pathlib import Path
from typing import IO

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError

from v2g_daemon.adapters.database.engine import sqlite_file, writer_engine
from v2g_daemon.adapters.database.tables import metadata
from v2g_daemon.domain.errors import LedgerError

# In order; the last one is what tables.py says.
REVISIONS = ("0001", "0002", "0003", "0005", "0006", "0007", "0008", "0009")
VERSION_TABLE = "alembic_version"
# Checking every page of a large file would hold up the start.
LARGEST_CHECKED_BYTES = 256 * 1024 * 1024
ADVISORY_LOCK_KEY = 0x7632675F


class LedgerLock:
    """One daemon per ledger: a locked file beside SQLite's, an advisory lock in PostgreSQL."""

    def __init__(self, url: URL) -> None:
        self._file: IO[str] | None = None
        self._engine: Engine | None = None
        file = sqlite_file(url)
        if file is None:
            self._lock_server(writer_engine(url, durable=False))
        else:
            self._lock_file(file)

    def release(self) -> None:
        """Let another daemon have the ledger."""
        if self._file is not None:
            self._file.close()
        if self._engine is not None:
            self._engine.dispose()

    def _lock_file(self, file: Path) -> None:
        path = file.with_name(file.name + ".lock")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Appending leaves the other daemon's number to be read.
            self._file = path.open("a+", encoding="ascii")
        except OSError as error:
            raise LedgerError(f"the ledger's lock {path} cannot be opened: {error}") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.seek(0)
            holder = self._file.read().strip()
            self._file.close()
            raise LedgerError(
                f"another daemon (process {holder or 'unknown'}) writes to {file}; stop it first"
            ) from error
        self._file.truncate(0)
        self._file.write(str(os.getpid()))
        self._file.flush()

    def _lock_server(self, engine: Engine) -> None:
        """The lock lives as long as its connection, which the engine keeps open."""
        try:
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                statement = text("SELECT pg_try_advisory_lock(:key)")
                locked = connection.scalar(statement, {"key": ADVISORY_LOCK_KEY})
        except SQLAlchemyError as error:
            raise LedgerError(f"the ledger's database cannot be reached: {error}") from error
        if not locked:
            engine.dispose()
            raise LedgerError("another daemon writes to this database; stop it first")
        self._engine = engine


def repaired(file: Path, *, now_utc: datetime) -> str | None:
    """Move an unreadable SQLite file aside; the sentence that says so, None if all is well."""
    if not file.exists():
        return None
    if file.stat().st_size == 0:
        return f"the ledger {file} was empty and is begun anew"
    trouble = _trouble(file)
    if trouble is None:
        return None
    stamp = now_utc.strftime("%Y%m%dT%H%M%SZ")
    aside = file.with_name(f"{file.name}.corrupt-{stamp}")
    for suffix in ("", "-wal", "-shm"):
        part = file.with_name(file.name + suffix)
        if part.exists():
            part.rename(aside.with_name(aside.name + suffix))
    return f"the ledger {file} was unreadable ({trouble}); it was moved to {aside}, a new one begun"


def _trouble(file: Path) -> str | None:
    """What SQLite says about the file; a locked or unpermitted file is no corruption."""
    try:
        with closing(sqlite3.connect(file, timeout=5.0)) as connection:
            if file.stat().st_size > LARGEST_CHECKED_BYTES:
                connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
                return None
            answer = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.OperationalError as error:
        raise LedgerError(f"the ledger {file} cannot be opened: {error}") from error
    except sqlite3.DatabaseError as error:
        return str(error)
    return None if answer == "ok" else answer


def brought_up_to_date(engine: Engine) -> None:
    """Create or migrate the schema in one transaction; a newer one is refused untouched.

    What an SQLite ledger was before is kept beside it: the way back to an older release.
    """
    try:
        with engine.begin() as connection:
            version = stored_version(connection)
            if version == REVISIONS[-1]:
                return
            if version is None and not inspect(connection).has_table("pcc_interval"):
                _create(connection)
            elif version in REVISIONS:
                _kept_aside(sqlite_file(engine.url), version)
                migrate(connection, REVISIONS[-1])
            else:
                raise LedgerError(
                    f"the ledger has schema {version}, written by another version of v2g-daemon; "
                    f"this one knows up to {REVISIONS[-1]}: update it, or use another database"
                )
    except SQLAlchemyError as error:
        raise LedgerError(f"the ledger's schema could not be prepared: {error}") from error


def _kept_aside(file: Path | None, version: str | None) -> None:
    """A copy with the schema in its name; PostgreSQL has backups of its own."""
    if file is None:
        return
    copy = file.with_name(f"{file.name}.schema-{version}")
    begun = copy.with_name(f"{copy.name}.part")
    try:
        begun.unlink(missing_ok=True)
        with closing(sqlite3.connect(file)) as before, closing(sqlite3.connect(begun)) as after:
            before.backup(after)
        begun.replace(copy)
    except (OSError, sqlite3.Error) as error:
        raise LedgerError(
            f"the ledger cannot be kept as {copy} before its schema changes ({error}); make room"
        ) from error


def stored_version(connection: Connection) -> str | None:
    """The schema's revision; None where there is none yet."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    version = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return None if version is None else str(version)


def _create(connection: Connection) -> None:
    """A new ledger needs no history; tests prove that the migrations lead to the same schema."""
    metadata.create_all(connection)
    connection.execute(
        text(
            "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, "
            "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
        )
    )
    connection.execute(
        text("INSERT INTO alembic_version (version_num) VALUES (:head)"), {"head": REVISIONS[-1]}
    )


def migrate(connection: Connection, revision: str, *, scripts: Path | None = None) -> None:
    """Run the migrations inside the caller's transaction; alembic is loaded here only."""
    from alembic import command
    from alembic.config import Config

    packaged = files("v2g_daemon.adapters.database").joinpath("migrations")
    with as_file(packaged) as folder:
        config = Config()
        config.set_main_option("script_location", str(scripts or folder).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
