"""Shape: a calm, realisable setpoint inside the permitted range.

What a limit forbids ends at once, and less power than before needs no patience; all calm is about
wanting more. No budget, ramp or dwell delays a limit.
"""

from __future__ import annotations

from dataclasses import dataclass

from v2g_daemon.control.budgets import closings_left, spread_s, writes_left
from v2g_daemon.control.situation import Situation
from v2g_daemon.control.wish import Wish
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.memory import EvseMemory
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.power import PowerRange
from v2g_daemon.domain.quick import quick, replace
from v2g_daemon.domain.readings import PowerControl
from v2g_daemon.domain.setpoint import Authority, Setpoint

SMALL_DECREASE_W = 100.0
RENEGOTIATION_S = 60.0  # ISO 15118 settles a new schedule with the car in seconds to minutes


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class _Pace:
    """How calmly this wish may move this charger now.

    `dwell_s`: how long it stays on, or off, before it may switch. `wait_s`: how long between
    increases, and `wanted_s` for how long more must have been wanted. `longest_step_w`: the ramp
    over that time. `smallest_w`: no change is smaller.
    """

    dwell_s: float
    wait_s: float
    wanted_s: float
    longest_step_w: float
    smallest_w: float
    may_rise: bool
    may_start: bool


def shape(
    wish: Wish, permitted: PowerRange, situation: Situation, now: Instant, policy: Policy
) -> float:
    """The power to command: wished, permitted, realisable and calm."""
    memory = situation.memory
    last_w = 0.0 if memory.last is None else memory.last.target_w
    pace = _pace(wish, situation, last_w, now, policy)
    target_w = permitted.clamp(wish.target_w)
    if wish.reason.authority <= Authority.PLAN:
        target_w = _dwelt(target_w, last_w, wish, permitted, memory, pace, now)
    target_w = realisable(_raised(target_w, last_w, wish, situation, pace, now), situation)
    if target_w * last_w <= 0.0 and target_w != 0.0 and not pace.may_start:
        return 0.0
    held_w = realisable(last_w, situation)
    small = target_w * last_w > 0.0 and abs(target_w - last_w) < pace.smallest_w
    return last_w if small and held_w == last_w and permitted.contains(last_w) else target_w


def realisable(target_w: float, situation: Situation) -> float:
    """Rounded towards 0 W: below the charger's minimum in that direction it rests."""
    if target_w > 0.0:
        return target_w if target_w >= situation.min_charge_w else 0.0
    return target_w if -target_w >= situation.min_discharge_w else 0.0


def remember_change(
    memory: EvseMemory, command: Setpoint, now: Instant, *, wanted_w: float, smallest_w: float
) -> EvseMemory:
    """The memory after this command; `wanted_w` is what the site would have let the wish have."""
    last_w = 0.0 if memory.last is None else memory.last.target_w
    target_w = command.target_w
    if target_w == last_w and memory.changed_at is not None:
        more = target_w * wanted_w > 0.0 and abs(wanted_w) - abs(target_w) >= smallest_w
        since, least_w = _raise(memory, now, wanted_w if more else None)
        return replace(memory, raised_since=since, raised_w=least_w, last=command)
    switched = (target_w == 0.0) != (last_w == 0.0) or target_w * last_w < 0.0
    increased = abs(target_w) > abs(last_w)
    decreased = abs(last_w) - abs(target_w) > SMALL_DECREASE_W or target_w * last_w < 0.0
    return replace(
        memory,
        last=command,
        changed_at=now,
        increased_at=now if increased else memory.increased_at,
        raised_since=None,
        raised_w=None,
        decreased_at=(memory.decreased_at or now) if decreased else memory.decreased_at,
        switched_at=now if switched else memory.switched_at,
    )


def smallest_change_w(situation: Situation, policy: Policy) -> float:
    """The smallest change worth writing; half an ampere where the car is told a current."""
    cadence, capability = situation.evse.cadence, situation.status.capability
    if capability is None or capability.control is not PowerControl.CHARGE_LIMIT:
        return cadence.smallest_change_w
    per_ampere_w = policy.grid.nominal_voltage_v * situation.evse.phases
    return max(cadence.smallest_change_w, cadence.smallest_change_a * per_ampere_w)


