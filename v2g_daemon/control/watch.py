"""Watch: the faults that people see, each with what to do about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

from v2g_daemon.control.budgets import exhausted_budget
from v2g_daemon.control.evse_limits import recording_stalled
from v2g_daemon.control.following import DEVIATION_W, deviation_detail, no_more_than
from v2g_daemon.control.grid import GridView
from v2g_daemon.control.situation import Situation
from v2g_daemon.domain.decision import Following
from v2g_daemon.domain.faults import Fault, FaultCode
from v2g_daemon.domain.instant import fresh
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.quick import replace
from v2g_daemon.domain.readings import CommandOutcome, MeterRole, OutcomeKind
from v2g_daemon.domain.setpoint import Command, HandsOff
from v2g_daemon.domain.snapshot import Snapshot

DECREASE_CONFIRMED_S = 5.0
TICKS_TO_CONFIRM = 3.0
UNKNOWN_FOR_LONG_S = 60.0


def confirm_decrease(situation: Situation) -> Situation:
    """A decrease is confirmed by the device's answer or by the power that follows it."""
    memory, status = situation.memory, situation.status
    since, last = memory.decreased_at, memory.last
    if since is None or last is None:
        return situation
    outcome = status.outcome
    answered = (
        outcome is not None
        and outcome.kind is OutcomeKind.APPLIED
        and outcome.answered_at.seconds_since(since) >= 0.0
        and no_more_than(outcome.target_w, last.target_w)
    )
    followed = (
        status.power_w is not None
        and status.power_observed_at is not None
        and status.power_observed_at.seconds_since(since) > 0.0
        and no_more_than(status.power_w, last.target_w)
    )
    if not answered and not followed:
        return situation
    return replace(situation, memory=replace(memory, decreased_at=None))


def _prices_missing(snapshot: Snapshot) -> bool:
    """No price for now, and none that is only about to be told."""
    prices, now_utc = snapshot.prices, snapshot.now.utc
    return prices is None or (prices.at(now_utc) is None and not prices.awaited_at(now_utc))


def site_faults(grid: GridView, snapshot: Snapshot, policy: Policy) -> tuple[Fault, ...]:
    """Faults of meter, prices, recording and clock."""
    found: list[Fault] = []
    if policy.grid.has_meter and not grid.usable:
        found.append(_meter_fault(grid, snapshot))
    found += [
        Fault(code=FaultCode.METER_TROUBLE, detail=f"meter {one.meter_id}: {one.trouble}")
        for one in snapshot.meters
        if one.trouble is not None and one.role is not MeterRole.GRID
    ]
    if _prices_missing(snapshot):
        found.append(Fault(code=FaultCode.PRICES_MISSING, detail="no price is known for now"))
    stalled = recording_stalled(snapshot, policy)
    began = snapshot.recording.last_durable_at is not None or snapshot.recording.queue_full
    if stalled is not None and began:
        found.append(Fault(code=FaultCode.RECORDING_STALLED, detail=stalled))
    if snapshot.recording.records_lost > 0:
        lost = snapshot.recording.records_lost
        found.append(Fault(code=FaultCode.RECORDS_LOST, detail=f"{lost} records were lost"))
    if not snapshot.clock_trusted:
        found.append(Fault(code=FaultCode.CLOCK_UNTRUSTED, detail="waiting for a trusted clock"))
    return tuple(found)


def _meter_fault(grid: GridView, snapshot: Snapshot) -> Fault:
    """Why the grid meter is not believed."""
    if grid.frozen:
        detail = "the grid meter does not move while the car does"
        return Fault(code=FaultCode.METER_FROZEN, detail=detail)
    troubles = [
        one.trouble
        for one in snapshot.meters
        if one.role is MeterRole.GRID and one.trouble is not None
    ]
    detail = ": ".join(["the grid meter gives no value", *troubles[:1]])
    return Fault(code=FaultCode.METER_STALE, detail=detail)


