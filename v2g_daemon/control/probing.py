"""Probing: a guided, time-limited test of a discharge that nobody has proved yet.

It rests, discharges at the least power for a minute, and rests again; all limits apply. Any
surprise ends it at 0 W in the same tick: some stations read a negative limit as full power.
"""

from __future__ import annotations

from v2g_daemon.control.following import DEVIATION_W
from v2g_daemon.control.situation import Situation
from v2g_daemon.control.wish import Wish
from v2g_daemon.domain.goals import OverrideKind, UserOverride
from v2g_daemon.domain.instant import Instant, fresh
from v2g_daemon.domain.policy import Policy, Timing
from v2g_daemon.domain.probe import GridMean, ProbePhase, ProbeRun, ProbeVerdict
from v2g_daemon.domain.quick import replace
from v2g_daemon.domain.readings import OutcomeKind
from v2g_daemon.domain.setpoint import Authority, Reason
from v2g_daemon.domain.snapshot import Snapshot

LEAST_W = 1000.0  # twice what tells a direction, where a charger has no minimum
REST_S = 10.0
LONGEST_REST_S = 120.0
DISCHARGE_S = 60.0
RAMP_S = 20.0  # of the discharge, not counted
RETURN_S = 10.0
LONGEST_RETURN_S = 30.0
ASKED_LATELY_S = 10.0
AT_REST_W = 100.0
MOST_SHARE = 1.5
LEAST_SHARE = 0.5
LEASE_S = 15.0
TICKS = 3.0
LEASE_TICKS = 6.0


def follow_probe(situation: Situation, snapshot: Snapshot, policy: Policy) -> Situation:
    """The situation with its test brought up to this tick."""
    run, asked = situation.memory.probe, _asked(situation)
    if run is None or (run.phase is ProbePhase.OVER and not _is_for(run, asked)):
        run = None if asked is None else _begun(asked, situation, snapshot, policy)
    elif run.phase is not ProbePhase.OVER:
        run = _continued(run, situation, snapshot, policy)
    if run == situation.memory.probe:
        return situation
    return replace(situation, memory=replace(situation.memory, probe=run))


def probe_wish(situation: Situation) -> Wish | None:
    """What the running test wants."""
    run = situation.memory.probe
    if run is None or run.phase is ProbePhase.OVER:
        return None
    target_w = run.target_w if run.phase is ProbePhase.DISCHARGING else 0.0
    reason = Reason(
        authority=Authority.USER, rule="probe", detail=f"a test of discharge: {run.phase.value}"
    )
    return Wish(target_w=target_w, reason=reason)


def probe_lease_s(timing: Timing) -> float:
    """Short: nobody has proved how this station ends what it was told."""
    return min(max(LEASE_S, LEASE_TICKS * timing.tick_s), timing.discharge_lease_s)


def _asked(situation: Situation) -> UserOverride | None:
    override = situation.override
    if override is None or override.kind is not OverrideKind.PROBE:
        return None
    return override


def _is_for(run: ProbeRun, asked: UserOverride | None) -> bool:
    return asked is not None and asked.set_at_utc == run.asked_at_utc


def _begun(
    asked: UserOverride, situation: Situation, snapshot: Snapshot, policy: Policy
) -> ProbeRun | None:
    """Only on a wish of this moment: a test never begins for somebody who has gone."""
    age_s = (snapshot.now.utc - asked.set_at_utc).total_seconds()
    if age_s > max(ASKED_LATELY_S, TICKS * policy.timing.tick_s):
        return None
    return ProbeRun(
        asked_at_utc=asked.set_at_utc,
        target_w=-max(situation.min_discharge_w, LEAST_W),
        phase=ProbePhase.RESTING,
        since=snapshot.now,
    )


def _continued(run: ProbeRun, situation: Situation, snapshot: Snapshot, policy: Policy) -> ProbeRun:
    now = snapshot.now
    if run.phase is ProbePhase.ENDING:
        return _returning(run, situation, now)
    if not _is_for(run, _asked(situation)):
        return _ended(run, now, ProbeVerdict.CANCELLED, "cancelled")
    surprise = _surprise(run, situation, snapshot, policy)
    if surprise is not None:
        return _ended(run, now, ProbeVerdict.FAILED, surprise)
    if run.phase is ProbePhase.RESTING:
        return _resting(run, situation, snapshot, policy)
    return _discharging(run, situation, snapshot)


def _resting(run: ProbeRun, situation: Situation, snapshot: Snapshot, policy: Policy) -> ProbeRun:
    """Until the car rests, the meter is known, and a discharge is permitted."""
    power_w, last = situation.status.power_w, situation.memory.last
    waited_s = snapshot.now.seconds_since(run.since)
    rests = power_w is not None and abs(power_w) <= AT_REST_W and situation.telemetry_fresh
    if rests and snapshot.meter is not None:
        run = replace(run, at_rest=run.at_rest.with_sample(snapshot.meter.power_w))
    elif run.at_rest.count > 0:
        run = replace(run, at_rest=GridMean())
    permitted = last is not None and last.permitted.lowest_w <= run.target_w
    known = run.at_rest.count * policy.timing.tick_s >= REST_S and run.at_rest.count >= TICKS
    if known and permitted:
        return replace(run, phase=ProbePhase.DISCHARGING, since=snapshot.now)
    if waited_s < LONGEST_REST_S:
        return run
    why = "the limits do not permit it" if known else "the car does not come to rest at 0 W"
    return _ended(run, snapshot.now, ProbeVerdict.FAILED, why)


