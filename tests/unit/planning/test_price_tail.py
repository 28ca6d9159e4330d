from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from tests.unit.planning.problems import START_UTC, hourly_curve
from v2g_daemon.domain.prices import PriceCurve
from v2g_daemon.planning.price_tail import StepPrices, step_prices

ZONE = "Europe/Amsterdam"


def hours_from(start_utc: datetime, hours: int) -> tuple[datetime, ...]:
    return tuple(start_utc + timedelta(hours=hour) for hour in range(hours))


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
    prices = step_prices(curve, (six_in_the_evening_on_sunday,), timezone_name=ZONE)
    assert prices.import_per_kwh.tolist() == [18.0]


def test_a_slot_no_day_knows_takes_the_median() -> None:
    curve = hourly_curve([0.10, 0.30, 0.20], [0.01, 0.03, 0.02])
    prices = step_prices(curve, (START_UTC + timedelta(hours=9),), timezone_name=ZONE)
    assert prices.import_per_kwh.tolist() == [0.20]
    assert prices.export_per_kwh.tolist() == [0.02]


def test_without_any_price_nothing_costs_and_nothing_pays() -> None:
    curve = PriceCurve(currency="EUR", slots=())
    prices = step_prices(curve, hours_from(START_UTC, 3), timezone_name=ZONE)
    assert prices.import_per_kwh.tolist() == [0.0, 0.0, 0.0]
    assert prices.is_forecast.all()


def terminal(imports: list[float], known: int) -> float:
    prices = StepPrices(
        import_per_kwh=np.array(imports),
        export_per_kwh=np.zeros(len(imports)),
        is_forecast=np.arange(len(imports)) >= known,
    )
    return prices.terminal_per_kwh(np.ones(len(imports)))


def test_the_end_is_worth_the_low_quantile_of_known_import_prices() -> None:
    rising = [0.1 * hour for hour in range(21)]
    assert terminal([*rising, 0.0, 0.0, 0.0], known=21) == pytest.approx(0.4)


def test_few_known_hours_let_the_tail_speak_too() -> None:
    assert terminal([5.0, 5.0, 0.1, 0.1, 0.1, 0.1], known=2) == pytest.approx(0.1)


def test_the_end_is_never_worth_less_than_nothing() -> None:
    assert terminal([-0.2] * 24, known=24) == 0.0
