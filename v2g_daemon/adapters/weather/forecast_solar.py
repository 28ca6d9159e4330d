"""Forecast.Solar: the PV power of one plane for today and tomorrow.

Shape: {"result": {"watt_hours_period": {stamp: Wh since the stamp before, ...}, ...}, "message":
{...}}. Stamps stand at the day's ends too, at odd minutes; they are local times unless UTC is asked
for. Energies are taken, not `watts`, which are of the moment of their stamp.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

from v2g_daemon.adapters.weather.request import Irradiance, WeatherRequest
from v2g_daemon.adapters.weather.translate import Span, by_quarter_hours, number, parsed, stamp_s
from v2g_daemon.domain.errors import WeatherSourceError

URL = "https://api.forecast.solar"
# An energy over more than this is told of no time of the day.
LONGEST_PERIOD_S = 2 * 3600
STANDARD_W_PER_M2 = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastSolar:
    """The PV of one plane; azimuths are from south, west positive, as the service has them."""

    latitude_deg: float
    longitude_deg: float
    tilt_deg: float
    azimuth_deg: float
    peak_w: float
    key: str | None = field(default=None, repr=False)
    url: str | None = None

    @property
    def name(self) -> str:
        """For people."""
        return "Forecast.Solar"

    @property
    def asks_for(self) -> str:
        """Which plane it is."""
        plane = f"{self.tilt_deg}/{self.azimuth_deg}/{self.peak_w}"
        return f"{self.name} {self.latitude_deg}/{self.longitude_deg} {plane}"

    @property
    def assumed_area_m2(self) -> float | None:
        """Its power is PV power already."""
        return self.peak_w / STANDARD_W_PER_M2

    def request(self, first_utc: datetime, last_utc: datetime) -> WeatherRequest:
        """Today and what follows, whatever was asked: it tells of no other days."""
        plane = f"{self.tilt_deg:.0f}/{self.azimuth_deg:.0f}/{self.peak_w / 1000.0:g}"
        key = "" if self.key is None else f"/{self.key}"
        place = f"{self.latitude_deg:.2f}/{self.longitude_deg:.2f}"
        base = URL if self.url is None else self.url
        return WeatherRequest(url=f"{base}{key}/estimate/{place}/{plane}", query={"time": "utc"})

    def irradiance(self, payload: bytes) -> Irradiance:
        """What an answer tells; raises WeatherSourceError."""
        result = parsed(payload).get("result")
        energies = result.get("watt_hours_period") if isinstance(result, dict) else None
        if not isinstance(energies, dict):
            raise WeatherSourceError(f"no watt_hours_period, but {payload[:40]!r}")
        told = sorted((stamp_s(stamp), number(value)) for stamp, value in energies.items())
        spans = (
            self._span(start_s, end_s, energy_wh)
            for (start_s, _), (end_s, energy_wh) in pairwise(told)
            if energy_wh == 0.0 or end_s - start_s <= LONGEST_PERIOD_S
        )
        return by_quarter_hours(spans)

    def _span(self, start_s: int, end_s: int, energy_wh: float) -> Span:
        if end_s == start_s:
            raise WeatherSourceError(f"the stamp {end_s} stands there twice")
        power_w = energy_wh * 3600.0 / (end_s - start_s)
        return Span(
            start_s=start_s,
            end_s=end_s,
            irradiance_w_per_m2=power_w / self.peak_w * STANDARD_W_PER_M2,
        )
