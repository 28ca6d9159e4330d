"""Comings and goings of simulated cars."""

from __future__ import annotations

from datetime import UTC, datetime, time
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

from simulators.recorded import resolve
from simulators.vehicle import Movement, WeeklyTrip, recorded_events, weekly_events

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
COMMUTE = WeeklyTrip(
    timezone=AMSTERDAM,
    weekdays=frozenset({0, 1, 2, 3, 4}),
    departure=time(7, 30),
    returns=time(17, 30),
    trip_wh=9000.0,
    needed_soc=0.6,
)


def at_s(text: str) -> float:
    """Seconds since the epoch of an ISO stamp."""
    return datetime.fromisoformat(text).timestamp()


def test_a_weekly_trip_follows_local_wall_time_through_the_clock_change() -> None:
    # Friday 2024-10-25 is summer time, Monday 2024-10-28 is not.
    events = list(islice(COMMUTE.events(at_s("2024-10-25T00:00:00+02:00")), 4))
    stamps = [datetime.fromtimestamp(e.at_s, tz=UTC).isoformat() for e in events]
    assert stamps == [
        "2024-10-25T05:30:00+00:00",
        "2024-10-25T15:30:00+00:00",
        "2024-10-28T06:30:00+00:00",
        "2024-10-28T16:30:00+00:00",
    ]
    assert [e.movement for e in events[:2]] == [Movement.DEPARTS, Movement.RETURNS]


def test_a_start_in_the_middle_of_a_trip_begins_with_its_return() -> None:
    first = next(COMMUTE.events(at_s("2024-12-11T12:00:00+01:00")))
    assert (first.movement, first.at_s) == (Movement.RETURNS, at_s("2024-12-11T17:30:00+01:00"))


def test_an_event_at_the_start_itself_is_in_the_past() -> None:
    first = next(COMMUTE.events(at_s("2024-12-11T17:30:00+01:00")))
    assert first.at_s == at_s("2024-12-12T07:30:00+01:00")


def test_a_night_shift_returns_the_next_day() -> None:
    night = WeeklyTrip(
        timezone=AMSTERDAM,
        weekdays=frozenset({0}),
        departure=time(21, 0),
        returns=time(6, 0),
        trip_wh=5000.0,
        needed_soc=None,
    )
    merged = islice(weekly_events([COMMUTE, night], at_s("2024-12-09T20:00:00+01:00")), 2)
    assert [e.at_s for e in merged] == [
        at_s("2024-12-09T21:00:00+01:00"),
        at_s("2024-12-10T06:00:00+01:00"),
    ]


def test_recorded_sessions_alternate_and_carry_their_energy() -> None:
    path = resolve("demo:ev_sessions_no_home_2018_2020.csv.gz", Path())
    start_s = at_s("2018-12-21T09:00:00+00:00")
    first_two = list(islice(recorded_events(path, user="AdO3-4", shift_s=0.0, after_s=start_s), 2))
    assert [e.movement for e in first_two] == [Movement.RETURNS, Movement.DEPARTS]
    assert first_two[0].at_s == at_s("2018-12-21T09:20:00+00:00")
    assert first_two[0].trip_wh == 300.0
