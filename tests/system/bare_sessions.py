"""A whole session as a bare station tells it, in the words of each version."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from tests.system.bare_station import Answer, BareStation, Json

EVCCID, ID_TOKEN = "SIMEVCC00001", "SIMTOKEN0001"
SERIAL = "SIM-0001"
EVSE = {"id": 1, "connectorId": 1}
TRANSACTION = "bare-transaction-1"
Place = tuple[str, str, str | None]
VARIABLES: dict[Place, str] = {
    ("ChargingStation", "SerialNumber", None): SERIAL,
    ("SmartChargingCtrlr", "RateUnit", None): "W,A",
    ("SmartChargingCtrlr", "ProfileStackLevel", None): "4",
    ("SampledDataCtrlr", "TxUpdatedInterval", None): "30",
    ("SampledDataCtrlr", "TxUpdatedMeasurands", None): "Energy.Active.Import.Register",
    ("SampledDataCtrlr", "TxEndedMeasurands", None): "Energy.Active.Import.Register",
    ("OCPPCommCtrlr", "HeartbeatInterval", None): "600",
}
VARIABLES_2_1: dict[Place, str] = {
    **VARIABLES,
    ("SmartChargingCtrlr", "SupportsFeature", "DynamicProfiles"): "true",
    ("SmartChargingCtrlr", "SupportsFeature", "MaxOfflineDuration"): "true",
    ("V2XChargingCtrlr", "Enabled", None): "true",
    ("V2XChargingCtrlr", "SupportedOperationModes", None): "ChargingOnly,CentralSetpoint",
    ("V2XChargingCtrlr", "SupportedEnergyTransferModes", None): "AC_three_phase,AC_BPT",
    ("ConnectedEV", "VehicleId", None): EVCCID,
}
SETTABLE = {"TxUpdatedInterval", "TxUpdatedMeasurands", "TxEndedMeasurands", "HeartbeatInterval"}
Step = Callable[[BareStation], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What a version's station says at each step, and how it answers."""

    version: str
    answers: dict[str, Answer]
    boot: Step
    plug_in: Step
    sample: Step
    leave: Step


# --- 2.0.1 and 2.1 ---


def _variables(station: BareStation) -> dict[Place, str]:
    return VARIABLES_2_1 if station.version == "ocpp2.1" else VARIABLES


def _place(asked: Json) -> Place:
    component, variable = asked["component"], asked["variable"]
    return component["name"], variable["name"], variable.get("instance")


def get_variables(station: BareStation, request: Json) -> Json:
    """Read the device model."""
    results = []
    for asked in request["getVariableData"]:
        place = _place(asked)
        found: Json = {"component": asked["component"], "variable": asked["variable"]}
        value = station.settings.get(place[1], _variables(station).get(place))
        if value is None:
            found["attributeStatus"] = "UnknownVariable"
        else:
            found |= {"attributeStatus": "Accepted", "attributeValue": value}
        results.append(found)
    return {"getVariableResult": results}


def set_variables(station: BareStation, request: Json) -> Json:
    """Write what may be written."""
    results = []
    for asked in request["setVariableData"]:
        name = asked["variable"]["name"]
        if name in SETTABLE:
            station.settings[name] = asked["attributeValue"]
        results.append(
            {
                "component": asked["component"],
                "variable": asked["variable"],
                "attributeStatus": "Accepted" if name in SETTABLE else "Rejected",
            }
        )
    return {"setVariableResult": results}


def set_profile(station: BareStation, request: Json) -> Json:
    """Install a profile, in whatever version it comes."""
    profile = request.get("chargingProfile", request.get("csChargingProfiles"))
    assert profile is not None
    profile_id = profile.get("id", profile.get("chargingProfileId"))
    station.profiles.installed[profile_id] = (profile, station.now())
    return {"status": "Accepted"}


def update_schedule(station: BareStation, request: Json) -> Json:
    """Change a Dynamic profile's only period and start its duration anew (K28)."""
    found = station.profiles.installed.get(request["chargingProfileId"])
    if found is None or found[0]["chargingProfileKind"] != "Dynamic":
        return {"status": "Rejected"}
    found[0]["chargingSchedule"][0]["chargingSchedulePeriod"][0].update(request["scheduleUpdate"])
    station.profiles.installed[request["chargingProfileId"]] = (found[0], station.now())
    return {"status": "Accepted"}


def clear_profile(station: BareStation, request: Json) -> Json:
    """Remove a profile by its id."""
    profile_id: int = request["id"] if "id" in request else request["chargingProfileId"]
    known = station.profiles.installed.pop(profile_id, None)
    return {"status": "Unknown" if known is None else "Accepted"}


