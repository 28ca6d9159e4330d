"""Six real years against the reference: the same money, the bound where it belongs, in memory."""

from __future__ import annotations

import asyncio
import json
from datetime import date, time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.benchmarks.milp_days import solved
from tests.benchmarks.rehearsals import rehearsed
from tests.unit.rehearsal.test_virtual_house import house_of
from tests.unit.rehearsal.weeks import YEARS, days_from, pairing
from v2g_daemon.adapters.system.rehearsal_child import RehearsalChild
from v2g_daemon.app.backtest.pairing_case import case_of_pairing
from v2g_daemon.domain.interval import at_local
from v2g_daemon.planning.relaxation import net_cost
from v2g_daemon.rehearsal.contest import Case
from v2g_daemon.rehearsal.course import Done, begun, course
from v2g_daemon.rehearsal.job import columns
from v2g_daemon.rehearsal.knowledge import Knowledge
from v2g_daemon.rehearsal.score import Score, scored
from v2g_daemon.rehearsal.strategies import Strategy
from v2g_daemon.rehearsal.verdict import attainable, cost_by_month
from v2g_daemon.rehearsal_worker import known_days

REFERENCE = json.loads((YEARS / "reference.json").read_text("utf-8"))
HALF_A_PERCENT = 0.005

pytestmark = pytest.mark.timeout(3600)


def score_of(case: Case, strategy: Strategy) -> Score:
    job = case.job(strategy, Knowledge.TOLD)
    ran = asyncio.run(RehearsalChild().run(job, lambda slots: None))
    return scored(job, ran, case.market)


@pytest.mark.parametrize("name", REFERENCE)
def test_plain_charging_and_perfect_foresight_are_the_references(name: str) -> None:
    case = case_of_pairing(pairing(name), None)
    theirs = REFERENCE[name]["policies"]
    gain = theirs["plain"]["net_cost"] - theirs["perfect_v2g"]["net_cost"]
    plain, perfect = score_of(case, Strategy.PLAIN), score_of(case, Strategy.PERFECT)
    plain_apart = abs(float(plain.net_cost) - theirs["plain"]["net_cost"])
    perfect_apart = abs(float(perfect.net_cost) - theirs["perfect_v2g"]["net_cost"])
    print(f"{name}: apart by {plain_apart / gain:.3%} and {perfect_apart / gain:.3%} of the gain")
    assert plain_apart <= HALF_A_PERCENT * gain
    assert perfect_apart <= HALF_A_PERCENT * gain
    assert perfect.missed_wh / 1000.0 == pytest.approx(theirs["plain"]["missed_kwh"], abs=0.05)
    relaxed = net_cost(known_days(case.job(Strategy.PERFECT, Knowledge.TOLD)))
    assert relaxed is not None
    assert relaxed <= float(perfect.net_cost)


def test_a_year_of_ours_replays_to_the_same_money_and_passes_no_bound() -> None:
    found = rehearsed(Path(YEARS), "ercot2022", REFERENCE["ercot2022"]["policies"], at_once=2)
    scores = found.contest.scores
    assert found.replayed_net_cost == pytest.approx(float(scores[Strategy.V2G].net_cost), abs=0.01)
    best = scores[Strategy.PERFECT]
    assert all(best.net_cost <= score.net_cost for score in scores.values())
    assert found.contest.relaxed_net_cost is not None
    assert found.contest.relaxed_net_cost <= float(best.net_cost)
    whole = attainable(scores)
    assert whole is not None
    assert float(whole) > 100.0


@pytest.mark.parametrize(
    ("name", "first"), [("ercot2022", date(2022, 3, 1)), ("nl2024", date(2024, 5, 1))]
)
def test_an_independent_solver_finds_the_same_bound_for_a_month(name: str, first: date) -> None:
    case = days_from(name, first, 31)
    plain, perfect = score_of(case, Strategy.PLAIN), score_of(case, Strategy.PERFECT)
    gain = float(plain.net_cost - perfect.net_cost)
    other = solved(case, gap=0.002 * gain, limit_s=600.0)
    print(f"{name}: {perfect.net_cost:.4f}, the solver {other.found:.4f} ≥ {other.lowest:.4f}")
    assert float(perfect.net_cost) == pytest.approx(other.found, abs=HALF_A_PERCENT * gain)
    assert float(perfect.net_cost) >= other.lowest - 0.001 * gain


def test_a_year_is_its_twelve_months_to_the_cent() -> None:
    case = case_of_pairing(pairing("ercot2022"), None)
    house = house_of(case, lambda rows: None)
    zone = ZoneInfo(case.days.timezone)
    firsts = [at_local(date(2022, month, 1), time(0), zone) for month in range(2, 13)]
    ends = [*(case.days.slot_at(first) for first in firsts), case.days.count]
    standing = begun(house, energy_wh=case.start_wh)
    pieces: list[Done] = []
    for until in ends:
        standing, done = course(case.days, case.plant, house, standing, until=until)
        pieces += done
    job = case.job(Strategy.V2G, Knowledge.TOLD)
    ran = columns(pieces)
    by_month = scored(job, ran, case.market)
    assert by_month == score_of(case, Strategy.V2G)
    months = cost_by_month(job, ran)
    assert len(months) == 12
    assert sum(months.values()) == pytest.approx(float(by_month.net_cost), abs=0.005)