def _discharging(run: ProbeRun, situation: Situation, snapshot: Snapshot) -> ProbeRun:
    """A minute; what grid meter and station then say must both be what was commanded."""
    last = situation.memory.last
    if last is not None and last.permitted.lowest_w > run.target_w:
        why = "a limit ended it: repeat it when the house draws more"
        return _ended(run, snapshot.now, ProbeVerdict.FAILED, why)
    for_s = snapshot.now.seconds_since(run.since)
    if for_s >= RAMP_S and snapshot.meter is not None:
        run = replace(run, discharging=run.discharging.with_sample(snapshot.meter.power_w))
    return run if for_s < DISCHARGE_S else _judged(run, situation, snapshot.now)


def _judged(run: ProbeRun, situation: Situation, now: Instant) -> ProbeRun:
    moved_w, station_w = _moved_w(run, run.discharging.mean_w), situation.status.power_w
    told_at = situation.status.power_observed_at
    newly_told = told_at is not None and told_at.seconds_since(run.since) >= RAMP_S
    if moved_w is None or station_w is None or not newly_told:
        return _ended(run, now, ProbeVerdict.FAILED, "the station or the grid meter was silent")
    said = (
        f"of {-run.target_w:.0f} W the grid meter saw {-moved_w:.0f} W"
        f" and the station says {-station_w:.0f} W"
    )
    agree = all(
        MOST_SHARE * run.target_w <= power_w <= LEAST_SHARE * run.target_w
        for power_w in (moved_w, station_w)
    )
    return _ended(run, now, ProbeVerdict.PASSED if agree else ProbeVerdict.FAILED, said)


def _returning(run: ProbeRun, situation: Situation, now: Instant) -> ProbeRun:
    """After 0 W the sign is looked at too: it must have come back."""
    power_w, told_at = situation.status.power_w, situation.status.power_observed_at
    for_s = now.seconds_since(run.since)
    told = told_at is not None and told_at.seconds_since(run.since) >= 0.0
    back = told and power_w is not None and abs(power_w) <= DEVIATION_W
    if back and for_s >= RETURN_S:
        return replace(run, phase=ProbePhase.OVER, since=now)
    if for_s < LONGEST_RETURN_S:
        return run
    detail = f"{run.detail}; it did not come back to 0 W within {LONGEST_RETURN_S:.0f} s"
    return replace(
        run, phase=ProbePhase.OVER, since=now, verdict=ProbeVerdict.FAILED, detail=detail
    )


def _ended(run: ProbeRun, now: Instant, verdict: ProbeVerdict, detail: str) -> ProbeRun:
    return replace(run, phase=ProbePhase.ENDING, since=now, verdict=verdict, detail=detail)


def _surprise(
    run: ProbeRun, situation: Situation, snapshot: Snapshot, policy: Policy
) -> str | None:
    """What must not be: silence, a refusal, the other direction, or more than was asked for."""
    status, meter = situation.status, snapshot.meter
    max_age_s = policy.timing.meter_max_age_s
    if not status.connected or not status.plugged_in:
        return "the station or the car went away"
    if meter is None or not fresh(meter.observed_at, now=snapshot.now, max_age_s=max_age_s):
        return "the grid meter fell silent"
    outcome = status.outcome
    answered = outcome is not None and outcome.answered_at.seconds_since(run.since) >= 0.0
    if outcome is not None and answered and outcome.kind is not OutcomeKind.APPLIED:
        return f"the station did not take the command: {outcome.detail}"
    if run.phase is not ProbePhase.DISCHARGING:
        return None
    return _wrong_at_the_grid(run, meter.power_w) or _wrong_at_the_station(run, situation)


def _wrong_at_the_grid(run: ProbeRun, power_w: float) -> str | None:
    moved_w = _moved_w(run, power_w)
    if moved_w is None:
        return None
    if moved_w > DEVIATION_W:
        return f"the grid meter rose by {moved_w:.0f} W: the car charges, or a load came on"
    if moved_w < MOST_SHARE * run.target_w:
        return f"the grid meter fell by {-moved_w:.0f} W where {-run.target_w:.0f} W were asked for"
    return None


def _wrong_at_the_station(run: ProbeRun, situation: Situation) -> str | None:
    power_w, told_at = situation.status.power_w, situation.status.power_observed_at
    if power_w is None or told_at is None or told_at.seconds_since(run.since) < 0.0:
        return None
    if power_w > DEVIATION_W:
        return f"the station charges with {power_w:.0f} W"
    if power_w < MOST_SHARE * run.target_w:
        return f"the station discharges {-power_w:.0f} W where {-run.target_w:.0f} W were asked for"
    return None


def _moved_w(run: ProbeRun, power_w: float | None) -> float | None:
    rest_w = run.at_rest.mean_w
    return None if rest_w is None or power_w is None else power_w - rest_w
