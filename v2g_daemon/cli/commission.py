"""`v2g commission`: what must be proved and recorded before energy may leave the car."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from v2g_daemon.cli.options import DEFAULT_CONFIG, ConfigOption, SocketOption

PASSED = 0
FAILED = 1
ASKED_EVERY_S = 1.0
PATH = "/api/v1/meter-test"
_ASKED = {
    "resting": "the car rests; leave everything in the house as it is",
    "load": "now switch on a load of 1 kW or more, such as a kettle, and leave it on",
    "charging": "the car charges a little",
    "discharging": "the car discharges a little",
}

app = typer.Typer(help="Proves and records what must stand before energy may leave the car.")


@app.callback()
def commission() -> None:
    """Prove and record what must stand before energy may leave the car."""


@app.command("meter")
def meter(
    evse: Annotated[str, typer.Argument(help="The charger whose car the meters must see.")],
    by: Annotated[str, typer.Option("--by", help="Your name, for the record.")],
    config: ConfigOption = DEFAULT_CONFIG,
    socket: SocketOption = None,
) -> None:
    """Prove sign and phase of the grid meter with a load and a small charge; Ctrl-C interrupts.

    Stay at the charger. What passed is kept for a day: called again, it goes on from there.
    """
    from v2g_daemon.app.client import ask, socket_of

    found = socket_of(socket, config)
    begun = ask(found, "POST", PATH, {"name": evse, "by": by})
    for step, said in begun["passed"].items():
        print(f"passed before: {step}: {said}")
    try:
        over = _watched(found)
    except KeyboardInterrupt:
        print("ending it at 0 W ...")
        over = ask(found, "DELETE", PATH)
    print(f"{evse}: {over['verdict']}: {over['detail']}")
    raise typer.Exit(PASSED if over["verdict"] == "passed" else FAILED)


def _watched(socket: Path) -> dict[str, Any]:
    """The last word of the test; each question keeps it going."""
    from v2g_daemon.app.client import ask

    said, passed = "", 0
    while True:
        now = ask(socket, "GET", PATH)
        for step, detail in list(now["passed"].items())[passed:]:
            print(f"passed: {step}: {detail}")
        passed = max(passed, len(now["passed"]))
        if now["phase"] == "over":
            return now
        if now["phase"] != said:
            said = now["phase"]
            print(f"{_ASKED[said]} (grid {_watts(now)})")
        time.sleep(ASKED_EVERY_S)


def _watts(now: dict[str, Any]) -> str:
    if now["grid_w"] is None:
        return "silent"
    phases = ", ".join(f"{power_w:.0f}" for power_w in now["phase_w"])
    return f"{now['grid_w']:.0f} W" + (f": {phases}" if phases else "")
