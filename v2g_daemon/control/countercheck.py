"""Countercheck: the PCC must show what an EVSE says of its discharge.

Each large step is a test: as far as the EVSE says it moved, the PCC must have moved too. Another
load that switches at that moment can look like a lie, but not several times running. So a discharge
that the PCC speaks against, or has never shown in this session, is ended at once; its end is the
next test, and only steps in a row are a latch.
"""

from __future__ import annotations

from enum import Enum

from v2g_daemon.control.following import (
    DEVIATION_SHARE,
    DEVIATION_W,
    LEAST_TICKS,
    LONGEST_LAG_S,
    flowed_for_long,
)
from v2g_daemon.control.grid import fresh_pcc_w, others_w
from v2g_daemon.control.situation import Situation
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.memory import Countercheck, DischargeLatch, EvseMemory
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.quick import replace
from v2g_daemon.domain.setpoint import Authority, Setpoint
from v2g_daemon.domain.snapshot import Snapshot

LEAST_STEP_W = 1000.0  # twice what tells a direction
ARRIVES_WITHIN_S = LONGEST_LAG_S + 30.0  # lag, ramp and a sample
# The part of a claimed step that the PCC shows: one, but for other loads. None of it, or the step
# turned round, speaks against the EVSE; anything between or beyond is another load.
SHOWN = 0.5
NOT_SEEN_WITHIN = 0.25
TURNED_ROUND_WITHIN = 0.4
# At a load of some kW every minute one step in twenty looks turned round; five in a row do not.
STEPS_TO_LATCH = 5


class _Verdict(Enum):
    """What the PCC says of a step."""

    SHOWN = "shown"
    UNSEEN = "unseen"
    TURNED_ROUND = "turned round"
    DROWNED = "drowned"  # by another load


def watch_step(
    situation: Situation, snapshot: Snapshot, policy: Policy
) -> tuple[Situation, DischargeLatch | None]:
    """Watch the step under way; end a discharge that it speaks against, latch after five."""
    memory = situation.memory
    if policy.timing.countercheck_s <= 0.0:
        return situation, None
    if memory.check is None:
        ending = _overdue(situation, snapshot, policy)
        if ending is None:
            return situation, None
        return replace(situation, memory=replace(memory, check=ending)), None
    watched = _watched(memory.check, situation, snapshot, policy)
    if watched is None or not _is_complete(watched, policy):
        return replace(situation, memory=replace(memory, check=watched)), None
    memory = _judged(memory, watched, situation, snapshot, policy)
    latch = _latch_of(memory, situation.status.evse_id, snapshot)
    if latch is None:
        return replace(situation, memory=memory), None
    memory = replace(memory, check=None, steps_against=0, steps_unseen=0)
    return replace(situation, memory=memory, latch=latch), latch


def begun(
    memory: EvseMemory,
    situation: Situation,
    command: Setpoint,
    authority: Authority,
    snapshot: Snapshot,
    policy: Policy,
) -> EvseMemory:
    """The memory with a check, if this command is a step of discharge to ask the PCC about.

    Not one that answers the house's load: the relief of an overload follows a step of its own.
    """
    last_w = 0.0 if memory.last is None else memory.last.target_w
    discharges = max(command.target_w, last_w) <= 0.0
    stepped = abs(command.target_w - last_w) >= LEAST_STEP_W
    if memory.check is not None or not (discharges and stepped and _is_settled(situation)):
        return memory
    if situation.latch is not None or authority >= Authority.SITE:
        return memory
    if policy.timing.countercheck_s <= 0.0:
        return memory
    check = _check_from(situation, snapshot, policy, target_w=command.target_w)
    return memory if check is None else replace(memory, check=check)


def _overdue(situation: Situation, snapshot: Snapshot, policy: Policy) -> Countercheck | None:
    """The end of a discharge that has flowed for long enough and was never shown by the PCC."""
    memory, power_w = situation.memory, situation.status.power_w
    if memory.discharge_shown or not flowed_for_long(memory, snapshot.now, policy.timing):
        return None
    if power_w is None or power_w > DEVIATION_W - LEAST_STEP_W or not _is_settled(situation):
        return None
    return _check_from(situation, snapshot, policy, target_w=0.0, ending=True)


def _is_settled(situation: Situation) -> bool:
    """Whether the EVSE stands where it was told to, on the discharging side."""
    power_w = situation.status.power_w
    settled = situation.memory.apart_since is None and situation.telemetry_fresh
    return settled and power_w is not None and power_w <= DEVIATION_W


