"""A case, and the contest of strategies in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time

from v2g_daemon.domain.policy import Policy
from v2g_daemon.rehearsal.days import Days
from v2g_daemon.rehearsal.job import Job, Ran
from v2g_daemon.rehearsal.knowledge import Knowledge
from v2g_daemon.rehearsal.peaks import demand_rules
from v2g_daemon.rehearsal.plant import Plant
from v2g_daemon.rehearsal.score import Market, Score
from v2g_daemon.rehearsal.strategies import Strategy


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """All that a rehearsal needs; `notes` say what was assumed, moved or filled.

    `published`: the wall time at which tomorrow's prices are known; None: prices hold for good.
    `real_time_s`: instead, the interval of a market whose prices are known only while it runs,
    from `told_after_s` on.
    `miss_per_kwh`: what a missed kWh is counted at in the share of the attainable gain.
    """

    name: str
    days: Days
    plant: Plant
    policy: Policy
    published: time | None
    market: Market
    start_wh: float
    miss_per_kwh: float
    notes: tuple[str, ...]
    real_time_s: int | None = None
    told_after_s: int = 0

    @property
    def wear_per_kwh(self) -> float:
        """What a kWh out of the pack is counted at."""
        return self.policy.vehicles[0].wear_cost_per_kwh_discharged

    def job(self, strategy: Strategy, knowledge: Knowledge) -> Job:
        """One strategy in it."""
        return Job(
            strategy=strategy,
            knowledge=knowledge,
            days=self.days,
            plant=self.plant,
            policy=self.policy,
            published=self.published,
            real_time_s=self.real_time_s,
            told_after_s=self.told_after_s,
            start_wh=self.start_wh,
            end_per_kwh=float(self.market.end_per_kwh),
            demands=demand_rules(self.market.versions, self.days),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One strategy that came to the end; `seconds_s` is what its process took."""

    ran: Ran
    score: Score
    seconds_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """All that came of a case. `unfinished`: the strategies that were broken off, and their slots.

    `relaxed_net_cost`: the bound of the linear relaxation; None where it was not to be had.
    """

    case: Case
    knowledge: Knowledge
    entries: Mapping[Strategy, Entry]
    unfinished: Mapping[Strategy, int]
    relaxed_net_cost: float | None

    @property
    def scores(self) -> dict[Strategy, Score]:
        """The scores in the order of the strategies."""
        return {one: self.entries[one].score for one in Strategy if one in self.entries}

    @property
    def complete(self) -> bool:
        """Whether no strategy was broken off."""
        return not self.unfinished
