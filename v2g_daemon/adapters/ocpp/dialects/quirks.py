"""A dialect laid under a station's configuration: the installer's own words stand above it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from v2g_daemon.adapters.ocpp.config import EvseConfig, StationConfig
from v2g_daemon.adapters.ocpp.dialects.dialect import Dialect, Quirks
from v2g_daemon.adapters.ocpp.dialects.lessons import Make

# The quirks by who reads them; each is a field of that class.
OF_STATION = (
    "prefers_version",
    "ping_interval_s",
    "ping_timeout_s",
    "boot_pending",
    "trigger_boot",
    "remote_start",
    "drops_link",
    "measurands",
    "configuration_keys",
    "unknown_fields",
)
OF_PROFILES = (
    "rate_unit",
    "phases_said",
    "default_kind",
    "lease_purpose",
    "lease_level",
    "least_limit_a",
    "wears_flash",
    "pulls",
    "setpoint_bounds",
    "negative_limit",
    "vendor_power",
)
OF_HOUSE = ("fail_state", "soc_needs_power")  # of Charger


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialects:
    """Those we know, to be told by a station's make, and those the installer named by station."""

    known: tuple[Dialect, ...] = ()
    named: Mapping[str, Dialect] = field(default_factory=dict)

    def of(self, station_id: str, make: Make) -> Dialect | None:
        """The named one, else the one that speaks of this make most exactly."""
        if station_id in self.named:
            return self.named[station_id]
        ranked = [(one.closeness(make), one) for one in self.known]
        fitting = [(rank, one) for rank, one in ranked if rank is not None]
        return max(fitting, key=lambda found: found[0])[1] if fitting else None

    def laid_under(self, config: StationConfig, dialect: Dialect | None) -> StationConfig:
        """What the installer wrote, and what the dialect says where he wrote nothing."""
        if dialect is None:
            return config
        quirks = dialect.quirks(named=config.station_id in self.named)
        return replace(
            config,
            evses=tuple(_evse(one, quirks) for one in config.evses),
            **_said(quirks, OF_STATION, without=config.explicit),
        )


NO_DIALECTS = Dialects()


def _evse(config: EvseConfig, quirks: Quirks) -> EvseConfig:
    said = _said(quirks, OF_PROFILES, without=config.explicit)
    if quirks.vendor_power is not None and "vendor_power" in said:
        said["vendor_power"] = quirks.vendor_power.words()
    return replace(config, dialect=replace(config.dialect, **said))


def _said(quirks: Quirks, names: Iterable[str], *, without: frozenset[str]) -> dict[str, Any]:
    told = ((name, getattr(quirks, name)) for name in names if name not in without)
    return {name: value for name, value in told if value is not None}
