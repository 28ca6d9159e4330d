"""Runs the demo: seed a past, start the simulators, run the daemon on their clock, add up."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.resources
import json
import socket
import tomllib
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from v2g_daemon.adapters.database.writer import DatabaseLedger
from v2g_daemon.adapters.system.clock import RealClock
from v2g_daemon.adapters.system.trace_files import trace_paths
from v2g_daemon.app.composition import Parts, clock_of, compose
from v2g_daemon.app.demo.figures import figures
from v2g_daemon.app.demo.history import seeded_rows, simulated_commissioning
from v2g_daemon.app.demo.scenario import DemoHouse, DemoRun, scenario_toml
from v2g_daemon.app.demo.simulators import RunningSimulators, simulators
from v2g_daemon.app.run import run as run_daemon
from v2g_daemon.settings import Settings, load_settings, to_policy
from v2g_daemon.step.house import Outcome

# Real seconds for all parts to start while the simulated clock still stands.
STARTING_S = 8.0
PRICES = "energy-charts:NL"  # the demo's tariff calls them so
# At the end the meter is read once more, so that the last quarter hour is whole; so many looks, and
# real seconds from one to the next.
LAST_LOOKS, LOOK_AGAIN_S = 500, 0.01
# What the simulated world knows of each quarter hour, for who keeps the folder and compares.
WORLD_FILE = "world-intervals.json"


class TickCount:
    """Keeps the newest tick and counts them."""

    def __init__(self) -> None:
        self.newest: Outcome | None = None
        self.count = 0

    def __call__(self, outcome: Outcome) -> None:
        """Called by the loop once per tick."""
        self.newest = outcome
        self.count += 1

    def metered_since(self, moment_utc: datetime) -> bool:
        """Whether the meter was read at the moment or later."""
        meter = None if self.newest is None else self.newest.snapshot.meter
        return meter is not None and meter.observed_at.utc >= moment_utc


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What a view of the running demo may look at."""

    run: DemoRun
    settings: Settings
    parts: Parts
    house: RunningSimulators
    ticks: TickCount


Watcher = Callable[[Stage], Coroutine[None, None, None]]


async def run_demo(
    run: DemoRun, folder: Path, *, stop: asyncio.Event, watch: Watcher | None = None
) -> dict[str, Any]:
    """Run until the hours are over or `stop` is set, and return the figures."""
    ocpp_port = _free_port()
    base = demo_settings(run, folder, {"ocpp": {"port": ocpp_port}})
    ledger = DatabaseLedger(base.database.url, now_utc=run.start_utc)
    try:
        await _seed(ledger, run, base)
        watched_w = to_policy(base).grid.export_limit_w
        scenario = folder / "scenario.toml"
        scenario.write_text(
            scenario_toml(
                run,
                ocpp_port=ocpp_port,
                export_limit_w=0.0 if watched_w is None else watched_w,
                anchor_monotonic_s=RealClock().now().monotonic_s + STARTING_S,
            ),
            encoding="utf-8",
        )
        async with simulators(scenario, folder / "simulators.log") as house:
            settings = demo_settings(run, folder, _addresses(house, ocpp_port), house)
            found = await _play(run, settings, ledger, house, stop=stop, watch=watch)
            intervals = await house.truth("/world/intervals")
            (folder / WORLD_FILE).write_text(json.dumps(intervals), encoding="utf-8")
            return found
    finally:
        await asyncio.to_thread(ledger.close)


def demo_settings(
    run: DemoRun,
    folder: Path,
    addresses: dict[str, Any],
    house: RunningSimulators | None = None,
) -> Settings:
    """The house's file in config/ with this run's clock, tick, paths and ports laid over it."""
    with importlib.resources.as_file(
        importlib.resources.files("v2g_daemon") / "config" / f"{run.house.value}.toml"
    ) as path:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
        over: dict[str, Any] = {
            "clock": {"start": run.start_utc, "speed": run.speed},
            "control": {"tick_s": run.tick_s},
            "charger": [_charger(charger, run, house) for charger in tables["charger"]],
            "database": {"url": f"sqlite:///{folder / 'ledger.db'}"},
            "trace": {"directory": folder / "trace"},
            "api": {"socket": folder / "api.sock"},
            "prices": {"directory": folder / "prices"},
            "meter": [
                {
                    **meter,
                    "link": _moved(meter["link"], None if house is None else house.meter_port),
                    "period_s": run.tick_s if meter["role"] == "pv" else run.meter_period_s,
                }
                for meter in tables["meter"]
            ],
        }
        for section, keys in addresses.items():
            over[section] = {**over.get(section, {}), **keys}
        return load_settings(path, overrides=over)


