"""The house as a fold: `advance` takes one tick's news to the next state and its outcome.

The runtime drives it with sockets, a rehearsal in virtual time; neither adds a rule of its own. A
tick has two halves: it is `considered`, and then `booked`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from v2g_daemon.accounting import decision_log
from v2g_daemon.accounting import metering as meters
from v2g_daemon.accounting.metering import Metering
from v2g_daemon.control.decide import decide
from v2g_daemon.control.session import charged_wh
from v2g_daemon.domain.decision import Decision, EvseDecision
from v2g_daemon.domain.faults import Fault, FaultCode
from v2g_daemon.domain.goals import TESTS, ToldDeparture, UserOverride
from v2g_daemon.domain.interval import quarter_hour_start
from v2g_daemon.domain.ledger import (
    DepartureEvent,
    ForetoldRow,
    LatchEvent,
    LedgerRow,
    OverrideEvent,
)
from v2g_daemon.domain.memory import Memory
from v2g_daemon.domain.plan import Plan, PlanProblem
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.quick import quick, replace
from v2g_daemon.domain.readings import EvseStatus
from v2g_daemon.domain.snapshot import Snapshot
from v2g_daemon.domain.vehicle import CarAnswer
from v2g_daemon.step import agenda as agendas
from v2g_daemon.step.agenda import Agenda, Heard
from v2g_daemon.step.foretold import foretold, with_foretold
from v2g_daemon.step.news import News
from v2g_daemon.step.pasts import Past, remembered, with_prices
from v2g_daemon.step.questions import Answer, Question, problem_of, question_of
from v2g_daemon.step.turns import in_turn_key, taken


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """All that the house carries from tick to tick.

    `foretold_utc`: the quarter hour from which forecasts were last written down.
    """

    memory: Memory = field(default_factory=Memory)
    metering: Metering = field(default_factory=Metering)
    agenda: Agenda | None = None
    plans: tuple[Plan, ...] = ()
    questions: tuple[Question, ...] = ()
    overrides: tuple[UserOverride, ...] = ()
    answers: tuple[CarAnswer, ...] = ()
    told: tuple[ToldDeparture, ...] = ()
    past: Past = field(default_factory=Past)
    foretold_utc: datetime | None = None


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one tick produced: for the chargers, the trace, the ledger and the planner.

    `faults` are the decision's, the meters', the planner's and the edges' together. `past` is what
    is known of the house after it.
    """

    memory_before: Memory
    memory_after: Memory
    snapshot: Snapshot
    decision: Decision
    faults: tuple[Fault, ...]
    rows: tuple[LedgerRow, ...]
    problems: tuple[PlanProblem, ...]
    past: Past = field(default_factory=Past)


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Considered:
    """A tick decided, not yet booked; `memory_before` is from before `house` took in the news."""

    memory_before: Memory
    house: House
    news: News
    snapshot: Snapshot
    memory: Memory
    decision: Decision
    questions: tuple[Question, ...]
    problems: tuple[PlanProblem, ...]


def advance(house: House, news: News, policy: Policy) -> tuple[House, Outcome]:
    """One tick: take in the news, decide, ask for plans where something is new, and meter."""
    return booked(considered(house, news, policy), policy)


def considered(house: House, news: News, policy: Policy) -> Considered:
    """The first half of a tick; in virtual time it is taken again with the plan it asked for."""
    memory_before, house = house.memory, _taking_in(house, news, policy)
    snapshot = _snapshot(house, news, policy)
    memory, decision = decide(house.memory, snapshot, policy)
    questions, problems = _asked(house, memory, snapshot, decision, policy)
    return Considered(
        memory_before=memory_before,
        house=house,
        news=news,
        snapshot=snapshot,
        memory=memory,
        decision=decision,
        questions=questions,
        problems=problems,
    )


def booked(tick: Considered, policy: Policy) -> tuple[House, Outcome]:
    """The second half: the state after the tick, and what is told and kept of it."""
    house, news, memory, decision = tick.house, tick.news, tick.memory, tick.decision
    metering, metered = meters.advance(house.metering, tick.snapshot, decision, policy)
    said = _foretold(house, news, policy)
    past = with_foretold(_remembered(house.past, metered, news), said, news.now.utc)
    outcome = Outcome(
        memory_before=house.memory,
        memory_after=memory,
        snapshot=tick.snapshot,
        decision=decision,
        faults=(
            *decision.faults,
            *metering.faults,
            *_planning_faults(tick.questions),
            *news.faults,
        ),
        rows=(
            *_clearings(tick.memory_before, news),
            *(answer for answer in news.answers if answer not in house.answers),
            *metered,
            *_event_rows(house, memory, news),
            *said,
        ),
        problems=tick.problems,
        past=past,
    )
    house = House(
        memory=memory,
        metering=metering,
        agenda=house.agenda,
        plans=house.plans,
        questions=tick.questions,
        overrides=news.overrides,
        answers=news.answers,
        told=news.told,
        past=past,
        foretold_utc=quarter_hour_start(news.now.utc) if said else house.foretold_utc,
    )
    return house, outcome


