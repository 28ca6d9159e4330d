"""A charger over Modbus is given back to its own app, and only while no daemon would take it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from simulators.assembly import assemble
from simulators.chargers.quasar import Quasar
from simulators.scenario import Scenario
from tests.unit.settings.files import SMALLEST, written
from v2g_daemon.app.release import release
from v2g_daemon.domain.errors import DeviceUnknown, DeviceUnreachable


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("V2G_PASSWORD_GARAGE", "secret-word")


def house(tmp_path: Path, port: int) -> Path:
    charger = f"""
[[charger]]
id = "drive"
protocol = "modbus"
max_charge_w = 7400
[charger.modbus]
link = "tcp://127.0.0.1:{port}?timeout=0.3"
profile = "wallbox-quasar-1"
[api]
socket = "{tmp_path / "api.sock"}"
"""
    return written(tmp_path, SMALLEST + charger)


@asynccontextmanager
async def a_quasar() -> AsyncIterator[tuple[int, Quasar]]:
    """One under remote control, in the middle of a charge."""
    words: dict[str, Any] = {
        "clock": {"start": "2024-12-11T17:30:00+01:00", "anchor_monotonic_s": time.monotonic()},
        "charger": [{"id": "one", "make": "wallbox-quasar-1"}],
        "vehicle": [{"name": "car", "soc": 0.5}],
    }
    (charger,) = assemble(Scenario.model_validate(words), Path()).chargers
    device = charger.device
    assert isinstance(device, Quasar)
    for address, value in ((81, 1), (82, 0), (83, 1), (88, 60), (260, 2000), (257, 1)):
        device.write(address, (value,))
    await charger.start()
    try:
        yield charger.port, device
    finally:
        await charger.server.stop()


async def test_it_is_at_rest_and_its_owners_again(tmp_path: Path) -> None:
    async with a_quasar() as (port, device):
        assert (device.remote, device.running) == (True, True)
        said = await release(house(tmp_path, port), "drive")
        assert said == "drive: Wallbox Quasar 1 is at rest and its own app's again"
        assert (device.remote, device.running, device.setpoint_w) == (False, False, 0.0)


async def test_what_is_not_there_or_not_known_is_said(tmp_path: Path) -> None:
    with pytest.raises(DeviceUnknown, match="those are: drive"):
        await release(house(tmp_path, 1), "garage")
    with pytest.raises(DeviceUnreachable):
        await release(house(tmp_path, 1), "drive")
