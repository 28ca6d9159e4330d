"""What a 1.6 station says, in the words of 2.0.1; pure, one function per message."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import isfinite

from v2g_daemon.adapters.ocpp.authorization.keys import OWN_TOKEN
from v2g_daemon.adapters.ocpp.wire.codec import JsonObject, printable
from v2g_daemon.adapters.ocpp.wire.translate import format_stamp, parse_stamp

# 1.6 marks no queued message: one this old is history (its transaction shows itself if it lives).
QUEUED_AFTER = timedelta(seconds=300)

_CHARGING_STATES = {
    "Charging": "Charging",
    "SuspendedEV": "SuspendedEV",
    "SuspendedEVSE": "SuspendedEVSE",
    "Preparing": "EVConnected",
    "Finishing": "EVConnected",
}
_CONNECTOR_STATUSES = {
    "Available": "Available",
    "Reserved": "Reserved",
    "Unavailable": "Unavailable",
    "Faulted": "Faulted",
}
_STOP_REASONS = {
    "DeAuthorized": "DeAuthorized",
    "EmergencyStop": "EmergencyStop",
    "EVDisconnected": "EVDisconnected",
    "HardReset": "ImmediateReset",
    "Local": "Local",
    "PowerLoss": "PowerLoss",
    "Reboot": "Reboot",
    "Remote": "Remote",
    "SoftReset": "ImmediateReset",
}
_STOP_TRIGGERS = {
    "DeAuthorized": "Deauthorized",
    "EVDisconnected": "EVCommunicationLost",
    "Local": "StopAuthorized",
    "Remote": "RemoteStop",
    "UnlockCommand": "UnlockCommand",
}
_TOKEN_STATUSES = frozenset({"Accepted", "Blocked", "Expired", "Invalid", "ConcurrentTx"})
_COPIED = ("context", "measurand", "phase", "location")
_UNITS = {"Percent": "Percent", "Celcius": "Celsius"}


def boot(payload: JsonObject, *, triggered: bool) -> JsonObject:
    """BootNotification; 1.6 gives no reason, but we know whether we asked."""
    station = {
        "model": payload["chargePointModel"],
        "vendorName": payload["chargePointVendor"],
    }
    serial = payload.get("chargePointSerialNumber", payload.get("chargeBoxSerialNumber"))
    if serial is not None:
        station["serialNumber"] = serial
    if "firmwareVersion" in payload:
        station["firmwareVersion"] = payload["firmwareVersion"]
    return {"chargingStation": station, "reason": "Triggered" if triggered else "PowerUp"}


def id_token(id_tag: str) -> JsonObject:
    """An idTag as an idToken; 1.6 does not say of which kind, but our own is known."""
    return {"idToken": id_tag, "type": "Central" if id_tag == OWN_TOKEN else "ISO14443"}


def id_tag_info(answer: JsonObject) -> JsonObject:
    """The idTokenInfo of an answer as idTagInfo."""
    status = answer.get("idTokenInfo", {}).get("status", "Accepted")
    return {"status": status if status in _TOKEN_STATUSES else "Invalid"}


def log_status(payload: JsonObject) -> JsonObject:
    """DiagnosticsStatusNotification, in the words of LogStatusNotification."""
    status = payload["status"]
    return {"status": "UploadFailure" if status == "UploadFailed" else status}


def connector(payload: JsonObject, *, now_utc: datetime) -> JsonObject:
    """StatusNotification: whatever is neither free nor broken is occupied."""
    connector_id = payload["connectorId"]
    return {
        "timestamp": payload.get("timestamp", format_stamp(now_utc)),
        "connectorStatus": _CONNECTOR_STATUSES.get(payload["status"], "Occupied"),
        "evseId": connector_id,
        "connectorId": min(connector_id, 1),
    }


def charging_state(
    payload: JsonObject, *, transaction_id: int, seq_no: int, now_utc: datetime
) -> JsonObject | None:
    """The status of a connector in a transaction as TransactionEvent; None: it says nothing."""
    state = _CHARGING_STATES.get(payload["status"])
    if state is None:
        return None
    told = _event(
        "Updated",
        trigger="ChargingStateChanged",
        at=payload.get("timestamp", format_stamp(now_utc)),
        transaction_id=transaction_id,
        seq_no=seq_no,
        evse_number=payload["connectorId"],
    )
    told["transactionInfo"]["chargingState"] = state
    return told


def started(
    payload: JsonObject, *, transaction_id: int, seq_no: int, now_utc: datetime
) -> JsonObject:
    """StartTransaction."""
    at = payload["timestamp"]
    told = _event(
        "Started",
        trigger="Authorized",
        at=at,
        transaction_id=transaction_id,
        seq_no=seq_no,
        evse_number=payload["connectorId"],
    )
    told["transactionInfo"]["chargingState"] = "EVConnected"
    told["idToken"] = id_token(payload["idTag"])
    told["meterValue"] = [_register(at, payload["meterStart"], context="Transaction.Begin")]
    return _queued(told, now_utc)


def stopped(
    payload: JsonObject, *, evse_number: int | None, seq_no: int, now_utc: datetime
) -> JsonObject:
    """StopTransaction; its register is the newest value, whatever the history beside it says."""
    at, reason = payload["timestamp"], payload.get("reason", "Local")
    told = _event(
        "Ended",
        trigger=_STOP_TRIGGERS.get(reason, "AbnormalCondition"),
        at=at,
        transaction_id=payload["transactionId"],
        seq_no=seq_no,
        evse_number=evse_number,
    )
    told["transactionInfo"]["stoppedReason"] = _STOP_REASONS.get(reason, "Other")
    if "idTag" in payload:
        told["idToken"] = id_token(payload["idTag"])
    told["meterValue"] = [_register(at, payload["meterStop"], context="Transaction.End")]
    return _queued(told, now_utc)


def sampled(payload: JsonObject, *, evse_number: int | None, seq_no: int) -> JsonObject | None:
    """MeterValues of a transaction as TransactionEvent; None where no value can be read."""
    values = meter_values(payload["meterValue"])
    if not values:
        return None
    told = _event(
        "Updated",
        trigger="MeterValuePeriodic",
        at=values[-1]["timestamp"],
        transaction_id=payload["transactionId"],
        seq_no=seq_no,
        evse_number=evse_number,
    )
    told["meterValue"] = values
    return told


def meter_values(entries: list[JsonObject]) -> list[JsonObject]:
    """A `meterValue` list with numbers for texts; what is no number is left out."""
    found = []
    for entry in entries:
        values = [one for one in map(_sampled_value, entry["sampledValue"]) if one is not None]
        if values:
            found.append({"timestamp": entry["timestamp"], "sampledValue": values})
    return found


def _sampled_value(sampled_value: JsonObject) -> JsonObject | None:
    if sampled_value.get("format") == "SignedData":
        return None
    try:
        value = float(printable(sampled_value["value"]).strip())
    except ValueError:
        return None
    if not isfinite(value):
        return None
    told: JsonObject = {"value": value}
    told |= {name: sampled_value[name] for name in _COPIED if name in sampled_value}
    unit = sampled_value.get("unit")
    if unit is not None:
        told["unitOfMeasure"] = {"unit": _UNITS.get(unit, unit)}
    return told


def _register(at: str, energy_wh: int, *, context: str) -> JsonObject:
    return {
        "timestamp": at,
        "sampledValue": [
            {
                "value": float(energy_wh),
                "context": context,
                "measurand": "Energy.Active.Import.Register",
                "unitOfMeasure": {"unit": "Wh"},
            }
        ],
    }


def _event(
    kind: str, *, trigger: str, at: str, transaction_id: int, seq_no: int, evse_number: int | None
) -> JsonObject:
    told: JsonObject = {
        "eventType": kind,
        "timestamp": at,
        "triggerReason": trigger,
        "seqNo": seq_no,
        "transactionInfo": {"transactionId": str(transaction_id)},
    }
    if evse_number is not None:
        told["evse"] = {"id": evse_number, "connectorId": 1}
    return told


def _queued(told: JsonObject, now_utc: datetime) -> JsonObject:
    at_utc = parse_stamp(told["timestamp"])
    if at_utc is not None and now_utc - at_utc > QUEUED_AFTER:
        told["offline"] = True
    return told
