"""What a car's own cloud proves of this plug-in, and what it leaves open."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.builders import (
    EVCCID,
    NOW,
    a_feed,
    a_memory,
    a_policy,
    a_snapshot,
    a_vehicle,
    ago,
    an_answer,
    an_evse,
    an_evse_status,
    an_unplugged_feed,
    decided,
    in_hours,
    rules_of,
)
from v2g_daemon.control.decide import decide
from v2g_daemon.control.identity import vehicle_of
from v2g_daemon.control.vehicle_feed import Witnesses
from v2g_daemon.domain.decision import EvseDecision
from v2g_daemon.domain.faults import FaultCode
from v2g_daemon.domain.readings import VehicleIdentity
from v2g_daemon.domain.vehicle import CarAnswer, Vehicle, VehicleFeedStatus

FAMILY_BADGE = "card 7"
CAR = a_vehicle(evccid=None, id_token=FAMILY_BADGE)
VAN = a_vehicle(vehicle_id="van", evccid=None, id_token=FAMILY_BADGE)
NAMELESS = a_vehicle(evccid=None), a_vehicle(vehicle_id="van", evccid=None)
# `an_evse_status` was plugged in an hour before NOW.
PLUGGED_S = 3600.0


@pytest.mark.parametrize(
    ("changes", "is_witness"),
    [
        ({}, True),
        # From two minutes before the plug-in, as clocks differ, to half an hour after it.
        ({"since": ago(PLUGGED_S + 120.0)}, True),
        ({"since": ago(PLUGGED_S + 121.0)}, False),
        ({"since": ago(PLUGGED_S - 1800.0)}, True),
        ({"since": ago(PLUGGED_S - 1801.0)}, False),
        # Asked no longer than half an hour before, it said the opposite.
        ({"opposite_at": ago(PLUGGED_S + 1800.0)}, True),
        ({"opposite_at": ago(PLUGGED_S + 1801.0)}, False),
        # It has said so ever since we ask: who knows where, and since when.
        ({"since": None, "opposite_at": None}, False),
        ({"plugged_in": None}, False),
        ({"plugged_in": False}, False),
        # Still so, when asked five minutes into it.
        ({"asked_at": ago(PLUGGED_S - 300.0)}, True),
        ({"asked_at": ago(PLUGGED_S - 299.0)}, False),
        # A silence later on takes nothing back.
        ({"observed_at": ago(3300.0), "asked_at": ago(3300.0), "trouble": "silent"}, True),
    ],
)
def test_a_cloud_vouches_for_a_plug_in_it_saw_begin(
    changes: dict[str, Any], is_witness: bool
) -> None:
    witnesses = Witnesses(now=NOW, feeds=(a_feed(**changes),))
    assert witnesses.vouches(a_vehicle(), an_evse_status()) is is_witness


def test_nobody_vouches_for_a_plug_in_that_began_nobody_knows_when() -> None:
    witnesses = Witnesses(now=NOW, feeds=(a_feed(),))
    assert not witnesses.vouches(a_vehicle(), an_evse_status(plugged_in_at_utc=None))
    assert not Witnesses(now=NOW).vouches(a_vehicle(), an_evse_status())


def test_a_cloud_that_changed_before_the_last_car_left_saw_that_one_plugged_in() -> None:
    """Two cars within two minutes: what one cloud says may be of the plug-in before."""
    began = ago(PLUGGED_S)
    feeds = (a_feed(since=began.later(-90.0)),)
    of_the_last = Witnesses(now=NOW, feeds=feeds, left_at=began.later(-30.0))
    of_this_one = Witnesses(now=NOW, feeds=feeds, left_at=began.later(-100.0))
    assert not of_the_last.vouches(a_vehicle(), an_evse_status())
    assert of_this_one.vouches(a_vehicle(), an_evse_status())


def test_a_cloud_that_saw_two_plug_ins_begin_at_once_vouches_for_neither() -> None:
    """One car is at one of them; who knows at which."""
    here = an_evse_status()
    beside = an_evse_status(evse_id="garage", plugged_in_at_utc=ago(PLUGGED_S - 120.0).utc)
    witnesses = Witnesses(now=NOW, feeds=(a_feed(),), elsewhere=(beside,))
    assert not witnesses.vouches(a_vehicle(), here)
    long_there = an_evse_status(evse_id="garage", plugged_in_at_utc=in_hours(-3.0))
    assert Witnesses(now=NOW, feeds=(a_feed(),), elsewhere=(long_there,)).vouches(a_vehicle(), here)


def test_the_other_outlets_of_a_house_are_asked_whether_the_car_came_there() -> None:
    outlets = an_evse(), an_evse(evse_id="garage")
    policy = a_policy(vehicles=NAMELESS, evses=outlets)
    both = tuple(an_evse_status(evse_id=one.evse_id, identity=None) for one in outlets)
    for evses, named in ((both, None), ((both[0], replace(both[1], plugged_in=False)), "car")):
        snapshot = a_snapshot(evses=evses, vehicle_feeds=(a_feed(),))
        assert decided(snapshot, policy=policy).vehicle_id == named


@pytest.mark.parametrize(
    ("changes", "status", "is_denied"),
    [
        ({}, {}, True),
        # What it said before the plug-in, or in its first five minutes, may be of before.
        ({"observed_at": ago(PLUGGED_S - 300.0)}, {}, True),
        ({"observed_at": ago(PLUGGED_S - 299.0)}, {}, False),
        ({"observed_at": ago(3601.0)}, {"plugged_in_at_utc": in_hours(-8.0)}, False),
        ({"observed_at": ago(3600.0)}, {"plugged_in_at_utc": in_hours(-8.0)}, True),
        ({}, {"plugged_in_at_utc": None}, True),
        ({"plugged_in": True}, {}, False),
        ({"plugged_in": None, "observed_at": None}, {}, False),
    ],
)
def test_a_cloud_denies_only_by_what_it_said_since_the_plug_in_and_lately(
    changes: dict[str, Any], status: dict[str, Any], is_denied: bool
) -> None:
    witnesses = Witnesses(now=NOW, feeds=(an_unplugged_feed(**changes),))
    assert witnesses.denies(a_vehicle(), an_evse_status(**status)) is is_denied


def recognised(
    vehicles: tuple[Vehicle, ...],
    *feeds: VehicleFeedStatus,
    answer: CarAnswer | None = None,
    **named: str | None,
) -> str | None:
    status = an_evse_status(identity=VehicleIdentity(**named))
    witnesses = Witnesses(now=NOW, answer=answer, feeds=feeds)
    found = vehicle_of(status, witnesses, a_policy(vehicles=vehicles))
    return None if found is None else found.vehicle_id


def test_the_one_car_whose_cloud_saw_the_plug_in_is_named() -> None:
    assert recognised(NAMELESS, a_feed("van")) == "van"
    assert recognised(NAMELESS, a_feed("van"), an_unplugged_feed("car")) == "van"
    assert recognised(NAMELESS, an_unplugged_feed("car")) is None


def test_two_clouds_that_saw_it_name_no_car() -> None:
    assert recognised(NAMELESS, a_feed("van"), a_feed("car")) is None


def test_a_cloud_tells_apart_the_cars_that_share_a_badge() -> None:
    cars = (CAR, VAN)
    assert recognised(cars, id_token=FAMILY_BADGE) is None
    assert recognised(cars, a_feed("van"), id_token=FAMILY_BADGE) == "van"
    third = a_vehicle(vehicle_id="bus", evccid=None)
    assert recognised((*cars, third), a_feed("bus"), id_token=FAMILY_BADGE) is None


def test_badge_owner_and_the_car_itself_outrank_the_cloud() -> None:
    badged = a_vehicle(evccid=None, id_token="card 8"), NAMELESS[1]
    assert recognised(badged, a_feed("van"), id_token="card 8") == "car"
    assert recognised(NAMELESS, a_feed("van"), answer=an_answer("car")) == "car"
    assert recognised(NAMELESS, a_feed("van"), answer=an_answer(None)) is None
    assert recognised((a_vehicle(), NAMELESS[1]), a_feed("van"), evccid=EVCCID) == "car"


def test_a_cloud_never_names_a_car_that_another_name_excludes() -> None:
    van = a_vehicle(vehicle_id="van", evccid="0200000000BB", id_token="card 8")
    assert recognised((CAR, van), a_feed("van"), evccid="0200000000FF") is None
    assert recognised((CAR, van), a_feed("van"), id_token="another card") is None


def test_a_cloud_that_says_no_ends_the_owners_assumption() -> None:
    assumed = (a_vehicle(evccid=None, assumed_when_unidentified=True),)
    assert recognised(assumed) == "car"
    assert recognised(assumed, a_feed("car", since=None)) == "car"
    assert recognised(assumed, an_unplugged_feed("car")) is None


# Through decide.


def seen(
    *feeds: VehicleFeedStatus, vehicles: tuple[Vehicle, ...] = NAMELESS, **status: Any
) -> EvseDecision:
    plug = {"identity": None, **status}
    snapshot = a_snapshot(evses=(an_evse_status(**plug),), vehicle_feeds=feeds)
    return decided(snapshot, policy=a_policy(vehicles=vehicles))


def doubts(
    *feeds: VehicleFeedStatus,
    vehicles: tuple[Vehicle, ...] = NAMELESS,
    answers: tuple[CarAnswer, ...] = (),
    **status: Any,
) -> list[str]:
    plug = {"identity": None, **status}
    snapshot = a_snapshot(evses=(an_evse_status(**plug),), vehicle_feeds=feeds, answers=answers)
    _, decision = decide(a_memory(), snapshot, a_policy(vehicles=vehicles))
    return [
        one.detail.partition(";")[0]
        for one in decision.faults
        if one.code is FaultCode.VEHICLE_FEED
    ]


def test_a_car_that_its_cloud_named_may_discharge_and_a_guest_may_not() -> None:
    assert "identity" not in rules_of(seen(a_feed()))
    assert "identity" in rules_of(seen(an_unplugged_feed()))


def test_only_cars_whose_cloud_does_not_deny_it_are_asked_for() -> None:
    assert seen().candidates == ("car", "van")
    assert seen(an_unplugged_feed("car")).candidates == ("van",)
    assert seen(a_feed("van")).candidates == ()


def test_a_car_stays_known_over_a_restart_while_its_cloud_says_that_it_is_plugged_in() -> None:
    """The feed began anew, and the badge names two cars: what the ledger says still holds."""
    cars = (CAR, VAN)
    status = an_evse_status(identity=VehicleIdentity(id_token=FAMILY_BADGE), plugged_in_at_utc=None)

    def after_restart(*feeds: VehicleFeedStatus) -> str | None:
        snapshot = a_snapshot(evses=(status,), vehicle_feeds=feeds)
        memory = a_memory(vehicle_id="van")
        return decided(snapshot, policy=a_policy(vehicles=cars), memory=memory).vehicle_id

    still = a_feed("van", since=None, opposite_at=None)
    assert after_restart(still) == "van"
    assert after_restart() is None
    assert after_restart(an_unplugged_feed("van")) is None


def test_a_car_that_named_itself_is_a_guest_once_its_cloud_says_no() -> None:
    memory = a_memory(vehicle_id="car")
    policy = a_policy(vehicles=NAMELESS)

    def kept(*feeds: VehicleFeedStatus) -> str | None:
        snapshot = a_snapshot(evses=(an_evse_status(identity=None),), vehicle_feeds=feeds)
        return decided(snapshot, policy=policy, memory=memory).vehicle_id

    assert kept() == "car"
    assert kept(a_feed("car"), a_feed("van")) is None
    assert kept(an_unplugged_feed("car")) is None


def test_what_speaks_against_a_badge_is_a_fault_and_changes_nothing() -> None:
    badged = a_vehicle(evccid=None, id_token="card 8"), NAMELESS[1]
    shown: dict[str, Any] = {"identity": VehicleIdentity(id_token="card 8"), "vehicles": badged}
    assert doubts(an_unplugged_feed("car"), **shown) == [
        "the car is named car, and its own feed says that it is unplugged"
    ]
    assert doubts(an_unplugged_feed("car"), a_feed("van"), **shown) == [
        "the car is named car, and the feed of van saw it plugged in"
    ]
    assert doubts(a_feed("car"), an_unplugged_feed("van"), **shown) == []
    assert seen(an_unplugged_feed("car"), **shown).vehicle_id == "car"


def test_neither_the_owners_word_nor_the_cars_own_is_doubted() -> None:
    assert doubts(an_unplugged_feed("car"), answers=(an_answer("car"),)) == []
    own = (a_vehicle(), NAMELESS[1])
    named = VehicleIdentity(evccid=EVCCID)
    assert doubts(an_unplugged_feed("car"), a_feed("van"), vehicles=own, identity=named) == []


@pytest.mark.parametrize(
    ("feeds", "said"),
    [
        (
            (a_feed("car"), a_feed("van")),
            ["the feeds of car and van both saw their car plugged in"],
        ),
        (
            (an_unplugged_feed("car", trouble="https://c.example answers HTTP 401"),),
            [],  # it denied lately, so it is no candidate
        ),
        (
            (a_feed("car", since=None, trouble="https://c.example does not answer"),),
            ["the feed of car: https://c.example does not answer"],
        ),
        (
            (an_unplugged_feed("car", observed_at=ago(3800.0)),),
            ["the feed of car has told nothing new since the plug-in"],
        ),
        ((an_unplugged_feed("car"), an_unplugged_feed("van")), []),
        ((a_feed("van"),), []),
    ],
)
def test_where_the_feeds_leave_the_question_open_the_fault_says_why(
    feeds: tuple[VehicleFeedStatus, ...], said: list[str]
) -> None:
    assert doubts(*feeds) == said


def test_a_feed_in_trouble_matters_only_while_its_car_may_be_the_one() -> None:
    silent = a_feed("car", since=None, trouble="https://c.example does not answer")
    assert doubts(silent, plugged_in=False, session_id=None) == []
    assert doubts(silent, a_feed("van")) == []
    assert doubts(silent, identity=VehicleIdentity(evccid="0200000000FF")) != []
    foreign = VehicleIdentity(evccid="0200000000FF")
    assert doubts(silent, vehicles=(a_vehicle(), NAMELESS[1]), identity=foreign) == []
