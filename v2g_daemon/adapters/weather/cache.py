"""What a service told, kept on disk: a restart knows what was known, and asks no sooner than due.

One JSON file: {"asks_for", "told_utc", "start_utc", "irradiance_w_per_m2": [W/m² or null, ...]} by
quarter hours. An unreadable file, or one of another place or plane, is as none.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from v2g_daemon.domain.interval import QUARTER_HOUR

FILE = "sun.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """W/m² by the start of the quarter hour; `told_utc`: of the newest answer (None: none yet)."""

    told_utc: datetime | None = None
    irradiance: Mapping[datetime, float] = field(default_factory=dict)

    @property
    def start_utc(self) -> datetime | None:
        """The first told quarter hour."""
        return min(self.irradiance, default=None)

    def row(self) -> tuple[float | None, ...]:
        """All quarter hours from the first to the last told one; None in a gap."""
        start_utc = self.start_utc
        if start_utc is None:
            return ()
        count = (max(self.irradiance) - start_utc) // QUARTER_HOUR + 1
        return tuple(self.irradiance.get(start_utc + n * QUARTER_HOUR) for n in range(count))


class WeatherCache:
    """A folder of what is known; OSError where it cannot be written."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE

    def load(self, asks_for: str) -> Told:
        """What was told under these words; nothing where there is no readable file."""
        try:
            written = json.loads(self._path.read_text(encoding="utf-8"))
            if written["asks_for"] != asks_for:
                return Told()
            start_utc, values = _moment(written["start_utc"]), written["irradiance_w_per_m2"]
            return Told(
                told_utc=_moment(written["told_utc"]),
                irradiance={
                    start_utc + n * QUARTER_HOUR: float(value)
                    for n, value in enumerate(values)
                    if value is not None
                },
            )
        except (OSError, ValueError, KeyError, TypeError):
            return Told()

    def save(self, asks_for: str, told: Told) -> None:
        """Replace the file in one step, so that a power cut leaves the old one or the new one."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        beside = self._path.with_suffix(".new")
        with beside.open("w", encoding="utf-8") as file:
            json.dump(
                {
                    "asks_for": asks_for,
                    "told_utc": None if told.told_utc is None else told.told_utc.isoformat(),
                    "start_utc": None if told.start_utc is None else told.start_utc.isoformat(),
                    "irradiance_w_per_m2": told.row(),
                },
                file,
            )
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._path)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=UTC)
