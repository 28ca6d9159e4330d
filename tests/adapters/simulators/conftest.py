"""Simulated stations and a plain central system in one event loop."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from simulators.assembly import assemble
from simulators.station.connection import run_station
from tests.adapters.simulators.central import (
    Bench,
    Central,
    Json,
    default_answers,
    listening,
    scenario_of,
)

BenchMaker = Callable[..., Awaitable[Bench]]


@pytest.fixture
async def bench() -> AsyncIterator[BenchMaker]:
    """`await bench(answers={...}, station={...})` runs a station against a central system."""
    stack: list[Any] = []

    async def make(answers: dict[str, Json] | None = None, **tables: Any) -> Bench:
        central = Central(answers={**default_answers(), **(answers or {})})
        opened = listening(central, ["ocpp2.1", "ocpp2.0.1", "ocpp1.6"])
        stack.append(opened)
        await opened.__aenter__()
        assembly = assemble(scenario_of(central.port, **tables), Path())
        task = asyncio.get_running_loop().create_task(run_station(assembly.stations[0]))
        stack.append(task)
        return Bench(central=central, assembly=assembly)

    yield make
    for part in reversed(stack):
        if isinstance(part, asyncio.Task):
            part.cancel()
            await asyncio.gather(part, return_exceptions=True)
        else:
            await part.__aexit__(None, None, None)


@pytest.fixture
def basic() -> Callable[[str, str], str]:
    """The Authorization header of HTTP Basic."""
    return lambda user, password: "Basic " + b64encode(f"{user}:{password}".encode()).decode()
