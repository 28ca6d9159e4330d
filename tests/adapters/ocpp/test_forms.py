"""How a model takes its profiles is learned by its refusals, and remembered with its firmware."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.adapters.ocpp.conftest import EVSE, Bench, Benches
from tests.adapters.ocpp.scripted_station import (
    NEEDS_BPT,
    Json,
    ScriptedStation,
    connector,
    station,
)
from v2g_daemon.adapters.ocpp import OcppVersion
from v2g_daemon.domain.ledger import StationEventKind
from v2g_daemon.domain.readings import OutcomeKind, PowerControl


async def boot(car: ScriptedStation, firmware: str | None = "1.0") -> None:
    about: Json = {"model": "M", "vendorName": "V", "serialNumber": "SIM-7"}
    if firmware is not None:
        about["firmwareVersion"] = firmware
    await car.call("BootNotification", {"chargingStation": about, "reason": "PowerUp"})
    await car.call("StatusNotification", connector("Available"))
    await car.asked("TriggerMessage")


async def session(car: ScriptedStation, *, tx: str = "tx-1", firmware: str = "1.0") -> None:
    await boot(car, firmware)
    await car.event("Started", "CablePluggedIn", evse={"id": 1}, tx=tx)
    await car.call("NotifyEVChargingNeeds", NEEDS_BPT)


def only(takes: Callable[[Json], bool], reason: str = "") -> Callable[[Json], Json]:
    """Refuses the leases that it does not take; the default always lies."""

    def answer(payload: Json) -> Json:
        profile = payload["chargingProfile"]
        if profile["id"] == 1010 or takes(profile):
            return {"status": "Accepted"}
        info = {"statusInfo": {"reasonCode": reason}} if reason else {}
        return {"status": "Rejected", **info}

    return answer


def unphased(profile: Json) -> bool:
    (schedule,) = profile["chargingSchedule"]
    return "numberPhases" not in schedule["chargingSchedulePeriod"][0]


async def test_a_restart_starts_on_the_rung_that_was_taken_and_new_firmware_anew(
    benches: Benches,
) -> None:
    async with benches() as bench:
        async with station(bench.central) as car:
            car.answers["SetChargingProfile"] = only(unphased, "NoPhaseForDC")
            await session(car)
            bench.setpoint(-3000.0)
            status = await bench.until(lambda s: s.outcome is not None)
            assert status.outcome is not None
            assert status.outcome.kind is OutcomeKind.APPLIED
            assert [unphased(one) for one in car.profiles()] == [False, True]
        journal = bench.journal
    for firmware, expected in (("1.0", [True]), ("2.0", [False])):
        async with benches(journal=journal) as bench, station(bench.central) as car:
            await session(car, tx=f"tx-{firmware}", firmware=firmware)
            bench.setpoint(-3000.0)
            await bench.until(lambda s: s.outcome is not None)
            assert [unphased(one) for one in car.profiles()] == expected


async def test_a_station_that_never_says_what_it_is_is_learned_anew_each_time(
    bench: Bench,
) -> None:
    async with station(bench.central) as car:
        car.answers["SetChargingProfile"] = only(unphased, "NoPhaseForDC")
        await boot(car, firmware=None)
        await car.event("Started", "CablePluggedIn", evse={"id": 1})
        await car.call("NotifyEVChargingNeeds", NEEDS_BPT)
        bench.setpoint(-3000.0)
        await bench.until(lambda s: s.outcome is not None)
        names = {one.name for one in bench.journal.order}
        assert "form of the lease, evse 1" not in names


async def test_refused_setpoints_are_not_remembered_over_a_restart(benches: Benches) -> None:
    def no_setpoint(profile: Json) -> bool:
        (schedule,) = profile["chargingSchedule"]
        return "setpoint" not in schedule["chargingSchedulePeriod"][0]

    async with benches() as bench:
        async with station(bench.central) as car:
            car.answers["SetChargingProfile"] = only(no_setpoint, "UnsupportedParam")
            await session(car)
            bench.setpoint(-3000.0)
            status = await bench.until(lambda s: s.outcome is not None)
            assert status.capability is not None
            assert status.capability.control is PowerControl.CHARGE_LIMIT
        journal = bench.journal
    async with benches(journal=journal) as bench, station(bench.central) as car:
        await session(car, tx="tx-2")
        assert bench.status.capability is not None
        assert bench.status.capability.control is PowerControl.SIGNED
        bench.setpoint(-3000.0)
        status = await bench.until(lambda s: s.outcome is not None)
        assert status.outcome is not None
        assert status.outcome.kind is OutcomeKind.APPLIED


async def test_without_a_reason_each_form_is_tried_once_and_then_not_for_a_minute(
    bench: Bench,
) -> None:
    async with station(bench.central, versions=("ocpp2.0.1",)) as car:
        car.answers["SetChargingProfile"] = only(lambda _: False)
        await boot(car)
        await car.event("Started", "CablePluggedIn", evse={"id": 1})
        bench.setpoint(3000.0)
        status = await bench.until(lambda s: s.outcome is not None)
        assert status.outcome is not None
        assert status.outcome.kind is OutcomeKind.REJECTED
        tried = car.of("SetChargingProfile")[1:]
        assert len(tried) == len({str(one) for one in tried}) == 9
        purposes = [one["chargingProfile"]["chargingProfilePurpose"] for one in tried]
        assert purposes[-1] == "ChargingStationMaxProfile"
        limits = [
            one["chargingProfile"]["chargingSchedule"][0]["chargingSchedulePeriod"][0]["limit"]
            for one in tried
        ]
        assert all(limit >= 0.0 for limit in limits)
        bench.clock.elapsed_s += 59.0
        bench.setpoint(3000.0)
        await asyncio.sleep(0.05)
        assert len(car.of("SetChargingProfile")) == 10
        bench.clock.elapsed_s += 2.0
        bench.setpoint(3000.0)
        await car.asked("SetChargingProfile", count=11)
        assert car.broken == []


async def test_a_form_that_does_not_surely_end_carries_no_more_than_is_safe(
    bench: Bench,
) -> None:
    async with station(bench.central, versions=("ocpp2.0.1",)) as car:
        car.answers["SetChargingProfile"] = only(
            lambda profile: profile["chargingProfileKind"] == "Relative", "UnsupportedKind"
        )
        await boot(car)
        await car.event("Started", "CablePluggedIn", evse={"id": 1})
        bench.setpoint(6000.0, lease_s=90)
        status = await bench.until(lambda s: s.outcome is not None)
        assert status.outcome is not None
        assert status.outcome.kind is OutcomeKind.APPLIED
        lease = car.profiles()[-1]
        (schedule,) = lease["chargingSchedule"]
        assert lease["chargingProfileKind"] == "Relative"
        assert schedule["chargingSchedulePeriod"][0]["limit"] == 2300.0  # not 6000 W
        assert "startSchedule" not in schedule


async def test_a_station_without_smart_charging_is_left_alone(bench: Bench) -> None:
    async with station(bench.central) as car:
        car.answers["SetChargingProfile"] = lambda _: {"error": "NotImplemented"}
        await session(car)
        assert bench.status.capability is not None
        assert bench.status.capability.control is PowerControl.NONE
        assert len(car.of("SetChargingProfile")) == 1


async def test_a_rate_limit_holds_back_what_is_not_safer(benches: Benches) -> None:
    dialect = replace(EVSE.dialect, wears_flash=True)
    evse = replace(EVSE, dialect=dialect)
    async with benches(evse=evse) as bench, station(bench.central, versions=("ocpp2.1",)) as car:
        car.device_model[("SmartChargingCtrlr", "UpdateRateLimit")] = "120"
        car.device_model[("SmartChargingCtrlr", "SupportsFeature")] = "false"
        await session(car)
        # An absolute lease of 90 s that may be written every two minutes would lapse between two.
        assert bench.status.capability is not None
        assert bench.status.capability.control is PowerControl.CHARGE_LIMIT
        bench.setpoint(3000.0, lease_s=1800)
        await bench.until(lambda s: s.outcome is not None)
        bench.clock.elapsed_s += 60.0
        bench.setpoint(4000.0, lease_s=1800)
        await asyncio.sleep(0.05)
        assert len(car.profiles()) == 1
        bench.setpoint(2000.0, lease_s=1800)  # safer: at once
        await bench.until(lambda s: s.outcome is not None and s.outcome.target_w == 2000.0)
        bench.clock.elapsed_s += 121.0
        bench.setpoint(4000.0, lease_s=1800)
        await bench.until(lambda s: s.outcome is not None and s.outcome.target_w == 4000.0)


async def test_rate_limit_exceeded_is_waited_out(bench: Bench) -> None:
    async with station(bench.central) as car:
        car.answers["SetChargingProfile"] = only(lambda _: False, "RateLimitExceeded")
        await session(car)
        bench.setpoint(-3000.0)
        await bench.until(lambda s: s.outcome is not None)
        assert len(car.profiles()) == 1  # no form is tried for it
        bench.clock.elapsed_s += 59.0
        bench.setpoint(-3000.0)
        await asyncio.sleep(0.05)
        assert len(car.profiles()) == 1
        bench.setpoint(-2000.0)
        await car.asked("SetChargingProfile", count=3)


async def test_needs_stated_anew_end_the_wait_after_a_refusal(bench: Bench) -> None:
    async with station(bench.central) as car:
        car.answers["SetChargingProfile"] = only(lambda _: False, "InvalidMessageSeq")
        await boot(car)
        await car.event("Started", "CablePluggedIn", evse={"id": 1})
        bench.clock.elapsed_s += 11.0  # past the time in which the needs are waited for
        bench.setpoint(2000.0)
        await bench.until(lambda s: s.outcome is not None)
        del car.answers["SetChargingProfile"]
        answer = await car.call("NotifyEVChargingNeeds", NEEDS_BPT)
        assert answer["status"] == "Accepted"  # a profile follows at once
        await car.asked("SetChargingProfile", count=3)


@pytest.mark.parametrize("scheduled", [True, False])
async def test_a_car_that_negotiates_each_change_is_raised_once_a_minute(
    bench: Bench, scheduled: bool
) -> None:
    mode = "ScheduledControl" if scheduled else "DynamicControl"
    needs: Json = {**NEEDS_BPT["chargingNeeds"], "controlMode": mode}
    async with station(bench.central) as car:
        await boot(car)
        await car.event("Started", "CablePluggedIn", evse={"id": 1})
        await car.call("NotifyEVChargingNeeds", {"evseId": 1, "chargingNeeds": needs})
        assert bench.status.capability is not None
        assert bench.status.capability.renegotiates is scheduled
        bench.setpoint(-2000.0)
        await bench.until(lambda s: s.outcome is not None)
        bench.clock.elapsed_s += 30.0
        bench.setpoint(-3000.0)
        await asyncio.sleep(0.05)
        assert len(car.of("UpdateDynamicSchedule")) == (0 if scheduled else 1)
        bench.clock.elapsed_s += 31.0
        bench.setpoint(-3000.0)
        await bench.until(lambda s: s.outcome is not None and s.outcome.target_w == -3000.0)
        bench.clock.elapsed_s += 1.0
        bench.setpoint(-1600.0)  # a decrease always passes
        await bench.until(lambda s: s.outcome is not None and s.outcome.target_w == -1600.0)


async def test_what_is_learned_stands_in_the_journal_under_one_name_per_layer(
    benches: Benches,
) -> None:
    versions = (OcppVersion.V2_0_1,)
    async with benches(versions=versions) as bench:
        async with station(bench.central, versions=("ocpp2.0.1",)) as car:
            car.answers["SetChargingProfile"] = only(
                lambda profile: profile["stackLevel"] == 0, "InvalidStackLevel"
            )
            await boot(car)
            await car.event("Started", "CablePluggedIn", evse={"id": 1})
            bench.setpoint(3000.0)
            await bench.until(lambda s: s.outcome is not None)
        kept = bench.journal.newest("S1", StationEventKind.LEARNED, "form of the lease, evse 1")
        assert kept is not None
        assert '"make": "V/M/1.0"' in kept.detail
        assert '\\"stack_level\\": 0' in kept.detail
