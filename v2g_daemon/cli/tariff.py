"""`v2g tariff check|show`: look at a tariff file before the house lives by it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from v2g_daemon.cli.options import DAY, DAY_FORMATS, JsonOption

app = typer.Typer(help="Check and show tariff files.")

FileArgument = Annotated[str, typer.Argument(help="A tariff file, or the name of a shipped one.")]
DayOption = Annotated[
    datetime | None,
    typer.Option("--day", formats=DAY_FORMATS, metavar=DAY, help="Local; default: today."),
]
PricesOption = Annotated[
    list[str] | None,
    typer.Option("--prices", help="A CSV of prices for its sources, or SOURCE=FILE for one."),
]


@app.callback()
def tariff() -> None:
    """Check and show tariff files."""


@app.command("check")
def check(file: FileArgument, as_json: JsonOption = False) -> None:
    """Say what FILE means and what looks wrong; exit status 78 if it cannot be used."""
    from v2g_daemon.adapters.system.clock import RealClock
    from v2g_daemon.app.tariff import check_tariff

    found = check_tariff(file, today=RealClock().now().utc.date())
    print(found.json if as_json else found.text)


@app.command("show")
def show(
    file: FileArgument,
    day: DayOption = None,
    prices: PricesOption = None,
    as_json: JsonOption = False,
) -> None:
    """Draw a day of FILE: import by component and export, step by step."""
    from v2g_daemon.adapters.system.clock import RealClock
    from v2g_daemon.app.tariff import show_tariff

    print(
        show_tariff(
            file,
            day=None if day is None else day.date(),
            now_utc=RealClock().now().utc,
            prices=prices or (),
            as_json=as_json,
        )
    )