def _charger(
    charger: dict[str, Any], run: DemoRun, house: RunningSimulators | None
) -> dict[str, Any]:
    """The charger where this run simulates it."""
    if run.house is DemoHouse.OCPP:
        return {**charger, "sample_interval_s": run.sample_interval_s}
    port = None if house is None else next(iter(house.charger_ports.values()))
    modbus = charger["modbus"]
    return {**charger, "modbus": {**modbus, "link": _moved(modbus["link"], port)}}


def _moved(link: str, port: int | None) -> str:
    """The link with another port."""
    return link if port is None else f"{link.rpartition(':')[0]}:{port}"


async def _seed(ledger: DatabaseLedger, run: DemoRun, settings: Settings) -> None:
    """28 recorded days, and commissioning records that are valid for the simulated charger."""
    rows = seeded_rows(run.start_utc, currency=settings.currency)
    if rows:
        await asyncio.wrap_future(ledger.seed_history(rows))
    await asyncio.wrap_future(
        ledger.commit(
            simulated_commissioning(run.house.charger_serial, run.start_utc - timedelta(days=1))
        )
    )


async def _play(
    run: DemoRun,
    settings: Settings,
    ledger: DatabaseLedger,
    house: RunningSimulators,
    *,
    stop: asyncio.Event,
    watch: Watcher | None,
) -> dict[str, Any]:
    ticks = TickCount()
    parts = compose(settings, clock=clock_of(settings), ledger=ledger, on_tick=ticks)
    stage = Stage(run=run, settings=settings, parts=parts, house=house, ticks=ticks)
    over = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        daemon = tasks.create_task(run_daemon(parts, over))
        view = None if watch is None else tasks.create_task(watch(stage))
        hours, truth = await _until_over(stage, stop, daemon)
        over.set()
        if view is not None:
            view.cancel()
    return await asyncio.to_thread(
        figures,
        run,
        hours=hours,
        ticks=ticks.count,
        policy=parts.policy,
        truth=truth,
        database_url=settings.database.url,
        traces=trace_paths(settings.trace.directory),
    )


async def _until_over(
    stage: Stage, stop: asyncio.Event, daemon: asyncio.Task[None]
) -> tuple[float, dict[str, Any]]:
    """Wait for the end; the hours played (whole quarter hours if stopped) and the truth then."""
    clock, run = stage.parts.clock, stage.run
    while not stop.is_set() and not daemon.done():
        played_s = (clock.now().utc - run.start_utc).total_seconds()
        left_s = float("inf") if run.hours is None else run.hours * 3600.0 - played_s
        if left_s <= 0.0:
            await _last_reading(stage, run.start_utc + timedelta(seconds=played_s + left_s))
            break
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(left_s / run.speed, 0.5)):
                await stop.wait()
    truth = await stage.house.truth()
    played_s = (clock.now().utc - run.start_utc).total_seconds()
    if run.hours is not None and played_s >= run.hours * 3600.0:
        return run.hours, truth
    return max(played_s // 900.0, 1.0) / 4.0, truth


async def _last_reading(stage: Stage, end_utc: datetime) -> None:
    """Wait until the meter was read at the end; a silent one is not waited for long."""
    for _ in range(LAST_LOOKS):
        if stage.ticks.metered_since(end_utc):
            return
        await asyncio.sleep(LOOK_AGAIN_S)


def _addresses(house: RunningSimulators, ocpp_port: int) -> dict[str, Any]:
    host = "127.0.0.1"
    return {
        "ocpp": {"port": ocpp_port},
        "prices": {
            "source": [{"name": PRICES, "url": f"http://{host}:{house.http_port}/price"}],
        },
        "clock": {"anchor_monotonic_s": house.anchor_monotonic_s},
    }


def _free_port() -> int:
    """A loopback port that nobody listens on now; the station must know it before we do."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
