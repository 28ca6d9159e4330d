"""The meter that is billed by: its clocked intervals, and how it nets its phases."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum

from v2g_daemon.domain.interval import Interval

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Netting(Enum):
    """How a meter of three phases counts while one imports and another exports."""

    SUM = "sum"  # the phases are added up first: only what is left over is counted
    PER_PHASE = "per_phase"  # each phase counts for itself: both registers move


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingMeter:
    """Intervals begin every `interval_s` of UTC, `boundary_offset_s` after the full ones."""

    interval_s: int = 900
    netting: Netting = Netting.SUM
    boundary_offset_s: int = 0

    def settlement_interval(self, moment_utc: datetime) -> Interval:
        """The interval of this meter that contains the moment."""
        first = _EPOCH + timedelta(seconds=self.boundary_offset_s)
        length = timedelta(seconds=self.interval_s)
        start_utc = first + (moment_utc - first) // length * length
        return Interval(start_utc=start_utc, end_utc=start_utc + length)
