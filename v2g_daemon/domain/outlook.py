"""The outlook: what an EVSE does by itself over the next hours, should nobody command it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from v2g_daemon.domain.quick import quick


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class OutlookStep:
    """From `starts_at_utc` on, charging of at most `limit_w` (0 W: the car waits)."""

    starts_at_utc: datetime
    limit_w: float

    def __post_init__(self) -> None:
        if not self.limit_w >= 0.0:
            raise ValueError(f"an outlook only charges, not {self.limit_w} W")


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """Charge-only bounds, none above the static safe power: nobody guards the fuse then.

    The steps are in order of time; the last one holds until `ends_at_utc`.
    """

    steps: tuple[OutlookStep, ...]
    ends_at_utc: datetime

    def __post_init__(self) -> None:
        starts = [step.starts_at_utc for step in self.steps]
        if not starts or any(a >= b for a, b in pairwise(starts)):
            raise ValueError("the steps of an outlook must follow each other")
        if self.ends_at_utc <= starts[-1]:
            raise ValueError("an outlook ends after its last step begins")
