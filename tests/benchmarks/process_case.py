"""Measure real processes: `v2g run` beside its simulators at speed 1, and the planning child.

    python -m tests.benchmarks.process_case [SECONDS]

Prints one JSON line. The house load is moved every second, so that meter, setpoint and trace have
something to say. Memory, CPU and bytes are the kernel's own figures in /proc.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.resources
import json
import os
import random
import re
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import httpx

from tests.benchmarks.tick_case import plan_question
from v2g_daemon.adapters.database.writer import DatabaseLedger
from v2g_daemon.adapters.system.trace_files import trace_paths
from v2g_daemon.app.demo.history import seeded_rows, simulated_commissioning
from v2g_daemon.app.demo.scenario import DemoHouse, DemoRun, scenario_toml
from v2g_daemon.app.demo.simulators import RunningSimulators, simulators

SECONDS_S = 180.0
WARM_UP_S = 60.0
STOP_TIMEOUT_S = 15.0
PLANS = 5
WORKER = "v2g_daemon.planning_worker"
# A child starts with the highest memory of the process that forked it: this one stays small.
LAUNCHER = f"""\
import resource, subprocess, sys
subprocess.run([sys.executable, "-m", "{WORKER}"], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
"""
DAY_S = 86_400.0
# In the dear evening: the first window ends before this quarter hour turns, the second holds it.
QUARTER_UTC = datetime(2024, 12, 11, 16, 45, tzinfo=UTC)
TURN_S = 30.0
STARTING_S = 15.0  # real; the simulated clock stands meanwhile


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """What the kernel has counted for a process, and what stands on disk."""

    cpu_s: float
    written_bytes: int
    to_disk_bytes: int
    trace_bytes: int
    decision_rows: int

    @classmethod
    def of(cls, pid: int, folder: Path) -> Counters:
        """The counters now."""
        io = dict(
            line.split(": ") for line in Path(f"/proc/{pid}/io").read_text().splitlines() if line
        )
        # The second field may hold blanks, but ends with the last bracket.
        times = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks = int(times[11]) + int(times[12])
        return cls(
            cpu_s=ticks / os.sysconf("SC_CLK_TCK"),
            written_bytes=int(io["wchar"]),
            to_disk_bytes=int(io["write_bytes"]),
            trace_bytes=sum(path.stat().st_size for path in trace_paths(folder / "trace")),
            decision_rows=_decision_rows(folder / "ledger.db"),
        )


def _decision_rows(ledger: Path) -> int:
    with contextlib.closing(sqlite3.connect(f"{ledger.as_uri()}?mode=ro", uri=True)) as connection:
        count: int = connection.execute("SELECT count(*) FROM decision").fetchone()[0]
        return count


def memory_mib(pid: int) -> dict[str, float]:
    """Resident memory now and at its highest."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = {
        name: int(kib) / 1024.0
        for name, kib in re.findall(r"^(VmRSS|VmHWM):\s+(\d+) kB", status, re.MULTILINE)
    }
    return {"rss_mib": round(found["VmRSS"], 1), "highest_rss_mib": round(found["VmHWM"], 1)}


def config_in(folder: Path, house: RunningSimulators) -> Path:
    """config/demo.toml at the simulators' ports, with the cadences of a real house."""
    source = importlib.resources.files("v2g_daemon") / "config" / "demo.toml"
    tables = tomllib.loads(source.read_text(encoding="utf-8"))
    text = source.read_text(encoding="utf-8")
    for old, new in (
        *((meter["link"], f"tcp://127.0.0.1:{house.meter_port}") for meter in tables["meter"]),
        (tables["prices"]["source"][0]["url"], f"http://127.0.0.1:{house.http_port}/price"),
    ):
        text = text.replace(f'"{old}"', f'"{new}"')
    seconds = iter((5, 1, 5))  # the station's samples, the grid meter, the PV meter
    text = re.sub(
        r"^(sample_interval_s|period_s) = \d+",
        lambda found: f"{found[1]} = {next(seconds)}",
        text,
        flags=re.MULTILINE,
    )
    path = folder / "house.toml"
    path.write_text(text, encoding="utf-8")
    return path


def environment(
    folder: Path, house: RunningSimulators, ocpp_port: int, start_utc: datetime
) -> dict[str, str]:
    """Port, paths and clock of this run, laid over the file."""
    return os.environ | {
        "V2G_CONTROL__TICK_S": "1",
        "V2G_PRICES__DIRECTORY": str(folder / "prices"),
        "V2G_OCPP__PORT": str(ocpp_port),
        "V2G_DATABASE__URL": f"sqlite:///{folder / 'ledger.db'}",
        "V2G_TRACE__DIRECTORY": str(folder / "trace"),
        "V2G_API__SOCKET": str(folder / "api.sock"),
        "V2G_CLOCK__START": start_utc.isoformat(),
        "V2G_CLOCK__SPEED": "1",
        "V2G_CLOCK__ANCHOR_MONOTONIC_S": repr(house.anchor_monotonic_s),
    }


@contextlib.contextmanager
def daemon(folder: Path, config: Path, variables: dict[str, str]) -> Iterator[int]:
    """`v2g run` for the duration of the block; its process id."""
    with (folder / "daemon.log").open("wb") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "v2g_daemon", "run", "--config", str(config)],
            env=variables,
            cwd=folder,
            stdout=log,
            stderr=log,
        )
    try:
        yield child.pid
        if child.poll() is not None:
            raise RuntimeError(f"v2g run ended early: {(folder / 'daemon.log').read_text()[-500:]}")
    finally:
        child.terminate()
        try:
            child.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


