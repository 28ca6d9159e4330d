"""The simulated SunSpec meter read by a foreign SunSpec client and by plain Modbus."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from pymodbus import ModbusException
from pymodbus.client import AsyncModbusTcpClient
from sunspec2.modbus.client import SunSpecModbusClientDeviceTCP

from simulators.assembly import Assembly, assemble
from simulators.control import FaultOrder, HouseOrder
from simulators.meter import Meter
from simulators.scenario import Scenario

MeterMaker = Callable[..., Awaitable[Assembly]]
# Marker 2 + common model 68 + offset of W in model 203
W_ADDRESS = 40_000 + 2 + 68 + 18


@pytest.fixture
async def metered() -> AsyncIterator[MeterMaker]:
    """`await metered(meter={...}, house={...})` serves a meter at ten times real time."""
    tasks: list[asyncio.Task[None]] = []

    async def make(**tables: Any) -> Assembly:
        data = {
            "clock": {"start": "2024-12-11T17:30:00+01:00", "speed": 10.0},
            "house": {"load_w": 3000.0, "load_shares": [0.5, 0.3, 0.2]},
            "meter": {},
            **tables,
        }
        assembly = assemble(Scenario.model_validate(data), Path())
        assert assembly.meter is not None
        await assembly.meter.start()
        tasks.append(asyncio.get_running_loop().create_task(assembly.meter.run()))
        return assembly

    yield make
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def port_of(assembly: Assembly) -> int:
    """Where the meter listens."""
    assert isinstance(assembly.meter, Meter)
    return assembly.meter.port


async def walk(port: int, model_id: int, names: tuple[str, ...]) -> dict[str, Any]:
    """Read points with a SunSpec client that knows nothing of this project."""

    def read() -> dict[str, Any]:
        device = SunSpecModbusClientDeviceTCP(slave_id=1, ipaddr="127.0.0.1", ipport=port)
        try:
            device.scan()
            (model,) = device.models[model_id]
            return {name: model.points[name].cvalue for name in names}
        finally:
            device.close()

    return await asyncio.to_thread(read)


async def power_w(port: int) -> Any:
    """The total power register, an ExceptionResponse, or None for no answer."""
    client = AsyncModbusTcpClient("127.0.0.1", port=port, timeout=0.4, retries=0, reconnect_delay=0)
    try:
        if not await client.connect():
            return "refused"
        response = await client.read_holding_registers(W_ADDRESS, count=1, device_id=1)
        return response.exception_code if response.isError() else response.registers[0]
    except ModbusException as error:
        return type(error).__name__
    finally:
        client.close()


POINTS = ("W", "WphA", "WphB", "WphC", "PhV", "Hz", "A")


@pytest.mark.parametrize(("model", "model_id"), [("integer", 203), ("float", 213)])
async def test_a_foreign_client_reads_what_the_world_knows(
    metered: MeterMaker, model: str, model_id: int
) -> None:
    assembly = await metered(meter={"model": model})
    read = await walk(port_of(assembly), model_id, POINTS)
    assert [round(read[name], 2) for name in POINTS] == [
        3000.0,
        1500.0,
        900.0,
        600.0,
        230.0,
        50.0,
        13.04,
    ]


@pytest.mark.parametrize(
    ("inverter", "model_id", "expected"),
    [
        ("integer", 103, {"W": 600, "PhVphA": 230, "Hz": 50, "A": 2.61, "AphC": 0.87, "St": 4}),
        ("float", 113, {"W": 600, "PhVphB": 230, "Hz": 50, "AphA": 0.87, "TmpCab": None, "St": 4}),
        (
            "der",
            701,
            {"ACType": 2, "InvSt": 3, "W": 600, "LNV": 230, "Hz": 50, "WL3": 200, "VAL1": None},
        ),
    ],
)
async def test_a_foreign_client_finds_the_inverter_in_its_chain(
    metered: MeterMaker, inverter: str, model_id: int, expected: dict[str, float | None]
) -> None:
    assembly = await metered(
        house={"load_w": 3000.0, "pv_w": 600.0},
        meter={"unit_id": 2, "pv_unit_id": 1, "pv_inverter": inverter},
    )
    read = await walk(port_of(assembly), model_id, tuple(expected))
    assert read == {
        name: value if value is None else pytest.approx(value, abs=0.01)
        for name, value in expected.items()
    }


async def test_the_counters_follow_the_power_from_where_they_were_set(
    metered: MeterMaker,
) -> None:
    assembly = await metered(
        clock={"start": "2024-12-11T17:30:00+01:00", "speed": 3600.0},
        meter={"start_import_wh": 5_000_000, "start_export_wh": 777},
    )
    await asyncio.sleep(0.5)
    read = await walk(port_of(assembly), 203, ("TotWhImp", "TotWhExp"))
    truth = assembly.world.truth
    assert truth.pcc_import_wh > 1400.0
    assert read["TotWhExp"] == 777
    assert 5_001_400 < read["TotWhImp"] <= 5_000_000 + truth.pcc_import_wh


async def test_a_sign_can_be_the_other_way_round(metered: MeterMaker) -> None:
    assembly = await metered(meter={"inverted_sign": True})
    read = await walk(port_of(assembly), 203, ("W", "WphA", "TotWhImp"))
    assert (read["W"], read["WphA"]) == (-3000, -1500)
    assert read["TotWhImp"] == 200_000


async def test_a_single_phase_meter_shows_one_phase(metered: MeterMaker) -> None:
    assembly = await metered(meter={"phases": 1}, house={"load_w": 1000.0})
    read = await walk(port_of(assembly), 201, ("W", "WphA", "WphB"))
    assert read == {"W": 1000, "WphA": 1000, "WphB": None}


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        ("busy", 6),
        ("silent", "ModbusIOException"),
        ("not_implemented", 0x8000),
        ("slow", "ModbusIOException"),
    ],
)
async def test_the_meter_says_no_in_its_own_ways_and_recovers(
    metered: MeterMaker, kind: str, answer: Any
) -> None:
    assembly = await metered()
    assert await power_w(port_of(assembly)) == 3000
    assembly.control.set_fault(FaultOrder(device="meter", kind=kind))
    assert await power_w(port_of(assembly)) == answer
    assembly.control.set_fault(FaultOrder(device="meter", kind="none"))
    assert await power_w(port_of(assembly)) == 3000


async def test_a_refusing_meter_comes_back_on_the_same_port(metered: MeterMaker) -> None:
    assembly = await metered()
    port = port_of(assembly)
    assembly.control.set_fault(FaultOrder(device="meter", kind="refuses", for_s=10.0))
    await asyncio.sleep(0.3)
    assert await power_w(port) == "refused"
    await asyncio.sleep(1.0)
    assert await power_w(port) == 3000


async def test_a_frozen_meter_keeps_answering_with_the_past(metered: MeterMaker) -> None:
    assembly = await metered()
    assert await power_w(port_of(assembly)) == 3000
    assembly.control.set_fault(FaultOrder(device="meter", kind="frozen"))
    assembly.control.set_house(HouseOrder(load_w=100.0))
    await asyncio.sleep(0.3)
    assert await power_w(port_of(assembly)) == 3000
    assembly.control.set_fault(FaultOrder(device="meter", kind="none"))
    assert await power_w(port_of(assembly)) == 100


async def test_a_value_is_held_for_the_refresh_time(metered: MeterMaker) -> None:
    assembly = await metered(meter={"refresh_s": 10.0})
    assert await power_w(port_of(assembly)) == 3000
    assembly.control.set_house(HouseOrder(load_w=100.0))
    assert await power_w(port_of(assembly)) == 3000
    await asyncio.sleep(1.05)
    assert await power_w(port_of(assembly)) == 100
