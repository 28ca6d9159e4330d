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
    a_snapshot,
    ago,
    an_evse_status,
    goals,
)
from v2g_daemon.control.decide import decide
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


def test_a_refusal_is_said_in_the_devices_words_with_what_to_look_for() -> None:
    outcome = CommandOutcome(
        kind=OutcomeKind.REJECTED, target_w=-3000.0, answered_at=NOW, detail="UnsupportedKind"
    )
    found = faults_of(a_snapshot(evses=(an_evse_status(outcome=outcome),)))
    assert found[FaultCode.COMMAND_REJECTED] == (
        "the charging station refused -3000 W (UnsupportedKind): look for a mode, limit or schedule"
        " set in the station or its app"
    )


@pytest.mark.parametrize(("since_s", "helps"), [(59.0, False), (60.0, True)])
def test_a_command_that_nothing_measures_is_a_fact_and_after_a_minute_a_task(
    since_s: float, *, helps: bool
) -> None:
    memory = a_memory(3000.0, unmeasured_since=ago(since_s))
    silent = a_snapshot(evses=(an_evse_status(power_w=None, power_observed_at=None),))
    said = faults_of(silent, memory=memory)[FaultCode.EVSE_STALE]
    assert said.startswith("the charging station reports no power")
    assert ("restart it" in said) is helps


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
