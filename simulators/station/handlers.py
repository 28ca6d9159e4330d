"""The station's answers to the central system, one small function per action."""

from __future__ import annotations

from collections.abc import Callable

from simulators.station.certificates import CERTIFICATE_HANDLERS, sign_certificate
from simulators.station.profile_handlers import (
    clear_charging_profile,
    get_charging_profiles,
    get_composite_schedule,
    install,
    set_charging_profile,
    update_dynamic_schedule,
    use_priority_charging,
)
from simulators.station.profile_rules import EVSE_ID
from simulators.station.samples import transaction_event
from simulators.station.service import get_local_list_version, get_log, send_local_list
from simulators.station.session import (
    begin_transaction,
    end_transaction,
    meter_values,
    notify_status,
    request_service,
)
from simulators.station.station import Station
from simulators.station.statuses import rejected, status_answer
from simulators.station.wire import JsonDict

ITEMS_PER_REPORT = 25

Handler = Callable[[Station, JsonDict], JsonDict]


def answer(station: Station, action: str, request: JsonDict) -> JsonDict | None:
    """Return the answer to a checked request; None = this station does not implement it."""
    handler = _HANDLERS.get(action)
    if handler is None:
        return None
    station.now_s()
    response = handler(station, request)
    station.wake.set()
    return response


# --- device model ---


def get_variables(station: Station, request: JsonDict) -> JsonDict:
    """Read variables."""
    return {"getVariableResult": [station.model.read(item) for item in request["getVariableData"]]}


def set_variables(station: Station, request: JsonDict) -> JsonDict:
    """Write variables."""
    return {"setVariableResult": [station.model.write(item) for item in request["setVariableData"]]}


def get_base_report(station: Station, request: JsonDict) -> JsonDict:
    """Report the device model in several NotifyReport messages."""
    entries = list(station.model.report())
    chunks = [entries[i : i + ITEMS_PER_REPORT] for i in range(0, len(entries), ITEMS_PER_REPORT)]
    for seq_no, chunk in enumerate(chunks):
        report: JsonDict = {
            "requestId": request["requestId"],
            "generatedAt": station.stamp(),
            "seqNo": seq_no,
            "tbc": seq_no < len(chunks) - 1,
            "reportData": chunk,
        }
        station.send("NotifyReport", report)
    return status_answer("Accepted")


# --- transactions and availability ---


def notify_allowed_energy_transfer(station: Station, request: JsonDict) -> JsonDict:
    """Renegotiate the service with the EV."""
    transaction = station.transaction
    if transaction is None or transaction.id != request["transactionId"]:
        return rejected("TxNotFound", "no such transaction is running")
    if not station.model.bidirectional:
        return rejected("UnsupportedRequest", "no V2X here")
    station.allowed_transfer = tuple(request["allowedEnergyTransfer"])
    request_service(station, transaction)
    return status_answer("Accepted")


def request_start_transaction(station: Station, request: JsonDict) -> JsonDict:
    """Start for a plugged-in car; its profile is installed for the new transaction."""
    if not station.accepted:
        return rejected("CSNotAccepted", "not accepted yet")
    if station.outlet.vehicle is None:
        return rejected("NoCable", "no car is plugged in")
    if station.finishing and station.shows("stuck_finishing"):
        return rejected("InternalError", "simulated stuck_finishing")
    if station.transaction is not None:
        return rejected("TxInProgress", "a transaction is running")
    transaction = begin_transaction(
        station, id_token=request["idToken"], remote_start_id=request["remoteStartId"]
    )
    if transaction is None:
        return rejected("NoCable", "no car is plugged in")
    station.authorized = True
    profile = request.get("chargingProfile")
    if profile is not None:
        raw = {**profile, "transactionId": transaction.id}
        install(station, EVSE_ID, raw, needs_due=False)
    return {"status": "Accepted", "transactionId": transaction.id}


def request_stop_transaction(station: Station, request: JsonDict) -> JsonDict:
    """End the running transaction; the car stays plugged in and gets nothing."""
    transaction = station.transaction
    if transaction is None or transaction.id != request["transactionId"]:
        return rejected("TxNotFound", "no such transaction is running")
    end_transaction(station, trigger="RemoteStop", reason="Remote")
    notify_status(station)  # in 1.6 it is Finishing now
    return status_answer("Accepted")


