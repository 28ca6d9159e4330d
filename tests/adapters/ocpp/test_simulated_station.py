"""The central system and the project's simulated station over loopback, in time-lapse."""

from __future__ import annotations

import asyncio
import json
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.adapters.ocpp.scripted_station import MemoryJournal, Sink
from v2g_daemon.adapters.ocpp import (
    CentralSystem,
    CentralSystemConfig,
    EvseConfig,
    StationConfig,
)
from v2g_daemon.adapters.ocpp.config import ProfileDialect
from v2g_daemon.adapters.system.clock import ScaledClock
from v2g_daemon.domain.power import UNBOUNDED
from v2g_daemon.domain.readings import EvseStatus
from v2g_daemon.domain.setpoint import Authority, Reason, Setpoint
from v2g_daemon.domain.stations import FrameNote

USUAL_DIALECT = ProfileDialect()
SPEED = 60.0
START = datetime(2024, 12, 11, 17, 0, 0, tzinfo=UTC)
SCENARIO = """
[clock]
start = 2024-12-11T17:00:00Z
speed = {speed}
anchor_monotonic_s = {anchor}
[house]
load_w = 500
pv_w = 0
[[station]]
id = "S1"
url = "ws://127.0.0.1:{port}/ocpp"
password = "correct horse battery"
versions = ["{version}"]
phases = 1
sample_interval_s = 5
serial = "SIM-7"
[[vehicle]]
name = "car"
capacity_wh = 60000
soc = 0.5
plugged_in = true
"""


@dataclass(slots=True, kw_only=True)
class House:
    """A running simulation and a central system that serves it."""

    clock: ScaledClock
    sink: Sink
    central: CentralSystem
    serving: asyncio.Task[None]
    dialect: ProfileDialect
    http_port: int = 0

    async def world(self) -> Any:
        def get() -> Any:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.http_port}/world", timeout=5
            ) as answer:
                return json.load(answer)

        return await asyncio.to_thread(get)

    async def post(self, path: str, body: dict[str, Any]) -> None:
        def send() -> None:
            request = urllib.request.Request(
                f"http://127.0.0.1:{self.http_port}{path}",
                data=json.dumps(body).encode(),
                headers={"Content-Type": "application/json"},
            )
            urllib.request.urlopen(request, timeout=5).close()

        await asyncio.to_thread(send)

    async def until(
        self, holds: Callable[[EvseStatus], bool], *, within_s: float = 10.0
    ) -> EvseStatus:
        async with asyncio.timeout(15):
            while not holds(self.sink.evse["garage"]):
                self.sink.news.clear()
                await self.sink.news.wait()
        return self.sink.evse["garage"]

    async def until_world(self, holds: Callable[[Any], bool]) -> Any:
        """The world, once it is so."""
        async with asyncio.timeout(15):
            while not holds(found := await self.world()):  # noqa: ASYNC110 - of another process
                await asyncio.sleep(0.05)
        return found

    async def hold(self, target_w: float, *, for_s: float) -> None:
        """Command it every real tenth of a second, as a control loop would."""
        (port,) = self.central.ports()
        reason = Reason(authority=Authority.PLAN, rule="test", detail="a test")
        end_s = self.clock.now().monotonic_s + for_s
        while self.clock.now().monotonic_s < end_s:
            now = self.clock.now()
            port.command(
                Setpoint(
                    target_w=target_w,
                    permitted=UNBOUNDED,
                    reason=reason,
                    issued_at=now,
                    expires_at=now.later(90.0),
                )
            )
            await asyncio.sleep(0.1)

    async def frames_of(self, *actions: str) -> list[FrameNote]:
        """The calls of either side under these names."""
        log = await self.central.installer_desk().frames("S1", newest=10_000)
        return [one for one in log if one.action in actions and one.kind == "call"]

    async def kill(self) -> None:
        """End the central system without a farewell."""
        for desk in self.central._desks.values():
            if desk.live is not None:
                desk.live.connection.transport.abort()
        self.serving.cancel()
        await asyncio.wait([self.serving])

    async def restart(self) -> None:
        """Kill the central system, and start a new one on the same port."""
        port = self.central.bound_port
        assert port is not None
        await self.kill()
        self.sink = Sink()
        config = _config(port, self.dialect)
        self.central = CentralSystem(config, self.clock, self.sink, MemoryJournal())
        self.serving = asyncio.create_task(self.central.run())
        await self.central.listening()


def _config(port: int, dialect: ProfileDialect, **of_station: Any) -> CentralSystemConfig:
    evse = EvseConfig(
        evse_id="garage",
        static_safe_current_a=10.0,
        max_charge_w=7400.0,
        max_discharge_w=7400.0,
        dialect=dialect,
    )
    station = StationConfig(
        station_id="S1", password="correct horse battery", evses=(evse,), **of_station
    )
    return CentralSystemConfig(stations=(station,), port=port, boot_wait_s=1.0)


