"""Readiness: a chance that rises with SoC and time, falls with doubt, and names its fix."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import (
    a_capability,
    a_goal,
    a_plan,
    a_policy,
    a_situation,
    a_snapshot,
    a_vehicle,
    an_evse,
    an_evse_memory,
    an_evse_status,
    an_override,
    goals,
    in_hours,
)
from v2g_daemon.control.readiness import covered_share, level_of, readiness_of
from v2g_daemon.domain.policy import Policy, Stage
from v2g_daemon.domain.prospect import Readiness, ReadinessLevel
from v2g_daemon.domain.readings import PowerControl

SOC = st.floats(0.0, 1.0)
SIGMA = st.floats(0.0, 0.2)
CHARGEABLE = st.floats(0.0, 1.0)
STEP = st.floats(0.0, 0.3)
SLACK = 1e-9


@given(soc=SOC, sigma=SIGMA, goal_soc=SOC, chargeable_soc=CHARGEABLE, more=STEP)
def test_more_in_the_pack_is_never_less_ready(
    soc: float, sigma: float, goal_soc: float, chargeable_soc: float, more: float
) -> None:
    rest = {"sigma": sigma, "goal_soc": goal_soc, "chargeable_soc": chargeable_soc}
    fuller = covered_share(soc=min(soc + more, 1.0), **rest)
    assert fuller >= covered_share(soc=soc, **rest) - SLACK


@given(soc=SOC, sigma=SIGMA, goal_soc=SOC, chargeable_soc=CHARGEABLE, more=STEP)
def test_more_time_is_never_less_ready(
    soc: float, sigma: float, goal_soc: float, chargeable_soc: float, more: float
) -> None:
    rest = {"soc": soc, "sigma": sigma, "goal_soc": goal_soc}
    longer = covered_share(chargeable_soc=chargeable_soc + more, **rest)
    assert longer >= covered_share(chargeable_soc=chargeable_soc, **rest) - SLACK


@given(soc=SOC, sigma=SIGMA, goal_soc=SOC, more=STEP)
def test_more_doubt_makes_nobody_surer(
    soc: float, sigma: float, goal_soc: float, more: float
) -> None:
    # Nothing can be charged any more: of two packs read alike, the surer reading is nearer to
    # certainty, whichever that is.
    surer = covered_share(soc=soc, sigma=sigma, goal_soc=goal_soc, chargeable_soc=0.0)
    vaguer = covered_share(soc=soc, sigma=sigma + more, goal_soc=goal_soc, chargeable_soc=0.0)
    assert abs(vaguer - 0.5) <= abs(surer - 0.5) + SLACK


@given(sigma=SIGMA, more=STEP, goal_soc=st.floats(0.3, 0.7))
def test_a_car_with_all_the_time_is_less_ready_the_less_its_soc_is_known(
    sigma: float, more: float, goal_soc: float
) -> None:
    rest = {"soc": 0.2, "goal_soc": goal_soc, "chargeable_soc": 1.0}
    assert covered_share(sigma=sigma + more, **rest) <= covered_share(sigma=sigma, **rest) + SLACK


@pytest.mark.parametrize(
    ("soc", "sigma", "chargeable_soc", "share"),
    [
        (0.60, 0.0, 0.0, 1.0),
        (0.589, 0.0, 0.0, 0.0),  # more than a point is missing
        (0.59, 0.01, 0.0, 0.5),  # a point is missing, which is as likely more as less
        (0.30, 0.005, 0.4, 1.0),  # charged to 60.5 %: 1.5 points to spare, 0.87 of doubt
        (0.30, 0.02, 0.4, 0.933),  # to 62 %: 3 points to spare of 3.46
        (0.30, 0.01, 0.2, 0.0),
    ],
)
def test_the_chance_worked_by_hand(
    soc: float, sigma: float, chargeable_soc: float, share: float
) -> None:
    found = covered_share(soc=soc, sigma=sigma, goal_soc=0.6, chargeable_soc=chargeable_soc)
    assert found == pytest.approx(share, abs=5e-4)


@pytest.mark.parametrize(
    ("soc", "sigma", "chargeable_soc", "share"),
    [
        (0.5, 0.01, 1.0, 1.0),
        (0.5, 0.02, 1.0, 0.933),  # charged until it reads full: as sure as 60 % at that doubt
        (1.0, 0.02, 0.0, 0.933),
        (0.5, 0.02, 0.48, 0.356),  # to 98 % and no further: a point too few of 3.46
        (0.96, 0.05, 0.0, 0.327),
    ],
)
def test_a_full_goal_is_as_sure_as_any_where_the_pack_reads_full(
    soc: float, sigma: float, chargeable_soc: float, share: float
) -> None:
    found = covered_share(soc=soc, sigma=sigma, goal_soc=1.0, chargeable_soc=chargeable_soc)
    assert found == pytest.approx(share, abs=5e-4)


@pytest.mark.parametrize(
    ("share", "level"),
    [
        (0.98, ReadinessLevel.GREEN),
        (0.979, ReadinessLevel.AMBER),
        (0.90, ReadinessLevel.AMBER),
        (0.899, ReadinessLevel.RED),
    ],
)
def test_the_colours(share: float, level: ReadinessLevel) -> None:
    assert level_of(share) is level


def ready(policy: Policy | None = None, **changes: Any) -> Readiness | None:
    policy = a_policy() if policy is None else policy
    snapshot = a_snapshot(**changes)
    situation = a_situation(status=snapshot.evses[0], snapshot=snapshot, policy=policy)
    return readiness_of(situation, snapshot, policy)


def test_a_told_trip_with_time_is_green() -> None:
    found = ready(goals=goals(a_goal(12.0, 0.6)))
    assert found is not None
    assert (found.level, found.covered_share) == (ReadinessLevel.GREEN, 1.0)
    assert found.said == "100 % sure to hold 60 % by Thu 07:00"


def test_a_trip_too_soon_is_red_and_says_how_much_later_would_do() -> None:
    # 10.5 points of 60 kWh at 90 % of 7.4 kW take 57 min; 30 are left.
    found = ready(goals=goals(a_goal(0.5, 0.6)))
    assert found is not None
    assert found.level is ReadinessLevel.RED
    assert found.said == (
        "0 % sure to hold 60 % by Wed 19:30; leave 27 min later, or with 55 %: "
        'v2g leave 19:30 --with "55 %"'
    )


def test_the_share_that_is_told_instead_is_held() -> None:
    found = ready(goals=goals(a_goal(0.5, 0.55)))
    assert found is not None
    assert found.level is ReadinessLevel.GREEN


def test_what_else_is_known_of_the_departure_is_told_again() -> None:
    policy = a_policy(vehicles=(a_vehicle(), a_vehicle(vehicle_id="van", evccid="0200000000BB")))
    trip = a_goal(0.5, 0.6, returns_at_utc=in_hours(30.0), trip_wh=12_340.0)
    found = ready(policy, goals=goals(trip))
    assert found is not None
    assert found.said.endswith(
        'v2g leave 19:30 --with "55 %" --back 2024-12-13T01:00 --trip "12.3 kWh" --car car'
    )


def test_a_pack_that_will_hold_nothing_is_told_no_share() -> None:
    empty = an_evse_status(soc=0.001)
    found = ready(goals=goals(a_goal(0.01, 0.6)), evses=(empty,))
    assert found is not None
    assert found.said.endswith("min later")


def test_where_the_soc_is_in_doubt_the_car_itself_shows_it() -> None:
    vague = a_policy(vehicles=(a_vehicle(soc_step=0.04),))
    found = ready(vague, goals=goals(a_goal(12.0, 0.6)))
    assert found is not None
    assert found.said == (
        "93 % sure to hold 60 % by Thu 07:00; its SoC is uncertain by 2 points: look at what the "
        "car itself shows"
    )


def when_full(soc: float, goal_soc: float = 1.0, *, car_full: bool = True) -> float:
    """The chance at a doubt of 4 points, with next to no time left."""
    policy = a_policy(vehicles=(a_vehicle(soc_step=0.08),))
    snapshot = a_snapshot(goals=goals(a_goal(0.01, goal_soc)), evses=(an_evse_status(soc=soc),))
    memory = an_evse_memory(vehicle_id="car", car_full=car_full)
    situation = a_situation(
        status=snapshot.evses[0], memory=memory, snapshot=snapshot, policy=policy
    )
    found = readiness_of(situation, snapshot, policy)
    assert found is not None
    return found.covered_share


def test_a_car_that_says_it_is_full_holds_a_full_goal() -> None:
    assert when_full(0.95) == 1.0
    assert when_full(0.95, car_full=False) < 0.5


def test_a_car_that_ended_its_charge_at_a_limit_of_its_own_is_not_full() -> None:
    assert when_full(0.80) == 0.0
    assert when_full(0.86, goal_soc=0.90) < 0.5


STOPPED = an_override(confirmed=True, until_utc=in_hours(11.5))


def test_a_confirmed_stop_leaves_only_the_time_after_it() -> None:
    found = ready(goals=goals(a_goal(12.0, 0.6)), overrides=(STOPPED,))
    assert found is not None
    assert found.level is ReadinessLevel.RED
    assert found.said == (
        "0 % sure to hold 60 % by Thu 07:00; it is stopped until Thu 06:30; end that: v2g auto"
    )


def test_a_stop_that_ends_in_time_takes_nothing_from_the_trip() -> None:
    early = replace(STOPPED, until_utc=in_hours(10.0))
    found = ready(goals=goals(a_goal(12.0, 0.6)), overrides=(early,))
    assert found is not None
    assert found.level is ReadinessLevel.GREEN


def test_a_stop_takes_nothing_from_a_pack_that_holds_its_goal() -> None:
    found = ready(goals=goals(a_goal(12.0, 0.45)), overrides=(STOPPED,))
    assert found is not None
    assert found.level is ReadinessLevel.GREEN


def test_an_unconfirmed_stop_gives_way_to_a_told_trip() -> None:
    found = ready(goals=goals(a_goal(12.0, 0.6)), overrides=(replace(STOPPED, confirmed=False),))
    assert found is not None
    assert found.level is ReadinessLevel.GREEN


def test_of_several_evses_the_stopped_one_is_named() -> None:
    policy = a_policy(evses=(an_evse(), an_evse(evse_id="garage")))
    found = ready(policy, goals=goals(a_goal(12.0, 0.6)), overrides=(STOPPED,))
    assert found is not None
    assert found.said.endswith("end that: v2g auto --evse carport")


def test_at_a_station_that_is_away_nothing_is_charged() -> None:
    found = ready(goals=goals(a_goal(12.0, 0.6)), evses=(an_evse_status(connected=False),))
    assert found is not None
    assert found.level is ReadinessLevel.RED
    assert found.said == (
        "0 % sure to hold 60 % by Thu 07:00; the station is away, and what it does by itself is "
        "not counted: v2g doctor"
    )


def test_where_nothing_is_steered_nothing_is_sure() -> None:
    trip = goals(a_goal(12.0, 0.6))
    watching = a_policy(stage_wanted=Stage.WATCH)
    deaf = an_evse_status(capability=a_capability(control=PowerControl.NONE))
    assert ready(watching, goals=trip) is None
    assert ready(watching, goals=trip, evses=(an_evse_status(connected=False),)) is None
    assert ready(goals=trip, evses=(deaf,)) is None


def test_a_plan_that_cannot_be_followed_promises_no_learned_trip() -> None:
    plan = a_plan(covered_share=0.99)
    assert ready(plans=(plan,), overrides=(replace(STOPPED, confirmed=False),)) is None
    assert ready(plans=(plan,), evses=(an_evse_status(connected=False),)) is None


def test_a_far_departure_is_told_with_its_day() -> None:
    found = ready(goals=goals(a_goal(7.0 * 24.0, 0.6)))
    assert found is not None
    assert found.said == "100 % sure to hold 60 % by Wed 18 Dec 19:00"


def test_a_learned_trip_is_as_ready_as_the_plan_says() -> None:
    found = ready(plans=(a_plan(covered_share=0.95),))
    assert found is not None
    assert (found.level, found.ready_by_utc) == (ReadinessLevel.AMBER, None)
    assert found.said == (
        "95 % of the trips that may come next are covered; tell when it leaves and with how much "
        "(v2g leave), or raise economics.unmet_later_per_kwh"
    )
    sure = ready(plans=(a_plan(covered_share=0.99),))
    assert sure is not None
    assert sure.said == "99 % of the trips that may come next are covered"


def test_what_nobody_knows_has_no_colour() -> None:
    assert ready() is None
    assert ready(plans=(a_plan(),)) is None
    assert ready(plans=(a_plan(covered_share=0.99, made_s_ago=37.0 * 3600.0),)) is None
    blind = an_evse_status(soc=None, soc_observed_at=None)
    assert ready(goals=goals(a_goal(12.0, 0.6)), evses=(blind,)) is None
    assert ready(goals=goals(a_goal(12.0, None, energy_wh=5000.0))) is None
    away = an_evse_status(plugged_in=False, session_id=None, identity=None)
    assert ready(goals=goals(a_goal(12.0, 0.6)), evses=(away,)) is None
