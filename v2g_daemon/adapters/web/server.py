"""uvicorn in the daemon's own loop, on a Unix socket of mode 0600 in the runtime directory."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import uvicorn
from fastapi import FastAPI

SOCKET_MODE = 0o600


class QuietServer(uvicorn.Server):
    """uvicorn without its signal handlers: the daemon alone answers to signals."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals where they are."""
        yield


async def serve(app: FastAPI, socket_path: Path) -> None:
    """Answer on the socket until cancelled."""
    config = uvicorn.Config(app, log_level="warning", lifespan="off", access_log=False)
    with private_socket(socket_path) as listening:
        await QuietServer(config).serve(sockets=[listening])


@contextlib.contextmanager
def private_socket(socket_path: Path) -> Iterator[socket.socket]:
    """A bound Unix socket that only this user may open; a stale file is replaced."""
    socket_path.parent.mkdir(parents=True, exist_ok=True)
    socket_path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(str(socket_path))
        socket_path.chmod(SOCKET_MODE)
        try:
            yield listening
        finally:
            socket_path.unlink(missing_ok=True)
