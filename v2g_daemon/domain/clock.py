"""What others say of our clock: times told to us, and what follows from them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from v2g_daemon.domain.instant import Instant


class WitnessSource(Enum):
    """Who told the time; the value is how people read it."""

    STATION = "the charging station"
    PRICE_SERVER = "the price server"
    LEDGER = "the ledger"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockWitness:
    """One source said that it was `told_utc` when our clock said `observed_at`."""

    source: WitnessSource
    told_utc: datetime
    observed_at: Instant

    def ahead_s(self, now: Instant) -> float:
        """Seconds our UTC lies ahead of this source's, carried on to `now` monotonically."""
        told_since_s = (now.utc - self.told_utc).total_seconds()
        return told_since_s - now.seconds_since(self.observed_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockTrust:
    """Whether prices and departures may be read off our clock, and why."""

    trusted: bool
    why: str
