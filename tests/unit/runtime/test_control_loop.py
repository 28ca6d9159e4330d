"""The tick and its order, the grid of ticks, and how the loop ends."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from tests.builders import NOW, a_policy, a_timing, an_evse, an_evse_status
from tests.unit.runtime.surroundings import (
    HandClock,
    NotingPort,
    NotingWatchdog,
    OpenLedger,
    OpenTrace,
    OverAndOut,
    a_recorder,
)
from tests.unit.step.news import FLAT_PRICES
from v2g_daemon.domain.plan import Plan, PlanProblem
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.setpoint import HandsOff, Setpoint
from v2g_daemon.runtime.control_loop import ControlLoop, Surroundings
from v2g_daemon.runtime.latest_values import LatestValues
from v2g_daemon.runtime.planning_desk import PlanningDesk
from v2g_daemon.runtime.recorder import Recorder
from v2g_daemon.step.house import House, Outcome


class NobodyPlans:
    """A planner that is never reached: no desk runs here."""

    async def solve(self, problem: PlanProblem) -> Plan:
        raise AssertionError(problem.evse_id)


@dataclass(slots=True, kw_only=True)
class Bench:
    """A loop with everything around it, and what happened in which order."""

    policy: Policy = field(default_factory=lambda: a_policy(timing=a_timing(tick_s=2.0)))
    clock: HandClock = field(default_factory=HandClock)
    events: list[str] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    ports: dict[str, NotingPort] = field(default_factory=dict)
    trace: OpenTrace = field(default_factory=OpenTrace)

    def loop(self) -> ControlLoop:
        evse_ids = [evse.evse_id for evse in self.policy.evses]
        latest = LatestValues(evse_ids=evse_ids)
        latest.put_evse(an_evse_status())
        latest.put_prices(FLAT_PRICES)
        desk = PlanningDesk(planner=NobodyPlans(), latest=latest)
        self.ports = {one: NotingPort(evse_id=one, events=self.events) for one in evse_ids}
        recorder = a_recorder(self.clock, OpenLedger(), self.trace)
        self._note_calls(recorder, desk)
        return ControlLoop(
            policy=self.policy,
            house=House(),
            around=Surroundings(
                clock=self.clock,
                latest=latest,
                recorder=recorder,
                desk=desk,
                ports=self.ports,
                watchdog=NotingWatchdog(events=self.events),
                on_tick=self._told,
            ),
        )

    def _told(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        self.events.append("told")

    def _note_calls(self, recorder: Recorder, desk: PlanningDesk) -> None:
        """The real parts do their work; what they are called is noted before it."""
        record, pose = recorder.record, desk.pose

        def noted_record(outcome: Outcome) -> None:
            self.events.append("record")
            record(outcome)

        def noted_pose(problem: PlanProblem) -> None:
            self.events.append("pose")
            pose(problem)

        recorder.record = noted_record  # type: ignore[method-assign]
        desk.pose = noted_pose  # type: ignore[method-assign]


def test_a_tick_records_then_commands_then_feeds_the_watchdog() -> None:
    bench = Bench(policy=a_policy(evses=(an_evse(), an_evse(evse_id="yard"))))
    bench.loop().tick()
    assert bench.events == ["record", "command carport", "command yard", "pose", "told", "fed"]


def test_each_charger_gets_its_own_command() -> None:
    bench = Bench(policy=a_policy(evses=(an_evse(evse_id="yard"), an_evse())))
    bench.loop().tick()
    (carport,), (yard,) = bench.ports["carport"].commands, bench.ports["yard"].commands
    assert isinstance(carport, Setpoint)
    assert isinstance(yard, HandsOff)
    assert yard.reason.rule == "no_station"
    assert bench.outcomes[0].decision.evses[1].command is carport


def test_each_charger_is_told_what_to_do_by_itself() -> None:
    bench = Bench()
    bench.loop().tick()
    (decided,) = bench.outcomes[0].decision.evses
    assert decided.outlook is not None
    assert bench.ports["carport"].outlooks == [decided.outlook]


def test_the_next_tick_goes_on_from_the_last() -> None:
    bench = Bench()
    loop = bench.loop()
    loop.tick()
    bench.clock.passed_s = 2.0
    loop.tick()
    first, second = bench.outcomes
    assert second.memory_before is first.memory_after
    assert (first.snapshot.now, second.snapshot.now) == (NOW, NOW.later(2.0))
    assert bench.events.count("pose") == 1


async def test_ticks_lie_on_a_grid_of_house_seconds() -> None:
    bench = Bench(clock=HandClock(until_s=8.0))
    with pytest.raises(OverAndOut):
        await bench.loop().run()
    assert bench.clock.slept_s == [2.0, 2.0, 2.0, 2.0]
    assert len(bench.outcomes) == 4


async def test_the_time_a_tick_takes_is_not_slept_again() -> None:
    bench = Bench(clock=HandClock(until_s=8.0))
    loop = bench.loop()
    taking(loop, bench, [0.5, 0.25])
    with pytest.raises(OverAndOut):
        await loop.run()
    assert bench.clock.slept_s == [1.5, 1.75, 2.0, 2.0]


async def test_a_tick_that_took_too_long_skips_the_missed_ones() -> None:
    bench = Bench(clock=HandClock(until_s=12.0))
    loop = bench.loop()
    taking(loop, bench, [7.5])
    with pytest.raises(OverAndOut):
        await loop.run()
    ticked_s = [one.snapshot.now.seconds_since(NOW) for one in bench.outcomes]
    assert ticked_s == [0.0, 7.5, 8.0, 10.0]


def taking(loop: ControlLoop, bench: Bench, lasting_s: list[float]) -> None:
    """The first ticks last so long."""
    tick = loop.tick

    def slow_tick() -> None:
        tick()
        bench.clock.passed_s += lasting_s.pop(0) if lasting_s else 0.0

    loop.tick = slow_tick  # type: ignore[method-assign]


async def test_a_tick_that_fails_ends_the_loop_unfed() -> None:
    bench = Bench()
    loop = bench.loop()
    bench.ports.clear()
    with pytest.raises(KeyError):
        await loop.run()
    assert bench.events == ["record"]


def test_what_was_decided_is_recorded_even_if_commanding_fails() -> None:
    bench = Bench()
    loop = bench.loop()
    bench.ports.clear()
    with pytest.raises(KeyError):
        loop.tick()
    assert "record" in bench.events
