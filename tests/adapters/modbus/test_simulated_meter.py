"""The meter on the simulated one, which serves each map from a table of its own."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from simulators.assembly import Assembly, assemble
from simulators.faults import Fault
from simulators.scenario import Scenario
from tests.adapters.modbus.house import Latest, on_tcp


@asynccontextmanager
async def simulated(**meter: object) -> AsyncIterator[tuple[Assembly, int]]:
    """A house of 3 kW with 600 W of PV, its meter listening, and the meter's port."""
    parts = assemble(
        Scenario.model_validate(
            {
                "clock": {
                    "start": "2024-12-11T17:30:00+01:00",
                    "anchor_monotonic_s": time.monotonic(),
                },
                "house": {"load_w": 3000.0, "pv_w": 600.0},
                "meter": meter,
            }
        ),
        Path(),
    )
    assert parts.meter is not None
    await parts.meter.start()
    try:
        yield parts, parts.meter.port
    finally:
        await parts.meter.stop()


@pytest.mark.parametrize("model", ["integer", "float"])
@pytest.mark.parametrize(("inverted", "profile"), [(False, "sunspec"), (True, "sunspec_inverted")])
async def test_the_simulated_meter_reads_as_its_world(
    model: str, inverted: bool, profile: str
) -> None:
    sink = Latest()
    async with simulated(model=model, inverted_sign=inverted) as (_, port):
        one = on_tcp(port, sink, profile=profile, unit_id=1)
        await one.reader.poll()
        one.bus.close()
    (reading,) = sink.readings
    assert reading.power_w == 2400.0
    assert reading.phase_power_w == pytest.approx((800.0, 800.0, 800.0))
    assert reading.voltage_v == pytest.approx((230.0, 230.0, 230.0))
    assert reading.frequency_hz == 50.0
    assert reading.import_milliwh is not None
    assert 1_000_000_000 <= reading.import_milliwh < 1_000_010_000
    assert reading.export_milliwh == 200_000_000


async def test_a_single_phase_meter_has_one_phase() -> None:
    sink = Latest()
    async with simulated(phases=1) as (_, port):
        one = on_tcp(port, sink, unit_id=1)
        await one.reader.poll()
        one.bus.close()
    assert sink.readings[0].phase_power_w == (2400.0,)


@pytest.mark.parametrize("kind", ["busy", "not_implemented", "slow"])
async def test_a_meter_that_says_no_gives_no_reading_and_one_that_recovers_does(
    kind: str,
) -> None:
    sink = Latest()
    async with simulated() as (parts, port):
        one = on_tcp(port, sink, unit_id=1)
        await one.reader.poll()
        parts.faults.add(Fault(device="meter", kind=kind, from_s=parts.clock.start_s, until_s=None))
        await one.reader.poll()
        assert (len(sink.readings), one.reader.faults_count) == (1, 1)
        parts.faults.clear("meter")
        one.bus.unit(1).silence.worked()
        await one.reader.poll()
        one.bus.close()
    assert len(sink.readings) == 2


async def test_floats_with_their_words_exchanged_are_refused() -> None:
    sink = Latest()
    async with simulated(model="float") as (parts, port):
        parts.faults.add(
            Fault(device="meter", kind="word_order", from_s=parts.clock.start_s, until_s=None)
        )
        one = on_tcp(port, sink, unit_id=1)
        await one.reader.poll()
        one.bus.close()
    assert sink.readings == []
    assert "reads a frequency of" in str(sink.troubles[0])
