"""What was known when: prices by publication, through days of 92, 96 and 100 quarter hours."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any

import pytest

from tests.unit.rehearsal.toys import START_UTC, days_of, stay
from v2g_daemon.rehearsal.days import Days
from v2g_daemon.rehearsal.knowledge import known_prices, told_goal

DAY = 96
PUBLISHED = time(13)


def hourly(count: int, **changes: Any) -> Days:
    """Prices of 0.01 per hour of the run, so that each hour has one of its own."""
    return days_of([0.01 * (slot // 4) for slot in range(count)], **changes)


def test_in_the_morning_today_is_known_and_from_thirteen_on_tomorrow_too() -> None:
    known = known_prices(hourly(4 * DAY), published=PUBLISHED)
    assert known.until[0] == DAY
    assert known.until[13 * 4 - 1] == DAY
    assert known.until[13 * 4] == 2 * DAY
    assert known.until[DAY] == 2 * DAY


def test_the_last_days_know_no_more_than_there_is() -> None:
    known = known_prices(hourly(2 * DAY + 10), published=PUBLISHED)
    assert known.until[-1] == 2 * DAY + 10


@pytest.mark.parametrize(
    ("day", "slots"),
    [
        (datetime(2024, 3, 30, 23, tzinfo=UTC), 92),  # 31 March has 23 hours
        (datetime(2024, 10, 26, 22, tzinfo=UTC), 100),  # 27 October has 25
    ],
)
def test_a_day_that_the_clock_cuts_or_stretches_is_known_to_its_own_midnight(
    day: datetime, slots: int
) -> None:
    known = known_prices(hourly(3 * DAY, start_utc=day), published=PUBLISHED)
    assert known.until[0] == slots
    # 13:00 by the wall clock, an hour nearer to or further from midnight.
    thirteen = 13 * 4 + slots - DAY
    assert known.until[thirteen - 1] == slots
    assert known.until[thirteen] == slots + DAY


def test_whoever_starts_in_the_afternoon_knows_tomorrow() -> None:
    days = hourly(3 * DAY, start_utc=datetime(2024, 1, 1, 15, tzinfo=UTC))  # 16:00 in Amsterdam
    known = known_prices(days, published=PUBLISHED)
    assert known.until[0] == 8 * 4 + DAY


def test_a_curve_holds_what_is_known_and_nothing_beyond() -> None:
    curve = known_prices(hourly(4 * DAY), published=PUBLISHED).curve(0)
    assert len(curve.slots) == 24
    assert curve.slots[-1].interval.end_utc == datetime(2024, 1, 2, 23, tzinfo=UTC)
    assert curve.slots[5].import_per_kwh == 0.05


def test_prices_that_hold_for_good_are_known_to_the_end_and_held_for_days() -> None:
    known = known_prices(hourly(30 * DAY), published=None)
    assert set(known.until) == {30 * DAY}
    assert known.held[0] == 4 * DAY
    assert known.held[DAY] == 5 * DAY
    assert known.curve(0).slots[-1].interval.end_utc == datetime(2024, 1, 5, 23, tzinfo=UTC)


def test_equal_neighbours_are_one_slot_but_never_over_midnight() -> None:
    curve = known_prices(days_of([0.30] * (2 * DAY)), published=PUBLISHED).curve(14 * 4)
    assert [slot.interval.seconds_s for slot in curve.slots] == [86_400.0, 86_400.0]


def test_a_curve_remembers_the_last_days() -> None:
    curve = known_prices(hourly(20 * DAY), published=PUBLISHED).curve(18 * DAY)
    assert curve.slots[0].interval.start_utc == datetime(2024, 1, 4, 23, tzinfo=UTC)


def test_a_departure_is_told_with_its_target_or_the_floor() -> None:
    days = hourly(DAY)
    goal = told_goal(days, stay(4, 32, target_wh=30_000.0), pack_wh=60_000.0, floor_wh=12_000.0)
    assert (goal.ready_by_utc, goal.soc) == (datetime(2024, 1, 2, 7, tzinfo=UTC), 0.5)
    open_end = told_goal(days, stay(4, 32), pack_wh=60_000.0, floor_wh=12_000.0)
    assert open_end.soc == 0.2
    assert days.start_utc == START_UTC


def test_a_real_time_price_is_known_in_its_own_interval_and_the_last_hour_settles() -> None:
    days = days_of([0.10, 0.10, 17.5, 0.10] * 12, slot_s=300)
    known = known_prices(days, published=None, real_time_s=300)
    assert known.until[20:23] == (21, 22, 23)
    curve = known.curve(22)
    assert curve.real_time_s == 300
    assert curve.slots[-1].interval.end_utc == days.utc(23)
    assert curve.slots[-1].import_per_kwh == 17.5
    assert curve.slots[0].interval.start_utc == days.utc(22 - 12)
    assert curve.at(days.utc(23)) is None


def test_an_interval_of_several_slots_is_known_from_its_first_slot_on() -> None:
    known = known_prices(days_of([0.10] * 12, slot_s=300), published=None, real_time_s=900)
    assert known.until == (3, 3, 3, 6, 6, 6, 9, 9, 9, 12, 12, 12)


def test_a_price_that_is_told_late_is_not_known_before() -> None:
    days = days_of([0.10] * 5 + [17.5] * 5 + [0.10] * 5, slot_s=60)
    known = known_prices(days, published=None, real_time_s=300, told_after_s=60)
    assert known.until[5:8] == (5, 10, 10)
    assert known.curve(5).at(days.utc(5)) is None
    found = known.curve(6).at(days.utc(6))
    assert found is not None
    assert found.import_per_kwh == 17.5
    assert known.curve(0).slots == ()
