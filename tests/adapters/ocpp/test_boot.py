"""The first minute with a station: boot, device model, settings, and whoever else limits it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from tests.adapters.ocpp.conftest import EVSE, Bench, Benches
from tests.adapters.ocpp.scripted_station import (
    NEEDS_BPT,
    Json,
    ScriptedStation,
    connector,
    station,
)
from v2g_daemon.domain.faults import FaultCode
from v2g_daemon.domain.ledger import StationEventKind
from v2g_daemon.domain.readings import EvseStatus

INVENTORY = ("SampledDataCtrlr", "TxUpdatedInterval"), ("TxCtrlr", "TxStopPoint")


def fault(status: EvseStatus, code: FaultCode) -> str | None:
    """The detail of a fault, if the EVSE has it."""
    return next((one.detail for one in status.faults if one.code is code), None)


def reporting(car: ScriptedStation, *parts: list[tuple[str, str]], ended: bool = True) -> None:
    """The station sends its inventory in such parts after it was asked."""

    async def send(request_id: int) -> None:
        for number, names in enumerate(parts):
            data = [
                {
                    "component": {"name": component},
                    "variable": {"name": name},
                    "variableAttribute": [{"value": "60", "mutability": "ReadOnly"}],
                }
                for component, name in names
            ]
            report = {
                "requestId": request_id,
                "generatedAt": "2024-12-11T17:00:00Z",
                "seqNo": number,
                "tbc": number < len(parts) - 1 or not ended,
                "reportData": data,
            }
            await car.call("NotifyReport", report)

    sending: list[asyncio.Task[None]] = []

    def answer(payload: Json) -> Json:
        sending.append(asyncio.create_task(send(payload["requestId"])))
        return {"status": "Accepted"}

    car.answers["GetBaseReport"] = answer


def written(car: ScriptedStation) -> dict[str, str]:
    return {
        one["variable"]["name"]: one["attributeValue"]
        for call in car.of("SetVariables")
        for one in call["setVariableData"]
    }


async def test_the_inventory_is_read_once_per_firmware_and_outlives_a_restart(
    benches: Benches,
) -> None:
    async with benches() as bench:
        async with station(bench.central) as car:
            reporting(car, [INVENTORY[0]], [INVENTORY[1]])
            await car.configured()
            asked = car.of("GetBaseReport")
            assert [one["reportBase"] for one in asked] == ["FullInventory"]
            # It says that the interval is read-only, so it is not written.
            assert "TxUpdatedInterval" not in written(car)
        async with station(bench.central) as car:
            await car.configured()
            assert car.of("GetBaseReport") == []
    async with benches(journal=bench.journal) as again:
        async with station(again.central) as car:
            await car.settled()  # no boot: the make is known from before
            assert car.of("GetBaseReport") == []
            assert "TxUpdatedInterval" not in written(car)
        async with station(again.central) as car:
            newer = {"model": "M", "vendorName": "V", "firmwareVersion": "2"}
            await car.call("BootNotification", {"chargingStation": newer, "reason": "PowerUp"})
            await car.asked("GetBaseReport")


async def test_an_inventory_that_never_ends_is_used_and_tried_once_more_only(bench: Bench) -> None:
    for attempt in range(3):
        async with station(bench.central) as car:
            reporting(car, [INVENTORY[0]], ended=False)
            await car.configured()
            assert len(car.of("GetBaseReport")) == (1 if attempt < 2 else 0)
            assert "TxUpdatedInterval" not in written(car)


async def test_what_a_setting_will_not_do_is_a_fault_with_the_next_step(bench: Bench) -> None:
    async with station(bench.central) as car:
        car.answers["SetVariables"] = lambda payload: {
            "setVariableResult": [
                {**{key: one[key] for key in ("component", "variable")}, "attributeStatus": status}
                for one in payload["setVariableData"]
                for status in ["RebootRequired"]
            ]
        }
        await car.configured()
        said = fault(bench.status, FaultCode.STATION_SETTING)
        assert said is not None
        assert "SampledDataCtrlr.TxUpdatedInterval = 60 (waits for the station's restart)" in said
        assert said.endswith("set it at the station itself, and restart it")
        car.device_model[("SampledDataCtrlr", "TxUpdatedInterval")] = "5"
        await car.boot()
        await bench.until(lambda s: fault(s, FaultCode.STATION_SETTING) is None)


async def test_a_charger_that_loses_its_settings_gets_them_again_at_each_connection(
    bench: Bench,
) -> None:
    for _ in range(2):
        async with station(bench.central) as car:
            await car.settled()  # a mere reconnect as well
            assert written(car)["TxUpdatedInterval"] == "5"


@pytest.mark.parametrize(("enable_v2x", "said"), [(False, True), (True, False)])
async def test_v2x_is_switched_on_with_the_owners_consent_and_else_named(
    benches: Benches, enable_v2x: bool, said: bool
) -> None:
    async with benches(enable_v2x=enable_v2x) as bench, station(bench.central) as car:
        car.device_model[("V2XChargingCtrlr", "Enabled")] = "false"
        await car.configured()
        assert (written(car).get("Enabled") == "true") is enable_v2x
        detail = fault(bench.status, FaultCode.STATION_SETTING)
        # Written, it still stood at false when it was read; the next reading tells.
        assert (detail is not None and "charger.enable_v2x = true" in detail) is said


async def test_a_make_that_is_known_is_not_asked_to_boot(benches: Benches) -> None:
    async with benches() as bench:
        async with station(bench.central) as car:
            await car.configured()
        async with station(bench.central) as car:
            await car.settled()
            assert {"requestedMessage": "BootNotification"} not in car.of("TriggerMessage")


async def test_a_link_that_dies_of_the_trigger_is_not_triggered_again(bench: Bench) -> None:
    boots = []
    for _ in range(2):
        async with station(bench.central) as car:
            await car.settled()
            boots += [
                one
                for one in car.of("TriggerMessage")
                if one["requestedMessage"] == "BootNotification"
            ]
    assert len(boots) == 1


async def test_a_make_that_must_not_be_triggered_is_not(benches: Benches) -> None:
    async with benches(trigger_boot=False) as bench, station(bench.central) as car:
        await car.settled()
        assert {"requestedMessage": "BootNotification"} not in car.of("TriggerMessage")


async def test_after_the_boot_the_outlets_speak_first(benches: Benches) -> None:
    async with benches() as bench, station(bench.central) as car:
        await car.boot()
        await asyncio.sleep(0.1)
        assert car.received == []
        await car.call("StatusNotification", connector("Available"))
        await car.asked("GetVariables")


async def test_after_a_restart_of_the_station_the_safety_net_comes_before_any_question(
    bench: Bench,
) -> None:
    async with station(bench.central) as car:
        await car.configured()
        asked = len(car.received)
        await car.boot("Watchdog")
        await car.asked("SetChargingProfile", count=2)
        # Whether it lies there, and as it does not, the default itself.
        assert [action for action, _ in car.received[asked:]] == [
            "GetChargingProfiles",
            "SetChargingProfile",
        ]


async def test_a_net_laid_in_an_old_form_is_laid_again_in_the_new_one(bench: Bench) -> None:
    async with station(bench.central) as car:
        await car.configured()
        car.device_model[("SmartChargingCtrlr", "RateUnit")] = "A"
        await car.boot("FirmwareUpdate")
        await car.asked("SetChargingProfile", count=3)
        units = [
            one["chargingSchedule"][0]["chargingRateUnit"]
            for one in car.profiles("TxDefaultProfile")
        ]
        assert units == ["W", "W", "A"]


async def test_a_make_that_wants_it_is_configured_before_its_boot_is_accepted(
    benches: Benches,
) -> None:
    async with benches(boot_pending=True) as bench, station(bench.central) as car:
        assert (await car.boot())["status"] == "Pending"
        refused = await car.raw_call("early", "StatusNotification", connector("Occupied"))
        assert (refused[0], refused[2]) == (4, "SecurityError")
        await car.asked("TriggerMessage")
        assert car.of("TriggerMessage") == [{"requestedMessage": "BootNotification"}]
        assert written(car)["TxUpdatedInterval"] == "5"
        assert car.of("SetChargingProfile") == []
        assert (await car.boot("Triggered"))["status"] == "Accepted"
        await car.call("StatusNotification", connector("Available"))
        await car.asked("SetChargingProfile")


async def test_a_pending_station_that_is_deaf_to_the_trigger_is_accepted_when_it_boots_again(
    benches: Benches,
) -> None:
    async with benches(boot_pending=True) as bench, station(bench.central) as car:
        car.answers["TriggerMessage"] = lambda _: {"error": "NotImplemented"}
        assert (await car.boot())["status"] == "Pending"
        await car.asked("TriggerMessage")
        assert (await car.boot())["status"] == "Accepted"


# Whoever else limits it.

PROFILE: Json = {
    "id": 7,
    "stackLevel": 3,
    "chargingProfilePurpose": "ChargingStationMaxProfile",
    "chargingProfileKind": "Absolute",
    "chargingSchedule": [
        {
            "id": 1,
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6.0, "numberPhases": 1}],
        }
    ],
}


def with_profiles(car: ScriptedStation, *found: tuple[str, int, Json]) -> None:
    """The station reports these profiles, one message each."""

    async def send(request_id: int) -> None:
        for number, (source, evse_id, profile) in enumerate(found):
            report = {
                "requestId": request_id,
                "chargingLimitSource": source,
                "evseId": evse_id,
                "tbc": number < len(found) - 1,
                "chargingProfile": [profile],
            }
            await car.call("ReportChargingProfiles", report)

    sending: list[asyncio.Task[None]] = []

    def answer(payload: Json) -> Json:
        if payload["chargingProfile"]:  # of our own default: it is not there
            return {"status": "NoProfiles"}
        sending.append(asyncio.create_task(send(payload["requestId"])))
        return {"status": "Accepted"}

    car.answers["GetChargingProfiles"] = answer


@pytest.mark.parametrize("version", ["ocpp2.1", "ocpp2.0.1"])
async def test_a_foreign_profile_is_named_with_the_way_out_and_our_own_is_not(
    bench: Bench, version: str
) -> None:
    ours = {**PROFILE, "id": 1010, "chargingProfilePurpose": "TxDefaultProfile"}
    async with station(bench.central, versions=(version,)) as car:
        with_profiles(car, ("CSO", 1, ours), ("SO", 0, PROFILE))
        await car.configured()
        status = await bench.until(lambda s: fault(s, FaultCode.FOREIGN_LIMIT) is not None)
        assert fault(status, FaultCode.FOREIGN_LIMIT) == (
            "SO has set profile 7 (ChargingStationMaxProfile, stack level 3, at most 6 A); remove "
            "it where it was set: the charger's app, its maker's cloud, or the energy manager"
        )
        del car.answers["GetChargingProfiles"]
        await car.boot("Watchdog")
        await bench.until(lambda s: fault(s, FaultCode.FOREIGN_LIMIT) is None)


@pytest.mark.parametrize("version", ["ocpp2.1", "ocpp2.0.1"])
async def test_a_limit_that_the_station_tells_of_is_named_until_it_is_cleared(
    bench: Bench, version: str
) -> None:
    async with station(bench.central, versions=(version,)) as car:
        await car.configured()
        told: dict[str, Any] = {
            "chargingLimit": {"chargingLimitSource": "EMS", "isGridCritical": True},
            "chargingSchedule": [{**PROFILE["chargingSchedule"][0], "chargingRateUnit": "W"}],
        }
        await car.call("NotifyChargingLimit", told)
        said = fault(bench.status, FaultCode.FOREIGN_LIMIT)
        assert said is not None
        assert said.startswith("EMS limits it, at most 6 W, critical for the grid; remove it")
        await car.call("ClearedChargingLimit", {"chargingLimitSource": "SO"})
        assert fault(bench.status, FaultCode.FOREIGN_LIMIT) == said
        await car.call("ClearedChargingLimit", {"chargingLimitSource": "EMS", "evseId": 1})
        assert fault(bench.status, FaultCode.FOREIGN_LIMIT) is None


async def test_limits_under_ever_new_names_are_bounded_and_end_with_the_stations_restart(
    bench: Bench,
) -> None:
    async with station(bench.central) as car:
        await car.configured()
        for number in range(200):
            source = {"chargingLimitSource": f"EMS {number}"}
            await car.call("NotifyChargingLimit", {"chargingLimit": source})
        said = fault(bench.status, FaultCode.FOREIGN_LIMIT)
        assert said is not None
        assert "and 7 more; remove it" in said
        await car.boot("Triggered")
        assert fault(bench.status, FaultCode.FOREIGN_LIMIT) == said
        await car.boot("PowerUp")
        assert fault(bench.status, FaultCode.FOREIGN_LIMIT) is None


@pytest.mark.parametrize(
    ("limits", "unit", "said"),
    [
        ([6.0], "A", "6 A"),
        ([3000.0, 1380.0], "W", "6 A"),
        ([10.0], "A", None),
        ([], "A", None),
    ],
)
async def test_where_profiles_cannot_be_listed_the_composite_schedule_tells(
    bench: Bench, limits: list[float], unit: str, said: str | None
) -> None:
    async with station(bench.central, versions=("ocpp2.0.1",)) as car:
        car.answers["GetChargingProfiles"] = lambda _: {"error": "NotSupported"}
        periods = [
            {"startPeriod": number, "limit": limit, "numberPhases": 1}
            for number, limit in enumerate(limits)
        ]
        car.answers["GetCompositeSchedule"] = lambda payload: {
            "status": "Accepted",
            "schedule": {
                "evseId": 1,
                "duration": 60,
                "scheduleStart": "2024-12-11T17:00:00Z",
                "chargingRateUnit": unit,
                "chargingSchedulePeriod": periods,
            },
        }
        await car.configured()
        await car.asked("GetCompositeSchedule")
        await asyncio.sleep(0.05)
        found = fault(bench.status, FaultCode.FOREIGN_LIMIT)
        assert (found is None) == (said is None)
        assert found is None or found.startswith(f"something holds it at {said}, where 10 A")


async def test_what_was_learned_stands_in_the_journal_by_version(bench: Bench) -> None:
    async with station(bench.central) as car:
        reporting(car, [INVENTORY[0]])
        await car.configured()
        names = {one.name for one in bench.journal.order if one.kind is StationEventKind.LEARNED}
        assert {"make", "inventory in ocpp2.1", "settings in ocpp2.1"} <= names


async def test_a_charge_only_evse_is_not_reproached_with_v2x(benches: Benches) -> None:
    made = benches(evse=replace(EVSE, charge_only=True))
    async with made as bench, station(bench.central) as car:
        car.device_model[("V2XChargingCtrlr", "Enabled")] = "false"
        await car.configured()
        assert bench.status.faults == ()
        await car.event("Started", "CablePluggedIn", evse={"id": 1})
        await car.call("NotifyEVChargingNeeds", NEEDS_BPT)
