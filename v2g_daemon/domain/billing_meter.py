"""The meter that is billed by: its clocked intervals, and how it nets its phases."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from functools import cache

from v2g_daemon.domain.interval import EPOCH_UTC, Interval


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
        end_utc = self.settlement_end(moment_utc)
        return Interval(start_utc=end_utc - timedelta(seconds=self.interval_s), end_utc=end_utc)

    def settlement_end(self, moment_utc: datetime) -> datetime:
        """The end of the interval that contains the moment."""
        first_utc, length = _clock(self.interval_s, self.boundary_offset_s)
        return moment_utc + length - (moment_utc - first_utc) % length


@cache
def _clock(interval_s: int, boundary_offset_s: int) -> tuple[datetime, timedelta]:
    """When some interval begins, and how long each is."""
    return EPOCH_UTC + timedelta(seconds=boundary_offset_s), timedelta(seconds=interval_s)
