"""Which questions are put to the planner, when again, and how they are spelled out."""

from __future__ import annotations

from dataclasses import replace
from datetime import time, timedelta
from itertools import accumulate
from math import inf
from typing import Any

import pytest

from tests.builders import (
    LOSSY,
    NOW,
    a_capability,
    a_goal,
    a_grid,
    a_meter,
    a_plan,
    a_policy,
    a_price_curve,
    a_snapshot,
    a_sun,
    a_vehicle,
    ago,
    an_evse,
    an_evse_status,
    decided,
    goals,
    in_hours,
    some_counters,
    warranty_terms,
)
from v2g_daemon.domain.goals import DepartureGoal
from v2g_daemon.domain.interval import Interval
from v2g_daemon.domain.ledger import SessionRow
from v2g_daemon.domain.plan import HistoryRow, PlannedPower, PlanProblem
from v2g_daemon.domain.policy import ExportPolicy, Policy, Stage
from v2g_daemon.domain.prices import PriceCurve
from v2g_daemon.domain.programs import AvailabilityTerms, WeeklyCommitment
from v2g_daemon.domain.readings import EvseStatus, PowerControl
from v2g_daemon.domain.snapshot import Snapshot
from v2g_daemon.domain.sun import SunForecast
from v2g_daemon.step.beside import Courses, courses_of, plans_beside
from v2g_daemon.step.history import by_days
from v2g_daemon.step.pasts import Past
from v2g_daemon.step.questions import (
    Answer,
    Question,
    is_news,
    problem_of,
    question_of,
    step_lengths,
)


def asked(snapshot: Snapshot, policy: Policy | None = None) -> Question | None:
    policy = a_policy() if policy is None else policy
    return question_of(snapshot.evses[0], decided(snapshot, policy=policy), snapshot, policy)


def a_question(snapshot: Snapshot | None = None) -> Question:
    question = asked(a_snapshot() if snapshot is None else snapshot)
    assert question is not None
    return question


def a_problem(
    snapshot: Snapshot,
    policy: Policy | None = None,
    *,
    charged_wh: float = 0.0,
    past: Past | None = None,
) -> PlanProblem:
    policy = a_policy() if policy is None else policy
    decision = decided(snapshot, policy=policy)
    question = question_of(snapshot.evses[0], decision, snapshot, policy)
    assert question is not None
    return problem_of(
        question,
        snapshot.evses[0],
        decision,
        snapshot,
        policy,
        charged_wh=charged_wh,
        past=Past() if past is None else past,
    )


def with_car(**changes: Any) -> Snapshot:
    return a_snapshot(evses=(an_evse_status(**changes),))


def without_soc(**changes: Any) -> EvseStatus:
    return an_evse_status(soc=None, soc_observed_at=None, **changes)


# --- what is asked at all


def test_a_known_car_with_known_prices_poses_a_question() -> None:
    question = a_question(a_snapshot(goals=goals(a_goal(12.0), a_goal(36.0))))
    assert question == Question(
        evse_id="carport",
        session_id="s1",
        vehicle_id="car",
        stage=Stage.V2G,
        soc_reported=True,
        prices_until_utc=in_hours(48.0),
        goals=(a_goal(12.0), a_goal(36.0)),
        asked_at=NOW,
    )


@pytest.mark.parametrize(
    "nothing_to_plan",
    [
        with_car(plugged_in=False),
        with_car(connected=False),
        with_car(identity=None),
        a_snapshot(prices=None),
        a_snapshot(prices=a_price_curve(start_utc=in_hours(1.0))),
        a_snapshot(clock_trusted=False),
    ],
    ids=["no car", "no station", "a guest", "no prices", "none for now", "no trusted clock"],
)
def test_no_question_where_there_is_nothing_to_plan(nothing_to_plan: Snapshot) -> None:
    assert asked(nothing_to_plan) is None


