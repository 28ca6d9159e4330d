"""What `v2g backtest` and `v2g compare` share: options, and how they are stopped."""

from __future__ import annotations

import asyncio
import signal
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from v2g_daemon.cli.options import DAY, DAY_FORMATS

EXIT_STOPPED = 130


class Known(StrEnum):
    """What strategies know of presence."""

    A = "a"
    B = "b"


FileOption = Annotated[Path | None, typer.Option(help="A CSV, plain or .gz; docs/backtest.md.")]
KnowledgeOption = Annotated[
    Known, typer.Option(help="a: departures are told at plug-in; b: nothing is told.")
]
FirstDayOption = Annotated[
    datetime | None,
    typer.Option("--from", formats=DAY_FORMATS, metavar=DAY, help="First local day."),
]
LastDayOption = Annotated[
    datetime | None,
    typer.Option("--to", formats=DAY_FORMATS, metavar=DAY, help="Last local day, included."),
]
PageOption = Annotated[Path | None, typer.Option(help="Write the page for people here.")]


def stop_asked() -> asyncio.Event:
    """Set by Ctrl-C or SIGTERM: what is running ends, and what is done is kept."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop
