"""Gains, shares and paybacks, with literals."""

from __future__ import annotations

from datetime import date

import pytest

from tests.unit.rehearsal.test_score import a_case, a_run
from tests.unit.rehearsal.toys import days_of
from v2g_daemon.rehearsal.days import Days
from v2g_daemon.rehearsal.job import Ran
from v2g_daemon.rehearsal.knowledge import Knowledge
from v2g_daemon.rehearsal.score import Score, scored
from v2g_daemon.rehearsal.strategies import Strategy
from v2g_daemon.rehearsal.verdict import (
    Gain,
    attainable,
    cost_by_month,
    gain_over,
    payback,
    share_of_attainable,
)

DAY = 96
YEAR = days_of([0.30] * (365 * DAY))
WEEKS = days_of([0.30] * (26 * 7 * DAY))


def bought(days: Days, kwh_a_day: float, *, out_kwh_a_day: float = 0.0) -> Ran:
    each = round(kwh_a_day * 1e6)
    imported = tuple(each if slot % DAY == 0 else 0 for slot in range(days.count))
    moved = tuple(
        -1000.0 * out_kwh_a_day if slot % DAY == 50 else 0.0 for slot in range(days.count)
    )
    return a_run(days, import_milliwh=imported, pack_wh=moved)


def both(days: Days, ran: Ran) -> tuple[Score, Ran]:
    case = a_case(days)
    return scored(case.job(Strategy.V2G, Knowledge.TOLD), ran, case.market), ran


def test_a_gain_is_money_a_year_with_the_band_of_wear() -> None:
    job = a_case(WEEKS).job(Strategy.V2G, Knowledge.TOLD)
    # 2 kWh a day less at 0.30, for 1 kWh a day out of the pack at 0.04.
    gain = gain_over(
        job, both(WEEKS, bought(WEEKS, 8.0, out_kwh_a_day=1.0)), both(WEEKS, bought(WEEKS, 10.0))
    )
    assert gain.default == pytest.approx(365 * (0.60 - 0.04))
    assert gain.high == pytest.approx(365 * (0.60 - 0.01))
    assert gain.low == pytest.approx(365 * (0.60 - 0.09))
    # Every week is like the others, so none is luck; ten of 182 equal days bring ten parts.
    assert gain.by_chance == pytest.approx(0.0, abs=1e-6)
    assert gain.best_days_share == pytest.approx(10 / 182)


def test_a_fifth_of_a_year_is_counted_five_times() -> None:
    fifth = days_of([0.30] * (73 * DAY))
    job = a_case(fifth).job(Strategy.V2G, Knowledge.TOLD)
    gain = gain_over(job, both(fifth, bought(fifth, 8.0)), both(fifth, bought(fifth, 10.0)))
    assert gain.default == pytest.approx(5 * 73 * 0.60, rel=1e-3)


def test_a_few_days_say_nothing_of_chance() -> None:
    few = days_of([0.30] * (14 * DAY))
    job = a_case(few).job(Strategy.V2G, Knowledge.TOLD)
    gain = gain_over(job, both(few, bought(few, 8.0)), both(few, bought(few, 10.0)))
    assert (gain.by_chance, gain.best_days_share) == (None, None)


def test_weeks_that_differ_make_a_gain_uncertain() -> None:
    # Every other week brings 14 EUR, the others nothing.
    imported = tuple(
        round(20e6 / 3.0) if slot % DAY == 0 and slot // DAY // 7 % 2 == 0 else 0
        for slot in range(WEEKS.count)
    )
    job = a_case(WEEKS).job(Strategy.V2G, Knowledge.TOLD)
    gain = gain_over(
        job, both(WEEKS, a_run(WEEKS)), both(WEEKS, a_run(WEEKS, import_milliwh=imported))
    )
    # A week's standard deviation is 7 × √(26 / 25); √52.14 weeks and 1.28 of them.
    assert gain.by_chance == pytest.approx(1.28 * 7.14 * 52.14**0.5, rel=0.01)


def test_the_share_of_the_attainable_pays_for_what_is_missed_beyond_plain_charging() -> None:
    days = days_of([0.30] * DAY)
    plain, _ = both(days, bought(days, 100.0))  # 30 EUR
    perfect, _ = both(days, bought(days, 60.0))  # 18 EUR
    ours_ran = bought(days, 70.0)  # 21 EUR
    missing = a_run(days, import_milliwh=ours_ran.import_milliwh, missing_wh=(3000.0,))
    scores = {
        Strategy.PLAIN: plain,
        Strategy.PERFECT: perfect,
        Strategy.V2G: both(days, ours_ran)[0],
    }
    assert attainable(scores) == 12
    share = share_of_attainable(Strategy.V2G, scores, miss_per_kwh=1.0)
    assert share == pytest.approx(9.0 / 12.0)
    scores[Strategy.V2G] = both(days, missing)[0]
    share = share_of_attainable(Strategy.V2G, scores, miss_per_kwh=1.0)
    assert share == pytest.approx((9.0 - 3.0) / 12.0)


def test_without_the_yardstick_there_is_no_share() -> None:
    days = days_of([0.30] * DAY)
    plain, _ = both(days, bought(days, 10.0))
    assert share_of_attainable(Strategy.PLAIN, {Strategy.PLAIN: plain}, miss_per_kwh=1.0) is None
    same = {Strategy.PLAIN: plain, Strategy.PERFECT: plain}
    assert share_of_attainable(Strategy.PLAIN, same, miss_per_kwh=1.0) is None


def test_a_price_is_paid_back_between_luck_with_low_wear_and_bad_luck_with_high() -> None:
    gain = Gain(default=100.0, low=60.0, high=130.0, by_chance=20.0, best_days_share=None)
    found = payback(gain, price=3000.0)
    assert (found.soonest_years, found.default_years, found.latest_years) == (20.0, 30.0, 75.0)


def test_what_earns_nothing_is_never_paid_back() -> None:
    gain = Gain(default=5.0, low=-10.0, high=10.0, by_chance=None, best_days_share=None)
    found = payback(gain, price=3000.0)
    assert (found.soonest_years, found.default_years, found.latest_years) == (300.0, 600.0, None)


def test_months_are_local_and_add_up() -> None:
    job = a_case(YEAR).job(Strategy.V2G, Knowledge.TOLD)
    months = cost_by_month(job, bought(YEAR, 10.0))
    assert next(iter(months)) == date(2024, 1, 1)
    assert len(months) == 12  # 365 days of a leap year: 2 January to 31 December
    assert months[date(2024, 2, 1)] == pytest.approx(29 * 3.0)
    assert sum(months.values()) == pytest.approx(365 * 3.0)