def trigger(station: BareStation, request: Json) -> Json:
    """Promise what is asked for, as far as this station has it."""
    match request["requestedMessage"]:
        case "StatusNotification":
            station.to_send.append(("StatusNotification", _status(station)))
        case "Heartbeat":
            station.to_send.append(("Heartbeat", {}))
        case _:
            return {"status": "NotImplemented"}
    return {"status": "Accepted"}


def transaction_status(station: BareStation, request: Json) -> Json:
    """Say whether a transaction runs."""
    runs = station.transaction_id is not None
    return {"messagesInQueue": False, **({"ongoingIndicator": runs} if request else {})}


def _accept(_station: BareStation, _request: Json) -> Json:
    return {"status": "Accepted"}


NEW_ANSWERS: dict[str, Answer] = {
    "ClearChargingProfile": clear_profile,
    "GetChargingProfiles": lambda _station, _request: {"status": "NoProfiles"},
    "GetCompositeSchedule": lambda _station, _request: {"status": "Rejected"},
    "GetTransactionStatus": transaction_status,
    "GetVariables": get_variables,
    "SetChargingProfile": set_profile,
    "SetVariables": set_variables,
    "TriggerMessage": trigger,
}
NEW_ANSWERS_2_1: dict[str, Answer] = {
    **NEW_ANSWERS,
    "NotifyAllowedEnergyTransfer": _accept,
    "UpdateDynamicSchedule": update_schedule,
}


def _status(station: BareStation) -> Json:
    if station.version == "ocpp1.6":
        status = "Available" if station.transaction_id is None else "Charging"
        return {"connectorId": 1, "errorCode": "NoError", "status": status}
    occupied = station.transaction_id is not None
    return {
        "timestamp": station.stamp(),
        "connectorStatus": "Occupied" if occupied else "Available",
        "evseId": 1,
        "connectorId": 1,
    }


def _meter_value(station: BareStation, context: str) -> Json:
    battery = station.battery
    samples: list[tuple[str, float, str]] = [
        ("Power.Active.Import", max(battery.power_w, 0.0), "W"),
        ("Energy.Active.Import.Register", round(battery.import_wh, 1), "Wh"),
    ]
    if station.version == "ocpp2.1":
        samples += [
            ("Power.Active.Export", max(-battery.power_w, 0.0), "W"),
            ("Energy.Active.Export.Register", round(battery.export_wh, 1), "Wh"),
            ("SoC", battery.soc_percent, "Percent"),
        ]
    old = station.version == "ocpp1.6"
    return {
        "timestamp": station.stamp(),
        "sampledValue": [
            {
                "measurand": name,
                "value": str(value) if old else value,
                "context": context,
                **({"unit": unit} if old else {"unitOfMeasure": {"unit": unit}}),
            }
            for name, value, unit in samples
        ],
    }


class Numbers:
    """seqNo of the running transaction."""

    def __init__(self) -> None:
        self.last = -1

    def next(self) -> int:
        """The next one."""
        self.last += 1
        return self.last


def new_session(version: str) -> Session:
    """A session in 2.0.1, or with V2X in 2.1."""
    numbers, two_way = Numbers(), version == "ocpp2.1"
    token: Json = {"idToken": ID_TOKEN, "type": "ISO14443"}
    if two_way:
        token["additionalInfo"] = [{"additionalIdToken": EVCCID, "type": "EVCCID"}]

    async def event(
        station: BareStation, kind: str, trigger: str, context: str, **more: Any
    ) -> Json:
        info = {"transactionId": TRANSACTION, **more.pop("info", {})}
        payload: Json = {
            "eventType": kind,
            "timestamp": station.stamp(),
            "triggerReason": trigger,
            "seqNo": numbers.next(),
            "transactionInfo": info,
            "evse": EVSE,
            "meterValue": [_meter_value(station, context)],
            **more,
        }
        return await station.call("TransactionEvent", payload)

    async def boot(station: BareStation) -> None:
        told = {"model": "Bare", "vendorName": "Tests", "serialNumber": SERIAL}
        answer = await station.call(
            "BootNotification", {"reason": "PowerUp", "chargingStation": told}
        )
        assert answer["status"] == "Accepted", answer
        station.set_clock(answer["currentTime"])
        await station.call("StatusNotification", _status(station))

    async def plug_in(station: BareStation) -> None:
        station.transaction_id = TRANSACTION
        await station.call("StatusNotification", _status(station))
        answer = await station.call("Authorize", {"idToken": token})
        assert answer["idTokenInfo"]["status"] == "Accepted"
        if two_way:
            assert "AC_BPT" in answer["allowedEnergyTransfer"]
        started = await event(
            station,
            "Started",
            "CablePluggedIn",
            "Transaction.Begin",
            idToken=token,
            info={"chargingState": "EVConnected"},
        )
        assert started["idTokenInfo"]["status"] == "Accepted"
        if two_way:
            needs = await station.call("NotifyEVChargingNeeds", _needs(station))
            assert needs["status"] in {"Accepted", "Processing"}

    async def sample(station: BareStation) -> None:
        info = {"chargingState": "Charging" if station.battery.power_w else "SuspendedEVSE"}
        trigger = "MeterValuePeriodic"
        answer = await event(station, "Updated", trigger, "Sample.Periodic", info=info)
        assert "idTokenInfo" not in answer  # E05: only where a token was told

    async def leave(station: BareStation) -> None:
        info = {"stoppedReason": "EVDisconnected"}
        await event(station, "Ended", "EVDeparted", "Transaction.End", info=info)
        station.transaction_id = None
        await station.call("StatusNotification", _status(station))

    return Session(
        version=version,
        answers=NEW_ANSWERS_2_1 if two_way else NEW_ANSWERS,
        boot=boot,
        plug_in=plug_in,
        sample=sample,
        leave=leave,
    )


