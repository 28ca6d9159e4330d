"""The ledger on SQLite and, where it is installed, on PostgreSQL."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database, one for each test."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.sqlite3'}"
    server: str = request.getfixturevalue("postgresql_server")
    name = f"ledger_{uuid4().hex}"
    run_sql(f"{server}/postgres", f"CREATE DATABASE {name}")
    return f"{server}/{name}"


@pytest.fixture(scope="session")
def postgresql_server(peer: Callable[[str], Path]) -> Iterator[str]:
    """A server of our own on a socket in a folder of its own; it refuses to run as root."""
    initdb = peer("postgresql").resolve()
    folder = Path(tempfile.mkdtemp(prefix="v2g-pg-"))
    folder.chmod(0o777)
    user = _unprivileged()
    data, log = folder / "data", folder / "log"
    programs = initdb.parent

    def run(*command: str | Path) -> None:
        as_user = ["setpriv", f"--reuid={user}", "--clear-groups"] if user is not None else []
        subprocess.run([*as_user, *command], check=True, capture_output=True, cwd=folder, timeout=60)

    options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
    try:
        run(initdb, "-D", data, "-U", "ledger", "-A", "trust", "-E", "UTF8", "--no-sync")
        run(programs / "pg_ctl", "-D", data, "-l", log, "-w", "-o", options, "start")
        try:
            yield f"postgresql://ledger@/{{}}?host={folder}".replace("/{}", "")
        finally:
            run(programs / "pg_ctl", "-D", data, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run_sql(url: str, statement: str) -> None:
    """Run one statement outside any transaction."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)  # type: ignore[call-overload]


def _unprivileged() -> int | None:
    """Whose name the server takes when the tests run as root."""
    return pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None
