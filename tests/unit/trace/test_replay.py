"""Replay finds the first field that comes out differently, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import nextafter

import pytest

from tests.unit.trace.house import START, House, recorded_house
from v2g_daemon.domain.decision import Decision
from v2g_daemon.domain.faults import Fault, FaultCode
from v2g_daemon.domain.memory import Memory
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.setpoint import HandsOff
from v2g_daemon.domain.snapshot import Snapshot
from v2g_daemon.trace.codec import TraceEncoder, TraceRecord, decode_trace
from v2g_daemon.trace.json_form import TraceError
from v2g_daemon.trace.replay import Decide, replay


@pytest.fixture
def house() -> House:
    return recorded_house()


def ticks(house: House, decide: Decide, *, count: int) -> Iterator[TraceRecord]:
    """A trace of `count` ticks as `decide` decided them, read back from its lines."""
    encoder = TraceEncoder(versions={})
    memory = house.memory
    for second in range(count):
        snapshot = replace(house.snapshot, now=START.later(second * 3600.0))
        after, decision = decide(memory, snapshot, house.policy)
        yield from decode_lines(encoder, snapshot, decision, house, memory, after)
        memory = after


def decode_lines(
    encoder: TraceEncoder,
    snapshot: Snapshot,
    decision: Decision,
    house: House,
    memory: Memory,
    after: Memory,
) -> list[TraceRecord]:
    """The records of one tick, read in a file of its own."""
    encoder.restart()
    lines = encoder.lines(
        snapshot, decision, policy=house.policy, memory=memory, memory_after=after
    )
    return list(decode_trace(lines))


def counting(house: House) -> Decide:
    """A decision that depends on memory alone: each tick desires 1 W more."""

    def decide(memory: Memory, snapshot: Snapshot, policy: Policy) -> tuple[Memory, Decision]:
        passed_s = 0.0 if memory.meter_good_since is None else memory.meter_good_since.monotonic_s
        evse = replace(house.decision.evses[0], desired_w=passed_s)
        after = replace(memory, meter_good_since=START.later(passed_s + 1.0 - START.monotonic_s))
        return after, replace(house.decision, evses=(evse,))

    return decide


def changed(decide: Decide, change: Decision | None = None, *, at_call: int) -> Decide:
    """The same decisions but for one call."""
    calls = iter(range(1, 1000))

    def other(memory: Memory, snapshot: Snapshot, policy: Policy) -> tuple[Memory, Decision]:
        after, decision = decide(memory, snapshot, policy)
        return after, change if next(calls) == at_call and change is not None else decision

    return other


def test_the_same_rules_decide_the_same(house: House) -> None:
    result = replay(ticks(house, counting(house), count=3), counting(house))
    assert result.identical
    assert result.ticks == 3


def test_memory_runs_on_from_tick_to_tick(house: House) -> None:
    encoder, memory, lines = TraceEncoder(versions={}), house.memory, []
    for _ in range(3):
        after, decision = counting(house)(memory, house.snapshot, house.policy)
        lines += encoder.lines(
            house.snapshot, decision, policy=house.policy, memory=memory, memory_after=after
        )
        memory = after
    assert len([line for line in lines if line.startswith(b'{"memory"')]) == 1
    assert replay(decode_trace(lines), counting(house)).identical


def test_the_last_bit_counts(house: House) -> None:
    evse = house.decision.evses[0]
    other = replace(house.decision, evses=(replace(evse, desired_w=nextafter(1.0, 2.0)),))
    decide = changed(counting(house), other, at_call=2)
    result = replay(ticks(house, counting(house), count=3), decide)
    assert not result.identical
    assert result.ticks == 2
    assert str(result.first_difference) == (
        "2024-12-11T17:30:00+00:00 decision.evses[0].desired_w: "
        "recorded 1.0, decided again 1.0000000000000002"
    )


def test_minus_zero_is_not_zero(house: House) -> None:
    evse = house.decision.evses[0]
    other = replace(house.decision, evses=(replace(evse, desired_w=-0.0),))
    result = replay(
        ticks(house, counting(house), count=1), changed(counting(house), other, at_call=1)
    )
    assert result.first_difference is not None
    assert result.first_difference.path == "evses[0].desired_w"


def test_a_whole_number_in_a_floats_place_is_no_difference(house: House) -> None:
    other = replace(house.decision, evses=(replace(house.decision.evses[0], desired_w=0),))
    decide = changed(counting(house), other, at_call=1)
    assert replay(ticks(house, counting(house), count=1), decide).identical


def test_another_command_is_named_whole(house: House) -> None:
    evse = house.decision.evses[0]
    command = HandsOff(permitted=evse.command.permitted, reason=evse.command.reason)
    other = replace(house.decision, evses=(replace(evse, desired_w=0.0, command=command),))
    result = replay(
        ticks(house, counting(house), count=1), changed(counting(house), other, at_call=1)
    )
    assert result.first_difference is not None
    assert result.first_difference.path == "evses[0].command"
    assert result.first_difference.decided.startswith("HandsOff(")


def test_one_fault_more_is_a_difference(house: House) -> None:
    fault = Fault(code=FaultCode.METER_STALE, detail="7 s old")
    evse = replace(house.decision.evses[0], desired_w=0.0)
    other = replace(house.decision, evses=(evse,), faults=(*house.decision.faults, fault))
    result = replay(
        ticks(house, counting(house), count=1), changed(counting(house), other, at_call=1)
    )
    assert result.first_difference is not None
    assert result.first_difference.path == "faults.length"
    assert (result.first_difference.recorded, result.first_difference.decided) == ("1", "2")


def test_a_tick_without_memory_is_a_broken_trace(house: House) -> None:
    records = list(ticks(house, counting(house), count=1))
    with pytest.raises(TraceError, match="tick 2024-12-11T16:30:00"):
        replay([records[0], records[2]], counting(house))


def test_an_empty_trace_has_no_difference(house: House) -> None:
    result = replay([], counting(house))
    assert (result.identical, result.ticks) == (True, 0)
