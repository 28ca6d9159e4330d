from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.unit.planning.problems import START_UTC, hourly_curve
from v2g_daemon.domain.interval import Interval
from v2g_daemon.domain.prices import PriceCurve, PriceSlot
from v2g_daemon.planning.price_tail import step_prices
from v2g_daemon.planning.wall import Steps

ZONE = "Europe/Amsterdam"


def hours_from(start_utc: datetime, hours: int) -> Steps:
    starts = tuple(start_utc + timedelta(hours=hour) for hour in range(hours))
    return Steps.of(starts, (3600,) * hours)


def test_the_tail_repeats_the_last_known_day_and_says_so() -> None:
    curve = hourly_curve([float(hour) for hour in range(24)], [0.0] * 24)
    prices = step_prices(curve, hours_from(START_UTC, 50), timezone_name=ZONE)
    assert prices.import_per_kwh[23] == 23.0
    assert prices.import_per_kwh[24] == 0.0
    assert prices.import_per_kwh[49] == 1.0
    assert prices.is_forecast.tolist() == [False] * 24 + [True] * 26


def test_the_tail_follows_wall_time_over_a_clock_change() -> None:
    saturday = datetime(2025, 3, 28, 23, tzinfo=UTC)  # midnight in Amsterdam
    curve = hourly_curve([float(hour) for hour in range(24)], [0.0] * 24, saturday)
    six_in_the_evening_on_sunday = datetime(2025, 3, 30, 16, tzinfo=UTC)
    prices = step_prices(curve, hours_from(six_in_the_evening_on_sunday, 1), timezone_name=ZONE)
    assert prices.import_per_kwh.tolist() == [18.0]


def test_a_slot_no_day_knows_takes_the_median() -> None:
    curve = hourly_curve([0.10, 0.30, 0.20], [0.01, 0.03, 0.02])
    prices = step_prices(curve, hours_from(START_UTC + timedelta(hours=9), 1), timezone_name=ZONE)
    assert prices.import_per_kwh.tolist() == [0.20]
    assert prices.export_per_kwh.tolist() == [0.02]


def test_without_any_price_nothing_costs_and_nothing_pays() -> None:
    curve = PriceCurve(currency="EUR", slots=())
    prices = step_prices(curve, hours_from(START_UTC, 3), timezone_name=ZONE)
    assert prices.import_per_kwh.tolist() == [0.0, 0.0, 0.0]
    assert prices.is_forecast.all()


def test_a_gap_between_slots_is_not_known() -> None:
    slots = hourly_curve([0.10, 0.20, 0.30], [0.0] * 3).slots
    curve = PriceCurve(currency="EUR", slots=(slots[0], slots[2]))
    prices = step_prices(curve, hours_from(START_UTC, 4), timezone_name=ZONE)
    assert prices.is_forecast.tolist() == [False, True, False, True]
    assert prices.import_per_kwh[2] == 0.30


def terminal(imports: list[float]) -> float:
    curve = hourly_curve(imports, [0.0] * len(imports))
    return step_prices(curve, hours_from(START_UTC, 1), timezone_name=ZONE).terminal_per_kwh


def test_the_end_is_worth_the_low_quantile_of_the_import_prices_of_late() -> None:
    assert terminal([0.1 * hour for hour in range(21)]) == pytest.approx(0.4)


def test_a_price_counts_for_as_long_as_it_holds() -> None:
    long = PriceSlot(
        interval=Interval(start_utc=START_UTC, end_utc=START_UTC + timedelta(hours=9)),
        import_per_kwh=0.5,
        export_per_kwh=0.0,
    )
    short = hourly_curve([0.1], [0.0], START_UTC + timedelta(hours=9)).slots
    curve = PriceCurve(currency="EUR", slots=(long, *short))
    prices = step_prices(curve, hours_from(START_UTC, 1), timezone_name=ZONE)
    assert prices.terminal_per_kwh == pytest.approx(0.5)


def test_what_is_two_weeks_old_says_nothing_of_the_end() -> None:
    old = hourly_curve([9.0] * 24, [0.0] * 24, START_UTC - timedelta(days=16)).slots
    curve = PriceCurve(currency="EUR", slots=(*old, *hourly_curve([0.2] * 24, [0.0] * 24).slots))
    prices = step_prices(curve, hours_from(START_UTC, 1), timezone_name=ZONE)
    assert prices.terminal_per_kwh == pytest.approx(0.2)


def test_the_tail_is_the_mean_of_the_same_wall_time_of_late() -> None:
    days = [hourly_curve([float(day)] * 24, [0.1 * day] * 24, START_UTC - timedelta(days=day))
            for day in (3, 2, 1)]  # fmt: skip
    curve = PriceCurve(currency="EUR", slots=tuple(slot for day in days for slot in day.slots))
    prices = step_prices(curve, hours_from(START_UTC, 3), timezone_name=ZONE)
    assert prices.import_per_kwh == pytest.approx([2.0] * 3)
    assert prices.export_per_kwh == pytest.approx([0.2] * 3)


def test_the_end_is_never_worth_less_than_nothing() -> None:
    assert terminal([-0.2] * 24) == 0.0
