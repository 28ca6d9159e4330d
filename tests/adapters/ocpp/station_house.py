"""A simulated OCPP 2.1 station with a car, and the central system that commands it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from simulators.assembly import assemble
from simulators.scenario import Scenario
from simulators.station.connection import run_station
from tests.adapters.commanded import CHARGER, EVSE, STATIC_SAFE_W, CommandedHouse
from tests.adapters.modbus.meters import free_port
from tests.adapters.ocpp.scripted_station import MemoryJournal, Sink
from v2g_daemon.adapters.ocpp.config import CentralSystemConfig, EvseConfig, StationConfig
from v2g_daemon.adapters.ocpp.server import CentralSystem
from v2g_daemon.adapters.system.clock import ScaledClock

SPEED = 40.0
START = "2024-12-11T17:30:00+01:00"
MAX_W = 7400.0


@dataclass(slots=True, kw_only=True)
class StationHouse(CommandedHouse):
    """One over OCPP."""

    central: CentralSystem

    async def die(self) -> None:
        """The link breaks without a farewell, and nobody listens any more."""
        for desk in self.central._desks.values():
            if desk.live is not None:
                desk.live.connection.transport.abort()
        await self.stop()


@asynccontextmanager
async def station_house() -> AsyncIterator[StationHouse]:
    """A house whose central system runs."""
    port = free_port()
    scenario = {
        "clock": {"start": START, "speed": SPEED, "anchor_monotonic_s": time.monotonic()},
        "house": {"load_w": 500.0},
        "station": [
            {
                "id": CHARGER,
                "url": f"ws://127.0.0.1:{port}",
                "password": "correct horse battery",
                "phases": 1,
                "sample_interval_s": 2,
            }
        ],
        "vehicle": [{"name": "car", "soc": 0.5}],
    }
    parts = assemble(Scenario.model_validate(scenario), Path())
    clock = ScaledClock(
        start_utc=datetime.fromisoformat(START),
        speed=SPEED,
        anchor_monotonic_s=parts.clock.anchor_monotonic_s,
    )
    evse = EvseConfig(
        evse_id=EVSE,
        static_safe_current_a=STATIC_SAFE_W / 230.0,
        max_charge_w=MAX_W,
        max_discharge_w=MAX_W,
        min_charge_w=1400.0,
        min_discharge_w=1400.0,
    )
    station = StationConfig(
        station_id=CHARGER, password="correct horse battery", evses=(evse,), sample_interval_s=2
    )
    sink = Sink()
    central = CentralSystem(
        CentralSystemConfig(host="127.0.0.1", port=port, stations=(station,)),
        clock,
        sink,
        MemoryJournal(),
    )
    (evse_port,) = central.ports()
    house = StationHouse(parts=parts, port=evse_port, clock=clock, sink=sink, central=central)
    async with asyncio.TaskGroup() as group:
        house.running = group.create_task(central.run())
        serving = [group.create_task(run_station(one)) for one in parts.stations]
        try:
            yield house
        finally:
            await house.stop()
            for task in serving:
                task.cancel()