def test_stage_watch_asks_nothing() -> None:
    assert asked(a_snapshot(), a_policy(stage_wanted=Stage.WATCH)) is None


def test_a_goal_that_has_passed_is_no_part_of_the_question() -> None:
    assert a_question(a_snapshot(goals=goals(a_goal(-1.0), a_goal(3.0)))).goals == (a_goal(3.0),)


def test_the_goals_of_another_car_are_no_part_of_the_question() -> None:
    assert a_question(a_snapshot(goals=goals(a_goal(), vehicle_id="van"))).goals == ()


# --- when it is asked again


def before(seconds_s: float, *, answer: Answer = Answer.PLANNED, **changes: Any) -> Question:
    """A question as it was asked so long ago."""
    return replace(a_question(), asked_at=ago(seconds_s), answer=answer, **changes)


def asked_again(question: Question, before: Question | None) -> bool:
    return is_news(question, before, renew_s=3600.0)


def test_the_first_question_is_news() -> None:
    assert asked_again(a_question(), None)


def test_the_same_question_is_no_news_within_the_hour_and_news_after_it() -> None:
    assert not asked_again(a_question(), before(3599.0))
    assert asked_again(a_question(), before(3600.0))


@pytest.mark.parametrize(
    "was_different",
    [
        {"session_id": "s0"},
        {"vehicle_id": "van"},
        {"stage": Stage.V1G},
        {"soc_reported": False},
        {"prices_until_utc": in_hours(6.0)},
        {"goals": (a_goal(8.0),)},
    ],
    ids=["plug-in", "car", "stage", "SoC", "prices", "goals"],
)
def test_whatever_the_plan_rests_on_is_news_when_it_changes(was_different: dict[str, Any]) -> None:
    assert asked_again(a_question(), before(61.0, **was_different))


def test_news_within_the_minute_waits_for_it_to_pass() -> None:
    assert not asked_again(a_question(), before(59.0, session_id="s0"))
    assert asked_again(a_question(), before(60.0, session_id="s0"))


def test_a_pending_question_is_not_asked_twice() -> None:
    assert not asked_again(a_question(), before(3599.0, answer=Answer.PENDING, session_id="s0"))


def test_an_answer_that_never_came_is_awaited_for_an_hour_at_most() -> None:
    assert asked_again(a_question(), before(3600.0, answer=Answer.PENDING))


def test_a_failed_question_is_asked_again_after_a_minute() -> None:
    assert not asked_again(a_question(), before(59.0, answer=Answer.FAILED))
    assert asked_again(a_question(), before(60.0, answer=Answer.FAILED))


# --- how it is spelled out


def test_the_problem_covers_48_hours_from_the_running_quarter_hour() -> None:
    now = NOW.later(7.0 * 60.0)
    car = an_evse_status(power_observed_at=now, registers_observed_at=now)
    problem = a_problem(a_snapshot(now=now, evses=(car,)))
    assert problem.start_utc == NOW.utc
    assert sum(problem.step_s) == 48 * 3600
    assert problem.step_s[:24] == (900,) * 24
    assert problem.asked_at == now


def test_the_store_is_what_is_surely_in_the_pack() -> None:
    # 50 % with half a step of 1 % as sigma.
    store = a_problem(a_snapshot(), a_policy(evses=(an_evse(loss=LOSSY),))).store
    assert store.soc == pytest.approx(0.495)
    assert (store.capacity_wh, store.soc_floor, store.soc_ceiling) == (60_000.0, 0.3, 0.8)
    assert (store.max_charge_w, store.max_discharge_w) == (7400.0, 7400.0)
    assert (store.min_charge_w, store.min_discharge_w) == (1400.0, 1400.0)
    assert store.wear_cost_per_kwh_discharged == 0.04
    assert store.loss == LOSSY


