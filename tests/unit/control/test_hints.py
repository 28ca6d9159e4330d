"""What only a person can do, from a small amount on and never more exact than it is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.builders import NOW, a_plan, a_policy, a_snapshot, a_told_departure, an_evse_status
from v2g_daemon.control.hints import hints_of
from v2g_daemon.domain.plan import Plan, PlanSlot, StayWorth
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.prospect import Hint, HintKind

AWAY = an_evse_status(plugged_in=False, session_id=None, identity=None)
# 18:00 UTC is 19:00 in Amsterdam; the plan's slots are quarter hours from there on.


def a_stay(low: float, likely: float, high: float, lacking_wh: float = 0.0) -> StayWorth:
    return StayWorth(low_money=low, likely_money=likely, high_money=high, lacking_wh=lacking_wh)


def course(plugged: str, stay: StayWorth | None = None, **changes: Any) -> Plan:
    """A plan with a slot per letter, `p` plugged in; each stay is worth the same."""
    slots: list[PlanSlot] = []
    for slot, letter in zip(a_plan().slots, plugged, strict=False):
        here = letter == "p"
        slots.append(replace(slot, plugged_in=here, stay=stay if here else None))
    return a_plan(slots=tuple(slots), **changes)


def hints(plan: Plan, *, later_s: float = 0.0, policy: Policy | None = None) -> list[Hint]:
    snapshot = a_snapshot(now=NOW.later(later_s), plans=(plan,), evses=(AWAY,))
    return list(hints_of(AWAY, None, snapshot, a_policy() if policy is None else policy))


def said(plan: Plan, *, later_s: float = 0.0) -> str:
    (hint,) = hints(plan, later_s=later_s)
    assert hint.kind is HintKind.PLUG_IN
    return hint.said


def test_the_stay_to_come_is_worth_about_so_much() -> None:
    plan = course("--pppp", a_stay(1.85, 1.90, 1.95))
    assert said(plan) == "plug in when back (about Wed 19:30): worth about 1.90 EUR until it leaves"


def test_cases_that_disagree_are_told_as_a_range() -> None:
    plan = course("--pppp", a_stay(0.90, 1.90, 2.40))
    assert "worth 0.90 to 2.40 EUR until it leaves" in said(plan)


def test_a_car_that_is_late_is_asked_for_now() -> None:
    plan = course("--pppp", a_stay(1.85, 1.90, 1.95))
    assert said(plan, later_s=2000.0).startswith("plug in now if it is back: worth about 1.90")


def test_a_car_that_left_unexpectedly_is_worth_up_to_so_much() -> None:
    plan = course("pppp--pp", a_stay(1.85, 1.90, 1.95))
    assert said(plan) == "plug in when back: worth up to 1.95 EUR until it leaves"


def test_what_the_trip_lacks_otherwise_is_said_and_counts() -> None:
    plan = course("--pp", a_stay(-0.5, -0.4, -0.3, lacking_wh=6200.0))
    (hint,) = hints(plan)
    assert hint.said.endswith("; without it the next trip lacks about 6.2 kWh")
    assert (hint.low_money, hint.high_money, hint.lacking_wh) == (0.0, 0.0, 6200.0)


@pytest.mark.parametrize(("from_money", "shown"), [(0.0, 1), (1.95, 1), (1.96, 0)])
def test_a_hint_is_shown_from_a_small_amount_on(from_money: float, shown: int) -> None:
    policy = a_policy()
    policy = replace(policy, economics=replace(policy.economics, hint_from_money=from_money))
    assert len(hints(course("--pp", a_stay(1.85, 1.90, 1.95)), policy=policy)) == shown


def test_nobody_is_told_to_plug_in_a_car_that_he_said_is_away() -> None:
    plan = course("--pppp", a_stay(1.85, 1.90, 1.95))
    snapshot = a_snapshot(plans=(plan,), evses=(AWAY,), told=(a_told_departure(0.0, 9.0),))
    assert hints_of(AWAY, None, snapshot, a_policy()) == ()
    leaving = replace(snapshot, told=(a_told_departure(3.0, 9.0),))
    assert len(hints_of(AWAY, None, leaving, a_policy())) == 1


def test_an_old_plan_hints_at_nothing() -> None:
    plan = course("--pp", a_stay(1.85, 1.90, 1.95), made_s_ago=37.0 * 3600.0)
    assert hints(plan) == []
    assert hints(course("----")) == []


def here(plan: Plan, vehicle_id: str | None = "car") -> list[Hint]:
    status = an_evse_status()
    snapshot = a_snapshot(plans=(plan,), evses=(status,))
    return list(hints_of(status, vehicle_id, snapshot, a_policy()))


def test_a_car_that_is_here_is_not_asked_to_be_plugged_in() -> None:
    assert here(course("pp--pp", a_stay(1.85, 1.90, 1.95))) == []


def test_knowing_the_departure_is_worth_about_so_much() -> None:
    (hint,) = here(course("pppp", told_money=0.42))
    assert hint.kind is HintKind.TELL_DEPARTURE
    assert hint.said == "tell when it leaves next (v2g leave): knowing it is worth about 0.42 EUR"
    assert here(course("pppp", told_money=0.10)) == []
    assert here(course("pppp", told_money=None)) == []
    # It was another car's plan.
    assert here(course("pppp", told_money=0.42), vehicle_id=None) == []


def test_a_trip_longer_than_the_plan_covers_is_asked_for() -> None:
    # 50 % of 60 kWh less the floor of 30 % are 12 kWh.
    (hint,) = here(course("pp--", told_money=0.0, largest_trip_wh=40_000.0))
    assert hint.kind is HintKind.TELL_LONG_TRIP
    assert hint.said == (
        "tell of a long trip (v2g leave): about Wed 19:30 the car holds 12 kWh above its floor, "
        "and its longest trip of late took 40 kWh"
    )
    assert hint.lacking_wh == pytest.approx(28_000.0)
    assert here(course("pp--", told_money=0.0, largest_trip_wh=12_300.0)) == []
    assert here(course("pppp", told_money=0.0, largest_trip_wh=40_000.0)) == []
    # Where the departure was told, so was its energy.
    assert here(course("pp--", told_money=None, largest_trip_wh=40_000.0)) == []