def _check_from(
    situation: Situation,
    snapshot: Snapshot,
    policy: Policy,
    *,
    target_w: float,
    ending: bool = False,
) -> Countercheck | None:
    """A check that starts from where PCC and EVSE stand now; None where one is not known."""
    pcc_w, evse_w = fresh_pcc_w(snapshot, policy), situation.status.power_w
    if pcc_w is None or evse_w is None:
        return None
    return Countercheck(
        begun_at=snapshot.now,
        target_w=target_w,
        pcc_w=pcc_w,
        evse_w=evse_w,
        others_w=others_w(snapshot, situation.status.evse_id),
        ending=ending,
    )


def _watched(
    check: Countercheck, situation: Situation, snapshot: Snapshot, policy: Policy
) -> Countercheck | None:
    """The check after this tick; None where it can tell nothing any more."""
    last, status = situation.memory.last, situation.status
    pcc_w, evse_w = fresh_pcc_w(snapshot, policy), status.power_w
    if last is None or pcc_w is None or evse_w is None or not situation.telemetry_fresh:
        return None
    if not check.ending and abs(last.target_w - check.target_w) >= DEVIATION_W:
        return None
    moved_by_others_w = others_w(snapshot, status.evse_id) - check.others_w
    if abs(moved_by_others_w) > DEVIATION_W:
        return None
    allowed_w = max(DEVIATION_W, DEVIATION_SHARE * abs(last.target_w))
    if not _observed_since(check, status.power_observed_at) or (
        abs(evse_w - last.target_w) > allowed_w
    ):
        waited_s = snapshot.now.seconds_since(check.begun_at)
        gone = check.arrived_at is not None or waited_s > ARRIVES_WITHIN_S
        return None if gone else check
    return replace(
        check,
        arrived_at=check.arrived_at or snapshot.now,
        moved_sum_w=check.moved_sum_w + (pcc_w - moved_by_others_w - check.pcc_w),
        claimed_sum_w=check.claimed_sum_w + (evse_w - check.evse_w),
        ticks=check.ticks + 1,
    )


def _observed_since(check: Countercheck, at: Instant | None) -> bool:
    return at is not None and at.seconds_since(check.begun_at) > 0.0


def _is_complete(check: Countercheck, policy: Policy) -> bool:
    return check.ticks > max(policy.timing.countercheck_s / policy.timing.tick_s, LEAST_TICKS)


def _judged(
    memory: EvseMemory,
    check: Countercheck,
    situation: Situation,
    snapshot: Snapshot,
    policy: Policy,
) -> EvseMemory:
    """The memory with the verdict; a discharge spoken against, or never shown, is ended to see."""
    memory = replace(memory, check=None)
    if abs(check.claimed_sum_w) < DEVIATION_W * check.ticks:
        return memory  # the EVSE moved too little to tell
    shown = check.moved_sum_w / check.claimed_sum_w
    verdict = _verdict(shown)
    memory = replace(
        memory,
        discharge_shown=memory.discharge_shown or verdict is _Verdict.SHOWN,
        steps_against=memory.steps_against + 1 if verdict is _Verdict.TURNED_ROUND else 0,
        steps_unseen=memory.steps_unseen + 1 if verdict is _Verdict.UNSEEN else 0,
    )
    if check.target_w >= 0.0 or (memory.discharge_shown and shown > -SHOWN):
        return memory
    ending = _check_from(situation, snapshot, policy, target_w=0.0, ending=True)
    return replace(
        memory, check=ending, discharge_shown=False, discharge_proven=False, discharging_since=None
    )


def _verdict(shown: float) -> _Verdict:
    if shown >= SHOWN:
        return _Verdict.SHOWN
    if abs(shown) <= NOT_SEEN_WITHIN:
        return _Verdict.UNSEEN
    return _Verdict.TURNED_ROUND if abs(shown + 1.0) <= TURNED_ROUND_WITHIN else _Verdict.DROWNED


def _latch_of(memory: EvseMemory, evse_id: str, snapshot: Snapshot) -> DischargeLatch | None:
    if memory.steps_against >= STEPS_TO_LATCH:
        rule = "wrong_direction"
        detail = (
            f"{STEPS_TO_LATCH} steps of the charger in a row moved the grid meter the other way:"
            " check the meter's sign, then the charger's"
        )
    elif memory.steps_unseen >= STEPS_TO_LATCH:
        rule = "implausible"
        detail = (
            f"{STEPS_TO_LATCH} steps of the charger in a row did not show at the grid meter: check"
            " where it sits, whether a home battery evens them out, and that the station is the"
            " one it says it is"
        )
    else:
        return None
    return DischargeLatch(evse_id=evse_id, rule=rule, detail=detail, since_utc=snapshot.now.utc)