@asynccontextmanager
async def house(
    tmp_path: Path,
    version: str,
    *,
    dialect: ProfileDialect = USUAL_DIALECT,
    **of_station: Any,
) -> AsyncIterator[House]:
    """Both, for the duration of the block."""
    anchor = time.monotonic()
    clock = ScaledClock(start_utc=START, speed=SPEED, anchor_monotonic_s=anchor)
    sink = Sink()
    config = _config(0, dialect, **of_station)
    central = CentralSystem(config, clock, sink, MemoryJournal())
    found = House(
        clock=clock,
        sink=sink,
        central=central,
        serving=asyncio.create_task(central.run()),
        dialect=dialect,
    )
    await central.listening()
    scenario = tmp_path / "scenario.toml"
    scenario.write_text(
        SCENARIO.format(
            speed=SPEED,
            anchor=anchor,
            port=central.bound_port,
            version=version,
        )
    )
    simulation = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "simulators", str(scenario), "--until-stdin-closes",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert simulation.stdin is not None
    assert simulation.stdout is not None
    try:
        async with asyncio.timeout(20):
            ready = json.loads(await simulation.stdout.readline())
        found.http_port = ready["http_port"]
        yield found
    finally:
        simulation.stdin.close()
        found.serving.cancel()
        await asyncio.wait([found.serving])
        async with asyncio.timeout(20):
            await simulation.wait()


@pytest.fixture
async def v2g_house(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path, "ocpp2.1") as found:
        yield found


async def test_the_simulated_car_discharges_on_command_and_charges_when_the_lease_lapses(
    v2g_house: House,
) -> None:
    status = await v2g_house.until(
        lambda s: s.capability is not None and s.capability.power.lowest_w == -7400.0
    )
    assert status.serial == "SIM-7"
    assert status.identity is not None
    assert status.identity.evccid == "SIMEVCC00001"
    await v2g_house.hold(-3000.0, for_s=60.0)
    status = await v2g_house.until(lambda s: s.power_w == -3000.0)
    assert status.soc is not None
    assert 0.4 < status.soc < 0.6
    world = await v2g_house.world()
    assert world["evse_power_w"] == -3000.0
    # Nobody commands any more: the lease ends in the station, and the safety net holds.
    status = await v2g_house.until(lambda s: s.power_w == 2300.0)
    world = await v2g_house.world()
    shown = world["stations"]["S1"]
    assert shown["active_profile"]["purpose"] == "TxDefaultProfile"
    assert shown["protocol_errors"] == []
    assert shown["connections"] == 1


async def test_a_restarted_central_system_adopts_the_discharge_and_knows_the_car(
    v2g_house: House,
) -> None:
    await v2g_house.until(lambda s: s.capability is not None and s.capability.power.lowest_w < 0)
    await v2g_house.hold(-3000.0, for_s=60.0)
    before = await v2g_house.until(lambda s: s.power_w == -3000.0)
    await v2g_house.restart()
    after = await v2g_house.until(
        lambda s: (
            s.session_id is not None
            and s.identity is not None
            and s.capability is not None
            and s.capability.power.lowest_w < 0
        )
    )
    assert after.session_id == before.session_id
    assert after.identity is not None
    assert after.identity.evccid == "SIMEVCC00001"
    assert after.serial == "SIM-7"
    await v2g_house.hold(-2000.0, for_s=60.0)
    await v2g_house.until(lambda s: s.power_w == -2000.0)
    world = await v2g_house.world()
    assert world["stations"]["S1"]["protocol_errors"] == []


async def test_unplugging_and_coming_back_is_two_sessions(v2g_house: House) -> None:
    first = await v2g_house.until(lambda s: s.session_id is not None)
    await v2g_house.post("/vehicle", {"action": "unplug"})
    await v2g_house.until(lambda s: not s.plugged_in)
    await v2g_house.post("/vehicle", {"action": "arrive", "soc": 0.12})
    second = await v2g_house.until(lambda s: s.session_id is not None and s.soc is not None)
    assert second.session_id != first.session_id
    assert second.soc == pytest.approx(0.12, abs=0.01)


async def test_a_car_unplugged_as_its_discharge_starts_ends_once_and_commands_cease(
    v2g_house: House,
) -> None:
    await v2g_house.until(lambda s: s.capability is not None and s.capability.power.lowest_w < 0)
    holding = asyncio.create_task(v2g_house.hold(-3000.0, for_s=240.0))
    await v2g_house.until(lambda s: s.power_w is not None and s.power_w < 0.0)
    await v2g_house.post("/vehicle", {"action": "unplug"})
    await v2g_house.until(lambda s: not s.plugged_in)
    asked = await v2g_house.frames_of("SetChargingProfile", "UpdateDynamicSchedule")
    await holding
    assert await v2g_house.frames_of("SetChargingProfile", "UpdateDynamicSchedule") == asked
    ends = [one for one in await v2g_house.frames_of("TransactionEvent") if '"Ended"' in one.text]
    assert len(ends) == 1
    assert v2g_house.sink.evse["garage"].power_w == 0.0
    shown = (await v2g_house.world())["stations"]["S1"]
    assert (shown["protocol_errors"], shown["connections"]) == ([], 1)


async def test_a_2_0_1_station_follows_charge_limits(tmp_path: Path) -> None:
    async with house(tmp_path, "ocpp2.0.1") as found:
        await found.until(lambda s: s.session_id is not None)
        await found.hold(4000.0, for_s=60.0)
        status = await found.until(lambda s: s.power_w == 4000.0)
        assert status.soc is None
        await found.hold(0.0, for_s=60.0)
        await found.until(lambda s: s.power_w == 0.0)
        world = await found.world()
        assert world["stations"]["S1"]["protocol_errors"] == []
