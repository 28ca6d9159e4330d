"""The station speaking OCPP 1.6J: its own messages and the central system's, translated."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from simulators.station import handlers
from simulators.station.service import get_log
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
STATUSES = {
    "Charging": "Charging",
    "SuspendedEV": "SuspendedEV",
    "SuspendedEVSE": "SuspendedEVSE",
    "EVConnected": "Preparing",
}


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
                return self._status(payload["timestamp"])
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
        match action:
            case "GetConfiguration":
                return self._configuration(payload.get("key", []))
            case "ChangeConfiguration":
                return self._change(payload["key"], payload["value"])
            case "GetDiagnostics" | "GetLog":
                return self._log(action, payload)
            case "GetLocalListVersion":
                answer = handlers.answer(self._station, action, payload)
                return None if answer is None else {"listVersion": answer["versionNumber"]}
            case "GetInstalledCertificateIds":
                return self._installed(payload)
            case _ if action in _ASKED:
                name, request = _ASKED[action](self, payload)
                answer = handlers.answer(self._station, name, request)
                return None if answer is None else {"status": answer["status"]}
            case _:
                return None

    def _installed(self, payload: JsonDict) -> JsonDict | None:
        answer = handlers.answer(self._station, "GetInstalledCertificateIds", payload)
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
                        "meterStart": round(self._station.outlet.charge_wh),
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
                        "meterStop": round(self._station.outlet.charge_wh),
                        "timestamp": event["timestamp"],
                        "reason": STOP_REASONS.get(reason, "Other"),
                    },
                    read=lambda answer: {},
                )
            case _ if event["triggerReason"] in {"ChargingStateChanged", "OperationModeChanged"}:
                return self._status(event["timestamp"])
            case _:
                return self._meter_values(event.get("meterValue", []))

    def _numbered(self, uuid: str, answer: JsonDict) -> JsonDict:
        self._station.numbers[uuid] = answer["transactionId"]
        return _token_info(answer)

    def _number(self, uuid: str) -> int:
        """Return the number of a transaction; -1 where its start was never answered."""
        return self._station.numbers.get(uuid, -1)

    def _status(self, timestamp: str) -> Spoken:
        station = self._station
        status = station.connector_status()
        if status == "Occupied":
            running = station.transaction
            status = "Preparing" if running is None else STATUSES[running.charging_state]
        return Spoken(
            action="StatusNotification",
            payload={
                "connectorId": CONNECTOR,
                "errorCode": "NoError",
                "status": status,
                "timestamp": timestamp,
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

    def _configuration(self, keys: list[str]) -> JsonDict:
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

    def _change(self, key: str, value: str) -> JsonDict:
        place = CONFIGURATION.get(key)
        if place is None:
            return {"status": "NotSupported"}
        component, variable = place
        item = {
            "component": {"name": component},
            "variable": {"name": variable},
            "attributeValue": value,
        }
        answer = handlers.answer(self._station, "SetVariables", {"setVariableData": [item]})
        results = [] if answer is None else answer["setVariableResult"]
        taken = [one["attributeStatus"] == "Accepted" for one in results]
        return {"status": "Accepted" if taken == [True] else "Rejected"}

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
    return {**told, "value": str(sampled["value"]), "unit": sampled["unitOfMeasure"]["unit"]}
