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

import psycopg
import pytest
from psycopg.sql import SQL, Identifier


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database, one for each test."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.sqlite3'}"
    folder: Path = request.getfixturevalue("postgresql_server")
    name = f"ledger_{uuid4().hex}"
    with psycopg.connect(_url(folder, "postgres"), autocommit=True) as connection:
        connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
    return _url(folder, name)


@pytest.fixture(scope="session")
def postgresql_server(peer: Callable[[str], Path]) -> Iterator[Path]:
    """A server of our own on a socket in a folder of its own; it refuses to run as root."""
    initdb = peer("postgresql").resolve()
    folder = Path(tempfile.mkdtemp(prefix="v2g-pg-"))
    folder.chmod(0o777)
    user = _unprivileged()
    data, log = folder / "data", folder / "log"
    programs = initdb.parent

    def run(*command: str | Path) -> None:
        as_user = (
            ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]
            if user is not None
            else []
        )
        subprocess.run(
            [*as_user, *command], check=True, capture_output=True, cwd=folder, timeout=60
        )

    options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
    try:
        run(initdb, "-D", data, "-U", "ledger", "-A", "trust", "-E", "UTF8", "--no-sync")
        run(programs / "pg_ctl", "-D", data, "-l", log, "-w", "-o", options, "start")
        try:
            yield folder
        finally:
            run(programs / "pg_ctl", "-D", data, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _url(folder: Path, name: str) -> str:
    return f"postgresql://ledger@/{name}?host={folder}"


def _unprivileged() -> int | None:
    """Whose name the server takes when the tests run as root."""
    return pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None
