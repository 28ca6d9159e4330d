"""A whole V2G session in 2.1, and what the wire shows of it."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.adapters.ocpp.conftest import Bench
from tests.adapters.ocpp.scripted_station import (
    NEEDS_BPT,
    TOKEN,
    ScriptedStation,
    connector,
    sample,
    station,
)
from v2g_daemon.domain.power import PowerRange
from v2g_daemon.domain.readings import OutcomeKind, PowerControl, VehicleIdentity


async def plugged_in(car: ScriptedStation) -> None:
    await car.call("StatusNotification", connector("Occupied"))
    authorized = await car.call("Authorize", {"idToken": TOKEN})
    assert authorized["idTokenInfo"]["status"] == "Accepted"
    assert {"AC_BPT", "DC_BPT", "AC_three_phase"} <= set(authorized["allowedEnergyTransfer"])
    started = await car.event(
        "Started", "CablePluggedIn", evse={"id": 1, "connectorId": 1}, idToken=TOKEN
    )
    assert started == {"idTokenInfo": {"status": "Accepted"}}
    assert (await car.call("NotifyEVChargingNeeds", NEEDS_BPT))["status"] == "Processing"


async def test_a_v2g_session_from_plug_in_to_departure(bench: Bench) -> None:
    async with station(bench.central) as car:
        await car.configured()
        await plugged_in(car)
        status = await bench.until(
            lambda s: s.capability is not None and s.capability.power.lowest_w < 0
        )
        assert status.capability is not None
        assert status.capability.power == PowerRange(lowest_w=-5000.0, highest_w=7000.0)
        assert status.capability.min_discharge_w == 1500.0
        assert status.capability.control is PowerControl.SIGNED
        assert status.identity == VehicleIdentity(evccid="EVCC-1", id_token="TOKEN-1")
        assert (status.serial, status.session_id) == ("SIM-7", "S1:tx-1")

        bench.setpoint(-3000.0)
        status = await bench.until(lambda s: s.outcome is not None)
        assert status.outcome is not None
        assert (status.outcome.kind, status.outcome.target_w) == (OutcomeKind.APPLIED, -3000.0)
        (lease,) = car.profiles()
        assert lease == {
            "id": 1012,
            "stackLevel": 2,
            "chargingProfilePurpose": "TxProfile",
            "chargingProfileKind": "Dynamic",
            "transactionId": "tx-1",
            "maxOfflineDuration": 60,
            "invalidAfterOfflineDuration": True,
            "chargingSchedule": [
                {
                    "id": 1012,
                    "chargingRateUnit": "W",
                    "duration": 90,
                    "chargingSchedulePeriod": [
                        {
                            "startPeriod": 0,
                            "operationMode": "CentralSetpoint",
                            "setpoint": -3000.0,
                            "numberPhases": 1,
                        }
                    ],
                }
            ],
        }

        bench.setpoint(-2000.0)
        assert await car.asked("UpdateDynamicSchedule") == {
            "chargingProfileId": 1012,
            "scheduleUpdate": {"setpoint": -2000.0},
        }
        await car.event(
            "Updated",
            "MeterValuePeriodic",
            meterValue=[
                {
                    "timestamp": "2024-12-11T17:00:10Z",
                    "sampledValue": [
                        sample("Power.Active.Import", 0, "W"),
                        sample("Power.Active.Export", 2.0, "kW"),
                        sample("Energy.Active.Import.Register", 12.5, "kWh"),
                        sample("Energy.Active.Export.Register", 1250.25, "Wh"),
                        sample("SoC", 55.5, "Percent"),
                    ],
                }
            ],
        )
        status = bench.status
        assert (status.power_w, status.soc) == (-2000.0, 0.555)
        assert (status.charge_milliwh, status.discharge_milliwh) == (12_500_000, 1_250_250)
        assert status.power_observed_at == status.soc_observed_at == bench.clock.now()

        await car.event("Ended", "EVDeparted", info={"stoppedReason": "EVDisconnected"})
        assert not bench.status.plugged_in
        assert (bench.status.session_id, bench.status.power_w, bench.status.soc) == (
            None,
            0.0,
            None,
        )
        assert car.broken == []


async def test_the_safety_net_is_laid_before_anything_else_is_written(bench: Bench) -> None:
    async with station(bench.central) as car:
        await car.configured()
        (default,) = car.profiles("TxDefaultProfile")
        assert default == {
            "id": 1010,
            "stackLevel": 0,
            "chargingProfilePurpose": "TxDefaultProfile",
            "chargingProfileKind": "Absolute",
            "chargingSchedule": [
                {
                    "id": 1010,
                    "chargingRateUnit": "W",
                    "startSchedule": "2024-12-11T16:59:50.000Z",
                    "chargingSchedulePeriod": [
                        {
                            "startPeriod": 0,
                            "limit": 2300.0,
                            "operationMode": "ChargingOnly",
                            "numberPhases": 1,
                        }
                    ],
                }
            ],
        }
        written = [name for name, _ in car.received if name.startswith("Set")]
        assert written[0] == "SetChargingProfile"


async def test_a_setpoint_waits_for_a_transaction_and_then_names_it(bench: Bench) -> None:
    async with station(bench.central) as car:
        await car.configured()
        await car.call("StatusNotification", connector("Occupied"))
        bench.setpoint(3000.0)
        await car.call("Heartbeat", {})
        await asyncio.sleep(0.1)
        assert car.profiles("TxProfile") == []
        assert [one["chargingProfilePurpose"] for one in car.profiles("TxDefaultProfile")] == [
            "TxDefaultProfile"
        ]
        await car.event("Started", "CablePluggedIn", evse={"id": 1})
        await car.call("NotifyEVChargingNeeds", NEEDS_BPT)
        bench.setpoint(3000.0)
        await car.asked("SetChargingProfile", count=2)
        assert [one["transactionId"] for one in car.profiles("TxProfile")] == ["tx-1"]


async def test_only_settings_that_differ_are_written(bench: Bench) -> None:
    async with station(bench.central) as car:
        car.device_model[("SampledDataCtrlr", "TxUpdatedInterval")] = "5"
        await car.configured()
        written = {
            one["variable"]["name"]: one["attributeValue"]
            for call in car.of("SetVariables")
            for one in call["setVariableData"]
        }
        assert written == {
            "TxUpdatedMeasurands": "Power.Active.Import,Energy.Active.Import.Register,"
            "Power.Active.Export,Energy.Active.Export.Register,SoC"
        }


async def test_an_unchanged_target_is_sent_again_only_past_half_its_lease(bench: Bench) -> None:
    async with station(bench.central) as car:
        await car.configured()
        await plugged_in(car)
        bench.setpoint(-3000.0)
        await bench.until(lambda s: s.outcome is not None)
        for _ in range(44):
            bench.clock.elapsed_s += 1.0
            bench.setpoint(-3000.0)
            await asyncio.sleep(0)
        await asyncio.sleep(0.05)
        assert car.of("UpdateDynamicSchedule") == []
        bench.clock.elapsed_s += 2.0
        bench.setpoint(-3000.0)
        await car.asked("UpdateDynamicSchedule")
        assert len(car.profiles()) == 1


async def test_another_lease_length_installs_the_profile_anew(bench: Bench) -> None:
    async with station(bench.central) as car:
        await car.configured()
        await plugged_in(car)
        bench.setpoint(2000.0, lease_s=1800)
        await bench.until(lambda s: s.outcome is not None)
        bench.setpoint(-3000.0, lease_s=90)
        await bench.until(lambda s: s.outcome is not None and s.outcome.target_w == -3000.0)
        lengths = [one["chargingSchedule"][0]["duration"] for one in car.profiles()]
        assert lengths == [1800, 90]
        assert {one["id"] for one in car.profiles()} == {1012}


async def test_a_lease_longer_than_the_command_is_cut_though_the_target_stays(bench: Bench) -> None:
    async with station(bench.central) as car:
        await car.configured()
        await plugged_in(car)
        bench.setpoint(2000.0, lease_s=1800)
        await bench.until(lambda s: s.outcome is not None)
        bench.setpoint(2000.0, lease_s=90)
        await car.asked("SetChargingProfile", count=3)
        assert car.profiles()[-1]["chargingSchedule"][0]["duration"] == 90


async def test_a_command_that_expired_in_the_mailbox_is_not_sent(bench: Bench) -> None:
    async with station(bench.central) as car:
        await car.configured()
        bench.setpoint(-3000.0, lease_s=90)
        bench.clock.elapsed_s += 90.0
        await plugged_in(car)
        await asyncio.sleep(0.05)
        assert car.profiles() == []


async def test_zero_watts_is_a_setpoint_not_a_limit_and_never_a_clearing(bench: Bench) -> None:
    async with station(bench.central) as car:
        await car.configured()
        await plugged_in(car)
        bench.setpoint(0.0)
        await bench.until(lambda s: s.outcome is not None)
        period = car.profiles()[0]["chargingSchedule"][0]["chargingSchedulePeriod"][0]
        assert (period["operationMode"], period["setpoint"]) == ("CentralSetpoint", 0.0)
        assert car.of("ClearChargingProfile") == []


async def test_hands_off_lets_the_lease_run_out(bench: Bench) -> None:
    async with station(bench.central) as car:
        await car.configured()
        await plugged_in(car)
        bench.setpoint(-3000.0)
        await bench.until(lambda s: s.outcome is not None)
        sent = len(car.received)
        bench.clock.elapsed_s += 80.0
        bench.hands_off()
        await asyncio.sleep(0.05)
        assert [
            name for name, _ in car.received[sent:] if "Profile" in name or "Dynamic" in name
        ] == []


async def test_nothing_old_is_replayed_to_a_new_connection(bench: Bench) -> None:
    async with station(bench.central) as car:
        await car.configured()
        await plugged_in(car)
        bench.setpoint(-3000.0)
        await bench.until(lambda s: s.outcome is not None)
    await bench.until(lambda s: not s.connected)
    assert bench.status.soc_observed_at is None
    assert bench.status.session_id == "S1:tx-1"
    async with station(bench.central) as car:
        await car.asked("TriggerMessage")  # no boot: a mere reconnect
        await car.event("Updated", "MeterValuePeriodic")
        await car.asked("SetChargingProfile")
        await asyncio.sleep(0.05)
        assert car.profiles() == []
        assert bench.status.session_id == "S1:tx-1"
        bench.setpoint(-1500.0)
        await bench.until(lambda s: s.outcome is not None and s.outcome.target_w == -1500.0)
        assert car.profiles()[0]["chargingProfileKind"] == "Dynamic"
        assert car.broken == []


async def test_a_running_transaction_is_adopted_after_our_restart(bench: Bench) -> None:
    async with station(bench.central) as car:
        car.device_model[("ConnectedEV", "VehicleId")] = "EVCC-9"
        await car.asked("TriggerMessage")
        await car.event("Updated", "MeterValuePeriodic", tx="old-1")
        asked = await car.asked("NotifyAllowedEnergyTransfer")
        assert asked["transactionId"] == "old-1"
        assert "AC_BPT" in asked["allowedEnergyTransfer"]
        await car.call("NotifyEVChargingNeeds", NEEDS_BPT)
        status = bench.status
        assert (status.session_id, status.plugged_in_at_utc) == ("S1:old-1", None)
        assert status.identity == VehicleIdentity(evccid="EVCC-9", id_token=None)
        assert status.capability is not None
        assert status.capability.control is PowerControl.SIGNED


async def test_a_farewell_ends_a_discharge_and_the_socket_closes_with_1001(bench: Bench) -> None:
    async with station(bench.central) as car:
        await car.configured()
        await plugged_in(car)
        bench.setpoint(-3000.0)
        await bench.until(lambda s: s.outcome is not None)
        bench.serving.cancel()
        await asyncio.wait([bench.serving])
        last = car.profiles()[-1]
        assert (last["id"], last["chargingProfileKind"]) == (1012, "Absolute")
        assert last["chargingSchedule"][0]["chargingSchedulePeriod"][0]["limit"] == 0.0
        assert car.socket.close_code == 1001
        assert car.broken == []


async def test_an_ev_that_asks_for_charging_only_is_never_discharged(bench: Bench) -> None:
    async with station(bench.central) as car:
        await car.configured()
        await car.event("Started", "CablePluggedIn", evse={"id": 1})
        one_way = json.loads(json.dumps(NEEDS_BPT))
        one_way["chargingNeeds"]["requestedEnergyTransfer"] = "AC_three_phase"
        await car.call("NotifyEVChargingNeeds", one_way)
        assert bench.status.capability is not None
        assert bench.status.capability.power.lowest_w == 0.0
        bench.setpoint(-3000.0)
        await bench.until(lambda s: s.outcome is not None)
        assert bench.status.outcome is not None
        assert bench.status.outcome.kind is OutcomeKind.REJECTED
        period = car.profiles()[0]["chargingSchedule"][0]["chargingSchedulePeriod"][0]
        assert period["limit"] == 0.0


@pytest.mark.parametrize(
    ("device_model", "kind"),
    [({}, "Dynamic"), ({("SmartChargingCtrlr", "SupportsFeature"): "false"}, "Absolute")],
)
async def test_the_profile_kind_follows_what_the_station_offers(
    bench: Bench, device_model: dict[tuple[str, str], str], kind: str
) -> None:
    async with station(bench.central) as car:
        car.device_model |= device_model
        await car.configured()
        await plugged_in(car)
        bench.setpoint(-3000.0)
        await bench.until(lambda s: s.outcome is not None)
        assert car.profiles()[0]["chargingProfileKind"] == kind


async def test_a_setpoint_overtakes_the_settings_and_questions_that_wait(bench: Bench) -> None:
    async with station(bench.central) as car:
        car.answers["SetVariables"] = lambda _: None  # never answered: it takes its whole time-out
        await car.boot()
        await car.asked("SetVariables")
        await car.call("StatusNotification", connector("Occupied"))
        await car.event("Started", "CablePluggedIn", evse={"id": 1})
        await car.call("NotifyEVChargingNeeds", NEEDS_BPT)
        bench.setpoint(-3000.0)
        await bench.until(lambda status: status.outcome is not None)
        assert [one["chargingProfileKind"] for one in car.profiles()] == ["Dynamic"]
        await car.asked("GetVariables", count=1)
        names = [action for action, _ in car.received]
        after = names[names.index("SetVariables") + 1 :]
        assert after[0] == "SetChargingProfile"
