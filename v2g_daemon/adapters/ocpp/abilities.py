"""The device model read and written: what a station can do, and the few settings we need of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from v2g_daemon.adapters.ocpp.config import (
    EvseConfig,
    LocalLoadBalancing,
    OcppVersion,
    StationConfig,
)
from v2g_daemon.adapters.ocpp.ladder import USUAL_LEASE_LEVEL, Kind, RateUnit, Rung
from v2g_daemon.adapters.ocpp.profiles import LEAST_PROFILE_ID, USUAL_PERIODS, Outlet

# Tried in this order; a station that refuses a list may take a shorter one.
MEASURAND_LISTS = (
    "Power.Active.Import,Power.Active.Export,Energy.Active.Import.Register,"
    "Energy.Active.Export.Register,SoC",
    "Power.Active.Import,Power.Active.Export,Energy.Active.Import.Register,"
    "Energy.Active.Export.Register",
    "Power.Active.Import,Energy.Active.Import.Register",
)


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
class Wanted:
    """A variable and the values we would have it take, best first."""

    variable: Variable
    values: tuple[str, ...]


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


def _v2x(name: str, config: EvseConfig) -> tuple[Variable, Variable]:
    """A V2X variable belongs to the EVSE; some stations keep it at the station."""
    return (
        Variable(component=_V2X, name=name, evse_number=config.number),
        Variable(component=_V2X, name=name),
    )


def wanted_settings(station: StationConfig, version: OcppVersion) -> tuple[Wanted, ...]:
    """The settings that make SoC, powers and registers arrive in time."""
    interval = (str(station.sample_interval_s),)
    wanted = [
        (_SAMPLED, "TxUpdatedInterval", interval),
        (_SAMPLED, "TxUpdatedMeasurands", MEASURAND_LISTS),
        (_SAMPLED, "TxEndedMeasurands", MEASURAND_LISTS[1:]),
        ("OCPPCommCtrlr", "HeartbeatInterval", (str(station.heartbeat_interval_s),)),
    ]
    settings = [
        Wanted(variable=Variable(component=component, name=name), values=values)
        for component, name, values in wanted
    ]
    if version is OcppVersion.V2_1:
        for config in station.evses:
            if not config.charge_only:
                settings += [
                    Wanted(variable=variable, values=("true",))
                    for variable in _v2x("Enabled", config)
                ]
                settings += _load_balancing(config)
    return tuple(settings)


def _load_balancing(config: EvseConfig) -> list[Wanted]:
    """The thresholds of Q09, where the owner asked for that mode."""
    local = config.dialect.local
    if not isinstance(local, LocalLoadBalancing):
        return []
    values_w = {
        "UpperThreshold": local.upper_threshold_w,
        "LowerThreshold": local.lower_threshold_w,
        "UpperOffset": local.upper_offset_w,
        "LowerOffset": local.lower_offset_w,
    }
    return [
        Wanted(variable=replace(variable, instance=instance), values=(f"{round(value_w)}",))
        for instance, value_w in values_w.items()
        for variable in _v2x("LocalLoadBalancing", config)
    ]


def readable(station: StationConfig, version: OcppVersion) -> tuple[Variable, ...]:
    """Everything worth reading at the start of a connection."""
    variables = [SERIAL, MODEL, VENDOR, FIRMWARE]
    variables += [_RATE_UNIT, _STACK_LEVEL, _CONSTRAINTS_ID, _PERIODS]
    if version is OcppVersion.V2_1:
        variables += [*_DYNAMIC, *_OFFLINE, *_EVSE_SLEEP, *_RATE_LIMIT, _KEPT_IN_FLASH]
        for config in station.evses:
            variables += _v2x("SupportedOperationModes", config)
            variables += _v2x("SupportedEnergyTransferModes", config)
    variables += [wanted.variable for wanted in wanted_settings(station, version)]
    return tuple(variables)


def abilities(
    values: Mapping[Variable, str], config: EvseConfig, version: OcppVersion
) -> EvseAbilities:
    """What the values say of one EVSE; what is missing is not offered, or is the usual."""
    modes = _members(_first(values, _v2x("SupportedOperationModes", config)))
    if version is not OcppVersion.V2_1:
        modes = frozenset()
    transfers = _members(_first(values, _v2x("SupportedEnergyTransferModes", config)))
    in_amperes = _in_amperes(_members(values.get(_RATE_UNIT)), version)
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
    )


def first_rung(found: EvseAbilities) -> Rung:
    """The best way to write that a station says it takes."""
    kind = None
    if found.central_setpoint:
        kind = Kind.DYNAMIC if found.dynamic_profiles else Kind.ABSOLUTE
    slow = found.kept_in_flash and found.update_rate_limit_s > SLOWEST_RENEWAL_S
    if slow and kind is Kind.ABSOLUTE:
        kind = None
    return Rung(
        setpoint_kind=kind,
        rate_unit=found.rate_unit,
        stack_level=min(USUAL_LEASE_LEVEL, found.highest_stack_level),
        offline_limit=found.offline_limit,
        modes_said=found.operation_modes,
    )


def differs(present: str, wanted: str) -> bool:
    """Whether a setting must be written: lists compare as sets, numbers as numbers."""
    if "," in wanted:
        return not _members(wanted) <= _members(present)
    try:
        return float(present) != float(wanted)
    except ValueError:
        return present.strip().casefold() != wanted.casefold()


def _first(values: Mapping[Variable, str], variables: Iterable[Variable]) -> str | None:
    return next((values[one] for one in variables if one in values), None)


def _members(text: str | None) -> frozenset[str]:
    parts = [] if text is None else text.replace("'", "").split(",")
    return frozenset(part.strip().casefold() for part in parts if part.strip())


def _is_true(text: str | None) -> bool:
    return text is not None and text.strip().casefold() == "true"


def _count(text: str | None, *, otherwise: int) -> int:
    """A whole number; what is absent or no number is the usual one."""
    try:
        return otherwise if text is None else int(float(text))
    except (ValueError, OverflowError):
        return otherwise
