"""A simulated Modbus charger with a car, and the driver that commands it, in one process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from simulators.assembly import assemble
from simulators.chargers.service import SimulatedCharger
from simulators.scenario import Scenario
from tests.adapters.commanded import CHARGER, EVSE, STATIC_SAFE_W, CommandedHouse
from tests.adapters.ocpp.scripted_station import MemoryJournal, Sink
from v2g_daemon.adapters.modbus.bus import Bus
from v2g_daemon.adapters.modbus.chargers.config import ChargerConfig
from v2g_daemon.adapters.modbus.chargers.driver import ModbusCharger
from v2g_daemon.adapters.modbus.chargers.parts import modbus_charger
from v2g_daemon.adapters.modbus.link import parse_link
from v2g_daemon.adapters.modbus.profile_file import CHARGERS
from v2g_daemon.adapters.system.clock import ScaledClock

SPEED = 40.0
WATCHDOG_S = 60
START = "2024-12-11T17:30:00+01:00"
MOST_GAP_MS = 20  # real rests between questions are the devices' wish, and slow a test


@dataclass(slots=True, kw_only=True)
class ChargerHouse(CommandedHouse):
    """One over Modbus."""

    simulated: SimulatedCharger
    driver: ModbusCharger
    journal: MemoryJournal
    bus: Bus

    @property
    def device(self) -> Any:
        """The simulated device."""
        return self.simulated.device

    def questions(self) -> list[tuple[int, int, tuple[int, ...]]]:
        """Every write so far: function code, address, values."""
        return [
            (one.function_code, one.address, one.values)
            for one in self.simulated.server.questions
            if one.values
        ]

    async def die(self) -> None:
        """Nothing gets through any more."""
        self.fault("refuses")


@asynccontextmanager
async def charger_house(
    make: str,
    *,
    speed: float = SPEED,
    soc: float = 0.5,
    plugged_in: bool = True,
    watchdog_s: int | None = WATCHDOG_S,
    timeout_s: float = 2.0,  # a busy machine halts a test for longer than a device is silent
    settings: dict[str, Any] | None = None,
    **charger: Any,
) -> AsyncIterator[ChargerHouse]:
    """A house whose driver runs; `settings` change its configuration, the rest the simulation."""
    scenario = {
        "clock": {"start": START, "speed": speed, "anchor_monotonic_s": time.monotonic()},
        "house": {"load_w": 500.0},
        "charger": [{"id": CHARGER, "make": make, **charger}],
        "vehicle": [{"name": "car", "soc": soc, "plugged_in": plugged_in}],
    }
    parts = assemble(Scenario.model_validate(scenario), Path())
    (simulated,) = parts.chargers
    await simulated.start()
    clock = ScaledClock(
        start_utc=datetime.fromisoformat(START),
        speed=speed,
        anchor_monotonic_s=parts.clock.anchor_monotonic_s,
    )
    profile = CHARGERS.load(make)
    gap_ms = min(profile.min_gap_ms, MOST_GAP_MS)
    profile = profile.model_copy(update={"min_gap_ms": gap_ms})
    armed = watchdog_s if profile.watchdog is not None or charger.get("own_timeout_s") else None
    config = ChargerConfig(
        **{
            "evse_id": EVSE,
            "profile": profile,
            "static_safe_w": STATIC_SAFE_W,
            "max_charge_w": profile.max_charge_w,
            "max_discharge_w": profile.max_discharge_w,
            "min_charge_w": profile.min_charge_w,
            "min_discharge_w": profile.min_discharge_w,
            "watchdog_s": armed,
            "period_s": profile.period_s,
            "resting_period_s": profile.resting_period_s,
            **(settings or {}),
        }
    )
    sink, journal = Sink(), MemoryJournal()
    link = "rtu+tcp" if simulated.table.link == "rtu+tcp" else "tcp"
    bus = Bus(parse_link(f"{link}://127.0.0.1:{simulated.port}?timeout={timeout_s:g}"))
    driver = modbus_charger(bus, unit_id=1, config=config, clock=clock, sink=sink, journal=journal)
    house = ChargerHouse(
        parts=parts,
        port=driver,
        simulated=simulated,
        driver=driver,
        clock=clock,
        sink=sink,
        journal=journal,
        bus=bus,
    )
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(simulated.run())
        house.running = group.create_task(driver.run())
        try:
            yield house
        finally:
            await house.stop()
            bus.close()
            serving.cancel()
