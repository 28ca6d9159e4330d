"""Calls of 2.0.1 as a 1.6 station understands them, and its answers back; pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from v2g_daemon.adapters.ocpp.authorization.keys import LONGEST_ID_TAG
from v2g_daemon.adapters.ocpp.v16.spelling import Spelling
from v2g_daemon.adapters.ocpp.wire.codec import JsonObject

_PURPOSES = {"ChargingStationMaxProfile": "ChargePointMaxProfile"}
_TRIGGERS = {
    # A running transaction shows itself by its meter values, which carry its number.
    "TransactionEvent": "MeterValues",
}
_TRIGGERABLE = frozenset(
    "BootNotification DiagnosticsStatusNotification FirmwareStatusNotification Heartbeat "
    "MeterValues StatusNotification".split()
)
# The security extension's trigger knows what the plain one does not.
_EXTENDED_TRIGGERS = {
    "LogStatusNotification": "LogStatusNotification",
    "SignChargingStationCertificate": "SignChargePointCertificate",
}
_ROOT = "CentralSystemRootCertificate"
# The component under which every configuration key can be addressed by its own name.
CONFIGURATION = "Configuration"

# The device model of 2.0.1, in lower case, and the configuration key that holds the same.
KEYS = {
    ("chargingstation", "serialnumber"): None,
    ("smartchargingctrlr", "rateunit"): "ChargingScheduleAllowedChargingRateUnit",
    ("smartchargingctrlr", "profilestacklevel"): "ChargeProfileMaxStackLevel",
    ("smartchargingctrlr", "maxexternalconstraintsid"): None,
    ("smartchargingctrlr", "periodsperschedule"): "ChargingScheduleMaxPeriods",
    ("sampleddatactrlr", "txupdatedinterval"): "MeterValueSampleInterval",
    ("sampleddatactrlr", "txupdatedmeasurands"): "MeterValuesSampledData",
    ("sampleddatactrlr", "txendedmeasurands"): "StopTxnSampledData",
    ("aligneddatactrlr", "interval"): "ClockAlignedDataInterval",
    ("authctrlr", "authorizeremotestart"): "AuthorizeRemoteTxRequests",
    ("authctrlr", "localauthorizeoffline"): "LocalAuthorizeOffline",
    ("authctrlr", "offlinetxforunknownidenabled"): "AllowOfflineTxForUnknownId",
    ("devicedatactrlr", "itemspermessage"): "GetConfigurationMaxKeys",
    ("ocppcommctrlr", "heartbeatinterval"): "HeartbeatInterval",
    ("authctrlr", "localauthorizationoffline"): "LocalAuthorizeOffline",
    ("authctrlr", "localpreauthorize"): "LocalPreAuthorize",
    ("localauthlistctrlr", "enabled"): "LocalAuthListEnabled",
    ("ocppcommctrlr", "messageattempts"): "TransactionMessageAttempts",
    ("ocppcommctrlr", "messageattemptinterval"): "TransactionMessageRetryInterval",
    ("ocppcommctrlr", "websocketpinginterval"): "WebSocketPingInterval",
    ("txctrlr", "evconnectiontimeout"): "ConnectionTimeOut",
    ("txctrlr", "stoptxonevsidedisconnect"): "StopTransactionOnEVSideDisconnect",
    ("txctrlr", "stoptxoninvalidid"): "StopTransactionOnInvalidId",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Translation:
    """A call under its 1.6 name; `ask` gives its payload, `answer` the 2.0.1 answer."""

    action: str
    ask: Callable[[JsonObject], JsonObject]
    answer: Callable[[JsonObject], JsonObject]


def configuration_key(variable: JsonObject, spelling: Spelling) -> str | None:
    """The configuration key of a variable's address; None: 1.6 has none."""
    component: str = variable["component"]["name"]
    name: str = variable["variable"]["name"]
    if component.casefold() == CONFIGURATION.casefold():
        return name
    key = KEYS.get((component.casefold(), name.casefold()))
    return None if key is None else spelling.of(key)


def variables_found(
    data: Sequence[JsonObject], keys: Sequence[str | None], answer: JsonObject
) -> JsonObject:
    """A GetConfiguration answer as GetVariables results; keys compare without case."""
    values = {
        one["key"].strip().casefold(): one.get("value")
        for one in answer.get("configurationKey", ())
    }
    results = []
    for asked, key in zip(data, keys, strict=True):
        value = None if key is None else values.get(key.casefold())
        found = {name: asked[name] for name in ("component", "variable")}
        if value is None:
            found["attributeStatus"] = "UnknownVariable"
        else:
            found |= {"attributeStatus": "Accepted", "attributeValue": value}
        results.append(found)
    return {"getVariableResult": results}


