"""Two strict stations on the foreign package ocpp-rpc at once: whole sessions, with faults on.

Its codec and its schemas are its own. SOAK_MINUTES makes it longer: `make soak`.
"""

from __future__ import annotations

import asyncio
import json
import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tests.system.house import (
    PASSWORD,
    SERIAL,
    STATION,
    House,
    Setup,
    running_house,
    seconds_until,
)

SCRIPT = Path(__file__).with_name("ocpp_rpc_station.js")
MINUTES = float(os.environ.get("SOAK_MINUTES", "10"))
ENDS_WITHIN_S = 120.0
LOAD_W = 4000.0  # for the first car to serve: it gives none to the second, which charges
DEAR_HOUR = "2024-12-12T17:00:30+01:00"  # so that an hour of discharge lies ahead
FAULTS = 10  # ways of the script to misbehave
SECOND = "SIM-STATION-2"
SECOND_CHARGER = """\
[[charger]]
id = "carport"
station_id = "SIM-STATION-2"
password = "simulated-station-2"
max_charge_w = 7400
max_discharge_w = 0
min_charge_w = 1400
min_discharge_w = 0
static_safe_current_a = 6
sample_interval_s = 5
[[vehicle]]
id = "second-car"
capacity_wh = 60000
evccid = "SIMEVCC00002"
id_token = "SIMTOKEN0002"
[[departure]]
vehicle = "second-car"
ready_by = "18:30"
energy_wh = 10000
"""


@dataclass
class Scripted:
    """A running station and the newest of what it tells."""

    process: subprocess.Popen[str]
    lines: queue.Queue[dict[str, Any]] = field(default_factory=queue.Queue)
    last: dict[str, Any] = field(default_factory=dict)

    def read(self) -> None:
        """Keep what it prints, until it ends."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.put(json.loads(line))

    def look(self) -> dict[str, Any]:
        """The newest line."""
        while not self.lines.empty():
            self.last = self.lines.get()
        return self.last

    def left(self) -> bool:
        """Whether its car has left, and it told what it found."""
        return "findings" in self.look()

    def end(self) -> int:
        """Let it go, and return its exit status."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(30)


@contextmanager
def scripted(package: Path, log: Path, **options: Any) -> Iterator[Scripted]:
    """One station as a process, ended with the block."""
    with log.open("w") as errors:
        process = subprocess.Popen(
            ["node", str(SCRIPT), json.dumps(options)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={**os.environ, "NODE_PATH": str(package.parent)},
        )
    station = Scripted(process)
    reader = threading.Thread(target=station.read, daemon=True)
    with process:
        reader.start()
        try:
            yield station
        finally:
            process.kill()
            reader.join(10)


def live(house: House, *stations: Scripted) -> None:
    """Until their cars have left: the grid connection feels what they do."""
    until_s = time.monotonic() + MINUTES * 60.0 + ENDS_WITHIN_S
    while not all(station.left() for station in stations):
        assert all(station.process.poll() is None for station in stations)
        assert time.monotonic() < until_s, "a scripted station does not come to its end"
        power_w = sum(float(station.look().get("power_w", 0.0)) for station in stations)
        net_w = LOAD_W + power_w
        house.order("/house", load_w=max(net_w, 0.0), pv_w=max(-net_w, 0.0))
        time.sleep(0.5)


def judge(station: Scripted) -> dict[str, Any]:
    """What every scripted station must have found: no frame to blame, and every fault survived."""
    told = station.look()
    findings: dict[str, Any] = told["findings"]
    assert findings["failures"] == []
    assert findings["surprises"] == []
    assert findings["calls"]["TransactionEvent"] > 20
    assert len(set(findings["faults"])) == FAULTS, "every fault was there"
    return told


@pytest.mark.timeout(MINUTES * 60.0 + 600.0)
def test_strict_stations_have_whole_sessions_and_find_no_frame_to_blame(
    peer: Callable[[str], Path], tmp_path: Path
) -> None:
    package = peer("ocpp-rpc")
    setup = Setup(start=DEAR_HOUR, station_connects=False, more_daemon=SECOND_CHARGER)
    with running_house(setup, tmp_path) as house:
        seconds_until(lambda: "OCPP: listening" in house.log, within_s=180.0, what="listening")
        common = {"endpoint": f"ws://127.0.0.1:{house.ocpp_port}", "minutes": MINUTES}
        first: dict[str, Any] = {
            "identity": STATION,
            "password": PASSWORD,
            "protocol": "ocpp2.1",
            "serial": SERIAL,
            "evccid": "SIMEVCC00001",
            "idToken": "SIMTOKEN0001",
        }
        second: dict[str, Any] = {
            "identity": SECOND,
            "password": "simulated-station-2",
            "protocol": "ocpp2.0.1",
            "serial": "SIM-0002",
            "evccid": "SIMEVCC00002",
            "idToken": "SIMTOKEN0002",
        }
        with (
            scripted(package, tmp_path / "new.log", **common, **first) as new,
            scripted(package, tmp_path / "old.log", **common, **second) as old,
        ):
            live(house, new, old)
            assert judge(new)["export_wh"] > 50.0
            assert judge(old)["import_wh"] > 50.0
            assert new.last["findings"]["answered"]["UpdateDynamicSchedule"] > 2
            seconds_until(
                lambda: house.reader().open_sessions() == (), within_s=30.0, what="the end"
            )
            assert (new.end(), old.end()) == (0, 0)
        assert [line for line in house.log.splitlines() if "Traceback" in line] == []
        assert house.end_daemon(signal.SIGTERM) == 0


@pytest.mark.parametrize("protocol", ["ocpp2.0.1", "ocpp2.1"])
async def test_a_strict_station_blames_an_answer_that_breaks_its_schema(
    protocol: str, peer: Callable[[str], Path], tmp_path: Path
) -> None:
    package = peer("ocpp-rpc")
    wrong = {"status": "Sure", "currentTime": "2024-12-12T17:00:00Z", "interval": 600}

    async def speak(socket: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            _, message_id, _, _ = json.loads(await socket.recv())
            await socket.send(json.dumps([3, message_id, wrong]))
            await socket.wait_closed()

    async with serve(speak, "127.0.0.1", 0, subprotocols=[Subprotocol(protocol)]) as server:
        options = {
            "endpoint": f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}",
            "minutes": 1,
            "identity": STATION,
            "password": PASSWORD,
            "protocol": protocol,
        }
        log = tmp_path / "log"
        with scripted(package, log, **options) as station:
            assert await asyncio.to_thread(station.process.wait, 60) == 1
    assert "data/status must be equal to one of the allowed values" in log.read_text()
