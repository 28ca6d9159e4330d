"""Before 2.1 a discharge is told only in words that a guided test has proved on this device."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from dataclasses import replace

import pytest

from tests.adapters.ocpp.conftest import EVSE, Bench, Benches
from tests.adapters.ocpp.scripted_station import Json, MemoryJournal, ScriptedStation, station
from tests.adapters.ocpp.test_forms import boot
from tests.adapters.ocpp.test_v16_station import VERSIONS, OldStation, old_station
from v2g_daemon.adapters.ocpp import EvseConfig
from v2g_daemon.adapters.ocpp.config import ProfileDialect, VendorPower
from v2g_daemon.adapters.ocpp.smart_charging.profiles import START_AGO_S
from v2g_daemon.domain.ledger import StationEventKind
from v2g_daemon.domain.readings import OutcomeKind, PowerControl

BY_LIMIT = replace(EVSE, dialect=ProfileDialect(negative_limit=True))
BY_VENDOR = replace(
    EVSE,
    dialect=ProfileDialect(
        vendor_power=VendorPower(
            vendor_id="com.example",
            message_id="SetPower",
            data='{"power": {power_w}, "seconds": {duration_s}}',
        )
    ),
)


def of_2_0_1(bench: Bench) -> AbstractAsyncContextManager[ScriptedStation]:
    return station(bench.central, versions=("ocpp2.0.1",))


async def plugged_in(car: ScriptedStation, *, tx: str = "tx-1", firmware: str = "1.0") -> None:
    await boot(car, firmware)
    await car.settled()
    await car.event("Started", "CablePluggedIn", evse={"id": 1}, tx=tx)


def limits(car: ScriptedStation) -> list[float]:
    """Of each lease, oldest first."""
    return [
        one["chargingSchedule"][0]["chargingSchedulePeriod"][0]["limit"] for one in car.profiles()
    ]


async def proved(benches: Benches, evse: EvseConfig = BY_LIMIT) -> MemoryJournal:
    """The journal of a house in which a guided test has passed."""
    async with benches(evse=evse) as bench, of_2_0_1(bench) as car:
        await plugged_in(car)
        bench.central.probes().probed("garage", passed=True, detail="as told")
        return bench.journal


async def test_without_a_test_a_discharge_is_told_as_no_charge(benches: Benches) -> None:
    async with benches(evse=BY_LIMIT) as bench, of_2_0_1(bench) as car:
        await plugged_in(car)
        status = await bench.until(lambda s: s.capability is not None)
        assert status.capability is not None
        assert status.capability.control is PowerControl.CHARGE_LIMIT
        assert status.capability.untried_discharge_w == 7400.0
        bench.setpoint(-3000.0)
        status = await bench.until(lambda s: s.outcome is not None)
        assert status.outcome is not None
        assert status.outcome.kind is OutcomeKind.REJECTED
        assert limits(car) == [0.0]


async def test_a_probe_sends_a_short_negative_limit_and_then_none(benches: Benches) -> None:
    async with benches(evse=BY_LIMIT) as bench, of_2_0_1(bench) as car:
        await plugged_in(car)
        bench.setpoint(-1400.0, lease_s=15.0, probe=True)
        await bench.until(lambda s: s.outcome is not None)
        bench.setpoint(0.0, lease_s=15.0, probe=True)
        await car.asked("SetChargingProfile", count=3)
        bench.setpoint(-1400.0)
        await bench.until(lambda s: s.outcome is not None and s.outcome.target_w == -1400.0)
        assert limits(car) == [-1400.0, 0.0]
        (schedule,) = car.profiles()[0]["chargingSchedule"]
        assert schedule["duration"] == START_AGO_S + 15
        assert car.broken == []


async def test_a_probe_of_an_unanswering_station_fails_within_seconds(benches: Benches) -> None:
    async with benches(evse=BY_LIMIT, call_timeout_s=60.0) as bench, of_2_0_1(bench) as car:
        await plugged_in(car)
        car.answers["SetChargingProfile"] = lambda _: None
        bench.setpoint(-1400.0, lease_s=15.0, probe=True)
        status = await bench.until(lambda s: s.outcome is not None)
        assert status.outcome is not None
        assert status.outcome.kind is OutcomeKind.TIMED_OUT


async def test_a_refused_probe_is_told_in_no_other_form(benches: Benches) -> None:
    async with benches(evse=BY_LIMIT) as bench, of_2_0_1(bench) as car:
        await plugged_in(car)
        car.answers["SetChargingProfile"] = lambda _: {
            "status": "Rejected",
            "statusInfo": {"reasonCode": "InvalidValue"},
        }
        bench.setpoint(-1400.0, lease_s=15.0, probe=True)
        status = await bench.until(lambda s: s.outcome is not None)
        assert status.outcome is not None
        assert status.outcome.kind is OutcomeKind.REJECTED
        assert limits(car) == [-1400.0]


async def test_what_passed_is_offered_after_a_restart_above_the_net(benches: Benches) -> None:
    journal = await proved(benches)
    async with benches(evse=BY_LIMIT, journal=journal) as bench, of_2_0_1(bench) as car:
        await plugged_in(car, tx="tx-2")
        status = await bench.until(
            lambda s: s.capability is not None and s.capability.control is PowerControl.SIGNED
        )
        assert status.capability is not None
        assert status.capability.power.lowest_w == -7400.0
        bench.setpoint(-3000.0)
        await bench.until(lambda s: s.outcome is not None)
        bench.setpoint(2000.0)
        await bench.until(lambda s: s.outcome is not None and s.outcome.target_w == 2000.0)
        assert limits(car) == [-3000.0, 2000.0]
        (schedule,) = car.profiles()[0]["chargingSchedule"]
        assert schedule["duration"] == START_AGO_S + 90
        assert len(car.profiles("TxDefaultProfile")) == 1
        assert car.broken == []


@pytest.mark.parametrize(
    ("firmware", "serial", "evse"),
    [("2.0", "SIM-7", BY_LIMIT), ("1.0", "SIM-8", BY_LIMIT), ("1.0", "SIM-7", EVSE)],
    ids=["another firmware", "another device", "no longer asked for"],
)
async def test_a_proof_holds_for_nothing_else(
    benches: Benches, firmware: str, serial: str, evse: EvseConfig
) -> None:
    journal = await proved(benches)
    async with benches(evse=evse, journal=journal) as bench, of_2_0_1(bench) as car:
        about: Json = {"model": "M", "vendorName": "V", "serialNumber": serial}
        told = {"chargingStation": {**about, "firmwareVersion": firmware}, "reason": "PowerUp"}
        await car.call("BootNotification", told)
        await car.settled()
        await car.event("Started", "CablePluggedIn", evse={"id": 1}, tx="tx-2")
        bench.setpoint(-3000.0)
        await bench.until(lambda s: s.outcome is not None)
        assert limits(car) == [0.0]


async def test_a_proof_of_limits_is_none_of_a_vendors_words(benches: Benches) -> None:
    journal = await proved(benches)
    async with benches(evse=BY_VENDOR, journal=journal) as bench, of_2_0_1(bench) as car:
        await plugged_in(car, tx="tx-2")
        bench.setpoint(-3000.0)
        await bench.until(lambda s: s.outcome is not None)
        assert car.of("DataTransfer") == []
        assert limits(car) == [0.0]


async def test_a_failed_test_is_recorded_and_takes_the_offer_back(benches: Benches) -> None:
    journal = await proved(benches)
    async with benches(evse=BY_LIMIT, journal=journal) as bench, of_2_0_1(bench) as car:
        await plugged_in(car, tx="tx-2")
        bench.central.probes().probed("garage", passed=False, detail="it charged")
        assert bench.status.capability is not None
        assert bench.status.capability.control is PowerControl.CHARGE_LIMIT
        kept = bench.journal.newest("S1", StationEventKind.PROBE, "discharge, evse 1")
        assert kept is not None
        assert '"passed": false' in kept.detail
        assert "it charged" in kept.detail


async def test_a_proved_way_that_is_refused_is_none_until_the_station_starts_anew(
    benches: Benches,
) -> None:
    journal = await proved(benches)
    async with benches(evse=BY_LIMIT, journal=journal) as bench, of_2_0_1(bench) as car:
        await plugged_in(car, tx="tx-2")
        car.answers["SetChargingProfile"] = refuses_negative
        bench.setpoint(-3000.0)
        status = await bench.until(lambda s: s.outcome is not None)
        assert status.capability is not None
        assert status.capability.control is PowerControl.CHARGE_LIMIT
        del car.answers["SetChargingProfile"]
        await boot(car)
        await bench.until(
            lambda s: s.capability is not None and s.capability.control is PowerControl.SIGNED
        )


def refuses_negative(payload: Json) -> Json:
    (schedule,) = payload["chargingProfile"]["chargingSchedule"]
    negative = schedule["chargingSchedulePeriod"][0].get("limit", 0.0) < 0.0
    return {"status": "Rejected" if negative else "Accepted"}


async def test_a_vendors_words_carry_power_and_end_and_the_farewell(benches: Benches) -> None:
    journal = await proved(benches, BY_VENDOR)
    async with benches(evse=BY_VENDOR, journal=journal) as bench, of_2_0_1(bench) as car:
        await plugged_in(car, tx="tx-2")
        bench.setpoint(-3000.0)
        assert await car.asked("DataTransfer") == {
            "vendorId": "com.example",
            "messageId": "SetPower",
            "data": '{"power": -3000, "seconds": 90}',
        }
        await bench.until(lambda s: s.outcome is not None)
        bench.serving.cancel()
        farewell = await car.asked("DataTransfer", count=2)
        assert farewell["data"].startswith('{"power": 0, ')
        assert car.profiles() == []  # it would contradict the vendor's words
        assert car.broken == []


async def old_boot(car: OldStation) -> None:
    told = {
        "chargePointVendor": "V",
        "chargePointModel": "M",
        "chargePointSerialNumber": "S-9",
        "firmwareVersion": "1.0",
    }
    await car.call("BootNotification", told)
    await car.status("Available")
    await car.until_asked("GetCompositeSchedule")


@pytest.mark.parametrize("evse", [BY_LIMIT, BY_VENDOR], ids=["limit", "vendor"])
async def test_a_1_6_station_is_told_a_discharge_once_it_is_proved(
    benches: Benches, evse: EvseConfig
) -> None:
    async with benches(evse=evse, versions=VERSIONS) as bench, old_station(bench) as car:
        await old_boot(car)
        bench.central.probes().probed("garage", passed=True, detail="as told")
        await car.start()
        bench.setpoint(-2300.0)
        await bench.until(lambda s: s.outcome is not None)
        if evse is BY_VENDOR:
            (told,) = car.of("DataTransfer")
            assert told["data"] == '{"power": -2300, "seconds": 90}'
            return
        lease = car.of("SetChargingProfile")[-1]["csChargingProfiles"]
        assert lease["chargingProfilePurpose"] == "TxProfile"
        assert lease["chargingSchedule"]["duration"] == START_AGO_S + 90
        assert lease["chargingSchedule"]["chargingSchedulePeriod"][0]["limit"] == -10.0


async def test_where_setpoints_are_taken_nothing_else_is_tried(benches: Benches) -> None:
    async with benches(evse=BY_LIMIT) as bench, station(bench.central) as car:
        await boot(car)
        await car.settled()
        said = bench.central.probes().untestable("garage")
        assert said is not None
        assert "takes setpoints" in said


async def test_a_test_needs_a_way_a_name_and_a_net(benches: Benches) -> None:
    async with benches() as bench, of_2_0_1(bench) as car:
        await boot(car)
        await car.settled()
        assert "names no way to try" in str(bench.central.probes().untestable("garage"))
    async with benches(evse=BY_LIMIT) as bench, of_2_0_1(bench) as car:
        await boot(car, firmware=None)
        await car.settled()
        assert "does not say its vendor" in str(bench.central.probes().untestable("garage"))
    async with benches(evse=BY_LIMIT) as bench, of_2_0_1(bench) as car:
        car.answers["SetChargingProfile"] = lambda _: {"status": "Rejected"}
        await boot(car)
        await car.settled()
        await asyncio.sleep(0)
        assert "nothing would end the test" in str(bench.central.probes().untestable("garage"))
    async with benches(evse=BY_LIMIT) as bench, of_2_0_1(bench) as car:
        await boot(car)
        await car.settled()
        assert bench.central.probes().untestable("garage") is None
        assert bench.central.probes().evse_of("S1") == "garage"
        assert bench.central.probes().evse_of("yard") is None
