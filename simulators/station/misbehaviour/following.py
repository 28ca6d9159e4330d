"""How the power follows what it is told: late, slowly, roughly or the wrong way round."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from simulators.faults import Fault

RAMP_STEP_S = 1.0
DELAYS = frozenset({"lag", "renegotiation"})


@dataclass(slots=True)
class Follower:
    """Remembers what it was told, to follow it as the faults want; asked in order of time."""

    told: deque[tuple[float, float]] = field(default_factory=deque)
    held_w: float = 0.0
    ramp: tuple[float, float] | None = None

    def follow_w(self, at_s: float, told_w: float, faults: Sequence[Fault]) -> float:
        """Return the power that is really aimed at."""
        self._remember(at_s, told_w, keep_s=longest_lag_s(faults))
        aimed_w = told_w
        for fault in faults:
            stage = _STAGES.get(fault.kind)
            if stage is not None:
                aimed_w = stage(self, fault, at_s, aimed_w)
        if not any(fault.kind == "slow_ramp" for fault in faults):
            self.ramp = None
        self.held_w = aimed_w
        return aimed_w

    def next_change_s(self, at_s: float, faults: Sequence[Fault]) -> float | None:
        """Return when the aim changes although nothing new is told."""
        lag_s = longest_lag_s(faults)
        edges_s = [told_s + lag_s for told_s, _ in self.told if told_s + lag_s > at_s]
        if any(fault.kind == "slow_ramp" for fault in faults):
            edges_s.append(at_s + RAMP_STEP_S)
        return min(edges_s, default=None)

    def _remember(self, at_s: float, told_w: float, *, keep_s: float) -> None:
        if not self.told or self.told[-1][1] != told_w:
            self.told.append((at_s, told_w))
        while len(self.told) > 1 and self.told[1][0] + keep_s < at_s:
            self.told.popleft()

    def told_before_w(self, at_s: float, lag_s: float) -> float:
        """Return what was in force lag_s ago; before anything was told, the first word counts."""
        before = [told_w for told_s, told_w in self.told if told_s <= at_s - lag_s]
        return before[-1] if before else self.told[0][1]


def longest_lag_s(faults: Sequence[Fault]) -> float:
    """Return how long the slowest of the delays is."""
    return max((one.parameters.lag_s for one in faults if one.kind in DELAYS), default=0.0)


def _flipped(_follower: Follower, _fault: Fault, _at_s: float, aimed_w: float) -> float:
    return -aimed_w


def _late(follower: Follower, fault: Fault, at_s: float, _aimed_w: float) -> float:
    return follower.told_before_w(at_s, fault.parameters.lag_s)


def _ramped(follower: Follower, fault: Fault, at_s: float, aimed_w: float) -> float:
    since_s, from_w = follower.ramp or (at_s, follower.held_w)
    most_w = fault.parameters.value * (at_s - since_s)
    reached_w = from_w + max(-most_w, min(most_w, aimed_w - from_w))
    follower.ramp = (at_s, reached_w)
    return reached_w


def _deadened(follower: Follower, fault: Fault, _at_s: float, aimed_w: float) -> float:
    near = abs(aimed_w - follower.held_w) < fault.parameters.value
    return follower.held_w if near else aimed_w


def _floored(_follower: Follower, fault: Fault, _at_s: float, aimed_w: float) -> float:
    if aimed_w == 0.0 or abs(aimed_w) >= fault.parameters.value:
        return aimed_w
    return math.copysign(fault.parameters.value, aimed_w)


_STAGES: dict[str, Callable[[Follower, Fault, float, float], float]] = {
    "sign_flip": _flipped,
    "lag": _late,
    "renegotiation": _late,
    "slow_ramp": _ramped,
    "deadband": _deadened,
    "power_floor": _floored,
}
