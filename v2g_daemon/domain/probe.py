"""A guided test of discharge: how far it has come, and what it found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from v2g_daemon.domain.instant import Instant


class ProbePhase(Enum):
    """The three parts of a test, and its end."""

    RESTING = "resting"  # 0 W, to know what the grid meter shows without the car
    DISCHARGING = "discharging"
    ENDING = "ending"  # 0 W again: does it come back?
    OVER = "over"


class ProbeVerdict(Enum):
    """What a test found."""

    PASSED = "passed"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class GridMean:
    """A mean at the grid connection as it grows: sum in W and count of ticks."""

    sum_w: float = 0.0
    count: int = 0

    def with_sample(self, power_w: float) -> GridMean:
        """One sample more."""
        return GridMean(sum_w=self.sum_w + power_w, count=self.count + 1)

    @property
    def mean_w(self) -> float | None:
        """None before the first sample."""
        return None if self.count == 0 else self.sum_w / self.count


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeRun:
    """One test, asked for by the override of `asked_at_utc`; its phase since `since`.

    `verdict` stands from ENDING on, `detail` says why in a sentence; both are final when OVER.
    """

    asked_at_utc: datetime
    target_w: float
    phase: ProbePhase
    since: Instant
    at_rest: GridMean = GridMean()
    discharging: GridMean = GridMean()
    verdict: ProbeVerdict | None = None
    detail: str = ""
