"""One moment on two clocks: UTC for prices and stamps, monotonic seconds for ages and leases."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from v2g_daemon.domain.quick import quick


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Instant:
    """A moment; `monotonic_s` is comparable only within one run of the process."""

    utc: datetime
    monotonic_s: float

    def __post_init__(self) -> None:
        if self.utc.tzinfo is not UTC:
            raise ValueError(f"Instant needs an aware UTC datetime, got {self.utc!r}")

    def seconds_since(self, earlier: Instant) -> float:
        """Monotonic seconds from `earlier` to this instant (negative if it lies ahead)."""
        return self.monotonic_s - earlier.monotonic_s

    def later(self, seconds_s: float) -> Instant:
        """The instant `seconds_s` after this one on both clocks."""
        return Instant(
            utc=self.utc + timedelta(seconds=seconds_s), monotonic_s=self.monotonic_s + seconds_s
        )

    def reached(self, now: Instant) -> bool:
        """Whether this instant has come, on the monotonic clock."""
        return now.monotonic_s >= self.monotonic_s


def fresh(observed_at: Instant | None, *, now: Instant, max_age_s: float) -> bool:
    """Whether something was observed, not in the future, and at most `max_age_s` ago."""
    if observed_at is None:
        return False
    return 0.0 <= now.seconds_since(observed_at) <= max_age_s
