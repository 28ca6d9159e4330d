"""decide: the heart of the house, one pure function from memory and snapshot to a decision.

Per tick: assess each EVSE, hear what is desired, limit it, share the site's room, shape it into
something calm and realisable, and explain it. Nothing here knows a clock, a socket or a file.
"""

from __future__ import annotations

from dataclasses import replace

from v2g_daemon.control.balance import balance_faults, unbalanced_since
from v2g_daemon.control.dependable import static_safe_w
from v2g_daemon.control.desire import desire
from v2g_daemon.control.explain import explain
from v2g_daemon.control.following import car_state_of, follow
from v2g_daemon.control.grid import follow_meter, view_grid
from v2g_daemon.control.hands_off import hands_off, uncommanded_bound
from v2g_daemon.control.limits import limits_of, site_limits_of
from v2g_daemon.control.shape import remember_change, shape
from v2g_daemon.control.share import Claim, share
from v2g_daemon.control.situation import Situation, assess
from v2g_daemon.control.watch import (
    breach,
    confirm_decrease,
    evse_faults,
    site_faults,
    watch_direction,
)
from v2g_daemon.control.wish import Wish
from v2g_daemon.domain.decision import Decision, EvseDecision
from v2g_daemon.domain.memory import DischargeLatch, EvseMemory, Memory
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.setpoint import Command, HandsOff, Limit, Setpoint, permitted_by
from v2g_daemon.domain.snapshot import Snapshot


def decide(memory: Memory, snapshot: Snapshot, policy: Policy) -> tuple[Memory, Decision]:
    """The next memory and one command per EVSE; total, deterministic, and never past a limit."""
    memory = follow_meter(memory, snapshot, policy.timing)
    situations, latches = _assess_all(memory, snapshot, policy)
    grid = view_grid(situations, memory, snapshot, policy.grid, policy.timing)

    wishes = tuple(desire(situation, grid, snapshot, policy) for situation in situations)
    own_limits = tuple(limits_of(situation, snapshot, policy) for situation in situations)
    claims = tuple(
        _claim(situation, wish, limits)
        for situation, wish, limits in zip(situations, wishes, own_limits, strict=True)
    )
    commanded = tuple(situation for situation in situations if hands_off(situation) is None)
    shares = share(site_limits_of(commanded, grid, snapshot, policy), claims)

    decisions = tuple(
        _decide_evse(situation, wish, own, shared, snapshot=snapshot, policy=policy)
        for situation, wish, own, shared in zip(situations, wishes, own_limits, shares, strict=True)
    )
    unbalanced = unbalanced_since(memory, snapshot)
    faults = site_faults(grid, snapshot, policy)
    faults += balance_faults(unbalanced, snapshot, policy.timing)
    for situation, decision in zip(situations, decisions, strict=True):
        faults += evse_faults(situation, snapshot, policy)
        faults += breach(situation, decision.command)
    memory = replace(
        memory,
        latches=latches,
        unbalanced_since=unbalanced,
        evses=tuple(
            _remember(situation.memory, decision, snapshot)
            for situation, decision in zip(situations, decisions, strict=True)
        ),
    )
    return memory, Decision(evses=decisions, faults=faults)


def _assess_all(
    memory: Memory, snapshot: Snapshot, policy: Policy
) -> tuple[tuple[Situation, ...], tuple[DischargeLatch, ...]]:
    """Every EVSE's situation, and the latches with any newly set."""
    latches = memory.latches
    situations: list[Situation] = []
    for status in snapshot.evses:
        situation = assess(status, memory.of(status.evse_id), snapshot, policy, latches)
        had_latch = situation.latch is not None
        situation = follow(confirm_decrease(situation), snapshot, policy)
        situation, latch = watch_direction(situation, snapshot, policy)
        if latch is not None and not had_latch:
            latches = (*latches, latch)
        situations.append(situation)
    return tuple(situations), latches


def _claim(situation: Situation, wish: Wish, limits: tuple[Limit, ...]) -> Claim:
    """What an EVSE asks of the site; one that is not commanded asks for nothing."""
    wanted_w = permitted_by(limits).clamp(wish.target_w)
    least_w = situation.min_charge_w if wanted_w > 0.0 else situation.min_discharge_w
    if hands_off(situation) is not None:
        wanted_w = 0.0
    return Claim(wanted_w=wanted_w, least_w=least_w, authority=wish.reason.authority)


def _decide_evse(
    situation: Situation,
    wish: Wish,
    own: tuple[Limit, ...],
    shared: tuple[Limit, ...],
    *,
    snapshot: Snapshot,
    policy: Policy,
) -> EvseDecision:
    estimate, vehicle = situation.estimate, situation.vehicle
    not_commanded = hands_off(situation)
    command: Command
    if not_commanded is not None:
        bound = uncommanded_bound(situation, own, policy)
        command = HandsOff(permitted=bound, reason=not_commanded)
    else:
        command = _setpoint(situation, wish, own + shared, snapshot, policy)
    return EvseDecision(
        evse_id=situation.status.evse_id,
        vehicle_id=None if vehicle is None else vehicle.vehicle_id,
        stage=situation.stage,
        soc=None if estimate is None else estimate.soc,
        soc_sigma=None if estimate is None else estimate.sigma,
        desired_w=wish.target_w,
        desire=wish.reason,
        limits=own + shared,
        command=command,
        following=situation.following,
        car_state=car_state_of(situation),
    )


def _setpoint(
    situation: Situation,
    wish: Wish,
    limits: tuple[Limit, ...],
    snapshot: Snapshot,
    policy: Policy,
) -> Setpoint:
    permitted = permitted_by(limits)
    target_w = shape(wish, permitted, situation, snapshot.now, policy.timing)
    return Setpoint(
        target_w=target_w,
        permitted=permitted,
        reason=explain(wish, limits, target_w),
        issued_at=snapshot.now,
        expires_at=snapshot.now.later(_lease_s(target_w, situation, policy)),
    )


def _lease_s(target_w: float, situation: Situation, policy: Policy) -> float:
    """Length follows danger: discharge, or charge above the static safe power, is short."""
    if target_w < 0.0 or target_w > static_safe_w(situation.evse, policy.grid):
        return policy.timing.discharge_lease_s
    if target_w == 0.0:
        return policy.timing.idle_lease_s
    return policy.timing.safe_charge_lease_s


def _remember(memory: EvseMemory, decision: EvseDecision, snapshot: Snapshot) -> EvseMemory:
    command = decision.command
    if isinstance(command, HandsOff):
        return replace(memory, last=None, decreased_at=None)
    changed = remember_change(memory, command, snapshot.now)
    if changed.switched_at == memory.switched_at:
        return changed
    grid_w = None if snapshot.meter is None else snapshot.meter.power_w
    return replace(changed, grid_at_switch_w=grid_w)
