"""The files of a pairing's folder."""

from __future__ import annotations

from pathlib import Path

from v2g_daemon.adapters.series.pairing import (
    LOAD,
    PAIRING,
    PRICES,
    PV,
    SESSIONS,
    Pairing,
    pairing_of,
)
from v2g_daemon.adapters.series.table import read_bytes
from v2g_daemon.domain.errors import SeriesFileError


def read_pairing(folder: Path) -> Pairing:
    """The pairing in a folder; SeriesFileError names file and fix."""
    if not folder.is_dir():
        raise SeriesFileError(f"{folder}: there is no such folder")
    names = [name for name in (PAIRING, PRICES, LOAD, PV, SESSIONS) if (folder / name).exists()]
    return pairing_of({name: read_bytes(folder / name) for name in names}, name=str(folder))
