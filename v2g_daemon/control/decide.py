"""decide: the heart of the house, one pure function from memory and snapshot to a decision.

Per tick: assess each EVSE, hear what is desired, limit it, share the site's room, shape it into
something calm and realisable, and explain it. Nothing here knows a clock, a socket or a file.
"""

from __future__ import annotations

from v2g_daemon.control import countercheck
from v2g_daemon.control.balance import balance_faults, unbalanced_since
from v2g_daemon.control.budgets import held_back_by_budget
from v2g_daemon.control.dependable import static_safe_w
from v2g_daemon.control.direction import watch_direction
from v2g_daemon.control.explain import explain
from v2g_daemon.control.following import car_state_of, follow, takes_too_much
from v2g_daemon.control.grid import follow_meter, view_grid
from v2g_daemon.control.grid_quality import follow_quality
from v2g_daemon.control.hands_off import hands_off, may_lapse, uncommanded_bound
from v2g_daemon.control.limits import limits_of, site_limits_of
from v2g_daemon.control.outlook import look_ahead
from v2g_daemon.control.probing import follow_probe, probe_lease_s
from v2g_daemon.control.shape import remember_change, shape, smallest_change_w
from v2g_daemon.control.share import Claim, share
from v2g_daemon.control.situation import Situation, assess
from v2g_daemon.control.watch import breach, confirm_decrease, evse_faults, site_faults
from v2g_daemon.control.wish import Wish
from v2g_daemon.control.wishes import wishes_in_turn
from v2g_daemon.domain.decision import Decision, EvseDecision
from v2g_daemon.domain.memory import DischargeLatch, EvseMemory, Memory
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.power import PowerRange
from v2g_daemon.domain.quick import replace
from v2g_daemon.domain.setpoint import Command, HandsOff, Limit, Setpoint, permitted_by
from v2g_daemon.domain.snapshot import Snapshot

# What keeps a car from discharging whatever the hour: the car may be told so.
BARRING_RULES = frozenset({"permission", "identity", "latch"})


def decide(memory: Memory, snapshot: Snapshot, policy: Policy) -> tuple[Memory, Decision]:
    """The next memory and one command per EVSE; total, deterministic, and never past a limit."""
    memory = follow_meter(memory, snapshot, policy.timing)
    memory = follow_quality(memory, snapshot, policy)
    situations, latches = _assess_all(memory, snapshot, policy)
    grid = view_grid(situations, memory, snapshot, policy.grid, policy.timing)

    own_limits = tuple(limits_of(situation, snapshot, policy) for situation in situations)
    wishes = wishes_in_turn(situations, own_limits, grid, snapshot, policy)
    claims = tuple(
        _claim(situation, wish, limits)
        for situation, wish, limits in zip(situations, wishes, own_limits, strict=True)
    )
    commanded = tuple(situation for situation in situations if hands_off(situation) is None)
    shares = share(site_limits_of(commanded, grid, snapshot, policy), claims)

    decisions: list[EvseDecision] = []
    memories: list[EvseMemory] = []
    unbalanced = unbalanced_since(memory, snapshot)
    faults = site_faults(grid, snapshot, policy)
    faults += balance_faults(unbalanced, snapshot, policy.timing)
    for situation, wish, own, shared in zip(situations, wishes, own_limits, shares, strict=True):
        decision = _decide_evse(situation, wish, own, shared, snapshot=snapshot, policy=policy)
        wanted_w = permitted_by(shared).clamp(wish.target_w)
        decisions.append(decision)
        memories.append(_remember(situation, decision, wanted_w, snapshot, policy))
        faults += evse_faults(situation, snapshot, policy)
        faults += breach(situation, decision.command)
    memory = replace(memory, latches=latches, unbalanced_since=unbalanced, evses=tuple(memories))
    return memory, Decision(evses=tuple(decisions), faults=faults)


def _assess_all(
    memory: Memory, snapshot: Snapshot, policy: Policy
) -> tuple[tuple[Situation, ...], tuple[DischargeLatch, ...]]:
    """Every EVSE's situation, and the latches with any newly set."""
    latches = memory.latches
    situations: list[Situation] = []
    for status in snapshot.evses:
        situation = assess(status, memory.of(status.evse_id), snapshot, policy, latches)
        had_latch = situation.latch is not None
        situation, turned = watch_direction(confirm_decrease(situation), snapshot, policy)
        situation, spoken_against = countercheck.watch_step(situation, snapshot, policy)
        latch = turned or spoken_against
        if latch is not None and not had_latch:
            latches = (*latches, latch)
        situation = follow_probe(follow(situation, snapshot, policy), snapshot, policy)
        situations.append(look_ahead(situation, snapshot, policy))
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
        command = _command(situation, wish, own + shared, snapshot, policy)
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
        candidates=situation.candidates,
        probe=situation.memory.probe,
        use=situation.use,
        outlook=situation.memory.outlook if isinstance(command, Setpoint) else None,
    )


def _command(
    situation: Situation,
    wish: Wish,
    limits: tuple[Limit, ...],
    snapshot: Snapshot,
    policy: Policy,
) -> Command:
    permitted = permitted_by(limits)
    target_w = shape(wish, permitted, situation, snapshot.now, policy)
    held_back = held_back_by_budget(situation.use, wish, permitted, target_w)
    if held_back is not None and may_lapse(situation, wish, permitted, policy):
        bound = PowerRange(lowest_w=0.0, highest_w=static_safe_w(situation.evse, policy.grid))
        return HandsOff(permitted=bound, reason=held_back)
    return Setpoint(
        target_w=target_w,
        permitted=permitted,
        reason=explain(wish, limits, target_w) if held_back is None else held_back,
        issued_at=snapshot.now,
        expires_at=snapshot.now.later(_lease_s(target_w, situation, policy)),
        discharge_barred=any(limit.reason.rule in BARRING_RULES for limit in limits),
        probe=situation.tries_unproved,
    )


def _lease_s(target_w: float, situation: Situation, policy: Policy) -> float:
    """Length follows danger: discharge, or charge above the static safe power, is short.

    So is a command that is not obeyed: it is told anew, in case it was lost.
    """
    if situation.probing:
        return probe_lease_s(policy.timing)
    dangerous = target_w < 0.0 or target_w > static_safe_w(situation.evse, policy.grid)
    if dangerous or takes_too_much(situation):
        return policy.timing.discharge_lease_s
    if target_w == 0.0:
        return policy.timing.idle_lease_s
    return policy.timing.safe_charge_lease_s


def _remember(
    situation: Situation,
    decision: EvseDecision,
    wanted_w: float,
    snapshot: Snapshot,
    policy: Policy,
) -> EvseMemory:
    memory, command = situation.memory, decision.command
    if isinstance(command, HandsOff):
        return replace(memory, last=None, decreased_at=None, check=None)
    memory = countercheck.begun(
        memory, situation, command, decision.desire.authority, snapshot, policy
    )
    return remember_change(
        memory,
        command,
        snapshot.now,
        wanted_w=wanted_w,
        smallest_w=smallest_change_w(situation, policy),
    )
