"""The command line's side of `/api/v1`: one request over the running daemon's Unix socket."""

from __future__ import annotations

import json
from collections.abc import Iterator
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
    with _client(socket_path, timeout_s) as client:
        try:
            answer = client.request(method, path, json=body)
        except httpx.ReadTimeout as error:
            raise DaemonNotReached(f"the daemon gave no answer within {timeout_s:g} s") from error
        except httpx.TransportError as error:
            raise DaemonNotReached(_nobody(socket_path, str(error))) from error
    _no_refusal(answer)
    found: dict[str, Any] = answer.json()
    return found


def follow(socket_path: Path, path: str) -> Iterator[dict[str, Any]]:
    """One JSON document a line, as long as the daemon sends them; its end is a normal end."""
    with _client(socket_path, None) as client:
        try:
            with client.stream("GET", path) as answer:
                if answer.is_error:
                    answer.read()
                _no_refusal(answer)
                for line in answer.iter_lines():
                    yield json.loads(line)
        except httpx.RemoteProtocolError:
            return  # the daemon was ended in the middle of a line
        except httpx.TransportError as error:
            raise DaemonNotReached(_nobody(socket_path, str(error))) from error


def _client(socket_path: Path, timeout_s: float | None) -> httpx.Client:
    if not socket_path.is_socket():
        raise DaemonNotReached(_nobody(socket_path, "there is no such socket"))
    transport = httpx.HTTPTransport(uds=str(socket_path))
    return httpx.Client(transport=transport, timeout=timeout_s, base_url="http://v2g-daemon")


def _no_refusal(answer: httpx.Response) -> None:
    if answer.is_error:
        detail = answer.json().get("detail", answer.text) if answer.content else answer.text
        if isinstance(detail, list):  # a request that was not understood, field by field
            detail = "; ".join(f"{one['loc'][-1]}: {one['msg']}" for one in detail)
        raise DaemonNotReached(f"the daemon refused: {detail}")


def _nobody(socket_path: Path, why: str) -> str:
    return f"no daemon answers on {socket_path} ({why}); is `v2g run` running?"
