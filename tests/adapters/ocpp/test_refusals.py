"""Stations that say no, half-understand, or start again; and the charge-only ones."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.adapters.ocpp.conftest import EVSE, Bench, Benches
from tests.adapters.ocpp.scripted_station import (
    NEEDS_BPT,
    Json,
    ScriptedStation,
    connector,
    sample,
    station,
)
from v2g_daemon.domain.faults import FaultCode
from v2g_daemon.domain.readings import OutcomeKind, PowerControl


def refusing(kinds: set[str], reason: str) -> Callable[[Json], Json]:
    """Answers SetChargingProfile with Rejected for those profile kinds."""

    def answer(payload: Json) -> Json:
        if payload["chargingProfile"]["chargingProfileKind"] not in kinds:
            return {"status": "Accepted"}
        if payload["chargingProfile"]["chargingProfilePurpose"] != "TxProfile":
            return {"status": "Accepted"}
        return {"status": "Rejected", "statusInfo": {"reasonCode": reason}}

    return answer


async def v2g_session(car: ScriptedStation) -> None:
    await car.configured()
    await car.event("Started", "CablePluggedIn", evse={"id": 1})
    await car.call("NotifyEVChargingNeeds", NEEDS_BPT)


async def test_a_station_without_dynamic_profiles_gets_the_next_form_at_once(bench: Bench) -> None:
    async with station(bench.central) as car:
        car.answers["SetChargingProfile"] = refusing({"Dynamic"}, "UnsupportedKind")
        await v2g_session(car)
        bench.setpoint(-3000.0)
        status = await bench.until(lambda s: s.outcome is not None)
        assert status.outcome is not None
        assert status.outcome.kind is OutcomeKind.APPLIED
        assert [one["chargingProfileKind"] for one in car.profiles()] == ["Dynamic", "Absolute"]
        bench.setpoint(-2500.0)
        await bench.until(lambda s: s.outcome is not None and s.outcome.target_w == -2500.0)
        assert car.profiles()[-1]["chargingProfileKind"] == "Absolute"
        assert car.of("UpdateDynamicSchedule") == []


async def test_a_station_that_takes_no_setpoint_at_all_loses_discharge_and_gets_zero(
    bench: Bench,
) -> None:
    async with station(bench.central) as car:

        def answer(payload: Json) -> Json:
            period = payload["chargingProfile"]["chargingSchedule"][0]["chargingSchedulePeriod"][0]
            if "setpoint" not in period:
                return {"status": "Accepted"}
            return {"status": "Rejected", "statusInfo": {"reasonCode": "UnsupportedParam"}}

        car.answers["SetChargingProfile"] = answer
        await v2g_session(car)
        bench.setpoint(-3000.0)
        status = await bench.until(lambda s: s.outcome is not None)
        assert status.outcome is not None
        assert status.outcome.kind is OutcomeKind.REJECTED
        assert status.capability is not None
        assert status.capability.control is PowerControl.CHARGE_LIMIT
        assert status.capability.power.lowest_w == 0.0
        last = car.profiles()[-1]["chargingSchedule"][0]["chargingSchedulePeriod"][0]
        assert (last["operationMode"], last["limit"]) == ("ChargingOnly", 0.0)


async def test_a_refusal_is_an_outcome_and_is_not_repeated_every_second(bench: Bench) -> None:
    async with station(bench.central) as car:
        car.answers["SetChargingProfile"] = refusing({"Dynamic"}, "TxNotFound")
        await v2g_session(car)
        bench.setpoint(-3000.0)
        status = await bench.until(lambda s: s.outcome is not None)
        assert status.outcome is not None
        assert (status.outcome.kind, status.outcome.detail) == (OutcomeKind.REJECTED, "TxNotFound")
        for _ in range(9):
            bench.clock.elapsed_s += 1.0
            bench.setpoint(-3000.0)
            await asyncio.sleep(0.005)
        assert len(car.profiles()) == 1
        bench.clock.elapsed_s += 1.0
        bench.setpoint(-3000.0)
        await car.asked("SetChargingProfile", count=3)


async def test_a_safer_value_does_not_wait_for_the_end_of_a_refusal(bench: Bench) -> None:
    async with station(bench.central) as car:
        car.answers["SetChargingProfile"] = refusing({"Dynamic"}, "TxNotFound")
        await v2g_session(car)
        bench.setpoint(-3000.0)
        await bench.until(lambda s: s.outcome is not None)
        bench.setpoint(0.0)
        await bench.until(lambda s: s.outcome is not None and s.outcome.target_w == 0.0)
        assert len(car.profiles()) == 2


@pytest.mark.parametrize(
    ("reason", "quiet_s"), [("TxNotFound", 9), ("", 59), ("RateLimitExceeded", 59)]
)
async def test_zero_is_not_repeated_every_second_either(
    bench: Bench, reason: str, quiet_s: int
) -> None:
    async with station(bench.central) as car:
        car.answers["SetChargingProfile"] = refusing({"Absolute", "Relative", "Dynamic"}, reason)
        await v2g_session(car)
        bench.setpoint(0.0)
        await bench.until(lambda s: s.outcome is not None)
        tried = len(car.of("SetChargingProfile"))
        for _ in range(quiet_s):
            bench.clock.elapsed_s += 1.0
            bench.setpoint(0.0)
            await asyncio.sleep(0.005)
        assert len(car.of("SetChargingProfile")) == tried
        bench.clock.elapsed_s += 1.0
        bench.setpoint(0.0)
        await car.asked("SetChargingProfile", count=tried + 1)


async def test_a_refused_update_is_followed_by_the_whole_profile(bench: Bench) -> None:
    async with station(bench.central) as car:
        car.answers["UpdateDynamicSchedule"] = lambda _: {"error": "NotImplemented"}
        await v2g_session(car)
        bench.setpoint(-3000.0)
        await bench.until(lambda s: s.outcome is not None)
        bench.setpoint(-2000.0)
        status = await bench.until(
            lambda s: s.outcome is not None and s.outcome.target_w == -2000.0
        )
        assert status.outcome is not None
        assert status.outcome.kind is OutcomeKind.APPLIED
        assert len(car.profiles()) == 2
        bench.setpoint(-1600.0)
        await bench.until(lambda s: s.outcome is not None and s.outcome.target_w == -1600.0)
        assert len(car.of("UpdateDynamicSchedule")) == 1


async def test_without_its_safety_net_a_station_is_not_discharged(bench: Bench) -> None:
    async with station(bench.central) as car:
        car.answers["SetChargingProfile"] = lambda _: {"error": "NotSupported"}
        await v2g_session(car)
        assert bench.status.capability is not None
        assert bench.status.capability.power.lowest_w == 0.0
        del car.answers["SetChargingProfile"]
        bench.clock.elapsed_s += 31.0
        bench.setpoint(0.0)
        await bench.until(lambda s: s.capability is not None and s.capability.power.lowest_w < 0.0)


async def test_a_foreign_default_profile_is_topped_not_fought(bench: Bench) -> None:
    async with station(bench.central) as car:

        def answer(payload: Json) -> Json:
            taken = payload["chargingProfile"]["stackLevel"] == 0
            if taken:
                return {"status": "Rejected", "statusInfo": {"reasonCode": "DuplicateProfile"}}
            return {"status": "Accepted"}

        car.answers["SetChargingProfile"] = answer
        await car.configured()
        assert [one["stackLevel"] for one in car.profiles("TxDefaultProfile")] == [0, 1]


async def test_a_station_that_boots_again_gets_its_profiles_again(bench: Bench) -> None:
    async with station(bench.central) as car:
        await v2g_session(car)
        bench.setpoint(-3000.0)
        await bench.until(lambda s: s.outcome is not None)
        await car.boot("Watchdog")
        await car.asked("SetChargingProfile", count=3)
        assert len(car.profiles("TxDefaultProfile")) == 2
        await car.event("Updated", "TxResumed")
        await asyncio.sleep(0.05)
        bench.setpoint(-3000.0)
        await car.asked("SetChargingProfile", count=4)
        assert len(car.profiles()) == 2


@pytest.mark.parametrize("version", ["ocpp2.1", "ocpp2.0.1"])
async def test_a_transaction_that_the_station_no_longer_knows_is_over(
    bench: Bench, version: str
) -> None:
    async with station(bench.central, versions=(version,)) as car:
        await car.configured()
        await car.event("Started", "CablePluggedIn", evse={"id": 1})
    async with station(bench.central, versions=(version,)) as car:
        car.answers["GetTransactionStatus"] = lambda _: {
            "messagesInQueue": False,
            "ongoingIndicator": False,
        }
        await car.boot()
        await bench.until(lambda s: s.session_id is None)
        assert not bench.status.plugged_in


@pytest.mark.parametrize(
    ("state", "said"),
    [("Faulted", "its outlet is faulted"), ("Unavailable", "its firmware is being updated")],
)
async def test_a_station_out_of_order_is_one_fault_and_commanded_no_more(
    bench: Bench, state: str, said: str
) -> None:
    async with station(bench.central) as car:
        await v2g_session(car)
        bench.setpoint(-3000.0)
        await bench.until(lambda s: s.outcome is not None)
        for _ in range(50):  # some say so all the time
            await car.call("StatusNotification", connector(state))
        await car.event("Ended", "AbnormalCondition", info={"stoppedReason": "GroundFault"})
        (fault,) = bench.status.faults
        assert fault.code is FaultCode.OUT_OF_ORDER
        assert said in fault.detail
        assert bench.status.power_w == 0.0
        asked = len(car.profiles())
        bench.clock.elapsed_s += 60.0
        bench.setpoint(-3000.0)
        await car.call("Heartbeat", {})
        await asyncio.sleep(0.1)
        assert len(car.profiles()) == asked
        await car.call("StatusNotification", connector("Occupied"))
        assert bench.status.faults == ()


async def test_a_station_that_knows_no_variables_is_still_driven(bench: Bench) -> None:
    async with station(bench.central) as car:
        car.answers["GetVariables"] = lambda _: {"error": "NotImplemented"}
        car.answers["TriggerMessage"] = lambda _: {"error": "NotImplemented"}
        await car.boot()
        await car.event("Started", "CablePluggedIn", evse={"id": 1})
        await car.asked("TriggerMessage")
        bench.setpoint(3000.0)
        status = await bench.until(lambda s: s.outcome is not None)
        assert status.outcome is not None
        assert status.outcome.kind is OutcomeKind.APPLIED
        assert car.profiles()[0]["chargingSchedule"][0]["chargingSchedulePeriod"] == [
            {"startPeriod": 0, "limit": 3000.0, "operationMode": "ChargingOnly", "numberPhases": 1}
        ]


async def test_a_batch_too_big_is_asked_for_one_by_one(bench: Bench) -> None:
    async with station(bench.central) as car:

        def answer(payload: Json) -> Json:
            if len(payload["getVariableData"]) > 1:
                return {"error": "OccurrenceConstraintViolation"}
            return car._usual("GetVariables", payload)

        car.answers["GetVariables"] = answer
        await v2g_session(car)
        assert bench.status.capability is not None
        assert bench.status.capability.control is PowerControl.SIGNED


async def test_a_refused_list_of_measurands_is_followed_by_shorter_ones(bench: Bench) -> None:
    async with station(bench.central) as car:

        def answer(payload: Json) -> Json:
            (data,) = payload["setVariableData"]
            refused = "SoC" in data["attributeValue"]
            found = {key: data[key] for key in ("component", "variable")}
            status = "Rejected" if refused else "Accepted"
            return {"setVariableResult": [{**found, "attributeStatus": status}]}

        car.answers["SetVariables"] = answer
        await car.configured()
        lists = [
            call["setVariableData"][0]["attributeValue"]
            for call in car.of("SetVariables")
            if call["setVariableData"][0]["variable"]["name"] == "TxUpdatedMeasurands"
        ]
        assert ["SoC" in one for one in lists] == [True, False]


async def test_a_station_that_stops_sampling_is_asked_for_meter_values(bench: Bench) -> None:
    async with station(bench.central) as car:
        await v2g_session(car)
        asked = len(car.of("TriggerMessage"))
        bench.clock.elapsed_s += 31.0
        bench.setpoint(0.0)
        message = await car.asked("TriggerMessage", count=asked + 1)
        assert message == {"requestedMessage": "MeterValues", "evse": {"id": 1}}


async def test_a_boot_that_never_comes_is_asked_for_once(bench: Bench) -> None:
    async with station(bench.central) as car:
        await car.asked("TriggerMessage", count=3)
        wanted = [one["requestedMessage"] for one in car.of("TriggerMessage")]
        assert wanted == ["BootNotification", "StatusNotification", "TransactionEvent"]
        assert bench.status.serial == "SIM-7"


async def test_an_untrusted_clock_keeps_the_station_pending_and_unconfigured(bench: Bench) -> None:
    bench.clock.is_trusted = False
    async with station(bench.central) as car:
        assert (await car.boot())["status"] == "Pending"
        await asyncio.sleep(0.5)
        assert car.received == []
        bench.clock.is_trusted = True
        assert (await car.boot())["status"] == "Accepted"
        await car.asked("SetChargingProfile")


async def test_a_2_0_1_station_is_charged_by_limits_and_never_below_zero(bench: Bench) -> None:
    async with station(bench.central, versions=("ocpp2.0.1",)) as car:
        await car.configured()
        started = await car.event("Started", "CablePluggedIn", evse={"id": 1})
        assert started == {}
        assert bench.status.capability is not None
        assert bench.status.capability.control is PowerControl.CHARGE_LIMIT
        bench.setpoint(3700.0, lease_s=60)
        await bench.until(lambda s: s.outcome is not None)
        (lease,) = car.profiles()
        assert lease["chargingSchedule"] == [
            {
                "id": 1012,
                "chargingRateUnit": "W",
                "startSchedule": "2024-12-11T16:59:50.000Z",
                "duration": 70,
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 3700.0, "numberPhases": 1}],
            }
        ]
        bench.setpoint(-3000.0)
        status = await bench.until(
            lambda s: s.outcome is not None and s.outcome.target_w == -3000.0
        )
        assert status.outcome is not None
        assert status.outcome.kind is OutcomeKind.REJECTED
        assert "cannot be told to discharge" in status.outcome.detail
        assert '"limit": -' not in json.dumps(car.received)
        assert car.broken == []


@pytest.mark.parametrize("version", ["ocpp2.1", "ocpp2.0.1"])
async def test_a_car_without_soc_is_a_normal_session(bench: Bench, version: str) -> None:
    async with station(bench.central, versions=(version,)) as car:
        await car.configured()
        await car.event("Started", "CablePluggedIn", evse={"id": 1})
        entry = {
            "timestamp": "2024-12-11T17:00:10Z",
            "sampledValue": [sample("Energy.Active.Import.Register", 3.5, "kWh")],
        }
        await car.call("MeterValues", {"evseId": 1, "meterValue": [entry]})
        assert (bench.status.soc, bench.status.charge_milliwh) == (None, 3_500_000)


@pytest.mark.parametrize("charge_only", [True, False])
async def test_a_charge_only_evse_is_offered_no_two_way_transfer(
    benches: Benches, charge_only: bool
) -> None:
    made = benches(evse=replace(EVSE, charge_only=charge_only))
    async with made as bench, station(bench.central) as car:
        token = {"idToken": {"idToken": "T", "type": "Central"}}
        answer = await car.call("Authorize", token)
        assert ("AC_BPT" in answer["allowedEnergyTransfer"]) is not charge_only


async def test_silence_beyond_three_heartbeats_ends_the_connection(
    benches: Benches, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("v2g_daemon.adapters.ocpp.server.SILENCE_GRACE_S", 0.2)
    async with benches(heartbeat_interval_s=0) as bench, station(bench.central) as car:
        await car.boot()
        async with asyncio.timeout(3):
            await car.socket.wait_closed()
        await bench.until(lambda s: not s.connected)


async def test_a_form_refused_late_is_followed_by_a_lease_that_much_shorter(bench: Bench) -> None:
    async with station(bench.central) as car:
        refuse = refusing({"Dynamic"}, "UnsupportedKind")

        def answer(payload: Json) -> Json:
            if payload["chargingProfile"]["chargingProfileKind"] == "Dynamic":
                bench.clock.elapsed_s += 20.0
            return refuse(payload)

        car.answers["SetChargingProfile"] = answer
        await v2g_session(car)
        bench.setpoint(-3000.0, lease_s=90.0)
        await bench.until(lambda s: s.outcome is not None)
        dynamic, absolute = (one["chargingSchedule"][0] for one in car.profiles())
        assert dynamic["duration"] == 90
        # The command still ends where it did; the ten seconds lie before the start.
        assert (absolute["startSchedule"], absolute["duration"]) == (
            "2024-12-11T17:00:10.000Z",
            80,
        )


async def test_a_command_that_expires_during_a_refusal_is_not_sent_in_another_form(
    bench: Bench,
) -> None:
    async with station(bench.central) as car:
        refuse = refusing({"Dynamic"}, "UnsupportedKind")

        def answer(payload: Json) -> Json:
            if payload["chargingProfile"]["chargingProfileKind"] == "Dynamic":
                bench.clock.elapsed_s += 90.0
            return refuse(payload)

        car.answers["SetChargingProfile"] = answer
        await v2g_session(car)
        bench.setpoint(-3000.0, lease_s=90.0)
        status = await bench.until(lambda s: s.outcome is not None)
        assert status.outcome is not None
        assert status.outcome.kind is OutcomeKind.REJECTED
        assert len(car.profiles()) == 1


async def test_the_next_form_carries_what_was_decided_meanwhile(bench: Bench) -> None:
    async with station(bench.central) as car:
        refuse = refusing({"Dynamic"}, "UnsupportedKind")

        def answer(payload: Json) -> Json:
            if payload["chargingProfile"]["chargingProfileKind"] == "Dynamic":
                bench.setpoint(0.0, lease_s=60.0)
            return refuse(payload)

        car.answers["SetChargingProfile"] = answer
        await v2g_session(car)
        bench.setpoint(-3000.0)
        status = await bench.until(lambda s: s.outcome is not None)
        assert status.outcome is not None
        assert (status.outcome.target_w, status.outcome.kind) == (0.0, OutcomeKind.APPLIED)
        schedules = [one["chargingSchedule"][0] for one in car.profiles()]
        told = [one["chargingSchedulePeriod"][0]["setpoint"] for one in schedules]
        assert told == [-3000.0, 0.0]
        assert schedules[-1]["duration"] == 70  # ten of them lie before the start


async def test_after_hands_off_no_other_form_of_the_last_setpoint_follows(bench: Bench) -> None:
    async with station(bench.central) as car:
        refuse = refusing({"Dynamic"}, "UnsupportedKind")

        def answer(payload: Json) -> Json:
            if payload["chargingProfile"]["chargingProfileKind"] == "Dynamic":
                bench.hands_off()
            return refuse(payload)

        car.answers["SetChargingProfile"] = answer
        await v2g_session(car)
        bench.setpoint(-3000.0)
        await bench.until(lambda s: s.outcome is not None)
        assert len(car.profiles()) == 1


async def test_after_the_farewell_no_other_form_of_the_discharge_follows(bench: Bench) -> None:
    async with station(bench.central) as car:
        refuse = refusing({"Dynamic"}, "UnsupportedKind")
        leaving = asyncio.Event()

        def answer(payload: Json) -> Json:
            if payload["chargingProfile"]["chargingProfileKind"] == "Dynamic" and (
                payload["chargingProfile"]["chargingProfilePurpose"] == "TxProfile"
            ):
                bench.serving.cancel()
                leaving.set()
            return refuse(payload)

        car.answers["SetChargingProfile"] = answer
        await v2g_session(car)
        bench.setpoint(-3000.0)
        await leaving.wait()
        await asyncio.wait([bench.serving])
        periods = [
            one["chargingSchedule"][0]["chargingSchedulePeriod"][0] for one in car.profiles()
        ]
        assert [one.get("setpoint") for one in periods] == [-3000.0, None]
        assert periods[-1]["limit"] == 0.0


async def test_where_no_discharge_is_permitted_no_signed_setpoint_goes_out(bench: Bench) -> None:
    async with station(bench.central) as car:
        await v2g_session(car)
        bench.setpoint(3000.0, lowest_w=0.0)
        await bench.until(lambda s: s.outcome is not None)
        period = car.profiles()[-1]["chargingSchedule"][0]["chargingSchedulePeriod"][0]
        assert (period["operationMode"], period["limit"]) == ("ChargingOnly", 3000.0)
        assert "setpoint" not in period


async def test_the_form_stays_signed_for_ten_minutes_after_discharge_was_permitted(
    bench: Bench,
) -> None:
    async with station(bench.central) as car:
        await v2g_session(car)
        bench.setpoint(-3000.0)
        await bench.until(lambda s: s.outcome is not None)
        bench.setpoint(3000.0, lowest_w=0.0)
        await bench.until(lambda s: s.outcome is not None and s.outcome.target_w == 3000.0)
        assert car.of("UpdateDynamicSchedule")[-1]["scheduleUpdate"] == {"setpoint": 3000.0}
        bench.clock.elapsed_s += 601.0
        bench.setpoint(2900.0, lowest_w=0.0)
        await bench.until(lambda s: s.outcome is not None and s.outcome.target_w == 2900.0)
        period = car.profiles()[-1]["chargingSchedule"][0]["chargingSchedulePeriod"][0]
        assert (period["operationMode"], period["limit"]) == ("ChargingOnly", 2900.0)
