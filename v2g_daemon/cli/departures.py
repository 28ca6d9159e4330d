"""`v2g leave|away|home`: when a car leaves, with what, and until when it is away."""

from __future__ import annotations

from typing import Annotated

import typer

from v2g_daemon.cli.options import DEFAULT_CONFIG, ConfigOption, SocketOption

CarOption = Annotated[
    str | None, typer.Option("--car", help="Which car; needed only where there are several.")
]
TripOption = Annotated[
    str | None, typer.Option("--trip", help='What the trip takes: "90 km" or "15 kWh".')
]
TIMES = "The house's wall time: 07:30 (the next one) or 2026-12-24T18:00; no day without a time."


def leave(
    at: Annotated[str, typer.Argument(help=TIMES)],
    need: Annotated[
        str | None, typer.Option("--with", help='What it must hold: "80 %", "120 km" or "20 kWh".')
    ] = None,
    returns: Annotated[str | None, typer.Option("--back", help=TIMES)] = None,
    trip: TripOption = None,
    car: CarOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
    socket: SocketOption = None,
) -> None:
    """Have the car ready AT a time; a distance or an energy is held above its floor."""
    request = {"leaves_at": at, "returns_at": returns, "need": need, "trip": trip}
    _tell(request, car, config, socket)


def away(
    until: Annotated[str, typer.Option("--until", help=TIMES)],
    trip: TripOption = None,
    car: CarOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
    socket: SocketOption = None,
) -> None:
    """The car is away until then; if it is plugged in all the same, that counts."""
    _tell({"returns_at": until, "trip": trip}, car, config, socket)


def home(
    car: CarOption = None, config: ConfigOption = DEFAULT_CONFIG, socket: SocketOption = None
) -> None:
    """Take back all that was told of the car's departures."""
    from v2g_daemon.app.client import ask, socket_of

    daemon = socket_of(socket, config)
    answer = ask(daemon, "POST", "/api/v1/departures/take-back", {"vehicle_id": car})
    print(f"{answer['vehicle_id']}: {answer['detail']}")


def _tell(
    request: dict[str, str | None], car: str | None, config: ConfigOption, socket: SocketOption
) -> None:
    from v2g_daemon.app.client import ask, socket_of

    daemon = socket_of(socket, config)
    answer = ask(daemon, "POST", "/api/v1/departures", {"vehicle_id": car, **request})
    print(f"{answer['vehicle_id']}: {answer['detail']}")
