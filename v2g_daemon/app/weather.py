"""The weather service: which one is asked, and what people are told of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import datetime
from typing import assert_never

from v2g_daemon.adapters.system.clock import RealClock
from v2g_daemon.adapters.weather.cache import WeatherCache
from v2g_daemon.adapters.weather.feed import FeedRules, WeatherFeed
from v2g_daemon.adapters.weather.forecast_solar import ForecastSolar
from v2g_daemon.adapters.weather.open_meteo import OpenMeteo
from v2g_daemon.adapters.weather.request import Service
from v2g_daemon.app.findings import Finding, bad, good
from v2g_daemon.domain.errors import InvariantViolated, WeatherSourceError
from v2g_daemon.domain.interval import quarter_hour_start
from v2g_daemon.domain.sun import SunForecast
from v2g_daemon.ports import Clock, SunSink
from v2g_daemon.runtime.latest_values import LatestValues
from v2g_daemon.settings import Settings
from v2g_daemon.settings.weather import WeatherSection

EdgeTask = Callable[[], Awaitable[None]]

_FACING = ("south", "south-west", "west", "north-west", "north", "north-east", "east", "south-east")


def weather_service(weather: WeatherSection) -> Service | None:
    """The service as configured, if any; it is told the place to a kilometre."""
    latitude_deg, longitude_deg = weather.place_deg
    key = None if weather.key is None else weather.key.get_secret_value()
    match weather.kind:
        case "clear-sky":
            return None
        case "open-meteo":
            return OpenMeteo(
                latitude_deg=latitude_deg,
                longitude_deg=longitude_deg,
                tilt_deg=weather.tilt_deg,
                azimuth_deg=weather.azimuth_deg,
                peak_w=weather.peak_w,
                key=key,
                url=weather.url,
            )
        case "forecast-solar":
            tilt_deg, azimuth_deg, peak_w = weather.tilt_deg, weather.azimuth_deg, weather.peak_w
            if tilt_deg is None or azimuth_deg is None or peak_w is None:
                raise InvariantViolated("settings without the plane of the modules were accepted")
            return ForecastSolar(
                latitude_deg=latitude_deg,
                longitude_deg=longitude_deg,
                tilt_deg=tilt_deg,
                azimuth_deg=azimuth_deg,
                peak_w=peak_w,
                key=key,
                url=weather.url,
            )
        case _ as unreachable:
            assert_never(unreachable)


def weather_tasks(settings: Settings, clock: Clock, sink: SunSink) -> dict[str, EdgeTask]:
    """The feed of the service; where the house only says where it is, that is put at once."""
    weather = settings.weather
    if weather is None:
        return {}
    service = weather_service(weather)
    if service is None:
        sink.put_sun(place_of(weather, clock.now().utc))
        return {}
    return {"weather": _feed(service, weather, clock, sink).run}


def place_of(weather: WeatherSection, now_utc: datetime) -> SunForecast:
    """Where the house is, and nothing told."""
    latitude_deg, longitude_deg = weather.place_deg
    return SunForecast(
        source=None,
        latitude_deg=latitude_deg,
        longitude_deg=longitude_deg,
        told_utc=None,
        serves_s=weather.ignored_after_s,
        start_utc=quarter_hour_start(now_utc),
        irradiance_w_per_m2=(),
    )


def weather_sentences(settings: Settings) -> Iterator[str]:
    """What `v2g check` says of it."""
    weather = settings.weather
    if weather is None:
        return
    service = weather_service(weather)
    if service is None:
        yield "Sun: PV counts as a share of a clear sky here; no service is asked or told anything."
        return
    yield (
        f"Sun: {service.name} is asked every {weather.every_s / 60.0:g} min; it is told the place "
        f"{weather.latitude_deg:.2f}, {weather.longitude_deg:.2f}{_plane(weather)}."
    )
    yield (
        f"What it told is kept in {weather.directory} and ignored after "
        f"{weather.ignored_after_s / 3600.0:g} h; then the past days alone tell of PV."
    )


async def weather_lines(settings: Settings) -> AsyncIterator[Finding]:
    """What `v2g doctor` finds: it is asked once."""
    weather = settings.weather
    service = None if weather is None else weather_service(weather)
    if weather is None or service is None:
        return
    name = service.name
    feed = _feed(service, weather, RealClock(), LatestValues(evse_ids=()))
    try:
        async with feed.client() as client:
            told = await feed.ask(client)
    except WeatherSourceError as error:
        yield bad("weather", f"{name}: {error}", "compare weather: kind, place, plane and key")
        return
    yield good("weather", f"{name} tells of {len(told)} quarter hours, until {max(told):%a %H:%M}Z")


def _plane(weather: WeatherSection) -> str:
    """The modules in words, so that a wrong convention of azimuths is seen."""
    if weather.tilt_deg is None or weather.azimuth_deg is None:
        return ""
    facing = _FACING[round(weather.azimuth_deg / 45.0) % len(_FACING)]
    return f", and modules that face {facing} at {weather.tilt_deg:g}°"


def _feed(service: Service, weather: WeatherSection, clock: Clock, sink: SunSink) -> WeatherFeed:
    latitude_deg, longitude_deg = weather.place_deg
    return WeatherFeed(
        service=service,
        rules=FeedRules(
            latitude_deg=latitude_deg,
            longitude_deg=longitude_deg,
            every_s=weather.every_s,
            serves_s=weather.ignored_after_s,
            timeout_s=weather.timeout_s,
        ),
        cache=WeatherCache(weather.directory),
        clock=clock,
        sink=sink,
    )
