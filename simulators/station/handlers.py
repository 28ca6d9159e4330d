"""The station's answers to the central system, one small function per action."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from simulators.clock import iso_from_s
from simulators.station.certificates import CERTIFICATE_HANDLERS, sign_certificate
from simulators.station.profile_rules import (
    EVSE_ID,
    Proposal,
    Refused,
    period_refusal,
    refusal,
)
from simulators.station.profiles import NOMINAL_VOLTAGE_V, InstalledProfile
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
from simulators.station.wire import JsonDict

ITEMS_PER_REPORT = 25
MOST_COMPOSITE_PERIODS = 200

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


def _status(status: str, refused: Refused | None = None) -> JsonDict:
    if refused is None:
        return {"status": status}
    info = {"reasonCode": refused.reason_code, "additionalInfo": refused.detail[:512]}
    return {"status": status, "statusInfo": info}


def _rejected(reason_code: str, detail: str) -> JsonDict:
    return _status("Rejected", Refused(reason_code=reason_code, detail=detail))


# --- profiles ---


def set_charging_profile(station: Station, request: JsonDict) -> JsonDict:
    """Install a profile, or say by which rule not."""
    return _install(station, request["evseId"], request["chargingProfile"])


def _install(station: Station, evse_id: int, raw: JsonDict) -> JsonDict:
    if station.shows("rejects_profiles"):
        return _rejected("InternalError", "simulated fault rejects_profiles")
    if station.model.get("SmartChargingCtrlr", "Enabled") != "true":
        return _rejected("NotEnabled", "SmartChargingCtrlr.Enabled is false")
    proposal = Proposal(
        evse_id=evse_id,
        raw=raw,
        transaction_id=None if station.transaction is None else station.transaction.id,
        capabilities=station.capabilities,
        store=station.store,
    )
    refused = refusal(proposal)
    if refused is not None:
        return _status("Rejected", refused)
    if not station.shows("accepts_and_ignores"):
        updated_s = station.world.now_s
        station.store.put(InstalledProfile(evse_id=evse_id, raw=raw, updated_s=updated_s))
    return _status("Accepted")


def update_dynamic_schedule(station: Station, request: JsonDict) -> JsonDict:
    """Change the only period of a Dynamic profile and start its duration anew (K28)."""
    if station.shows("rejects_profiles"):
        return _rejected("InternalError", "simulated fault rejects_profiles")
    profile = station.store.installed.get(request["chargingProfileId"])
    if profile is None or profile.kind != "Dynamic":
        return _rejected("InvalidProfileId", "no such Dynamic profile")
    periods = profile.schedule["chargingSchedulePeriod"]
    updated = {**periods[0], **request["scheduleUpdate"]}
    refused = period_refusal(profile.schedule, updated, station.capabilities)
    if refused is not None:
        return _status("Rejected", refused)
    if not station.shows("accepts_and_ignores"):
        periods[0] = updated
        profile.raw["dynUpdateTime"] = iso_from_s(station.world.now_s)
        profile.updated_s = station.world.now_s
    return _status("Accepted")


def clear_charging_profile(station: Station, request: JsonDict) -> JsonDict:
    """Remove by id or by criteria; clearing the last one is not a stop."""
    found = [
        profile for profile in station.store.installed.values() if _clear_matches(profile, request)
    ]
    for profile in found:
        del station.store.installed[profile.id]
    return _status("Accepted" if found else "Unknown")


def _clear_matches(profile: InstalledProfile, request: JsonDict) -> bool:
    wanted = request.get("chargingProfileId")
    if wanted is not None:
        return profile.id == int(wanted)
    criteria: JsonDict = request.get("chargingProfileCriteria", {})
    return _matches(profile, criteria, criteria.get("evseId", profile.evse_id))


def _matches(profile: InstalledProfile, criteria: JsonDict, evse_id: int) -> bool:
    purpose = criteria.get("chargingProfilePurpose", profile.purpose)
    stack_level = criteria.get("stackLevel", profile.stack_level)
    wanted: tuple[int, str, int] = (evse_id, purpose, stack_level)
    return wanted == (profile.evse_id, profile.purpose, profile.stack_level)


def get_charging_profiles(station: Station, request: JsonDict) -> JsonDict:
    """Report the profiles that match, one message per EVSE."""
    criteria = request["chargingProfile"]
    evse_ids: dict[int, list[JsonDict]] = {}
    for profile in station.store.installed.values():
        ids = criteria.get("chargingProfileId", [profile.id])
        if (
            _matches(profile, criteria, request.get("evseId", profile.evse_id))
            and profile.id in ids
            and "CSO" in criteria.get("chargingLimitSource", ["CSO"])
        ):
            evse_ids.setdefault(profile.evse_id, []).append(profile.raw)
    for index, (evse_id, raws) in enumerate(evse_ids.items()):
        report: JsonDict = {
            "requestId": request["requestId"],
            "chargingLimitSource": "CSO",
            "evseId": evse_id,
            "chargingProfile": raws,
            "tbc": index < len(evse_ids) - 1,
        }
        station.send("ReportChargingProfiles", report)
    return _status("Accepted" if evse_ids else "NoProfiles")


def get_composite_schedule(station: Station, request: JsonDict) -> JsonDict:
    """Return what will govern during the asked time."""
    if request["evseId"] not in {0, EVSE_ID}:
        return _rejected("UnknownEvse", f"there is only EVSE {EVSE_ID}")
    unit = request.get("chargingRateUnit", "W")
    schedule: JsonDict = {
        "evseId": request["evseId"],
        "duration": request["duration"],
        "scheduleStart": iso_from_s(station.world.now_s),
        "chargingRateUnit": unit,
        "chargingSchedulePeriod": list(_composite(station, request["duration"], unit)),
    }
    return {"status": "Accepted", "schedule": schedule}


def _composite(station: Station, duration_s: int, unit: str) -> Iterator[JsonDict]:
    start_s = station.world.now_s
    at_s: float | None = start_s
    phases = station.table.phases
    per_unit = 1.0 if unit == "W" else NOMINAL_VOLTAGE_V * phases
    previous = -1
    for _ in range(MOST_COMPOSITE_PERIODS):
        if at_s is None or at_s >= start_s + duration_s:
            return
        governing = station.governing(at_s)
        offset_s = round(at_s - start_s)
        if offset_s > previous:
            previous = offset_s
            rate = round(governing.target_w / per_unit, 1)
            setpoint = governing.operation_mode not in {"ChargingOnly", "Idle"}
            period: JsonDict = {"startPeriod": offset_s, "numberPhases": phases}
            if governing.operation_mode != "Idle":
                period["setpoint" if setpoint else "limit"] = rate
            if station.version == "ocpp2.1":
                period["operationMode"] = governing.operation_mode
            yield period
        at_s = station.next_change_s(at_s)


def notify_allowed_energy_transfer(station: Station, request: JsonDict) -> JsonDict:
    """Renegotiate the service with the EV."""
    transaction = station.transaction
    if transaction is None or transaction.id != request["transactionId"]:
        return _rejected("TxNotFound", "no such transaction is running")
    if not station.model.bidirectional:
        return _rejected("UnsupportedRequest", "no V2X here")
    station.allowed_transfer = tuple(request["allowedEnergyTransfer"])
    request_service(station, transaction)
    return _status("Accepted")


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
    return _status("Accepted")


# --- transactions and availability ---


def request_start_transaction(station: Station, request: JsonDict) -> JsonDict:
    """Start for a plugged-in car; its profile is installed for the new transaction."""
    if not station.accepted or station.outlet.vehicle is None:
        return _rejected("NotReady", "not accepted yet, or no car")
    if station.transaction is not None:
        return _rejected("TxInProgress", "a transaction is running")
    transaction = begin_transaction(
        station, id_token=request["idToken"], remote_start_id=request["remoteStartId"]
    )
    if transaction is None:
        return _rejected("NotReady", "no car")
    station.authorized = True
    profile = request.get("chargingProfile")
    if profile is not None:
        _install(station, EVSE_ID, {**profile, "transactionId": transaction.id})
    return {"status": "Accepted", "transactionId": transaction.id}


def request_stop_transaction(station: Station, request: JsonDict) -> JsonDict:
    """End the running transaction; the car stays plugged in and gets nothing."""
    transaction = station.transaction
    if transaction is None or transaction.id != request["transactionId"]:
        return _rejected("TxNotFound", "no such transaction is running")
    end_transaction(station, trigger="RemoteStop", reason="Remote")
    return _status("Accepted")


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
        return _status("Rejected")
    station.operative = operative
    notify_status(station)
    return _status("Accepted")


def unlock_connector(station: Station, request: JsonDict) -> JsonDict:
    """Unlock; refused while a transaction runs."""
    if (request["evseId"], request["connectorId"]) != (EVSE_ID, 1):
        return _status("UnknownConnector")
    return _status("OngoingAuthorizedTransaction" if station.transaction else "Unlocked")


def reset(station: Station, request: JsonDict) -> JsonDict:
    """Reboot at once, or refuse while a transaction runs."""
    if request["type"] == "OnIdle" and station.transaction is not None:
        return _status("Rejected")
    end_transaction(station, trigger="ResetCommand", reason="ImmediateReset")
    station.reboot("RemoteReset")
    return _status("Accepted")


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
            return _status("NotImplemented")
    return _status("Accepted")


def _trigger_transaction_event(station: Station) -> JsonDict:
    if station.transaction is None:
        return _status("Rejected")
    event = transaction_event(
        station, station.transaction, event_type="Updated", trigger="Trigger", context="Trigger"
    )
    station.send("TransactionEvent", event)
    return _status("Accepted")


def _always(status: str) -> Handler:
    return lambda _station, _request: _status(status)


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
}
