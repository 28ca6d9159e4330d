"""The command line's side of `/api/v1`: one request over the running daemon's Unix socket."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx

from v2g_daemon.domain.errors import V2gDaemonError
from v2g_daemon.settings import load_settings

TIMEOUT_S = 5.0


class DaemonNotReached(V2gDaemonError):
    """No daemon answered; the text says on which socket and why."""


def socket_of(socket_path: Path | None, config: Path) -> Path:
    """The socket given, else the one of the configuration."""
    return socket_path if socket_path is not None else load_settings(config).api.socket


def ask(
    socket_path: Path,
    method: str,
    path: str,
    body: dict[str, Any] | None = None,
    *,
    timeout_s: float = TIMEOUT_S,
) -> dict[str, Any]:
    """The answer's JSON; raises DaemonNotReached, also for an answer that says no."""
    if not socket_path.is_socket():
        raise DaemonNotReached(_nobody(socket_path, "there is no such socket"))
    transport = httpx.HTTPTransport(uds=str(socket_path))
    with httpx.Client(transport=transport, timeout=timeout_s) as client:
        try:
            answer = client.request(method, f"http://v2g-daemon{path}", json=body)
        except httpx.TransportError as error:
            raise DaemonNotReached(_nobody(socket_path, str(error))) from error
    if answer.is_error:
        detail = answer.json().get("detail", answer.text) if answer.content else answer.text
        raise DaemonNotReached(f"the daemon refused: {detail}")
    found: dict[str, Any] = answer.json()
    return found


def _nobody(socket_path: Path, why: str) -> str:
    return f"no daemon answers on {socket_path} ({why}); is `v2g run` running?"
