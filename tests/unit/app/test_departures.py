"""Departures in the owner's words: needs, wall times, and what comes back as a sentence."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.builders import NOW, a_policy, a_told_departure, a_vehicle, an_evse_status, in_hours
from tests.unit.step.news import played, some_news
from v2g_daemon.app.departures import MOST_TOLD, DepartureDesk
from v2g_daemon.app.plans import PlanDesk
from v2g_daemon.app.status_text import status_text
from v2g_daemon.domain.goals import ToldDeparture
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.snapshot import RecordingHealth
from v2g_daemon.runtime.latest_values import LatestValues

HEALTH = RecordingHealth(last_durable_at=None, queue_full=False, records_lost=0)
CAR = a_vehicle(consumption_wh_per_km=200.0, consumption_margin_fraction=0.25)
POLICY = a_policy(vehicles=(CAR,))


class Desk:
    """A desk that has seen one tick, at 18:00 on a Wednesday in Amsterdam."""

    def __init__(
        self,
        policy: Policy = POLICY,
        *,
        plugged_in: bool = True,
        told: tuple[ToldDeparture, ...] = (),
    ) -> None:
        self.latest = LatestValues(evse_ids=["carport"], told=told)
        self.desk = DepartureDesk(policy=policy, sink=self.latest)
        status = an_evse_status(plugged_in=plugged_in)
        _, (self.outcome,) = played([some_news(evses=(status,), told=told)], policy=policy)
        self.desk.see(self.outcome)

    def tell(self, **said: str) -> str:
        nothing: dict[str, Any] = dict.fromkeys(
            ("vehicle_id", "leaves_at", "returns_at", "need", "trip")
        )
        detail: str = self.desk.tell(**nothing | said)["detail"]
        return detail

    @property
    def told(self) -> tuple[ToldDeparture, ...]:
        return self.latest.freeze(now=NOW, clock_trusted=True, recording=HEALTH).told


def test_the_desks_hour() -> None:
    assert NOW.utc == datetime(2024, 12, 11, 18, 0, tzinfo=UTC)


def test_a_distance_by_a_wall_time_is_a_goal_above_the_floor() -> None:
    desk = Desk()
    # 72 km at 250 Wh/km are 18 kWh above the 30 % of 60 kWh.
    assert desk.tell(leaves_at="07:30", need="72 km") == "leaves Thu 12 Dec 07:30 with 60 %"
    (told,) = desk.told
    assert told.goal.ready_by_utc == datetime(2024, 12, 12, 6, 30, tzinfo=UTC)
    assert told.goal.soc == pytest.approx(0.6)
    assert told.goal.energy_wh == pytest.approx(18_000.0)
    assert told.told_at_utc == NOW.utc


def test_a_trip_says_when_it_is_back_and_what_it_takes() -> None:
    said = Desk().tell(leaves_at="2024-12-13T08:00", returns_at="2024-12-13T17:00", trip="48 km")
    assert (
        said == "leaves Fri 13 Dec 08:00 with 50 %, back Fri 13 Dec 17:00, the trip takes 9.6 kWh"
    )


def test_a_distance_beyond_the_pack_says_what_is_lacking() -> None:
    said = Desk().tell(leaves_at="07:30", need="200 km")
    assert said == "leaves Thu 12 Dec 07:30 with 100 %; even full it lacks about 32 km"


def test_a_car_that_is_out_is_away_until_then() -> None:
    desk = Desk(plugged_in=False)
    assert desk.tell(returns_at="2024-12-24T18:00") == "away until Tue 24 Dec 18:00"
    (told,) = desk.told
    assert told.goal.ready_by_utc == NOW.utc
    assert told.ends_utc == datetime(2024, 12, 24, 17, 0, tzinfo=UTC)


def test_a_car_that_is_plugged_in_is_not_away_and_that_is_said() -> None:
    assert Desk().tell(returns_at="2024-12-24T18:00") == (
        "was to be away until Tue 24 Dec 18:00, but is plugged in: what is measured counts"
    )


def test_an_absence_is_over_by_itself() -> None:
    desk = Desk(plugged_in=False)
    desk.tell(returns_at="20:00")
    later = desk.latest.freeze(now=NOW.later(3600.0), clock_trusted=True, recording=HEALTH)
    assert later.told == ()


def test_what_was_told_can_be_taken_back() -> None:
    desk = Desk(told=(a_told_departure(),))
    assert desk.desk.take_back(vehicle_id=None) == {
        "vehicle_id": "car",
        "detail": "taken back: schedule and habits count again",
    }
    assert desk.told == ()
    assert Desk().desk.take_back(vehicle_id="car")["detail"] == "nothing was told"


def test_a_newer_word_on_the_same_departure_replaces_the_older() -> None:
    desk = Desk()
    desk.tell(leaves_at="07:30", need="80 %")
    desk.tell(leaves_at="2024-12-13T07:30", need="80 %")
    desk.tell(leaves_at="08:00", need="50 %")
    assert [(one.goal.ready_by_utc.day, one.goal.soc) for one in desk.told] == [
        (13, 0.8),
        (12, 0.5),
    ]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"leaves_at": "25:00"}, "'25:00' is no time; write \"07:30\""),
        ({"leaves_at": "tomorrow"}, "is no time"),
        ({"leaves_at": "7:3"}, "'7:3' is no time"),
        ({"leaves_at": "2024-12-24"}, 'is a day without a time; write "2024-12-24T18:00"'),
        ({"returns_at": "2024-12-24"}, "'2024-12-24' is a day without a time"),
        ({"returns_at": "20241224"}, "'20241224' is a day .* \"2024-12-24T18:00\""),
        ({"leaves_at": "9999-12-31T23:59"}, "is more than 366 days ahead"),
        ({"leaves_at": "2024-12-11T19:00"}, "has passed; it is 2024-12-11 19:00"),
        ({"leaves_at": "07:30", "need": "far"}, "say it as"),
        ({"leaves_at": "07:30", "trip": "80 %"}, "is no trip; say it in km, miles or kWh"),
        ({"leaves_at": "07:30", "returns_at": "2024-12-12T07:00"}, "back before it leaves"),
        ({"need": "80 %"}, "say when it leaves"),
        ({"leaves_at": "07:30", "vehicle_id": "van"}, "name one of the cars: car"),
    ],
)
def test_what_cannot_be_is_refused_with_the_way_out(said: dict[str, str], why: str) -> None:
    desk = Desk()
    with pytest.raises(ValueError, match=why):
        desk.tell(**said)
    assert desk.told == ()


def test_a_distance_of_unknown_consumption_names_the_key() -> None:
    with pytest.raises(ValueError, match="consumption_wh_per_km"):
        Desk(a_policy()).tell(leaves_at="07:30", need="72 km")


def test_where_there_are_several_cars_one_is_named() -> None:
    two = replace(POLICY, vehicles=(CAR, a_vehicle(vehicle_id="van", evccid="0200000000BB")))
    with pytest.raises(ValueError, match="name one of the cars: car, van"):
        Desk(two).tell(leaves_at="07:30", need="50 %")
    desk = Desk(two)
    desk.tell(leaves_at="07:30", need="50 %", vehicle_id="van")
    assert desk.told[0].vehicle_id == "van"


def test_nobody_can_tell_without_end() -> None:
    many = tuple(a_told_departure(12.0 + 3.0 * number) for number in range(MOST_TOLD))
    with pytest.raises(ValueError, match="take them back first"):
        Desk(told=many).tell(leaves_at="2025-03-01T07:30")


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2025-03-30T02:30", datetime(2025, 3, 30, 1, 30, tzinfo=UTC)),  # a skipped hour
        ("2025-10-26T02:30", datetime(2025, 10, 26, 0, 30, tzinfo=UTC)),  # the first of two
        ("2025-10-26T02:30+01:00", datetime(2025, 10, 26, 1, 30, tzinfo=UTC)),
        ("2025-07-01T07:30", datetime(2025, 7, 1, 5, 30, tzinfo=UTC)),
        ("2025-07-01T7:30", datetime(2025, 7, 1, 5, 30, tzinfo=UTC)),
        ("7:30", datetime(2024, 12, 12, 6, 30, tzinfo=UTC)),
        ("19:01", datetime(2024, 12, 11, 18, 1, tzinfo=UTC)),
        ("19:00", datetime(2024, 12, 12, 18, 0, tzinfo=UTC)),
    ],
)
def test_times_are_the_houses_wall_time(text: str, utc: datetime) -> None:
    desk = Desk()
    desk.tell(leaves_at=text, need="50 %")
    assert desk.told[0].goal.ready_by_utc == utc


def test_the_status_shows_what_was_told() -> None:
    told = (a_told_departure(0.0, 48.0),)
    plans = PlanDesk(policy=POLICY)
    plans.see(Desk(plugged_in=False, told=told).outcome)
    status = plans.status()
    assert status is not None
    assert status["departures"] == [{"vehicle_id": "car", "said": "away until Fri 13 Dec 19:00"}]
    assert "told     car: away until Fri 13 Dec 19:00" in status_text(status).splitlines()
    assert in_hours(48.0) == told[0].ends_utc


def test_before_the_first_tick_nothing_can_be_told() -> None:
    desk = DepartureDesk(policy=POLICY, sink=LatestValues(evse_ids=["carport"]))
    with pytest.raises(ValueError, match="not decided anything yet"):
        desk.take_back(vehicle_id=None)
