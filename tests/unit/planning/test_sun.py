"""Where the sun stands, against what is published of it."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from v2g_daemon.planning.sun import most_w_per_m2, sun_height


def elevation_deg(moment_utc: datetime, *, latitude_deg: float, longitude_deg: float) -> float:
    moments_s = np.array([moment_utc.timestamp()])
    height = sun_height(moments_s, latitude_deg=latitude_deg, longitude_deg=longitude_deg)
    return float(np.degrees(np.arcsin(height[0])))


def test_the_example_of_the_solar_position_algorithm() -> None:
    # Reda and Andreas, NREL/TP-560-34302, table A5.1: zenith 50.11162°, 17 October 2003, Golden.
    found = elevation_deg(
        datetime(2003, 10, 17, 19, 30, 30, tzinfo=UTC),
        latitude_deg=39.742476,
        longitude_deg=-105.1786,
    )
    assert found == pytest.approx(90.0 - 50.11162, abs=0.25)


@pytest.mark.parametrize(("solar", "zenith_deg"), [((2, 13, 9, 30), 66.5), ((7, 1, 18, 30), 79.6)])
def test_the_examples_of_duffie_and_beckman(
    solar: tuple[int, int, int, int], zenith_deg: float
) -> None:
    # Solar Engineering of Thermal Processes, 1.6.2: Madison, 43° north, in solar time. The equation
    # of time is -14.3 and -3.7 minutes on these days.
    month, day, hour, minute = solar
    solar_utc = datetime(2023, month, day, hour, minute, tzinfo=UTC)
    equation_min = -14.3 if month == 2 else -3.7
    found = elevation_deg(solar_utc, latitude_deg=43.0, longitude_deg=-equation_min / 4.0)
    assert 90.0 - found == pytest.approx(zenith_deg, abs=0.3)


@pytest.mark.parametrize(
    ("day", "noon_deg"),
    [((2024, 6, 20), 90.0 - 51.5 + 23.44), ((2024, 12, 21), 90.0 - 51.5 - 23.44)],
)
def test_at_the_solstices_the_sun_is_as_far_from_the_equator_as_the_axis_leans(
    day: tuple[int, int, int], noon_deg: float
) -> None:
    year, month, date = day
    noon = datetime(year, month, date, 12, tzinfo=UTC)
    found = elevation_deg(noon, latitude_deg=51.5, longitude_deg=0.0)
    assert found == pytest.approx(noon_deg, abs=0.1)


def quarters_of(day: datetime) -> np.ndarray:
    return int(day.timestamp()) + 900 * np.arange(96, dtype=np.int64)


def test_nothing_shines_at_night_and_no_more_than_a_clear_sky_by_day() -> None:
    # 21 June in Amsterdam: sunrise at 3:18 UTC, sunset at 20:06.
    midsummer = quarters_of(datetime(2024, 6, 21, tzinfo=UTC))
    most = most_w_per_m2(midsummer, latitude_deg=52.37, longitude_deg=4.89)
    assert not most[: 4 * 3].any()
    assert most[4 * 4 : 4 * 19 + 3].all()
    assert not most[4 * 20 + 2 :].any()
    # 1353 × 0.7^(1.14^0.678) × 1.1 × 1.25
    assert most.max() == pytest.approx(1259.0, abs=3.0)


def test_beyond_the_polar_circle_there_is_a_day_without_sun() -> None:
    midwinter = quarters_of(datetime(2024, 12, 21, tzinfo=UTC))
    assert not most_w_per_m2(midwinter, latitude_deg=69.65, longitude_deg=18.96).any()


def test_on_the_other_half_of_the_earth_it_is_summer_then() -> None:
    midwinter = datetime(2024, 12, 21, 2, tzinfo=UTC)  # about noon in Sydney
    found = elevation_deg(midwinter, latitude_deg=-33.87, longitude_deg=151.21)
    assert found == pytest.approx(79.6, abs=0.5)
