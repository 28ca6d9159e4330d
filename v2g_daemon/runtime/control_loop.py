"""The tick: freeze the news, advance the house, record, command, then feed the watchdog."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from v2g_daemon.domain.policy import Policy
from v2g_daemon.ports import Clock, EvsePort, Watchdog
from v2g_daemon.runtime.latest_values import LatestValues
from v2g_daemon.runtime.planning_desk import PlanningDesk
from v2g_daemon.runtime.recorder import Recorder
from v2g_daemon.step.house import House, Outcome, advance


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the loop reads from and hands to; `on_tick` is told each outcome (status, demo)."""

    clock: Clock
    latest: LatestValues
    recorder: Recorder
    desk: PlanningDesk
    ports: Mapping[str, EvsePort]
    watchdog: Watchdog
    on_tick: Callable[[Outcome], None]


class ControlLoop:
    """Owns the house; its failure ends the process, and leases then end what was commanded."""

    def __init__(self, *, policy: Policy, house: House, around: Surroundings) -> None:
        self._policy = policy
        self._around = around
        self.house = house

    async def run(self) -> None:
        """Tick until cancelled, on a grid of (simulated) seconds; a missed tick is skipped."""
        tick_s = self._policy.timing.tick_s
        next_s = self._around.clock.now().monotonic_s
        while True:
            self.tick()
            now_s = self._around.clock.now().monotonic_s
            next_s = max(next_s + tick_s, now_s - now_s % tick_s)
            await self._around.clock.sleep(next_s - now_s)

    def tick(self) -> None:
        """One pass of the one-way flow."""
        news = self._around.latest.freeze(
            now=self._around.clock.now(),
            clock_trusted=self._around.clock.trusted(),
            recording=self._around.recorder.health(),
        )
        self.house, outcome = advance(self.house, news, self._policy)
        self._around.recorder.record(outcome)
        for decided in outcome.decision.evses:
            port = self._around.ports[decided.evse_id]
            port.command(decided.command)
            port.outlook(decided.outlook)
        for problem in outcome.problems:
            self._around.desk.pose(problem)
        self._around.on_tick(outcome)
        self._around.watchdog.fed()
