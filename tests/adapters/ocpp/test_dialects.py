"""What a dialect changes on the wire: one test for each key that a connection can show."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from tests.adapters.ocpp.conftest import EVSE, Bench, Benches
from tests.adapters.ocpp.scripted_station import (
    Json,
    MemoryJournal,
    ScriptedStation,
    connector,
    station,
)
from tests.adapters.ocpp.test_admission import stays_connected
from tests.adapters.ocpp.test_v16_station import CONFIGURATION, old_station
from tests.adapters.waiting import until
from tests.unit.ocpp.test_dialects import a_dialect
from v2g_daemon.adapters.ocpp import OcppVersion
from v2g_daemon.adapters.ocpp.dialects.quirks import Dialects

ONE_WAY = replace(EVSE, charge_only=True)
OLD: dict[str, Any] = {"versions": (OcppVersion.V1_6,), "evse": ONE_WAY}
BOTH = ("ocpp2.1", "ocpp1.6")
LIMITS = ("ocpp2.0.1",)
DEFAULT_ID = 1010


def known(**quirks: Any) -> Dialects:
    """Told by the make of the scripted station."""
    return Dialects(known=(a_dialect(patterns={"vendors": ("v",), "models": ("M*",)}, **quirks),))


def named(**quirks: Any) -> Dialects:
    """Named by the installer."""
    return Dialects(named={"S1": a_dialect(patterns={"vendors": ("other",)}, **quirks)})


async def default_of(car: ScriptedStation) -> Json:
    """The default profile as it was sent first."""
    await car.configured()
    return car.profiles("TxDefaultProfile")[0]


async def lease_of(bench: Bench, car: ScriptedStation, target_w: float) -> Json:
    """The first profile of a command, whatever its purpose."""
    await car.configured()
    await car.event("Started", "CablePluggedIn", evse={"id": 1})
    bench.setpoint(target_w, lowest_w=0.0)
    await bench.until(lambda status: status.outcome is not None)
    profile: Json = car.of("SetChargingProfile")[-1]["chargingProfile"]
    assert profile["id"] != DEFAULT_ID
    return profile


def period_of(profile: Json) -> Json:
    period: Json = profile["chargingSchedule"][0]["chargingSchedulePeriod"][0]
    return period


# Which version.


async def test_a_version_that_a_make_does_best_is_chosen_where_it_is_offered(
    benches: Benches,
) -> None:
    versions = (OcppVersion.V2_1, OcppVersion.V1_6)
    dialects = named(prefers_version=OcppVersion.V1_6)
    async with benches(versions=versions, dialects=dialects) as bench:
        async with station(bench.central, versions=BOTH) as car:
            assert car.socket.subprotocol == "ocpp1.6"
        await bench.until(lambda status: not status.connected)
        async with station(bench.central, versions=("ocpp2.1",)) as car:
            assert car.socket.subprotocol == "ocpp2.1"


async def test_a_make_is_remembered_for_its_next_connection_and_over_a_restart(
    benches: Benches,
) -> None:
    journal = MemoryJournal()
    more: dict[str, Any] = {
        "versions": (OcppVersion.V2_1, OcppVersion.V1_6),
        "dialects": known(prefers_version=OcppVersion.V1_6),
        "journal": journal,
    }
    async with benches(**more) as bench, station(bench.central, versions=BOTH) as car:
        assert car.socket.subprotocol == "ocpp2.1"
        await car.configured()
    async with benches(**more) as bench, station(bench.central, versions=BOTH) as car:
        assert car.socket.subprotocol == "ocpp1.6"


async def test_a_station_that_names_no_version_speaks_the_one_of_its_dialect(
    benches: Benches,
) -> None:
    versions = (OcppVersion.V2_1, OcppVersion.V2_0_1, OcppVersion.V1_6)
    dialects = named(prefers_version=OcppVersion.V2_0_1)
    async with (
        benches(versions=versions, dialects=dialects) as bench,
        station(bench.central, versions=()) as car,
    ):
        await car.boot()
        await car.asked("GetVariables")  # 1.6 would ask GetConfiguration


# How the link is kept.


async def test_pings_are_those_of_the_dialect_once_the_make_is_known(benches: Benches) -> None:
    dialects = known(ping_interval_s=0.15, ping_timeout_s=0.15)
    async with benches(dialects=dialects) as bench:
        assert await stays_connected(bench, speaks=False)
        await bench.until(lambda status: not status.connected)
        async with station(bench.central) as car:
            await car.boot()
        await bench.until(lambda status: not status.connected)
        assert not await stays_connected(bench, speaks=False)


async def test_a_make_that_answers_no_pings_is_sent_none(benches: Benches) -> None:
    async with benches(
        dialects=named(ping_interval_s=0.0), ping_interval_s=0.15, ping_timeout_s=0.15
    ) as bench:
        assert await stays_connected(bench, speaks=False)


@pytest.mark.parametrize(("quirks", "code"), [({"drops_link": True}, 1006), ({}, 1001)])
async def test_a_make_that_stays_away_after_a_farewell_is_only_cut_off(
    benches: Benches, quirks: dict[str, Any], code: int
) -> None:
    async with benches(dialects=known(**quirks)) as bench, station(bench.central) as car:
        await car.configured()
        bench.serving.cancel()
        await asyncio.wait([bench.serving])
        with pytest.raises(ConnectionClosed):
            await car.call("Heartbeat", {})
        assert car.socket.close_code == code


# The first minute.


async def test_a_make_that_wants_to_be_configured_first_is_told_pending_at_its_first_boot(
    benches: Benches,
) -> None:
    async with benches(dialects=known(boot_pending=True)) as bench, station(bench.central) as car:
        assert (await car.boot())["status"] == "Pending"


async def test_fields_of_its_own_are_refused_where_the_dialect_says_so(benches: Benches) -> None:
    async with (
        benches(dialects=known(unknown_fields="refuse")) as bench,
        station(bench.central) as car,
    ):
        assert (await car.raw_call("a", "Heartbeat", {"mood": "good"}))[0] == 3
        await car.boot()  # now its make is known
        refused = await car.raw_call("b", "Heartbeat", {"mood": "good"})
        assert (refused[0], refused[2]) == (4, "FormatViolation")


async def test_a_named_make_is_not_asked_to_boot(benches: Benches) -> None:
    async with benches(dialects=named(trigger_boot=False)) as bench, station(bench.central) as car:
        await car.settled()
        assert {"requestedMessage": "BootNotification"} not in car.of("TriggerMessage")


async def test_the_list_of_measurands_of_the_dialect_is_the_only_one_tried(
    benches: Benches,
) -> None:
    dialects = known(measurands="Power.Active.Import,SoC")
    async with benches(dialects=dialects) as bench, station(bench.central) as car:
        await car.configured()
        written = [
            one["attributeValue"]
            for call in car.of("SetVariables")
            for one in call["setVariableData"]
            if one["variable"]["name"] == "TxUpdatedMeasurands"
        ]
        assert written == ["Power.Active.Import,SoC"]


async def test_a_make_that_starts_nothing_by_itself_is_started(benches: Benches) -> None:
    async with benches(dialects=known(remote_start=True)) as bench, station(bench.central) as car:
        await car.configured()
        await car.call("StatusNotification", connector("Occupied"))
        bench.hands_off()  # the house looks around
        await car.call("Heartbeat", {})
        await asyncio.sleep(0.1)
        bench.clock.elapsed_s += 6.0
        bench.hands_off()
        assert (await car.asked("RequestStartTransaction"))["evseId"] == 1


async def test_a_key_is_written_as_its_make_spells_it(benches: Benches) -> None:
    dialects = known(configuration_keys={"HeartbeatInterval": "hbInterval"})
    async with (
        benches(**OLD, heartbeat_interval_s=90, dialects=dialects) as bench,
        old_station(bench) as car,
    ):
        car.answers["GetConfiguration"] = lambda payload: {
            "configurationKey": [{"key": "hbInterval", "readonly": False, "value": "60"}]
            if "hbInterval" in payload["key"]
            else []
        }
        await car.boot()
        assert {"key": "hbInterval", "value": "90"} in car.of("ChangeConfiguration")


async def test_a_key_is_written_as_the_station_itself_has_spelt_it(benches: Benches) -> None:
    async with benches(**OLD) as bench, old_station(bench) as car:
        car.answers["GetConfiguration"] = lambda payload: {
            "configurationKey": [
                {"key": key.lower(), "readonly": False, "value": value}
                for key, value in CONFIGURATION.items()
                if key in payload["key"]
            ]
        }
        await car.boot()
        keys = {one["key"] for one in car.of("ChangeConfiguration")}
        assert "metervaluesampleinterval" in keys
        assert "MeterValueSampleInterval" not in keys


# What people see.


async def test_an_installer_sees_the_dialect_and_what_became_of_each_setting(
    benches: Benches,
) -> None:
    async with benches(dialects=known(remote_start=True)) as bench, station(bench.central) as car:
        car.device_model["AlignedDataCtrlr", "Interval"] = "0"
        car.device_model["TxCtrlr", "TxStopPoint"] = "EnergyTransfer"
        car.answers["SetVariables"] = lambda payload: {
            "setVariableResult": [
                {
                    **{name: one[name] for name in ("component", "variable")},
                    "attributeStatus": "Rejected"
                    if one["variable"]["name"] == "TxStopPoint"
                    else "Accepted",
                }
                for one in payload["setVariableData"]
            ]
        }
        await car.configured()
        found = bench.central.installer_desk().station("S1")
        assert found.dialect == "mine (Mine)"
        told = {one.name: (one.value, one.state) for one in found.settings}
        assert told["AlignedDataCtrlr.Interval"] == ("0", "fits")
        assert told["SampledDataCtrlr.TxUpdatedInterval"] == ("5", "written")
        assert told["TxCtrlr.TxStopPoint"] == ("EnergyTransfer", "refused: Rejected")


# How power is told.


@pytest.mark.parametrize("unit", ["A", "W"])
async def test_the_rate_unit_of_the_dialect_is_used_whatever_the_station_says(
    benches: Benches, unit: str
) -> None:
    async with benches(dialects=known(rate_unit=unit)) as bench, station(bench.central) as car:
        car.device_model["SmartChargingCtrlr", "RateUnit"] = "W" if unit == "A" else "A"
        profile = await default_of(car)
        assert profile["chargingSchedule"][0]["chargingRateUnit"] == unit


async def test_a_make_that_wants_no_phases_is_told_none(benches: Benches) -> None:
    async with (
        benches(dialects=known(phases_said=False)) as bench,
        station(bench.central, versions=LIMITS) as car,
    ):
        assert "numberPhases" not in period_of(await lease_of(bench, car, 3000.0))
        assert "numberPhases" not in period_of(car.profiles("TxDefaultProfile")[0])


async def test_a_default_of_the_kind_that_the_make_takes_is_the_first_one_tried(
    benches: Benches,
) -> None:
    dialects = known(default_kind="Relative")
    async with benches(dialects=dialects) as bench, station(bench.central) as car:
        profile = await default_of(car)
        assert profile["chargingProfileKind"] == "Relative"
        assert "startSchedule" not in profile["chargingSchedule"][0]


@pytest.mark.parametrize(
    ("quirks", "purpose", "level"),
    [
        ({}, "TxProfile", 2),
        ({"lease_level": 0}, "TxProfile", 0),
        ({"lease_purpose": "TxDefaultProfile"}, "TxDefaultProfile", 2),
        # Our own default lies at 0.
        ({"lease_purpose": "TxDefaultProfile", "lease_level": 0}, "TxDefaultProfile", 1),
    ],
)
async def test_a_lease_begins_in_the_form_that_the_make_heeds(
    benches: Benches, quirks: dict[str, Any], purpose: str, level: int
) -> None:
    async with (
        benches(dialects=known(**quirks)) as bench,
        station(bench.central, versions=LIMITS) as car,
    ):
        profile = await lease_of(bench, car, 3000.0)
        assert (profile["chargingProfilePurpose"], profile["stackLevel"]) == (purpose, level)


@pytest.mark.parametrize("phases", [1, 3])
@pytest.mark.parametrize(("unit", "limit"), [("A", 5.0), ("W", 1150.0)])
async def test_a_pause_is_told_as_a_limit_that_no_car_can_charge_with(
    benches: Benches, unit: str, limit: float, phases: int
) -> None:
    schedule: Json = {
        "evseId": 1,
        "duration": 60,
        "scheduleStart": "2024-12-11T17:00:00Z",
        "chargingRateUnit": unit,
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}],
    }
    dialects = known(least_limit_a=5.0, rate_unit=unit)
    async with (
        benches(evse=replace(EVSE, phases=phases), dialects=dialects) as bench,
        station(bench.central, versions=LIMITS) as car,
    ):
        asked: list[Json] = []

        def answer(payload: Json) -> Json:
            asked.append(payload)
            return {"status": "Accepted", "schedule": schedule}

        car.answers["GetCompositeSchedule"] = answer
        assert period_of(await lease_of(bench, car, 0.0))["limit"] == limit
        await until(lambda: len(asked) > 0)
        await car.call("Heartbeat", {})
        await asyncio.sleep(0.1)
        outcome = bench.status.outcome
        assert outcome is not None
        # The station's own schedule says the same, which is no contradiction.
        assert (outcome.target_w, outcome.detail) == (0.0, "")


@pytest.mark.parametrize(("unit", "limit"), [("A", 5.0), ("W", 1150.0)])
async def test_a_default_of_no_power_is_told_so_too(
    benches: Benches, unit: str, limit: float
) -> None:
    idle = replace(EVSE, static_safe_current_a=0.0, phases=3)
    dialects = known(least_limit_a=5.0, rate_unit=unit)
    async with benches(evse=idle, dialects=dialects) as bench, station(bench.central) as car:
        assert period_of(await default_of(car))["limit"] == limit
