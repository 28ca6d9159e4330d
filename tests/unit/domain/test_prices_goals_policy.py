"""Price curves with gaps, weekly departures in local time, and lookups by name."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from tests.builders import NOW, a_memory, a_policy, a_price_curve, in_hours
from v2g_daemon.domain.errors import ConfigurationError, DeviceRejectedCommand, V2gDaemonError
from v2g_daemon.domain.goals import WeeklyDeparture, WeeklySchedule
from v2g_daemon.domain.prices import PriceCurve


def at(moment_utc: datetime, curve: PriceCurve) -> float | None:
    slot = curve.at(moment_utc)
    return None if slot is None else slot.import_per_kwh


def gapped() -> PriceCurve:
    """0.1, 0.2 from NOW, then an hour unknown, then 0.3."""
    late = a_price_curve([0.3], start_utc=in_hours(3.0))
    return PriceCurve(currency="EUR", slots=(*a_price_curve([0.1, 0.2]).slots, *late.slots))


def test_a_price_holds_from_its_start_until_before_its_end() -> None:
    curve = gapped()
    assert at(in_hours(0.0), curve) == 0.1
    assert at(in_hours(1.0), curve) == 0.2
    assert at(in_hours(1.999), curve) == 0.2


@pytest.mark.parametrize("hours", [-0.001, 2.0, 2.9, 4.0])
def test_outside_and_in_gaps_the_price_is_unknown_not_0(hours: float) -> None:
    assert at(in_hours(hours), gapped()) is None


def test_known_until_ends_at_the_first_gap() -> None:
    curve = gapped()
    assert curve.known_until(in_hours(0.5)) == in_hours(2.0)
    assert curve.known_until(in_hours(3.5)) == in_hours(4.0)
    assert curve.known_until(in_hours(2.5)) == in_hours(2.5)
    assert curve.known_until(in_hours(-1.0)) == in_hours(-1.0)
    assert PriceCurve(currency="EUR", slots=()).known_until(NOW.utc) == NOW.utc


def test_overlapping_slots_are_refused() -> None:
    slots = a_price_curve([0.1, 0.2]).slots
    with pytest.raises(ValueError, match="overlap"):
        PriceCurve(currency="EUR", slots=slots[::-1])


def departure(**changes: Any) -> WeeklyDeparture:
    given: dict[str, Any] = {
        "vehicle_id": "car",
        "weekdays": (0, 1, 2, 3, 4),
        "ready_by": time(7, 30),
        "returns_at": time(17, 30),
        "soc": 0.6,
        "energy_wh": None,
        "trip_wh": 9000.0,
    }
    return WeeklyDeparture(**{**given, **changes})


def upcoming(*departures: WeeklyDeparture, days: int = 2, after: datetime = NOW.utc) -> list[Any]:
    schedule = WeeklySchedule(timezone="Europe/Amsterdam", departures=departures)
    return list(schedule.upcoming("car", after_utc=after, horizon=timedelta(days=days)))


def test_departures_come_in_order_within_the_horizon() -> None:
    # NOW is a Wednesday evening.
    late = departure(ready_by=time(22, 0), returns_at=time(6, 0), soc=0.4)
    found = upcoming(departure(), late)
    assert [goal.ready_by_utc for goal in found] == [
        datetime(2024, 12, 11, 21, 0, tzinfo=UTC),
        datetime(2024, 12, 12, 6, 30, tzinfo=UTC),
        datetime(2024, 12, 12, 21, 0, tzinfo=UTC),
        datetime(2024, 12, 13, 6, 30, tzinfo=UTC),
    ]
    assert found[0].returns_at_utc == datetime(2024, 12, 12, 5, 0, tzinfo=UTC)
    assert found[1].returns_at_utc == datetime(2024, 12, 12, 16, 30, tzinfo=UTC)
    assert (found[1].soc, found[1].trip_wh) == (0.6, 9000.0)


def test_weekends_and_other_cars_have_none() -> None:
    friday_evening = datetime(2024, 12, 13, 18, 0, tzinfo=UTC)
    assert upcoming(departure(), after=friday_evening) == []
    assert upcoming(departure(vehicle_id="van")) == []


def test_the_moment_of_departure_is_past() -> None:
    at_departure = datetime(2024, 12, 12, 6, 30, tzinfo=UTC)
    assert [
        goal.ready_by_utc.day for goal in upcoming(departure(), days=1, after=at_departure)
    ] == [13]


def test_wall_time_keeps_its_meaning_over_a_change_of_the_clocks() -> None:
    saturday = datetime(2024, 3, 30, 12, 0, tzinfo=UTC)
    sunday, monday = upcoming(departure(weekdays=(6, 0)), after=saturday)
    assert sunday.ready_by_utc == datetime(2024, 3, 31, 5, 30, tzinfo=UTC)
    assert monday.ready_by_utc == datetime(2024, 4, 1, 5, 30, tzinfo=UTC)


def test_a_trip_without_return_has_none() -> None:
    assert upcoming(departure(returns_at=None))[0].returns_at_utc is None


def test_a_policy_knows_its_evses_and_vehicles_by_name() -> None:
    policy = a_policy()
    assert policy.evse("carport").max_charge_w == 7400.0
    assert policy.vehicle("car").capacity_wh == 60_000.0
    with pytest.raises(KeyError):
        policy.evse("garage")
    with pytest.raises(KeyError):
        policy.vehicle("van")


def test_memory_of_a_new_evse_is_empty() -> None:
    memory = a_memory(-100.0)
    assert memory.of("carport").last is not None
    assert memory.of("garage").last is None
    assert memory.of("garage").evse_id == "garage"


def test_every_error_raised_on_purpose_has_one_root() -> None:
    assert issubclass(ConfigurationError, V2gDaemonError)
    assert issubclass(DeviceRejectedCommand, V2gDaemonError)
