"""How a budget of discharge opens, and how much of it is saved up for better prices."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from tests.builders import a_vehicle, some_counters, warranty_terms
from v2g_daemon.battery.budgets import Pace, month_budget, warranty_budgets
from v2g_daemon.domain.budget import DischargeBudget
from v2g_daemon.domain.interval import Interval

PACE = Pace(advance_share=0.1, saving_share=0.2)
START_UTC = datetime(2024, 1, 1, tzinfo=UTC)


def the_budget(*, used_wh: float | None, years_gone: float) -> DischargeBudget:
    """10 MWh paced over eight years."""
    terms = warranty_terms(start_date=date(2024, 1, 1), discharge_wh=10e6)
    now_utc = START_UTC + timedelta(days=365.25 * years_gone)
    counters = some_counters(discharged_life_wh=used_wh)
    (budget,) = warranty_budgets(a_vehicle(warranty=terms), counters, now_utc)
    return budget


@pytest.mark.parametrize(
    ("elapsed", "opened"),
    [(-0.01, 0.0), (0.0, 0.1), (0.5, 0.6), (0.9, 1.0), (1.0, 1.0), (3.0, 1.0)],
)
def test_a_budget_opens_evenly_with_an_advance_and_never_beyond_its_whole(
    elapsed: float, opened: float
) -> None:
    assert PACE.open_share(elapsed) == pytest.approx(opened)


@pytest.mark.parametrize(
    ("elapsed", "used", "saved"),
    [
        (0.5, 0.6, 0.0),  # all that is open
        (0.5, 0.7, 0.0),  # and more: a car that came with a past
        (0.5, 0.5, 0.5),  # a tenth of the whole is left, of a fifth that may be saved
        (0.5, 0.4, 1.0),
        (0.5, 0.0, 1.0),
        (0.95, 0.975, 0.5),  # no more is worth saving than the time left would open
        (1.5, 0.99, 1.0),  # the term is over: what is left may go
        (1.5, 1.0, 0.0),
    ],
)
def test_what_is_open_and_unused_is_saved_up(elapsed: float, used: float, saved: float) -> None:
    assert PACE.saved_share(elapsed, used) == pytest.approx(saved)


def test_unused_budget_is_carried_forward() -> None:
    unused = the_budget(used_wh=0.0, years_gone=4.0)
    assert unused.open_share == pytest.approx(0.5 + 3.0 / 32.0)
    assert unused.left_wh == pytest.approx(10e6 * (0.5 + 3.0 / 32.0))
    assert (unused.saved_share, unused.spent) == (1.0, False)


def test_after_its_term_a_budget_has_no_more_than_was_left_of_it() -> None:
    assert the_budget(used_wh=9.5e6, years_gone=9.0).left_wh == pytest.approx(0.5e6)
    spent = the_budget(used_wh=10e6, years_gone=9.0)
    assert (spent.spent, spent.left_wh, spent.saved_share) == (True, 0.0, 0.0)


def test_an_unreadable_counter_leaves_nothing() -> None:
    unreadable = the_budget(used_wh=None, years_gone=4.0)
    assert (unreadable.used_share, unreadable.left_wh, unreadable.spent) == (None, 0.0, True)


def test_a_budget_holds_what_fits_into_it() -> None:
    energy = the_budget(used_wh=9_999_000.0, years_gone=8.0)
    assert energy.holds(999.0, 1e9)
    assert not energy.holds(1001.0, 0.0)
    hours = warranty_budgets(
        a_vehicle(warranty=warranty_terms(start_date=date(2010, 1, 1), discharge_s=3600.0)),
        some_counters(discharging_life_s=3000.0),
        START_UTC,
    )[0]
    assert hours.left_wh is None
    assert hours.left_s == pytest.approx(600.0)
    assert hours.holds(1e9, 599.0)
    assert not hours.holds(0.0, 601.0)


def test_each_budget_of_the_terms_is_counted_in_its_own_unit() -> None:
    terms = warranty_terms(discharge_wh=1e6, discharge_s=2e6, equivalent_cycles=10.0)
    counters = some_counters(discharged_life_wh=60_000.0, discharging_life_s=500_000.0)
    found = warranty_budgets(a_vehicle(warranty=terms), counters, START_UTC)
    assert {budget.name: budget.used_share for budget in found} == {
        "warranty energy": 0.06,
        "warranty hours": 0.25,
        "warranty cycles": 0.1,  # one of ten packs of 60 kWh
    }


def month_at(days_gone: float, used_wh: float) -> DischargeBudget:
    month = Interval(start_utc=START_UTC, end_utc=START_UTC + timedelta(days=30))
    counters = some_counters(discharged_month_wh=used_wh)
    return month_budget(600_000.0, counters, month, START_UTC + timedelta(days=days_gone))


def test_a_month_is_all_open_but_spread() -> None:
    assert month_at(0.0, 0.0).left_wh == 600_000.0
    assert month_at(0.0, 30_000.0).saved_share == 1.0
    assert month_at(3.0, 60_000.0).saved_share == 1.0  # used as it passes
    assert month_at(3.0, 200_000.0).saved_share == pytest.approx(0.4)
    assert month_at(29.0, 400_000.0).saved_share == 1.0  # a third is left for one day
    assert month_at(29.0, 600_000.0).spent
