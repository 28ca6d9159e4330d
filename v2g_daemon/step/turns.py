"""Whose turn it is: the EVSEs of a house are planned for one after the other, until they settle.

Two that were asked at once would each count on the same load, sun and connection, and next time
each would leave all of it to the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from v2g_daemon.domain.instant import fresh
from v2g_daemon.domain.plan import Plan
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.quick import quick, replace
from v2g_daemon.domain.snapshot import Snapshot
from v2g_daemon.step.beside import Turn, courses_of, moved, plans_beside
from v2g_daemon.step.questions import RETRY_S, Answer, Question, is_news

# A plan that moved is replied to by the others, and these replies once more: two cars settle in it.
MOST_REPLIES = 2


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The question as it stands for an EVSE; `posed`: it is put to the planner now."""

    question: Question | None
    posed: bool


def taken(
    question: Question, standing: Mapping[str, Question], snapshot: Snapshot, policy: Policy
) -> Standing:
    """What becomes of the question that an EVSE poses now."""
    before = standing.get(question.evse_id)
    news = is_news(question, before, renew_s=policy.timing.renew_plan_s)
    if len(snapshot.evses) == 1:
        return Standing(question=question if news else before, posed=news)
    if _another_is_out(question, standing):
        return Standing(question=before, posed=False)
    plans, now_utc = plans_beside(question.evse_id, snapshot, policy), snapshot.now.utc
    plan_ids = tuple(plan.plan_id for plan in plans)
    replies = 0
    if not news:
        if before is None or before.answer is not Answer.PLANNED:
            return Standing(question=before, posed=False)
        if plan_ids == before.turn.plan_ids:
            return Standing(question=before, posed=False)
        replies = 1 + _replies(before, plans, standing)
        if replies > MOST_REPLIES or not moved(
            before.turn.courses, courses_of(plans, now_utc), now_utc
        ):
            seen = replace(before.turn, plan_ids=plan_ids)
            return Standing(question=replace(before, turn=seen), posed=False)
    turn = Turn(plan_ids=plan_ids, courses=courses_of(plans, now_utc), replies=replies)
    return Standing(question=replace(question, turn=turn), posed=True)


def in_turn_key(question: Question) -> tuple[bool, float]:
    """Who leaves first is asked first: it has the least choice."""
    if question.goals == ():
        return True, 0.0
    return False, question.goals[0].ready_by_utc.timestamp()


def _another_is_out(question: Question, standing: Mapping[str, Question]) -> bool:
    return any(
        other.evse_id != question.evse_id
        and other.answer is Answer.PENDING
        and fresh(other.asked_at, now=question.asked_at, max_age_s=RETRY_S)
        for other in standing.values()
    )


def _replies(before: Question, plans: tuple[Plan, ...], standing: Mapping[str, Question]) -> int:
    """How far the answering had gone in the plans that are new."""
    new = (plan.evse_id for plan in plans if plan.plan_id not in before.turn.plan_ids)
    return max((standing[evse].turn.replies for evse in new if evse in standing), default=0)
