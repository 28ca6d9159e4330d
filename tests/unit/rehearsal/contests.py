"""A contest worked out by hand: days alike, and what each strategy bought and gave in them."""

from __future__ import annotations

from collections.abc import Mapping

from tests.unit.rehearsal.test_score import a_case
from tests.unit.rehearsal.test_verdict import bought
from tests.unit.rehearsal.toys import days_of, stay
from v2g_daemon.rehearsal.contest import Contest, Entry
from v2g_daemon.rehearsal.days import Days
from v2g_daemon.rehearsal.knowledge import Knowledge
from v2g_daemon.rehearsal.score import scored
from v2g_daemon.rehearsal.strategies import Strategy

DAY = 96
# kWh bought and kWh out of the pack a day, at 0.30 and 0.04 a kWh.
TWO_DAYS = {
    Strategy.PLAIN: (10.0, 0.0),
    Strategy.V1G: (8.0, 0.0),
    Strategy.V2H: (7.5, 0.5),
    Strategy.V2G: (7.0, 1.0),
    Strategy.PERFECT: (6.5, 1.0),
}


def days_alike(count: int = 2) -> Days:
    """Days at 0.30 with the car there from 18:00 to 08:00."""
    stays = [stay(DAY * day + 72, DAY * day + 128, target_wh=30_000.0) for day in range(count - 1)]
    return days_of([0.30] * (count * DAY), stays=stays)


def a_contest(
    days: Days | None = None,
    energies: Mapping[Strategy, tuple[float, float]] = TWO_DAYS,
    *,
    unfinished: Mapping[Strategy, int] | None = None,
    relaxed_net_cost: float | None = 4.0,
    knowledge: Knowledge = Knowledge.TOLD,
) -> Contest:
    """Every strategy took seven seconds."""
    case = a_case(days_alike() if days is None else days)
    entries = {}
    for strategy, (bought_kwh, out_kwh) in energies.items():
        ran = bought(case.days, bought_kwh, out_kwh_a_day=out_kwh)
        score = scored(case.job(strategy, knowledge), ran, case.market)
        entries[strategy] = Entry(ran=ran, score=score, seconds_s=7.0)
    return Contest(
        case=case,
        knowledge=knowledge,
        entries=entries,
        unfinished={} if unfinished is None else unfinished,
        relaxed_net_cost=relaxed_net_cost,
    )