def get_transaction_status(station: Station, request: JsonDict) -> JsonDict:
    """Say whether a transaction runs and whether messages wait."""
    waiting = any(message.survives_link for message in station.queue)
    asked = request.get("transactionId")
    if asked is None:
        return {"messagesInQueue": waiting}
    ongoing = station.transaction is not None and station.transaction.id == asked
    return {"ongoingIndicator": ongoing, "messagesInQueue": waiting}


def change_availability(station: Station, request: JsonDict) -> JsonDict:
    """Switch the connector on, or off at once when no transaction runs."""
    operative = request["operationalStatus"] == "Operative"
    if not operative and station.transaction is not None:
        return status_answer("Rejected")
    station.operative = operative
    notify_status(station)
    return status_answer("Accepted")


def unlock_connector(station: Station, request: JsonDict) -> JsonDict:
    """Unlock; refused while a transaction runs."""
    if (request["evseId"], request["connectorId"]) != (EVSE_ID, 1):
        return status_answer("UnknownConnector")
    return status_answer("OngoingAuthorizedTransaction" if station.transaction else "Unlocked")


def reset(station: Station, request: JsonDict) -> JsonDict:
    """Reboot at once, or refuse while a transaction runs."""
    if request["type"] == "OnIdle" and station.transaction is not None:
        return status_answer("Rejected")
    end_transaction(station, trigger="ResetCommand", reason="ImmediateReset")
    station.reboot("RemoteReset")
    return status_answer("Accepted")


def trigger_message(station: Station, request: JsonDict) -> JsonDict:
    """Queue the asked message."""
    match request["requestedMessage"]:
        case "BootNotification":
            station.boot_reason = "Triggered"
            station.accepted = False
            station.next_boot_s = station.world.now_s
            station.queued.set()
        case "Heartbeat":
            station.send("Heartbeat", {})
        case "LogStatusNotification":
            station.send("LogStatusNotification", {"status": "Idle"})
        case "StatusNotification":
            notify_status(station)
        case "MeterValues":
            station.send("MeterValues", lambda: meter_values(station))
        case "SignChargingStationCertificate":
            sign_certificate(station)
        case "TransactionEvent":
            return _trigger_transaction_event(station)
        case _:
            return status_answer("NotImplemented")
    return status_answer("Accepted")


def _trigger_transaction_event(station: Station) -> JsonDict:
    if station.transaction is None:
        return status_answer("Rejected")
    event = transaction_event(
        station, station.transaction, event_type="Updated", trigger="Trigger", context="Trigger"
    )
    station.send("TransactionEvent", event)
    return status_answer("Accepted")


def _always(status: str) -> Handler:
    return lambda _station, _request: status_answer(status)


_HANDLERS: dict[str, Handler] = {
    **CERTIFICATE_HANDLERS,
    "ChangeAvailability": change_availability,
    "ClearCache": _always("Rejected"),
    "ClearChargingProfile": clear_charging_profile,
    "DataTransfer": _always("UnknownVendorId"),
    "GetBaseReport": get_base_report,
    "GetChargingProfiles": get_charging_profiles,
    "GetCompositeSchedule": get_composite_schedule,
    "GetLocalListVersion": get_local_list_version,
    "GetLog": get_log,
    "GetReport": _always("NotSupported"),
    "GetTransactionStatus": get_transaction_status,
    "GetVariables": get_variables,
    "NotifyAllowedEnergyTransfer": notify_allowed_energy_transfer,
    "RequestStartTransaction": request_start_transaction,
    "RequestStopTransaction": request_stop_transaction,
    "Reset": reset,
    "SendLocalList": send_local_list,
    "SetChargingProfile": set_charging_profile,
    "SetVariables": set_variables,
    "TriggerMessage": trigger_message,
    "UnlockConnector": unlock_connector,
    "UpdateDynamicSchedule": update_dynamic_schedule,
    "UsePriorityCharging": use_priority_charging,
}