def written(asked: JsonObject, status: str) -> JsonObject:
    """One ChangeConfiguration status as a SetVariables result."""
    statuses = {"Accepted": "Accepted", "RebootRequired": "RebootRequired"}
    result = {name: asked[name] for name in ("component", "variable")}
    return result | {"attributeStatus": statuses.get(status, "Rejected")}


def report_data(answer: JsonObject) -> list[JsonObject]:
    """A whole GetConfiguration answer as the reportData of a NotifyReport."""
    return [
        {
            "component": {"name": CONFIGURATION},
            "variable": {"name": one["key"]},
            "variableAttribute": [
                {
                    **({"value": one["value"]} if "value" in one else {}),
                    "mutability": "ReadOnly" if one["readonly"] else "ReadWrite",
                }
            ],
        }
        for one in answer.get("configurationKey", ())
    ]


def _profile(payload: JsonObject) -> JsonObject:
    profile = payload["chargingProfile"]
    (schedule,) = profile["chargingSchedule"]
    purpose = profile["chargingProfilePurpose"]
    told: JsonObject = {
        "chargingProfileId": profile["id"],
        "stackLevel": profile["stackLevel"],
        "chargingProfilePurpose": _PURPOSES.get(purpose, purpose),
        "chargingProfileKind": profile["chargingProfileKind"],
        "chargingSchedule": {name: value for name, value in schedule.items() if name != "id"},
    }
    if "transactionId" in profile:
        told["transactionId"] = int(profile["transactionId"])
    return {"connectorId": payload["evseId"], "csChargingProfiles": told}


def _composite(payload: JsonObject) -> JsonObject:
    names = ("duration", "chargingRateUnit")
    return {"connectorId": payload["evseId"]} | {
        name: payload[name] for name in names if name in payload
    }


def _composite_answer(answer: JsonObject) -> JsonObject:
    """1.6 puts the schedule's start and outlet beside it."""
    found: JsonObject = {"status": answer["status"]}
    if "chargingSchedule" in answer:
        found["schedule"] = answer["chargingSchedule"]
    return found


def _same(payload: JsonObject) -> JsonObject:
    return payload


def _trigger(payload: JsonObject) -> JsonObject:
    message = payload["requestedMessage"]
    asked: JsonObject = {"requestedMessage": _TRIGGERS.get(message, message)}
    if "evse" in payload:
        asked["connectorId"] = payload["evse"]["id"]
    return asked


def _status(answer: JsonObject) -> JsonObject:
    """1.6 has more ways to say no than 2.0.1."""
    status = answer["status"]
    return {"status": status if status in ("Accepted", "Rejected") else "Rejected"} | (
        {} if status in ("Accepted", "Rejected") else {"statusInfo": {"reasonCode": status[:20]}}
    )


def _signed(payload: JsonObject) -> JsonObject:
    return {"certificateChain": payload["certificateChain"]}


def _root(payload: JsonObject) -> JsonObject:
    return {"certificateType": _ROOT, "certificate": payload["certificate"]}


def _asked_for_roots(payload: JsonObject) -> JsonObject:
    del payload
    return {"certificateType": _ROOT}


def _roots_found(answer: JsonObject) -> JsonObject:
    chains = [
        {"certificateType": "CSMSRootCertificate", "certificateHashData": hashes}
        for hashes in answer.get("certificateHashData", ())
    ]
    found: JsonObject = {"status": answer["status"]}
    return {**found, "certificateHashDataChain": chains} if chains else found


def triggerable(payload: JsonObject) -> bool:
    """Whether 1.6 has that trigger."""
    message = payload["requestedMessage"]
    return message in _EXTENDED_TRIGGERS or _TRIGGERS.get(message, message) in _TRIGGERABLE


def _extended_trigger(payload: JsonObject) -> JsonObject:
    return {"requestedMessage": _EXTENDED_TRIGGERS[payload["requestedMessage"]]}


def _reset(payload: JsonObject) -> JsonObject:
    """Soft ends transactions in order; 1.6 has nothing that waits until nobody charges."""
    return {"type": "Hard" if payload["type"] == "Immediate" else "Soft"}


