"""A simulated 1.6J station against a plain central system."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
OLD: Json = {"versions": ["ocpp1.6"]}
INFO: Json = {"idTagInfo": {"status": "Accepted"}}
ANSWERS: dict[str, Json] = {
    "StartTransaction": {"transactionId": 41, **INFO},
    "StopTransaction": {},
    "StatusNotification": {},
    "MeterValues": {},
    "SecurityEventNotification": {},
}


def limit(rate_a: float, **more: Any) -> Json:
    """A SetChargingProfile of 1.6 in amperes."""
    return {
        "connectorId": 1,
        "csChargingProfiles": {
            "chargingProfileId": 7,
            "stackLevel": 1,
            "chargingProfilePurpose": "TxProfile",
            "chargingProfileKind": "Relative",
            "transactionId": 41,
            "chargingSchedule": {
                "chargingRateUnit": "A",
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": rate_a, "numberPhases": 1}],
            },
            **more,
        },
    }


async def test_it_starts_measures_and_stops_in_the_words_of_1_6(bench: Any) -> None:
    run = await bench(station=OLD, answers=ANSWERS)
    boot = await run.central.got("BootNotification")
    assert boot["chargePointSerialNumber"] != ""
    started = await run.central.got("StartTransaction")
    assert (started["connectorId"], started["idTag"]) == (1, "SIMTOKEN0001")
    sampled = await run.central.got("MeterValues", transactionId=41)
    values = {one["measurand"]: one for one in sampled["meterValue"][0]["sampledValue"]}
    assert isinstance(values["Power.Active.Import"]["value"], str)
    run.world.unplug(run.world.vehicles["car"])
    stopped = await run.central.got("StopTransaction")
    assert (stopped["transactionId"], stopped["reason"]) == (41, "EVDisconnected")


async def test_a_limit_in_amperes_is_obeyed_and_read_back(bench: Any) -> None:
    run = await bench(station=OLD, answers=ANSWERS)
    await run.central.got("MeterValues", transactionId=41)
    assert await run.central.call("SetChargingProfile", limit(13.7)) == {"status": "Accepted"}
    await run.until(lambda: abs(run.world.outlets["S1"].power_w - 13.7 * 230.0) < 1.0)
    changed = await run.central.call(
        "ChangeConfiguration", {"key": "MeterValueSampleInterval", "value": "7"}
    )
    assert changed == {"status": "Accepted"}
    asked = {"key": ["MeterValueSampleInterval", "NoSuchKey"]}
    told = await run.central.call("GetConfiguration", asked)
    assert [one["value"] for one in told["configurationKey"]] == ["7"]
    assert told["unknownKey"] == ["NoSuchKey"]


async def test_a_limit_for_another_transaction_is_refused(bench: Any) -> None:
    run = await bench(station=OLD, answers=ANSWERS)
    await run.central.got("MeterValues", transactionId=41)
    answer = await run.central.call("SetChargingProfile", limit(10.0, transactionId=40))
    assert answer == {"status": "Rejected"}
