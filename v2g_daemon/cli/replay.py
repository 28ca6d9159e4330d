"""`v2g replay TRACE`: decide a recorded day again; exit status 0 only if identical."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def replay(
    trace: Annotated[list[Path], typer.Argument(help="Trace files, in time order.")],
) -> None:
    """Re-decide every tick of TRACE and report the first difference."""
    from v2g_daemon.app.replay import replay_files

    result = replay_files(trace)
    print(result.text)
    if not result.identical:
        raise typer.Exit(1)
