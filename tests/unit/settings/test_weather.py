"""[weather]: what a service must be told, and what the owner is told of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.settings.files import SMALLEST, written
from v2g_daemon.adapters.system.clock import RealClock
from v2g_daemon.app.check import check
from v2g_daemon.app.weather import weather_service, weather_tasks
from v2g_daemon.domain.errors import ConfigurationError
from v2g_daemon.domain.snapshot import RecordingHealth
from v2g_daemon.runtime.latest_values import LatestValues
from v2g_daemon.settings import load_settings

METERS = """
[[meter]]
role = "grid"
link = "tcp://192.168.1.20"
profile = "sunspec"
"""
PV = """
[[meter]]
role = "pv"
link = "tcp://192.168.1.21"
profile = "sunspec"
"""
OPEN_METEO = """
[weather]
kind = "open-meteo"
latitude_deg = 52.374567
longitude_deg = 4.889123
"""
FORECAST_SOLAR = (
    OPEN_METEO.replace("open-meteo", "forecast-solar")
    + "tilt_deg = 35\nazimuth_deg = -45\npeak_w = 5000\n"
)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("V2G_PASSWORD_GARAGE", "secret-word")


def house(folder: Path, weather: str, *, meters: str = METERS + PV) -> Path:
    return written(folder, SMALLEST + meters + weather)


def refusal(folder: Path, weather: str, *, meters: str = METERS + PV) -> str:
    with pytest.raises(ConfigurationError) as refused:
        load_settings(house(folder, weather, meters=meters))
    return str(refused.value)


def test_check_says_what_leaves_the_house_and_which_way_the_modules_face(tmp_path: Path) -> None:
    said = check(house(tmp_path, FORECAST_SOLAR)).text
    assert (
        "Sun: Forecast.Solar is asked every 60 min; it is told the place 52.37, 4.89, and modules "
        "that face south-east at 35°." in said
    )
    assert "ignored after 12 h; then the past days alone tell of PV" in said


def test_the_service_is_told_the_place_to_two_decimals(tmp_path: Path) -> None:
    weather = load_settings(house(tmp_path, OPEN_METEO)).weather
    service = None if weather is None else weather_service(weather)
    assert service is not None
    assert "52.37/4.89 " in service.asks_for


def test_under_a_clear_sky_nobody_is_asked_and_the_place_stays_in_the_house(
    tmp_path: Path,
) -> None:
    path = house(tmp_path, OPEN_METEO.replace("open-meteo", "clear-sky"))
    settings, latest = load_settings(path), LatestValues(evse_ids=())
    assert weather_tasks(settings, RealClock(), latest) == {}
    now = RealClock().now()
    recording = RecordingHealth(last_durable_at=None, queue_full=False, records_lost=0)
    sun = latest.freeze(now=now, clock_trusted=True, recording=recording).sun
    assert sun is not None
    assert (sun.source, sun.latitude_deg, sun.longitude_deg) == (None, 52.37, 4.89)
    assert "Sun: PV counts as a share of a clear sky here; no service is asked" in check(path).text


def test_without_the_section_nothing_is_asked(tmp_path: Path) -> None:
    assert load_settings(house(tmp_path, "")).weather is None
    assert "Sun:" not in check(house(tmp_path, "")).text


@pytest.mark.parametrize("missing", ["tilt_deg", "azimuth_deg", "peak_w"])
def test_forecast_solar_needs_the_plane(missing: str, tmp_path: Path) -> None:
    lines = [one for one in FORECAST_SOLAR.splitlines() if not one.startswith(missing)]
    said = refusal(tmp_path, "\n".join(lines))
    assert f"house.toml: weather.{missing}: is missing" in said
    assert said.endswith("add it")


def test_one_angle_alone_says_nothing(tmp_path: Path) -> None:
    said = refusal(tmp_path, OPEN_METEO + "tilt_deg = 35\n")
    assert "weather.azimuth_deg: is missing: tilt_deg is given" in said


def test_a_house_without_a_pv_meter_learns_nothing_from_the_sun(tmp_path: Path) -> None:
    said = refusal(tmp_path, OPEN_METEO, meters=METERS)
    assert "weather: no meter measures the PV, so nothing is learned from its sun; add a" in said


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("every_s = 60", "weather.every_s = 60"),
        ("azimuth_deg = 270", "weather.azimuth_deg = 270"),
        ("ignored_after_s = 600", "weather.ignored_after_s = 600: is below every_s = 3600"),
        ('key = "abc"', "is not written here; name a key_file"),
        ('url = "https://user:word@example.org/"', "weather.url"),
        ('key_file = "nowhere.key"', "weather.key_file = 'nowhere.key': cannot be read"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_its_key(line: str, said: str, tmp_path: Path) -> None:
    assert said in refusal(tmp_path, f"{OPEN_METEO}{line}\n")


def test_the_key_stands_in_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "sun.key").write_text("abc123\n", encoding="utf-8")
    settings = load_settings(house(tmp_path, OPEN_METEO + 'key_file = "sun.key"\n'))
    assert settings.weather is not None
    assert settings.weather.key is not None
    assert settings.weather.key.get_secret_value() == "abc123"
    assert "abc123" not in settings.model_dump_json()


def test_a_key_that_would_change_the_address_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sun.key").write_text("../elsewhere", encoding="utf-8")
    said = refusal(tmp_path, OPEN_METEO + 'key_file = "sun.key"\n')
    assert "holds more than letters and digits" in said
    assert "elsewhere" not in said
