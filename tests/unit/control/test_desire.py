"""Who may say what is wanted, in order of authority."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders import (
    a_capability,
    a_goal,
    a_grid,
    a_meter,
    a_plan,
    a_policy,
    a_snapshot,
    an_evse_memory,
    an_evse_status,
    an_override,
    decided,
    goals,
    in_hours,
    target_of,
)
from v2g_daemon.domain.decision import EvseDecision
from v2g_daemon.domain.goals import OverrideKind
from v2g_daemon.domain.memory import Memory
from v2g_daemon.domain.policy import Stage
from v2g_daemon.domain.readings import PowerControl
from v2g_daemon.domain.setpoint import Authority, HandsOff
from v2g_daemon.domain.snapshot import Snapshot

SELLING = a_plan(0.0)
URGENT = goals(a_goal(1.0, 0.6))
LATER = goals(a_goal(12.0, 0.6))


def decide_on(**changes: Any) -> EvseDecision:
    return decided(a_snapshot(**changes))


def test_a_plan_is_followed_when_nobody_else_speaks() -> None:
    decision = decide_on(plans=(SELLING,), goals=LATER)
    assert decision.desire.rule == "plan_discharge"
    assert target_of(decision) == -4400.0


# The trip and the floor.


def test_from_the_latest_safe_start_the_trip_outranks_the_plan() -> None:
    decision = decide_on(plans=(SELLING,), goals=URGENT)
    assert decision.desire.authority is Authority.COMMUTE
    assert target_of(decision) == 7400.0
    assert decision.desire.detail == "6.3 kWh are missing for the trip at 20:00"


def test_a_trip_that_cannot_be_reached_says_what_will_be_missing() -> None:
    decision = decide_on(goals=goals(a_goal(0.5, 0.6)))
    assert decision.desire.detail == (
        "6.3 kWh are missing for the trip at 19:30; 2.6 kWh cannot be reached any more"
    )


def test_at_12_percent_the_car_charges_within_one_tick_without_any_plan() -> None:
    for plans in ((), (SELLING,)):
        snapshot = a_snapshot(evses=(an_evse_status(soc=0.12),), plans=plans, prices=None)
        decision = decided(snapshot, memory=Memory())
        assert target_of(decision) == 7400.0
        assert decision.desire.rule == "below_floor"
        assert decision.desire.detail == "12 % is below the floor of 30 %"


@pytest.mark.parametrize("stage", [Stage.V1G, Stage.V2H, Stage.V2G])
def test_below_the_floor_the_car_charges_in_every_stage_but_watch(stage: Stage) -> None:
    snapshot = a_snapshot(evses=(an_evse_status(soc=0.12),), plans=(SELLING,))
    assert target_of(decided(snapshot, policy=a_policy(stage_wanted=stage))) == 7400.0
    watching = decided(snapshot, policy=a_policy(stage_wanted=Stage.WATCH))
    assert isinstance(watching.command, HandsOff)


# The user.


def test_a_stop_stops_the_plan() -> None:
    decision = decide_on(plans=(SELLING,), goals=LATER, overrides=(an_override(),))
    assert target_of(decision) == 0.0
    assert decision.desire.authority is Authority.USER
    assert decision.desire.detail == (
        "stopped as asked until 21:00; the next trip still lacks 6.3 kWh"
    )


def test_a_stop_without_a_trip_to_miss_says_only_that() -> None:
    assert decide_on(overrides=(an_override(),)).desire.detail == "stopped as asked until 21:00"
    met = decide_on(goals=goals(a_goal(12.0, 0.4)), overrides=(an_override(),))
    assert met.desire.detail == "stopped as asked until 21:00"


def test_an_unconfirmed_stop_gives_way_to_the_trip_and_to_the_floor() -> None:
    trip = decide_on(goals=URGENT, overrides=(an_override(),))
    assert trip.desire.rule == "commute_must_charge"
    floor = decide_on(evses=(an_evse_status(soc=0.12),), overrides=(an_override(),))
    assert floor.desire.rule == "below_floor"


def test_a_confirmed_stop_outranks_the_trip_and_says_what_will_be_missed() -> None:
    decision = decide_on(goals=URGENT, overrides=(an_override(confirmed=True),))
    assert target_of(decision) == 0.0
    assert decision.command.reason.detail == (
        "stopped as asked until 21:00; the next trip still lacks 6.3 kWh"
    )


def test_a_user_may_charge_now() -> None:
    charge = an_override(OverrideKind.CHARGE)
    decision = decide_on(plans=(SELLING,), overrides=(charge,))
    assert target_of(decision) == 7400.0
    assert decision.desire.detail == "charging as asked until 21:00"


def test_an_override_counts_from_when_it_was_set_until_its_end() -> None:
    for changes in (
        {"set_at_utc": in_hours(0.1)},
        {"until_utc": in_hours(0.0)},
        {"evse_id": "garage"},
    ):
        decision = decide_on(plans=(SELLING,), overrides=(an_override(**changes),))
        assert decision.desire.rule == "plan_discharge"


def test_of_two_overrides_the_newer_counts() -> None:
    older = an_override(OverrideKind.STOP, set_at_utc=in_hours(-1.0))
    newer = an_override(OverrideKind.CHARGE, set_at_utc=in_hours(-0.5))
    assert decide_on(overrides=(newer, older)).desire.rule == "override_charge"


# Overload relief.


def overloaded(power_w: float = 19_000.0, **changes: Any) -> Snapshot:
    return a_snapshot(meter=a_meter(power_w), **changes)


def test_a_car_relieves_the_houses_own_overload_before_anything_else() -> None:
    # 25 A x 230 V x 3 = 17250 W: 1750 W too much.
    decision = decided(overloaded(goals=URGENT, overrides=(an_override(OverrideKind.CHARGE),)))
    assert decision.desire.authority is Authority.SITE
    assert decision.desired_w == -1750.0
    assert decision.desire.detail == "the house draws 1750 W more than its connection permits"


def test_relief_is_a_desire_that_limits_may_still_forbid() -> None:
    decision = decided(overloaded(evses=(an_evse_status(soc=0.2),)))
    assert decision.desired_w == -1750.0
    assert target_of(decision) == 0.0
    assert decision.command.reason.rule == "commute_buffer"


def test_relief_is_at_least_what_the_charger_can_discharge() -> None:
    assert decided(overloaded(17_300.0)).desired_w == -1400.0


def test_the_import_limit_is_relieved_too() -> None:
    policy = a_policy(grid=a_grid(import_limit_w=5000.0))
    assert decided(overloaded(7000.0), policy=policy).desired_w == -2000.0


def test_a_plan_that_gives_more_than_the_relief_stands() -> None:
    decision = decided(overloaded(17_300.0, plans=(SELLING,)))
    assert (decision.desire.rule, decision.desired_w) == ("plan_discharge", -7400.0)


def test_the_cars_own_charge_is_no_overload() -> None:
    charging = an_evse_status(power_w=7000.0)
    decision = decided(overloaded(evses=(charging,), plans=(SELLING,)))
    assert decision.desire.rule == "plan_discharge"


def test_a_charge_only_station_cannot_relieve() -> None:
    charge_only = an_evse_status(capability=a_capability(control=PowerControl.CHARGE_LIMIT))
    decision = decided(overloaded(evses=(charge_only,), goals=URGENT))
    assert decision.desire.rule == "commute_must_charge"
    assert target_of(decision) == 0.0


def test_the_memory_of_the_trip_survives_a_stop() -> None:
    memory = Memory(evses=(an_evse_memory(must_charge=True),))
    snapshot = a_snapshot(goals=goals(a_goal(2.0, 0.6)), overrides=(an_override(),))
    assert decided(snapshot, memory=memory).desire.rule == "commute_must_charge"
