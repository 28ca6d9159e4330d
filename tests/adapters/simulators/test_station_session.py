"""A simulated station against a plain central system: boot, plug-in, samples, unplug."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

Json = dict[str, Any]


def values(event: Json) -> dict[str, float]:
    """The sampled values of an event by measurand."""
    return {one["measurand"]: one["value"] for one in event["meterValue"][0]["sampledValue"]}


async def test_a_plug_in_is_told_in_the_order_of_the_protocol(bench: Any, basic: Any) -> None:
    run = await bench()
    needs = await run.central.got("NotifyEVChargingNeeds")
    assert run.central.authorization == basic("S1", "secret-of-s1")
    names = run.central.names()
    assert names[0] == "BootNotification"
    order = [names.index(n) for n in ("Authorize", "TransactionEvent", "NotifyEVChargingNeeds")]
    assert order == sorted(order)
    authorize = await run.central.got("Authorize")
    assert authorize["idToken"]["additionalInfo"] == [
        {"additionalIdToken": "SIMEVCC00001", "type": "EVCCID"}
    ]
    started = await run.central.got("TransactionEvent", eventType="Started")
    assert (started["triggerReason"], started["seqNo"]) == ("CablePluggedIn", 0)
    assert len(started["transactionInfo"]["transactionId"]) == 36
    assert needs["chargingNeeds"]["requestedEnergyTransfer"] == "AC_BPT"
    assert needs["chargingNeeds"]["v2xChargingParameters"] == {
        "minChargePower": 1400.0,
        "maxChargePower": 7400.0,
        "minDischargePower": 1400.0,
        "maxDischargePower": 7400.0,
    }


async def test_without_permission_the_car_asks_for_one_way_service_only(bench: Any) -> None:
    run = await bench(answers={"Authorize": {"idTokenInfo": {"status": "Accepted"}}})
    needs = await run.central.got("NotifyEVChargingNeeds")
    assert needs["chargingNeeds"]["requestedEnergyTransfer"] == "AC_three_phase"
    transaction_id = await run.transaction_id()
    answer = await run.central.call(
        "NotifyAllowedEnergyTransfer",
        {"transactionId": transaction_id, "allowedEnergyTransfer": ["AC_BPT"]},
    )
    assert answer["status"] == "Accepted"
    await run.until(lambda: bool(run.station.bidirectional_service))


async def test_a_refused_token_gets_no_energy(bench: Any) -> None:
    refused = {"idTokenInfo": {"status": "Invalid"}}
    run = await bench(answers={"Authorize": refused, "TransactionEvent": refused})
    await run.central.got("TransactionEvent", triggerReason="MeterValuePeriodic")
    assert run.world.outlets["S1"].power_w == 0.0
    assert run.station.transaction.charging_state == "EVConnected"


async def test_with_no_profile_at_all_the_car_charges_at_full_power(bench: Any) -> None:
    run = await bench()
    await run.until(lambda: run.world.outlets["S1"].power_w == 7400.0)
    event = await run.central.received(
        lambda name, event: (
            name == "TransactionEvent"
            and event["triggerReason"] == "MeterValuePeriodic"
            and values(event)["Power.Active.Import"] == 7400.0
        )
    )
    assert values(event)["Power.Active.Export"] == 0.0
    assert values(event)["Power.Active.Setpoint"] == 7400.0
    assert 50.0 <= values(event)["SoC"] <= 50.5


async def test_unplugging_ends_the_transaction_with_its_last_register(bench: Any) -> None:
    run = await bench()
    await run.until(lambda: run.world.outlets["S1"].charge_wh > 10.0)
    run.world.unplug(run.world.vehicles["car"])
    ended = await run.central.got("TransactionEvent", eventType="Ended")
    assert ended["triggerReason"] == "EVDeparted"
    assert ended["transactionInfo"]["stoppedReason"] == "EVDisconnected"
    register_wh = values(ended)["Energy.Active.Import.Register"]
    assert register_wh == pytest.approx(run.world.outlets["S1"].charge_wh, abs=0.01)
    assert "SoC" not in values(ended)
    await run.central.got("StatusNotification", connectorStatus="Available")


async def test_a_pending_station_waits_and_boots_again_when_triggered(bench: Any) -> None:
    boot = {"status": "Pending", "currentTime": "2024-12-11T16:30:00Z", "interval": 3600}
    run = await bench(answers={"BootNotification": boot})
    await run.central.got("BootNotification")
    await asyncio.sleep(0.3)
    assert set(run.central.names()) == {"BootNotification"}
    run.central.answers["BootNotification"] = {**boot, "status": "Accepted"}
    answer = await run.central.call("TriggerMessage", {"requestedMessage": "BootNotification"})
    assert answer == {"status": "Accepted"}
    again = await run.central.got("BootNotification", after=1)
    assert again["reason"] == "Triggered"
    await run.central.got("TransactionEvent", eventType="Started")


async def test_a_201_station_sends_no_soc_and_knows_no_v2x(bench: Any) -> None:
    run = await bench(station={"versions": ["ocpp2.0.1"], "max_discharge_w": 0.0})
    event = await run.central.got("TransactionEvent", triggerReason="MeterValuePeriodic")
    assert run.station.version == "ocpp2.0.1"
    assert set(values(event)) == {
        "Power.Active.Import",
        "Power.Active.Export",
        "Energy.Active.Import.Register",
        "Energy.Active.Export.Register",
        "Voltage",
    }
    assert "NotifyEVChargingNeeds" not in run.central.names()
    variable = {"component": {"name": "V2XChargingCtrlr"}, "variable": {"name": "Enabled"}}
    answer = await run.central.call("GetVariables", {"getVariableData": [variable]})
    assert answer["getVariableResult"][0]["attributeStatus"] == "UnknownComponent"


async def test_the_sample_interval_can_be_set_and_nonsense_cannot(bench: Any) -> None:
    run = await bench()
    await run.transaction_id()

    def sampled(name: str, value: str) -> Json:
        component = {"name": "SampledDataCtrlr"}
        return {"component": component, "variable": {"name": name}, "attributeValue": value}

    answer = await run.central.call(
        "SetVariables",
        {
            "setVariableData": [
                sampled("TxUpdatedInterval", "0"),
                sampled("TxUpdatedMeasurands", "SoC,Nonsense"),
                sampled("Available", "false"),
            ]
        },
    )
    statuses = [result["attributeStatus"] for result in answer["setVariableResult"]]
    assert statuses == ["Accepted", "Rejected", "Rejected"]
    await asyncio.sleep(0.3)
    before = len(run.central.calls)
    await asyncio.sleep(0.5)
    assert "TransactionEvent" not in run.central.names()[before:]


async def test_the_base_report_comes_in_numbered_parts(bench: Any) -> None:
    run = await bench()
    await run.transaction_id()
    answer = await run.central.call(
        "GetBaseReport", {"requestId": 7, "reportBase": "FullInventory"}
    )
    assert answer == {"status": "Accepted"}
    await run.central.got("NotifyReport", tbc=False)
    reports = [payload for name, payload in run.central.calls if name == "NotifyReport"]
    assert [report["seqNo"] for report in reports] == list(range(len(reports)))
    entries = [entry for report in reports for entry in report["reportData"]]
    modes = next(e for e in entries if e["variable"]["name"] == "SupportedOperationModes")
    assert modes["component"] == {"name": "V2XChargingCtrlr", "evse": {"id": 1}}
    assert "CentralSetpoint" in modes["variableAttribute"][0]["value"]


async def test_an_unknown_action_is_not_implemented_and_a_bad_payload_a_violation(
    bench: Any,
) -> None:
    run = await bench()
    await run.transaction_id()
    assert (await run.central.frame("MakeCoffee", {}))[2] == "NotImplemented"
    assert (await run.central.frame("AFRRSignal", {"timestamp": "x", "signal": 1}))[2] == (
        "NotImplemented"
    )
    assert (await run.central.frame("SetChargingProfile", {"evseId": 1}))[2] == "FormatViolation"
    assert len(run.station.counts.protocol_errors) == 1


async def test_stop_and_start_from_afar(bench: Any) -> None:
    run = await bench()
    first = await run.transaction_id()
    start = {"remoteStartId": 5, "evseId": 1, "idToken": {"idToken": "APP", "type": "Central"}}
    assert (await run.central.call("RequestStartTransaction", start))["status"] == "Rejected"
    stop = {"transactionId": first}
    assert (await run.central.call("RequestStopTransaction", stop))["status"] == "Accepted"
    await run.central.got("TransactionEvent", eventType="Ended", triggerReason="RemoteStop")
    await run.until(lambda: run.world.outlets["S1"].power_w == 0.0)
    answer = await run.central.call("RequestStartTransaction", start)
    assert answer["status"] == "Accepted"
    started = await run.central.got("TransactionEvent", triggerReason="RemoteStart")
    assert started["transactionInfo"]["remoteStartId"] == 5
    assert started["transactionInfo"]["transactionId"] == answer["transactionId"] != first
