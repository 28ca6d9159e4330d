"""Following: what an EVSE does compared with what it was told. Accepted is not power."""

from __future__ import annotations

from dataclasses import replace

from v2g_daemon.control.session import DRAWING_W, charged_wh
from v2g_daemon.control.situation import Situation
from v2g_daemon.domain.decision import CarState, Following
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.memory import EvseMemory
from v2g_daemon.domain.policy import Policy, Timing
from v2g_daemon.domain.readings import OutcomeKind, PowerControl
from v2g_daemon.domain.snapshot import Snapshot

DEVIATION_W = 500.0
DEVIATION_SHARE = 0.1
LEAST_TICKS = 3.0
TAKES_LESS_AFTER_S = 60.0  # less power than asked for is not dangerous: it is told later
LONGEST_LAG_S = 60.0
LAG_MARGIN = 1.5
LAG_MEMORY = 0.8


def follow(situation: Situation, snapshot: Snapshot, policy: Policy) -> Situation:
    """The situation with its judgement, and with what this tick teaches about the EVSE."""
    memory = _told_apart(situation, snapshot.now)
    memory = _proving_discharge(memory, situation, snapshot.now, policy.timing)
    situation = replace(situation, memory=memory)
    return replace(situation, following=_following_of(situation, snapshot, policy))


def settle_s(memory: EvseMemory, timing: Timing) -> float:
    """How long this EVSE may take to follow: as configured, or learned where that is longer, s."""
    learned_s = 0.0 if memory.lag_s is None else min(LAG_MARGIN * memory.lag_s, LONGEST_LAG_S)
    return max(timing.follow_within_s, learned_s)


def against_the_command(situation: Situation, snapshot: Snapshot, policy: Policy) -> str | None:
    """What the power does instead of what was commanded, once it has had time to follow."""
    memory, power_w = situation.memory, situation.status.power_w
    last, switched_at = memory.last, memory.switched_at
    if last is None or power_w is None or not situation.telemetry_fresh or switched_at is None:
        return None
    if snapshot.now.seconds_since(switched_at) < settle_s(memory, policy.timing):
        return None
    if last.target_w < -DEVIATION_W and power_w > DEVIATION_W:
        return "the charger charged while it was told to discharge"
    if last.target_w >= 0.0 and power_w < -DEVIATION_W:
        return "the charger discharged while it was told to charge or to rest"
    return None


def no_more_than(power_w: float, target_w: float) -> bool:
    """Whether a power is as near to 0 W as the target, and not beyond it on the other side."""
    if target_w >= 0.0:
        return -DEVIATION_W <= power_w <= target_w + DEVIATION_W
    return target_w - DEVIATION_W <= power_w <= DEVIATION_W


def deviation_detail(situation: Situation) -> str:
    """What flows and what was told, with the next step to take."""
    last, power_w = situation.memory.last, situation.status.power_w
    if last is None or power_w is None:
        return "nothing was commanded or measured"
    told = f"{power_w:.0f} W flow where {last.target_w:.0f} W are commanded"
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


def _following_of(situation: Situation, snapshot: Snapshot, policy: Policy) -> Following | None:
    memory, status = situation.memory, situation.status
    if memory.last is None or not status.plugged_in:
        return None
    if against_the_command(situation, snapshot, policy) is not None:
        return Following.WRONG_DIRECTION
    if status.outcome is not None and status.outcome.kind is OutcomeKind.REJECTED:
        return Following.REFUSED
    if status.power_w is None or not situation.telemetry_fresh:
        return Following.UNKNOWN
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
    if abs(power_w - target_w) > max(DEVIATION_W, DEVIATION_SHARE * abs(target_w)):
        return memory if memory.apart_since is not None else replace(memory, apart_since=now)
    if memory.apart_since is None:
        return memory
    return replace(
        memory,
        apart_since=None,
        lag_s=_learned_lag_s(memory.lag_s, now.seconds_since(memory.apart_since)),
    )


def _learned_lag_s(known_s: float | None, seen_s: float) -> float | None:
    """Grows at once and shrinks slowly; what took too long was no lag."""
    if seen_s > LONGEST_LAG_S:
        return known_s
    if known_s is None or seen_s > known_s:
        return seen_s
    return LAG_MEMORY * known_s + (1.0 - LAG_MEMORY) * seen_s


def _proving_discharge(
    memory: EvseMemory, situation: Situation, now: Instant, timing: Timing
) -> EvseMemory:
    """A session's discharge is proven once it has flowed for a while as commanded."""
    if memory.discharge_proven:
        return memory
    power_w = situation.status.power_w
    flows = (
        memory.last is not None
        and memory.last.target_w < 0.0
        and power_w is not None
        and situation.telemetry_fresh
        and power_w < -DEVIATION_W
    )
    if not flows:
        return (
            memory if memory.discharging_since is None else replace(memory, discharging_since=None)
        )
    since = memory.discharging_since or now
    long_enough_s = max(timing.first_discharge_s, LEAST_TICKS * timing.tick_s)
    proven = now.seconds_since(since) >= long_enough_s
    return replace(memory, discharging_since=since, discharge_proven=proven)
