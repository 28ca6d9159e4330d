"""Open-Meteo: irradiance of the last weeks and the next days, by quarter hours or hours.

Shape: {"utc_offset_seconds": 0, "minutely_15_units": {"shortwave_radiation": "W/m²", ...},
"minutely_15": {"time": [POSIX seconds, ...], "shortwave_radiation": [W/m² or null, ...]}}, or the
same under "hourly". A value is the mean of the interval that ends at its stamp. An error is
{"error": true, "reason": "..."}.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from v2g_daemon.adapters.weather.request import Irradiance, WeatherRequest
from v2g_daemon.adapters.weather.translate import (
    Span,
    by_quarter_hours,
    checked_stamp_s,
    number,
    parsed,
)
from v2g_daemon.domain.errors import WeatherSourceError

URL = "https://api.open-meteo.com/v1/forecast"
URL_WITH_KEY = "https://customer-api.open-meteo.com/v1/forecast"
UNIT = "W/m²"
LENGTHS_S = {"minutely_15": 900, "hourly": 3600}
# Of the light on the modules, after losses in heat, cables and inverter.
USUAL_PERFORMANCE = 0.85


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenMeteo:
    """The sun at one place: on the modules where both angles are given, else on the level.

    Azimuths are from south, west positive, as the service has them.
    """

    latitude_deg: float
    longitude_deg: float
    tilt_deg: float | None = None
    azimuth_deg: float | None = None
    peak_w: float | None = None
    key: str | None = field(default=None, repr=False)
    url: str | None = None

    @property
    def name(self) -> str:
        """For people."""
        return "Open-Meteo"

    @property
    def asks_for(self) -> str:
        """What of the sun is asked for where."""
        angles = f"{self.tilt_deg}/{self.azimuth_deg}"
        return f"{self.name} {self.latitude_deg}/{self.longitude_deg} {self._variable} {angles}"

    @property
    def assumed_area_m2(self) -> float | None:
        """As modules of that peak power usually give, were they told of."""
        return None if self.peak_w is None else self.peak_w / 1000.0 * USUAL_PERFORMANCE

    def request(self, first_utc: datetime, last_utc: datetime) -> WeatherRequest:
        """Whole UTC days."""
        query = {
            "latitude": f"{self.latitude_deg:.2f}",
            "longitude": f"{self.longitude_deg:.2f}",
            "minutely_15": self._variable,
            "timeformat": "unixtime",
            "timezone": "GMT",
            "start_date": f"{first_utc:%Y-%m-%d}",
            "end_date": f"{last_utc:%Y-%m-%d}",
        }
        if self.tilt_deg is not None and self.azimuth_deg is not None:
            query |= {"tilt": f"{self.tilt_deg:g}", "azimuth": f"{self.azimuth_deg:g}"}
        if self.key is not None:
            query["apikey"] = self.key
        usual = URL if self.key is None else URL_WITH_KEY
        return WeatherRequest(url=usual if self.url is None else self.url, query=query)

    def irradiance(self, payload: bytes) -> Irradiance:
        """What an answer tells; raises WeatherSourceError."""
        answer = parsed(payload)
        if answer.get("error"):
            raise WeatherSourceError(f"the service said {str(answer.get('reason'))[:200]!r}")
        if answer.get("utc_offset_seconds") != 0:
            raise WeatherSourceError("stamps that are not in UTC")
        for block, length_s in LENGTHS_S.items():
            if block in answer:
                units, values = answer.get(f"{block}_units"), answer[block]
                return by_quarter_hours(self._spans(units, values, length_s))
        raise WeatherSourceError(f"neither {' nor '.join(LENGTHS_S)} in the answer")

    @property
    def _variable(self) -> str:
        tilted = self.tilt_deg is not None and self.azimuth_deg is not None
        return "global_tilted_irradiance" if tilted else "shortwave_radiation"

    def _spans(self, units: object, values: object, length_s: int) -> list[Span]:
        unit = units.get(self._variable) if isinstance(units, dict) else None
        if unit != UNIT:
            raise WeatherSourceError(f"{self._variable} in {unit!r}, not in {UNIT}")
        stamps = values.get("time") if isinstance(values, dict) else None
        found = values.get(self._variable) if isinstance(values, dict) else None
        if not isinstance(stamps, list) or not isinstance(found, list):
            raise WeatherSourceError(f"no lists of time and {self._variable}")
        if len(stamps) != len(found):
            raise WeatherSourceError(f"{len(found)} values for {len(stamps)} stamps")
        return [
            Span(
                start_s=end_s - length_s,
                end_s=end_s,
                irradiance_w_per_m2=number(value),
            )
            for end_s, value in zip(map(checked_stamp_s, stamps), found, strict=True)
            if value is not None
        ]
