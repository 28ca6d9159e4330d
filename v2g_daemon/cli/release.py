"""`v2g release`: give a charger over Modbus back to its own app."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from v2g_daemon.cli.options import DEFAULT_CONFIG, ConfigOption


def release(
    evse: Annotated[str, typer.Argument(help="The charger, by its id in the configuration.")],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Bring a charger over Modbus to rest and give it back to its own app.

    Ending the daemon does not: its charger waits for it. The daemon must be stopped.
    """
    from v2g_daemon.app.release import release as give_back

    print(asyncio.run(give_back(config, evse)))
