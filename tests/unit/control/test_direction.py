"""Power that flows against its command: what is evidence, and when it is enough to latch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.builders import (
    NOW,
    a_memory,
    a_meter,
    a_plan,
    a_policy,
    a_setpoint,
    a_snapshot,
    an_evse_memory,
    an_evse_status,
    long_told,
    rules_of,
)
from tests.properties.chargers import SELL, Charger, Nature, lived
from v2g_daemon.control.decide import decide
from v2g_daemon.domain.decision import Decision
from v2g_daemon.domain.faults import FaultCode
from v2g_daemon.domain.memory import Direction, Memory
from v2g_daemon.domain.readings import CommandOutcome, OutcomeKind
from v2g_daemon.domain.snapshot import RecordingHealth

HOUSE_W = 8000.0
CHARGED = "the charger charged while it was told to discharge"
CHARGE_JUST_TOLD = replace(long_told(), charge_told_at=NOW)
DISCHARGE_JUST_TOLD = replace(long_told(), discharge_told_at=NOW)
DISCHARGED = "the charger discharged while it was told to charge or to rest"


def run_against(
    power_w: float,
    *,
    until_s: int,
    target_w: float = -3000.0,
    direction: Direction | None = None,
    pcc_w: float = HOUSE_W,
    sample_every_s: int = 1,
    outcome: CommandOutcome | None = None,
) -> tuple[Memory, Decision]:
    """A car told `target_w` at every tick and measured at `power_w` from NOW on."""
    direction = long_told(house_w=HOUSE_W) if direction is None else direction
    memory = Memory(evses=(an_evse_memory(direction=direction),))
    decision = None
    for second in range(until_s + 1):
        now = NOW.later(second)
        last = replace(a_setpoint(target_w), issued_at=now.later(-1.0), expires_at=now.later(89.0))
        memory = replace(memory, evses=(replace(memory.evses[0], last=last),))
        snapshot = a_snapshot(
            now=now,
            meter=replace(a_meter(pcc_w), observed_at=now),
            evses=(
                an_evse_status(
                    power_w=power_w,
                    power_observed_at=NOW.later(second - second % sample_every_s),
                    outcome=outcome,
                ),
            ),
            plans=(a_plan(0.0),),
            recording=RecordingHealth(last_durable_at=now, queue_full=False, records_lost=0),
        )
        memory, decision = decide(memory, snapshot, a_policy())
    assert decision is not None
    return memory, decision


def test_charging_while_told_to_discharge_for_20_s_latches_discharge_off() -> None:
    assert run_against(2000.0, until_s=19)[0].latches == ()
    memory, decision = run_against(2000.0, until_s=20)
    (latch,) = memory.latches
    assert (latch.evse_id, latch.rule, latch.detail) == ("carport", "wrong_direction", CHARGED)
    assert latch.since_utc == NOW.later(20.0).utc
    assert "latch" in rules_of(decision.evses[0])
    assert decision.evses[0].command.permitted.lowest_w == 0.0
    assert FaultCode.WRONG_DIRECTION in {fault.code for fault in decision.faults}


def test_where_the_grid_meter_agrees_the_second_sample_latches() -> None:
    seen = HOUSE_W + 2000.0
    assert run_against(2000.0, until_s=4, pcc_w=seen, sample_every_s=5)[0].latches == ()
    (latch,) = run_against(2000.0, until_s=5, pcc_w=seen, sample_every_s=5)[0].latches
    assert latch.detail == CHARGED


def test_one_sample_alone_never_latches_however_long_it_is_looked_at() -> None:
    assert run_against(2000.0, until_s=25, sample_every_s=30)[0].latches == ()


def test_a_discharge_that_goes_on_when_told_to_rest_is_latched() -> None:
    (latch,) = run_against(-3000.0, until_s=1, target_w=0.0, pcc_w=HOUSE_W - 3000.0)[0].latches
    assert latch.detail == DISCHARGED
    # Where an oven hides it from the grid meter: then the charger's word, for longer.
    for until_s, latched in ((19, 0), (20, 1)):
        memory, _ = run_against(-3000.0, until_s=until_s, target_w=0.0, pcc_w=HOUSE_W)
        assert len(memory.latches) == latched


def test_a_latch_is_set_once_and_stays() -> None:
    memory, decision = run_against(2000.0, until_s=40)
    assert len(memory.latches) == 1
    assert memory.latches[0].since_utc == NOW.later(20.0).utc
    assert "latch" in rules_of(decision.evses[0])


@pytest.mark.parametrize(
    ("target_w", "power_w"),
    [(-3000.0, -3000.0), (-3000.0, 0.0), (-3000.0, 400.0), (0.0, -400.0), (3000.0, 3000.0)],
)
@pytest.mark.parametrize("pcc_w", [HOUSE_W, HOUSE_W + 4000.0, HOUSE_W - 7000.0])
def test_doing_as_told_or_nothing_latches_nothing(
    target_w: float, power_w: float, pcc_w: float
) -> None:
    assert run_against(power_w, until_s=40, target_w=target_w, pcc_w=pcc_w)[0].latches == ()


# What may still flow.


@pytest.mark.parametrize(
    ("target_w", "power_w", "told"),
    [
        (-3000.0, 2000.0, CHARGE_JUST_TOLD),
        (0.0, -3000.0, DISCHARGE_JUST_TOLD),
        (3000.0, -3000.0, DISCHARGE_JUST_TOLD),
    ],
)
def test_what_was_told_just_now_may_flow_for_as_long_as_the_charger_settles(
    target_w: float, power_w: float, told: Direction
) -> None:
    # 10 s to settle, then two samples that the PCC agrees with.
    for until_s, latched in ((10, 0), (11, 1)):
        memory, _ = run_against(power_w, until_s=until_s, target_w=target_w, direction=told)
        assert len(memory.latches) == latched


def test_after_the_first_command_whatever_ran_before_may_settle() -> None:
    memory, _ = run_against(2000.0, until_s=10, direction=Direction())
    assert memory.latches == ()


def falling(seconds: int, *, by_w: float) -> Memory:
    """Told to discharge while it charged; the power falls from sample to sample."""
    memory = a_memory(direction=CHARGE_JUST_TOLD)
    for second in range(seconds):
        now = NOW.later(second)
        last = replace(a_setpoint(-3000.0), issued_at=now.later(-1.0), expires_at=now.later(89.0))
        status = an_evse_status(power_w=7000.0 - by_w * second, power_observed_at=now)
        memory = replace(memory, evses=(replace(memory.evses[0], last=last),))
        memory, _ = decide(memory, a_snapshot(now=now, evses=(status,)), a_policy())
    return memory


def test_a_ramp_longer_than_any_learned_is_seen_to_be_one_and_a_standstill_is_not() -> None:
    assert falling(60, by_w=100.0).evses[0].direction.evidence is None
    assert falling(31, by_w=10.0).latches != ()


# What the device says it took.


def answered(kind: OutcomeKind, target_w: float) -> CommandOutcome:
    return CommandOutcome(kind=kind, target_w=target_w, answered_at=NOW)


@pytest.mark.parametrize(
    ("outcome", "latched"),
    [
        (answered(OutcomeKind.APPLIED, -3000.0), 1),
        (answered(OutcomeKind.APPLIED, 3000.0), 0),
        (answered(OutcomeKind.REJECTED, -3000.0), 0),
        (answered(OutcomeKind.TIMED_OUT, -3000.0), 0),
    ],
)
def test_a_discharge_that_was_never_taken_is_not_held_against_the_charger(
    outcome: CommandOutcome, latched: int
) -> None:
    """A refused station stands on its default, and charges."""
    memory, _ = run_against(4140.0, until_s=30, outcome=outcome)
    assert len(memory.latches) == latched


def test_a_stop_that_was_never_taken_is_held_against_it_once_the_lease_has_ended() -> None:
    lost = answered(OutcomeKind.TIMED_OUT, 0.0)
    # 90 s of lease and 10 s to settle, then two samples that the PCC agrees with.
    for until_s, latched in ((100, 0), (101, 1)):
        memory, _ = run_against(
            -3000.0, until_s=until_s, target_w=0.0, direction=DISCHARGE_JUST_TOLD, outcome=lost
        )
        assert len(memory.latches) == latched


# What is forgiven.


def evidence_after(*moments: tuple[float, float, float | None]) -> int:
    """Samples held against the charger after (second, target, power); None: no fresh sample."""
    memory = a_memory(direction=long_told())
    power_at = NOW
    for at_s, target_w, power_w in moments:
        now = NOW.later(at_s)
        power_at = now if power_w is not None else power_at
        last = replace(a_setpoint(target_w), issued_at=now.later(-1.0), expires_at=now.later(89.0))
        memory = replace(memory, evses=(replace(memory.evses[0], last=last),))
        status = an_evse_status(power_w=power_w, power_observed_at=power_at)
        meter = replace(a_meter(), observed_at=now)
        memory, _ = decide(memory, a_snapshot(now=now, meter=meter, evses=(status,)), a_policy())
    evidence = memory.evses[0].direction.evidence
    return 0 if evidence is None else evidence.samples


def test_passing_through_0_w_or_silence_forgives_nothing() -> None:
    assert evidence_after((0.0, -3000.0, 2000.0)) == 1
    assert evidence_after((0.0, -3000.0, 2000.0), (5.0, 0.0, 0.0)) == 1
    assert evidence_after((0.0, -3000.0, 2000.0), (40.0, -3000.0, None)) == 1
    assert evidence_after((0.0, -3000.0, 2000.0), (5.0, 0.0, 0.0), (9.0, -3000.0, 2000.0)) == 2


def test_obeying_refutes_the_evidence_of_the_same_kind_only() -> None:
    assert evidence_after((0.0, -3000.0, 2000.0), (5.0, -3000.0, -3000.0)) == 0
    assert evidence_after((0.0, -3000.0, 2000.0), (5.0, 3000.0, 3000.0)) == 1
    assert evidence_after((0.0, 0.0, -3000.0), (5.0, 0.0, 0.0)) == 0


def test_an_odd_sample_is_forgotten_after_two_minutes() -> None:
    assert evidence_after((0.0, -3000.0, 2000.0), (121.0, 0.0, 0.0)) == 0
    assert evidence_after((0.0, -3000.0, 2000.0), (119.0, 0.0, 0.0)) == 1


# Through the whole house.


def turned_at_100_s(meter_works: Callable[[int], bool]) -> int:
    """Seconds of charging against the command until the latch, of a house told to sell."""
    charger = Charger(
        nature=Nature.TURNED, lag_s=2, ramp_w_per_s=3700.0, sample_s=5, turns_at_s=100
    )
    seen = lived(charger, lambda _: 1000.0, lambda _: SELL, seconds=400, meter=meter_works)
    assert seen[-1].memory.latches
    return sum(
        1 for one in seen if not one.memory.latches and one.true_w > 500.0 and one.target_w < -500.0
    )


def test_a_meter_that_fails_now_and_then_does_not_put_the_latch_off() -> None:
    """Each failure passes the command through 0 W; once, that began the settling anew each time."""
    assert turned_at_100_s(lambda at_s: True) <= 10
    assert turned_at_100_s(lambda at_s: at_s < 90 or at_s % 45 >= 6) <= 10
