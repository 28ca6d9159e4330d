from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from tests.unit.planning.problems import START_UTC
from v2g_daemon.domain.plan import HistoryRow
from v2g_daemon.planning.forecast import NetLoadForecast, forecast_net_load
from v2g_daemon.planning.wall import Steps
from v2g_daemon.step.history import by_days

QUARTERS_A_DAY = 96


def past(days: int, net_w: Callable[[datetime], float], pv_w: Callable[[datetime], float | None]):
    starts = [
        START_UTC - timedelta(days=days) + timedelta(minutes=15 * quarter)
        for quarter in range(days * QUARTERS_A_DAY)
    ]
    return tuple(
        HistoryRow(start_utc=start, net_load_w=net_w(start), pv_w=pv_w(start)) for start in starts
    )


def ahead(history: tuple[HistoryRow, ...], current_w: float | None) -> NetLoadForecast:
    """The forecast of two days."""
    starts = tuple(START_UTC + timedelta(minutes=15 * step) for step in range(192))
    return forecast_net_load(
        by_days(history),
        Steps.of(starts, (900,) * 192),
        current_net_load_w=current_w,
        timezone_name="Europe/Amsterdam",
    )


def mean_w(forecast: NetLoadForecast) -> list[float]:
    return [float(power_w) for power_w in forecast.scenarios_w.mean(axis=0)]


def unmetered(_: datetime) -> None:
    return None


def test_without_history_the_present_power_goes_on() -> None:
    assert set(mean_w(ahead((), 640.0))) == {640.0}
    assert set(mean_w(ahead((), None))) == {0.0}


def test_a_house_that_never_changes_is_forecast_as_it_is() -> None:
    assert mean_w(ahead(past(14, lambda _: 300.0, unmetered), None)) == pytest.approx([300.0] * 192)


def test_a_deviation_fades_within_hours() -> None:
    net_w = mean_w(ahead(past(14, lambda _: 300.0, unmetered), 1300.0))
    assert net_w[0] == pytest.approx(1300.0)
    assert net_w[14] == pytest.approx(667.879, abs=0.001)  # 300 + 1000/e after 3.5 h
    assert net_w[96] == pytest.approx(301.052, abs=0.001)  # 300 + 1000/e^(24/3.5)


def test_weekdays_and_weekends_are_told_apart() -> None:
    weekend = past(28, lambda start: 2000.0 if start.weekday() >= 5 else 200.0, unmetered)
    net_w = mean_w(ahead(weekend, None))  # Wednesday and Thursday
    assert 200.0 <= net_w[48] < 500.0


def test_the_hour_of_the_day_is_local_and_kept() -> None:
    # 18:00 to 19:00 in Amsterdam is 17:00 to 18:00 UTC in winter.
    evening = past(14, lambda start: 3000.0 if start.hour == 17 else 100.0, unmetered)
    net_w = mean_w(ahead(evening, None))
    assert net_w[4 * 17 + 1] == pytest.approx(3000.0)
    assert net_w[4 * 12] == pytest.approx(100.0)


def test_metered_pv_is_forecast_apart_from_the_load() -> None:
    def sun_w(start: datetime) -> float:
        return 2000.0 if 10 <= start.hour < 14 else 0.0

    history = past(10, lambda start: 500.0 - sun_w(start), sun_w)
    forecast = ahead(history, None)
    assert mean_w(forecast)[4 * 12] == pytest.approx(-1500.0)
    assert mean_w(forecast)[4 * 2] == pytest.approx(500.0)
    assert forecast.pv_w is not None
    assert forecast.pv_w[4 * 12] == pytest.approx(2000.0)


def test_the_sun_is_forecast_as_on_the_last_eight_days() -> None:
    bright_since = START_UTC - timedelta(days=3)
    history = past(
        10,
        lambda _: 0.0,
        lambda start: 2000.0 if start >= bright_since and start.hour == 12 else 0.0,
    )
    pv_w = ahead(history, None).pv_w
    assert pv_w is not None
    # Three bright days of the last eight.
    assert pv_w[4 * 12 + 2] == pytest.approx(750.0)