def evse_faults(situation: Situation, snapshot: Snapshot, policy: Policy) -> tuple[Fault, ...]:
    """Faults of one EVSE: its adapter's, telemetry, last outcome, trip, plan, latch."""
    status, evse_id = situation.status, situation.status.evse_id
    found = list(status.faults)

    def add(code: FaultCode, detail: str) -> None:
        found.append(Fault(code=code, detail=detail, evse_id=evse_id))

    if not status.connected:
        add(FaultCode.EVSE_STALE, "the charging station is not connected")
    elif status.plugged_in and not situation.telemetry_fresh:
        add(FaultCode.EVSE_STALE, _unmeasured(situation, snapshot))
    if status.outcome is not None:
        _not_taken(status.outcome, add)
    if situation.feed_doubt is not None:
        add(FaultCode.VEHICLE_FEED, f"{situation.feed_doubt}; say which it is with `v2g car`")
    if situation.latch is not None:
        unseen = situation.latch.rule == FaultCode.IMPLAUSIBLE.value
        code = FaultCode.IMPLAUSIBLE if unseen else FaultCode.WRONG_DIRECTION
        add(code, f"{situation.latch.detail}; discharge is off until `v2g latch clear`")
    if situation.commute is not None and situation.commute.shortfall_wh > 0.0:
        missing = situation.commute.shortfall_wh / 1000.0
        add(FaultCode.GOAL_UNREACHABLE, f"{missing:.1f} kWh will be missing at departure")
    if _decrease_unconfirmed(situation, snapshot, policy):
        add(FaultCode.DECREASE_UNCONFIRMED, "a lower power was commanded and not confirmed")
    exhausted = exhausted_budget(situation.use)
    if exhausted is not None:
        add(FaultCode.BUDGET_EXHAUSTED, exhausted)
    if situation.following is Following.DEVIATING:
        add(FaultCode.NOT_FOLLOWING, deviation_detail(situation))
    if situation.plan is not None and not fresh(
        situation.plan.made_at, now=snapshot.now, max_age_s=policy.timing.stale_plan_s
    ):
        old_h = policy.timing.stale_plan_s / 3600.0
        add(FaultCode.PLAN_STALE, f"the plan is older than {old_h:g} hours")
    return tuple(found)


def _unmeasured(situation: Situation, snapshot: Snapshot) -> str:
    """At first a fact, and then what to do about it."""
    since, last = situation.memory.unmeasured_since, situation.memory.last
    said = "the charging station reports no power"
    if last is None or since is None or snapshot.now.seconds_since(since) < UNKNOWN_FOR_LONG_S:
        return said
    return (
        f"{said}, so nobody knows whether the {last.target_w:.0f} W flow that it was told: look for"
        " its measured values and their interval in its own settings, and restart it"
    )


def _not_taken(outcome: CommandOutcome, add: Callable[[FaultCode, str], None]) -> None:
    """A refusal or a silence, in the device's words."""
    match outcome.kind:
        case OutcomeKind.APPLIED:
            pass
        case OutcomeKind.REJECTED:
            why = outcome.detail or "it gave no reason"
            add(
                FaultCode.COMMAND_REJECTED,
                f"the charging station refused {outcome.target_w:.0f} W ({why}): look for a mode,"
                " limit or schedule set in the station or its app",
            )
        case OutcomeKind.TIMED_OUT:
            why = outcome.detail or "no answer"
            add(
                FaultCode.COMMAND_TIMED_OUT,
                f"the charging station did not take {outcome.target_w:.0f} W ({why}): look at its"
                " link; what it was told before ends by itself",
            )
        case _:
            assert_never(outcome.kind)


def _decrease_unconfirmed(situation: Situation, snapshot: Snapshot, policy: Policy) -> bool:
    """Its lease ends it all the same: an unconfirmed value is never renewed."""
    decreased_at = situation.memory.decreased_at
    patience_s = max(DECREASE_CONFIRMED_S, TICKS_TO_CONFIRM * policy.timing.tick_s)
    return decreased_at is not None and snapshot.now.seconds_since(decreased_at) > patience_s


def breach(situation: Situation, command: Command) -> tuple[Fault, ...]:
    """The fault of an uncommanded EVSE whose power leaves its bound."""
    power_w = situation.status.power_w
    if not isinstance(command, HandsOff) or power_w is None or not situation.telemetry_fresh:
        return ()
    if abs(power_w - command.permitted.clamp(power_w)) <= DEVIATION_W:
        return ()
    bound = command.permitted
    detail = f"{power_w:.0f} W flow where {bound.lowest_w:.0f} to {bound.highest_w:.0f} W may"
    evse_id = situation.status.evse_id
    return (Fault(code=FaultCode.HANDS_OFF_BREACHED, detail=detail, evse_id=evse_id),)
