"""A small engine for tables: steps in, decisions out.

A step names the second it happens at, what changes then and stays so, and the command expected at
once. Between the steps the house is decided every tick, with a charger that does as it is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tests.builders import NOW, a_memory, a_plan, a_policy, a_snapshot, an_evse_status
from v2g_daemon.control.decide import decide
from v2g_daemon.domain.decision import Decision
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.plan import Plan
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.readings import EvseStatus, MeterReading
from v2g_daemon.domain.setpoint import HandsOff
from v2g_daemon.domain.snapshot import RecordingHealth, Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What stands until a step changes it.

    `meter` and `recorder` say whether these work; silenced, their last value grows old. `worth` is
    the plan's value of a kWh, None without a plan; `status` and `snapshot` replace fields outright.
    """

    load_w: float = 500.0
    meter: bool = True
    recorder: bool = True
    worth: float | None = None
    soc: float | None = 0.5
    power_w: float | None = None
    status: dict[str, Any] = field(default_factory=dict)
    snapshot: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """From `at_s` on `changes` hold; `target_w` None expects hands off."""

    at_s: int
    target_w: float | None
    rule: str
    changes: dict[str, Any]


def step(at_s: int, target_w: float | None, rule: str, **changes: Any) -> Step:
    """One row of a table."""
    return Step(at_s=at_s, target_w=target_w, rule=rule, changes=changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a step was answered with."""

    at_s: int
    target_w: float | None
    rule: str


class House:
    """Folds `decide` over the seconds, each a tick apart."""

    def __init__(self, policy: Policy, world: World) -> None:
        self.policy = policy
        self.world = world
        self.memory = a_memory()
        self.power_w = 0.0
        self._metered: MeterReading | None = None
        self._recorded_at = NOW

    def tick(self, at_s: float) -> Decision:
        """Observe, decide, and let the charger obey."""
        snapshot = self._observed(NOW.later(at_s))
        self.memory, decision = decide(self.memory, snapshot, self.policy)
        command = decision.evses[0].command
        self.power_w = 0.0 if isinstance(command, HandsOff) else command.target_w
        return decision

    def _observed(self, now: Instant) -> Snapshot:
        world = self.world
        power_w = self.power_w if world.power_w is None else world.power_w
        if world.meter:
            pcc_w = world.load_w + power_w
            self._metered = MeterReading(
                observed_at=now, power_w=pcc_w, phase_power_w=(pcc_w / 3.0,) * 3
            )
        if world.recorder:
            self._recorded_at = now
        recording = RecordingHealth(
            last_durable_at=self._recorded_at, queue_full=False, records_lost=0
        )
        snapshot = a_snapshot(
            now=now,
            meter=self._metered,
            recording=recording,
            evses=(self._status(now, power_w),),
            plans=() if world.worth is None else (_plan(world.worth, now),),
        )
        return replace(snapshot, **world.snapshot)

    def _status(self, now: Instant, power_w: float) -> EvseStatus:
        status = an_evse_status(
            power_w=power_w, power_observed_at=now, soc=self.world.soc, soc_observed_at=now
        )
        return replace(status, **self.world.status)


_PLANS: dict[float, Plan] = {}


def _plan(worth: float, now: Instant) -> Plan:
    """A plan just made; its horizon began at NOW."""
    if worth not in _PLANS:
        _PLANS[worth] = a_plan(worth)
    return replace(_PLANS[worth], made_at=now)


def play(
    steps: Sequence[Step], *, policy: Policy | None = None, world: World | None = None
) -> list[Seen]:
    """The answers to each step, ticks in between."""
    policy = a_policy() if policy is None else policy
    house = House(policy, World() if world is None else world)
    tick_s, at_s, found = policy.timing.tick_s, 0.0, []
    for one in steps:
        while at_s < one.at_s:
            house.tick(at_s)
            at_s += tick_s
        house.world = replace(house.world, **one.changes)
        evse = house.tick(at_s).evses[0]
        at_s += tick_s
        command = evse.command
        target_w = None if isinstance(command, HandsOff) else round(command.target_w, 3)
        found.append(Seen(at_s=one.at_s, target_w=target_w, rule=command.reason.rule))
    return found


def expected(steps: Sequence[Step]) -> list[Seen]:
    """What the table says."""
    return [Seen(at_s=one.at_s, target_w=one.target_w, rule=one.rule) for one in steps]
