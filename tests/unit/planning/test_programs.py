"""Commitments and availability pay in a plan, worked by hand on small days."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.benchmarks.committed_cases import committed, matched
from tests.benchmarks.planner_vs_milp import fixed_cases
from tests.unit.planning.problems import (
    REAL_LOSS,
    START_UTC,
    as_advised,
    hourly_curve,
    plan_problem,
)
from v2g_daemon.control.dispatch import dispatch
from v2g_daemon.control.pricing import Moment
from v2g_daemon.domain.interval import Interval
from v2g_daemon.domain.plan import PastStay, Plan, PlanProblem
from v2g_daemon.domain.programs import AvailabilityPay, AvailabilityTerms, Commitment
from v2g_daemon.planning.plan import advise, solve
from v2g_daemon.planning.problem import outlook_of
from v2g_daemon.trace.pipe import decode_problem, encode_problem

HOUR = timedelta(hours=1)
EVENING = hourly_curve([0.50, 0.48, 0.10, 0.46, 0.44], [0.0] * 5)


def hours(first: float, end: float) -> Interval:
    return Interval(start_utc=START_UTC + first * HOUR, end_utc=START_UTC + end * HOUR)


def promise(first: float, end: float, **changes: Any) -> Commitment:
    """1 kW for as long as is left of it; a kWh that could not be given costs 10."""
    plain = Commitment(
        name="reserve",
        interval=hours(first, end),
        discharge_w=1000.0,
        sustained_s=None,
        shortfall_per_kwh=10.0,
    )
    return replace(plain, **changes)


def evening(*commitments: Commitment, **changes: Any) -> PlanProblem:
    """Five hours of 1 kW of load, dear but for the third; a lossless 1 kW charger, 2 kWh inside."""
    values: dict[str, Any] = {
        "prices": EVENING,
        "step_s": (3600,) * 5,
        "soc": 0.2,
        "capacity_wh": 10_000.0,
        "commitments": commitments,
    }
    return plan_problem(**{**values, **changes})


def powers_w(problem: PlanProblem) -> list[float]:
    return [slot.power_w for slot in solve(problem).slots]


def socs(problem: PlanProblem) -> list[float]:
    return [slot.soc for slot in solve(problem).slots]


def test_without_a_commitment_the_car_serves_the_dear_hours() -> None:
    # 2 kWh at the start and 1 kWh bought at 0.10; for the last hour nothing is left.
    assert powers_w(evening()) == [-1000.0, -1000.0, 1000.0, -1000.0, 0.0]


def test_the_energy_for_what_is_left_of_a_commitment_is_held_in_each_of_its_hours() -> None:
    # 1 kW promised for the hours 3 and 4: 2 kWh as the hour 3 begins, 1 kWh as the hour 4 does.
    problem = evening(promise(3.0, 5.0))
    assert powers_w(problem) == [-1000.0, 0.0, 1000.0, -1000.0, -1000.0]
    assert socs(problem) == pytest.approx([0.1, 0.1, 0.2, 0.1, 0.0])


def test_no_more_is_held_than_sustains_the_power_for_as_long_as_it_must() -> None:
    # Half an hour of 1 kW is 0.5 kWh at any moment: in the last hour as before.
    problem = evening(promise(0.0, 5.0, sustained_s=1800.0))
    assert powers_w(problem) == [-1000.0, -500.0, 1000.0, -1000.0, -500.0]
    assert socs(problem) == pytest.approx([0.1, 0.05, 0.15, 0.05, 0.0])


def test_what_leaves_the_pack_is_held_and_not_what_leaves_the_charger() -> None:
    # 4 kW for two hours: 4000 + 150 + 120 + 48 = 4318 W out of the pack, 8636 Wh above 3 kWh.
    problem = evening(
        promise(3.0, 5.0, discharge_w=4000.0),
        loss=REAL_LOSS,
        capacity_wh=20_000.0,
        soc_floor=0.15,
        soc=0.15,
        max_charge_w=7400.0,
        max_discharge_w=7400.0,
    )
    (held,) = outlook_of(problem).case.held
    assert held.least_wh.tolist() == pytest.approx([3000.0] * 3 + [11_636.0, 7318.0])
    # 4 kWh are promised in an hour: who holds nothing owes 40.
    assert held.lacking_money.tolist() == pytest.approx([0.0] * 3 + [40.0, 40.0])
    # A point each 200 Wh, a level each 308 W: no more than one of both on the safe side.
    soc = solve(problem).slots[2].soc
    assert 11_636.0 <= soc * 20_000.0 <= 11_636.0 + 508.0


def test_a_shortfall_that_costs_less_than_the_energy_earns_is_taken() -> None:
    # The kWh promised for the third hour is kept from the second, which saves 0.48, to the last,
    # which saves 0.44.
    assert powers_w(evening(promise(2.0, 3.0, shortfall_per_kwh=0.02))) == powers_w(evening())
    kept = powers_w(evening(promise(2.0, 3.0, shortfall_per_kwh=0.06)))
    assert kept == [-1000.0, 0.0, 1000.0, -1000.0, -1000.0]


def test_energy_that_cannot_be_given_is_not_held() -> None:
    free = powers_w(evening())
    # Without export only the house draws it; a charger of 1 kW gives no more than that.
    big = promise(3.0, 5.0, discharge_w=5000.0)
    (held,) = outlook_of(evening(big)).case.held
    assert held.lacking_money.tolist() == [0.0, 0.0, 0.0, 10.0, 10.0]
    away_from_grid = evening(big, may_export=False, current_net_load_w=400.0)
    (held,) = outlook_of(away_from_grid).case.held
    assert held.lacking_money.tolist() == pytest.approx([0.0, 0.0, 0.0, 4.0, 4.0])
    assert outlook_of(evening(big, max_discharge_w=0.0)).case.held == ()
    assert powers_w(evening(promise(3.0, 5.0, discharge_w=0.0))) == free


def test_commitments_that_overlap_are_held_on_top_of_each_other() -> None:
    problem = evening(
        promise(3.0, 5.0, discharge_w=600.0), promise(4.0, 5.0, name="other", discharge_w=900.0)
    )
    first, second = outlook_of(problem).case.held
    assert first.least_wh.tolist() == [0.0, 0.0, 0.0, 1200.0, 600.0]
    # The charger has 400 W left for it.
    assert second.least_wh[4] == 1000.0
    assert second.lacking_money[4] == pytest.approx(4.0)


def test_a_commitment_of_a_part_of_a_step_counts_as_that_part() -> None:
    (held,) = outlook_of(evening(promise(3.5, 5.0))).case.held
    assert held.least_wh.tolist() == [0.0, 0.0, 0.0, 1500.0, 1000.0]
    assert held.lacking_money.tolist() == [0.0, 0.0, 0.0, 5.0, 10.0]


def test_dispatch_holds_what_the_plan_holds() -> None:
    problem = evening(promise(2.0, 3.0))
    plan = solve(problem)
    first = acted(plan, problem, hour=0, soc=0.2)
    assert first == pytest.approx(-1000.0)
    # In the second hour the last kWh stays for the third.
    assert acted(plan, problem, hour=1, soc=0.1) == 0.0
    assert acted(solve(evening()), problem, hour=1, soc=0.1) == pytest.approx(-1000.0)


def acted(plan: Plan, problem: PlanProblem, *, hour: int, soc: float) -> float:
    store, slot = problem.store, plan.slots[hour]
    moment = Moment(
        now_utc=START_UTC + hour * HOUR,
        net_load_w=slot.net_load_w,
        import_per_kwh=slot.import_per_kwh,
        export_per_kwh=slot.export_per_kwh,
        soc=soc,
        capacity_wh=store.capacity_wh,
        soc_floor=store.soc_floor,
        soc_ceiling=store.soc_ceiling,
        max_charge_w=store.max_charge_w,
        max_discharge_w=store.max_discharge_w,
        min_charge_w=store.min_charge_w,
        min_discharge_w=store.min_discharge_w,
        loss=store.loss,
        wear_and_margin_per_kwh=0.0,
        last_target_w=0.0,
    )
    choice = dispatch(plan, moment)
    assert choice is not None
    return choice.target_w


def test_a_car_that_stands_unplugged_owes_the_whole_commitment() -> None:
    def worth(*commitments: Commitment) -> float:
        stay = solve(evening(*commitments)).slots[0].stay
        assert stay is not None
        return stay.likely_money

    # Plugged in, the promise of the hours 3 and 4 is kept, which loses 0.48 and saves 0.44 later;
    # else 20.00 are owed.
    assert worth(promise(3.0, 5.0)) == pytest.approx(worth() + 20.0 - 0.04, abs=1e-3)


def pay(to_date_h: float, *, ends_h: float = 5.0, **terms: Any) -> AvailabilityPay:
    """A period that ends with the plan."""
    values: dict[str, Any] = {"name": "availability", "soc_at_least": 0.0, **terms}
    return AvailabilityPay(
        terms=AvailabilityTerms(**values),
        period=Interval(start_utc=START_UTC - 240 * HOUR, end_utc=START_UTC + ends_h * HOUR),
        plugged_to_date_h=to_date_h,
    )


def paid_per_h(*availability: AvailabilityPay, **changes: Any) -> list[float]:
    case = outlook_of(evening(availability=availability, **changes)).case
    return [0.0] * 5 if not case.held else case.held[0].paid_money.tolist()


def test_each_hour_is_paid_while_the_cap_lies_beyond_what_is_left_of_the_month() -> None:
    # 0.24 an hour up to 250 h: 240 and all of the 5 that are left are below it.
    terms: dict[str, Any] = {"per_plugged_h": 0.24, "cap_h": 250.0}
    assert paid_per_h(pay(240.0, **terms)) == [0.24] * 5
    assert paid_per_h(pay(250.0, **terms)) == [0.0] * 5
    assert paid_per_h(pay(100.0, per_plugged_h=0.24)) == [0.24] * 5
    assert paid_per_h(pay(100.0, ends_h=2.5, per_plugged_h=0.24)) == pytest.approx(
        [0.24, 0.24, 0.12, 0.0, 0.0]
    )


def test_an_hour_pays_as_likely_as_the_cap_is_not_reached_without_it() -> None:
    # 10 days are left after the plan's 5 hours: 5 + 0.35 x 240 h = 89 are likely. A month that has
    # 161 is as likely above as below 250 h; one sigma is 24 h x sqrt(0.35 x 0.65 x 10.2) = 36.6 h.
    terms: dict[str, Any] = {"ends_h": 245.0, "per_plugged_h": 0.24, "cap_h": 250.0}
    assert paid_per_h(pay(161.0, **terms)) == pytest.approx([0.12] * 5)
    assert paid_per_h(pay(124.4, **terms)) == pytest.approx([0.24 * 0.8413] * 5, rel=2e-3)
    assert paid_per_h(pay(197.6, **terms)) == pytest.approx([0.24 * 0.1587] * 5, rel=2e-2)


def test_a_bonus_is_spread_over_the_hours_that_make_its_threshold_likelier() -> None:
    # As likely as not with 36.6 h of sigma: 30 x 0.3989 / 36.6 = 0.327 an hour.
    terms: dict[str, Any] = {"ends_h": 245.0, "bonus_money": 30.0, "threshold_h": 300.0}
    assert paid_per_h(pay(211.0, **terms)) == pytest.approx([0.327] * 5, rel=2e-3)
    assert paid_per_h(pay(211.0 - 36.6, **terms)) == pytest.approx([0.198] * 5, rel=5e-3)
    # Reached, or out of reach even for a car that stays: an hour more or less changes nothing.
    assert paid_per_h(pay(300.0, **terms)) == [0.0] * 5
    assert paid_per_h(pay(54.9, **terms)) == [0.0] * 5
    assert paid_per_h(pay(290.0, bonus_money=30.0, threshold_h=300.0)) == [0.0] * 5


def test_what_habits_say_of_the_rest_of_the_month_counts() -> None:
    # Plugged in for twelve hours of each day: 161 to date, 5 + 0.5 x 240 are likely.
    stays = tuple(
        PastStay(
            plugged_in_utc=START_UTC - timedelta(days=day, hours=12),
            plugged_out_utc=START_UTC - timedelta(days=day),
            trip_wh=2000.0,
        )
        for day in range(28, -1, -1)
    )
    stays = (*stays[:-1], replace(stays[-1], plugged_out_utc=None))
    terms: dict[str, Any] = {"ends_h": 245.0, "per_plugged_h": 0.24, "cap_h": 250.0}
    more, usual = paid_per_h(pay(161.0, **terms), stays=stays), paid_per_h(pay(161.0, **terms))
    assert 0.0 < more[0] < usual[0]


def test_the_least_soc_is_held_where_that_pays() -> None:
    # A kWh kept from the second hour to the last loses 0.04, and the third and the last are paid.
    def held(per_plugged_h: float) -> list[float]:
        paid = pay(0.0, per_plugged_h=per_plugged_h, soc_at_least=0.1)
        return socs(evening(availability=(paid,)))

    assert held(0.03) == pytest.approx([0.1, 0.1, 0.2, 0.1, 0.0])
    assert held(0.01) == pytest.approx([0.1, 0.0, 0.1, 0.0, 0.0])


def test_the_worth_of_plugging_in_includes_the_pay_and_that_of_telling_does_not() -> None:
    stays = tuple(
        PastStay(
            plugged_in_utc=START_UTC - timedelta(days=day, hours=1),
            plugged_out_utc=START_UTC - timedelta(days=day, hours=-4),
            trip_wh=2000.0,
        )
        for day in range(28, 0, -1)
    )
    now = PastStay(plugged_in_utc=START_UTC - HOUR, plugged_out_utc=None)
    problem = evening(stays=(*stays, now))
    paid = replace(problem, availability=(pay(0.0, per_plugged_h=0.24),))
    without, plan = solve(problem), solve(paid)
    stay, before = plan.slots[0].stay, without.slots[0].stay
    assert stay is not None
    assert before is not None
    # The first hour is paid whole, the last only if the car has not left by then.
    assert 0.24 < stay.likely_money - before.likely_money < 5 * 0.24
    assert without.told_money is not None
    assert plan.told_money == pytest.approx(without.told_money, abs=1e-4)
    assert [slot.power_w for slot in plan.slots] == [slot.power_w for slot in without.slots]


def test_the_plan_says_what_it_keeps_and_what_will_be_missing() -> None:
    told = solve(evening(promise(3.0, 5.0))).summary
    assert "Keeps the energy for 1.0 kW promised to reserve between 04:00 on Wednesday" in told
    assert "missing" not in told
    # Nothing is inside and nothing can be charged: of the first hour's kWh all is missing.
    empty = evening(promise(0.0, 1.0), soc=0.0, max_charge_w=0.0)
    assert "What its commitments will be missing costs 10.00 EUR." in solve(empty).summary
    hour = solve(evening(availability=(pay(0.0, per_plugged_h=0.24),))).summary
    assert "An hour plugged in counts 0.240 EUR of availability pay." in hour


def test_dispatch_gets_the_same_values_with_the_plan_and_without() -> None:
    problem = evening(promise(3.0, 5.0), availability=(pay(0.0, per_plugged_h=0.24),))
    assert advise(problem).value == as_advised(solve(problem).value)


def test_a_commitment_is_held_as_well_as_by_the_milp_within_its_share_of_the_gain() -> None:
    match = matched(committed(fixed_cases()[1], power_kw=4.0, per_kwh=0.5))
    assert match is not None
    assert match.worse_share <= 0.004
    assert match.missed_kwh == 0.0
    assert match.planner < match.unaware


def test_programs_cross_the_pipe_and_a_problem_from_before_has_none() -> None:
    problem = evening(
        promise(3.0, 5.0, sustained_s=3600.0), availability=(pay(3.0, per_plugged_h=0.24),)
    )
    assert decode_problem(encode_problem(problem)) == problem
    before = encode_problem(evening()).replace(b',"commitments":[],"availability":[]', b"")
    assert b"commitments" not in before
    assert decode_problem(before) == evening()
