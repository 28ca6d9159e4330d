"""Two cars are planned for in turn: each beside the other's newest plan, until they settle."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from tests.builders import (
    NOW,
    a_goal,
    a_plan,
    an_evse_status,
    goals,
)
from tests.two_cars import POLICY, YARD, a_van_in_the_yard
from tests.unit.step.news import played, some_news
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.interval import Interval
from v2g_daemon.domain.plan import Plan, PlannedPower, PlanProblem
from v2g_daemon.step.beside import moved
from v2g_daemon.step.house import House
from v2g_daemon.step.news import News

BOTH = (an_evse_status(), a_van_in_the_yard())


def news(seconds_s: float, **changes: Any) -> News:
    return some_news(NOW.later(seconds_s), **({"evses": BOTH} | changes))


def answer(evse_id: str, *, kwh: float, plan_id: str, at: Instant = NOW) -> Plan:
    """A plan that charges so much in its first hour."""
    slots = tuple(
        replace(slot, power_w=kwh * 1000.0 if number < 4 else 0.0)
        for number, slot in enumerate(a_plan().slots)
    )
    vehicle_id = "van" if evse_id == YARD else "car"
    return a_plan(evse_id=evse_id, vehicle_id=vehicle_id, plan_id=plan_id, slots=slots, made_at=at)


def asked(*course: News) -> list[list[PlanProblem]]:
    """The problems of each tick."""
    return [list(outcome.problems) for outcome in played(course, policy=POLICY)[1]]


def names(problems: list[list[PlanProblem]]) -> list[list[str]]:
    return [[problem.evse_id for problem in tick] for tick in problems]


def charged_beside_wh(problem: PlanProblem) -> float:
    return sum(
        one.power_w * one.interval.seconds_s / 3600.0 for course in problem.beside for one in course
    )


def test_the_second_is_asked_once_the_first_has_its_plan_and_beside_it() -> None:
    first = answer("carport", kwh=3.0, plan_id="a1")
    ticks = asked(news(0.0), news(1.0), news(2.0, plans=(first,)), news(3.0))
    assert names(ticks) == [["carport"], [], [YARD], []]
    assert ticks[0][0].beside == ()
    assert charged_beside_wh(ticks[2][0]) == 3000.0


def test_who_leaves_first_is_asked_first() -> None:
    soon = goals(a_goal(5.0), vehicle_id="van")
    assert names(asked(news(0.0, goals=soon)))[0] == [YARD]


def test_a_first_that_gets_no_answer_holds_up_the_second_for_a_minute_at_most() -> None:
    failed = asked(news(0.0), news(1.0, failed_plans=("carport",)))
    assert names(failed) == [["carport"], [YARD]]
    assert names(asked(news(0.0), news(59.0), news(61.0))) == [["carport"], [], [YARD]]


def test_plans_reply_to_each_other_twice_and_then_rest() -> None:
    plans = [
        answer(evse_id, kwh=kwh, plan_id=f"p{number}")
        for number, (evse_id, kwh) in enumerate(
            [("carport", 3.0), (YARD, 3.0), ("carport", 0.0), (YARD, 6.0), ("carport", 3.0)]
        )
    ]
    course = [news(0.0)]
    course += [news(float(at + 1), plans=(plan,)) for at, plan in enumerate(plans[:4])]
    ticks = asked(*course, news(9.0))
    # The yard's last plan is not what the carport's was made beside, but it is enough.
    assert names(ticks) == [["carport"], [YARD], ["carport"], [YARD], [], []]
    assert [charged_beside_wh(tick[0]) for tick in ticks[1:4]] == [3000.0, 3000.0, 0.0]


def test_a_plan_that_hardly_moved_is_not_replied_to() -> None:
    first, second = (
        answer("carport", kwh=3.0, plan_id="a1"),
        answer(YARD, kwh=0.9, plan_id="b1"),
    )
    ticks = asked(news(0.0), news(1.0, plans=(first,)), news(2.0, plans=(second,)), news(3.0))
    assert names(ticks) == [["carport"], [YARD], [], []]


def test_each_hour_begins_anew() -> None:
    first, second = (
        answer("carport", kwh=3.0, plan_id="a1"),
        answer(YARD, kwh=0.0, plan_id="b1"),
    )
    later = replace(first, plan_id="a2", made_at=NOW.later(3600.0))
    ticks = asked(
        news(0.0),
        news(1.0, plans=(first,)),
        news(2.0, plans=(second,)),
        news(3601.0),
        news(3602.0, plans=(later,)),
    )
    assert names(ticks) == [["carport"], [YARD], [], ["carport"], [YARD]]


def test_a_car_that_is_gone_leaves_its_room_to_the_other() -> None:
    first = answer("carport", kwh=3.0, plan_id="a1")
    second = answer(YARD, kwh=0.0, plan_id="b1")
    gone = (replace(BOTH[0], plugged_in=False), BOTH[1])
    ticks = asked(
        news(0.0),
        news(1.0, plans=(first,)),
        news(2.0, plans=(second,)),
        news(3.0, evses=gone),
    )
    assert names(ticks)[3] == [YARD]
    assert ticks[3][0].beside == ()


def test_an_outlet_that_stands_empty_changes_nothing_for_the_only_car() -> None:
    alone = (BOTH[0], replace(BOTH[1], plugged_in=False))
    first = answer("carport", kwh=3.0, plan_id="a1")
    ticks = asked(
        news(0.0, evses=alone), news(1.0, evses=alone, plans=(first,)), news(2.0, evses=alone)
    )
    assert names(ticks) == [["carport"], [], []]


def test_what_is_moved_counts_from_now_on_and_both_ways() -> None:
    def course(power_w: float, from_min: int, minutes: int) -> tuple[PlannedPower, ...]:
        start_utc = NOW.utc + timedelta(minutes=from_min)
        end_utc = start_utc + timedelta(minutes=minutes)
        interval = Interval(start_utc=start_utc, end_utc=end_utc)
        return (PlannedPower(interval=interval, power_w=power_w),)

    hour = course(1000.0, 0, 60)
    assert moved((), (hour,), NOW.utc)
    assert moved((hour,), (), NOW.utc)
    assert not moved((hour,), (hour,), NOW.utc)
    # The same energy half an hour later: half a kWh less here, half a kWh more there.
    assert moved((hour,), (course(1000.0, 30, 60),), NOW.utc)
    assert not moved((hour,), (course(1000.0, 29, 60),), NOW.utc)
    # Quarter hours or one hour, one car or two: it is the same.
    quarters = tuple(course(500.0, 15 * number, 15)[0] for number in range(4))
    assert not moved((hour,), (quarters, quarters), NOW.utc)
    # What is over does not count.
    assert not moved((), (hour,), NOW.utc + timedelta(minutes=1))


def test_one_car_alone_is_asked_as_ever() -> None:
    house, (first, second) = played([some_news(), some_news(NOW.later(1.0), plans=(a_plan(),))])
    assert [len(one.problems) for one in (first, second)] == [1, 0]
    assert isinstance(house, House)
    assert house.questions[0].turn.plan_ids == ()
