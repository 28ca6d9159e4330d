"""`python -m simulators SCENARIO.toml`: run a scenario until told to stop."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import uvicorn

from simulators.assembly import Assembly, assemble
from simulators.chargers.service import SimulatedCharger
from simulators.clock import iso_from_s
from simulators.control import build_app
from simulators.meters.choice import MeterDevice
from simulators.recorded import RecordedDataError
from simulators.scenario import Scenario, ScenarioError, load
from simulators.station.connection import run_station
from simulators.tcp import LOOPBACK

EXIT_CONFIGURATION = 78


class HttpServer(uvicorn.Server):
    """uvicorn without its own signal handling."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the simulators."""
        yield


def main(arguments: list[str] | None = None) -> int:
    """Run a scenario and return the exit status."""
    parser = argparse.ArgumentParser(prog="simulators", description=__doc__)
    parser.add_argument("scenario", type=Path, help="TOML file, see simulators/README.md")
    parser.add_argument(
        "--until-stdin-closes", action="store_true", help="also stop at the end of stdin"
    )
    parser.add_argument("--verbose", action="store_true", help="log connections to stderr")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.DEBUG if options.verbose else logging.WARNING)
    for noisy in ("websockets", "asyncio", "uvicorn"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    try:
        scenario = load(options.scenario)
        asyncio.run(_run(scenario, options.scenario, until_stdin=options.until_stdin_closes))
    except (ScenarioError, RecordedDataError) as error:
        print(error, file=sys.stderr)
        return EXIT_CONFIGURATION
    return 0


async def _run(scenario: Scenario, path: Path, *, until_stdin: bool) -> None:
    assembly = assemble(scenario, path.parent)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if until_stdin:
        loop.add_reader(sys.stdin.fileno(), lambda: None if _stdin_lives() else stop.set())
    listener = _listen(scenario.http.port, path)
    server = HttpServer(
        uvicorn.Config(build_app(assembly.control), log_level="warning", lifespan="off")
    )
    if assembly.meter is not None:
        await _start_meter(assembly.meter, path)
    for charger in assembly.chargers:
        await _start_charger(charger, path)
    try:
        async with asyncio.TaskGroup() as tasks:
            serving = tasks.create_task(server.serve(sockets=[listener]))
            devices = [tasks.create_task(run_station(station)) for station in assembly.stations]
            if assembly.meter is not None:
                devices.append(tasks.create_task(assembly.meter.run()))
            devices += [tasks.create_task(charger.run()) for charger in assembly.chargers]
            _say_ready(assembly, listener.getsockname()[1])
            await stop.wait()
            for device in devices:
                device.cancel()
            server.should_exit = True
            await serving
    finally:
        if until_stdin:
            loop.remove_reader(sys.stdin.fileno())


def _stdin_lives() -> bool:
    return os.read(sys.stdin.fileno(), 4096) != b""


def _listen(port: int, path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port))
    except OSError as error:
        raise ScenarioError(
            f"{path}: key http.port: {port} cannot be used ({error.strerror}); choose another or 0"
        ) from error
    listener.listen()
    return listener


async def _start_meter(meter: MeterDevice, path: Path) -> None:
    try:
        await meter.start()
    except OSError as error:
        raise ScenarioError(
            f"{path}: key meter.port: {meter.port} cannot be used; choose another or 0"
        ) from error


async def _start_charger(charger: SimulatedCharger, path: Path) -> None:
    try:
        await charger.start()
    except OSError as error:
        raise ScenarioError(
            f"{path}: key charger.port: {charger.table.port} cannot be used; choose another or 0"
        ) from error


def _say_ready(assembly: Assembly, http_port: int) -> None:
    line = {
        "ready": True,
        "http_port": http_port,
        "meter_port": None if assembly.meter is None else assembly.meter.port,
        "charger_ports": {charger.table.id: charger.port for charger in assembly.chargers},
        "anchor_monotonic_s": assembly.clock.anchor_monotonic_s,
        "start_utc": iso_from_s(assembly.clock.start_s),
        "speed": assembly.clock.speed,
    }
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    sys.exit(main())
