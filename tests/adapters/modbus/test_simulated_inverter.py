"""SunSpec inverters on the world's PV, read by the driver that walks their chain."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from simulators.assembly import Assembly, assemble
from simulators.control import FaultOrder, HouseOrder
from simulators.scenario import Scenario
from tests.adapters.modbus.house import Latest, on_tcp

KINDS = ("integer", "float", "der")
METER, INVERTER = 7, 9


@asynccontextmanager
async def roof(kind: str, *, phases: int = 3, **meter: object) -> AsyncIterator[Assembly]:
    """A house of 3 kW whose roof has given 600 W for an hour, and its inverter behind the meter."""
    parts = assemble(
        Scenario.model_validate(
            {
                "clock": {
                    "start": "2024-12-11T12:30:00+01:00",
                    "anchor_monotonic_s": time.monotonic() - 3600.0,
                },
                "house": {"load_w": 3000.0, "pv_w": 600.0},
                "meter": {
                    "unit_id": METER,
                    "pv_unit_id": INVERTER,
                    "pv_inverter": kind,
                    "phases": phases,
                    **meter,
                },
            }
        ),
        Path(),
    )
    assert parts.meter is not None
    await parts.meter.start()
    try:
        yield parts
    finally:
        await parts.meter.stop()


async def seen(
    parts: Assembly, *, profile: str = "sunspec_inverter", unit_id: int = INVERTER
) -> Latest:
    """What one poll of a unit gives."""
    assert parts.meter is not None
    sink = Latest()
    one = on_tcp(parts.meter.port, sink, profile=profile, unit_id=unit_id)
    await one.reader.poll()
    one.bus.close()
    return sink


@pytest.mark.parametrize("phases", [1, 3])
@pytest.mark.parametrize("kind", KINDS)
async def test_what_the_roof_gives_is_read_as_flowing_out_of_it(kind: str, phases: int) -> None:
    async with roof(kind, phases=phases) as parts:
        sink = await seen(parts)
    assert sink.troubles == []
    (reading,) = sink.readings
    assert reading.power_w == -600.0
    assert reading.frequency_hz == 50.0
    assert reading.export_milliwh == pytest.approx(600_000, abs=2_000)
    assert reading.serial == "SIM-METER-1"
    if kind != "der":  # only model 701 tells the powers of its phases, and has no single-phase twin
        assert reading.phase_power_w == ()
        assert reading.voltage_v == (230.0,) * phases
    elif phases == 3:
        assert reading.phase_power_w == (-200.0, -200.0, -200.0)
        assert reading.voltage_v == (230.0, 230.0, 230.0)


@pytest.mark.parametrize("kind", KINDS)
async def test_an_inverter_at_night_reads_nothing_but_is_there(kind: str) -> None:
    async with roof(kind) as parts:
        parts.control.set_house(HouseOrder(pv_w=0.0))
        sink = await seen(parts)
    assert sink.troubles == []
    assert sink.readings[0].power_w == 0.0


@pytest.mark.parametrize("grid", ["sunspec", "eastron_3p"])
async def test_the_meter_beside_an_inverter_keeps_its_own_map_and_sign(grid: str) -> None:
    async with roof("der", map=grid, inverted_sign=True) as parts:
        at_the_roof = await seen(parts)
        at_the_grid = await seen(parts, profile=grid, unit_id=METER)
    assert at_the_roof.readings[0].power_w == -600.0
    assert at_the_grid.readings[0].power_w == pytest.approx(-2400.0)


@pytest.mark.parametrize(
    ("kind", "fault", "said"),
    [
        ("float", "word_order", "reads a frequency of"),
        ("der", "word_order", "reads a frequency of"),
        ("integer", "not_implemented", "does not tell its power"),
        ("float", "not_implemented", "does not tell its power"),
        ("der", "not_implemented", "does not tell its power"),
        ("integer", "zeros", "no SunSpec marker"),
        ("der", "short", "sent 1 registers of 2"),
    ],
)
async def test_an_inverter_that_lies_is_refused_and_told(kind: str, fault: str, said: str) -> None:
    async with roof(kind) as parts:
        parts.control.set_fault(FaultOrder(device="meter", kind=fault))
        sink = await seen(parts)
    assert sink.readings == []
    assert said in str(sink.troubles[0])


async def test_an_inverter_with_the_wrong_sign_seems_to_take_what_it_gives() -> None:
    async with roof("integer") as parts:
        parts.control.set_fault(FaultOrder(device="meter", kind="sign"))
        sink = await seen(parts)
    assert sink.readings[0].power_w == 600.0