def _needs(station: BareStation) -> Json:
    powers = {
        f"{bound}{way}Power": 7400.0 if bound == "max" else 1400.0
        for bound in ("min", "max")
        for way in ("Charge", "Discharge")
    }
    needs = {
        "requestedEnergyTransfer": "AC_BPT",
        "availableEnergyTransfer": ["AC_three_phase", "AC_BPT"],
        "controlMode": "DynamicControl",
        "v2xChargingParameters": powers,
    }
    return {"evseId": 1, "timestamp": station.stamp(), "chargingNeeds": needs}


# --- 1.6 ---

OLD_KEYS = {
    "ChargingScheduleAllowedChargingRateUnit": "Current,Power",
    "ChargeProfileMaxStackLevel": "4",
    "MeterValueSampleInterval": "60",
    "MeterValuesSampledData": "Energy.Active.Import.Register",
    "StopTxnSampledData": "",
    "HeartbeatInterval": "600",
}


def get_configuration(station: BareStation, request: Json) -> Json:
    """Read the keys."""
    known = {**OLD_KEYS, **station.settings}
    asked = request.get("key", list(known))
    return {
        "configurationKey": [
            {"key": key, "readonly": False, "value": known[key]} for key in asked if key in known
        ],
        "unknownKey": [key for key in asked if key not in known],
    }


def change_configuration(station: BareStation, request: Json) -> Json:
    """Write a key."""
    if request["key"] not in OLD_KEYS:
        return {"status": "NotSupported"}
    station.settings[request["key"]] = request["value"]
    return {"status": "Accepted"}


OLD_ANSWERS: dict[str, Answer] = {
    "ChangeConfiguration": change_configuration,
    "ClearChargingProfile": clear_profile,
    "GetConfiguration": get_configuration,
    "SetChargingProfile": set_profile,
    "TriggerMessage": trigger,
}


def old_session() -> Session:
    """A session in 1.6."""

    async def boot(station: BareStation) -> None:
        told = {
            "chargePointVendor": "Tests",
            "chargePointModel": "Bare",
            "chargePointSerialNumber": SERIAL,
        }
        answer = await station.call("BootNotification", told)
        assert answer["status"] == "Accepted", answer
        station.set_clock(answer["currentTime"])
        await station.call("StatusNotification", _status(station))

    async def plug_in(station: BareStation) -> None:
        preparing = {"connectorId": 1, "errorCode": "NoError", "status": "Preparing"}
        await station.call("StatusNotification", preparing)
        answer = await station.call("Authorize", {"idTag": ID_TOKEN})
        assert answer["idTagInfo"]["status"] == "Accepted"
        started = await station.call(
            "StartTransaction",
            {
                "connectorId": 1,
                "idTag": ID_TOKEN,
                "meterStart": round(station.battery.import_wh),
                "timestamp": station.stamp(),
            },
        )
        assert started["idTagInfo"]["status"] == "Accepted"
        station.transaction_id = started["transactionId"]
        await station.call("StatusNotification", _status(station))

    async def sample(station: BareStation) -> None:
        payload = {
            "connectorId": 1,
            "transactionId": station.transaction_id,
            "meterValue": [_meter_value(station, "Sample.Periodic")],
        }
        await station.call("MeterValues", payload)

    async def leave(station: BareStation) -> None:
        await station.call(
            "StopTransaction",
            {
                "transactionId": station.transaction_id,
                "idTag": ID_TOKEN,
                "meterStop": round(station.battery.import_wh),
                "timestamp": station.stamp(),
                "reason": "EVDisconnected",
            },
        )
        station.transaction_id = None
        await station.call("StatusNotification", _status(station))

    return Session(
        version="ocpp1.6",
        answers=OLD_ANSWERS,
        boot=boot,
        plug_in=plug_in,
        sample=sample,
        leave=leave,
    )


def session_in(version: str) -> Session:
    """The session of a version."""
    return old_session() if version == "ocpp1.6" else new_session(version)
