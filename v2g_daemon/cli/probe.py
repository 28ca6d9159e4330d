"""`v2g probe`: a guided test whether a station before OCPP 2.1 discharges when it is told to."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from v2g_daemon.cli.options import DEFAULT_CONFIG, ConfigOption, SocketOption

PASSED = 0
FAILED = 1
ASKED_EVERY_S = 1.0
PATH = "/api/v1/probes"


def probe(
    station: Annotated[str, typer.Argument(help="An EVSE, or a station that has only one.")],
    config: ConfigOption = DEFAULT_CONFIG,
    socket: SocketOption = None,
) -> None:
    """Discharge at the least power for a minute, watched at the grid meter; Ctrl-C ends it at 0 W.

    Stay at the charger. It needs a recorded permission to operate or test permit.
    """
    from v2g_daemon.app.client import ask, socket_of

    found = socket_of(socket, config)
    begun = ask(found, "POST", PATH, {"name": station})
    evse_id = str(begun["evse_id"])
    print(f"{evse_id}: 0 W first, then a discharge for a minute. Ctrl-C ends it.")
    try:
        over = _watched(found, evse_id)
    except KeyboardInterrupt:
        print("ending it at 0 W ...")
        ask(found, "DELETE", f"{PATH}/{evse_id}")
        over = _watched(found, evse_id)
    print(f"{evse_id}: {over['verdict']}: {over['detail']}")
    raise typer.Exit(PASSED if over["verdict"] == "passed" else FAILED)


def _watched(socket: Path, evse_id: str) -> dict[str, Any]:
    """The last word of the test; each question keeps it going."""
    from v2g_daemon.app.client import ask

    said = ""
    while True:
        now = ask(socket, "GET", f"{PATH}/{evse_id}")
        line = _line(now)
        if line != said:
            print(line)
            said = line
        if now["phase"] == "over":
            return now
        time.sleep(ASKED_EVERY_S)


def _line(now: dict[str, Any]) -> str:
    told = {name: now.get(name) for name in ("target_w", "power_w", "grid_w")}
    words = [
        f"{label} {told[name]:.0f} W"
        for name, label in (("target_w", "told"), ("power_w", "EVSE"), ("grid_w", "grid"))
        if told[name] is not None
    ]
    detail = f"  ({now['detail']})" if now["detail"] else ""
    return f"  {now['phase']:11} {', '.join(words)}{detail}"
