"""What must be confirmed or contradicts: decreases, directions, uncommanded power, full cars."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.builders import (
    NOW,
    a_goal,
    a_memory,
    a_policy,
    a_setpoint,
    a_snapshot,
    ago,
    an_evse_memory,
    an_evse_status,
    goals,
    long_told,
)
from v2g_daemon.control.decide import decide
from v2g_daemon.domain.decision import Decision
from v2g_daemon.domain.faults import FaultCode
from v2g_daemon.domain.memory import Evidence, EvseMemory, Memory
from v2g_daemon.domain.policy import Stage
from v2g_daemon.domain.readings import CommandOutcome, EvseStatus, OutcomeKind
from v2g_daemon.domain.setpoint import HandsOff
from v2g_daemon.domain.snapshot import RecordingHealth


def decided(
    status: EvseStatus, evse: EvseMemory | None = None, **changes: Any
) -> tuple[Memory, Decision]:
    memory = a_memory() if evse is None else replace(a_memory(), evses=(evse,))
    return decide(memory, a_snapshot(evses=(status,), **changes), a_policy())


def codes(decision: Decision) -> set[FaultCode]:
    return {fault.code for fault in decision.faults}


def waiting(seconds_ago: float, target_w: float = 2000.0) -> EvseMemory:
    return replace(an_evse_memory(), last=a_setpoint(target_w), decreased_at=ago(seconds_ago))


def drawing(power_w: float, *, seconds_ago: float = 0.0) -> EvseStatus:
    return replace(an_evse_status(), power_w=power_w, power_observed_at=ago(seconds_ago))


def test_a_decrease_is_a_fault_when_nothing_confirms_it_within_five_seconds() -> None:
    assert FaultCode.DECREASE_UNCONFIRMED in codes(decided(drawing(7000.0), waiting(5.5))[1])
    assert FaultCode.DECREASE_UNCONFIRMED not in codes(decided(drawing(7000.0), waiting(4.5))[1])


def test_the_measured_power_confirms_a_decrease() -> None:
    memory, decision = decided(drawing(2100.0), waiting(5.5))
    assert FaultCode.DECREASE_UNCONFIRMED not in codes(decision)
    assert memory.evses[0].decreased_at is None


def test_a_power_measured_before_the_decrease_confirms_nothing() -> None:
    status = drawing(0.0, seconds_ago=6.0)
    assert FaultCode.DECREASE_UNCONFIRMED in codes(decided(status, waiting(5.5))[1])


@pytest.mark.parametrize(
    ("kind", "target_w", "confirmed"),
    [
        (OutcomeKind.APPLIED, 2000.0, True),
        (OutcomeKind.APPLIED, 7000.0, False),
        (OutcomeKind.REJECTED, 2000.0, False),
        (OutcomeKind.TIMED_OUT, 2000.0, False),
    ],
)
def test_only_an_applied_command_that_low_confirms_a_decrease(
    kind: OutcomeKind, target_w: float, confirmed: bool
) -> None:
    outcome = CommandOutcome(kind=kind, target_w=target_w, answered_at=ago(1.0))
    status = replace(drawing(7000.0), outcome=outcome)
    found = FaultCode.DECREASE_UNCONFIRMED in codes(decided(status, waiting(5.5))[1])
    assert found is not confirmed


def test_a_lower_setpoint_starts_waiting_for_its_confirmation() -> None:
    evse = replace(an_evse_memory(), last=a_setpoint(7400.0), changed_at=ago(60.0))
    memory, _ = decided(drawing(7400.0), evse, meter=None)
    assert memory.evses[0].decreased_at == NOW


@pytest.mark.parametrize("target_w", [0.0, 3000.0])
def test_a_discharge_nobody_commanded_is_latched(target_w: float) -> None:
    evse = replace(
        an_evse_memory(),
        last=a_setpoint(target_w),
        direction=long_told(
            evidence=Evidence(charged=False, since=ago(20.0), at=ago(20.0), samples=1)
        ),
    )
    memory, decision = decided(drawing(-3000.0), evse)
    assert [latch.rule for latch in memory.latches] == ["wrong_direction"]
    assert "discharged while it was told to charge or to rest" in memory.latches[0].detail
    assert FaultCode.WRONG_DIRECTION in codes(decision)


def test_a_station_that_is_away_may_draw_its_default_and_no_more() -> None:
    away = replace(an_evse_status(), connected=False, power_w=4200.0, power_observed_at=NOW)
    decision = decided(away)[1]
    command = decision.evses[0].command
    assert isinstance(command, HandsOff)
    # 6 A × 230 V × 3
    assert (command.permitted.lowest_w, command.permitted.highest_w) == (0.0, 4140.0)
    assert FaultCode.HANDS_OFF_BREACHED not in codes(decision)
    beyond = decided(replace(away, power_w=7000.0))[1]
    assert FaultCode.HANDS_OFF_BREACHED in codes(beyond)


def test_a_recorder_that_stalls_is_a_fault_like_a_full_queue() -> None:
    health = RecordingHealth(last_durable_at=ago(181.0), queue_full=False, records_lost=0)
    decision = decided(an_evse_status(), recording=health)[1]
    assert FaultCode.RECORDING_STALLED in codes(decision)


def test_without_a_meter_the_stage_is_v1g_whatever_is_recorded() -> None:
    policy = replace(a_policy(), grid=replace(a_policy().grid, has_meter=False))
    decision = decide(a_memory(), a_snapshot(meter=None), policy)[1]
    assert decision.evses[0].stage is Stage.V1G


def an_offer(*, seconds_ago: float, charged_wh: float) -> EvseMemory:
    register = an_evse_status().charge_milliwh
    assert register is not None
    return replace(
        an_evse_memory(),
        session_id=an_evse_status().session_id,
        session_base_milliwh=register - round(charged_wh * 1000.0),
        last=a_setpoint(7400.0),
        changed_at=ago(seconds_ago),
        must_charge=True,
    )


def without_soc(**changes: Any) -> EvseStatus:
    return replace(an_evse_status(), soc=None, soc_observed_at=None, **changes)


def test_a_car_without_soc_that_stops_drawing_has_met_its_goal_for_this_session() -> None:
    pressing = {"goals": goals(a_goal(0.5))}
    offered = an_offer(seconds_ago=300.0, charged_wh=1.0)
    stopped = without_soc(power_w=0.0, car_stopped=True)
    memory, decision = decided(stopped, offered, **pressing)
    assert memory.evses[0].car_full
    assert not memory.evses[0].must_charge
    assert FaultCode.GOAL_UNREACHABLE not in codes(decision)
    resting = without_soc(power_w=0.0, car_stopped=False)
    assert decided(resting, memory.evses[0], **pressing)[0].evses[0].car_full
    drawing_again = without_soc(power_w=3000.0)
    assert not decided(drawing_again, memory.evses[0], **pressing)[0].evses[0].car_full


@pytest.mark.parametrize(
    ("seconds_ago", "charged_wh", "offered_w"),
    [(299.0, 1.0, 7400.0), (300.0, 0.0, 7400.0), (300.0, 1.0, 0.0)],
)
def test_a_car_is_not_full_before_it_began_or_while_the_offer_is_new_or_nothing(
    seconds_ago: float, charged_wh: float, offered_w: float
) -> None:
    offer = an_offer(seconds_ago=seconds_ago, charged_wh=charged_wh)
    stopped = without_soc(power_w=0.0, car_stopped=True)
    memory, _ = decided(stopped, replace(offer, last=a_setpoint(offered_w)))
    assert not memory.evses[0].car_full


def test_an_old_first_soc_reading_is_not_taken_for_this_plug_in() -> None:
    fresh_evse = replace(an_evse_memory(), anchor=None)
    old = replace(an_evse_status(), soc=0.9, soc_observed_at=ago(901.0))
    assert decided(old, fresh_evse)[1].evses[0].soc is None
    recent = replace(an_evse_status(), soc=0.9, soc_observed_at=ago(899.0))
    assert decided(recent, fresh_evse)[1].evses[0].soc == 0.9


def test_a_station_that_is_away_takes_nothing_from_the_session_s_memory() -> None:
    known = replace(an_evse_memory(), session_id="s1", vehicle_id="car")
    away = replace(an_evse_status(), connected=False, plugged_in=False, session_id=None)
    assert decided(away, known)[0].evses[0].vehicle_id == "car"
    unplugged = replace(away, connected=True)
    assert decided(unplugged, known)[0].evses[0].vehicle_id is None
