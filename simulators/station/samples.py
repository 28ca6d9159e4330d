"""Meter values and TransactionEvents as a station writes them."""

from __future__ import annotations

from simulators.clock import iso_from_s
from simulators.station.misbehaviour.readings import shown_soc_percent
from simulators.station.records import Transaction
from simulators.station.station import Station
from simulators.station.wire import JsonDict

NOMINAL_VOLTAGE_V = 230.0


def meter_value(station: Station, *, context: str, measurands: tuple[str, ...]) -> JsonDict:
    """Return the sampled values of this moment."""
    now_s = station.now_s()
    values = [value for name in measurands if (value := _sampled(station, name, now_s)) is not None]
    for value in values:
        value["context"] = context
    return {"timestamp": iso_from_s(now_s), "sampledValue": values}


def transaction_event(
    station: Station,
    transaction: Transaction,
    *,
    event_type: str,
    trigger: str,
    context: str,
    stopped_reason: str | None = None,
) -> JsonDict:
    """Return a TransactionEvent request with the measurands configured for its type."""
    info: JsonDict = {
        "transactionId": transaction.id,
        "chargingState": transaction.charging_state,
    }
    if stopped_reason is not None:
        info["stoppedReason"] = stopped_reason
        del info["chargingState"]
    if transaction.remote_start_id is not None:
        info["remoteStartId"] = transaction.remote_start_id
    if transaction.operation_mode is not None and station.version == "ocpp2.1":
        info["operationMode"] = transaction.operation_mode
    event: JsonDict = {
        "eventType": event_type,
        "timestamp": station.stamp(),
        "triggerReason": trigger,
        "seqNo": transaction.next_seq_no(),
        "transactionInfo": info,
        "evse": {"id": 1, "connectorId": 1},
    }
    if event_type == "Started":
        event["idToken"] = transaction.id_token
    measurands = station.model.measurand_list(f"Tx{event_type}Measurands")
    sample = meter_value(station, context=context, measurands=measurands)
    if sample["sampledValue"]:
        event["meterValue"] = [sample]
    if not station.online:
        event["offline"] = True
    return event


def _sampled(station: Station, measurand: str, now_s: float) -> JsonDict | None:
    outlet = station.outlet
    charge_wh, discharge_wh = station.registers_wh()
    match measurand:
        case "Power.Active.Import":
            return _value(measurand, round(max(0.0, outlet.power_w), 1), "W")
        case "Power.Active.Export":
            return _value(measurand, round(max(0.0, -outlet.power_w), 1), "W")
        case "Energy.Active.Import.Register":
            return _value(measurand, round(charge_wh, 2), "Wh")
        case "Energy.Active.Export.Register":
            return _value(measurand, round(discharge_wh, 2), "Wh")
        case "Voltage":
            return {**_value(measurand, NOMINAL_VOLTAGE_V, "V"), "phase": "L1-N"}
        case "Power.Active.Setpoint":
            # What it was told: a sign_flip fault shows in the power only.
            told_w = station.governing(now_s).target_w if station.energy_allowed() else 0.0
            return _value(measurand, round(told_w, 1), "W")
        case "SoC":
            return _soc(station)
        case _:
            return None


def _soc(station: Station) -> JsonDict | None:
    if station.outlet.vehicle is None or not station.reports_soc:
        return None
    step = station.table.soc_step_percent
    percent = min(100.0, round(station.outlet.vehicle.soc * 100.0 / step) * step)
    told_percent = shown_soc_percent(station, percent)
    if told_percent is None:
        return None
    station.remembered.soc_told_percent = told_percent
    return {**_value("SoC", round(told_percent, 3), "Percent"), "location": "EV"}


def _value(measurand: str, value: float, unit: str) -> JsonDict:
    return {"measurand": measurand, "value": value, "unitOfMeasure": {"unit": unit}}