def _raise(
    memory: EvseMemory, now: Instant, wanted_w: float | None
) -> tuple[Instant | None, float | None]:
    """Since when more is wanted the same way, and the least of it; None: no more is."""
    if wanted_w is None:
        return None, None
    least_w = wanted_w
    if memory.raised_w is not None and abs(memory.raised_w) < abs(wanted_w):
        least_w = memory.raised_w
    return memory.raised_since or now, least_w


def _pace(wish: Wish, situation: Situation, last_w: float, now: Instant, policy: Policy) -> _Pace:
    """Where a charger's cadence is read."""
    cadence, capability = situation.evse.cadence, situation.status.capability
    authority, memory = wish.reason.authority, situation.memory
    wait_s, smallest_w = cadence.between_increases_s, smallest_change_w(situation, policy)
    if capability is not None and capability.renegotiates:
        wait_s = max(wait_s, RENEGOTIATION_S)
    elapsed_s = policy.timing.tick_s
    if memory.last is not None:
        elapsed_s = max(now.seconds_since(memory.last.issued_at), elapsed_s)
    longest_step_w = cadence.ramp_up_w_per_s * max(elapsed_s, wait_s)
    left = writes_left(situation.use, authority)
    if authority <= Authority.PLAN:
        wait_s = max(wait_s, spread_s(situation.use, situation.told, now))
    starts = closings_left(situation.use, authority)
    return _Pace(
        dwell_s=cadence.dwell_off_s if last_w == 0.0 else cadence.dwell_on_s,
        wait_s=wait_s,
        wanted_s=cadence.wanted_for_s,
        longest_step_w=max(longest_step_w, smallest_w),
        smallest_w=smallest_w,
        may_rise=left is None or left > 0,
        may_start=(left is None or left > 0) and (starts is None or starts > 0 or last_w != 0.0),
    )


def _dwelt(
    target_w: float,
    last_w: float,
    wish: Wish,
    permitted: PowerRange,
    memory: EvseMemory,
    pace: _Pace,
    now: Instant,
) -> float:
    """A plan's change of direction waits out the dwell; what a limit forbids does not."""
    switches = (target_w == 0.0) != (last_w == 0.0) or target_w * last_w < 0.0
    if not switches or memory.switched_at is None or not permitted.contains(last_w):
        return target_w
    if wish.reason.authority < Authority.PLAN and last_w < 0.0:
        # Without a plan nothing is discharged, not even to be calm.
        return target_w
    return last_w if now.seconds_since(memory.switched_at) < pace.dwell_s else target_w


def _raised(
    target_w: float, last_w: float, wish: Wish, situation: Situation, pace: _Pace, now: Instant
) -> float:
    """Away from 0 W not faster than the ramp, and not sooner or further than is calm."""
    same_way = target_w * last_w > 0.0
    start_w = last_w if same_way else 0.0
    if abs(target_w) <= abs(start_w):
        return target_w
    if same_way:
        target_w = _patient(target_w, last_w, wish, situation.memory, pace, now)
    if target_w > 0.0:
        return min(target_w, max(start_w + pace.longest_step_w, situation.min_charge_w))
    return max(target_w, min(start_w - pace.longest_step_w, -situation.min_discharge_w))


def _patient(
    target_w: float, last_w: float, wish: Wish, memory: EvseMemory, pace: _Pace, now: Instant
) -> float:
    """More of the same, a while after the last increase; for a plan what was wanted all along.

    So a load that comes and goes moves nothing, and one that hums is followed at its least.
    """
    increased_at, since, least_w = memory.increased_at, memory.raised_since, memory.raised_w
    if not pace.may_rise:
        return last_w
    if increased_at is not None and now.seconds_since(increased_at) < pace.wait_s:
        return last_w
    if wish.reason.authority > Authority.PLAN or pace.wanted_s <= 0.0:
        return target_w
    if since is None or least_w is None or now.seconds_since(since) < pace.wanted_s:
        return last_w
    return max(target_w, least_w) if target_w < 0.0 else min(target_w, least_w)
