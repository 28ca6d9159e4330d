"""uvicorn in the daemon's own loop, on a Unix socket of mode 0600 in the runtime directory."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import uvicorn
from fastapi import FastAPI

SOCKET_MODE = 0o600
SHUTDOWN_TIMEOUT_S = 1


class QuietServer(uvicorn.Server):
    """uvicorn without its signal handlers: the daemon alone answers to signals."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.servers = []  # so that `shutdown` may come before `startup`

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals where they are."""
        yield


async def serve(app: FastAPI, socket_path: Path) -> None:
    """Answer on the socket until cancelled."""
    server = QuietServer(
        uvicorn.Config(
            app,
            log_level="warning",
            lifespan="off",
            access_log=False,
            timeout_graceful_shutdown=SHUTDOWN_TIMEOUT_S,
        )
    )
    with private_socket(socket_path) as listening:
        try:
            await server.serve(sockets=[listening])
        finally:
            # Cancelled, uvicorn would leave its listener in the event loop, where the next socket
            # with the same file descriptor finds it and fails.
            await server.shutdown(sockets=[listening])


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
