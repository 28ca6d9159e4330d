"""`v2g demo`: see the daemon work on recorded days, without any hardware."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from v2g_daemon.cli.options import JsonOption

if TYPE_CHECKING:
    from v2g_daemon.app.demo.scenario import DemoRun

ZONE = ZoneInfo("Europe/Amsterdam")
FIRST_EVENING = datetime(2024, 12, 11, 17, 30)  # noqa: DTZ001 - wall time in ZONE

StartOption = Annotated[
    datetime,
    typer.Option("--start", help="Local (Amsterdam) start, 2024-03-28 to 2024-12-30."),
]
HoursOption = Annotated[
    float | None, typer.Option("--hours", min=0.25, help="Stop by itself after so many hours.")
]
SpeedOption = Annotated[
    float, typer.Option("--speed", min=1.0, max=1800.0, help="Simulated seconds per second.")
]
QuasarOption = Annotated[
    bool,
    typer.Option("--quasar", help="A Wallbox Quasar and an SDM630 over Modbus instead of OCPP."),
]
KeepOption = Annotated[
    Path | None,
    typer.Option("--keep", help="Keep ledger, trace and the true intervals in this new folder."),
]


def demo(
    start: StartOption = FIRST_EVENING,
    hours: HoursOption = None,
    speed: SpeedOption = 360.0,
    quasar: QuasarOption = False,
    as_json: JsonOption = False,
    keep: KeepOption = None,
) -> None:
    """Show the daemon at work on recorded Dutch prices and a recorded house with PV."""
    if as_json and hours is None:
        raise typer.BadParameter("--json needs --hours: it prints when the demo is over")
    logging.basicConfig(level=logging.ERROR, stream=sys.stderr)
    if keep is not None:
        if keep.is_dir() and any(keep.iterdir()):
            raise typer.BadParameter(f"--keep: {keep} is not empty; a demo starts its own ledger")
        keep.mkdir(parents=True, exist_ok=True)
        asyncio.run(
            _demo(_run(start, hours, speed, quasar=quasar), keep.resolve(), as_json=as_json)
        )
        return
    with tempfile.TemporaryDirectory(prefix="v2g-demo-") as folder:
        asyncio.run(_demo(_run(start, hours, speed, quasar=quasar), Path(folder), as_json=as_json))


def _run(start: datetime, hours: float | None, speed: float, *, quasar: bool) -> DemoRun:
    """Which days of which house, and how fast."""
    from v2g_daemon.app.demo.scenario import DemoHouse, DemoRun

    return DemoRun(
        start_utc=start.replace(tzinfo=ZONE).astimezone(UTC),
        speed=speed,
        hours=hours,
        house=DemoHouse.QUASAR if quasar else DemoHouse.OCPP,
    )


async def _demo(run: DemoRun, folder: Path, *, as_json: bool) -> None:
    from v2g_daemon.app.demo.run import run_demo
    from v2g_daemon.app.demo.view import closing_text, live_view

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    found = await run_demo(run, folder, stop=stop, watch=None if as_json else live_view)
    print(json.dumps(found) if as_json else closing_text(found))
