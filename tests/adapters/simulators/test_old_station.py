"""A simulated 1.6J station against a plain central system."""

from __future__ import annotations

from typing import Any

import pytest

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


def told(**period: Any) -> Json:
    """A limit in watts for the running transaction."""
    profile = limit(0.0)
    profile["csChargingProfiles"]["chargingSchedule"] = {
        "chargingRateUnit": "W",
        "chargingSchedulePeriod": [{"startPeriod": 0, "numberPhases": 3, **period}],
    }
    return profile


async def started(bench: Any, kind: str | None, **station: Any) -> Any:
    """An old station in a transaction, with a fault from the start or without."""
    faults = [] if kind is None else [{"device": "S1", "kind": kind}]
    run = await bench(station={**OLD, **station}, answers=ANSWERS, fault=faults)
    await run.central.got("MeterValues", transactionId=41)
    return run


async def units(run: Any) -> set[str]:
    sampled = await run.central.got("MeterValues", transactionId=41)
    return {one["unit"] for one in sampled["meterValue"][0]["sampledValue"] if "unit" in one}


async def heartbeat_key(run: Any) -> list[bool]:
    answer = await run.central.call("GetConfiguration", {"key": ["HeartbeatInterval"]})
    return ["value" in one for one in answer["configurationKey"]]


async def composite_s(run: Any) -> int:
    answer = await run.central.call("GetCompositeSchedule", {"connectorId": 1, "duration": 600})
    return int(answer["chargingSchedule"]["duration"])


async def negative_limit_answer(run: Any) -> Any:
    return (await run.central.frame("SetChargingProfile", told(limit=-4000.0)))[2]


async def negative_limit_w(run: Any) -> bool:
    """Whether a negative limit discharges."""
    await run.central.call("SetChargingProfile", told(limit=-4000.0))
    await run.until(lambda: abs(run.world.outlets["S1"].power_w) >= 4000.0)
    await run.until(lambda: run.world.outlets["S1"].power_w in {-4000.0, 7400.0})
    return bool(run.world.outlets["S1"].power_w < 0.0)


async def after_a_stop(run: Any) -> tuple[str, str]:
    await run.central.call("RemoteStopTransaction", {"transactionId": 41})
    await run.central.got("StopTransaction")
    status = await run.central.got("StatusNotification", status="Finishing")
    again = await run.central.call("RemoteStartTransaction", {"idTag": "APP", "connectorId": 1})
    return status["status"], again["status"]


OLD_CASES = {
    "kwh": (units, {"kWh", "kW", "V"}, {"Wh", "W", "V"}),
    "variables_without_value": (heartbeat_key, [False], [True]),
    "absurd_composite": (composite_s, 8_638_204_624_965, 600),
    "negative_limit_refused": (
        negative_limit_answer,
        "PropertyConstraintViolation",
        {"status": "Accepted"},
    ),
    "negative_limit_discharges": (negative_limit_w, True, False),
    "stuck_finishing": (after_a_stop, ("Finishing", "Rejected"), ("Finishing", "Accepted")),
}


@pytest.mark.parametrize("kind", OLD_CASES)
async def test_a_fault_has_its_words_in_1_6_too(bench: Any, kind: str) -> None:
    observe, shown, ordinary = OLD_CASES[kind]
    assert await observe(await started(bench, None)) == ordinary
    assert await observe(await started(bench, kind)) == shown
