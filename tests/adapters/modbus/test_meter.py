"""The meter over loopback: what reaches the house, and what does not."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from pymodbus.constants import ExcCodes

from tests.adapters.modbus.house import Latest, MeterOnBus, on_tcp
from tests.adapters.modbus.meters import (
    frame,
    free_port,
    hand_made_meter,
    registers_pdu,
    sunspec_meter,
)
from tests.adapters.waiting import until


@asynccontextmanager
async def running(meter: MeterOnBus) -> AsyncIterator[MeterOnBus]:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(meter.reader.run())
        try:
            yield meter
        finally:
            task.cancel()


async def test_a_reading_arrives_each_period_with_the_age_of_its_request() -> None:
    sink = Latest()
    async with sunspec_meter() as meter, running(on_tcp(meter.port, sink)):
        await until(lambda: len(sink.readings) >= 4)
    first, second, third = sink.readings[1:4]
    assert first.power_w == 2500.0
    assert first.phase_power_w == (1500.0, 1200.0, -200.0)
    assert first.voltage_v == (230.1, 231.2, 229.9)
    assert first.frequency_hz == 49.98
    assert first.import_milliwh == 1_000_000_000
    assert first.export_milliwh == 5_000_000
    assert second.observed_at.seconds_since(first.observed_at) >= 0.04
    assert third.observed_at.seconds_since(second.observed_at) >= 0.04


async def test_the_age_of_a_slow_answer_counts_from_its_request() -> None:
    async with sunspec_meter() as meter:
        one = on_tcp(meter.port, Latest())
        await one.meter.read()
        meter.delay_s = 0.12
        before = one.clock.now()
        reading = await one.meter.read()
        after = one.clock.now()
        one.bus.close()
    assert after.seconds_since(reading.observed_at) >= 0.12
    assert 0.0 <= reading.observed_at.seconds_since(before) < 0.1


async def test_an_inverted_meter_reads_import_as_positive() -> None:
    sink = Latest()
    async with sunspec_meter() as meter:
        one = on_tcp(meter.port, sink, profile="sunspec_inverted")
        await one.reader.poll()
        one.bus.close()
    assert sink.readings[0].power_w == -2500.0
    assert sink.readings[0].import_milliwh == 5_000_000


async def test_time_lapse_does_not_flood_the_meter() -> None:
    sink = Latest()
    async with (
        sunspec_meter() as meter,
        running(on_tcp(meter.port, sink, speed=3600.0, period_s=1.0)),
    ):
        await asyncio.sleep(0.5)
    assert 2 <= len(sink.readings) <= 11


async def test_a_power_that_is_not_implemented_is_no_reading_at_all() -> None:
    sink = Latest()
    async with sunspec_meter() as meter:
        meter.change(18, 0x8000)
        one = on_tcp(meter.port, sink)
        await one.reader.poll()
        one.bus.close()
    assert sink.readings == []
    assert one.reader.faults_count == 1


@pytest.mark.parametrize(
    ("offset", "register", "told"),
    [
        (16, 499, "reads a frequency of 4.99 Hz"),
        (15, 0, "reads a voltage of 2301 V"),
        (22, 4, "reads a power of 2.5e+06 W behind a fuse of 17250 W"),
    ],
    ids=["5 Hz", "2301 V", "2.5 MW"],
)
async def test_an_implausible_reading_is_refused_and_told(
    offset: int, register: int, told: str
) -> None:
    sink = Latest()
    async with sunspec_meter() as meter:
        meter.change(offset, register)
        one = on_tcp(meter.port, sink)
        await one.reader.poll()
        one.bus.close()
    assert sink.readings == []
    assert one.reader.implausible_count + one.reader.faults_count == 1
    (trouble,) = sink.troubles
    assert trouble is not None
    assert told in trouble
    assert "check profile, word order and scale" in trouble


async def test_a_busy_meter_is_logged_once_and_read_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    sink = Latest()
    caplog.set_level(logging.INFO, logger="v2g_daemon")
    async with sunspec_meter() as meter, running(on_tcp(meter.port, sink)) as one:
        await until(lambda: len(sink.readings) >= 1)
        meter.refusal = ExcCodes.DEVICE_BUSY
        await until(lambda: one.reader.faults_count >= 5)
        meter.refusal = None
        seen = len(sink.readings)
        await until(lambda: len(sink.readings) > seen)
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == 2
    assert "exception 6 (busy)" in messages[0]
    assert "reads again" in messages[1]


async def test_a_restarted_meter_is_read_again_without_help() -> None:
    sink = Latest()
    async with sunspec_meter() as meter, running(on_tcp(meter.port, sink)) as one:
        await until(lambda: len(sink.readings) >= 1)
        await meter.stop()
        await until(lambda: one.reader.faults_count >= 2)
        seen = len(sink.readings)
        await meter.start()
        await until(lambda: len(sink.readings) > seen)


async def test_a_meter_with_a_new_chain_of_models_is_walked_again() -> None:
    sink = Latest()
    async with sunspec_meter() as meter:
        one = on_tcp(meter.port, sink)
        await one.reader.poll()
        # New firmware: an empty model of two registers now stands before the meter's.
        chain = meter.registers
        chain[70:70] = [64001, 2, 0, 0]
        await meter.stop()
        await meter.start()
        await one.reader.poll()
        assert len(sink.readings) == 1
        await one.reader.poll()
        one.bus.close()
    assert [reading.power_w for reading in sink.readings] == [2500.0, 2500.0]
    assert one.reader.faults_count == 1


async def test_a_meter_that_is_not_there_ends_nothing() -> None:
    sink = Latest()
    async with running(on_tcp(free_port(), sink)) as one:
        await until(lambda: one.reader.faults_count >= 5)
    assert sink.readings == []


async def test_a_device_that_answers_zeros_is_no_meter() -> None:
    def zeros(request: bytes) -> bytes:
        return frame(request, registers_pdu(*[0] * int.from_bytes(request[10:12])))

    sink = Latest()
    async with hand_made_meter(zeros) as meter:
        one = on_tcp(meter.port, sink)
        await one.reader.poll()
        one.bus.close()
    assert sink.readings == []
    assert one.reader.faults_count == 1


async def test_stopping_the_poller_ends_its_connection() -> None:
    async with hand_made_meter(lambda _: None) as meter:
        async with running(on_tcp(meter.port, Latest())):
            await until(lambda: meter.open_connections == 1)
        await until(lambda: meter.open_connections == 0, timeout_s=1.0)
