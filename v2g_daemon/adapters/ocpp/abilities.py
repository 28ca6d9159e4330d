"""The device model read and written: what a station can do, and the few settings we need of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from v2g_daemon.adapters.ocpp.config import EvseConfig, OcppVersion, StationConfig
from v2g_daemon.adapters.ocpp.keys import key_settings
from v2g_daemon.adapters.ocpp.profiles import (
    LEASE_STACK_LEVEL,
    LEAST_PROFILE_ID,
    ProfileForm,
    RateUnit,
)

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
    highest_stack_level: int = LEASE_STACK_LEVEL
    first_profile_id: int = LEAST_PROFILE_ID
    direct_current: bool = False
    operation_modes: bool = False


NOTHING_KNOWN = EvseAbilities()

SERIAL = Variable(component="ChargingStation", name="SerialNumber")
_SMART = "SmartChargingCtrlr"
_V2X = "V2XChargingCtrlr"
_SAMPLED = "SampledDataCtrlr"
_RATE_UNIT = Variable(component=_SMART, name="RateUnit")
_STACK_LEVEL = Variable(component=_SMART, name="ProfileStackLevel")
_CONSTRAINTS_ID = Variable(component=_SMART, name="MaxExternalConstraintsId")
# Part 2 and its appendices name the features differently; stations follow either.
_DYNAMIC = (
    Variable(component=_SMART, name="SupportsFeature", instance="DynamicProfiles"),
    Variable(component=_SMART, name="SupportsDynamicProfiles"),
)
_OFFLINE = (
    Variable(component=_SMART, name="SupportsFeature", instance="MaxOfflineDuration"),
    Variable(component=_SMART, name="SupportsMaxOfflineDuration"),
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
    """The settings that make SoC, powers and registers arrive in time, and keys work without us."""
    interval = (str(station.sample_interval_s),)
    wanted = [
        (_SAMPLED, "TxUpdatedInterval", interval),
        (_SAMPLED, "TxUpdatedMeasurands", MEASURAND_LISTS),
        (_SAMPLED, "TxEndedMeasurands", MEASURAND_LISTS[1:]),
        ("OCPPCommCtrlr", "HeartbeatInterval", (str(station.heartbeat_interval_s),)),
        *key_settings(station.key_ring, remote_start=station.remote_start),
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
    return tuple(settings)


def readable(station: StationConfig, version: OcppVersion) -> tuple[Variable, ...]:
    """Everything worth reading at the start of a connection."""
    variables = [SERIAL, _RATE_UNIT, _STACK_LEVEL, _CONSTRAINTS_ID]
    if version is OcppVersion.V2_1:
        variables += [*_DYNAMIC, *_OFFLINE]
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
    transfers = _members(_first(values, _v2x("SupportedEnergyTransferModes", config)))
    units = _members(values.get(_RATE_UNIT))
    stack_level = _count(values.get(_STACK_LEVEL))
    constraints_id = _count(values.get(_CONSTRAINTS_ID))
    in_amperes = _in_amperes(units, version)
    direct_current = bool(transfers) and all(one.startswith("dc") for one in transfers)
    # Amperes of direct current say nothing of the power: at 800 V they are 3.5 times ours.
    told_in_power = not (direct_current and in_amperes)
    return EvseAbilities(
        central_setpoint=version is OcppVersion.V2_1
        and "centralsetpoint" in modes
        and told_in_power,
        dynamic_profiles=_is_true(_first(values, _DYNAMIC)),
        offline_limit=_is_true(_first(values, _OFFLINE)),
        rate_unit=RateUnit.AMPERE if in_amperes else RateUnit.WATT,
        highest_stack_level=LEASE_STACK_LEVEL if stack_level is None else max(stack_level, 0),
        first_profile_id=LEAST_PROFILE_ID
        if constraints_id is None
        else max(LEAST_PROFILE_ID, constraints_id + 1),
        direct_current=direct_current,
        operation_modes=version is OcppVersion.V2_1,
    )


def _in_amperes(units: frozenset[str], version: OcppVersion) -> bool:
    """Watts where offered; but 1.6 stations are at home in amperes, whatever else they claim."""
    if version is OcppVersion.V1_6:
        return not units or bool(units & {"a", "current"})
    return bool(units & {"a", "current"}) and not units & {"w", "power"}


def profile_form(found: EvseAbilities, config: EvseConfig, *, direct_current: bool) -> ProfileForm:
    """How this EVSE wants its profiles written."""
    return ProfileForm(
        evse_number=config.number,
        phases=config.phases,
        nominal_voltage_v=config.nominal_voltage_v,
        ac_phases=None if direct_current or found.direct_current else config.phases,
        rate_unit=found.rate_unit,
        highest_stack_level=found.highest_stack_level,
        first_profile_id=found.first_profile_id,
        operation_modes=found.operation_modes,
        offline_limit=found.offline_limit,
    )


def differs(present: str, wanted: str) -> bool:
    """Whether a setting must be written: lists compare as sets, numbers as numbers."""
    if "," in wanted:
        return not _members(wanted) <= _members(present)
    if wanted.isdecimal():
        return _count(present) != int(wanted)
    return present.strip().casefold() != wanted.casefold()


def _first(values: Mapping[Variable, str], variables: Iterable[Variable]) -> str | None:
    return next((values[one] for one in variables if one in values), None)


def _members(text: str | None) -> frozenset[str]:
    parts = [] if text is None else text.replace("'", "").split(",")
    return frozenset(part.strip().casefold() for part in parts if part.strip())


def _is_true(text: str | None) -> bool:
    return text is not None and text.strip().casefold() == "true"


def _count(text: str | None) -> int | None:
    try:
        return None if text is None else int(float(text))
    except (ValueError, OverflowError):
        return None
