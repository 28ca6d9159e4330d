"""Following: what an EVSE does compared with what it was told. Accepted is not power."""

from __future__ import annotations

from v2g_daemon.control.answers import doubt_of, left_to_device
from v2g_daemon.control.session import DRAWING_W, charged_wh
from v2g_daemon.control.situation import Situation
from v2g_daemon.domain.decision import CarState, Following
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.memory import EvseMemory
from v2g_daemon.domain.policy import Policy, Timing
from v2g_daemon.domain.quick import replace
from v2g_daemon.domain.readings import OutcomeKind, PowerControl
from v2g_daemon.domain.snapshot import Snapshot

DEVIATION_W = 500.0
DEVIATION_SHARE = 0.1
LEAST_TICKS = 3.0
TAKES_LESS_AFTER_S = 60.0  # less power than asked for is not dangerous: it is told later
LONGEST_LAG_S = 60.0
LAG_MARGIN = 1.5
LAG_MEMORY = 0.8
BREACH_ENDS_TRUST_S = 60.0  # beyond settling; a bound is told anew meanwhile, on a short lease


def follow(situation: Situation, snapshot: Snapshot, policy: Policy) -> Situation:
    """The situation with its judgement, and with what this tick teaches about the EVSE."""
    memory = _told_apart(situation, snapshot.now)
    memory = _measured(memory, situation, snapshot.now)
    memory = _within_bounds(memory, situation, snapshot.now, policy.timing)
    memory = _discharging(memory, situation, snapshot.now)
    if flowed_for_long(memory, snapshot.now, policy.timing) and memory.discharge_shown:
        memory = replace(memory, discharge_proven=True)
    following = _following_of(memory, situation, snapshot, policy)
    return replace(situation, memory=memory, following=following)


def settle_s(memory: EvseMemory, timing: Timing) -> float:
    """How long this EVSE may take to follow: as configured, or learned where that is longer, s."""
    learned_s = 0.0 if memory.lag_s is None else min(LAG_MARGIN * memory.lag_s, LONGEST_LAG_S)
    return max(timing.follow_within_s, learned_s)


def contradicts(situation: Situation) -> bool:
    """Whether the newest sample flows against the command (see `control/direction.py`)."""
    evidence = situation.memory.direction.evidence
    return evidence is not None and evidence.at == situation.status.power_observed_at


def no_more_than(power_w: float, target_w: float) -> bool:
    """Whether a power is as near to 0 W as the target, and not beyond it on the other side."""
    if target_w >= 0.0:
        return -DEVIATION_W <= power_w <= target_w + DEVIATION_W
    return target_w - DEVIATION_W <= power_w <= DEVIATION_W


def flowed_for_long(memory: EvseMemory, now: Instant, timing: Timing) -> bool:
    """Whether a discharge has flowed for as long as a session's first one has to."""
    since, least_s = memory.discharging_since, LEAST_TICKS * timing.tick_s
    return since is not None and now.seconds_since(since) >= max(timing.first_discharge_s, least_s)


def takes_too_much(situation: Situation) -> bool:
    """Whether it deviates to the dangerous side: more flows than was told."""
    last, power_w = situation.memory.last, situation.status.power_w
    if situation.following is not Following.DEVIATING or last is None or power_w is None:
        return False
    return not no_more_than(power_w, last.target_w)


def deviation_detail(situation: Situation) -> str:
    """What flows and what was told, with the next step to take."""
    last, power_w = situation.memory.last, situation.status.power_w
    doubt = doubt_of(situation.status)
    if last is None or power_w is None:
        return doubt or "nothing was commanded or measured"
    told = f"{power_w:.0f} W flow where {last.target_w:.0f} W are commanded"
    if doubt is not None:
        return f"{told}: {doubt}"
    if no_more_than(power_w, last.target_w):
        return f"{told}: look for a limit set in the car or its app, a cold battery, or a cable"
    return f"{told}: look for the station's own schedule, or another app that commands it"


def car_state_of(situation: Situation) -> CarState | None:
    """Why a car that is offered power takes none; a state of the car, not a fault."""
    memory, status = situation.memory, situation.status
    offered = memory.last is not None and memory.last.target_w >= max(
        situation.min_charge_w, DRAWING_W
    )
    if not status.plugged_in or not status.car_stopped or not offered:
        return None
    if memory.car_full or charged_wh(memory, status) > 0.0:
        return CarState.STOPPED_AT_ITS_LIMIT
    return CarState.TIMER_ACTIVE


