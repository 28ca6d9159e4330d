"""Cases that differ in tariff, car, charger or driver, ranked by what their year costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from v2g_daemon.rehearsal.contest import Contest
from v2g_daemon.rehearsal.strategies import Strategy
from v2g_daemon.rehearsal.verdict import DAYS_A_YEAR, Gain, gain_over

COMPARED = (Strategy.PLAIN, Strategy.V2G, Strategy.V1G)


@dataclass(frozen=True, slots=True, kw_only=True)
class Combination:
    """What is put together for one case, by the names it was asked for."""

    tariff: str
    car: str
    charger: str
    driver: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Money a year of a combination; `low` and `high` of our V2G are those of the wear band.

    `days_count` were rehearsed; departures are those of these days.
    """

    combination: Combination
    currency: str
    days_count: int
    plain: float
    v1g: float
    v2g: float
    v2g_low: float
    v2g_high: float
    extra: Gain
    missed_kwh: float
    departures_count: int
    departures_met_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """A combination and its rank, from the best to the worst that the ranges leave open."""

    compared: Compared
    rank: int
    best_rank: int
    worst_rank: int


def compared(contest: Contest, combination: Combination) -> Compared:
    """The figures of a contest in which plain charging, our V1G and our V2G came to the end."""
    days = contest.case.days
    years = days.count / (DAYS_A_YEAR * days.slots_a_day)
    plain, v1g, v2g = (contest.entries[one] for one in (Strategy.PLAIN, Strategy.V1G, Strategy.V2G))
    job = contest.case.job(Strategy.V2G, contest.knowledge)
    wear = v2g.score.wear
    ends = [float(v2g.score.net_cost_at(one)) / years for one in (wear.low, wear.high)]
    return Compared(
        combination=combination,
        currency=contest.case.days.currency,
        days_count=round(days.count / days.slots_a_day),
        plain=float(plain.score.net_cost) / years,
        v1g=float(v1g.score.net_cost) / years,
        v2g=float(v2g.score.net_cost) / years,
        v2g_low=min(ends),
        v2g_high=max(ends),
        extra=gain_over(job, (v2g.score, v2g.ran), (v1g.score, v1g.ran)),
        missed_kwh=v2g.score.missed_wh / 1000.0 / years,
        departures_count=v2g.score.departures_count,
        departures_met_count=v2g.score.departures_met_count,
    )


def ranked(cases: Sequence[Compared]) -> tuple[Ranked, ...]:
    """The cheapest year first; a rank is open between cases whose ranges overlap."""
    ordered = sorted(cases, key=lambda one: one.v2g)
    return tuple(
        Ranked(
            compared=one,
            rank=place + 1,
            best_rank=1 + len([other for other in ordered if other.v2g_high < one.v2g_low]),
            worst_rank=len(ordered)
            - len([other for other in ordered if other.v2g_low > one.v2g_high]),
        )
        for place, one in enumerate(ordered)
    )
