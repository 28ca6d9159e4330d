"""Stays out of a weekly schedule, and the load that stands in for a measured one."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from tests.builders import a_vehicle
from v2g_daemon.domain.goals import WeeklyDeparture, WeeklySchedule
from v2g_daemon.domain.interval import Interval
from v2g_daemon.rehearsal.days import Stay
from v2g_daemon.rehearsal.schedule_stays import scheduled_stays
from v2g_daemon.rehearsal.standard_load import standard_load_w

MONDAY_UTC = datetime(2024, 1, 7, 23, tzinfo=UTC)  # midnight in Amsterdam


def departing(**changes: Any) -> WeeklySchedule:
    usual: dict[str, Any] = {
        "vehicle_id": a_vehicle().vehicle_id,
        "weekdays": (0, 1, 2, 3, 4),
        "ready_by": time(7, 30),
        "returns_at": time(17, 30),
        "soc": 0.6,
        "energy_wh": None,
        "trip_wh": 9000.0,
    }
    departure = WeeklyDeparture(**{**usual, **changes})
    return WeeklySchedule(timezone="Europe/Amsterdam", departures=(departure,))


def days(count: int, start_utc: datetime = MONDAY_UTC) -> Interval:
    return Interval(start_utc=start_utc, end_utc=start_utc + timedelta(days=count))


def test_the_car_is_home_from_each_return_to_the_next_departure() -> None:
    car = a_vehicle(capacity_wh=50_000.0)
    assert scheduled_stays(departing(), car, days(2)) == (
        Stay(first=0, end=30, trip_wh=0.0, target_wh=30_000.0),
        Stay(first=70, end=96 + 30, trip_wh=9000.0, target_wh=30_000.0),
        Stay(first=96 + 70, end=192, trip_wh=9000.0, target_wh=None),
    )


def test_times_between_the_quarter_hours_make_a_stay_shorter() -> None:
    schedule = departing(ready_by=time(7, 40), returns_at=time(17, 20))
    stays = scheduled_stays(schedule, a_vehicle(), days(1))
    assert [(one.first, one.end) for one in stays] == [(0, 30), (70, 96)]


def test_a_weekend_at_home_is_one_long_stay() -> None:
    friday_utc = MONDAY_UTC + timedelta(days=4)
    stays = scheduled_stays(departing(), a_vehicle(), days(4, friday_utc))
    assert [(one.first, one.end) for one in stays] == [(0, 30), (70, 3 * 96 + 30), (358, 384)]


def test_a_goal_in_energy_is_wanted_above_the_floor() -> None:
    car = a_vehicle(capacity_wh=50_000.0, soc_floor=0.3)
    schedule = departing(soc=None, energy_wh=12_000.0)
    assert scheduled_stays(schedule, car, days(1))[0].target_wh == 27_000.0


def test_a_departure_that_never_returns_is_refused() -> None:
    with pytest.raises(ValueError, match="the departure at Monday 06:30 UTC never returns"):
        scheduled_stays(departing(returns_at=None), a_vehicle(), days(1))


def test_the_standard_load_holds_its_energy_in_a_year_and_peaks_in_winter_evenings() -> None:
    start_utc = datetime(2023, 12, 31, 23, tzinfo=UTC)
    load_w = standard_load_w(days(364, start_utc), timezone="Europe/Amsterdam", kwh_a_year=3500.0)
    assert sum(load_w) / 4.0 / 1000.0 == pytest.approx(3500.0 * 364 / 365, rel=0.005)
    january = load_w[:96]
    assert max(january) == january[19 * 4]
    assert min(january) == january[3 * 4]
    assert january[19 * 4] > 1.3 * load_w[182 * 96 + 19 * 4]
