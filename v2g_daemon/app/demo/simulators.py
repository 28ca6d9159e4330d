"""The simulators as a child process: started, asked for the truth, and ended by its own id."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from v2g_daemon.domain.errors import V2gDaemonError

READY_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 5.0


class SimulatorsFailed(V2gDaemonError):
    """The simulators did not start or ended early; the text is their last words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningSimulators:
    """Where the simulated house can be reached; its clock runs from `anchor_monotonic_s` on."""

    http_port: int
    meter_port: int
    charger_ports: dict[str, int]
    anchor_monotonic_s: float

    async def truth(self, path: str = "/world") -> dict[str, Any]:
        """What really happened in the simulated world."""
        async with httpx.AsyncClient(timeout=10.0, trust_env=False) as client:
            answer = await client.get(f"http://127.0.0.1:{self.http_port}{path}")
            answer.raise_for_status()
            found: dict[str, Any] = answer.json()
            return found


@contextlib.asynccontextmanager
async def simulators(scenario: Path, log: Path) -> AsyncIterator[RunningSimulators]:
    """Run `python -m simulators SCENARIO` for the duration of the block.

    In a session of its own, so that Ctrl-C in the terminal reaches only us, who still ask it.
    """
    with log.open("wb") as errors:
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "simulators",
            str(scenario),
            "--until-stdin-closes",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
        )
    try:
        yield await _ready(child, log)
    finally:
        if child.stdin is not None:
            child.stdin.close()
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await child.wait()
        except TimeoutError:
            child.kill()
            await child.wait()


async def _ready(child: asyncio.subprocess.Process, log: Path) -> RunningSimulators:
    line = b""
    if child.stdout is not None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(READY_TIMEOUT_S):
                line = await child.stdout.readline()
    try:
        ready = json.loads(line)
    except json.JSONDecodeError:
        words = _last_words(log)
        raise SimulatorsFailed(f"the simulators did not start: {words or 'no word'}") from None
    return RunningSimulators(
        http_port=ready["http_port"],
        meter_port=ready["meter_port"],
        charger_ports=ready["charger_ports"],
        anchor_monotonic_s=ready["anchor_monotonic_s"],
    )


def _last_words(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace").strip()[-500:]