def _event_rows(house: House, memory: Memory, news: News) -> Iterator[LedgerRow]:
    """What must outlive a restart, where this tick changed it."""
    yield from _latch_rows(house.memory, memory)
    yield from _override_rows(house, news)
    yield from _departure_rows(house.told, news)


def _foretold(house: House, news: News, policy: Policy) -> tuple[ForetoldRow, ...]:
    """Once a quarter hour, what the plans say of some to come."""
    if not news.clock_trusted or quarter_hour_start(news.now.utc) == house.foretold_utc:
        return ()
    return foretold(house.plans, news.now, stale_s=policy.timing.stale_plan_s)


def counted(
    house: House, news: News, decision: Decision, policy: Policy
) -> tuple[House, tuple[LedgerRow, ...]]:
    """A tick that is only metered, under the decision of the tick before.

    For virtual time, while no EVSE holds a car: nothing could come of deciding anew.
    """
    snapshot = _snapshot(house, news, policy)
    metering, metered = meters.advance(house.metering, snapshot, decision, policy)
    past = _remembered(house.past, metered, news)
    return replace(house, metering=metering, past=past), metered


def _remembered(past: Past, rows: tuple[LedgerRow, ...], news: News) -> Past:
    past = remembered(past, rows, news.now.utc)
    return with_prices(past, rows, news.prices, news.now.utc)


def closing_rows(house: House, policy: Policy) -> tuple[LedgerRow, ...]:
    """What is still running, to be committed at shutdown."""
    return meters.close(house.metering, policy)


def _taking_in(house: House, news: News, policy: Policy) -> House:
    """The house with its agenda kept up and what was answered; a cleared latch is gone."""
    house, memory = _answered(house, news), _without_cleared(house.memory, news)
    heard = Heard(
        goals=news.goals,
        told=news.told,
        calendars=news.calendars,
        plugged_in=_cars_plugged_in(memory, news),
    )
    agenda = agendas.kept_up(house.agenda, policy, news.now.utc, heard)
    if memory is house.memory and agenda is house.agenda:
        return house
    return replace(house, memory=memory, agenda=agenda)


def _cars_plugged_in(memory: Memory, news: News) -> tuple[str, ...]:
    """Whose plug-in it is, as far as the tick before knew."""
    found: list[str] = []
    for status in news.evses:
        known = memory.of(status.evse_id)
        if status.plugged_in and known.session_id == status.session_id:
            found += [] if known.vehicle_id is None else [known.vehicle_id]
    return tuple(found)


def _answered(house: House, news: News) -> House:
    """New plans replace the old ones; a failed one leaves them."""
    if not news.plans and not news.failed_plans:
        return house
    planned = {plan.evse_id for plan in news.plans}
    kept = tuple(plan for plan in house.plans if plan.evse_id not in planned)
    answers = dict.fromkeys(news.failed_plans, Answer.FAILED) | dict.fromkeys(
        planned, Answer.PLANNED
    )
    return replace(
        house,
        plans=(*kept, *news.plans),
        questions=tuple(
            replace(question, answer=answers[question.evse_id])
            if question.evse_id in answers
            else question
            for question in house.questions
        ),
    )


def _snapshot(house: House, news: News, policy: Policy) -> Snapshot:
    return Snapshot(
        now=news.now,
        clock_trusted=news.clock_trusted,
        meter=news.meter,
        pv_power_w=news.pv_power_w,
        evses=news.evses,
        prices=news.prices,
        plans=house.plans,
        goals=() if house.agenda is None else house.agenda.goals,
        overrides=news.overrides,
        commissioning=news.commissioning,
        counters=meters.discharge_counters(house.metering, news.evses, news.now, policy),
        recording=news.recording,
        answers=news.answers,
        battery_power_w=news.battery_power_w,
        meters=news.meters,
        command_counters=decision_log.command_counters(house.metering.log),
        vehicle_feeds=news.vehicle_feeds,
        told=news.told,
        sun=news.sun,
    )


