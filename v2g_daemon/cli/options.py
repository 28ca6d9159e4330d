"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DEFAULT_CONFIG = Path("/etc/v2g-daemon/v2g-daemon.toml")
# A day of the house, as it is read and as help shows it.
DAY_FORMATS, DAY = ["%Y-%m-%d"], "YYYY-MM-DD"

ConfigOption = Annotated[
    Path, typer.Option("--config", "-c", help="The house's TOML file.", show_default=True)
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
SocketOption = Annotated[
    Path | None,
    typer.Option("--socket", help="The running daemon's socket; else the configuration's."),
]
