"""Chargers that obey, lag, ramp and lie, in a house whose other loads do as they please."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum
from random import Random

from tests.builders import (
    NOW,
    a_cadence,
    a_plan,
    a_policy,
    a_snapshot,
    a_timing,
    an_evse,
    an_evse_status,
)
from v2g_daemon.control.decide import decide
from v2g_daemon.domain.decision import Decision
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.memory import Memory
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.readings import MeterReading
from v2g_daemon.domain.setpoint import HandsOff
from v2g_daemon.domain.snapshot import RecordingHealth, Snapshot

# The timing of a real house; tests/builders settles in 10 s.
REAL_TIMING = a_timing(follow_within_s=30.0)
SELL, KEEP, BUY = 0.0, 0.23, 0.6


class Nature(Enum):
    """What a charger makes of its commands, and what it says of it."""

    HONEST = "honest"
    TURNED = "charges when told to discharge, and says so"
    TURNED_AND_LYING = "charges when told to discharge, and says that it discharges"
    NEVER_ENDING = "goes on discharging whatever it is told"
    IMPOSTOR = "moves nothing, and says that it follows"


@dataclass(slots=True, kw_only=True)
class Charger:
    """Follows the command of `lag_s` ago along a ramp, and tells its power every `sample_s`."""

    nature: Nature
    lag_s: int
    ramp_w_per_s: float
    sample_s: int
    turns_at_s: int = 0
    told_w: list[float] = field(default_factory=list)
    following_w: float = 0.0
    sample: tuple[int, float] = (0, 0.0)

    def second(self, at_s: int, target_w: float) -> float:
        """The true power after one more second."""
        self.told_w.append(target_w)
        heard_w = self.told_w[max(len(self.told_w) - 1 - self.lag_s, 0)]
        if self.nature is Nature.NEVER_ENDING and at_s >= self.turns_at_s:
            heard_w = min(heard_w, self.following_w)
        step_w = min(abs(heard_w - self.following_w), self.ramp_w_per_s)
        self.following_w += step_w if heard_w > self.following_w else -step_w
        true_w = self._true_w(at_s)
        if at_s % self.sample_s == 0:
            lies = self.nature in (Nature.TURNED_AND_LYING, Nature.IMPOSTOR)
            self.sample = (at_s, self.following_w if lies else true_w)
        return true_w

    def _true_w(self, at_s: int) -> float:
        turned = self.nature in (Nature.TURNED, Nature.TURNED_AND_LYING)
        if turned and at_s >= self.turns_at_s:
            return abs(self.following_w)
        return 0.0 if self.nature is Nature.IMPOSTOR else self.following_w


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One second: what was commanded, what really flowed, and what was decided."""

    at_s: int
    target_w: float
    true_w: float
    memory: Memory
    decision: Decision


def lived(
    charger: Charger,
    load_w: Callable[[int], float],
    worth: Callable[[int], float],
    *,
    seconds: int,
    policy: Policy | None = None,
    meter: Callable[[int], bool] = lambda at_s: True,
) -> list[Seen]:
    """So many seconds of a house that wants what `worth` (of a kWh in the pack) makes it want."""
    policy = a_direct_policy() if policy is None else policy
    memory, true_w, found = Memory(meter_good_since=NOW.later(-60.0)), 0.0, []
    metered: MeterReading | None = None
    for at_s in range(seconds):
        now = NOW.later(at_s)
        if meter(at_s):
            power_w = load_w(at_s) + true_w
            metered = MeterReading(
                observed_at=now, power_w=power_w, phase_power_w=(power_w / 3.0,) * 3
            )
        memory, decision = decide(memory, _snapshot(now, metered, charger, worth(at_s)), policy)
        command = decision.evses[0].command
        target_w = 0.0 if isinstance(command, HandsOff) else command.target_w
        true_w = charger.second(at_s, target_w)
        found.append(
            Seen(at_s=at_s, target_w=target_w, true_w=true_w, memory=memory, decision=decision)
        )
    return found


def a_direct_policy() -> Policy:
    """Little dwell, so that a few minutes hold many starts and stops."""
    evse = an_evse(cadence=a_cadence(dwell_on_s=30.0, dwell_off_s=30.0))
    return a_policy(evses=(evse,), timing=REAL_TIMING)


def _snapshot(
    now: Instant, metered: MeterReading | None, charger: Charger, worth: float
) -> Snapshot:
    sampled_s, power_w = charger.sample
    status = replace(
        _STATUS, power_w=power_w, power_observed_at=NOW.later(sampled_s), soc_observed_at=now
    )
    return replace(
        _SNAPSHOT,
        now=now,
        meter=metered,
        evses=(status,),
        plans=(replace(_PLANS[worth], made_at=now),),
        recording=RecordingHealth(last_durable_at=now, queue_full=False, records_lost=0),
    )


_STATUS = an_evse_status(soc=0.6)
_SNAPSHOT = a_snapshot()
_PLANS = {worth: a_plan(worth) for worth in (SELL, KEEP, BUY)}


# Loads.


def a_load(
    rng: Random,
    seconds: int,
    *,
    every_s: float,
    largest_w: float = 4000.0,
    noise_w: float = 60.0,
    pv: bool = True,
) -> list[float]:
    """A house's other loads: steps at random moments, noise, and clouds before its PV."""
    base_w, steps_w, at_s = 600.0, 0.0, 0.0
    pv_w, cloud_w, found = rng.uniform(0.0, 4000.0) if pv else 0.0, 0.0, []
    next_s, ends = rng.expovariate(1.0 / every_s), []
    for second in range(seconds):
        at_s = float(second)
        while at_s >= next_s:
            size_w = rng.uniform(200.0, largest_w)
            steps_w += size_w
            ends.append((at_s + rng.uniform(20.0, 300.0), size_w))
            next_s += rng.expovariate(1.0 / every_s)
        steps_w -= sum(size_w for end_s, size_w in ends if end_s <= at_s)
        ends = [one for one in ends if one[0] > at_s]
        if pv and second % 60 == 0:
            cloud_w = rng.uniform(-pv_w, 5000.0 - pv_w) / 60.0 * rng.random()
        pv_w = max(pv_w + cloud_w, 0.0)
        found.append(base_w + steps_w - pv_w + rng.gauss(0.0, noise_w))
    return found
