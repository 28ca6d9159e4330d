"""Demand charges in virtual time: the house knows what its month has billed, and keeps to it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from tests.unit.rehearsal.toys import START_UTC, a_job, days_of, planned, stay
from v2g_daemon.domain.interval import Interval
from v2g_daemon.domain.plan import Plan, PlanProblem
from v2g_daemon.planning.plan import advise
from v2g_daemon.rehearsal.days import Days
from v2g_daemon.rehearsal.peaks import DemandRule, PeakSoFar, after

DAYS = days_of([0.20] * 192)


def month(first_day: int, end_day: int) -> Interval:
    return Interval(
        start_utc=START_UTC + timedelta(days=first_day),
        end_utc=START_UTC + timedelta(days=end_day),
    )


def a_rule(**changes: Any) -> DemandRule:
    rule = DemandRule(
        name="demand",
        per_kw=10.0,
        interval_s=1800,
        windows=None,
        months=(month(0, 1), month(1, 31)),
        ratchet_share=0.5,
        ratchet_months=11,
    )
    return replace(rule, **changes)


def seen(rule: DemandRule, *slots: tuple[int, float]) -> PeakSoFar:
    """Where the charge stands after slots of so much imported energy."""
    peaks: tuple[PeakSoFar, ...] = (PeakSoFar(),)
    for slot, import_wh in slots:
        peaks = after(peaks, (rule,), DAYS, slot, import_wh)
    return peaks[0]


def test_the_peak_is_the_mean_of_the_clocked_interval() -> None:
    rule = a_rule()
    assert seen(rule, (0, 1000.0), (1, 2000.0), (2, 500.0)).billed_w(rule) == 6000.0


def test_a_new_month_begins_with_the_ratchets_share() -> None:
    rule = a_rule()
    standing = seen(rule, (0, 1000.0), (1, 2000.0), (96, 250.0))
    assert standing.billed_w(rule) == 3000.0
    free = a_rule(ratchet_share=0.0)
    assert seen(free, (0, 1000.0), (1, 2000.0), (96, 250.0)).billed_w(free) == 500.0


def test_outside_its_windows_nothing_counts() -> None:
    noon = Interval(
        start_utc=START_UTC + timedelta(hours=12), end_utc=START_UTC + timedelta(hours=13)
    )
    rule = a_rule(windows=(noon,))
    assert seen(rule, (0, 9000.0)).billed_w(rule) == 0.0
    assert seen(rule, (48, 1000.0)).billed_w(rule) == 2000.0


# --- a house under it


def house_days() -> Days:
    """Two nights of thirteen hours, the tariff cheap for the last four of each."""
    prices = [0.12 if 12 <= slot % 96 < 28 else 0.30 for slot in range(288)]
    stays = [stay(72, 124, target_wh=40_000.0), stay(168, 220, trip_wh=8000.0, target_wh=40_000.0)]
    return days_of(prices, stays=stays, load_w=500.0)


def peak_w(*demands: DemandRule) -> tuple[float, list[PlanProblem]]:
    """The highest quarter hour from the car's first stay on, and what was asked of the planner."""
    asked: list[PlanProblem] = []

    def planner(problem: PlanProblem) -> Plan:
        asked.append(problem)
        return advise(problem)

    ran = planned(a_job(house_days(), demands=demands), planner)
    assert max(ran.missing_wh) <= 100.0
    return max(ran.import_milliwh) / 1000.0 * 4.0, asked


def test_a_house_under_a_demand_charge_charges_slowly_and_still_in_time() -> None:
    unaware_w, _ = peak_w()
    assert unaware_w == 7900.0
    rule = a_rule(months=(month(0, 31),), interval_s=900)
    aware_w, asked = peak_w(rule)
    # 20 kWh in thirteen hours are 1.5 kW beside 0.5 of load.
    assert aware_w < 2600.0
    # The second night's plan knows what the first one had billed.
    billed_w = [problem.prices.peak_charges[0].billed_w for problem in asked]
    assert billed_w[0] == 500.0
    assert billed_w[-1] > 1800.0
