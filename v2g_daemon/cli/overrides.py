"""`v2g stop|charge|auto`: a user's wish; it always ends by itself."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from v2g_daemon.cli.options import DEFAULT_CONFIG, ConfigOption, SocketOption

EvseOption = Annotated[
    str | None, typer.Option("--evse", help="Which EVSE; needed only where there are several.")
]
UntilOption = Annotated[
    datetime | None,
    typer.Option("--until", help="Local time; at the latest the next departure or 12 h."),
]
ConfirmOption = Annotated[
    bool, typer.Option("--confirm", help="Stop even if the next trip then lacks energy.")
]


def stop(
    evse: EvseOption = None,
    until: UntilOption = None,
    confirm: ConfirmOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
    socket: SocketOption = None,
) -> None:
    """Stop charging and discharging; the next trip still comes first unless --confirm."""
    _wish("stop", evse, until, confirm, config, socket)


def charge(
    evse: EvseOption = None,
    until: UntilOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
    socket: SocketOption = None,
) -> None:
    """Charge now with all the power the limits permit."""
    _wish("charge", evse, until, False, config, socket)


def auto(
    evse: EvseOption = None, config: ConfigOption = DEFAULT_CONFIG, socket: SocketOption = None
) -> None:
    """Cancel the override: back to automatic."""
    _wish("auto", evse, None, False, config, socket)


def _wish(
    kind: str,
    evse: str | None,
    until: datetime | None,
    confirm: bool,
    config: Path,
    socket: Path | None,
) -> None:
    from v2g_daemon.app.client import ask, socket_of

    request = {
        "kind": kind,
        "evse_id": evse,
        "until": None if until is None else until.astimezone().isoformat(),
        "confirmed": confirm,
    }
    answer = ask(socket_of(socket, config), "POST", "/api/v1/overrides", request)
    print(f"{answer['evse_id']}: {answer['detail']}")
