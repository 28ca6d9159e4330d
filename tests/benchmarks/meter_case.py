"""Measure a meter over loopback: CPU, sample to decision, recovery, sockets left over.

    python -m tests.benchmarks.meter_case [--seconds 20] [--reconnects 1000]

The simulated meter (a Carlo Gavazzi map, two blocks a reading) lives in a process of its own. A
sample's age at its decision is from its request to the end of `decide`, which follows at once.
Prints one JSON line.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import httpx

from tests.builders import a_memory, a_policy, a_snapshot
from v2g_daemon.adapters.modbus.bus import Bus
from v2g_daemon.adapters.modbus.link import parse_link
from v2g_daemon.adapters.modbus.meter import ModbusMeter
from v2g_daemon.adapters.modbus.profile_file import load_profile
from v2g_daemon.adapters.system.clock import RealClock
from v2g_daemon.control.decide import decide
from v2g_daemon.domain.errors import DeviceUnreachable
from v2g_daemon.domain.readings import MeterReading
from v2g_daemon.runtime.meter_reader import MeterPlace, MeterReader

PROFILE = "cg_em3xx"
OUTAGE_S = 2.0
WARM_UP_S = 1.0
SCENARIO = f"""\
[house]
load_w = 500
[meter]
map = "{PROFILE}"
refresh_s = 0.1
"""


@dataclass(slots=True)
class Decider:
    """A MeterSink that decides on each reading at once, and notes how old it was then."""

    ages_ms: list[float] = field(default_factory=list)
    awaited_from_s: float = float("inf")
    arrived_s: float = 0.0
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    clock: RealClock = field(default_factory=RealClock)

    def put_meter(self, meter_id: str, reading: MeterReading) -> None:
        """Decide now."""
        snapshot = replace(a_snapshot(meter=reading), now=self.clock.now())
        decide(a_memory(), snapshot, a_policy())
        self.ages_ms.append(1000.0 * self.clock.now().seconds_since(reading.observed_at))
        if time.monotonic() >= self.awaited_from_s and not self.arrived.is_set():
            self.arrived_s = time.monotonic()
            self.arrived.set()

    def put_meter_trouble(self, meter_id: str, trouble: str | None) -> None:
        """Nothing to measure."""

    def put_upstream(self, evse_id: str, reading: MeterReading) -> None:
        """Nothing to measure."""


@asynccontextmanager
async def simulated_meter() -> AsyncIterator[dict[str, Any]]:
    """The simulators' ready line while they run."""
    with tempfile.TemporaryDirectory() as folder:
        scenario = Path(folder) / "scenario.toml"
        scenario.write_text(SCENARIO)
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "simulators", str(scenario), stdout=asyncio.subprocess.PIPE
        )
        try:
            assert child.stdout is not None
            yield json.loads(await child.stdout.readline())
        finally:
            child.terminate()
            await child.wait()


def a_reader(port: int, sink: Decider, period_s: float) -> MeterReader:
    bus = Bus(parse_link(f"tcp://127.0.0.1:{port}"))
    meter = ModbusMeter(unit=bus.unit(1), profile=load_profile(PROFILE), clock=sink.clock)
    place = MeterPlace(meter_id="grid", period_s=period_s, main_fuse_w=17_250.0)
    return MeterReader(meter=meter, place=place, clock=sink.clock, sink=sink)


async def at_rate(port: int, hertz: float, seconds_s: float) -> dict[str, Any]:
    """CPU of reading and deciding, and the age of samples when they are decided on."""
    sink = Decider()
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(a_reader(port, sink, 1.0 / hertz).run())
        await asyncio.sleep(WARM_UP_S)
        first, cpu_s, began_s = len(sink.ages_ms), time.process_time(), time.monotonic()
        await asyncio.sleep(seconds_s)
        cpu_s, passed_s = time.process_time() - cpu_s, time.monotonic() - began_s
        reading.cancel()
    ages_ms = sink.ages_ms[first:]
    return {
        "hertz": hertz,
        "samples": len(ages_ms),
        "cpu_percent": 100.0 * cpu_s / passed_s,
        "age_median_ms": median(ages_ms),
        "age_p99_ms": quantiles(ages_ms, n=100)[-1],
    }


async def recovered_s(ready: dict[str, Any]) -> float:
    """From the end of an outage to the first decision on a new sample."""
    sink = Decider()
    order = {"device": "meter", "kind": "refuses", "for_s": OUTAGE_S}
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(a_reader(ready["meter_port"], sink, 0.1).run())
        await asyncio.sleep(WARM_UP_S)
        async with httpx.AsyncClient(trust_env=False) as client:
            await client.post(f"http://127.0.0.1:{ready['http_port']}/faults", json=order)
        sink.awaited_from_s = time.monotonic() + OUTAGE_S
        await sink.arrived.wait()
        reading.cancel()
    return sink.arrived_s - sink.awaited_from_s


async def left_over(port: int, reconnects: int) -> int:
    """File descriptors more than before, after so many connections that were made and dropped."""
    bus = Bus(parse_link(f"tcp://127.0.0.1:{port}"))
    await bus.unit(1).read(0x28, 2, function_code=4)
    before = len(os.listdir("/proc/self/fd"))
    while bus.counts.connections <= reconnects:
        bus.close()
        try:
            await bus.unit(1).read(0x28, 2, function_code=4)
        except DeviceUnreachable:
            await asyncio.sleep(0.3)
    await asyncio.sleep(0.1)
    after = len(os.listdir("/proc/self/fd"))
    bus.close()
    return after - before


async def measured(seconds_s: float, reconnects: int) -> dict[str, Any]:
    """All of it, one after the other."""
    async with simulated_meter() as ready:
        port = ready["meter_port"]
        return {
            "rates": [await at_rate(port, hertz, seconds_s) for hertz in (1.0, 10.0)],
            "outage_s": OUTAGE_S,
            "recovery_s": await recovered_s(ready),
            "reconnects": reconnects,
            "sockets_left": await left_over(port, reconnects),
        }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--reconnects", type=int, default=1000)
    options = parser.parse_args()
    print(json.dumps(asyncio.run(measured(options.seconds, options.reconnects))))


if __name__ == "__main__":
    main()
