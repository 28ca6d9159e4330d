"""`v2g doctor`: try every configured connection; exit status 1 if one does not work."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import typer

from v2g_daemon.cli.options import DEFAULT_CONFIG, ConfigOption


def doctor(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Test meters, chargers, prices, clock, disk and database live; one line each with the fix."""
    logging.basicConfig(level=logging.CRITICAL)
    if not asyncio.run(_doctor(config)):
        raise typer.Exit(1)


async def _doctor(config: Path) -> bool:
    from v2g_daemon.app.doctor import doctor as examine

    well = True
    async for finding in examine(config):
        print(finding.text, flush=True)
        well = well and not finding.is_bad
    return well
