"""A cloud's answers, and what they add up to."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from v2g_daemon.adapters.vehicles.translate import Pointers, Told, followed, retry_after_s, told
from v2g_daemon.domain.errors import DeviceProtocolError
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.vehicle import VehicleFeedStatus

NOW = Instant(utc=datetime(2024, 12, 11, 18, 0, tzinfo=UTC), monotonic_s=1000.0)
BARE = Pointers(plugged_in="/charge/plugged_in")
STAMPED = Pointers(plugged_in="/plug", observed_at="/at")
WORDS = Pointers(
    plugged_in="/state", plugged_in_when=("on", "Charging", 2), unplugged_when=("off",)
)


def read(answer: Any, pointers: Pointers = BARE) -> Told:
    return told(json.dumps(answer).encode(), pointers=pointers, asked_at=NOW)


@pytest.mark.parametrize("plugged_in", [True, False])
def test_without_a_stamp_an_answer_is_of_when_it_was_asked_for(plugged_in: bool) -> None:
    assert read({"charge": {"plugged_in": plugged_in}}) == Told(
        plugged_in=plugged_in, observed_at=NOW, asked_at=NOW
    )


@pytest.mark.parametrize(
    ("word", "plugged_in"), [("on", True), ("CHARGING", True), (2, True), ("Off", False)]
)
def test_the_words_of_a_cloud_are_those_of_the_configuration(word: Any, plugged_in: bool) -> None:
    assert read({"state": word}, WORDS).plugged_in is plugged_in


@pytest.mark.parametrize(
    ("answer", "pointers", "said"),
    [
        ({"state": "unavailable"}, WORDS, "'unavailable' at /state is neither"),
        ({"state": True}, WORDS, "'True' at /state is neither"),
        ({"state": 2.5}, WORDS, "'2.5' at /state is neither"),
        ({"state": "x" * 99}, WORDS, f"'{'x' * 40}' at /state is neither"),
        ({"charge": {"plugged_in": 1}}, BARE, "'1' at /charge/plugged_in is neither"),
        ({"charge": {"plugged_in": "true"}}, BARE, "'true' at /charge/plugged_in is neither"),
        ({"charge": {}}, BARE, "there is nothing at /charge/plugged_in"),
        ([], BARE, "there is nothing at /charge/plugged_in"),
        ({"plug": True}, STAMPED, "there is no time at /at"),
        ({"plug": True, "at": "2024-12-11T18:00:00"}, STAMPED, "there is no time at /at"),
        ({"plug": True, "at": "yesterday"}, STAMPED, "there is no time at /at"),
        ({"plug": True, "at": True}, STAMPED, "there is no time at /at"),
        ({"plug": True, "at": 7}, STAMPED, "there is no time at /at"),
        ({"plug": True, "at": 10**400}, STAMPED, "there is no time at /at"),
        ({"plug": True, "at": "2024-12-11T18:02:01Z"}, STAMPED, "at /at lies 121 s ahead"),
    ],
)
def test_what_says_neither_is_no_answer(answer: Any, pointers: Pointers, said: str) -> None:
    with pytest.raises(DeviceProtocolError, match=said):
        read(answer, pointers)


@pytest.mark.parametrize("text", [b"<html>", b"", b"\xff", b"[" * 100_000])
def test_what_is_no_json_is_told(text: bytes) -> None:
    with pytest.raises(DeviceProtocolError, match="no JSON"):
        told(text, pointers=BARE, asked_at=NOW)


@pytest.mark.parametrize(
    "stamp",
    [
        "2024-12-11T17:50:00Z",
        "2024-12-11T18:50:00+01:00",
        1733939400,
        1733939400.0,
        "1733939400",
        1733939400000,
    ],
)
def test_a_stamp_is_a_time_with_its_offset_or_counts_from_1970(stamp: Any) -> None:
    assert read({"plug": True, "at": stamp}, STAMPED).observed_at == NOW.later(-600.0)


def test_a_stamp_a_little_ahead_of_our_clock_is_now() -> None:
    assert read({"plug": True, "at": "2024-12-11T18:01:59Z"}, STAMPED).observed_at == NOW


# Answer by answer.


def an_answer(minute: float, *, plugged_in: bool, of_minute: float | None = None) -> Told:
    of = minute if of_minute is None else of_minute
    return Told(
        plugged_in=plugged_in, observed_at=NOW.later(60.0 * of), asked_at=NOW.later(60.0 * minute)
    )


def after(*answers: Told) -> VehicleFeedStatus:
    status = VehicleFeedStatus(vehicle_id="car")
    for one in answers:
        status = followed(status, one)
    return status


def minutes(at: Instant | None) -> float | None:
    return None if at is None else at.seconds_since(NOW) / 60.0


def test_a_change_is_dated_by_its_first_answer_and_the_last_one_of_the_opposite() -> None:
    status = after(
        an_answer(0, plugged_in=False),
        an_answer(15, plugged_in=False),
        an_answer(30, plugged_in=True, of_minute=22),
        an_answer(45, plugged_in=True),
    )
    assert (status.plugged_in, minutes(status.since), minutes(status.opposite_at)) == (True, 22, 15)
    assert (minutes(status.observed_at), minutes(status.asked_at)) == (45, 45)


def test_what_was_said_ever_since_we_ask_has_no_beginning() -> None:
    status = after(an_answer(0, plugged_in=True), an_answer(15, plugged_in=True))
    assert (status.since, status.opposite_at) == (None, None)


def test_an_answer_of_before_what_is_known_says_nothing_new() -> None:
    """Two machines of one cloud: the slower one still has the car on the road."""
    status = after(
        an_answer(0, plugged_in=False),
        an_answer(15, plugged_in=True, of_minute=14),
        an_answer(20, plugged_in=False, of_minute=3),
    )
    assert (status.plugged_in, minutes(status.since), minutes(status.asked_at)) == (True, 14, 20)


def test_an_answer_ends_the_trouble() -> None:
    troubled = VehicleFeedStatus(vehicle_id="car", trouble="no answer")
    assert followed(troubled, an_answer(0, plugged_in=True)).trouble is None


@pytest.mark.parametrize(
    ("header", "date", "rest_s"),
    [
        (None, None, None),
        ("120", None, 120.0),
        (" 120 ", None, 120.0),
        ("9" * 400, None, 86_400.0),
        ("soon", None, None),
        ("-5", None, None),
        ("Wed, 11 Dec 2024 18:10:00 GMT", None, 600.0),
        ("Wed, 11 Dec 2024 18:10:00 GMT", "Wed, 11 Dec 2024 18:09:00 GMT", 60.0),
        ("Wed, 11 Dec 2024 17:00:00 GMT", None, 0.0),
        ("Wed, 11 Dec 2030 17:00:00 GMT", None, 86_400.0),
    ],
)
def test_a_service_may_say_how_long_to_leave_it_alone(
    header: str | None, date: str | None, rest_s: float | None
) -> None:
    assert retry_after_s(header, date=date, now_utc=NOW.utc) == rest_s
