"""The settings of the stations as the central system takes them."""

from __future__ import annotations

from v2g_daemon.adapters.ocpp.config import (
    CentralSystemConfig,
    EvseConfig,
    OcppVersion,
    SecurityProfile,
    StationConfig,
)
from v2g_daemon.app.certificates import tls_config
from v2g_daemon.app.profile_dialect import profile_dialect
from v2g_daemon.app.station_access import key_ring, relay_config
from v2g_daemon.domain.policy import EvsePolicy, Policy
from v2g_daemon.settings import Charger, Settings


def central_config(settings: Settings, policy: Policy) -> CentralSystemConfig:
    """Where to listen, and for which stations."""
    by_station: dict[str, list[Charger]] = {}
    for charger in settings.stations:
        by_station.setdefault(charger.station_id, []).append(charger)
    ocpp = settings.ocpp
    return CentralSystemConfig(
        host=ocpp.host,
        port=ocpp.port,
        tls=tls_config(settings),
        least_profile=SecurityProfile(ocpp.security_profile),
        plain_text_on_public_network=ocpp.plain_text_on_public_network,
        call_timeout_s=ocpp.call_timeout_s,
        stations=tuple(
            _station(station_id, chargers, policy, settings)
            for station_id, chargers in by_station.items()
        ),
    )


def _station(
    station_id: str, chargers: list[Charger], policy: Policy, settings: Settings
) -> StationConfig:
    first = chargers[0]
    least = first.security_profile
    return StationConfig(
        station_id=station_id,
        password=None if first.password is None else first.password.get_secret_value(),
        least_profile=None if least is None else SecurityProfile(least),
        unauthenticated_on_private_network=first.unauthenticated_on_private_network,
        versions=tuple(OcppVersion(version) for version in first.ocpp_versions),
        unknown_fields=first.unknown_fields,
        ping_interval_s=first.ping_interval_s,
        ping_timeout_s=first.ping_timeout_s,
        sample_interval_s=first.sample_interval_s,
        heartbeat_interval_s=first.heartbeat_interval_s,
        key_ring=key_ring(settings),
        remote_start=first.remote_start,
        enable_v2x=first.enable_v2x,
        relay=relay_config(station_id, settings),
        timezone=policy.timezone,
        explicit=frozenset(first.model_fields_set),
        evses=tuple(_evse(charger, policy.evse(charger.id), policy) for charger in chargers),
    )


def _evse(charger: Charger, evse: EvsePolicy, policy: Policy) -> EvseConfig:
    return EvseConfig(
        evse_id=evse.evse_id,
        number=charger.evse_number,
        phases=evse.phases,
        nominal_voltage_v=policy.grid.nominal_voltage_v,
        static_safe_current_a=evse.static_safe_current_a,
        max_charge_w=evse.max_charge_w,
        max_discharge_w=evse.max_discharge_w,
        min_charge_w=evse.min_charge_w,
        min_discharge_w=evse.min_discharge_w,
        charge_only=charger.charge_only,
        dialect=profile_dialect(charger.profiles),
        explicit=frozenset(charger.profiles.model_fields_set),
    )
