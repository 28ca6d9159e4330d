"""Shape: a calm, realisable setpoint inside the permitted range.

A safer value (nearer to 0 W) passes at once; a ramp or a dwell can never delay a limit.
"""

from __future__ import annotations

from dataclasses import replace

from v2g_daemon.control.situation import Situation
from v2g_daemon.control.wish import Wish
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.memory import EvseMemory
from v2g_daemon.domain.policy import Cadence, Timing
from v2g_daemon.domain.power import PowerRange
from v2g_daemon.domain.setpoint import Authority, Setpoint

SMALL_DECREASE_W = 100.0


def shape(
    wish: Wish, permitted: PowerRange, situation: Situation, now: Instant, timing: Timing
) -> float:
    """The power to command: wished, permitted, realisable and calm."""
    memory, cadence = situation.memory, situation.evse.cadence
    last_w = 0.0 if memory.last is None else memory.last.target_w
    target_w = permitted.clamp(wish.target_w)
    if wish.reason.authority <= Authority.PLAN:
        target_w = _dwelt(target_w, last_w, wish, permitted, memory, cadence, now)
    target_w = _ramped(target_w, last_w, situation, now, timing)
    target_w = realisable(target_w, situation)
    held_w = realisable(last_w, situation)
    if (
        held_w == last_w
        and permitted.contains(last_w)
        and _barely_changed(target_w, last_w, cadence)
    ):
        return last_w
    return target_w


def realisable(target_w: float, situation: Situation) -> float:
    """Rounded towards 0 W: below the charger's minimum in that direction it rests."""
    if target_w > 0.0:
        return target_w if target_w >= situation.min_charge_w else 0.0
    return target_w if -target_w >= situation.min_discharge_w else 0.0


def remember_change(memory: EvseMemory, command: Setpoint, now: Instant) -> EvseMemory:
    """The memory after this command, with its dwell and ramp clocks."""
    last_w = 0.0 if memory.last is None else memory.last.target_w
    target_w = command.target_w
    if target_w == last_w and memory.changed_at is not None:
        return replace(memory, last=command)
    switched = (target_w == 0.0) != (last_w == 0.0) or target_w * last_w < 0.0
    increased = abs(target_w) > abs(last_w)
    decreased = abs(last_w) - abs(target_w) > SMALL_DECREASE_W or target_w * last_w < 0.0
    return replace(
        memory,
        last=command,
        changed_at=now,
        increased_at=now if increased else memory.increased_at,
        decreased_at=(memory.decreased_at or now) if decreased else memory.decreased_at,
        switched_at=now if switched else memory.switched_at,
    )


def _dwelt(
    target_w: float,
    last_w: float,
    wish: Wish,
    permitted: PowerRange,
    memory: EvseMemory,
    cadence: Cadence,
    now: Instant,
) -> float:
    """A plan's change of direction waits out the dwell; what a limit forbids does not."""
    switches = (target_w == 0.0) != (last_w == 0.0) or target_w * last_w < 0.0
    if not switches or memory.switched_at is None or not permitted.contains(last_w):
        return target_w
    if wish.reason.authority < Authority.PLAN and last_w < 0.0:
        # Without a plan nothing is discharged, not even to be calm.
        return target_w
    dwell_s = cadence.dwell_off_s if last_w == 0.0 else cadence.dwell_on_s
    return last_w if now.seconds_since(memory.switched_at) < dwell_s else target_w


def _ramped(
    target_w: float, last_w: float, situation: Situation, now: Instant, timing: Timing
) -> float:
    """Away from 0 W not faster than the ramp and not sooner than the cadence allows."""
    memory, cadence = situation.memory, situation.evse.cadence
    same_way = target_w * last_w > 0.0
    start_w = last_w if same_way else 0.0
    if abs(target_w) <= abs(start_w):
        return target_w
    recent = (
        same_way
        and memory.increased_at is not None
        and now.seconds_since(memory.increased_at) < cadence.between_increases_s
    )
    if recent:
        return start_w
    elapsed_s = timing.tick_s
    if memory.last is not None:
        elapsed_s = max(now.seconds_since(memory.last.issued_at), timing.tick_s)
    step_w = cadence.ramp_up_w_per_s * max(elapsed_s, cadence.between_increases_s)
    step_w = max(step_w, cadence.smallest_change_w)
    if target_w > 0.0:
        return min(target_w, max(start_w + step_w, situation.min_charge_w))
    return max(target_w, min(start_w - step_w, -situation.min_discharge_w))


def _barely_changed(target_w: float, last_w: float, cadence: Cadence) -> bool:
    """A change not worth writing; never one to 0 W or to the other direction."""
    return target_w * last_w > 0.0 and abs(target_w - last_w) < cadence.smallest_change_w