def _unlock(payload: JsonObject) -> JsonObject:
    return {"connectorId": payload["evseId"]}


def _unlocked(answer: JsonObject) -> JsonObject:
    if answer["status"] == "NotSupported":
        return {"status": "UnlockFailed", "statusInfo": {"reasonCode": "NotSupported"}}
    return {"status": answer["status"]}


def _start(payload: JsonObject) -> JsonObject:
    return {"connectorId": payload["evseId"], "idTag": payload["idToken"]["idToken"]}


def _list_version(answer: JsonObject) -> JsonObject:
    """-1 says that local lists are not supported."""
    return {"versionNumber": answer["listVersion"]}


def _list(payload: JsonObject) -> JsonObject:
    entries = [
        {"idTag": one["idToken"]["idToken"], "idTagInfo": {"status": one["idTokenInfo"]["status"]}}
        for one in payload.get("localAuthorizationList", ())
        if len(one["idToken"]["idToken"]) <= LONGEST_ID_TAG
    ]
    return {
        "listVersion": payload["versionNumber"],
        "updateType": payload["updateType"],
        "localAuthorizationList": entries,
    }


def _list_taken(answer: JsonObject) -> JsonObject:
    if answer["status"] == "NotSupported":
        return {"status": "Failed", "statusInfo": {"reasonCode": "NotSupported"}}
    return {"status": answer["status"]}


def _diagnostics(payload: JsonObject) -> JsonObject:
    """GetLog of the diagnostics; retries have the same names in both."""
    log = payload["log"]
    asked: JsonObject = {"location": log["remoteLocation"]}
    asked |= {name: payload[name] for name in ("retries", "retryInterval") if name in payload}
    stamps = {"oldestTimestamp": "startTime", "latestTimestamp": "stopTime"}
    return asked | {told: log[name] for name, told in stamps.items() if name in log}


def _diagnostics_taken(answer: JsonObject) -> JsonObject:
    """GetDiagnostics answers with nothing but a file name, or without one."""
    name = {"filename": answer["fileName"]} if "fileName" in answer else {}
    return {"status": "Accepted", **name}


def _unchanged(payload: JsonObject) -> JsonObject:
    return payload


TRANSLATIONS: dict[str, Translation] = {
    "DataTransfer": Translation(action="DataTransfer", ask=_same, answer=_same),
    "GetCompositeSchedule": Translation(
        action="GetCompositeSchedule", ask=_composite, answer=_composite_answer
    ),
    "CertificateSigned": Translation(action="CertificateSigned", ask=_signed, answer=_status),
    "DeleteCertificate": Translation(action="DeleteCertificate", ask=_unchanged, answer=_unchanged),
    "GetInstalledCertificateIds": Translation(
        action="GetInstalledCertificateIds", ask=_asked_for_roots, answer=_roots_found
    ),
    "InstallCertificate": Translation(action="InstallCertificate", ask=_root, answer=_unchanged),
    "GetLocalListVersion": Translation(
        action="GetLocalListVersion", ask=_unchanged, answer=_list_version
    ),
    "GetLog": Translation(action="GetLog", ask=_unchanged, answer=_unchanged),
    "RequestStartTransaction": Translation(
        action="RemoteStartTransaction", ask=_start, answer=_status
    ),
    "Reset": Translation(action="Reset", ask=_reset, answer=_status),
    "SendLocalList": Translation(action="SendLocalList", ask=_list, answer=_list_taken),
    "SetChargingProfile": Translation(action="SetChargingProfile", ask=_profile, answer=_status),
    "TriggerMessage": Translation(action="TriggerMessage", ask=_trigger, answer=_status),
    "UnlockConnector": Translation(action="UnlockConnector", ask=_unlock, answer=_unlocked),
}
_EXTENDED = Translation(action="ExtendedTriggerMessage", ask=_extended_trigger, answer=_status)
_DIAGNOSTICS = Translation(action="GetDiagnostics", ask=_diagnostics, answer=_diagnostics_taken)


def translation(action: str, payload: JsonObject) -> Translation | None:
    """How 1.6 is asked for that; None: it cannot be."""
    if action == "TriggerMessage" and payload["requestedMessage"] in _EXTENDED_TRIGGERS:
        return _EXTENDED
    if action == "GetLog" and payload["logType"] == "DiagnosticsLog":
        return _DIAGNOSTICS
    return TRANSLATIONS.get(action)
