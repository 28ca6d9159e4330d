"""A fixed case with what a plan may know of: solved without that, with it, and by a MILP."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tests.benchmarks.score_plan import BenchCase
from v2g_daemon.planning.wall import Steps

START_UTC = datetime(2024, 1, 10, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class FourWays:
    """Money of one case, all of it counted; what the planner's way misses at its targets."""

    plain: float
    unaware: float
    milp: float
    planner: float
    missed_kwh: float

    @property
    def worse_share(self) -> float:
        """By how much the planner is worse than the MILP, of the gain over plain charging."""
        return (self.planner - self.milp) / max(self.plain - min(self.milp, self.planner), 1e-9)


def steps_of(bench: BenchCase) -> Steps:
    """The steps of a case, from `START_UTC` on."""
    length_s = round(bench["dt"] * 3600.0)
    starts_utc = [START_UTC + timedelta(seconds=length_s * n) for n in range(bench["n"])]
    return Steps.of(starts_utc, [length_s] * bench["n"])
