"""Where the house is under the sun, and what a weather service tells of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from v2g_daemon.domain.interval import QUARTER_HOUR, quarter_hour_start


@dataclass(frozen=True, slots=True, kw_only=True)
class SunForecast:
    """Irradiance of the quarter hours from `start_utc` on, past ones as they were told last.

    None: not told. A service that tells PV power tells it as the irradiance at which the modules'
    peak power is that much. `source` None: no service is asked, and the place is all that is known.
    `told_utc`: of its newest answer (None: it never gave one), which serves for `serves_s`.
    `assumed_area_m2` × irradiance is the PV power as far as nothing is learned (None: nothing is
    assumed). Coordinates are good to a kilometre.
    """

    source: str | None
    latitude_deg: float
    longitude_deg: float
    told_utc: datetime | None
    serves_s: float
    start_utc: datetime
    irradiance_w_per_m2: tuple[float | None, ...]
    assumed_area_m2: float | None = None

    def __post_init__(self) -> None:
        if quarter_hour_start(self.start_utc) != self.start_utc:
            raise ValueError(f"a forecast of the sun starts with no quarter hour: {self.start_utc}")

    @property
    def end_utc(self) -> datetime:
        """Where the last told quarter hour ends."""
        return self.start_utc + len(self.irradiance_w_per_m2) * QUARTER_HOUR

    def as_of(self, moment_utc: datetime) -> SunForecast:
        """The same, or without what was told too long ago."""
        if self.serves_at(moment_utc):
            return self
        return replace(self, told_utc=None, irradiance_w_per_m2=())

    def serves_at(self, moment_utc: datetime) -> bool:
        """Whether it is young enough to be believed, and tells of anything to come."""
        if self.told_utc is None or moment_utc >= self.end_utc:
            return False
        return moment_utc - self.told_utc < timedelta(seconds=self.serves_s)
