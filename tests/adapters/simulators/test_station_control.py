"""Setpoints, leases, faults and reconnects of a simulated station over the wire."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from simulators.assembly import assemble
from simulators.control import FaultOrder, VehicleOrder
from simulators.station.connection import run_station
from tests.adapters.simulators.central import (
    Bench,
    Central,
    default_answers,
    listening,
    scenario_of,
)

Json = dict[str, Any]


def profile(
    period: Json, *, purpose: str = "TxProfile", kind: str = "Dynamic", **more: Any
) -> Json:
    """A profile with one period in W."""
    schedule: Json = {
        "id": 1,
        "chargingRateUnit": "W",
        "chargingSchedulePeriod": [{"startPeriod": 0, **period}],
        **more.pop("schedule", {}),
    }
    return {
        "id": 9,
        "stackLevel": 2,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": kind,
        "chargingSchedule": [schedule],
        **more,
    }


SAFE_DEFAULT = profile(
    {"limit": 2000.0},
    purpose="TxDefaultProfile",
    kind="Absolute",
    id=1,
    stackLevel=0,
    schedule={"startSchedule": "2024-01-01T00:00:00Z"},
)


def setpoint(power_w: float) -> Json:
    return {"operationMode": "CentralSetpoint", "setpoint": power_w}


async def test_a_negative_setpoint_discharges_and_an_update_is_followed(bench: Any) -> None:
    run = await bench()
    transaction_id = await run.transaction_id()
    answer = await run.set_profile(profile(setpoint(-5000.0), transactionId=transaction_id))
    assert answer == {"status": "Accepted"}
    outlet = run.world.outlets["S1"]
    await run.until(lambda: outlet.power_w == -5000.0)
    assert run.station.transaction.charging_state == "Charging"
    answer = await run.central.call(
        "UpdateDynamicSchedule", {"chargingProfileId": 9, "scheduleUpdate": {"setpoint": -3000.0}}
    )
    assert answer == {"status": "Accepted"}
    await run.until(lambda: outlet.power_w == -3000.0)
    composite = await run.central.call("GetCompositeSchedule", {"duration": 600, "evseId": 1})
    assert composite["schedule"]["chargingSchedulePeriod"] == [
        {
            "startPeriod": 0,
            "numberPhases": 3,
            "setpoint": -3000.0,
            "operationMode": "CentralSetpoint",
        }
    ]
    assert run.station.counts.protocol_errors == []


async def test_a_lease_that_is_not_renewed_falls_back_to_the_default_profile(bench: Any) -> None:
    run = await bench()
    transaction_id = await run.transaction_id()
    assert (await run.set_profile(SAFE_DEFAULT))["status"] == "Accepted"
    lease = profile(setpoint(-5000.0), transactionId=transaction_id, schedule={"duration": 20})
    assert (await run.set_profile(lease))["status"] == "Accepted"
    outlet = run.world.outlets["S1"]
    await run.until(lambda: outlet.power_w == -5000.0)
    await run.until(lambda: outlet.power_w == 2000.0)
    update = {"chargingProfileId": 9, "scheduleUpdate": {"setpoint": -4000.0}}
    assert (await run.central.call("UpdateDynamicSchedule", update))["status"] == "Accepted"
    await run.until(lambda: outlet.power_w == -4000.0)


async def test_a_profile_with_an_update_interval_is_pulled(bench: Any) -> None:
    pulled = {"status": "Accepted", "scheduleUpdate": {"setpoint": -2500.0}}
    run = await bench(answers={"PullDynamicScheduleUpdate": pulled})
    transaction_id = await run.transaction_id()
    lease = profile(setpoint(-5000.0), transactionId=transaction_id, dynUpdateInterval=5)
    assert (await run.set_profile(lease))["status"] == "Accepted"
    pull = await run.central.got("PullDynamicScheduleUpdate")
    assert pull == {"chargingProfileId": 9}
    await run.until(lambda: run.world.outlets["S1"].power_w == -2500.0)


async def test_clearing_every_profile_is_full_power_and_not_a_stop(bench: Any) -> None:
    run = await bench()
    transaction_id = await run.transaction_id()
    await run.set_profile(profile(setpoint(-5000.0), transactionId=transaction_id))
    outlet = run.world.outlets["S1"]
    await run.until(lambda: outlet.power_w == -5000.0)
    clear = {"chargingProfileId": 9}
    assert (await run.central.call("ClearChargingProfile", clear))["status"] == "Accepted"
    assert (await run.central.call("ClearChargingProfile", clear))["status"] == "Unknown"
    await run.until(lambda: outlet.power_w == 7400.0)


async def test_installed_profiles_are_reported_as_they_were_sent(bench: Any) -> None:
    run = await bench()
    await run.transaction_id()
    await run.set_profile(SAFE_DEFAULT)
    request = {"requestId": 3, "chargingProfile": {"chargingProfilePurpose": "TxDefaultProfile"}}
    assert (await run.central.call("GetChargingProfiles", request))["status"] == "Accepted"
    report = await run.central.got("ReportChargingProfiles", requestId=3)
    assert report["chargingProfile"] == [SAFE_DEFAULT]
    nothing = {"requestId": 4, "chargingProfile": {"stackLevel": 5}}
    assert (await run.central.call("GetChargingProfiles", nothing))["status"] == "NoProfiles"


@pytest.mark.parametrize(
    ("kind", "status", "power_w"),
    [
        ("rejects_profiles", "Rejected", 7400.0),
        ("accepts_and_ignores", "Accepted", 7400.0),
        ("sign_flip", "Accepted", 5000.0),
    ],
)
async def test_a_station_can_answer_one_thing_and_do_another(
    bench: Any, kind: str, status: str, power_w: float
) -> None:
    run = await bench(fault=[{"device": "S1", "kind": kind, "at_s": 10.0}])
    transaction_id = await run.transaction_id()
    await run.until(lambda: run.station.shows(kind))
    answer = await run.set_profile(profile(setpoint(-5000.0), transactionId=transaction_id))
    assert answer["status"] == status
    await run.until(lambda: run.world.outlets["S1"].power_w == power_w)


async def test_a_car_that_refuses_bidirectional_service_is_never_discharged(bench: Any) -> None:
    run = await bench(fault=[{"device": "S1", "kind": "needs_rejected"}])
    needs = await run.central.got("NotifyEVChargingNeeds")
    assert needs["chargingNeeds"]["requestedEnergyTransfer"] == "AC_three_phase"
    assert needs["chargingNeeds"]["availableEnergyTransfer"] == ["AC_three_phase"]
    transaction_id = await run.transaction_id()
    await run.set_profile(profile(setpoint(-5000.0), transactionId=transaction_id))
    await run.until(lambda: run.world.outlets["S1"].power_w == 0.0)
    await run.until(lambda: run.station.transaction.charging_state == "SuspendedEVSE")


async def test_a_silent_station_reads_but_does_not_answer(bench: Any) -> None:
    run = await bench()
    await run.transaction_id()
    run.assembly.control.set_fault(_order(kind="silent"))
    before = len(run.central.calls)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await run.central.call("GetTransactionStatus", {})
    await run.central.got("TransactionEvent", after=before)


async def test_a_black_hole_keeps_the_link_and_says_nothing_at_all(bench: Any) -> None:
    run = await bench()
    await run.transaction_id()
    run.assembly.control.set_fault(_order(kind="black_hole", for_s=12.0))
    await asyncio.sleep(0.3)
    before = len(run.central.calls)
    pong = await run.central.sockets[-1].ping()
    await asyncio.sleep(0.5)
    assert len(run.central.calls) == before
    assert not pong.done()
    async with asyncio.timeout(5.0):
        await pong
    await run.central.got("TransactionEvent", after=before)
    assert run.station.counts.connections == 1


async def test_a_dropped_link_leaves_the_transaction_running_on_its_profiles(bench: Any) -> None:
    run = await bench()
    transaction_id = await run.transaction_id()
    await run.set_profile(SAFE_DEFAULT)
    await run.set_profile(profile(setpoint(-5000.0), transactionId=transaction_id))
    outlet = run.world.outlets["S1"]
    await run.until(lambda: outlet.power_w == -5000.0)
    before = len(run.central.calls)
    run.assembly.control.set_fault(_order(kind="drop_link", for_s=5.0))
    await run.until(lambda: not run.station.online)
    assert outlet.power_w == -5000.0
    await run.until(lambda: bool(run.station.online))
    event = await run.central.got("TransactionEvent", after=before)
    assert event["transactionInfo"]["transactionId"] == transaction_id
    assert "BootNotification" not in run.central.names()[before:]


async def test_a_profile_for_online_times_only_ends_with_the_link(bench: Any) -> None:
    run = await bench()
    transaction_id = await run.transaction_id()
    await run.set_profile(SAFE_DEFAULT)
    lease = profile(setpoint(-5000.0), transactionId=transaction_id, maxOfflineDuration=0)
    await run.set_profile(lease)
    outlet = run.world.outlets["S1"]
    await run.until(lambda: outlet.power_w == -5000.0)
    run.assembly.control.set_fault(_order(kind="drop_link", for_s=15.0))
    await run.until(lambda: not run.station.online)
    await run.until(lambda: outlet.power_w == 2000.0)
    await run.until(lambda: outlet.power_w == -5000.0)
    assert run.station.online


async def test_a_reboot_loses_the_transaction_profiles_and_keeps_the_default(bench: Any) -> None:
    run = await bench()
    transaction_id = await run.transaction_id()
    await run.set_profile(SAFE_DEFAULT)
    await run.set_profile(profile(setpoint(-5000.0), transactionId=transaction_id))
    before = len(run.central.calls)
    assert (await run.central.call("Reset", {"type": "Immediate"}))["status"] == "Accepted"
    boot = await run.central.got("BootNotification", after=before)
    assert boot["reason"] == "RemoteReset"
    ended = await run.central.got("TransactionEvent", after=before, eventType="Ended")
    assert ended["transactionInfo"]["stoppedReason"] == "ImmediateReset"
    assert ended["offline"] is True
    started = await run.central.got("TransactionEvent", after=before, eventType="Started")
    assert started["transactionInfo"]["transactionId"] != transaction_id
    assert sorted(run.station.store.installed) == [1]
    await run.until(lambda: run.world.outlets["S1"].power_w == 2000.0)


async def test_a_reboot_by_itself_starts_a_new_transaction(bench: Any) -> None:
    run = await bench()
    first = await run.transaction_id()
    before = len(run.central.calls)
    run.assembly.control.set_fault(_order(kind="reboot"))
    boot = await run.central.got("BootNotification", after=before)
    assert boot["reason"] == "PowerUp"
    ended = await run.central.got("TransactionEvent", after=before, eventType="Ended")
    assert ended["transactionInfo"]["transactionId"] == first
    assert ended["transactionInfo"]["stoppedReason"] == "Reboot"
    await run.central.got("TransactionEvent", after=before, eventType="Started")
    assert run.station.counts.boots == 2


async def test_without_soc_every_other_measurand_still_comes(bench: Any) -> None:
    run = await bench(fault=[{"device": "S1", "kind": "no_soc"}])
    event = await run.central.got("TransactionEvent", triggerReason="MeterValuePeriodic")
    names = [one["measurand"] for one in event["meterValue"][0]["sampledValue"]]
    assert "SoC" not in names
    assert "Energy.Active.Export.Register" in names


async def test_a_new_car_is_a_new_transaction_with_its_own_token(bench: Any) -> None:
    run = await bench()
    first = await run.transaction_id()
    order = _vehicle_order(action="arrive", soc=0.12, evccid="GUEST-EVCC", id_token="GUEST")
    before = len(run.central.calls)
    run.assembly.control.move_vehicle(order)
    authorize = await run.central.got("Authorize", after=before)
    assert authorize["idToken"]["idToken"] == "GUEST"
    started = await run.central.got("TransactionEvent", after=before, eventType="Started")
    assert started["transactionInfo"]["transactionId"] != first
    soc = [v for v in started["meterValue"][0]["sampledValue"] if v["measurand"] == "SoC"]
    assert soc[0]["value"] == 12.0


async def test_without_any_central_system_the_car_charges_after_a_while() -> None:
    central = Central(answers=default_answers())
    async with listening(central, ["ocpp2.1"]):
        port = central.port
    scenario = scenario_of(port, clock={"start": "2024-12-11T17:30:00+01:00", "speed": 100.0})
    assembly = assemble(scenario, Path())
    station = assembly.stations[0]
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(run_station(station))
        alone = Bench(central=central, assembly=assembly)
        await alone.until(lambda: assembly.world.outlets["S1"].power_w == 7400.0)
        assert not station.online
        async with listening(central, ["ocpp2.1"], port):
            started = await central.got("TransactionEvent", eventType="Started")
            assert started["offline"] is True
            running.cancel()


def _order(**fields: Any) -> FaultOrder:
    return FaultOrder(device="S1", **fields)


def _vehicle_order(**fields: Any) -> VehicleOrder:
    return VehicleOrder(**fields)
