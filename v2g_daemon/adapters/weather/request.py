"""What a weather service is asked, and how its answers are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

Irradiance = Mapping[datetime, float]
"""W/m² by the start of its quarter hour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeatherRequest:
    """A GET; it may hold a key, and where the house is, and is never shown."""

    url: str = field(repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)


class Service(Protocol):
    """One weather service; `irradiance` is pure and raises WeatherSourceError."""

    @property
    def name(self) -> str:
        """For people."""
        ...

    @property
    def asks_for(self) -> str:
        """Which sun it tells: what was told under other words does not belong to it."""
        ...

    @property
    def assumed_area_m2(self) -> float | None:
        """What turns its irradiance into PV power as far as nothing is learned."""
        ...

    def request(self, first_utc: datetime, last_utc: datetime) -> WeatherRequest:
        """Ask for the UTC days of both moments and all between, as far as it tells them."""
        ...

    def irradiance(self, payload: bytes) -> Irradiance:
        """What an answer tells."""
        ...
