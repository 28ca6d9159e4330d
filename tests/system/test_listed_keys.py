"""Without the daemon a listed key charges, and no other where the owner wants none."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.adapters.ocpp.test_simulated_station import House, house
from v2g_daemon.adapters.ocpp.authorization.keys import ChargeKey, KeyRing

RING = KeyRing(keys=(ChargeKey(name="badge", id_token="LISTED-1"),), accept_unknown=False)
CLOSED_LOOKS = 20


async def eventually(holds: Callable[[], Awaitable[bool]]) -> None:
    """Ask until it is so."""
    for _ in range(150):
        if await holds():
            return
        await asyncio.sleep(0.2)
    raise AssertionError("it did not happen")


async def in_step(found: House) -> None:
    """The station holds the owner's keys."""
    desk = found.central.installer_desk()

    async def agreed() -> bool:
        return (await desk.keys("S1")).in_step

    await eventually(agreed)


async def arrives(found: House, id_token: str) -> None:
    """Another car is plugged in, and its transaction begins."""
    await found.post("/vehicle", {"action": "unplug"})
    await found.post("/vehicle", {"action": "arrive", "soc": 0.3, "id_token": id_token})

    async def begun() -> bool:
        shown = (await found.world())["stations"]["S1"]
        return shown["transaction_id"] is not None

    await eventually(begun)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("version", ["ocpp2.1", "ocpp2.0.1", "ocpp1.6"])
async def test_a_listed_key_charges_at_the_safe_current_while_the_daemon_is_down(
    tmp_path: Path, version: str
) -> None:
    async with house(tmp_path, version, key_ring=RING) as found:
        await in_step(found)
        await found.kill()
        await arrives(found, "listed-1")

        async def safely_charging() -> bool:
            power_w: float = (await found.world())["evse_power_w"]
            return power_w == 2300.0  # 10 A on one phase

        await eventually(safely_charging)


@pytest.mark.timeout(120)
async def test_an_unknown_key_does_not_where_the_owner_wants_none(tmp_path: Path) -> None:
    async with house(tmp_path, "ocpp2.1", key_ring=RING) as found:
        await in_step(found)
        await found.kill()
        await arrives(found, "STRANGER-1")
        for _ in range(CLOSED_LOOKS):
            assert (await found.world())["evse_power_w"] == 0.0
            await asyncio.sleep(0.2)
