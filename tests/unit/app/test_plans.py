"""Hints reach the status, and a plan is told from the newest tick."""

from __future__ import annotations

from dataclasses import replace

from tests.builders import a_plan, a_policy
from tests.unit.control.test_hints import AWAY, a_stay, course
from tests.unit.step.news import played, some_news
from v2g_daemon.app.plans import PlanDesk
from v2g_daemon.app.status_text import status_text
from v2g_daemon.domain.plan import Plan
from v2g_daemon.step.house import Outcome


def outcome_of(plan: Plan) -> Outcome:
    """A tick after the car has left."""
    return played([some_news(plans=(plan,), evses=(AWAY,))])[1][0]


def test_a_hint_stands_in_the_status() -> None:
    desk = PlanDesk(policy=a_policy())
    desk.see(outcome_of(course("--pppp", a_stay(1.85, 1.90, 1.95))))
    status = desk.status()
    assert status is not None
    said = "plug in when back (about Wed 19:30): worth about 1.90 EUR until it leaves"
    assert status["hints"] == [
        {
            "kind": "plug_in",
            "evse_id": "carport",
            "low_money": 1.85,
            "high_money": 1.95,
            "lacking_wh": None,
            "said": said,
        }
    ]
    assert f"hint     carport: {said}" in status_text(status).splitlines()


def test_what_is_too_little_is_not_said() -> None:
    policy = a_policy()
    desk = PlanDesk(
        policy=replace(policy, economics=replace(policy.economics, hint_from_money=5.0))
    )
    assert desk.hints(outcome_of(course("--pp", a_stay(1.85, 1.90, 1.95)))) == ()


def test_the_plan_is_that_of_the_newest_tick() -> None:
    desk = PlanDesk(policy=a_policy())
    assert desk.plan() is None
    for outcome in played([some_news(plans=(a_plan(),))])[1]:
        desk.see(outcome)
    told = desk.plan()
    assert told is not None
    assert [evse["standing"] for evse in told["evses"]] == ["planned"]
