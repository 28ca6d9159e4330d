"""[weather]: where the house is, and the service that tells its sun, if any."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from v2g_daemon.domain.errors import ConfigurationError
from v2g_daemon.settings.complaint import Complaint
from v2g_daemon.settings.secret_files import OnlyInAFile, secret_in
from v2g_daemon.settings.section import Positive, Section

# No forecast changes sooner, and Forecast.Solar lets a house ask twelve times an hour.
SHORTEST_EVERY_S = 900.0
# About a kilometre: no sky differs within it, and nobody's house is told.
COORDINATE_DECIMALS = 2
PLANE = ("tilt_deg", "azimuth_deg", "peak_w")


class WeatherSection(Section):
    """[weather]: azimuths are from south, west positive; places are told to a kilometre.

    With "clear-sky" nothing is asked or told. What a service told longer ago than `ignored_after_s`
    counts for nothing.
    """

    kind: Literal["clear-sky", "open-meteo", "forecast-solar"]
    latitude_deg: Annotated[float, Field(ge=-90.0, le=90.0)]
    longitude_deg: Annotated[float, Field(ge=-180.0, le=180.0)]
    tilt_deg: Annotated[float, Field(ge=0.0, le=90.0)] | None = None
    azimuth_deg: Annotated[float, Field(ge=-180.0, le=180.0)] | None = None
    peak_w: Positive | None = None
    key_file: Path | None = None
    url: Annotated[str, Field(pattern=r"^https?://[^@#?\s]+$")] | None = None
    every_s: Annotated[float, Field(ge=SHORTEST_EVERY_S)] = 3600.0
    ignored_after_s: Positive = 43_200.0
    timeout_s: Positive = 10.0
    directory: Path = Path("/var/lib/v2g-daemon/weather")
    key: OnlyInAFile = None

    @property
    def place_deg(self) -> tuple[float, float]:
        """Latitude and longitude as far as they leave this section."""
        return (
            round(self.latitude_deg, COORDINATE_DECIMALS),
            round(self.longitude_deg, COORDINATE_DECIMALS),
        )


def weather_contradictions(
    weather: WeatherSection | None, *, pv_metered: bool
) -> Iterator[Complaint]:
    """What the service needs and the house lacks."""
    if weather is None:
        return
    if not pv_metered:
        yield Complaint(
            key="weather",
            value=None,
            problem="no meter measures the PV, so nothing is learned from its sun",
            fix='add a [[meter]] with role = "pv", or remove [weather]',
        )
    given = {name for name in PLANE if getattr(weather, name) is not None}
    for name in PLANE if weather.kind == "forecast-solar" else ():
        if name not in given:
            yield _missing(name, f"kind {weather.kind!r} needs it")
    angles = given - {"peak_w"}
    if weather.kind == "open-meteo" and len(angles) == 1:
        (other,) = {"tilt_deg", "azimuth_deg"} - angles
        yield _missing(other, f"{angles.pop()} is given, and one says nothing without the other")
    if weather.ignored_after_s < weather.every_s:
        yield Complaint(
            key="weather.ignored_after_s",
            value=f"{weather.ignored_after_s:g}",
            problem=f"is below every_s = {weather.every_s:g}",
            fix="exchange or correct them",
        )


def _missing(name: str, because: str) -> Complaint:
    return Complaint(
        key=f"weather.{name}", value=None, problem=f"is missing: {because}", fix="add it"
    )


def with_key(weather: WeatherSection | None, path: Path) -> WeatherSection | None:
    """The section with its key read from the file beside the configuration."""
    if weather is None or weather.key_file is None:
        return weather
    where, what = "weather.key_file", "the service's key"
    key = secret_in(weather.key_file, where=where, what=what, config=path)
    found = key.get_secret_value()
    if not found.isalnum() or not found.isascii():
        raise ConfigurationError(
            f"{path}: {where} = {str(weather.key_file)!r}: holds more than letters and digits; "
            f"write {what} into that file"
        )
    return weather.model_copy(update={"key": key})
