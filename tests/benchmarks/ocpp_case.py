"""Measure the central system over loopback: messages a second, many stations, setpoint latency.

    python -m tests.benchmarks.ocpp_case [--messages 3000] [--seconds 64]

The stations run in a process of their own. Latency is from `command` to the arrival of the
SetChargingProfile at the station, on the one monotonic clock of the machine. Prints one JSON line.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import resource
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from statistics import median, quantiles
from typing import Any

from tests.adapters.ocpp.scripted_station import MemoryJournal, Sink
from tests.benchmarks.ocpp_load import RATE_STATIONS
from v2g_daemon.adapters.ocpp import (
    CentralSystem,
    CentralSystemConfig,
    EvseConfig,
    OcppVersion,
    StationConfig,
)
from v2g_daemon.adapters.system.clock import RealClock
from v2g_daemon.domain.power import PowerRange
from v2g_daemon.domain.setpoint import Authority, Reason, Setpoint

RATES = [(version, values) for version in OcppVersion for values in (1, 5, 12)]
SETTLING_S = 8.0
REASON = Reason(authority=Authority.PLAN, rule="benchmark", detail="a benchmark")


class TrustedClock(RealClock):
    """The machine's clock, believed."""

    def trusted(self) -> bool:
        """Stations are accepted at once."""
        return True


@asynccontextmanager
async def serving(stations: int) -> AsyncIterator[CentralSystem]:
    """A central system for so many stations."""
    config = CentralSystemConfig(
        stations=tuple(
            StationConfig(
                station_id=f"S{number + 1}",
                password="benchmark-password",
                evses=(
                    EvseConfig(
                        evse_id=f"evse {number + 1}",
                        static_safe_current_a=6.0,
                        max_charge_w=7400.0,
                    ),
                ),
            )
            for number in range(stations)
        ),
    )
    central = CentralSystem(config, TrustedClock(), Sink(), MemoryJournal())
    async with asyncio.TaskGroup() as group:
        running = group.create_task(central.run())
        await central.listening()
        yield central
        running.cancel()


@asynccontextmanager
async def load(*words: object) -> AsyncIterator[asyncio.subprocess.Process]:
    """The stations' process."""
    yield await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.benchmarks.ocpp_load",
        *map(str, words),
        stdout=asyncio.subprocess.PIPE,
    )


async def answered(process: asyncio.subprocess.Process) -> dict[str, Any]:
    """Its JSON line."""
    told, _ = await process.communicate()
    found: dict[str, Any] = json.loads(told)
    return found


async def rates(messages: int) -> list[dict[str, Any]]:
    """Messages a second and CPU a message, for each version and size."""
    found = []
    for version, values in RATES:
        async with serving(RATE_STATIONS) as central:
            cpu_s = time.process_time()
            words = ("rate", central.bound_port, version.value, values, messages)
            async with load(*words) as process:
                told = await answered(process)
            cpu_ms = (time.process_time() - cpu_s) / messages * 1000.0
            found.append({"version": version.number, "values": values, "cpu_ms": cpu_ms, **told})
    return found


async def home(stations: int, seconds: float, interval_s: float) -> dict[str, Any]:
    """CPU and memory with so many stations, and how long a setpoint takes to the first of them."""
    sent: list[float] = []
    async with serving(stations) as central:
        words = ("home", central.bound_port, stations, seconds, interval_s)
        async with load(*words) as process:
            await asyncio.sleep(SETTLING_S + stations * 0.02)
            cpu_s, began_s = time.process_time(), time.monotonic()
            port, clock = central.ports()[0], TrustedClock()
            target_w = 2000.0
            while time.monotonic() - began_s < seconds - 2.0 * SETTLING_S:
                target_w = 3000.0 if target_w == 2000.0 else 2000.0
                now = clock.now()
                sent.append(time.monotonic())
                port.command(
                    Setpoint(
                        target_w=target_w,
                        permitted=PowerRange(lowest_w=0.0, highest_w=7400.0),
                        reason=REASON,
                        issued_at=now,
                        expires_at=now.later(900.0),
                    )
                )
                await asyncio.sleep(0.25)
            lasted_s = time.monotonic() - began_s
            cpu_percent = (time.process_time() - cpu_s) / lasted_s * 100.0
            told = await answered(process)
    taken_ms = _latencies_ms(sent, told["setpoints_s"])
    return {
        "stations": stations,
        "cpu_percent": cpu_percent,
        "rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0,
        "latency_median_ms": median(taken_ms),
        "latency_p99_ms": quantiles(taken_ms, n=100)[98],
        "setpoints": len(taken_ms),
    }


def _latencies_ms(sent: list[float], arrived: list[float]) -> list[float]:
    """From each command to the next arrival before the command after it."""
    found = []
    for number, at_s in enumerate(sent):
        ends_s = sent[number + 1] if number + 1 < len(sent) else at_s + 0.25
        first = next((one for one in arrived if at_s <= one < ends_s), None)
        if first is not None:
            found.append((first - at_s) * 1000.0)
    return found


async def measured(messages: int, seconds: float) -> dict[str, Any]:
    """Everything, one after the other."""
    return {
        "rates": await rates(messages),
        "homes": [
            await home(2, seconds, 5.0),
            await home(20, seconds, 10.0),
            await home(200, seconds, 10.0),
        ],
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=3000)
    parser.add_argument("--seconds", type=float, default=64.0)
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    print(json.dumps(asyncio.run(measured(options.messages, options.seconds))))