def test_a_weak_car_bounds_the_store_both_ways() -> None:
    weak = a_vehicle(max_charge_w=3600.0, max_discharge_w=2300.0)
    store = a_problem(a_snapshot(), a_policy(vehicles=(weak,))).store
    assert (store.max_charge_w, store.max_discharge_w) == (3600.0, 2300.0)


def test_at_stage_v1g_nothing_can_be_discharged_or_exported() -> None:
    problem = a_problem(a_snapshot(commissioning=()))
    assert problem.store.max_discharge_w == 0.0
    assert (problem.may_export, problem.export_limit_w) == (False, 0.0)


def test_at_stage_v2h_the_house_is_fed_and_nothing_is_exported() -> None:
    problem = a_problem(a_snapshot(), a_policy(stage_wanted=Stage.V2H))
    assert problem.store.max_discharge_w == 7400.0
    assert (problem.may_export, problem.export_limit_w) == (False, 0.0)


@pytest.mark.parametrize("control", [PowerControl.CHARGE_LIMIT, PowerControl.NONE])
def test_a_charger_that_takes_no_signed_power_cannot_discharge(control: PowerControl) -> None:
    snapshot = with_car(capability=a_capability(control=control))
    assert a_problem(snapshot).store.max_discharge_w == 0.0


def test_a_charger_that_has_not_said_what_it_can_cannot_discharge() -> None:
    assert a_problem(with_car(capability=None)).store.max_discharge_w == 0.0


@pytest.mark.parametrize(
    ("limit_w", "planned_w"), [(4000.0, 3900.0), (10_000.0, 9800.0), (50.0, 0.0), (None, 0.0)]
)
def test_the_plan_keeps_a_margin_to_the_export_limit(
    limit_w: float | None, planned_w: float
) -> None:
    problem = a_problem(a_snapshot(), a_policy(grid=a_grid(export_limit_w=limit_w)))
    assert problem.export_limit_w == planned_w
    assert problem.may_export == (limit_w is not None)


def test_an_owner_who_forbids_export_gets_a_plan_without_it() -> None:
    problem = a_problem(a_snapshot(), a_policy(export_policy=ExportPolicy.NEVER))
    assert (problem.may_export, problem.export_limit_w) == (False, 0.0)
    assert problem.store.max_discharge_w == 7400.0


def test_the_plan_keeps_a_margin_to_the_fuse_and_to_a_lower_import_limit() -> None:
    # 3 × 25 A × 230 V = 17 250 W, less 2 %; 4200 W less 100 W.
    assert a_problem(a_snapshot()).import_limit_w == 16_905.0
    limited = a_policy(grid=a_grid(import_limit_w=4200.0))
    assert a_problem(a_snapshot(), limited).import_limit_w == 4100.0


def test_the_daily_export_is_the_smaller_of_energy_and_share_less_what_has_gone() -> None:
    snapshot = a_snapshot(counters=(some_counters(exported_today_wh=2500.0),))
    problem = a_problem(snapshot)
    assert (problem.daily_export_wh, problem.exported_today_wh) == (10_000.0, 2500.0)
    small = a_policy(vehicles=(a_vehicle(capacity_wh=40_000.0),))
    assert a_problem(snapshot, small).daily_export_wh == 8000.0


def test_an_unreadable_counter_is_planned_as_nothing_exported() -> None:
    for counters in ((), (some_counters(exported_today_wh=None),)):
        assert a_problem(a_snapshot(counters=counters)).exported_today_wh == 0.0


def test_the_planner_is_told_how_the_budgets_of_the_car_stand() -> None:
    terms = warranty_terms(discharge_wh=1e6, discharge_s=1e6)
    house = a_policy(vehicles=(a_vehicle(warranty=terms),))
    counters = some_counters(
        discharged_life_wh=50_000.0, discharging_life_s=100_000.0, discharged_month_wh=150_000.0
    )
    budgets = a_problem(a_snapshot(counters=(counters,)), house).budgets
    # 10 packs of 60 kWh a month are the house's own bound.
    assert {budget.name: budget.used_share for budget in budgets} == {
        "warranty energy": 0.05,
        "warranty hours": 0.1,
        "month": 0.25,
    }


