"""Commanded versus measured: the faults people see, and the one latch."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.builders import (
    NOW,
    a_goal,
    a_memory,
    a_meter,
    a_plan,
    a_policy,
    a_setpoint,
    a_snapshot,
    ago,
    an_evse_memory,
    an_evse_status,
    goals,
    rules_of,
)
from v2g_daemon.control.decide import decide
from v2g_daemon.domain.decision import Decision
from v2g_daemon.domain.faults import FaultCode
from v2g_daemon.domain.memory import Memory
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.readings import CommandOutcome, OutcomeKind
from v2g_daemon.domain.snapshot import RecordingHealth, Snapshot


def faults_of(
    snapshot: Snapshot | None = None, *, memory: Memory | None = None, policy: Policy | None = None
) -> dict[FaultCode, str]:
    decision = decide(
        a_memory() if memory is None else memory,
        a_snapshot() if snapshot is None else snapshot,
        a_policy() if policy is None else policy,
    )[1]
    return {fault.code: fault.detail for fault in decision.faults}


def test_a_house_in_which_all_is_well_has_no_fault() -> None:
    assert faults_of() == {}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"meter": None}, FaultCode.METER_STALE),
        ({"meter": a_meter(age_s=6.0)}, FaultCode.METER_STALE),
        ({"prices": None}, FaultCode.PRICES_MISSING),
        ({"clock_trusted": False}, FaultCode.CLOCK_UNTRUSTED),
        ({"evses": (an_evse_status(connected=False),)}, FaultCode.EVSE_STALE),
        ({"evses": (an_evse_status(power_observed_at=ago(31.0)),)}, FaultCode.EVSE_STALE),
        ({"plans": (a_plan(made_s_ago=7201.0),)}, FaultCode.PLAN_STALE),
        ({"goals": goals(a_goal(0.5, 0.6))}, FaultCode.GOAL_UNREACHABLE),
    ],
)
def test_what_is_missing_is_a_fault(changes: dict[str, Any], code: FaultCode) -> None:
    assert set(faults_of(a_snapshot(**changes))) == {code}


def test_a_house_without_a_meter_misses_none() -> None:
    policy = a_policy(grid=replace(a_policy().grid, has_meter=False))
    assert faults_of(a_snapshot(meter=None), policy=policy) == {}


def test_recording_faults_are_said() -> None:
    health = RecordingHealth(last_durable_at=NOW, queue_full=True, records_lost=7)
    assert faults_of(a_snapshot(recording=health)) == {
        FaultCode.RECORDING_STALLED: "the record queue is full",
        FaultCode.RECORDS_LOST: "7 records were lost",
    }


@pytest.mark.parametrize(
    ("kind", "codes"),
    [
        (OutcomeKind.APPLIED, set()),
        (OutcomeKind.REJECTED, {FaultCode.COMMAND_REJECTED}),
        (OutcomeKind.TIMED_OUT, {FaultCode.COMMAND_TIMED_OUT}),
    ],
)
def test_a_command_that_was_not_taken_is_a_fault(kind: OutcomeKind, codes: set[FaultCode]) -> None:
    outcome = CommandOutcome(kind=kind, target_w=0.0, answered_at=NOW, detail="no")
    assert set(faults_of(a_snapshot(evses=(an_evse_status(outcome=outcome),)))) == codes


def test_the_missing_energy_is_said() -> None:
    found = faults_of(a_snapshot(goals=goals(a_goal(0.5, 0.6))))
    assert found[FaultCode.GOAL_UNREACHABLE] == "2.6 kWh will be missing at departure"


# Not following.


@pytest.mark.parametrize(
    ("commanded_w", "measured_w", "apart_s", "faulty"),
    [
        (3000.0, 3600.0, 11.0, True),
        (3000.0, 3500.0, 11.0, False),
        (3000.0, 1000.0, 11.0, False),
        (-3000.0, -3600.0, 11.0, True),
        (3000.0, 3600.0, 9.0, False),
        (0.0, 600.0, 11.0, True),
    ],
)
def test_more_power_than_commanded_is_a_fault_once_it_had_time_to_settle(
    commanded_w: float, measured_w: float, apart_s: float, *, faulty: bool
) -> None:
    memory = a_memory(commanded_w, apart_since=ago(apart_s))
    snapshot = a_snapshot(evses=(an_evse_status(power_w=measured_w),))
    assert (FaultCode.NOT_FOLLOWING in faults_of(snapshot, memory=memory)) is faulty


def test_what_was_never_commanded_or_measured_is_not_judged() -> None:
    loud = a_snapshot(evses=(an_evse_status(power_w=6000.0),))
    assert FaultCode.NOT_FOLLOWING not in faults_of(loud)
    assert FaultCode.NOT_FOLLOWING not in faults_of(loud, memory=a_memory(100.0))
    unplugged = a_snapshot(evses=(an_evse_status(power_w=6000.0, plugged_in=False),))
    memory = a_memory(100.0, changed_at=ago(60.0))
    assert FaultCode.NOT_FOLLOWING not in faults_of(unplugged, memory=memory)


# The latch.


def run_against(
    power_w: float,
    *,
    until_s: int,
    settled_s: float = 60.0,
    target_w: float = -3000.0,
    grid_moved_w: float = 0.0,
    sample_every_s: int = 1,
) -> tuple[Memory, Decision]:
    """A car told `target_w` and measured at `power_w` every second from NOW on.

    `grid_moved_w`: what the PCC gained since the command changed direction.
    """
    evse = an_evse_memory(
        changed_at=ago(settled_s), switched_at=ago(settled_s), grid_at_switch_w=8000.0
    )
    memory = Memory(evses=(replace(evse, last=a_setpoint(target_w)),), meter_good_since=ago(60.0))
    decision = None
    for second in range(until_s + 1):
        now = NOW.later(second)
        sampled_at = NOW.later(second - second % sample_every_s)
        snapshot = a_snapshot(
            now=now,
            meter=replace(a_meter(8000.0 + grid_moved_w), observed_at=now),
            evses=(an_evse_status(power_w=power_w, power_observed_at=sampled_at),),
            plans=(a_plan(0.0),),
            recording=RecordingHealth(last_durable_at=now, queue_full=False, records_lost=0),
        )
        memory, decision = decide(memory, snapshot, a_policy())
    assert decision is not None
    return memory, decision


def test_charging_while_told_to_discharge_for_20_s_latches_discharge_off() -> None:
    memory, decision = run_against(2000.0, until_s=19)
    assert memory.latches == ()
    memory, decision = run_against(2000.0, until_s=20)
    assert [(latch.evse_id, latch.rule) for latch in memory.latches] == [
        ("carport", "wrong_direction")
    ]
    assert memory.latches[0].since_utc == NOW.later(20.0).utc
    assert "latch" in rules_of(decision.evses[0])
    assert decision.evses[0].command.permitted.lowest_w == 0.0
    assert FaultCode.WRONG_DIRECTION in {fault.code for fault in decision.faults}


def test_where_the_grid_meter_agrees_the_second_sample_latches() -> None:
    assert run_against(2000.0, until_s=4, grid_moved_w=2000.0, sample_every_s=5)[0].latches == ()
    (latch,) = run_against(2000.0, until_s=5, grid_moved_w=2000.0, sample_every_s=5)[0].latches
    assert latch.detail == "the charger charged while it was told to discharge"


def test_one_sample_alone_never_latches_however_long_it_is_looked_at() -> None:
    assert run_against(2000.0, until_s=25, sample_every_s=30)[0].latches == ()


@pytest.mark.parametrize("load_step_w", [4000.0, -7000.0])
def test_another_loads_step_latches_nothing_while_the_charger_obeys(load_step_w: float) -> None:
    for target_w, power_w in ((-3000.0, -3000.0), (0.0, 0.0), (3000.0, 3000.0)):
        memory, _ = run_against(
            power_w, until_s=30, target_w=target_w, grid_moved_w=target_w + load_step_w
        )
        assert memory.latches == ()


def test_a_charger_that_goes_on_discharging_when_told_to_rest_is_latched() -> None:
    """The PCC has not gained what the discharge took from it: the meter agrees."""
    (latch,) = run_against(-3000.0, until_s=1, target_w=0.0)[0].latches
    assert latch.detail == "the charger discharged while it was told to charge or to rest"
    # Where an oven switched off a discharge hides in the meter's gain: then the charger's word.
    for until_s, latched in ((19, 0), (20, 1)):
        memory, _ = run_against(-3000.0, until_s=until_s, target_w=0.0, grid_moved_w=3000.0)
        assert len(memory.latches) == latched


def test_a_latch_is_set_once_and_stays() -> None:
    memory, decision = run_against(2000.0, until_s=40)
    assert len(memory.latches) == 1
    assert memory.latches[0].since_utc == NOW.later(20.0).utc
    assert "latch" in rules_of(decision.evses[0])


@pytest.mark.parametrize("power_w", [-3000.0, 0.0, 400.0])
def test_doing_as_told_or_nothing_latches_nothing(power_w: float) -> None:
    assert run_against(power_w, until_s=30)[0].latches == ()


def test_a_charger_that_is_still_turning_round_is_given_time() -> None:
    assert run_against(2000.0, until_s=15, settled_s=0.0)[0].latches == ()
