"""`v2g scan`: find meters and chargers over Modbus, and the TOML for them."""

from __future__ import annotations

import asyncio
import logging
from typing import Annotated

import typer


def scan(
    target: Annotated[
        str, typer.Argument(help="HOST, HOST:PORT, /dev/ttyUSB0, or a link such as rtu+tcp://…")
    ],
    units: Annotated[
        str | None, typer.Option("--units", help="Unit ids to try, such as 1-10,247.")
    ] = None,
) -> None:
    """Look for known meters and chargers, gently and reading only; print the TOML for them.

    Stop the daemon first: many devices take one connection only.
    """
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
    asyncio.run(_scan(target, None if units is None else _units(units)))


async def _scan(target: str, units: tuple[int, ...] | None) -> None:
    from v2g_daemon.app.scan import scan as lines_of
    from v2g_daemon.app.scan import usual_units

    async for line in lines_of(target, usual_units() if units is None else units):
        print(line, flush=True)


def _units(text: str) -> tuple[int, ...]:
    """`1-10,247` as numbers."""
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        if not first.isdecimal() or (last and not last.isdecimal()):
            raise typer.BadParameter(f"--units: {part!r} is no unit id; write such as 1-10,247")
        found += range(int(first), int(last or first) + 1)
    if not all(0 <= one <= 247 for one in found):
        raise typer.BadParameter("--units: unit ids are 0 to 247")
    return tuple(found)
