"""The decision as a whole: what is commanded, for how long, and what is left alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.builders import (
    NOW,
    a_capability,
    a_goal,
    a_grid,
    a_memory,
    a_meter,
    a_plan,
    a_policy,
    a_snapshot,
    an_evse,
    an_evse_status,
    an_override,
    commissioning,
    decided,
    goals,
    target_of,
)
from v2g_daemon.control.decide import decide
from v2g_daemon.domain.decision import Decision, EvseDecision
from v2g_daemon.domain.goals import OverrideKind
from v2g_daemon.domain.memory import DischargeLatch, Memory
from v2g_daemon.domain.policy import Stage
from v2g_daemon.domain.power import PowerRange
from v2g_daemon.domain.readings import PowerControl, VehicleIdentity
from v2g_daemon.domain.setpoint import Authority, HandsOff, Setpoint


def setpoint_of(decision: EvseDecision) -> Setpoint:
    assert isinstance(decision.command, Setpoint)
    return decision.command


# Hands off.


def test_stage_watch_sends_nothing() -> None:
    snapshot = a_snapshot(evses=(an_evse_status(soc=0.1),), overrides=(an_override(),))
    decision = decided(snapshot, policy=a_policy(stage_wanted=Stage.WATCH))
    assert isinstance(decision.command, HandsOff)
    assert decision.command.permitted == PowerRange(lowest_w=0.0, highest_w=7400.0)
    assert decision.command.reason.detail == "stage watch: nothing is sent"


@pytest.mark.parametrize(
    ("status", "rule"),
    [
        ({"connected": False}, "no_station"),
        ({"plugged_in": False}, "no_car"),
        ({"capability": a_capability(control=PowerControl.NONE)}, "no_control"),
    ],
)
def test_what_cannot_be_told_a_power_is_left_to_its_default(
    status: dict[str, Any], rule: str
) -> None:
    decision = decided(a_snapshot(evses=(an_evse_status(**status),)))
    assert isinstance(decision.command, HandsOff)
    assert decision.command.reason.rule == rule


def test_after_hands_off_the_next_command_starts_anew() -> None:
    memory, _ = decide(
        a_memory(-4000.0), a_snapshot(evses=(an_evse_status(connected=False),)), a_policy()
    )
    assert memory.evses[0].last is None


# Leases follow danger.


def test_a_discharge_is_leased_for_90_s() -> None:
    setpoint = setpoint_of(decided(a_snapshot(plans=(a_plan(0.0),))))
    assert setpoint.target_w == -4400.0
    assert setpoint.issued_at == NOW
    assert setpoint.expires_at == NOW.later(90.0)


def test_a_charge_above_the_static_safe_current_is_leased_for_90_s() -> None:
    assert setpoint_of(decided(a_snapshot())).expires_at == NOW.later(90.0)


def test_a_safe_charge_is_leased_for_half_an_hour() -> None:
    setpoint = setpoint_of(decided(a_snapshot(meter=None)))
    assert setpoint.target_w == 4140.0
    assert setpoint.expires_at == NOW.later(1800.0)


def test_an_idle_setpoint_has_the_idle_lease() -> None:
    setpoint = setpoint_of(decided(a_snapshot(overrides=(an_override(),))))
    assert setpoint.expires_at == NOW.later(1800.0)


@pytest.mark.parametrize(
    ("changes", "barred"),
    [
        ({}, False),
        ({"commissioning": ()}, True),  # the stage
        ({"evses": (an_evse_status(identity=VehicleIdentity(evccid="GUEST")),)}, True),
        ({"evses": (an_evse_status(soc=0.2),)}, False),  # a matter of hours
        ({"meter": None}, False),  # a matter of seconds
    ],
)
def test_discharge_is_barred_by_what_lasts_longer_than_an_hour(
    changes: dict[str, Any], barred: bool
) -> None:
    assert setpoint_of(decided(a_snapshot(**changes))).discharge_barred is barred


def test_a_latch_bars_discharge() -> None:
    latch = DischargeLatch(evse_id="carport", rule="r", detail="d", since_utc=NOW.utc)
    memory = replace(a_memory(), latches=(latch,))
    assert setpoint_of(decided(a_snapshot(), memory=memory)).discharge_barred


# What a decision says.


def test_a_decision_says_car_stage_soc_and_desire() -> None:
    decision = decided(a_snapshot(plans=(a_plan(0.0),)))
    assert (decision.evse_id, decision.vehicle_id, decision.stage) == ("carport", "car", Stage.V2G)
    assert (decision.soc, decision.soc_sigma) == (0.5, 0.005)
    assert (decision.desired_w, decision.desire.rule) == (-4400.0, "plan_discharge")


def test_why_not_is_answered_by_the_limit() -> None:
    decision = decided(a_snapshot(plans=(a_plan(0.0),), commissioning=()))
    # Without the records the plan cannot even wish for a discharge.
    assert decision.desire.rule == "plan_idle"
    decision = decided(a_snapshot(plans=(a_plan(0.0),), clock_trusted=True, counters=()))
    assert target_of(decision) == 0.0
    assert decision.command.reason.rule in {"warranty", "monthly_cycles"}
    assert "(wanted -4400 W: discharging at" in decision.command.reason.detail


def test_the_tick_is_remembered() -> None:
    memory, decision = decide(a_memory(), a_snapshot(plans=(a_plan(0.0),)), a_policy())
    remembered = memory.evses[0]
    assert remembered.last == decision.evses[0].command
    assert (remembered.changed_at, remembered.switched_at) == (NOW, NOW)
    assert remembered.anchor is not None
    assert remembered.anchor.soc == 0.5


# After a restart.


def test_after_a_restart_a_running_discharge_goes_on_at_the_least_until_it_is_proven_anew() -> None:
    discharging = an_evse_status(power_w=-3000.0)
    snapshot = a_snapshot(evses=(discharging,), meter=a_meter(-2500.0), plans=(a_plan(0.0),))
    assert target_of(decided(snapshot, memory=Memory())) == -1400.0


def test_after_a_restart_a_running_discharge_is_not_raised_while_the_meter_is_new() -> None:
    discharging = an_evse_status(power_w=-3000.0)
    snapshot = a_snapshot(evses=(discharging,), meter=a_meter(-2500.0), plans=(a_plan(0.0),))
    assert (
        target_of(decided(snapshot, memory=replace(a_memory(), meter_good_since=None))) == -3000.0
    )


def test_after_a_restart_an_idle_car_waits_30_s_for_the_meter_before_it_discharges() -> None:
    memory, snapshot = Memory(), a_snapshot(plans=(a_plan(0.0),))
    targets = {}
    for second in (0, 15, 29, 30):
        now = NOW.later(second)
        moment = replace(
            snapshot,
            now=now,
            meter=replace(a_meter(), observed_at=now),
            evses=(an_evse_status(power_observed_at=now),),
        )
        memory, decision = decide(memory, moment, a_policy())
        targets[second] = target_of(decision.evses[0])
    assert targets == {0: 0.0, 15: 0.0, 29: 0.0, 30: -1400.0}


# Two EVSEs.

TWO = a_policy(
    evses=(an_evse(), an_evse(evse_id="garage")),
    grid=a_grid(grid_operator_import_w=8400.0),
)
RECORDS = commissioning("SIM-1") + commissioning("SIM-2")


def two(first: dict[str, Any], second: dict[str, Any], **changes: Any) -> Decision:
    guest = VehicleIdentity(evccid="0200000000FF")
    statuses = (
        an_evse_status(**first),
        an_evse_status(**{"evse_id": "garage", "serial": "SIM-2", "identity": guest, **second}),
    )
    snapshot = a_snapshot(**{"evses": statuses, "commissioning": RECORDS, **changes})
    return decide(a_memory(), snapshot, TWO)[1]


def test_two_cars_share_what_the_grid_operator_leaves() -> None:
    decision = two({}, {})
    assert [target_of(evse) for evse in decision.evses] == [4200.0, 4200.0]


def test_the_car_that_must_leave_is_served_first() -> None:
    decision = two({}, {}, goals=goals(a_goal(1.0, 0.6)))
    assert target_of(decision.evses[0]) == 7400.0
    assert target_of(decision.evses[1]) == 0.0  # 1000 W are too little to charge with


def test_an_empty_place_takes_no_part_of_the_room() -> None:
    decision = two({}, {"plugged_in": False})
    assert target_of(decision.evses[0]) == 7400.0
    assert isinstance(decision.evses[1].command, HandsOff)


def test_a_station_beyond_our_command_is_house_load() -> None:
    # 12 kW in the house are 7 kW of the lost station's car and 5 kW of others: 16905 - 12000 W.
    lost = {"connected": False, "power_w": 7000.0}
    decision = two({}, lost, meter=a_meter(12_000.0))
    assert target_of(decision.evses[0]) == pytest.approx(4905.0)


def test_one_evse_never_charges_from_what_the_other_discharges() -> None:
    # The house draws 15.9 kW of the 16.9 that the fuse leaves; the car's 4.4 kW are not lent.
    charge = an_override(OverrideKind.CHARGE, evse_id="garage")
    decision = two({}, {}, meter=a_meter(15_900.0), plans=(a_plan(0.0),), overrides=(charge,))
    assert target_of(decision.evses[0]) == -7400.0
    assert target_of(decision.evses[1]) == 0.0
    assert decision.evses[1].command.reason.authority is Authority.SAFETY
