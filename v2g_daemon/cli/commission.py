"""`v2g commission`: what must be proved and recorded before energy may leave the car."""

from __future__ import annotations

import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from v2g_daemon.cli.options import DEFAULT_CONFIG, ConfigOption, SocketOption

PASSED = 0
FAILED = 1
ASKED_EVERY_S = 1.0
PATH = "/api/v1/meter-test"
RECORDS_PATH = "/api/v1/commissioning"
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


class Recordable(StrEnum):
    """What a person vouches for; the sign test is proved instead."""

    PERMISSION_TO_OPERATE = "permission_to_operate"
    EXPORT_COMPENSATION = "export_compensation"
    OWNER_CONSENT = "owner_consent"
    TEST_PERMIT = "test_permit"


@app.command("record")
def record(
    evse: Annotated[str, typer.Argument(help="The charger that it is about.")],
    step: Annotated[Recordable, typer.Argument(help="What was granted, agreed or consented to.")],
    by: Annotated[str, typer.Option("--by", help="Your name, for the record.")],
    evidence: Annotated[str, typer.Option(help="The paper: whose letter or contract, of when.")],
    config: ConfigOption = DEFAULT_CONFIG,
    socket: SocketOption = None,
) -> None:
    """Record a permission to operate, test permit, compensation or consent; it stays for good.

    It holds for the charger that is connected now, by its serial number, and for no other.
    """
    from v2g_daemon.app.client import ask, socket_of

    wish = {"evse_id": evse, "step": step.value, "by": by, "evidence": evidence}
    print(_line(ask(socket_of(socket, config), "POST", RECORDS_PATH, wish)))


@app.command("list")
def records(config: ConfigOption = DEFAULT_CONFIG, socket: SocketOption = None) -> None:
    """What is on record: what, when, by whom, on what evidence, for which serial number."""
    from v2g_daemon.app.client import ask, socket_of

    found = ask(socket_of(socket, config), "GET", RECORDS_PATH)["records"]
    for one in found:
        print(_line(one))
    if not found:
        print("nothing is on record: the house only charges")


def _line(one: dict[str, Any]) -> str:
    simulated = ", simulated" if one["simulated"] else ""
    return (
        f"{one['recorded_at'][:16]} {one['step']} for {one['evse_serial']}{simulated}, "
        f"by {one['recorded_by']}: {one['evidence']}"
    )


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
