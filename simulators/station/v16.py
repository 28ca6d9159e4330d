"""The station speaking OCPP 1.6J: its own messages and the central system's, translated."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from simulators.station import handlers
from simulators.station.profile_handlers import get_composite_schedule
from simulators.station.service import get_log
from simulators.station.session import status_notification
from simulators.station.station import Station
from simulators.station.wire import JsonDict

CONNECTOR = 1
STOP_REASONS = {"EVDisconnected": "EVDisconnected", "Remote": "Remote", "Reboot": "Reboot"}
CONFIGURATION = {
    "ChargingScheduleAllowedChargingRateUnit": ("SmartChargingCtrlr", "RateUnit"),
    "ChargeProfileMaxStackLevel": ("SmartChargingCtrlr", "ProfileStackLevel"),
    "MeterValueSampleInterval": ("SampledDataCtrlr", "TxUpdatedInterval"),
    "MeterValuesSampledData": ("SampledDataCtrlr", "TxUpdatedMeasurands"),
    "StopTxnSampledData": ("SampledDataCtrlr", "TxEndedMeasurands"),
    "HeartbeatInterval": ("OCPPCommCtrlr", "HeartbeatInterval"),
    "AllowOfflineTxForUnknownId": ("AuthCtrlr", "OfflineTxForUnknownIdEnabled"),
    "AuthorizeRemoteTxRequests": ("AuthCtrlr", "AuthorizeRemoteStart"),
    "LocalAuthListEnabled": ("LocalAuthListCtrlr", "Enabled"),
    "LocalAuthorizeOffline": ("AuthCtrlr", "LocalAuthorizationOffline"),
    "LocalPreAuthorize": ("AuthCtrlr", "LocalPreAuthorize"),
    "StopTransactionOnInvalidId": ("TxCtrlr", "StopTxOnInvalidId"),
}
RATE_UNITS = {"W": "Power", "A": "Current"}
ANSWERED = {
    "OngoingAuthorizedTransaction": "UnlockFailed",
    "UnknownConnector": "NotSupported",
}
STATUSES = {
    "Charging": "Charging",
    "SuspendedEV": "SuspendedEV",
    "SuspendedEVSE": "SuspendedEVSE",
    "EVConnected": "Preparing",
}

ONLY_OLD = frozenset({"DiagnosticsStatusNotification"})  # told as it is: 2.0.1 has no such message


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """A message of the station in the words of 1.6; `read` gives the answer in those of 2.0.1."""

    action: str
    payload: JsonDict
    read: Callable[[JsonDict], JsonDict] = lambda answer: answer


class OldWords:
    """Keeps the numbers that the central system gave the transactions."""

    def __init__(self, station: Station) -> None:
        """Start without any transaction."""
        self._station = station

    def spoken(self, action: str, payload: JsonDict) -> Spoken | None:
        """Return what 1.6 has for a message of the station; None: nothing."""
        match action:
            case "BootNotification":
                return Spoken(action=action, payload=_boot(payload["chargingStation"]))
            case (
                "Heartbeat"
                | "SecurityEventNotification"
                | "LogStatusNotification"
                | "DiagnosticsStatusNotification"
            ):
                return Spoken(action=action, payload=payload)
            case "SignCertificate":
                return Spoken(action=action, payload={"csr": payload["csr"]})
            case "StatusNotification":
                return self._status(payload)
            case "Authorize":
                tag = {"idTag": payload["idToken"]["idToken"]}
                return Spoken(action=action, payload=tag, read=_token_info)
            case "MeterValues":
                return self._meter_values(payload["meterValue"])
            case "TransactionEvent":
                return self._transaction(payload)
            case _:
                return None

    def answered(self, action: str, payload: JsonDict) -> JsonDict | None:
        """Return the 1.6 answer to a call of the central system, None where not implemented."""
        if action in _OWN:
            return _OWN[action](self, action, payload)
        if action not in _ASKED:
            return None
        name, request = _ASKED[action](self, payload)
        answer = handlers.answer(self._station, name, request)
        if answer is None:
            return None
        return {"status": ANSWERED.get(answer["status"], answer["status"])}

    def _list_version(self, action: str, payload: JsonDict) -> JsonDict | None:
        answer = handlers.answer(self._station, action, payload)
        return None if answer is None else {"listVersion": answer["versionNumber"]}

    def _installed(self, action: str, payload: JsonDict) -> JsonDict | None:
        answer = handlers.answer(self._station, action, payload)
        chains = [] if answer is None else answer.get("certificateHashDataChain", [])
        hashes = [chain["certificateHashData"] for chain in chains]
        if not hashes:
            return {"status": "NotFound"}
        return {"status": "Accepted", "certificateHashData": hashes}

    def _extended_trigger(self, payload: JsonDict) -> tuple[str, JsonDict]:
        wanted = payload["requestedMessage"]
        own = "SignChargingStationCertificate"
        return "TriggerMessage", {
            "requestedMessage": own if wanted == "SignChargePointCertificate" else wanted
        }

    def _transaction(self, event: JsonDict) -> Spoken | None:
        uuid = event["transactionInfo"]["transactionId"]
        match event["eventType"]:
            case "Started":
                return Spoken(
                    action="StartTransaction",
                    payload={
                        "connectorId": CONNECTOR,
                        "idTag": event["idToken"]["idToken"][:20],
                        "meterStart": self._register_wh(),
                        "timestamp": event["timestamp"],
                    },
                    read=lambda answer: self._numbered(uuid, answer),
                )
            case "Ended":
                reason = event["transactionInfo"].get("stoppedReason", "Local")
                return Spoken(
                    action="StopTransaction",
                    payload={
                        "transactionId": self._number(uuid),
                        "meterStop": self._register_wh(),
                        "timestamp": event["timestamp"],
                        "reason": STOP_REASONS.get(reason, "Other"),
                    },
                    read=lambda answer: {},
                )
            case _ if event["triggerReason"] in {"ChargingStateChanged", "OperationModeChanged"}:
                return self._status(status_notification(self._station))
            case _:
                return self._meter_values(event.get("meterValue", []))

    def _register_wh(self) -> int:
        charge_wh, _ = self._station.registers_wh()
        return round(charge_wh)

    def _numbered(self, uuid: str, answer: JsonDict) -> JsonDict:
        self._station.numbers[uuid] = answer["transactionId"]
        return _token_info(answer)

    def _number(self, uuid: str) -> int:
        """Return the number of a transaction; -1 where its start was never answered."""
        return self._station.numbers.get(uuid, -1)

    def _status(self, told: JsonDict) -> Spoken:
        """The one status of 2.0.1 in the finer words of 1.6."""
        status, running = told["connectorStatus"], self._station.transaction
        if status == "Occupied" and running is not None:
            status = STATUSES[running.charging_state]
        elif status == "Occupied":
            status = "Finishing" if self._station.finishing else "Preparing"
        return Spoken(
            action="StatusNotification",
            payload={
                "connectorId": told["connectorId"],
                "errorCode": "NoError",
                "status": status,
                "timestamp": told["timestamp"],
            },
        )

    def _meter_values(self, entries: Iterable[JsonDict]) -> Spoken | None:
        values = [
            {
                "timestamp": entry["timestamp"],
                "sampledValue": [_text_value(one) for one in entry["sampledValue"]],
            }
            for entry in entries
            if entry["sampledValue"]
        ]
        if not values:
            return None
        payload: JsonDict = {"connectorId": CONNECTOR, "meterValue": values}
        running = self._station.transaction
        if running is not None and running.id in self._station.numbers:
            payload["transactionId"] = self._number(running.id)
        return Spoken(action="MeterValues", payload=payload)

    def _configuration(self, _action: str, payload: JsonDict) -> JsonDict:
        keys: list[str] = payload.get("key", [])
        found, unknown = [], []
        for key in keys or list(CONFIGURATION):
            place = CONFIGURATION.get(key)
            if place is None:
                unknown.append(key)
                continue
            value = self._station.model.get(*place)
            if key == "ChargingScheduleAllowedChargingRateUnit":
                value = ",".join(RATE_UNITS[unit] for unit in value.split(","))
            found.append({"key": key, "readonly": False, "value": value})
        return {"configurationKey": found, "unknownKey": unknown}

    def _change(self, _action: str, payload: JsonDict) -> JsonDict:
        place = CONFIGURATION.get(payload["key"])
        if place is None:
            return {"status": "NotSupported"}
        component, variable = place
        item = {
            "component": {"name": component},
            "variable": {"name": variable},
            "attributeValue": payload["value"],
        }
        answer = handlers.answer(self._station, "SetVariables", {"setVariableData": [item]})
        results = [] if answer is None else answer["setVariableResult"]
        taken = [one["attributeStatus"] == "Accepted" for one in results]
        return {"status": "Accepted" if taken == [True] else "Rejected"}

    def _composite(self, _action: str, payload: JsonDict) -> JsonDict:
        request = {"evseId": payload["connectorId"], "duration": payload["duration"]}
        if "chargingRateUnit" in payload:
            request["chargingRateUnit"] = payload["chargingRateUnit"]
        answer = get_composite_schedule(self._station, request)
        if answer["status"] != "Accepted":
            return {"status": "Rejected"}
        schedule = answer["schedule"]
        return {
            "status": "Accepted",
            "connectorId": payload["connectorId"],
            "scheduleStart": schedule["scheduleStart"],
            "chargingSchedule": {
                "duration": schedule["duration"],
                "chargingRateUnit": schedule["chargingRateUnit"],
                "chargingSchedulePeriod": schedule["chargingSchedulePeriod"],
            },
        }

    def _profile(self, payload: JsonDict) -> tuple[str, JsonDict]:
        told = dict(payload["csChargingProfiles"])
        purpose = told["chargingProfilePurpose"]
        profile = {
            "id": told["chargingProfileId"],
            "stackLevel": told["stackLevel"],
            "chargingProfilePurpose": (
                "ChargingStationMaxProfile" if purpose == "ChargePointMaxProfile" else purpose
            ),
            "chargingProfileKind": told["chargingProfileKind"],
            "chargingSchedule": [{"id": told["chargingProfileId"], **told["chargingSchedule"]}],
        }
        if "transactionId" in told:
            profile["transactionId"] = self._uuid(told["transactionId"])
        return "SetChargingProfile", {
            "evseId": payload["connectorId"],
            "chargingProfile": profile,
        }

    def _uuid(self, number: int) -> str:
        known = (uuid for uuid, given in self._station.numbers.items() if given == number)
        return next(known, f"unknown {number}")

    def _clear(self, payload: JsonDict) -> tuple[str, JsonDict]:
        if "id" in payload:
            return "ClearChargingProfile", {"chargingProfileId": payload["id"]}
        names = ("chargingProfilePurpose", "stackLevel")
        criteria = {name: payload[name] for name in names if name in payload}
        if "connectorId" in payload:
            criteria["evseId"] = payload["connectorId"]
        return "ClearChargingProfile", {"chargingProfileCriteria": criteria}

    def _trigger(self, payload: JsonDict) -> tuple[str, JsonDict]:
        asked = {"requestedMessage": payload["requestedMessage"]}
        return "TriggerMessage", {**asked, "evse": {"id": CONNECTOR, "connectorId": 1}}

    def _start(self, payload: JsonDict) -> tuple[str, JsonDict]:
        token = {"idToken": payload["idTag"], "type": "ISO14443"}
        return "RequestStartTransaction", {"idToken": token, "remoteStartId": 1}

    def _stop(self, payload: JsonDict) -> tuple[str, JsonDict]:
        uuid = self._uuid(payload["transactionId"])
        return "RequestStopTransaction", {"transactionId": uuid}

    def _log(self, action: str, payload: JsonDict) -> JsonDict:
        old = action == "GetDiagnostics"
        if old:
            log = {"remoteLocation": payload["location"]}
            payload = {"logType": "DiagnosticsLog", "requestId": 0, "log": log}
        answer = get_log(self._station, payload, old=old)
        return {"fileName": answer["filename"]} if old else answer

    def _list(self, payload: JsonDict) -> tuple[str, JsonDict]:
        entries = [
            {
                "idToken": {"idToken": one["idTag"], "type": "ISO14443"},
                **({"idTokenInfo": one["idTagInfo"]} if "idTagInfo" in one else {}),
            }
            for one in payload.get("localAuthorizationList", ())
        ]
        return "SendLocalList", {
            "versionNumber": payload["listVersion"],
            "updateType": payload["updateType"],
            "localAuthorizationList": entries,
        }

    def _reset(self, payload: JsonDict) -> tuple[str, JsonDict]:
        return "Reset", {"type": "Immediate" if payload["type"] == "Hard" else "OnIdle"}

    def _availability(self, payload: JsonDict) -> tuple[str, JsonDict]:
        return "ChangeAvailability", {"operationalStatus": payload["type"]}

    def _unlock(self, payload: JsonDict) -> tuple[str, JsonDict]:
        return "UnlockConnector", {"evseId": payload["connectorId"], "connectorId": 1}

    def _data(self, payload: JsonDict) -> tuple[str, JsonDict]:
        return "DataTransfer", payload


def _same(action: str) -> Callable[[OldWords, JsonDict], tuple[str, JsonDict]]:
    return lambda _words, payload: (action, payload)


_OWN: dict[str, Callable[[OldWords, str, JsonDict], JsonDict | None]] = {
    "ChangeConfiguration": OldWords._change,
    "GetCompositeSchedule": OldWords._composite,
    "GetConfiguration": OldWords._configuration,
    "GetDiagnostics": OldWords._log,
    "GetInstalledCertificateIds": OldWords._installed,
    "GetLocalListVersion": OldWords._list_version,
    "GetLog": OldWords._log,
}
_ASKED: dict[str, Callable[[OldWords, JsonDict], tuple[str, JsonDict]]] = {
    "CertificateSigned": _same("CertificateSigned"),
    "DeleteCertificate": _same("DeleteCertificate"),
    "ExtendedTriggerMessage": OldWords._extended_trigger,
    "InstallCertificate": _same("InstallCertificate"),
    "ChangeAvailability": OldWords._availability,
    "ClearChargingProfile": OldWords._clear,
    "DataTransfer": OldWords._data,
    "RemoteStartTransaction": OldWords._start,
    "RemoteStopTransaction": OldWords._stop,
    "Reset": OldWords._reset,
    "SendLocalList": OldWords._list,
    "SetChargingProfile": OldWords._profile,
    "TriggerMessage": OldWords._trigger,
    "UnlockConnector": OldWords._unlock,
}


def _boot(station: JsonDict) -> JsonDict:
    return {
        "chargePointModel": station["model"][:20],
        "chargePointVendor": station["vendorName"][:20],
        "chargePointSerialNumber": station["serialNumber"][:25],
        "firmwareVersion": station["firmwareVersion"],
    }


def _token_info(answer: JsonDict) -> JsonDict:
    return {"idTokenInfo": {"status": answer["idTagInfo"]["status"]}}


def _text_value(sampled: JsonDict) -> JsonDict:
    names = ("context", "measurand", "phase", "location")
    told = {name: sampled[name] for name in names if name in sampled}
    if "unitOfMeasure" in sampled:
        told["unit"] = sampled["unitOfMeasure"]["unit"]
    return {**told, "value": str(sampled["value"])}
