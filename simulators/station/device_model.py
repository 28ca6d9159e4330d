"""The station's device model: components, variables and what may be set."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from simulators.scenario import StationTable
from simulators.station.targets import LoadBand
from simulators.station.wire import JsonDict

V2X = "V2XChargingCtrlr"
EVSE_COMPONENTS = frozenset({V2X, "EVSE", "Connector", "ConnectedEV"})

MEASURANDS_201 = (
    "Power.Active.Import",
    "Power.Active.Export",
    "Energy.Active.Import.Register",
    "Energy.Active.Export.Register",
    "SoC",
    "Voltage",
)
MEASURANDS_21 = (*MEASURANDS_201, "Power.Active.Setpoint")
LOAD_BAND = ("UpperThreshold", "UpperOffset", "LowerThreshold", "LowerOffset")


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """Where a variable lives."""

    component: str
    variable: str
    instance: str | None = None


@dataclass(slots=True, kw_only=True)
class Variable:
    """A value with its type; accepts is None where it is read-only."""

    value: str
    data_type: str = "string"
    accepts: Callable[[str], bool] | None = None
    unit: str | None = None


class DeviceModel:
    """Answers GetVariables, SetVariables and base reports."""

    def __init__(self, table: StationTable, *, version: str) -> None:
        """Build the variables of a station as it speaks one version."""
        self.measurands = MEASURANDS_21 if version == "ocpp2.1" else MEASURANDS_201
        self.bidirectional = has_v2x(table, version)
        self._variables: dict[Key, Variable] = {}
        self._add_smart_charging(table, version)
        self._add_sampling(table)
        self._add_communication(table)
        self._add_hardware(table)
        if self.bidirectional:
            self._add_v2x(table)

    def get(self, component: str, variable: str) -> str:
        """Return a value the station itself uses."""
        return self._variables[Key(component=component, variable=variable)].value

    def number(self, component: str, variable: str) -> float:
        """Return a numeric value the station itself uses."""
        return float(self.get(component, variable))

    def measurand_list(self, variable: str) -> tuple[str, ...]:
        """Return the measurands of a SampledDataCtrlr list."""
        return tuple(filter(None, self.get("SampledDataCtrlr", variable).split(",")))

    def set_heartbeat_interval(self, interval_s: int) -> None:
        """Adopt the interval of a BootNotification answer; 0 keeps the own one."""
        if interval_s > 0:
            key = Key(component="OCPPCommCtrlr", variable="HeartbeatInterval")
            self._variables[key].value = str(interval_s)

    def load_band(self) -> LoadBand | None:
        """Return the band of LocalLoadBalancing; None until it is set, and upright (Q09.FR.02)."""
        keys = [
            Key(component=V2X, variable="LocalLoadBalancing", instance=name) for name in LOAD_BAND
        ]
        values = [self._variables[key].value if key in self._variables else "" for key in keys]
        if "" in values:
            return None
        upper_w, upper_offset_w, lower_w, lower_offset_w = map(float, values)
        if upper_w <= lower_w:
            return None
        return LoadBand(
            upper_w=upper_w,
            upper_offset_w=upper_offset_w,
            lower_w=lower_w,
            lower_offset_w=lower_offset_w,
        )

    def note_connected_ev(self, evccid: str | None) -> None:
        """Show which EV is connected; None = none."""
        if self.bidirectional:
            self._put("ConnectedEV", "Available", "true" if evccid is not None else "false")
            self._put("ConnectedEV", "VehicleId", evccid or "")

    def read(self, request: JsonDict) -> JsonDict:
        """Answer one getVariableData."""
        result: JsonDict = {"component": request["component"], "variable": request["variable"]}
        status, found = self._find(request)
        if found is not None and request.get("attributeType", "Actual") != "Actual":
            return {**result, "attributeStatus": "NotSupportedAttributeType"}
        if found is None:
            return {**result, "attributeStatus": status}
        return {**result, "attributeStatus": status, "attributeValue": found.value}

    def write(self, request: JsonDict) -> JsonDict:
        """Answer one setVariableData and keep the value if it is acceptable."""
        result: JsonDict = {"component": request["component"], "variable": request["variable"]}
        status, found = self._find(request)
        if found is not None and request.get("attributeType", "Actual") != "Actual":
            status = "NotSupportedAttributeType"
        elif found is not None:
            value = str(request["attributeValue"])
            if found.accepts is None or not found.accepts(value):
                status = "Rejected"
            else:
                found.value = value
        return {**result, "attributeStatus": status}

    def report(self) -> Iterator[JsonDict]:
        """Yield every variable as reportData."""
        for key, variable in self._variables.items():
            attribute: JsonDict = {
                "value": variable.value,
                "mutability": "ReadOnly" if variable.accepts is None else "ReadWrite",
            }
            characteristics: JsonDict = {
                "dataType": variable.data_type,
                "supportsMonitoring": False,
            }
            if variable.unit is not None:
                characteristics["unit"] = variable.unit
            place: JsonDict = {"name": key.variable}
            if key.instance is not None:
                place["instance"] = key.instance
            yield {
                "component": _component_json(key.component),
                "variable": place,
                "variableAttribute": [attribute],
                "variableCharacteristics": characteristics,
            }

    def _find(self, request: JsonDict) -> tuple[str, Variable | None]:
        component, variable = request["component"], request["variable"]
        name = component["name"]
        known = {key.component for key in self._variables}
        if name not in known or component.get("evse", {}).get("id") != _evse_of(name):
            return "UnknownComponent", None
        key = Key(component=name, variable=variable["name"], instance=variable.get("instance"))
        found = self._variables.get(key)
        return ("Accepted", found) if found is not None else ("UnknownVariable", None)

    def _put(self, component: str, variable: str, value: str, **more: str) -> None:
        key = Key(component=component, variable=variable, instance=more.get("instance"))
        self._variables[key] = Variable(
            value=value, data_type=more.get("data_type", _type_of(value)), unit=more.get("unit")
        )

    def _put_settable(
        self,
        component: str,
        variable: str,
        value: str,
        accepts: Callable[[str], bool],
        instance: str | None = None,
    ) -> None:
        self._variables[Key(component=component, variable=variable, instance=instance)] = Variable(
            value=value, data_type=_type_of(value), accepts=accepts
        )

    def _add_smart_charging(self, table: StationTable, version: str) -> None:
        put, name = self._put, "SmartChargingCtrlr"
        dynamic = str(table.dynamic_profiles and version == "ocpp2.1").lower()
        put(name, "Available", "true")
        self._put_settable(name, "Enabled", "true", _is_boolean)
        put(name, "ProfileStackLevel", "10")
        put(name, "RateUnit", ",".join(table.rate_units), data_type="MemberList")
        put(name, "PeriodsPerSchedule", "96")
        put(name, "Entries", "20", instance="ChargingProfiles")
        put(name, "LimitChangeSignificance", "1.0", data_type="decimal", unit="Percent")
        put(name, "Phases3to1", "false")
        if version == "ocpp2.1":
            put(name, "SupportsDynamicProfiles", dynamic)
            put(name, "SupportsFeature", dynamic, instance="DynamicProfiles")
            offline = str(table.offline_limits).lower()
            put(name, "SupportsFeature", offline, instance="MaxOfflineDuration")
            put(name, "SupportedAdditionalPurposes", "PriorityCharging", data_type="MemberList")
            if table.max_external_constraints_id is not None:
                put(name, "MaxExternalConstraintsId", str(table.max_external_constraints_id))
            for feature in ("UseLocalTime", "RandomizedDelay", "LimitAtSoC", "EvseSleep"):
                put(name, "SupportsFeature", "false", instance=feature)
            put(name, "ChargingProfilePersistence", "false", instance="TxProfile")

    def _add_sampling(self, table: StationTable) -> None:
        name, every = "SampledDataCtrlr", ",".join(self.measurands)
        self._put(name, "Available", "true")
        self._put_settable(name, "Enabled", "true", _is_boolean)
        self._put_settable(name, "TxUpdatedInterval", str(table.sample_interval_s), _is_count)
        self._put_settable(name, "TxEndedInterval", "0", _is_count)
        for variable in ("TxStartedMeasurands", "TxUpdatedMeasurands", "TxEndedMeasurands"):
            self._put_settable(name, variable, every, self._are_measurands)

    def _add_communication(self, table: StationTable) -> None:
        name = "OCPPCommCtrlr"
        self._put_settable(name, "HeartbeatInterval", "300", _is_count)
        self._put_settable(name, "OfflineThreshold", "60", _is_count)
        ping_s = str(round(table.ping_interval_s))
        self._put_settable(name, "WebSocketPingInterval", ping_s, _is_count)
        self._put_settable(name, "RetryBackOffWaitMinimum", "1", _is_count)
        for component, variable, value in (
            (name, "NetworkConfigurationPriority", "1"),
            (name, "QueueAllMessages", "false"),
            ("TxCtrlr", "TxStartPoint", "EVConnected"),
            ("TxCtrlr", "TxStopPoint", "EVConnected"),
            ("TxCtrlr", "StopTxOnEVSideDisconnect", "true"),
            ("AuthCtrlr", "Enabled", "true"),
            ("LocalAuthListCtrlr", "Available", "true"),
            ("LocalAuthListCtrlr", "Storage", "100"),
            ("SecurityCtrlr", "SecurityProfile", _security_profile(table)),
            ("SecurityCtrlr", "Identity", table.id),
            ("ClockCtrlr", "TimeSource", "Heartbeat"),
        ):
            self._put(component, variable, value)
        local = str(table.local_authorization_offline).lower()
        for component, variable, value in (
            ("AuthCtrlr", "AuthorizeRemoteStart", "false"),
            ("AuthCtrlr", "LocalAuthorizationOffline", local),
            ("AuthCtrlr", "LocalPreAuthorize", "false"),
            ("AuthCtrlr", "OfflineTxForUnknownIdEnabled", "true"),
            ("LocalAuthListCtrlr", "Enabled", "false"),
            ("TxCtrlr", "StopTxOnInvalidId", "false"),
        ):
            self._put_settable(component, variable, value, _is_boolean)
        for action in ("GetVariables", "SetVariables"):
            self._put("DeviceDataCtrlr", "ItemsPerMessage", "50", instance=action)

    def _add_hardware(self, table: StationTable) -> None:
        for variable, value in (
            ("Available", "true"),
            ("AvailabilityState", "Available"),
            ("Model", table.model),
            ("VendorName", table.vendor),
            ("SerialNumber", table.serial),
            ("FirmwareVersion", table.firmware),
            ("SupplyPhases", str(table.phases)),
        ):
            self._put("ChargingStation", variable, value)
        self._put("EVSE", "Available", "true")
        self._put("EVSE", "SupplyPhases", str(table.phases))
        self._put("EVSE", "Power", f"{table.max_charge_w:.1f}", data_type="decimal", unit="W")
        self._put("Connector", "Available", "true")
        self._put("Connector", "ConnectorType", "cType2")

    def _add_v2x(self, table: StationTable) -> None:
        name = V2X
        self._put(name, "Available", "true")
        self._put_settable(name, "Enabled", "true", _is_boolean)
        modes = ",".join(table.operation_modes)
        transfers = ",".join(energy_transfers(table))
        self._put(name, "SupportedOperationModes", modes, data_type="MemberList")
        self._put(name, "SupportedEnergyTransferModes", transfers, data_type="MemberList")
        self._put(name, "LocalFrequencyUpdateThreshold", "0")
        for instance in LOAD_BAND:
            self._put_settable(name, "LocalLoadBalancing", "", _is_power, instance)
        self._put_settable("ISO15118Ctrlr", "Enabled", "true", _is_boolean)
        self.note_connected_ev(None)

    def _are_measurands(self, value: str) -> bool:
        return all(part in self.measurands for part in value.split(",")) if value else True


def energy_transfers(table: StationTable) -> tuple[str, str]:
    """Return the one-way and the bidirectional energy transfer of a station."""
    if table.direct_current:
        return "DC", "DC_BPT"
    return ("AC_three_phase" if table.phases == 3 else "AC_single_phase"), "AC_BPT"


def _security_profile(table: StationTable) -> str:
    if table.certificate_file is not None:
        return "3"
    if table.password is None:
        return "0"
    return "2" if table.url.startswith("wss:") else "1"


def has_v2x(table: StationTable, version: str) -> bool:
    """Say whether a station offers V2X in a version; 2.0.1 never does."""
    return version == "ocpp2.1" and table.v2x is not False


def _evse_of(component: str) -> int | None:
    return 1 if component in EVSE_COMPONENTS else None


def _component_json(name: str) -> JsonDict:
    return {"name": name, "evse": {"id": 1}} if name in EVSE_COMPONENTS else {"name": name}


def _type_of(value: str) -> str:
    if value in {"true", "false"}:
        return "boolean"
    return "integer" if value.isdigit() else "string"


def _is_boolean(value: str) -> bool:
    return value in {"true", "false"}


def _is_power(value: str) -> bool:
    try:
        return math.isfinite(float(value))
    except ValueError:
        return False


def _is_count(value: str) -> bool:
    return value.isdecimal() and int(value) <= 86_400
