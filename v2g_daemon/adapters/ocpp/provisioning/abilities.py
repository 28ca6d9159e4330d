"""The device model read: the addresses of its variables, and what a station can do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from v2g_daemon.adapters.ocpp.config import (
    USUAL_LEASE_LEVEL,
    EvseConfig,
    OcppVersion,
    ProfileDialect,
    StationConfig,
)
from v2g_daemon.adapters.ocpp.smart_charging.ladder import Kind, Purpose, RateUnit, Rung
from v2g_daemon.adapters.ocpp.smart_charging.profiles import LEAST_PROFILE_ID, USUAL_PERIODS, Outlet
from v2g_daemon.adapters.ocpp.wire.codec import JsonObject, printable


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """The address of one variable of the device model."""

    component: str
    name: str
    instance: str | None = None
    evse_number: int | None = None

    def folded(self) -> Variable:
        """The address with letter case ignored: stations answer in a case of their own."""
        return Variable(
            component=self.component.casefold(),
            name=self.name.casefold(),
            instance=None if self.instance is None else self.instance.casefold(),
            evse_number=self.evse_number,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EvseAbilities:
    """What one EVSE offers to be told, and in which form."""

    central_setpoint: bool = False
    dynamic_profiles: bool = False
    offline_limit: bool = False
    rate_unit: RateUnit = RateUnit.WATT
    highest_stack_level: int = USUAL_LEASE_LEVEL
    first_profile_id: int = LEAST_PROFILE_ID
    most_periods: int = USUAL_PERIODS
    direct_current: bool = False
    operation_modes: bool = False
    idle: bool = False
    evse_sleep: bool = False
    local_frequency: bool = False
    local_load_balancing: bool = False
    kept_in_flash: bool = False
    update_rate_limit_s: int = 0


NOTHING_KNOWN = EvseAbilities()
# A setpoint that may be written no more often than this would lapse between two writes.
SLOWEST_RENEWAL_S = 40

SERIAL = Variable(component="ChargingStation", name="SerialNumber")
MODEL = Variable(component="ChargingStation", name="Model")
VENDOR = Variable(component="ChargingStation", name="VendorName")
FIRMWARE = Variable(component="ChargingStation", name="FirmwareVersion")
_SMART = "SmartChargingCtrlr"
_V2X = "V2XChargingCtrlr"
_SAMPLED = "SampledDataCtrlr"
_RATE_UNIT = Variable(component=_SMART, name="RateUnit")
_STACK_LEVEL = Variable(component=_SMART, name="ProfileStackLevel")
_CONSTRAINTS_ID = Variable(component=_SMART, name="MaxExternalConstraintsId")
_PERIODS = Variable(component=_SMART, name="PeriodsPerSchedule")
_KEPT_IN_FLASH = Variable(component=_SMART, name="ChargingProfilePersistence", instance="TxProfile")
# The requirement and the appendices name it differently.
_RATE_LIMIT = (
    Variable(component=_SMART, name="UpdateRateLimit"),
    Variable(component=_SMART, name="ChargingProfileUpdateRateLimit"),
)
# Part 2 and its appendices name the features differently; stations follow either.
_DYNAMIC = (
    Variable(component=_SMART, name="SupportsFeature", instance="DynamicProfiles"),
    Variable(component=_SMART, name="SupportsDynamicProfiles"),
)
_OFFLINE = (
    Variable(component=_SMART, name="SupportsFeature", instance="MaxOfflineDuration"),
    Variable(component=_SMART, name="SupportsMaxOfflineDuration"),
)
_EVSE_SLEEP = (
    Variable(component=_SMART, name="SupportsFeature", instance="EvseSleep"),
    Variable(component=_SMART, name="SupportsEvseSleep"),
)


def connected_ev(evse_number: int) -> Variable:
    """Where the station names the EV at one EVSE (its EVCCID)."""
    return Variable(component="ConnectedEV", name="VehicleId", evse_number=evse_number)


def connected_ev_told(event: JsonObject) -> tuple[int, str] | None:
    """EVSE and EVCCID of an `eventData` that names the connected EV; None for any other."""
    component = event["component"]
    address = (component["name"].casefold(), event["variable"]["name"].casefold())
    number, evccid = component.get("evse", {}).get("id"), printable(event["actualValue"])
    if address != ("connectedev", "vehicleid") or number is None or evccid == "":
        return None
    return int(number), evccid


def v2x_variables(
    name: str, config: EvseConfig, *, instance: str | None = None
) -> tuple[Variable, Variable]:
    """A V2X variable belongs to the EVSE; some stations keep it at the station."""
    return (
        Variable(component=_V2X, name=name, instance=instance, evse_number=config.number),
        Variable(component=_V2X, name=name, instance=instance),
    )


def ability_variables(station: StationConfig, version: OcppVersion) -> tuple[Variable, ...]:
    """What has to be read to know what a station is and can do."""
    variables = [SERIAL, MODEL, VENDOR, FIRMWARE]
    variables += [_RATE_UNIT, _STACK_LEVEL, _CONSTRAINTS_ID, _PERIODS]
    if version is OcppVersion.V2_1:
        variables += [*_DYNAMIC, *_OFFLINE, *_EVSE_SLEEP, *_RATE_LIMIT, _KEPT_IN_FLASH]
        for config in station.evses:
            for name in ("SupportedOperationModes", "SupportedEnergyTransferModes", "Enabled"):
                variables += v2x_variables(name, config)
    return tuple(variables)


def two_way_switched_off(values: Mapping[Variable, str], config: EvseConfig) -> bool:
    """Whether the station could ask cars for discharge, and is told not to."""
    enabled = _first(values, v2x_variables("Enabled", config))
    return enabled is not None and not _is_true(enabled)


def abilities(
    values: Mapping[Variable, str], config: EvseConfig, version: OcppVersion
) -> EvseAbilities:
    """What the values say of one EVSE; what is missing is not offered, or is the usual."""
    modes = members_of(_first(values, v2x_variables("SupportedOperationModes", config)))
    if version is not OcppVersion.V2_1:
        modes = frozenset()
    transfers = members_of(_first(values, v2x_variables("SupportedEnergyTransferModes", config)))
    in_amperes = _in_amperes(members_of(values.get(_RATE_UNIT)), version)
    if config.dialect.rate_unit is not None:
        in_amperes = RateUnit(config.dialect.rate_unit) is RateUnit.AMPERE
    direct_current = bool(transfers) and all(one.startswith("dc") for one in transfers)
    # Amperes of direct current say nothing of the power: at 800 V they are 3.5 times ours.
    told_in_power = not (direct_current and in_amperes)
    wears = config.dialect.wears_flash
    return EvseAbilities(
        central_setpoint="centralsetpoint" in modes and told_in_power,
        dynamic_profiles=_is_true(_first(values, _DYNAMIC)),
        offline_limit=_is_true(_first(values, _OFFLINE)),
        rate_unit=RateUnit.AMPERE if in_amperes else RateUnit.WATT,
        highest_stack_level=max(_count(values.get(_STACK_LEVEL), otherwise=USUAL_LEASE_LEVEL), 0),
        first_profile_id=max(
            LEAST_PROFILE_ID, _count(values.get(_CONSTRAINTS_ID), otherwise=0) + 1
        ),
        most_periods=max(_count(values.get(_PERIODS), otherwise=USUAL_PERIODS), 1),
        direct_current=direct_current,
        operation_modes=version is OcppVersion.V2_1,
        idle="idle" in modes,
        evse_sleep=_is_true(_first(values, _EVSE_SLEEP)),
        local_frequency="localfrequency" in modes and not in_amperes,
        local_load_balancing="localloadbalancing" in modes,
        kept_in_flash=_is_true(values.get(_KEPT_IN_FLASH)) if wears is None else wears,
        update_rate_limit_s=max(_count(_first(values, _RATE_LIMIT), otherwise=0), 0),
    )


def _in_amperes(units: frozenset[str], version: OcppVersion) -> bool:
    """Watts where offered; but 1.6 stations are at home in amperes, whatever else they claim."""
    if version is OcppVersion.V1_6:
        return not units or bool(units & {"a", "current"})
    return bool(units & {"a", "current"}) and not units & {"w", "power"}


def outlet(found: EvseAbilities, config: EvseConfig, *, direct_current: bool) -> Outlet:
    """What holds for every profile of this EVSE."""
    return Outlet(
        evse_number=config.number,
        phases=config.phases,
        nominal_voltage_v=config.nominal_voltage_v,
        direct_current=direct_current or found.direct_current,
        first_profile_id=found.first_profile_id,
        most_periods=found.most_periods,
        least_limit_a=config.dialect.least_limit_a,
    )


def first_rung(found: EvseAbilities, dialect: ProfileDialect) -> Rung:
    """The best way to write that a station says it takes, and its make is known to heed."""
    kind = None
    if found.central_setpoint:
        kind = Kind.DYNAMIC if found.dynamic_profiles else Kind.ABSOLUTE
    slow = found.kept_in_flash and found.update_rate_limit_s > SLOWEST_RENEWAL_S
    if slow and kind is Kind.ABSOLUTE:
        kind = None
    purpose = Purpose(dialect.lease_purpose)
    if found.highest_stack_level < 1:  # our default lies there, in the shared purpose
        purpose = Purpose.TX
    least = 0 if purpose is Purpose.TX else 1
    return Rung(
        purpose=purpose,
        setpoint_kind=kind,
        rate_unit=found.rate_unit,
        phases_said=dialect.phases_said,
        stack_level=min(max(dialect.lease_level, least), found.highest_stack_level),
        offline_limit=found.offline_limit,
        modes_said=found.operation_modes,
    )


def _first(values: Mapping[Variable, str], variables: Iterable[Variable]) -> str | None:
    return next((values[one] for one in variables if one in values), None)


def members_of(text: str | None) -> frozenset[str]:
    """The members of a list, without blanks, quotes and letter case."""
    parts = (part.strip().casefold() for part in (text or "").replace("'", "").split(","))
    return frozenset(part for part in parts if part)


def _is_true(text: str | None) -> bool:
    return text is not None and text.strip().casefold() == "true"


def _count(text: str | None, *, otherwise: int) -> int:
    """A whole number; what is absent or no number is the usual one."""
    try:
        return otherwise if text is None else int(float(text))
    except (ValueError, OverflowError):
        return otherwise
