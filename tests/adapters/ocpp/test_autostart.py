"""A station that starts no transaction by itself is asked to, once for each plug-in."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.adapters.ocpp.conftest import Bench, Benches
from tests.adapters.ocpp.scripted_station import Json, ScriptedStation, connector, station
from tests.adapters.ocpp.test_v16_station import old_station
from tests.adapters.waiting import until
from v2g_daemon.adapters.ocpp import OcppVersion
from v2g_daemon.domain.readings import VehicleIdentity

PLUGGED = connector("Occupied")
FREE = connector("Available")


async def later(bench: Bench, car: ScriptedStation, seconds_s: float) -> None:
    """The clock has moved on, and the house has looked around since."""
    bench.clock.elapsed_s += seconds_s
    for _ in range(3):
        bench.hands_off()
        await car.call("Heartbeat", {})
        await asyncio.sleep(0.05)


async def trouble(bench: Bench) -> str | None:
    (autostart,) = bench.central._desks["S1"].state.autostarts
    return autostart.trouble


@pytest.mark.parametrize("version", ["ocpp2.1", "ocpp2.0.1"])
async def test_a_car_that_waits_is_started_after_a_few_seconds_with_a_token_of_ours(
    benches: Benches, version: str
) -> None:
    async with (
        benches(remote_start=True) as bench,
        station(bench.central, versions=(version,)) as car,
    ):
        await car.configured()
        await car.call("StatusNotification", PLUGGED)
        await later(bench, car, 4.0)
        assert car.of("RequestStartTransaction") == []
        await later(bench, car, 1.5)
        asked = await car.asked("RequestStartTransaction")
        assert asked["evseId"] == 1
        assert asked["idToken"] == {"idToken": "V2G-DAEMON", "type": "Central"}
        assert car.broken == []
        await car.event(
            "Started", "RemoteStart", evse={"id": 1}, idToken=asked["idToken"],
            info={"remoteStartId": asked["remoteStartId"]},
        )  # fmt: skip
        # Our token names no car: who it is stays open.
        assert (await bench.until(lambda s: s.session_id is not None)).identity == (
            VehicleIdentity()
        )


async def test_an_accepted_start_is_never_repeated_within_a_plug_in(benches: Benches) -> None:
    async with benches(remote_start=True) as bench, station(bench.central) as car:
        await car.configured()
        await car.call("StatusNotification", PLUGGED)
        await later(bench, car, 6.0)
        await car.asked("RequestStartTransaction")
        for _ in range(5):
            await later(bench, car, 600.0)
        assert len(car.of("RequestStartTransaction")) == 1
        assert await trouble(bench) == (
            "a remote start was accepted; no transaction has come of it yet"
        )
        # Plugged in anew, it is another one.
        await car.call("StatusNotification", FREE)
        await car.call("StatusNotification", PLUGGED)
        await later(bench, car, 0.0)
        await later(bench, car, 6.0)
        await car.asked("RequestStartTransaction", count=2)


async def test_a_start_that_is_not_answered_is_not_repeated(benches: Benches) -> None:
    async with (
        benches(remote_start=True, call_timeout_s=0.2) as bench,
        station(bench.central) as car,
    ):
        await car.configured()
        car.answers["RequestStartTransaction"] = lambda _: None
        await car.call("StatusNotification", PLUGGED)
        await later(bench, car, 6.0)
        await car.asked("RequestStartTransaction")
        await until(lambda: bench.central._desks["S1"].state.autostarts[0].trouble is not None)
        for _ in range(4):
            await later(bench, car, 600.0)
        assert len(car.of("RequestStartTransaction")) == 1


@pytest.mark.parametrize(
    "answer", [{"status": "Rejected", "statusInfo": {"reasonCode": "NotReady"}}, {"error": "X"}]
)
async def test_a_refusal_started_nothing_and_is_tried_again_three_times_in_all(
    benches: Benches, answer: Json
) -> None:
    async with benches(remote_start=True) as bench, station(bench.central) as car:
        await car.configured()
        car.answers["RequestStartTransaction"] = lambda _: answer
        await car.call("StatusNotification", PLUGGED)
        await later(bench, car, 6.0)
        await car.asked("RequestStartTransaction")
        await later(bench, car, 30.0)
        assert len(car.of("RequestStartTransaction")) == 1
        for _ in range(6):
            await later(bench, car, 61.0)
        assert len(car.of("RequestStartTransaction")) == 3
        told = await trouble(bench)
        assert told is not None
        assert told.startswith("a remote start was refused 3 times: ")


async def test_a_transaction_that_ended_is_not_started_again_until_the_next_plug_in(
    benches: Benches,
) -> None:
    async with benches(remote_start=True) as bench, station(bench.central) as car:
        await car.configured()
        await car.call("StatusNotification", PLUGGED)
        await car.event("Started", "CablePluggedIn", evse={"id": 1})
        await car.event("Ended", "StopAuthorized", evse={"id": 1}, info={"stoppedReason": "Local"})
        for _ in range(3):
            await later(bench, car, 600.0)
        assert car.of("RequestStartTransaction") == []


async def test_a_station_that_boots_with_a_car_waiting_is_started_again(benches: Benches) -> None:
    async with benches(remote_start=True) as bench, station(bench.central) as car:
        await car.configured()
        await car.call("StatusNotification", PLUGGED)
        await later(bench, car, 6.0)
        await car.asked("RequestStartTransaction")
        await car.event("Started", "RemoteStart", evse={"id": 1})
        await car.event("Ended", "AbnormalCondition", evse={"id": 1},
                        info={"stoppedReason": "Reboot"})  # fmt: skip
        await car.boot()
        await car.call("StatusNotification", PLUGGED)
        await car.settled(times=2)
        await later(bench, car, 0.0)
        await later(bench, car, 6.0)
        await car.asked("RequestStartTransaction", count=2)


async def test_a_station_that_starts_by_itself_is_not_asked(benches: Benches) -> None:
    async with benches() as bench, station(bench.central) as car:
        await car.configured()
        await car.call("StatusNotification", PLUGGED)
        for _ in range(3):
            await later(bench, car, 60.0)
        assert car.of("RequestStartTransaction") == []


async def test_an_old_station_is_started_by_a_tag_of_ours(benches: Benches) -> None:
    old: dict[str, Any] = {"versions": (OcppVersion.V1_6,), "remote_start": True}
    async with benches(**old) as bench, old_station(bench) as car:
        await car.boot()
        await car.status("Preparing")
        await bench.until(lambda s: s.plugged_in)
        await car.call("Heartbeat", {})
        await asyncio.sleep(0.1)
        bench.clock.elapsed_s += 6.0
        bench.hands_off()
        assert await car.until_asked("RemoteStartTransaction") == {
            "connectorId": 1,
            "idTag": "V2G-DAEMON",
        }
