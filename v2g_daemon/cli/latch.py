"""`v2g latch clear`: discharge again after a latched fault, with the reason written down."""

from __future__ import annotations

from typing import Annotated

import typer

from v2g_daemon.cli.options import DEFAULT_CONFIG, ConfigOption, SocketOption

app = typer.Typer(help="Latched faults keep discharge off until a person clears them.")


@app.callback()
def latch() -> None:
    """Latched faults keep discharge off until a person clears them."""


@app.command("clear")
def clear(
    evse: Annotated[str, typer.Argument(help="The EVSE whose latch is to go.")],
    because: Annotated[str, typer.Option("--because", help="The cause that was found.")],
    config: ConfigOption = DEFAULT_CONFIG,
    socket: SocketOption = None,
) -> None:
    """Clear the latch of an EVSE, once its cause is found; who reads the ledger sees why."""
    from v2g_daemon.app.client import ask, socket_of

    request = {"evse_id": evse, "because": because}
    answer = ask(socket_of(socket, config), "POST", "/api/v1/latches/clear", request)
    print(f"{answer['evse_id']}: {answer['detail']}")
