"""Profiles that nobody here wrote: an energy manager's, an installer's."""

from __future__ import annotations

from collections.abc import Callable

from simulators.faults import Fault
from simulators.station.profile_rules import EVSE_ID
from simulators.station.profiles import EXTERNAL, InstalledProfile
from simulators.station.station import Station
from simulators.station.wire import JsonDict

FOREIGN_PROFILE_ID = 5
FOREIGN_DEFAULT_ID = 6
LONG_AGO = "2020-01-01T00:00:00Z"
ENERGY_MANAGER = "EMS"


def keep_foreign_profiles(station: Station) -> None:
    """Let the profiles of others come and go with their faults."""
    for kind, (profile_id, made) in _FOREIGN.items():
        fault, known = station.fault(kind), profile_id in station.store.installed
        if fault is not None and not known:
            _appear(station, made(fault, station.version))
        elif fault is None and known:
            _vanish(station, profile_id)


def _appear(station: Station, profile: InstalledProfile) -> None:
    station.store.put(profile)
    if profile.purpose == EXTERNAL:  # K11
        notice: JsonDict = {
            "chargingLimit": {"chargingLimitSource": profile.source, "isGridCritical": False},
            "chargingSchedule": [profile.schedule],
        }
        station.send("NotifyChargingLimit", notice)


def _vanish(station: Station, profile_id: int) -> None:
    profile = station.store.installed.pop(profile_id)
    if profile.purpose == EXTERNAL:  # K13
        station.send("ClearedChargingLimit", {"chargingLimitSource": profile.source})


def _constraint(fault: Fault, version: str) -> InstalledProfile:
    """K11: an energy manager's limit, and the discharge that it leaves."""
    period: JsonDict = {"startPeriod": 0, "limit": fault.parameters.value}
    if version == "ocpp2.1":
        period = {**period, "operationMode": "ExternalLimits"}
        period["dischargeLimit"] = -fault.parameters.value
    return _foreign(0, EXTERNAL, {"id": FOREIGN_PROFILE_ID, "stackLevel": 0}, period)


def _default(fault: Fault, _version: str) -> InstalledProfile:
    period = {"startPeriod": 0, "limit": fault.parameters.value}
    names = {"id": FOREIGN_DEFAULT_ID, "stackLevel": 0}
    return _foreign(EVSE_ID, "TxDefaultProfile", names, period)


def _foreign(evse_id: int, purpose: str, names: JsonDict, period: JsonDict) -> InstalledProfile:
    schedule: JsonDict = {
        "id": names["id"],
        "chargingRateUnit": "W",
        "startSchedule": LONG_AGO,
        "chargingSchedulePeriod": [period],
    }
    raw: JsonDict = {
        **names,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Absolute",
        "chargingSchedule": [schedule],
    }
    source = ENERGY_MANAGER if purpose == EXTERNAL else "CSO"
    return InstalledProfile(evse_id=evse_id, raw=raw, updated_s=0.0, source=source)


_FOREIGN: dict[str, tuple[int, Callable[[Fault, str], InstalledProfile]]] = {
    "foreign_profile": (FOREIGN_PROFILE_ID, _constraint),
    "foreign_default": (FOREIGN_DEFAULT_ID, _default),
}