@contextlib.asynccontextmanager
async def lively(house: RunningSimulators) -> AsyncIterator[None]:
    """Move the house load every second for the duration of the block."""

    async def move() -> None:
        noise = random.Random(1)
        async with httpx.AsyncClient(timeout=5.0, trust_env=False) as client:
            while True:
                load_w = max(1500.0 + noise.gauss(0.0, 150.0), 100.0)
                await client.post(
                    f"http://127.0.0.1:{house.http_port}/house", json={"load_w": round(load_w)}
                )
                await asyncio.sleep(1.0)

    async with asyncio.TaskGroup() as tasks:
        moving = tasks.create_task(move())
        yield
        moving.cancel()


async def control_process(seconds_s: float) -> dict[str, Any]:
    """Memory, CPU and bytes of `v2g run`: a quiet window, then one that holds a quarter hour."""
    ocpp_port = free_port()
    start_utc = QUARTER_UTC - timedelta(seconds=WARM_UP_S + seconds_s + TURN_S)
    run = DemoRun(start_utc=start_utc, speed=1.0, hours=None)
    with tempfile.TemporaryDirectory(prefix="v2g-bench-") as name:
        folder = Path(name)
        _seed(folder, start_utc)
        scenario = folder / "scenario.toml"
        scenario.write_text(
            scenario_toml(
                run,
                ocpp_port=ocpp_port,
                export_limit_w=4000.0,
                anchor_monotonic_s=time.monotonic() + STARTING_S,
            ),
            encoding="utf-8",
        )
        async with simulators(scenario, folder / "simulators.log") as house, lively(house):
            variables = environment(folder, house, ocpp_port, start_utc)
            with daemon(folder, config_in(folder, house), variables) as pid:
                await _until(house, WARM_UP_S)
                first = Counters.of(pid, folder)
                started_s = time.monotonic()
                await _until(house, WARM_UP_S + seconds_s)
                second = Counters.of(pid, folder)
                lasted_s = time.monotonic() - started_s
                await asyncio.sleep(2.0 * TURN_S)
                third = Counters.of(pid, folder)
                status = await _status(folder)
                memory = memory_mib(pid)
    figures = _figures(first, second, third, lasted_s)
    return {**memory, **figures, "seconds": round(lasted_s), "status": status}


def free_port() -> int:
    """A loopback port that nobody listens on now; the station must know it before the daemon."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _seed(folder: Path, start_utc: datetime) -> None:
    ledger = DatabaseLedger(f"sqlite:///{folder / 'ledger.db'}", now_utc=start_utc)
    try:
        ledger.seed_history(seeded_rows(start_utc, currency="EUR")).result()
        ledger.commit(simulated_commissioning(DemoHouse.OCPP.charger_serial, start_utc)).result()
    finally:
        ledger.close()


async def _until(house: RunningSimulators, after_s: float) -> None:
    """Wait until so many seconds of the simulated clock have passed."""
    await asyncio.sleep(max(house.anchor_monotonic_s + after_s - time.monotonic(), 0.0))


async def _status(folder: Path) -> dict[str, Any]:
    """What the daemon did while it was measured, to be told beside the figures."""
    transport = httpx.AsyncHTTPTransport(uds=str(folder / "api.sock"))
    async with httpx.AsyncClient(transport=transport, timeout=5.0, trust_env=False) as client:
        found: dict[str, Any] = (await client.get("http://v2g-daemon/api/v1/status")).json()
    evse = found["evses"][0]
    return {
        "target_w": evse["target_w"],
        "rule": evse["reason"]["rule"],
        "planned": evse["plan"] is not None,
        "faults": [fault["code"] for fault in found["faults"]],
    }


def _figures(first: Counters, second: Counters, third: Counters, lasted_s: float) -> dict[str, Any]:
    """Per day: the quiet window scaled, plus 96 times what the quarter hour's turn added."""

    def a_day(name: str) -> float:
        steady = (getattr(second, name) - getattr(first, name)) / lasted_s
        turn = getattr(third, name) - getattr(second, name) - steady * 2.0 * TURN_S
        return float(steady * DAY_S + 96.0 * max(turn, 0.0)) / 2**20

    return {
        "cpu_percent": round((second.cpu_s - first.cpu_s) / lasted_s * 100.0, 2),
        "written_mib_a_day": round(a_day("written_bytes"), 1),
        "to_disk_mib_a_day": round(a_day("to_disk_bytes"), 1),
        "trace_mib_a_day": round(a_day("trace_bytes"), 1),
        "decisions_a_minute": round(
            (second.decision_rows - first.decision_rows) / lasted_s * 60.0, 1
        ),
    }


def planning_child(question: bytes) -> dict[str, Any]:
    """Wall time of the planning worker, `PLANS` times, and its highest resident memory."""
    times_ms, answer = [], b""
    for _ in range(PLANS):
        started_s = time.perf_counter()
        answer = subprocess.run(
            [sys.executable, "-m", WORKER], input=question, stdout=subprocess.PIPE, check=True
        ).stdout
        times_ms.append((time.perf_counter() - started_s) * 1000.0)
    launched = subprocess.run(
        [sys.executable, "-c", LAUNCHER], input=question, capture_output=True, check=True
    )
    return {
        "wall_median_ms": round(median(times_ms), 1),
        "wall_highest_ms": round(max(times_ms), 1),
        "rss_mib": round(int(launched.stderr.split()[-1]) / 1024.0, 1),
        "question_bytes": len(question),
        "plan_bytes": len(answer),
    }


def main(seconds_s: float) -> None:
    """Print the line."""
    question = asyncio.run(plan_question())
    line = {
        "control": asyncio.run(control_process(seconds_s)),
        "planning": planning_child(question),
    }
    print(json.dumps(line))


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS_S)
