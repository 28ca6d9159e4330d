"""`v2g check FILE`: validate a configuration and say in words what was understood."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def check(file: Annotated[Path, typer.Argument(help="The TOML file to check.")]) -> None:
    """Validate FILE; exit status 78 if it cannot be used."""
    from v2g_daemon.app.check import check as check_file

    print(check_file(file).text)
