"""A station that is foreign to every line of the project has a whole session with the daemon."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from tests.system.bare_sessions import session_in
from tests.system.bare_station import BareStation, connected
from tests.system.house import PASSWORD, STATION, House, Setup, running_house, seconds_until

SPEED = 2.0  # faster, and a busy machine is too slow for the meter
LOAD_W = 1000.0
SAMPLES_EVERY_S = 0.5  # real
LONGEST_S = 300.0
USEFUL_WH = 20.0
IMMEDIATELY = 'ready_by = "18:30"\nenergy_wh = 8000'


async def live(house: House, station: BareStation) -> None:
    """One moment of the station: power as told, energy with time, and the grid feels it."""
    battery = station.battery
    before_s = time.monotonic()
    await asyncio.sleep(SAMPLES_EVERY_S)
    battery.run((time.monotonic() - before_s) * house.setup.speed)
    battery.power_w = station.profiles.target_w(station.now(), station.transaction_id)
    net_w = LOAD_W + battery.power_w
    power = {"load_w": max(net_w, 0.0), "pv_w": max(-net_w, 0.0)}
    async with httpx.AsyncClient(trust_env=False) as http:
        url = f"http://127.0.0.1:{house.ready['http_port']}/house"
        (await http.post(url, json=power)).raise_for_status()
    await station.flush()


async def whole_session(house: House, version: str) -> BareStation:
    """From the boot over plug-in and some useful energy to the departure."""
    session = session_in(version)
    async with connected(
        url=f"ws://127.0.0.1:{house.ocpp_port}",
        station_id=STATION,
        password=PASSWORD,
        version=version,
        speed=house.setup.speed,
        answers=session.answers,
    ) as station:
        await session.boot(station)
        await session.plug_in(station)
        until_s = time.monotonic() + LONGEST_S
        while not is_useful(station) and time.monotonic() < until_s:
            await live(house, station)
            await session.sample(station)
        await session.leave(station)
        await live(house, station)
    return station


def is_useful(station: BareStation) -> bool:
    """Whether the daemon's commands moved energy: out of the car where that can be told."""
    told = {action for action, _ in station.heard}
    if "SetChargingProfile" not in told:
        return False
    if station.version == "ocpp2.1":
        return station.battery.export_wh >= USEFUL_WH and "UpdateDynamicSchedule" in told
    limits = [payload for action, payload in station.heard if action == "SetChargingProfile"]
    purposes = {str(one) for one in limits if "TxProfile" in str(one)}
    return station.battery.import_wh >= USEFUL_WH and len(purposes) > 0


@pytest.mark.parametrize("version", ["ocpp2.1", "ocpp2.0.1", "ocpp1.6"])
def test_a_station_on_bare_sockets_finds_no_frame_to_blame(version: str, tmp_path: Path) -> None:
    setup = Setup(speed=SPEED, station_version=version, station_connects=False)
    if version != "ocpp2.1":
        setup = replace(setup, departure=IMMEDIATELY)
    with running_house(setup, tmp_path) as house:
        seconds_until(lambda: "OCPP: listening" in house.log, within_s=180.0, what="listening")
        station = asyncio.run(whole_session(house, version))
        assert station.wrong == []
        assert station.overlaps <= house.log.count(": no answer within")
        assert is_useful(station)
        assert [line for line in house.log.splitlines() if "Traceback" in line] == []
        assert house.reader().open_sessions() == ()
        assert house.end_daemon(signal.SIGTERM) == 0


WRONG_FRAMES = {
    "[2": "Expecting",
    '[2,"a","Reset",{"type":NaN}]': "NaN is no JSON",
    '[2,"a","Reset"]': "no frame",
    '[2,"b","Reset",{"type":"Never"}]': "ResetRequest $.type",
    '[2,"c","MakeCoffee",{}]': "ocpp2.1 has no MakeCoffeeRequest",
    f'[2,"{"d" * 37}","Reset",{{"type":"Immediate"}}]': "message id",
    '[3,"e",{}]': "an answer to no call",
}


@pytest.mark.parametrize("frame", WRONG_FRAMES)
async def test_the_bare_station_blames_a_frame_that_breaks_a_rule(frame: str) -> None:
    async def speak(socket: ServerConnection) -> None:
        await socket.send(frame)

    station = await hearing(speak)
    assert len(station.wrong) == 1
    assert WRONG_FRAMES[frame] in station.wrong[0]


async def test_the_bare_station_counts_a_second_call_before_the_first_is_answered() -> None:
    async def speak(socket: ServerConnection) -> None:
        for message_id in ("a", "b"):
            await socket.send(f'[2,"{message_id}","Reset",{{"type":"Immediate"}}]')

    assert (await hearing(speak)).overlaps == 1


async def hearing(speak: Callable[[ServerConnection], Awaitable[None]]) -> BareStation:
    """A bare station that heard all that somebody had to say."""
    known = [Subprotocol("ocpp2.1")]
    async with serve(speak, "127.0.0.1", 0, subprotocols=known) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with connected(
            url=f"ws://127.0.0.1:{port}",
            station_id="S1",
            password="none",
            version="ocpp2.1",
            speed=1.0,
            answers={},
        ) as station:
            async with asyncio.timeout(30.0):
                await station.socket.wait_closed()
    return station