def test_a_budget_without_bound_or_with_an_unreadable_counter_is_none() -> None:
    boundless = replace(a_policy().export_depth, cycles_per_month=inf)
    assert a_problem(a_snapshot(), a_policy(export_depth=boundless)).budgets == ()
    unreadable = some_counters(discharged_month_wh=None)
    assert a_problem(a_snapshot(counters=(unreadable,))).budgets == ()
    assert a_problem(a_snapshot(counters=())).budgets == ()


def test_the_present_load_is_the_meters_without_the_car() -> None:
    snapshot = a_snapshot(meter=a_meter(3500.0), evses=(an_evse_status(power_w=3000.0),))
    assert a_problem(snapshot).current_net_load_w == 500.0


def test_a_car_that_reports_no_power_is_taken_to_draw_none() -> None:
    snapshot = a_snapshot(meter=a_meter(700.0), evses=(an_evse_status(power_w=None),))
    assert a_problem(snapshot).current_net_load_w == 700.0


def test_an_old_meter_reading_says_nothing_about_the_present_load() -> None:
    assert a_problem(a_snapshot(meter=a_meter(9000.0, age_s=5.1))).current_net_load_w is None
    assert a_problem(a_snapshot(meter=None)).current_net_load_w is None


def test_history_and_prices_go_along() -> None:
    history = by_days((HistoryRow(start_utc=in_hours(-24.0), net_load_w=400.0),))
    snapshot = a_snapshot()
    problem = a_problem(snapshot, past=Past(history=history))
    assert problem.history is history
    assert problem.prices is snapshot.prices
    assert (problem.cycle_margin_per_kwh, problem.unmet_goal_per_kwh) == (0.02, 5.0)


def test_the_stays_of_this_car_go_along_but_not_where_its_soc_is_unknown() -> None:
    rows = (
        SessionRow(
            session_id="s0",
            evse_id="carport",
            vehicle_id=a_vehicle().vehicle_id,
            transaction_id=None,
            plugged_in_utc=in_hours(-30.0),
            plugged_out_utc=in_hours(-20.0),
            start_soc=0.4,
            end_soc=0.8,
            charge_milliwh=0,
            discharge_milliwh=0,
        ),
    )
    problem = a_problem(a_snapshot(), past=Past(sessions=rows))
    assert [stay.plugged_in_utc for stay in problem.stays] == [in_hours(-30.0)]
    assert problem.unmet_later_per_kwh == 3.5
    blind = a_problem(a_snapshot(evses=(without_soc(),)), past=Past(sessions=rows))
    assert blind.stays == ()


def test_the_sun_goes_along_and_whether_the_inverter_keeps_the_export_limit() -> None:
    throttled = a_policy(grid=a_grid(export_limit_w=4000.0, throttles_pv=True))
    problem = a_problem(a_snapshot(pv_power_w=1234.0), throttled)
    assert (problem.current_pv_w, problem.pv_throttled_above_w) == (1234.0, 4000.0)
    assert a_problem(a_snapshot()).pv_throttled_above_w is None


def test_what_lies_far_ahead_is_told_by_the_hour() -> None:
    lengths_s = step_lengths(NOW.utc, ())
    assert sum(lengths_s) == 48 * 3600
    assert lengths_s[:24] == (900,) * 24
    assert lengths_s[-1] == 3600
    assert set(lengths_s) == {900, 3600}


def test_the_hour_of_a_departure_is_told_by_the_quarter_hour() -> None:
    leaving = DepartureGoal(ready_by_utc=NOW.utc + timedelta(hours=20, minutes=45), soc=0.8)
    lengths_s = step_lengths(NOW.utc, (leaving,))
    ends_s = list(accumulate(lengths_s))
    assert 20 * 3600 + 45 * 60 in ends_s
    assert len(lengths_s) == len(step_lengths(NOW.utc, ())) + 3


