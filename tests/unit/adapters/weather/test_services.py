"""Answers in the shapes that the services publish, and what must not be believed of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from v2g_daemon.adapters.weather.forecast_solar import ForecastSolar
from v2g_daemon.adapters.weather.open_meteo import OpenMeteo
from v2g_daemon.domain.errors import WeatherSourceError

ANSWERS = Path(__file__).parent / "answers"
LEVEL = OpenMeteo(latitude_deg=52.37, longitude_deg=4.89)
TILTED = OpenMeteo(
    latitude_deg=52.37, longitude_deg=4.89, tilt_deg=35.0, azimuth_deg=-45.0, peak_w=5000.0
)
PLANE = ForecastSolar(
    latitude_deg=52.37, longitude_deg=4.89, tilt_deg=35.0, azimuth_deg=-45.0, peak_w=5000.0
)
JUNE_10 = datetime(2024, 6, 10, tzinfo=UTC)


def answer(name: str) -> bytes:
    return (ANSWERS / name).read_bytes()


def changed(name: str, change: Callable[[dict[str, Any]], object]) -> bytes:
    """An answer with something wrong in it."""
    found = json.loads(answer(name))
    change(found)
    return json.dumps(found).encode()


def at(hour: int, minute: int = 0, day: int = 10) -> datetime:
    return datetime(2024, 6, day, hour, minute, tzinfo=UTC)


def test_a_quarter_hour_of_open_meteo_ends_at_its_stamp_and_a_null_tells_nothing() -> None:
    # 1718014500 is 10:15 UTC: its value is the mean since 10:00.
    told = LEVEL.irradiance(answer("open_meteo_quarters.json"))
    assert told == {at(10): 611.0, at(10, 15): 624.4, at(10, 45): 640.0}


def test_an_hour_of_open_meteo_is_four_quarter_hours() -> None:
    told = TILTED.irradiance(answer("open_meteo_hours.json"))
    assert list(told) == [at(10) + timedelta(minutes=15 * n) for n in range(8)]
    assert list(told.values()) == [702.5] * 4 + [731.0] * 4


def test_open_meteo_is_asked_in_utc_for_a_place_of_two_decimals() -> None:
    service = OpenMeteo(latitude_deg=52.374567, longitude_deg=4.889123)
    assert service.request(JUNE_10, JUNE_10 + timedelta(days=2)).query == {
        "latitude": "52.37",
        "longitude": "4.89",
        "minutely_15": "shortwave_radiation",
        "timeformat": "unixtime",
        "timezone": "GMT",
        "start_date": "2024-06-10",
        "end_date": "2024-06-12",
    }


def test_open_meteo_tells_the_light_on_the_modules_where_both_angles_are_given() -> None:
    query = TILTED.request(JUNE_10, JUNE_10).query
    assert query["minutely_15"] == "global_tilted_irradiance"
    assert (query["tilt"], query["azimuth"]) == ("35", "-45")


def test_a_key_goes_to_the_address_of_those_who_pay_and_is_never_shown() -> None:
    service = OpenMeteo(latitude_deg=52.37, longitude_deg=4.89, key="secretword")
    request = service.request(JUNE_10, JUNE_10)
    assert request.url == "https://customer-api.open-meteo.com/v1/forecast"
    assert request.query["apikey"] == "secretword"
    assert "secretword" not in f"{request!r} {service!r} {service.asks_for}"


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        (b"<html>", "not JSON"),
        (b"[]", "no JSON object"),
        (b'{"error": true, "reason": "no such variable"}', "no such variable"),
        (b'{"utc_offset_seconds": 0}', "neither minutely_15 nor hourly"),
        (
            changed("open_meteo_quarters.json", lambda one: one.update(utc_offset_seconds=7200)),
            "not in UTC",
        ),
        (
            changed(
                "open_meteo_quarters.json",
                lambda one: one["minutely_15_units"].update(shortwave_radiation="MJ/m²"),
            ),
            "in 'MJ/m²', not in W/m²",
        ),
        (
            changed(
                "open_meteo_quarters.json",
                lambda one: one["minutely_15"].update(shortwave_radiation=[1.0]),
            ),
            "1 values for 4 stamps",
        ),
        (
            changed(
                "open_meteo_quarters.json",
                lambda one: one["minutely_15"].update(shortwave_radiation=[6110.0] * 4),
            ),
            "a sun of 6110 W/m²",
        ),
        (
            changed(
                "open_meteo_quarters.json",
                lambda one: one["minutely_15"].update(shortwave_radiation=[-5.0] * 4),
            ),
            "a sun of -5 W/m²",
        ),
        (
            changed(
                "open_meteo_quarters.json",
                lambda one: one["minutely_15"].update(time=[1718014500] * 4),
            ),
            "overlap",
        ),
        (
            changed(
                "open_meteo_quarters.json",
                lambda one: one["minutely_15"].update(time=["2024-06-10T10:15"] * 4),
            ),
            "a stamp of '2024-06-10T10:15'",
        ),
        (
            changed(
                "open_meteo_quarters.json",
                lambda one: one["minutely_15"].update(shortwave_radiation=[None] * 4),
            ),
            "no values",
        ),
        (
            changed(
                "open_meteo_quarters.json",
                lambda one: one["minutely_15"].update(shortwave_radiation=[True] * 4),
            ),
            "a value of True",
        ),
    ],
)
def test_an_answer_of_open_meteo_that_cannot_be_trusted_is_refused(
    payload: bytes, said: str
) -> None:
    with pytest.raises(WeatherSourceError) as refused:
        LEVEL.irradiance(payload)
    assert said in str(refused.value)


def test_energies_of_forecast_solar_are_means_since_the_stamp_before() -> None:
    told = PLANE.irradiance(answer("forecast_solar.json"))
    # 41 Wh in the 41 minutes before 4:00 are 60 W: of 5 kW as much as 12 W/m² give.
    assert told[at(3, 30)] == 12.0
    assert told[at(4)] == told[at(4, 45)] == 30.0
    # The quarter hour of sunrise is told from 3:19 on only, so not at all.
    assert at(3, 15) not in told


def test_the_night_between_two_days_is_told_and_a_long_sum_is_not() -> None:
    told = PLANE.irradiance(answer("forecast_solar.json"))
    assert told[at(23)] == 0.0
    # Three minutes of night, then twelve of 60 W.
    assert told[at(3, 15, day=11)] == 9.6
    # 31 kWh between 5:00 and 20:02 say nothing of any quarter hour.
    assert at(12) not in told


def test_forecast_solar_is_asked_in_utc_and_its_key_stands_in_the_path_unseen() -> None:
    assert PLANE.request(JUNE_10, JUNE_10).url == (
        "https://api.forecast.solar/estimate/52.37/4.89/35/-45/5"
    )
    assert PLANE.request(JUNE_10, JUNE_10).query == {"time": "utc"}
    paying = ForecastSolar(
        latitude_deg=52.37,
        longitude_deg=4.89,
        tilt_deg=35.0,
        azimuth_deg=-45.0,
        peak_w=5000.0,
        key="secretword",
    )
    assert "/secretword/estimate/" in paying.request(JUNE_10, JUNE_10).url
    assert "secretword" not in f"{paying!r} {paying.request(JUNE_10, JUNE_10)!r}"


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        (b'{"result": null, "message": {"code": 429}}', "no watt_hours_period"),
        (b'{"result": {"watt_hours_period": {"2024-06-10 04:00:00": 1}}}', "no offset from UTC"),
        (
            b'{"result": {"watt_hours_period": {"2024-06-10T04:00:00+00:00": 0,'
            b' "2024-06-10T05:00:00+00:00": 60000}}}',
            "a sun of 12000 W/m²",
        ),
        (b'{"result": {"watt_hours_period": {"2024-06-10T04:00:00+00:00": null}}}', "None"),
        (
            b'{"result": {"watt_hours_period": {"2024-06-10T04:00:00+00:00": 0,'
            b' "2024-06-10T06:00:00+02:00": 0}}}',
            "twice",
        ),
        (b'{"result": {"watt_hours_period": {}}}', "no values"),
    ],
)
def test_an_answer_of_forecast_solar_that_cannot_be_trusted_is_refused(
    payload: bytes, said: str
) -> None:
    with pytest.raises(WeatherSourceError) as refused:
        PLANE.irradiance(payload)
    assert said in str(refused.value)


def test_what_peak_power_makes_of_irradiance_before_anything_is_learned() -> None:
    assert PLANE.assumed_area_m2 == 5.0
    assert TILTED.assumed_area_m2 == 4.25
    assert LEVEL.assumed_area_m2 is None