def _following_of(
    memory: EvseMemory, situation: Situation, snapshot: Snapshot, policy: Policy
) -> Following | None:
    """The judgement; `memory` is that of the situation with what this tick taught."""
    status = situation.status
    if memory.last is None or not status.plugged_in:
        return None
    if contradicts(situation):
        return Following.WRONG_DIRECTION
    if status.outcome is not None and status.outcome.kind is OutcomeKind.REJECTED:
        return Following.REFUSED
    if status.power_w is None or not situation.telemetry_fresh:
        return Following.UNKNOWN if doubt_of(status) is None else Following.DEVIATING
    if memory.apart_since is None or _takes_less_by_right(situation):
        return Following.FOLLOWING
    apart_s = snapshot.now.seconds_since(memory.apart_since)
    patience_s = settle_s(memory, policy.timing)
    if no_more_than(status.power_w, memory.last.target_w):
        least_s = LEAST_TICKS * policy.timing.tick_s
        patience_s = max(patience_s, TAKES_LESS_AFTER_S, least_s)
    return Following.DEVIATING if apart_s >= patience_s else Following.SETTLING


def _takes_less_by_right(situation: Situation) -> bool:
    """A limit is no demand, and a car may stop by itself or take less near its end of charge."""
    status, last = situation.status, situation.memory.last
    if last is None or status.power_w is None or not no_more_than(status.power_w, last.target_w):
        return False
    planned_w = status.car_plans_w
    if planned_w is not None and last.target_w > 0.0 and status.power_w >= planned_w - DEVIATION_W:
        return True
    signed = status.capability is not None and status.capability.control is PowerControl.SIGNED
    vehicle, estimate = situation.vehicle, situation.estimate
    tapers = (
        vehicle is not None
        and estimate is not None
        and estimate.soc + estimate.sigma > vehicle.taper_above_soc
    )
    return not signed or (last.target_w > 0.0 and (status.car_stopped or tapers))


def _told_apart(situation: Situation, now: Instant) -> EvseMemory:
    """Since when power and command are apart; a parting that ends teaches the EVSE's lag."""
    memory, power_w = situation.memory, situation.status.power_w
    if memory.last is None or power_w is None or not situation.telemetry_fresh:
        return memory if memory.apart_since is None else replace(memory, apart_since=None)
    target_w = memory.last.target_w
    apart = abs(power_w - target_w) > max(DEVIATION_W, DEVIATION_SHARE * abs(target_w))
    if apart and not left_to_device(situation.status, power_w, tolerance_w=DEVIATION_W):
        return memory if memory.apart_since is not None else replace(memory, apart_since=now)
    if memory.apart_since is None:
        return memory
    return replace(
        memory,
        apart_since=None,
        lag_s=_learned_lag_s(memory.lag_s, now.seconds_since(memory.apart_since)),
    )


def _measured(memory: EvseMemory, situation: Situation, now: Instant) -> EvseMemory:
    """Since when nothing measured says what a command came to."""
    known = situation.telemetry_fresh and situation.status.power_w is not None
    since = None if known or memory.last is None else (memory.unmeasured_since or now)
    return memory if since == memory.unmeasured_since else replace(memory, unmeasured_since=since)


def _within_bounds(
    memory: EvseMemory, situation: Situation, now: Instant, timing: Timing
) -> EvseMemory:
    """Since when more flows than is permitted; a charger that lets it go on is trusted no more."""
    last, power_w = memory.last, situation.status.power_w
    if last is None or power_w is None or not situation.telemetry_fresh:
        return memory if memory.breached_since is None else replace(memory, breached_since=None)
    if abs(power_w - last.permitted.clamp(power_w)) <= DEVIATION_W:
        return memory if memory.breached_since is None else replace(memory, breached_since=None)
    since = memory.breached_since or now
    patience_s = settle_s(memory, timing) + BREACH_ENDS_TRUST_S
    distrusted = memory.distrusted or now.seconds_since(since) >= patience_s
    return replace(memory, breached_since=since, distrusted=distrusted)


def _learned_lag_s(known_s: float | None, seen_s: float) -> float | None:
    """Grows at once and shrinks slowly; what took too long was no lag."""
    if seen_s > LONGEST_LAG_S:
        return known_s
    if known_s is None or seen_s > known_s:
        return seen_s
    return LAG_MEMORY * known_s + (1.0 - LAG_MEMORY) * seen_s


def _discharging(memory: EvseMemory, situation: Situation, now: Instant) -> EvseMemory:
    """Since when a discharge has flowed as commanded."""
    power_w = situation.status.power_w
    flows = (
        memory.last is not None
        and memory.last.target_w < 0.0
        and power_w is not None
        and situation.telemetry_fresh
        and power_w < -DEVIATION_W
    )
    since = (memory.discharging_since or now) if flows else None
    return memory if since == memory.discharging_since else replace(memory, discharging_since=since)