# --- a real-time market


def spot(*, ended_s_ago: float = -240.0) -> PriceCurve:
    """One price of five minutes."""
    start_utc = ago(ended_s_ago + 300.0).utc
    curve = a_price_curve((0.1,), (0.1,), hours=1 / 12, start_utc=start_utc)
    return replace(curve, real_time_s=300)


def test_a_plan_in_real_time_begins_by_the_markets_own_intervals() -> None:
    lengths_s = step_lengths(NOW.utc, (), real_time_s=300)
    assert sum(lengths_s) == 48 * 3600
    assert lengths_s[:13] == (300,) * 12 + (900,)
    assert step_lengths(NOW.utc, (), real_time_s=900) == step_lengths(NOW.utc, ())


def test_the_next_interval_of_a_real_time_market_is_no_news_but_half_an_hour_of_them_is() -> None:
    before = a_question(a_snapshot(prices=spot()))
    soon, later = NOW.later(300.0), NOW.later(1800.0)
    next_one = replace(a_question(a_snapshot(prices=spot(ended_s_ago=-290.0))), asked_at=soon)
    assert not is_news(next_one, replace(before, answer=Answer.PLANNED), renew_s=3600.0)
    at_half_past = replace(before, prices_until_utc=in_hours(1.0), asked_at=later)
    assert before.prices_until_utc == in_hours(0.5)
    assert is_news(at_half_past, replace(before, answer=Answer.PLANNED), renew_s=3600.0)


def test_only_a_real_time_market_is_asked_about_with_its_past() -> None:
    past = Past(prices=a_price_curve((0.1, 0.2), hours=0.25).slots)
    assert a_problem(a_snapshot(prices=spot()), past=past).past_prices == past.prices
    assert a_problem(a_snapshot(), past=past).past_prices == ()


# --- without a SoC, and goals in energy


def test_without_soc_the_store_is_the_energy_wanted_by_the_next_departure() -> None:
    wanted = DepartureGoal(
        ready_by_utc=in_hours(12.0),
        energy_wh=14_000.0,
        returns_at_utc=in_hours(22.0),
        trip_wh=9000.0,
    )
    snapshot = a_snapshot(evses=(without_soc(),), goals=goals(wanted, a_goal(36.0)))
    problem = a_problem(snapshot, charged_wh=3500.0)
    store = problem.store
    assert (store.capacity_wh, store.soc) == (14_000.0, 0.25)
    assert (store.soc_floor, store.soc_ceiling, store.taper_above_soc) == (0.0, 1.0, 1.0)
    assert store.max_discharge_w == 0.0
    assert problem.goals == (DepartureGoal(ready_by_utc=in_hours(12.0), soc=1.0),)


def test_without_soc_and_goal_the_store_is_what_this_driver_usually_takes() -> None:
    problem = a_problem(a_snapshot(evses=(without_soc(),)), charged_wh=25_000.0)
    assert (problem.store.capacity_wh, problem.store.soc) == (10_000.0, 1.0)
    assert problem.goals == ()


def test_an_energy_goal_of_a_car_with_soc_lies_above_what_is_in_the_pack() -> None:
    # 49.5 % surely there; 12 kWh wanted, 3 kWh charged already: 9 of 60 kWh are 15 % more.
    later = a_goal(36.0)
    snapshot = a_snapshot(goals=goals(a_goal(12.0, soc=None, energy_wh=12_000.0), later))
    first, second = a_problem(snapshot, charged_wh=3000.0).goals
    assert first.soc == pytest.approx(0.645)
    assert first.energy_wh is None
    assert second == later


def test_an_energy_goal_beyond_the_pack_is_a_full_pack() -> None:
    snapshot = a_snapshot(goals=goals(a_goal(12.0, soc=None, energy_wh=50_000.0)))
    assert a_problem(snapshot).goals[0].soc == 1.0


