"""The ladder, rung by rung; from the third rung on nothing is ever discharged."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.builders import (
    a_capability,
    a_goal,
    a_meter,
    a_plan,
    a_policy,
    a_price_curve,
    a_snapshot,
    a_vehicle,
    an_evse_status,
    decided,
    goals,
    in_hours,
    target_of,
)
from v2g_daemon.domain.decision import EvseDecision
from v2g_daemon.domain.plan import Plan
from v2g_daemon.domain.readings import PowerControl
from v2g_daemon.domain.setpoint import Authority, HandsOff

GOAL = goals(a_goal(12.0, 0.6))


def decide_on(plan: Plan | None = None, **changes: Any) -> EvseDecision:
    plans = () if plan is None else (plan,)
    return decided(a_snapshot(**{"goals": GOAL, "plans": plans, **changes}))


# Rungs 1 and 2: a plan, fresh or old.


def test_a_fresh_plan_is_dispatched() -> None:
    decision = decide_on(a_plan(0.005, made_s_ago=7200.0))
    assert (decision.desire.authority, decision.desire.rule) == (Authority.PLAN, "plan_discharge")
    # 0.125 kWh of own load at 0.30, 0.975 sold at 0.20, less 0.065 for each of 1.1 kWh and 0.005
    assert decision.desire.detail == (
        "discharging at 0.300 in / 0.200 out EUR/kWh gains 0.160 until the next step"
    )


def test_an_old_value_function_is_still_dispatched_and_says_its_age() -> None:
    decision = decide_on(a_plan(0.0, made_s_ago=35.9 * 3600.0))
    assert decision.desire.rule == "plan_discharge"
    assert decision.desire.detail.endswith("(plan is 36 h old)")


@pytest.mark.parametrize("made_s_ago", [36.1 * 3600.0, -10.0])
def test_a_plan_over_36_h_old_or_from_before_a_restart_is_none(made_s_ago: float) -> None:
    assert decide_on(a_plan(0.0, made_s_ago=made_s_ago)).desire.authority is Authority.FALLBACK


def test_idling_by_plan_gives_the_plans_own_reason() -> None:
    # 0.25 per kWh in the pack: selling at 0.20 loses, buying at 0.30 too.
    decision = decide_on(a_plan(0.25))
    assert (target_of(decision), decision.desire.rule) == (0.0, "plan_idle")
    assert decision.desire.detail == "nothing is worth its while"


def test_a_plan_that_values_energy_above_its_price_charges() -> None:
    decision = decide_on(a_plan(0.5))
    assert (target_of(decision), decision.desire.rule) == (7400.0, "plan_charge")


def test_a_plan_for_another_car_or_charger_is_none() -> None:
    assert decide_on(replace(a_plan(0.0), vehicle_id="van")).desire.authority is Authority.FALLBACK
    assert decide_on(replace(a_plan(0.0), evse_id="yard")).desire.authority is Authority.FALLBACK


def test_a_plan_whose_horizon_has_ended_is_none() -> None:
    plan = a_plan(0.0)
    ended = replace(plan, value=replace(plan.value, start_utc=in_hours(-49.0)))
    assert decide_on(ended).desire.authority is Authority.FALLBACK


def test_without_the_price_of_now_the_plan_cannot_be_dispatched() -> None:
    tomorrow = a_price_curve(start_utc=in_hours(3.0))
    for prices in (tomorrow, None):
        assert decide_on(a_plan(0.0), prices=prices).desire.authority is Authority.FALLBACK


def test_an_untrusted_clock_pauses_the_plan() -> None:
    decision = decide_on(a_plan(0.0), clock_trusted=False)
    assert decision.desire.rule == "commute_must_charge"


def test_without_a_meter_value_the_plans_own_load_must_do_and_nothing_is_discharged() -> None:
    assert decide_on(a_plan(0.5), meter=None).desire.rule == "plan_charge"
    selling = decide_on(a_plan(0.0), meter=None)
    assert selling.desire.rule == "plan_discharge"
    assert target_of(selling) == 0.0
    slotless = replace(a_plan(0.5), slots=())
    assert decide_on(slotless, meter=None).desire.authority is Authority.FALLBACK


def test_without_a_soc_the_plan_is_dispatched_in_energy_and_never_discharges() -> None:
    no_soc = (an_evse_status(soc=None),)
    assert decide_on(a_plan(0.5), evses=no_soc).desire.rule == "plan_charge"
    assert decide_on(a_plan(0.0), evses=no_soc).desire.rule == "plan_idle"


# Rung 3: the cheapest known slots to the goal.


def test_without_a_plan_the_car_waits_for_the_cheapest_slots_that_suffice() -> None:
    # 3405 s x 1.1 = 1.04 h are needed: the hours at 0.10 and 0.12.
    prices = a_price_curve([0.30, 0.10, 0.12, 0.30] + [0.40] * 20)
    waiting = decide_on(prices=prices)
    assert target_of(waiting) == 0.0
    assert waiting.desire.detail == "no plan; waiting for a price of 0.120 or less"


@pytest.mark.parametrize("now_price", [0.10, 0.12])
def test_in_one_of_the_cheapest_slots_it_charges(now_price: float) -> None:
    prices = a_price_curve([now_price, 0.22 - now_price, 0.30] + [0.40] * 20)
    charging = decide_on(prices=prices)
    assert target_of(charging) == 7400.0
    assert charging.desire.rule == "cheapest_slots"


def test_slots_after_the_departure_do_not_count() -> None:
    prices = a_price_curve([0.30] + [0.40] * 11 + [0.01] * 20)
    assert target_of(decide_on(prices=prices)) == 7400.0


def test_where_the_known_prices_end_too_soon_all_of_them_are_taken() -> None:
    assert target_of(decide_on(prices=a_price_curve([0.9]))) == 7400.0


def test_a_met_goal_needs_no_slot() -> None:
    decision = decide_on(evses=(an_evse_status(soc=0.7),))
    assert (target_of(decision), decision.desire.rule) == (0.0, "goal_met")


# Rung 4: no prices.


def test_without_prices_the_trip_is_charged_from_its_latest_safe_start() -> None:
    waiting = decide_on(prices=None)
    assert target_of(waiting) == 0.0
    assert waiting.desire.detail == "no prices; charging starts at 05:49"
    urgent = decide_on(prices=None, goals=goals(a_goal(1.0, 0.6)))
    assert (target_of(urgent), urgent.desire.rule) == (7400.0, "commute_must_charge")


def test_without_prices_pv_surplus_is_taken_where_it_is_metered() -> None:
    sunny = decide_on(prices=None, meter=a_meter(-3000.0))
    assert (target_of(sunny), sunny.desire.rule) == (3000.0, "pv_surplus")
    assert target_of(decide_on(prices=None, meter=a_meter(-1300.0))) == 0.0
    assert target_of(decide_on(prices=None, meter=a_meter(-20_000.0))) == 7400.0


# Rung 5: no SoC is an energy goal.


def charge_only(**changes: Any) -> tuple[Any, ...]:
    offer = a_capability(control=PowerControl.CHARGE_LIMIT)
    return (an_evse_status(soc=None, capability=offer, **changes),)


def test_a_soc_less_station_charges_the_usual_energy_in_the_cheapest_slots() -> None:
    # 10 kWh at 6660 W and 1.1: 1.65 h, two hours.
    prices = a_price_curve([0.30, 0.10, 0.12, 0.30] + [0.40] * 20)
    assert target_of(decide_on(evses=charge_only(), prices=prices)) == 0.0
    cheap = a_price_curve([0.12, 0.10, 0.30, 0.30] + [0.40] * 20)
    assert target_of(decide_on(evses=charge_only(), prices=cheap)) == 7400.0


def test_a_soc_less_station_charges_in_time() -> None:
    # 5405 s x 1.15 + 302 s = 1.81 h before the departure
    assert decide_on(
        evses=charge_only(), goals=goals(a_goal(1.8, 0.6)), prices=None
    ).desire.rule == ("commute_must_charge")
    assert decide_on(
        evses=charge_only(), goals=goals(a_goal(1.9, 0.6)), prices=None
    ).desire.rule == ("waiting_without_prices")


def test_an_energy_goal_of_nothing_is_met() -> None:
    nothing = goals(a_goal(12.0, None, energy_wh=0.0))
    assert decide_on(a_plan(0.5), evses=charge_only(), goals=nothing).desire.rule == "plan_idle"
    assert decide_on(evses=charge_only(), goals=nothing).desire.rule == "goal_met"


def test_a_car_without_goals_has_its_usual_energy_to_plan_with() -> None:
    assert decide_on(a_plan(0.5), evses=charge_only(), goals=()).desire.rule == "plan_charge"


# The last rungs.


def test_where_no_departure_is_known_the_car_charges_at_once() -> None:
    decision = decide_on(goals=())
    assert target_of(decision) == 7400.0
    assert decision.desire.detail == "no departure is known, so the car charges at once"


def test_a_guest_charges_at_once_and_is_never_discharged() -> None:
    guest = (an_evse_status(identity=None),)
    decision = decide_on(replace(a_plan(0.0), vehicle_id=None), evses=guest)
    assert target_of(decision) == 7400.0
    assert decision.desire.detail == "a guest's car charges at once"
    assert decision.vehicle_id is None


def test_without_telemetry_nothing_is_discharged() -> None:
    silent = (an_evse_status(power_w=None, power_observed_at=None),)
    assert target_of(decide_on(a_plan(0.0), evses=silent)) == 0.0


def test_without_a_station_nothing_is_commanded() -> None:
    decision = decide_on(a_plan(0.0), evses=(an_evse_status(connected=False),))
    assert isinstance(decision.command, HandsOff)
    assert decision.command.reason.rule == "no_station"


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"prices": None},
        {"goals": ()},
        {"evses": (an_evse_status(soc=None),)},
        {"evses": (an_evse_status(identity=None),)},
        {"prices": None, "meter": a_meter(12_000.0)},
        {"prices": a_price_curve([9.0] + [0.01] * 30)},
    ],
)
def test_from_the_third_rung_on_nothing_is_ever_discharged(changes: dict[str, Any]) -> None:
    decision = decide_on(None, **changes)
    assert decision.desire.authority is Authority.FALLBACK
    assert decision.desired_w >= 0.0


def test_a_car_with_wear_above_any_price_is_never_sold_from() -> None:
    policy = a_policy(vehicles=(a_vehicle(wear_cost_per_kwh_discharged=9.0),))
    snapshot = a_snapshot(plans=(a_plan(0.0),), goals=GOAL)
    assert decided(snapshot, policy=policy).desire.rule == "plan_idle"
