"""Simulated time: start + (CLOCK_MONOTONIC - anchor) x speed, the same in every process.

Until the anchor the clock stands at its start.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime


def utc_from_s(at_s: float) -> datetime:
    """Return the aware UTC datetime of seconds since the Unix epoch."""
    return datetime.fromtimestamp(at_s, tz=UTC)


def iso_from_s(at_s: float) -> str:
    """Return an RFC 3339 UTC stamp with milliseconds and a Z."""
    stamp = utc_from_s(at_s).isoformat(timespec="milliseconds")
    return stamp.replace("+00:00", "Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaledClock:
    """Maps the shared monotonic clock to simulated seconds since the Unix epoch."""

    start_s: float
    speed: float
    anchor_monotonic_s: float

    def now_s(self) -> float:
        """Return the simulated instant of this moment."""
        running_s = max(time.monotonic() - self.anchor_monotonic_s, 0.0)
        return self.start_s + running_s * self.speed

    def real_s(self, simulated_s: float) -> float:
        """Return how long a simulated duration lasts in real seconds."""
        return simulated_s / self.speed