def _asked(
    house: House, memory: Memory, snapshot: Snapshot, decision: Decision, policy: Policy
) -> tuple[tuple[Question, ...], tuple[PlanProblem, ...]]:
    """The questions standing after this tick, and the problems newly posed."""
    standing = {question.evse_id: question for question in house.questions}
    problems: list[PlanProblem] = []
    for question, status, evse_decision in _wanted(snapshot, decision, policy):
        now = taken(question, standing, snapshot, policy)
        if now.question is not None:
            standing[status.evse_id] = now.question
        if now.question is None or not now.posed:
            continue
        problems.append(
            problem_of(
                now.question,
                status,
                evse_decision,
                snapshot,
                policy,
                charged_wh=charged_wh(memory.of(status.evse_id), status),
                past=house.past,
            )
        )
    return tuple(standing.values()), tuple(problems)


def _wanted(
    snapshot: Snapshot, decision: Decision, policy: Policy
) -> list[tuple[Question, EvseStatus, EvseDecision]]:
    """The questions that the EVSEs pose now, in the order of their turns."""
    wanted = [
        (question, status, evse_decision)
        for status, evse_decision in zip(snapshot.evses, decision.evses, strict=True)
        if (question := question_of(status, evse_decision, snapshot, policy)) is not None
    ]
    return wanted if len(wanted) < 2 else sorted(wanted, key=lambda one: in_turn_key(one[0]))


def _planning_faults(questions: tuple[Question, ...]) -> tuple[Fault, ...]:
    """A question that the planner failed is a fault until it is asked again."""
    return tuple(
        Fault(
            code=FaultCode.PLAN_FAILED,
            detail="the planner gave no plan; the last good one goes on",
            evse_id=question.evse_id,
        )
        for question in questions
        if question.answer is Answer.FAILED
    )


def _without_cleared(memory: Memory, news: News) -> Memory:
    cleared = {clearance.evse_id for clearance in news.cleared}
    if cleared.isdisjoint(latch.evse_id for latch in memory.latches):
        return memory
    latches = tuple(latch for latch in memory.latches if latch.evse_id not in cleared)
    return replace(memory, latches=latches)


def _clearings(memory: Memory, news: News) -> tuple[LatchEvent, ...]:
    """A row for each latch that a person cleared, with the reason given."""
    because = {clearance.evse_id: clearance.because for clearance in news.cleared}
    return tuple(
        LatchEvent(
            at_utc=news.now.utc,
            latch=replace(latch, detail=because[latch.evse_id]),
            cleared=True,
        )
        for latch in memory.latches
        if latch.evse_id in because
    )


def _latch_rows(before: Memory, after: Memory) -> tuple[LatchEvent, ...]:
    known = {latch.evse_id for latch in before.latches}
    return tuple(
        LatchEvent(at_utc=latch.since_utc, latch=latch, cleared=False)
        for latch in after.latches
        if latch.evse_id not in known
    )


def _override_rows(house: House, news: News) -> tuple[OverrideEvent, ...]:
    """A row for each override set or cancelled since the last tick; an expired one needs none.

    A guided test has none: it never outlives the daemon.
    """
    if news.overrides == house.overrides:
        return ()
    now_utc = news.now.utc
    kept, before = (
        [one for one in overrides if one.kind not in TESTS]
        for overrides in (news.overrides, house.overrides)
    )
    set_now = [one for one in kept if one not in before]
    gone = [one for one in before if one not in kept and one.until_utc > now_utc]
    replaced = {one.evse_id for one in set_now}
    return (
        *(_override_row(one, one.kind.value) for one in set_now),
        *(
            replace(_override_row(one, "auto"), at_utc=now_utc)
            for one in gone
            if one.evse_id not in replaced
        ),
    )


def _override_row(override: UserOverride, kind: str) -> OverrideEvent:
    return OverrideEvent(
        at_utc=override.set_at_utc,
        evse_id=override.evse_id,
        kind=kind,
        until_utc=override.until_utc,
        confirmed=override.confirmed,
    )


def _departure_rows(before: tuple[ToldDeparture, ...], news: News) -> Iterator[DepartureEvent]:
    """A row for each departure told or taken back since the last tick; what is over needs none."""
    if news.told == before:
        return
    now_utc = news.now.utc
    yield from (DepartureEvent(told=one) for one in news.told if one not in before)
    yield from (
        DepartureEvent(told=one, taken_back_utc=now_utc)
        for one in before
        if one not in news.told and one.ends_utc > now_utc
    )
