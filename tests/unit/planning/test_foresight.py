"""Perfect foresight against every course there is, and the relaxation below it."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.unit.rehearsal.test_score import a_case
from tests.unit.rehearsal.toys import a_plant, days_of, stay
from v2g_daemon.domain.loss import LossCurve
from v2g_daemon.planning.foresight import LATTICE_WH, LEVELS
from v2g_daemon.planning.plan import advise
from v2g_daemon.planning.relaxation import net_cost
from v2g_daemon.rehearsal.contest import Case
from v2g_daemon.rehearsal.course import begun, course
from v2g_daemon.rehearsal.days import Days
from v2g_daemon.rehearsal.job import columns, run
from v2g_daemon.rehearsal.knowledge import Knowledge
from v2g_daemon.rehearsal.policies import Terms, of_a_plant
from v2g_daemon.rehearsal.rules import Scripted
from v2g_daemon.rehearsal.score import Score, scored
from v2g_daemon.rehearsal.strategies import Strategy
from v2g_daemon.rehearsal_worker import foreseen, known_days

LOSS = LossCurve(constant_w=150.0, linear=0.03, quadratic_per_w=0.000003)
PLANT = a_plant(loss=LOSS)


def a_lossy_case(days: Days) -> Case:
    terms = Terms(currency="EUR", timezone=days.timezone, wear_per_kwh=0.04, unmet_goal_per_kwh=5.0)
    return replace(a_case(days), plant=PLANT, policy=of_a_plant(PLANT, terms))


def played(case: Case, strategy: Strategy) -> Score:
    job = case.job(strategy, Knowledge.TOLD)
    ran = run(job, planner=advise, foresight=foreseen, progress=lambda slots: None)
    return scored(job, ran, case.market)


def scripted(case: Case, setpoint_w: tuple[float, ...]) -> Score:
    driver = Scripted(setpoint_w=setpoint_w)
    _, done = course(
        case.days, case.plant, driver, begun(driver, energy_wh=case.start_wh),
        until=case.days.count,
    )  # fmt: skip
    return scored(case.job(Strategy.PERFECT, Knowledge.TOLD), columns(list(done)), case.market)


def bound(case: Case) -> float:
    found = net_cost(known_days(case.job(Strategy.PERFECT, Knowledge.TOLD)))
    assert found is not None
    return found


def test_nothing_tried_in_all_ways_is_better() -> None:
    days = days_of(
        [0.10, 0.55, 0.20, 0.60],
        sold=[0.05, 0.50, 0.10, 0.55],
        stays=(stay(0, 4, target_wh=29_000.0),),
        load_w=900.0,
    )
    case = a_lossy_case(days)
    powers_w = (-5900.0, -3300.0, 0.0, 3700.0, 7400.0)
    tried = [scripted(case, ways) for ways in product(powers_w, repeat=4)]
    best = min(one.net_cost for one in tried if one.missed_wh == 0.0)
    perfect = played(case, Strategy.PERFECT)
    assert perfect.missed_wh == pytest.approx(0.0, abs=1e-6)
    assert float(perfect.net_cost) <= float(best) + 1e-4
    assert bound(case) <= float(perfect.net_cost) + 1e-6


def test_what_cannot_be_met_is_missed_by_as_little_as_can_be() -> None:
    # Two quarter hours bring 2 × 7400 W less 150 W, 3 % and 3 mW a W²: 3.43 kWh.
    days = days_of([0.3, 0.9], stays=(stay(0, 2, target_wh=40_000.0),))
    score = played(a_lossy_case(days), Strategy.PERFECT)
    assert score.missed_wh == pytest.approx(40_000.0 - 30_000.0 - 3431.86, abs=0.01)


def test_negative_prices_are_bought_and_the_sun_is_not_exported_then() -> None:
    days = days_of(
        [-0.2, -0.2, 0.3, 0.3], sold=[-0.25, -0.25, 0.0, 0.0], stays=(stay(0, 4),), load_w=500.0
    )
    score = played(a_lossy_case(days), Strategy.PERFECT)
    assert score.charge_milliwh == 2 * 1_850_000
    assert score.export_milliwh == 0


def test_without_a_car_there_is_nothing_to_know() -> None:
    case = a_lossy_case(days_of([0.3] * 8, load_w=1000.0))
    assert float(played(case, Strategy.PERFECT).net_cost) == pytest.approx(0.6)
    assert bound(case) == pytest.approx(0.6)


def test_the_relaxation_knows_what_full_power_loses_where_that_is_far_from_the_best() -> None:
    # 7400 W less 20 W, 2 % and 10 mW a W² are 6684.4 W; at best, 1414 W, one W brings 0.95.
    bent = replace(PLANT, loss=LossCurve(constant_w=20.0, linear=0.02, quadratic_per_w=0.00001))
    days = days_of([0.3] * 4, stays=(stay(0, 4, target_wh=36_684.4),))
    case = replace(a_lossy_case(days), plant=bent)
    worth = float(case.market.end_per_kwh) * 6.6844
    assert bound(case) == pytest.approx(7.4 * 0.3 - worth, abs=1e-6)


def test_a_stay_longer_than_a_piece_is_one_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    prices = [0.1 if slot % 9 < 4 else 0.5 for slot in range(60)]
    days = days_of(prices, stays=(stay(2, 58, target_wh=45_000.0),), load_w=2000.0)
    whole = played(a_lossy_case(days), Strategy.PERFECT)
    monkeypatch.setattr("v2g_daemon.planning.foresight.LONGEST_STEPS", 7)
    assert played(a_lossy_case(days), Strategy.PERFECT) == whole
    assert LEVELS == 24


prices = st.floats(-0.3, 1.5).map(lambda price: round(price, 3))


@st.composite
def some_days(draw: st.DrawFn) -> Days:
    """A day and a half with two stays, a trip between them, sun and a house."""
    count = 144
    hours = draw(st.lists(prices, min_size=36, max_size=36))
    spread = draw(st.floats(-0.05, 0.25))
    first, away, back = draw(st.integers(0, 30)), draw(st.integers(32, 70)), draw(
        st.integers(71, 100)
    )  # fmt: skip
    changes: dict[str, Any] = {
        "sold": [hours[slot // 4] - spread for slot in range(count)],
        "load_w": draw(st.floats(0.0, 4000.0)),
        "pv_w": [draw(st.sampled_from([0.0, 3000.0])) if 30 < slot < 70 else 0.0 for slot in
                 range(0, count, 1)],
        "stays": (
            stay(first, away, target_wh=draw(st.sampled_from([None, 25_000.0, 50_000.0]))),
            stay(back, count, trip_wh=draw(st.floats(0.0, 15_000.0))),
        ),
    }  # fmt: skip
    return days_of([hours[slot // 4] for slot in range(count)], **changes)


@settings(max_examples=12, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(some_days())
def test_no_strategy_passes_perfect_foresight_and_that_passes_no_relaxation(days: Days) -> None:
    case = a_lossy_case(days)
    perfect = played(case, Strategy.PERFECT)
    # Between two points of the lattice values are a line: it is off by a part of a cell.
    part_wh = LATTICE_WH / 4.0
    part_money = part_wh / 1000.0 * max(map(abs, (*days.import_per_kwh, *days.export_per_kwh)))
    for strategy in (Strategy.PLAIN, Strategy.CHEAPEST, Strategy.THRESHOLD, Strategy.V2G):
        score = played(case, strategy)
        assert score.missed_wh >= perfect.missed_wh - part_wh
        if score.missed_wh <= perfect.missed_wh + part_wh:
            assert float(perfect.net_cost) <= float(score.net_cost) + part_money
    assert bound(case) <= float(perfect.net_cost) + 1e-4
