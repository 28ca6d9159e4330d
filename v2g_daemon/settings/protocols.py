"""Which keys of a [[charger]] belong to which protocol."""

from __future__ import annotations

from collections.abc import Iterator

from v2g_daemon.settings.complaint import Complaint
from v2g_daemon.settings.sections import Charger, Settings

# What only a charging station that connects to us can have.
OF_STATIONS = (
    "station_id", "dialect", "ocpp_versions", "unknown_fields", "ping_interval_s",
    "ping_timeout_s", "evse_number", "remote_start", "enable_v2x", "heartbeat_interval_s",
    "sample_interval_s", "password", "password_file", "password_env",
    "unauthenticated_on_private_network", "security_profile", "profiles",
)  # fmt: skip


def protocol_contradictions(settings: Settings) -> Iterator[Complaint]:
    """Keys of the other protocol, and those that are missing."""
    for number, charger in enumerate(settings.charger):
        key = f"charger[{number}]"
        if charger.protocol == "modbus":
            yield from _modbus(key, charger)
        else:
            yield from _ocpp(key, charger)


def _modbus(key: str, charger: Charger) -> Iterator[Complaint]:
    if charger.modbus is None:
        yield Complaint(
            key=f"{key}.modbus",
            value=None,
            problem="is missing",
            fix="add [charger.modbus] with link and profile; `v2g scan` proposes both",
        )
    for name in OF_STATIONS:
        if name in charger.model_fields_set:
            yield Complaint(
                key=f"{key}.{name}",
                value="(not shown)",
                problem="belongs to OCPP, and this charger speaks Modbus",
                fix="remove it",
            )


def _ocpp(key: str, charger: Charger) -> Iterator[Complaint]:
    if charger.modbus is not None:
        yield Complaint(
            key=f"{key}.modbus",
            value="(not shown)",
            problem='belongs to a charger with protocol = "modbus"',
            fix="write that protocol, or remove the table",
        )
    if charger.station_id == "":
        yield Complaint(
            key=f"{key}.station_id",
            value=None,
            problem="is missing",
            fix="add the last part of the address that the station connects to",
        )
