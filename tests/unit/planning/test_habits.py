"""Habits: what regular and irregular drivers teach, worked by hand where it can be."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from tests.unit.planning.problems import START_UTC
from v2g_daemon.domain.plan import PastStay
from v2g_daemon.planning.habits import (
    PRIOR_CHANCE,
    Habits,
    habits_of,
)
from v2g_daemon.planning.wall import QUARTERS, Steps

ZONE = "Europe/Amsterdam"
MONDAY_UTC = datetime(2024, 1, 7, 23, tzinfo=START_UTC.tzinfo)  # 0:00 on Monday in Amsterdam


def nights(weeks: int, *, trip_wh: float = 8000.0) -> list[PastStay]:
    """Plugged in from 18:00 to 7:30 on the nights before working days."""
    found = []
    for day in range(7 * weeks):
        if day % 7 < 5:
            evening = MONDAY_UTC + timedelta(days=day - 1, hours=18)
            left = evening + timedelta(hours=13, minutes=30)
            found.append(PastStay(plugged_in_utc=evening, plugged_out_utc=left, trip_wh=trip_wh))
    return found


def learned(stays: list[PastStay], *, days: int) -> Habits:
    habits = habits_of(
        stays,
        now_utc=MONDAY_UTC + timedelta(days=days),
        timezone_name=ZONE,
        capacity_wh=60_000.0,
    )
    assert habits is not None
    return habits


def test_nothing_is_learned_from_no_stay() -> None:
    assert habits_of([], now_utc=START_UTC, timezone_name=ZONE, capacity_wh=60_000.0) is None


def test_a_regular_driver_is_expected_to_leave_when_he_always_does() -> None:
    habits = learned(nights(8), days=56)
    tuesday = habits.leaves[QUARTERS : 2 * QUARTERS]
    still_here = np.cumprod(1.0 - tuesday)
    # 7:30 is the end of quarter hour 29.
    assert 4 * 7 <= int(np.argmax(still_here < 0.5)) <= 4 * 7 + 3
    assert tuesday[4 * 3] < 0.01
    stays_until_seven = np.prod(1.0 - tuesday[: 4 * 6])
    assert stays_until_seven > 0.9
    gone_by_nine = 1.0 - np.prod(1.0 - tuesday[: 4 * 9])
    assert gone_by_nine > 0.8


def test_a_regular_driver_is_expected_back_in_the_evening() -> None:
    habits = learned(nights(8), days=56)
    tuesday = habits.returns[QUARTERS : 2 * QUARTERS]
    away_still = np.cumprod(1.0 - tuesday[4 * 8 :])
    assert 4 * 18 - 2 <= 4 * 8 + int(np.argmax(away_still < 0.5)) <= 4 * 18 + 2
    assert np.prod(1.0 - tuesday[4 * 9 : 4 * 16]) > 0.9


def test_the_weekend_is_told_apart_from_working_days() -> None:
    habits = learned(nights(8), days=56)
    saturday, tuesday = 5 * QUARTERS + 4 * 7 + 1, QUARTERS + 4 * 7 + 1
    assert habits.leaves[saturday] < habits.leaves[tuesday]


def test_where_nothing_was_seen_a_change_comes_every_other_day() -> None:
    habits = learned([PastStay(plugged_in_utc=MONDAY_UTC, plugged_out_utc=None)], days=0)
    assert habits.leaves == pytest.approx(np.full(7 * QUARTERS, PRIOR_CHANCE))
    assert habits.returns == pytest.approx(np.full(7 * QUARTERS, PRIOR_CHANCE))


def test_a_driver_with_one_trip_takes_that() -> None:
    trips = learned(nights(1, trip_wh=9500.0), days=7).trips
    assert trips.energy_wh == pytest.approx([9500.0] * 5)
    assert trips.weight.sum() == pytest.approx(1.0)
    assert trips.typical_wh() == 9500.0


def test_without_a_known_trip_shares_of_the_pack_stand_in() -> None:
    stays = [PastStay(plugged_in_utc=MONDAY_UTC, plugged_out_utc=None)]
    assert learned(stays, days=0).trips.energy_wh == pytest.approx([7800.0, 16_200.0])


def test_new_trips_count_more() -> None:
    long_ago = nights(3, trip_wh=30_000.0)
    later = [
        PastStay(
            plugged_in_utc=stay.plugged_in_utc + timedelta(days=21),
            plugged_out_utc=stay.plugged_out_utc and stay.plugged_out_utc + timedelta(days=21),
            trip_wh=5000.0,
        )
        for stay in nights(9)
    ]
    trips = learned([*long_ago, *later], days=84).trips
    assert trips.energy_wh == pytest.approx([5000.0] * 5)


def test_trips_of_all_sizes_are_as_likely_as_each_other() -> None:
    stays = [
        replace(stay, trip_wh=1000.0 * (1 + number % 4)) for number, stay in enumerate(nights(20))
    ]
    trips = learned(stays, days=140).trips
    assert trips.weight == pytest.approx([0.2] * 5)
    assert trips.energy_wh.tolist() == sorted(trips.energy_wh.tolist())
    assert trips.energy_wh[0] < 1500.0
    assert trips.energy_wh[-1] > 3500.0


def test_how_much_of_the_time_it_is_plugged_in_is_told() -> None:
    twelve_of_every_24_hours = [
        PastStay(
            plugged_in_utc=MONDAY_UTC + timedelta(days=day),
            plugged_out_utc=MONDAY_UTC + timedelta(days=day, hours=12),
        )
        for day in range(4)
    ]
    assert learned(twelve_of_every_24_hours, days=4).plugged_share == pytest.approx(0.5)
    still_here = [PastStay(plugged_in_utc=MONDAY_UTC, plugged_out_utc=None)]
    assert learned(still_here, days=3).plugged_share == 1.0


def test_a_long_step_holds_the_chances_of_its_quarter_hours() -> None:
    flat = Habits(
        leaves=np.full(7 * QUARTERS, 0.1),
        returns=np.full(7 * QUARTERS, 0.5),
        trips=learned(nights(1), days=7).trips,
        plugged_share=0.5,
    )
    steps = Steps.of((START_UTC, START_UTC + timedelta(minutes=15)), (900, 3600))
    leaves, returns = flat.over(steps, ZoneInfo(ZONE))
    assert leaves == pytest.approx([0.1, 1.0 - 0.9**4])
    assert returns == pytest.approx([0.5, 1.0 - 0.5**4])
