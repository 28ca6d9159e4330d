"""Moments on two clocks, half-open intervals, and the few local-day rules."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from tests.builders import NOW, ago
from v2g_daemon.domain.instant import Instant, fresh
from v2g_daemon.domain.interval import (
    Interval,
    at_local,
    local_day,
    noon_day,
    quarter_hour_start,
    quarter_hours,
)

AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_an_instant_needs_aware_utc() -> None:
    for moment in (datetime(2024, 1, 1), datetime(2024, 1, 1, tzinfo=timezone(timedelta(hours=1)))):  # noqa: DTZ001
        with pytest.raises(ValueError, match="aware UTC"):
            Instant(utc=moment, monotonic_s=0.0)


def test_ages_use_the_monotonic_clock_only() -> None:
    # The wall clock was set back by an hour in between.
    earlier = Instant(utc=utc("2024-12-11T19:00"), monotonic_s=100.0)
    now = Instant(utc=utc("2024-12-11T18:00"), monotonic_s=103.0)
    assert now.seconds_since(earlier) == 3.0
    assert earlier.reached(now)
    assert not now.later(0.1).reached(now)


def test_later_moves_both_clocks() -> None:
    later = NOW.later(90.0)
    assert later.utc == utc("2024-12-11T18:01:30")
    assert later.monotonic_s == 10_090.0


@pytest.mark.parametrize(
    ("observed_at", "is_fresh"),
    [(NOW, True), (ago(5.0), True), (ago(5.001), False), (NOW.later(0.1), False), (None, False)],
)
def test_fresh_is_at_most_so_old_and_never_from_the_future(
    observed_at: Instant | None, *, is_fresh: bool
) -> None:
    assert fresh(observed_at, now=NOW, max_age_s=5.0) is is_fresh


def test_an_interval_is_half_open_and_in_utc() -> None:
    hour = Interval(start_utc=utc("2024-12-11T18:00"), end_utc=utc("2024-12-11T19:00"))
    assert hour.seconds_s == 3600.0
    assert hour.contains(utc("2024-12-11T18:00"))
    assert not hour.contains(utc("2024-12-11T19:00"))
    with pytest.raises(ValueError, match="ends before it starts"):
        Interval(start_utc=hour.end_utc, end_utc=hour.start_utc)
    with pytest.raises(ValueError, match="aware UTC"):
        Interval(start_utc=hour.start_utc.astimezone(AMSTERDAM), end_utc=hour.end_utc)


def test_a_quarter_hour_starts_on_the_grid() -> None:
    assert quarter_hour_start(utc("2024-12-11T18:29:59.9")) == utc("2024-12-11T18:15")


def test_the_quarter_hours_that_an_interval_touches() -> None:
    span = Interval(start_utc=utc("2024-12-11T18:10"), end_utc=utc("2024-12-11T18:31"))
    assert [q.start_utc.minute for q in quarter_hours(span)] == [0, 15, 30]


@pytest.mark.parametrize(
    ("day", "quarters"), [((2024, 3, 31), 92), ((2024, 6, 1), 96), ((2024, 10, 27), 100)]
)
def test_a_local_day_has_92_96_or_100_quarter_hours(
    day: tuple[int, int, int], quarters: int
) -> None:
    assert len(list(quarter_hours(local_day(date(*day), AMSTERDAM)))) == quarters


def test_of_a_repeated_hour_the_first_is_meant_and_a_skipped_one_comes_later() -> None:
    assert at_local(date(2024, 10, 27), time(2, 30), AMSTERDAM) == utc("2024-10-27T00:30")
    assert at_local(date(2024, 3, 31), time(2, 30), AMSTERDAM) == utc("2024-03-31T01:30")


def test_the_day_of_the_export_depth_runs_from_noon_to_noon() -> None:
    before, after = utc("2024-12-11T10:59"), utc("2024-12-11T11:00")  # noon is 11:00 UTC
    assert noon_day(before, AMSTERDAM).end_utc == utc("2024-12-11T11:00")
    assert noon_day(after, AMSTERDAM).start_utc == utc("2024-12-11T11:00")
    assert noon_day(utc("2024-03-30T20:00"), AMSTERDAM).seconds_s == 23 * 3600.0
