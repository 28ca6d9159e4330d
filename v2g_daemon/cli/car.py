"""`v2g car`: which car is plugged in, where only its owner knows."""

from __future__ import annotations

from typing import Annotated

import typer

from v2g_daemon.cli.options import DEFAULT_CONFIG, ConfigOption, SocketOption


def car(
    evse: Annotated[str | None, typer.Argument(help="The EVSE it is plugged into.")] = None,
    vehicle: Annotated[str | None, typer.Argument(help="The vehicle's id, or guest.")] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    socket: SocketOption = None,
) -> None:
    """Show which car is where, and what is open; with EVSE and VEHICLE answer, until unplugged."""
    from v2g_daemon.app.client import ask, socket_of
    from v2g_daemon.app.status_text import cars_text

    if (evse is None) != (vehicle is None):
        raise typer.BadParameter("use `car` to see, or `car EVSE VEHICLE` (or guest) to answer")
    daemon = socket_of(socket, config)
    if evse is None:
        print(cars_text(ask(daemon, "GET", "/api/v1/status")))
        return
    request = {"evse_id": evse, "vehicle_id": vehicle}
    answer = ask(daemon, "POST", "/api/v1/cars", request)
    print(f"{answer['evse_id']}: {answer['detail']}")
