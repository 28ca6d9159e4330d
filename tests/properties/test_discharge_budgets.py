"""No more than the whole of a budget is ever open, and using more of it never makes it cheaper."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tests.builders import a_vehicle, some_counters, warranty_terms
from v2g_daemon.battery.budgets import month_budget, warranty_budgets
from v2g_daemon.domain.budget import DischargeBudget
from v2g_daemon.domain.interval import Interval
from v2g_daemon.planning.budgets import worth_share

WHOLE_WH = 10e6
START_UTC = datetime(2024, 1, 1, tzinfo=UTC)
MONTH = Interval(start_utc=START_UTC, end_utc=START_UTC + timedelta(days=31))

used_wh = st.floats(0.0, 2.0 * WHOLE_WH)


def of_the_warranty(used_wh: float, days_gone: float) -> DischargeBudget:
    terms = warranty_terms(start_date=date(2024, 1, 1), discharge_wh=WHOLE_WH)
    counters = some_counters(discharged_life_wh=used_wh)
    now_utc = START_UTC + timedelta(days=days_gone)
    (budget,) = warranty_budgets(a_vehicle(warranty=terms), counters, now_utc)
    return budget


def of_the_month(used_wh: float, days_gone: float) -> DischargeBudget:
    counters = some_counters(discharged_month_wh=used_wh)
    return month_budget(WHOLE_WH, counters, MONTH, START_UTC + timedelta(days=days_gone))


@given(used_wh=used_wh, days_gone=st.floats(-1000.0, 6000.0))
def test_never_more_than_the_whole_is_open_or_left(used_wh: float, days_gone: float) -> None:
    budget = of_the_warranty(used_wh, days_gone)
    assert 0.0 <= budget.open_share <= 1.0
    assert budget.left_wh is not None
    assert 0.0 <= budget.left_wh <= max(WHOLE_WH - used_wh, 0.0) + 1e-6
    assert budget.spent or budget.left_wh > 0.0


@given(one_wh=used_wh, other_wh=used_wh, days_gone=st.floats(0.0, 6000.0))
def test_the_more_is_used_the_dearer_is_what_is_left(
    one_wh: float, other_wh: float, days_gone: float
) -> None:
    less_wh, more_wh = sorted((one_wh, other_wh))
    for of in (of_the_warranty, of_the_month):
        days = days_gone % 31.0 if of is of_the_month else days_gone
        less, more = of(less_wh, days), of(more_wh, days)
        assert 0.0 <= worth_share(less) <= worth_share(more) <= 1.0
    assert worth_share(replace(of_the_warranty(more_wh, days_gone), saved_share=0.0)) == 1.0


@given(days_gone=st.floats(0.0, 31.0, exclude_max=True))
def test_what_is_used_as_slowly_as_it_opens_costs_nothing(days_gone: float) -> None:
    assert worth_share(of_the_month(0.99 * WHOLE_WH * days_gone / 31.0, days_gone)) == 0.0
    assert worth_share(of_the_warranty(0.0, 100.0 + days_gone)) == 0.0
