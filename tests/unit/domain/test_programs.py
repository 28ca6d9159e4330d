"""When a weekly commitment holds, by the clock on the wall."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from v2g_daemon.domain.interval import Interval
from v2g_daemon.domain.programs import WeeklyCommitment

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
WEEKDAYS = WeeklyCommitment(
    name="reserve",
    weekdays=(0, 1, 2, 3, 4),
    starts_at=time(17),
    ends_at=time(20),
    discharge_w=5000.0,
    sustained_s=3600.0,
    shortfall_per_kwh=0.5,
)


def span(*moments: tuple[int, int, int]) -> Interval:
    """January to December 2024: (month, day, hour) in UTC."""
    start, end = (datetime(2024, *moment, tzinfo=UTC) for moment in moments)
    return Interval(start_utc=start, end_utc=end)


def within(commitment: WeeklyCommitment, over: Interval) -> list[Interval]:
    return [one.interval for one in commitment.within(over, AMSTERDAM)]


def test_it_holds_on_its_weekdays_alone() -> None:
    # Friday the 12th of January to Monday: 17:00 in Amsterdam is 16:00 UTC.
    assert within(WEEKDAYS, span((1, 12, 0), (1, 16, 0))) == [
        span((1, 12, 16), (1, 12, 19)),
        span((1, 15, 16), (1, 15, 19)),
    ]


def test_one_that_has_begun_is_told_whole_and_one_that_is_over_is_not() -> None:
    assert within(WEEKDAYS, span((1, 12, 18), (1, 12, 20))) == [span((1, 12, 16), (1, 12, 19))]
    assert within(WEEKDAYS, span((1, 12, 19), (1, 12, 20))) == []
    assert within(WEEKDAYS, span((1, 12, 10), (1, 12, 16))) == []


def test_an_end_that_is_not_after_the_start_is_the_next_days() -> None:
    night = replace(WEEKDAYS, starts_at=time(22), ends_at=time(6))
    # The night from Friday is seen on Saturday morning, and Saturday has none.
    assert within(night, span((1, 13, 2), (1, 14, 12))) == [span((1, 12, 21), (1, 13, 5))]
    day = replace(WEEKDAYS, starts_at=time(0), ends_at=time(0))
    assert within(day, span((1, 9, 12), (1, 9, 13))) == [span((1, 8, 23), (1, 9, 23))]


def test_it_follows_the_clock_on_the_wall_over_a_change() -> None:
    daily = replace(WEEKDAYS, weekdays=(0, 1, 2, 3, 4, 5, 6))
    assert within(daily, span((3, 30, 12), (3, 31, 22))) == [
        span((3, 30, 16), (3, 30, 19)),
        span((3, 31, 15), (3, 31, 18)),
    ]


def test_a_commitment_that_a_change_of_the_clock_leaves_out_is_none() -> None:
    hour = replace(WEEKDAYS, weekdays=(6,), starts_at=time(2), ends_at=time(3))
    # On the 31st of March 02:00 is 03:00.
    assert within(hour, span((3, 30, 12), (3, 31, 12))) == []


def test_what_was_promised_goes_with_it() -> None:
    (one,) = WEEKDAYS.within(span((1, 12, 0), (1, 13, 0)), AMSTERDAM)
    assert (one.name, one.discharge_w, one.sustained_s, one.shortfall_per_kwh) == (
        "reserve",
        5000.0,
        3600.0,
        0.5,
    )