# --- what the other cars mean to do


def beside(evse_id: str, snapshot: Snapshot, policy: Policy) -> Courses:
    return courses_of(plans_beside(evse_id, snapshot, policy), snapshot.now.utc)


def test_the_plans_of_cars_beside_are_told_from_now_on() -> None:
    quarter = timedelta(minutes=15)
    slots = a_plan().slots
    planned = (
        replace(slots[0], power_w=3000.0),
        slots[1],
        replace(slots[2], power_w=-2000.0),
    )
    yard = a_plan(evse_id="yard", vehicle_id="van", slots=planned)
    here, there = an_evse_status(), an_evse_status(evse_id="yard", session_id="s2")
    snapshot = a_snapshot(plans=(a_plan(), yard), evses=(here, there), now=NOW.later(1000.0))
    start_utc = NOW.utc + 2 * quarter
    left = Interval(start_utc=start_utc, end_utc=start_utc + quarter)
    assert beside("carport", snapshot, a_policy()) == (
        (PlannedPower(interval=left, power_w=-2000.0),),
    )
    assert beside("yard", snapshot, a_policy()) == ((),)
    old = replace(yard, made_at=NOW.later(-7200.0))
    assert beside("carport", replace(snapshot, plans=(a_plan(), old)), a_policy()) == ()
    gone = replace(there, plugged_in=False)
    assert beside("carport", replace(snapshot, evses=(here, gone)), a_policy()) == ()


# --- the weather service


def test_what_a_weather_service_told_of_late_goes_with_the_question() -> None:
    sun = a_sun()
    assert a_problem(a_snapshot(sun=sun)).sun is sun
    assert a_problem(a_snapshot()).sun is None


@pytest.mark.parametrize(
    "sun",
    [
        a_sun(told_ago_s=43_200.0),
        a_sun(told_utc=None, irradiance_w_per_m2=()),
        a_sun(start_utc=NOW.utc - timedelta(days=3)),
    ],
    ids=["too long ago", "never", "nothing to come"],
)
def test_of_what_is_of_no_use_the_place_alone_goes_with_the_question(sun: SunForecast) -> None:
    asked_with = a_problem(a_snapshot(sun=sun)).sun
    assert asked_with == replace(sun, told_utc=None, irradiance_w_per_m2=())


def test_what_grid_programs_want_of_the_car_is_part_of_the_question() -> None:
    car = a_vehicle(
        commitments=(
            WeeklyCommitment(
                name="reserve",
                weekdays=(2,),
                starts_at=time(20),
                ends_at=time(22),
                discharge_w=5000.0,
                sustained_s=None,
                shortfall_per_kwh=0.5,
            ),
        ),
        availability=(AvailabilityTerms(name="pay", soc_at_least=0.3, per_plugged_h=0.24),),
    )
    rows = (
        SessionRow(
            session_id="s1",
            evse_id="garage",
            vehicle_id=car.vehicle_id,
            transaction_id=None,
            plugged_in_utc=in_hours(-3.0),
            plugged_out_utc=None,
            start_soc=0.4,
            end_soc=None,
            charge_milliwh=0,
            discharge_milliwh=0,
        ),
    )
    policy = a_policy(vehicles=(car,))
    problem = a_problem(a_snapshot(), policy, past=Past(sessions=rows))
    # It is Wednesday, 19:00 in Amsterdam.
    assert [one.interval for one in problem.commitments] == [
        Interval(start_utc=in_hours(1.0), end_utc=in_hours(3.0))
    ]
    assert [one.plugged_to_date_h for one in problem.availability] == [3.0]
    # Without a SoC nothing is discharged, and nothing promised.
    unknown = a_problem(with_car(soc=None), policy, past=Past(sessions=rows))
    assert unknown.commitments == ()
    assert unknown.availability == ()
