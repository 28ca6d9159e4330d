"""What a station does by itself: plug-in, authorisation, V2X service, samples, unplug."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from simulators.station.ev_needs import charging_needs, ev_schedule, wants_bidirectional
from simulators.station.misbehaviour.foreign import keep_foreign_profiles
from simulators.station.records import Transaction
from simulators.station.samples import meter_value, transaction_event
from simulators.station.station import Station
from simulators.station.wire import JsonDict

OFFLINE_BEFORE_LOCAL_S = 60.0  # simulated
OFFLINE_BEFORE_LOCAL_REAL_S = 5.0
MOST_QUEUED = 500


@dataclass(slots=True)
class Rhythm:
    """When the periodic messages were last sent, in simulated time."""

    sampled_s: float = 0.0
    heartbeat_s: float = 0.0
    pulled_s: float = 0.0


def observe(station: Station, rhythm: Rhythm) -> None:
    """Look at outlet and clock, and queue what has to be said."""
    now_s = station.now_s()
    if station.faults.take(station.table.id, "reboot", now_s):
        end_transaction(station, trigger="AbnormalCondition", reason="Reboot")
        station.reboot("PowerUp")
    if now_s < station.reboot_until_s:
        return
    keep_foreign_profiles(station)
    _follow_plug(station, now_s)
    if station.transaction is not None:
        _follow_service(station, station.transaction)
        _follow_state(station, station.transaction, now_s)
        _sample(station, station.transaction, rhythm, now_s)
    if station.online and station.accepted:
        _heartbeat(station, rhythm, now_s)
        _pull_dynamic(station, rhythm, now_s)


def status_notification(station: Station) -> JsonDict:
    """Return the state of the only connector."""
    return {
        "timestamp": station.stamp(),
        "connectorStatus": station.connector_status(),
        "evseId": 1,
        "connectorId": 1,
    }


def notify_status(station: Station) -> None:
    """Queue a StatusNotification."""
    station.send("StatusNotification", lambda: status_notification(station))


def begin_transaction(
    station: Station, *, id_token: JsonDict | None = None, remote_start_id: int | None = None
) -> Transaction | None:
    """Start a transaction for the plugged-in car; None without one."""
    vehicle = station.outlet.vehicle
    if vehicle is None:
        return None
    transaction = station.open_transaction(
        vehicle, id_token=id_token, remote_start_id=remote_start_id
    )
    notify_status(station)
    if station.pre_authorizes(transaction.id_token):
        station.authorized = True
        station.needs_settled = not station.model.bidirectional
    if station.online and station.version == "ocpp2.1":
        _request_authorization(station, transaction)
    event = transaction_event(
        station,
        transaction,
        event_type="Started",
        trigger="CablePluggedIn" if remote_start_id is None else "RemoteStart",
        context="Transaction.Begin",
    )
    station.send(
        "TransactionEvent",
        event,
        on_answer=lambda answer: _started(station, transaction, answer),
        survives_link=True,
    )
    if station.online and station.model.bidirectional:
        request_service(station, transaction)
    return transaction


def end_transaction(station: Station, *, trigger: str, reason: str) -> None:
    """Open the contactor and queue the Ended event, if a transaction is running."""
    transaction = station.transaction
    if transaction is None:
        return
    event = transaction_event(
        station,
        transaction,
        event_type="Ended",
        trigger=trigger,
        context="Transaction.End",
        stopped_reason=reason,
    )
    station.close_transaction()
    station.send("TransactionEvent", event, survives_link=True)


def resume(station: Station) -> None:
    """After a reconnect: ask again for what the lost link left open."""
    transaction = station.transaction
    if transaction is None:
        return
    if not station.authorized:
        _request_authorization(station, transaction)
    if station.model.bidirectional and not station.bidirectional_service:
        _request_authorization(station, transaction)
        request_service(station, transaction)


def request_service(station: Station, transaction: Transaction) -> None:
    """Queue NotifyEVChargingNeeds: the EV says what it wants, within what is allowed."""

    def payload() -> JsonDict | None:
        if station.transaction is not transaction or not station.authorized:
            return None
        station.needs_told = True
        return charging_needs(station)

    station.send(
        "NotifyEVChargingNeeds",
        payload,
        on_answer=lambda answer: _needs_answered(station, transaction, answer),
    )


def _follow_plug(station: Station, now_s: float) -> None:
    transaction, outlet = station.transaction, station.outlet
    if transaction is not None and (
        outlet.vehicle is None or outlet.plug_count != transaction.plug_count
    ):
        end_transaction(station, trigger="EVDeparted", reason="EVDisconnected")
        notify_status(station)
    fresh = outlet.vehicle is not None and outlet.plug_count != station.handled_plug_count
    alone = _acts_alone(station, now_s)
    ready = station.operative and ((station.online and station.accepted) or alone)
    if fresh and (station.table.needs_remote_start or station.shows("remote_start_needed")):
        station.handled_plug_count = outlet.plug_count
        notify_status(station)
    elif fresh and ready:
        begin_transaction(station)
    begun = station.transaction
    if begun is None or station.energy_allowed():
        return
    if alone and station.may_charge_alone(begun.id_token):
        station.authorized = True
        station.needs_settled = True


def _acts_alone(station: Station, now_s: float) -> bool:
    """Say whether the link has been gone for so long that the car may charge without it."""
    if station.online or not station.table.local_authorization_offline:
        return False
    real_s = OFFLINE_BEFORE_LOCAL_REAL_S * station.clock.speed
    since_s = now_s if station.offline_since_s is None else station.offline_since_s
    return now_s - since_s >= max(OFFLINE_BEFORE_LOCAL_S, real_s)


def _follow_service(station: Station, transaction: Transaction) -> None:
    """Negotiate anew when what the EV may and wants is no longer what it asked for."""
    if not station.model.bidirectional or not station.online or not station.needs_settled:
        return
    if wants_bidirectional(station) != station.remembered.requested_bidirectional:
        station.needs_settled = False
        request_service(station, transaction)
    if (
        station.remembered.schedule_due_s is not None
        and station.world.now_s >= station.remembered.schedule_due_s
    ):
        station.remembered.schedule_due_s = None
        station.send("NotifyEVChargingSchedule", ev_schedule(station))


def _follow_state(station: Station, transaction: Transaction, now_s: float) -> None:
    state = _charging_state(station, now_s)
    mode = station.governing(now_s).operation_mode if station.energy_allowed() else None
    if station.version != "ocpp2.1":
        mode = None
    if state != transaction.charging_state:
        trigger = "ChargingStateChanged"
    elif mode != transaction.operation_mode:
        trigger = "OperationModeChanged"
    else:
        return
    transaction.charging_state, transaction.operation_mode = state, mode
    if len(station.queue) < MOST_QUEUED:
        event = transaction_event(
            station, transaction, event_type="Updated", trigger=trigger, context="Other"
        )
        station.send("TransactionEvent", event, survives_link=True)


def _charging_state(station: Station, now_s: float) -> str:
    outlet = station.outlet
    if not station.energy_allowed():
        return "EVConnected"
    if outlet.power_w != 0.0:
        return "Charging"
    if outlet.electronics.realisable_w(station.demand_w(now_s)) == 0.0:
        return "SuspendedEVSE"
    return "SuspendedEV" if outlet.target_w(now_s) == 0.0 else "Charging"


def _sample(station: Station, transaction: Transaction, rhythm: Rhythm, now_s: float) -> None:
    every_s = station.model.number("SampledDataCtrlr", "TxUpdatedInterval")
    due = every_s > 0 and now_s >= rhythm.sampled_s + every_s
    kept = not station.online and station.shows("offline_replay")
    if not due or not (station.online or kept) or len(station.queue) >= MOST_QUEUED:
        return
    if not kept and any(message.periodic for message in station.queue):
        return
    rhythm.sampled_s = now_s
    station.send(
        "TransactionEvent",
        transaction_event(
            station,
            transaction,
            event_type="Updated",
            trigger="MeterValuePeriodic",
            context="Sample.Periodic",
        ),
        periodic=not kept,
        survives_link=kept,
    )


def _heartbeat(station: Station, rhythm: Rhythm, now_s: float) -> None:
    every_s = station.model.number("OCPPCommCtrlr", "HeartbeatInterval")
    if every_s > 0 and now_s >= rhythm.heartbeat_s + every_s:
        rhythm.heartbeat_s = now_s
        station.send("Heartbeat", {})


def _pull_dynamic(station: Station, rhythm: Rhythm, now_s: float) -> None:
    """Ask for updates of Dynamic profiles that carry dynUpdateInterval."""
    for profile in list(station.store.installed.values()):
        every_s = profile.raw.get("dynUpdateInterval", 0)
        if every_s > 0 and now_s >= max(rhythm.pulled_s, profile.updated_s) + every_s:
            rhythm.pulled_s = now_s
            profile_id = profile.id
            station.send(
                "PullDynamicScheduleUpdate",
                {"chargingProfileId": profile_id},
                on_answer=partial(_pulled, station, profile_id),
            )


def _pulled(station: Station, profile_id: int, answer: JsonDict | None) -> None:
    profile = station.store.installed.get(profile_id)
    if profile is None or answer is None or answer["status"] != "Accepted":
        return
    profile.update(answer.get("scheduleUpdate", {}), station.now_s())  # K28.FR.08


def _request_authorization(station: Station, transaction: Transaction) -> None:
    def payload() -> JsonDict | None:
        if station.transaction is not transaction:
            return None
        return {"idToken": transaction.id_token}

    station.send(
        "Authorize", payload, on_answer=lambda answer: _authorized(station, transaction, answer)
    )


def _authorized(station: Station, transaction: Transaction, answer: JsonDict | None) -> None:
    if station.transaction is not transaction or answer is None:
        return
    station.now_s()
    station.authorized = answer["idTokenInfo"]["status"] == "Accepted"
    station.allowed_transfer = tuple(answer.get("allowedEnergyTransfer", ()))
    if station.authorized and not station.model.bidirectional:
        station.needs_settled = True


def _started(station: Station, transaction: Transaction, answer: JsonDict | None) -> None:
    if station.transaction is not transaction or answer is None:
        return
    station.now_s()
    info = answer.get("idTokenInfo")
    if info is not None and info["status"] != "Accepted":
        station.authorized = False
    elif not station.model.bidirectional:
        station.authorized = True
        station.needs_settled = True


def _needs_answered(station: Station, transaction: Transaction, answer: JsonDict | None) -> None:
    if station.transaction is not transaction:
        return
    station.now_s()
    if answer is not None and answer["status"] == "Rejected":
        # K18.FR.23: a rejected transfer ends the transaction.
        end_transaction(station, trigger="AbnormalCondition", reason="ReqEnergyTransferRejected")
        return
    station.needs_settled = True
    station.bidirectional_service = (
        answer is not None and station.remembered.requested_bidirectional
    )


def meter_values(station: Station) -> JsonDict:
    """Return a triggered MeterValues request."""
    measurands = station.model.measurand_list("TxUpdatedMeasurands")
    sample = meter_value(station, context="Trigger", measurands=measurands)
    return {"evseId": 1, "meterValue": [sample]}
