"""Who is plugged in, and what already runs: asked once, heard anywhere, kept over restarts."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.adapters.ocpp.conftest import Bench, Benches
from tests.adapters.ocpp.scripted_station import (
    NEEDS_BPT,
    TOKEN,
    Json,
    connector,
    sample,
    station,
)
from v2g_daemon.adapters.ocpp import OcppVersion
from v2g_daemon.domain.readings import PowerControl, VehicleIdentity

NAMELESS = {"idToken": {"idToken": "T", "type": "ISO14443"}}


def named_by_event(evccid: str, **more: Any) -> Json:
    event = {
        "eventId": 1,
        "timestamp": "2024-12-11T17:00:00Z",
        "trigger": "Delta",
        "actualValue": evccid,
        "eventNotificationType": "HardWiredNotification",
        "component": {"name": "ConnectedEV", "evse": {"id": 1}},
        "variable": {"name": "VehicleId"},
    }
    return {"generatedAt": "2024-12-11T17:00:00Z", "seqNo": 0, "eventData": [{**event, **more}]}


@pytest.mark.parametrize("version", ["ocpp2.1", "ocpp2.0.1"])
async def test_a_car_that_did_not_name_itself_is_looked_up(bench: Bench, version: str) -> None:
    async with station(bench.central, versions=(version,)) as car:
        car.device_model[("ConnectedEV", "VehicleId")] = "EVCC-9"
        await car.configured()
        await car.event("Started", "CablePluggedIn", evse={"id": 1}, **NAMELESS)
        status = await bench.until(
            lambda s: s.identity is not None and s.identity.evccid is not None
        )
        assert status.identity == VehicleIdentity(evccid="EVCC-9", id_token="T")
        # A token told again does not take the name away.
        await car.event("Updated", "Authorized", **NAMELESS)
        assert bench.status.identity == VehicleIdentity(evccid="EVCC-9", id_token="T")


def lookups(received: list[tuple[str, Json]]) -> int:
    return sum(
        one["component"]["name"] == "ConnectedEV"
        for action, payload in received
        if action == "GetVariables"
        for one in payload["getVariableData"]
    )


async def test_a_car_without_a_name_is_looked_up_twice_and_a_station_without_names_once(
    bench: Bench,
) -> None:
    async with station(bench.central) as car:
        car.device_model[("ConnectedEV", "VehicleId")] = ""
        await car.configured()
        await car.event("Started", "CablePluggedIn", evse={"id": 1})
        for _ in range(6):
            bench.clock.elapsed_s += 31.0
            bench.setpoint(0.0)
            await asyncio.sleep(0.02)
        assert lookups(car.received) == 2
        del car.device_model[("ConnectedEV", "VehicleId")]
        for number in range(3):
            await car.event("Started", "CablePluggedIn", evse={"id": 1}, tx=f"another-{number}")
            await asyncio.sleep(0.02)
        assert lookups(car.received) == 3


@pytest.mark.parametrize("version", ["ocpp2.1", "ocpp2.0.1"])
@pytest.mark.parametrize("early", [True, False])
async def test_the_station_names_the_car_by_itself_before_or_after_the_start(
    bench: Bench, early: bool, version: str
) -> None:
    async with station(bench.central, versions=(version,)) as car:
        await car.configured()
        await car.call("StatusNotification", connector("Occupied"))
        if early:
            await car.call("NotifyEvent", named_by_event("EVCC-9"))
        await car.event("Started", "CablePluggedIn", evse={"id": 1}, **NAMELESS)
        if not early:
            await car.call("NotifyEvent", named_by_event("EVCC-9"))
        assert bench.status.identity == VehicleIdentity(evccid="EVCC-9", id_token="T")


@pytest.mark.parametrize(
    "other",
    [
        {"component": {"name": "ConnectedEV", "evse": {"id": 2}}},
        {"component": {"name": "ConnectedEV"}},
        {"variable": {"name": "ProtocolAgreed"}},
        {"actualValue": ""},
        {"timestamp": "2024-12-11T15:00:00Z"},  # queued: the car of two hours ago
    ],
)
async def test_no_other_event_names_a_car(bench: Bench, other: Json) -> None:
    async with station(bench.central) as car:
        await car.configured()
        await car.event("Started", "CablePluggedIn", evse={"id": 1}, **NAMELESS)
        await car.call("NotifyEvent", named_by_event("EVCC-9", **other))
        assert bench.status.identity == VehicleIdentity(evccid=None, id_token="T")


async def test_a_name_told_before_the_car_left_is_not_that_of_the_next(bench: Bench) -> None:
    async with station(bench.central) as car:
        await car.configured()
        await car.call("StatusNotification", connector("Occupied"))
        await car.call("NotifyEvent", named_by_event("EVCC-9"))
        await car.call("StatusNotification", connector("Available"))
        await car.call("StatusNotification", connector("Occupied"))
        await car.event("Started", "CablePluggedIn", evse={"id": 1})
        assert bench.status.identity is None


@pytest.mark.parametrize(
    ("token", "identity"),
    [
        ({"idToken": "020000000001", "type": "MacAddress"}, ("020000000001", "020000000001")),
        ({"idToken": "VID:020000000001", "type": "Central"}, ("020000000001", "VID:020000000001")),
        ({"idToken": "vid:0A", "type": "ISO14443"}, ("0A", "vid:0A")),
    ],
)
async def test_a_token_that_is_an_evccid_names_the_car(
    bench: Bench, token: Json, identity: tuple[str, str]
) -> None:
    async with station(bench.central) as car:
        await car.configured()
        await car.event("Started", "CablePluggedIn", evse={"id": 1}, idToken=token)
        found = bench.status.identity
        assert found is not None
        assert (found.evccid, found.id_token) == identity


@pytest.mark.parametrize("version", ["ocpp2.1", "ocpp2.0.1"])
async def test_our_restart_takes_up_the_session_before_the_station_says_a_word(
    benches: Benches, version: str
) -> None:
    async with benches() as bench, station(bench.central, versions=(version,)) as car:
        await car.configured()
        await car.event("Started", "CablePluggedIn", evse={"id": 1}, idToken=TOKEN)
    async with benches(journal=bench.journal) as again:
        assert (again.status.session_id, again.status.plugged_in) == ("S1:tx-1", True)
        assert again.status.identity == VehicleIdentity(evccid="EVCC-1", id_token="TOKEN-1")
        async with station(again.central, versions=(version,)) as car:
            await car.settled()
            # An update without EVSE, and with a number that was never told before.
            await car.event(
                "Updated",
                "MeterValuePeriodic",
                seqNo=99,
                meterValue=[
                    {
                        "timestamp": "2024-12-11T17:00:05Z",
                        "sampledValue": [sample("Power.Active.Import", 3000)],
                    }
                ],
            )
            assert (again.status.session_id, again.status.power_w) == ("S1:tx-1", 3000.0)
            if version == "ocpp2.1":
                await car.asked("NotifyAllowedEnergyTransfer")
                await car.call("NotifyEVChargingNeeds", NEEDS_BPT)
            again.setpoint(3000.0)
            await again.until(lambda s: s.outcome is not None)
            assert car.profiles()[0]["transactionId"] == "tx-1"


@pytest.mark.parametrize("numbers", [[0, 0, 0], [0, 5, 6], [3, 2, 1]])
async def test_numbers_of_events_tell_of_gaps_and_drop_nothing(
    bench: Bench, numbers: list[int]
) -> None:
    async with station(bench.central) as car:
        await car.configured()
        await car.event("Started", "CablePluggedIn", evse={"id": 1})
        for count, number in enumerate(numbers, start=1):
            bench.clock.elapsed_s += 5.0
            values = [
                {
                    "timestamp": bench.clock.stamp(),
                    "sampledValue": [sample("Power.Active.Import", 1000 * count)],
                }
            ]
            await car.event("Updated", "MeterValuePeriodic", seqNo=number, meterValue=values)
            assert bench.status.power_w == 1000.0 * count


async def test_a_transaction_that_ended_while_we_were_away_is_over(benches: Benches) -> None:
    versions, offered = (OcppVersion.V2_0_1,), ("ocpp2.0.1",)
    async with (
        benches(versions=versions) as bench,
        station(bench.central, versions=offered) as car,
    ):
        await car.configured()
        await car.event("Started", "CablePluggedIn", evse={"id": 1})
    async with (
        benches(versions=versions, journal=bench.journal) as again,
        station(again.central, versions=offered) as car,
    ):
        car.answers["GetTransactionStatus"] = lambda _: {
            "messagesInQueue": False,
            "ongoingIndicator": False,
        }
        await again.until(lambda s: s.session_id is None)
        assert not again.status.plugged_in
        assert again.status.capability is not None
        assert again.status.capability.control is PowerControl.CHARGE_LIMIT
