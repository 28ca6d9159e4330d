"""Engines: how a connection to SQLite or PostgreSQL is set up, for the writer and for readers."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import NullPool

from v2g_daemon.domain.errors import LedgerError

BUSY_TIMEOUT_MS = 5000
CONNECT_TIMEOUT_S = 10
STATEMENT_TIMEOUT_MS = 30_000


def parsed(database_url: str) -> URL:
    """The URL with our driver filled in; LedgerError for what is neither SQLite nor PostgreSQL."""
    try:
        url = make_url(database_url)
    except ArgumentError as error:
        raise LedgerError(f"{database_url!r} is no database URL: {error}") from error
    match url.get_backend_name():
        case "sqlite":
            sqlite_file(url)
            return url.set(drivername="sqlite+pysqlite")
        case "postgresql" | "postgres":
            if find_spec("psycopg") is None:
                raise LedgerError("PostgreSQL needs its driver: pip install 'v2g-daemon[postgres]'")
            return url.set(drivername="postgresql+psycopg")
        case other:
            raise LedgerError(f"database {other!r} is not supported; use sqlite or postgresql")


def sqlite_file(url: URL) -> Path | None:
    """The file of an SQLite URL; None for PostgreSQL. The ledger is never kept in memory."""
    if url.get_backend_name() != "sqlite":
        return None
    if url.database is None or url.database in ("", ":memory:"):
        raise LedgerError("the ledger needs a file: sqlite:////path/to/ledger.sqlite3")
    return Path(url.database)


def writer_engine(url: URL, *, durable: bool) -> Engine:
    """One connection that writes; `durable` waits for the disk at each commit."""
    if url.get_backend_name() == "sqlite":
        return _sqlite(url, durable=durable)
    return _postgresql(url, durable=durable)


def reader_engine(url: URL) -> Engine:
    """Connections that cannot write, opened by the thread that reads and closed after it."""
    file = sqlite_file(url)
    if file is None:
        return create_engine(
            url,
            poolclass=NullPool,
            connect_args={"connect_timeout": CONNECT_TIMEOUT_S},
            execution_options={"postgresql_readonly": True},
        )
    # Resolved, because an URI has no working directory; quoted by Path.
    location = f"{file.resolve().as_uri()}?mode=ro"
    engine = create_engine(
        url.set(database=location, query={"uri": "true"}),
        poolclass=NullPool,
    )
    _on_connect(engine, (f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}", "PRAGMA query_only=ON"))
    _on_begin(engine, "BEGIN")
    return engine


def _sqlite(url: URL, *, durable: bool) -> Engine:
    engine = create_engine(
        url, pool_size=1, max_overflow=0, connect_args={"check_same_thread": False}
    )
    _on_connect(
        engine,
        (
            f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}",
            "PRAGMA journal_mode=WAL",
            "PRAGMA foreign_keys=ON",
            f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}",
        ),
    )
    # The lock is taken at the start, so that a transaction never fails halfway for want of it.
    _on_begin(engine, "BEGIN IMMEDIATE")
    return engine


def _postgresql(url: URL, *, durable: bool) -> Engine:
    commit = "on" if durable else "off"
    options = f"-c synchronous_commit={commit} -c statement_timeout={STATEMENT_TIMEOUT_MS}"
    return create_engine(
        url,
        pool_size=1,
        max_overflow=0,
        pool_pre_ping=True,
        connect_args={"connect_timeout": CONNECT_TIMEOUT_S, "options": options},
    )


def _on_connect(engine: Engine, statements: tuple[str, ...]) -> None:
    def set_up(connection: Any, _record: Any) -> None:
        # The driver's own transactions would commit DDL on its own; ours begin by event.
        connection.isolation_level = None
        for statement in statements:
            connection.execute(statement)

    _listen(engine, "connect", set_up)


def _on_begin(engine: Engine, statement: str) -> None:
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(statement)

    _listen(engine, "begin", begin)


def _listen(engine: Engine, name: str, handler: Callable[..., None]) -> None:
    event.listen(engine, name, handler)
