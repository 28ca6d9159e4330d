"""Whose keys a station takes, and which back end hears it: settings to the OCPP adapter's words."""

from __future__ import annotations

from v2g_daemon.adapters.ocpp.authorization.keys import ChargeKey, KeyRing
from v2g_daemon.adapters.ocpp.config import OcppVersion, RelayConfig
from v2g_daemon.settings import Settings


def key_ring(settings: Settings) -> KeyRing:
    """The owner's keys, and the tokens of cars that no key gives already."""
    keys = [
        ChargeKey(name=key.name, id_token=key.id_token, kind=key.kind)
        for key in settings.charge_key
    ]
    known = {key.id_token.casefold() for key in keys}
    keys += [
        ChargeKey(name=vehicle.id, id_token=vehicle.id_token)
        for vehicle in settings.vehicle
        if vehicle.id_token is not None and vehicle.id_token.casefold() not in known
    ]
    return KeyRing(keys=tuple(keys), accept_unknown=settings.ocpp.accept_unknown_keys)


def relay_config(station_id: str, settings: Settings) -> RelayConfig | None:
    """The relay of a station, if it has one."""
    for relay in settings.ocpp.relay:
        if relay.station_id == station_id:
            password = relay.password
            return RelayConfig(
                url=relay.url,
                user=relay.user,
                password=None if password is None else password.get_secret_value(),
                version=None if relay.version is None else OcppVersion(relay.version),
                ca_file=None if relay.ca_file is None else str(relay.ca_file),
                call_timeout_s=settings.ocpp.call_timeout_s,
            )
    return None
