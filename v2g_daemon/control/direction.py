"""Direction: an EVSE whose power flows against its command is latched off discharge.

The evidence is samples of its own power. What was told a moment ago may still flow, and what a
station never took is not held against it; a command that passes through 0 W forgives nothing.
"""

from __future__ import annotations

from v2g_daemon.control.answers import left_to_device
from v2g_daemon.control.following import DEVIATION_W, LONGEST_LAG_S, contradicts, settle_s
from v2g_daemon.control.grid import fresh_pcc_w, others_w
from v2g_daemon.control.situation import Situation
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.memory import Direction, DischargeLatch, Evidence
from v2g_daemon.domain.policy import Policy, Timing
from v2g_daemon.domain.quick import replace
from v2g_daemon.domain.readings import EvseStatus, OutcomeKind
from v2g_daemon.domain.setpoint import Setpoint
from v2g_daemon.domain.snapshot import Snapshot

LATCH_ALONE_AFTER_S = 20.0
SAMPLES_TO_LATCH = 2
# A second odd sample that comes later than this has nothing to do with the first.
EVIDENCE_KEPT_S = 120.0
STEADY_W = 50.0  # power that falls by more from one sample to the next is on its way


def watch_direction(
    situation: Situation, snapshot: Snapshot, policy: Policy
) -> tuple[Situation, DischargeLatch | None]:
    """Take in the newest sample; latch discharge off once the evidence is enough.

    That is the second sample where the PCC agrees with the EVSE, else 20 s of its word alone.
    """
    direction = _told(situation, snapshot.now)
    direction = _sampled(direction, situation, snapshot, policy)
    if direction is not situation.memory.direction:
        situation = replace(situation, memory=replace(situation.memory, direction=direction))
    evidence = direction.evidence
    if evidence is None or not contradicts(situation) or evidence.samples < SAMPLES_TO_LATCH:
        return situation, None
    lasted_s = snapshot.now.seconds_since(evidence.since)
    alone_s = max(LATCH_ALONE_AFTER_S, policy.timing.tick_s)
    if lasted_s < alone_s and not _pcc_agrees(situation, snapshot, policy):
        return situation, None
    latch = DischargeLatch(
        evse_id=situation.status.evse_id,
        rule="wrong_direction",
        detail=_deed(evidence),
        since_utc=snapshot.now.utc,
    )
    return replace(situation, latch=latch), latch


def _deed(evidence: Evidence) -> str:
    if evidence.charged:
        return "the charger charged while it was told to discharge"
    return "the charger discharged while it was told to charge or to rest"


def _told(situation: Situation, now: Instant) -> Direction:
    """Which ways the command of the last tick pointed until now.

    Whatever ran before the first command may flow on for as long as one may take to settle.
    """
    direction, last = situation.memory.direction, situation.memory.last
    if last is None:
        return Direction()
    first = direction.charge_told_at is None
    if not first and last.target_w == 0.0:
        return direction
    return replace(
        direction,
        charge_told_at=now if first or last.target_w > 0.0 else direction.charge_told_at,
        discharge_told_at=now if first or last.target_w < 0.0 else direction.discharge_told_at,
    )


def _sampled(
    direction: Direction, situation: Situation, snapshot: Snapshot, policy: Policy
) -> Direction:
    """The direction with the newest sample; a tick without one only makes evidence older."""
    evidence = direction.evidence
    if evidence is not None and snapshot.now.seconds_since(evidence.at) > EVIDENCE_KEPT_S:
        direction = replace(direction, evidence=None)
    status, last = situation.status, situation.memory.last
    at, power_w = status.power_observed_at, status.power_w
    if last is None or at is None or power_w is None or not situation.telemetry_fresh:
        return direction
    if at == direction.sampled_at:
        return direction
    charged = _against(direction, situation, last, at, power_w, policy.timing)
    if charged is not None:
        more = _more(direction.evidence, at, snapshot.now, charged=charged)
        return replace(direction, sampled_at=at, sampled_w=power_w, evidence=more)
    pcc_w = fresh_pcc_w(snapshot, policy)
    house_w = None
    if pcc_w is not None:
        house_w = pcc_w - power_w - others_w(snapshot, status.evse_id)
    kept = None if _refuted(direction.evidence, last, power_w) else direction.evidence
    return replace(direction, sampled_at=at, sampled_w=power_w, house_w=house_w, evidence=kept)


def _against(
    direction: Direction,
    situation: Situation,
    last: Setpoint,
    at: Instant,
    power_w: float,
    timing: Timing,
) -> bool | None:
    """Whether a sample shows charging against the command, or discharging; None: neither."""
    charged = last.target_w < -DEVIATION_W and power_w > DEVIATION_W
    discharged = last.target_w >= 0.0 and power_w < -DEVIATION_W
    told_at = direction.charge_told_at if charged else direction.discharge_told_at
    if told_at is None or not (charged or discharged):
        return None
    if left_to_device(situation.status, power_w, tolerance_w=DEVIATION_W):
        return None
    since_s, settled_s = at.seconds_since(told_at), settle_s(situation.memory, timing)
    taken = _was_taken(situation.status, discharge=charged)
    # A stop that was never taken: by then the lease on the discharge has ended by itself.
    lapsed = discharged and since_s >= timing.discharge_lease_s + settled_s
    if since_s < settled_s or not (taken or lapsed):
        return None
    before_w = direction.sampled_w
    if before_w is not None and since_s < LONGEST_LAG_S and _is_shrinking(before_w, power_w):
        return None
    return charged


def _was_taken(status: EvseStatus, *, discharge: bool) -> bool:
    """Whether the device took a command that way; one that never answers is taken at its deeds."""
    outcome = status.outcome
    if outcome is None:
        return True
    return outcome.kind is OutcomeKind.APPLIED and (outcome.target_w < 0.0) is discharge


def _is_shrinking(before_w: float, power_w: float) -> bool:
    """Whether the power is on its way to 0 W, on a ramp longer than any learned so far."""
    return before_w * power_w > 0.0 and abs(before_w) - abs(power_w) > STEADY_W


def _more(evidence: Evidence | None, at: Instant, now: Instant, *, charged: bool) -> Evidence:
    if evidence is None or evidence.charged is not charged:
        return Evidence(charged=charged, since=now, at=at, samples=1)
    return replace(evidence, at=at, samples=evidence.samples + 1)


def _refuted(evidence: Evidence | None, last: Setpoint, power_w: float) -> bool:
    """Whether a sample shows the command obeyed that was not before; rest proves no discharge."""
    if evidence is None:
        return False
    if evidence.charged:
        return last.target_w < -DEVIATION_W and power_w < -DEVIATION_W
    return last.target_w >= 0.0 and power_w >= -DEVIATION_W


def _pcc_agrees(situation: Situation, snapshot: Snapshot, policy: Policy) -> bool:
    """Whether the PCC shows the power that the EVSE tells, on top of the house as it was before.

    Other loads move it too: without agreement the EVSE's own word must do, and last longer.
    """
    house_w, power_w = situation.memory.direction.house_w, situation.status.power_w
    pcc_w = fresh_pcc_w(snapshot, policy)
    if house_w is None or power_w is None or pcc_w is None:
        return False
    expected_w = house_w + power_w + others_w(snapshot, situation.status.evse_id)
    return abs(pcc_w - expected_w) <= DEVIATION_W
