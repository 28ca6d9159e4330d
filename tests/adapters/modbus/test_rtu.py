"""Frames without a number: a late answer must never be taken for the next one."""

from __future__ import annotations

import asyncio

import pytest
from pymodbus import FramerType, ModbusException
from pymodbus.client import AsyncModbusTcpClient

from tests.adapters.modbus.lines import Line, network_line, serial_line
from v2g_daemon.adapters.modbus.bus import Bus, Turn
from v2g_daemon.adapters.modbus.link import parse_link
from v2g_daemon.domain.errors import DeviceError, DeviceProtocolError, DeviceUnreachable

LINES = [
    pytest.param(lambda **given: network_line(rtu=True, **given), id="rtu over tcp"),
    pytest.param(serial_line, id="serial"),
]


def bus_of(line: Line) -> Bus:
    return Bus(parse_link(line.link))


async def answered(bus: Bus, address: int, count: int = 2) -> tuple[int, ...]:
    """The registers as soon as the bus asks again; a test's time-out ends a wait for ever."""
    while True:
        try:
            return await bus.unit(1).read(address, count)
        except DeviceUnreachable:
            await asyncio.sleep(0.02)


async def test_the_library_alone_gives_late_answers_to_later_questions() -> None:
    """What the bus is built around, shown on the very same line."""
    async with network_line(rtu=True) as line:
        client = AsyncModbusTcpClient(
            "127.0.0.1",
            port=line.server.port,
            framer=FramerType.RTU,
            timeout=0.3,
            retries=0,
            reconnect_delay=0,
        )
        assert await client.connect()
        line.shown.once = ["slow"]
        with pytest.raises(ModbusException):
            await client.read_holding_registers(100, count=2, device_id=1)
        asked_for_200 = await client.read_holding_registers(200, count=2, device_id=1)
        client.close()
    assert asked_for_200.registers == [100, 101]


@pytest.mark.parametrize("open_line", LINES)
async def test_after_a_late_answer_the_next_ones_are_right(open_line) -> None:
    async with open_line() as line:
        bus = bus_of(line)
        line.shown.once = ["slow"]
        with pytest.raises(DeviceUnreachable):
            await bus.unit(1).read(100, 2)
        for address in (200, 300, 400):
            assert await answered(bus, address) == (address, address + 1)
        bus.close()


@pytest.mark.parametrize("open_line", LINES)
async def test_after_a_cancelled_question_the_next_ones_are_right(open_line) -> None:
    async with open_line(timeout_s=1.0, slow_s=0.3) as line:
        bus = bus_of(line)
        line.shown.once = ["slow"]
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await bus.unit(1).read(100, 2)
        for address in (200, 300):
            assert await answered(bus, address) == (address, address + 1)
        bus.close()


async def test_an_answer_later_than_the_silence_is_known_by_its_length() -> None:
    async with serial_line(timeout_s=0.2, slow_s=0.55) as line:
        bus = bus_of(line)
        line.shown.once = ["slow"]
        with pytest.raises(DeviceUnreachable):
            await bus.unit(1).read(100, 2)
        found: list[tuple[int, ...]] = []
        while len(found) < 3:
            try:
                found.append(await bus.unit(1).read(200, 4))
            except DeviceError:
                await asyncio.sleep(0.02)
        assert found == [(200, 201, 202, 203)] * 3
        bus.close()


async def test_a_late_answer_of_another_function_is_refused() -> None:
    async with network_line(rtu=True) as line:
        bus = bus_of(line)
        await bus.unit(1).read(100, 2, function_code=4)
        line.shown.once = ["previous"]
        with pytest.raises(DeviceProtocolError, match="answered function 4 to 3"):
            await bus.unit(1).read(200, 2, function_code=3)
        bus.close()


async def test_the_bus_is_silent_for_as_long_as_an_answer_may_come() -> None:
    async with serial_line(timeout_s=0.4) as line:
        bus = bus_of(line)
        loop = asyncio.get_running_loop()
        line.shown.once = ["silent"]
        with pytest.raises(DeviceUnreachable):
            await bus.unit(1).read(100, 2)
        lost_s = loop.time()
        # The other unit did nothing wrong, and yet must wait: it shares the line.
        assert await bus.unit(2).read(300, 2) == (300, 301)
        assert loop.time() - lost_s >= 0.4
        bus.close()


@pytest.mark.parametrize("kind", ["half", "bad_checksum", "wrong_unit", "silent"])
@pytest.mark.parametrize("open_line", LINES)
async def test_a_spoiled_answer_is_no_answer(open_line, kind: str) -> None:
    async with open_line(timeout_s=0.15) as line:
        bus = bus_of(line)
        line.shown.once = [kind]
        with pytest.raises(DeviceUnreachable):
            await bus.unit(1).read(100, 2)
        assert await answered(bus, 200) == (200, 201)
        assert bus.counts.failures == 1
        bus.close()


@pytest.mark.parametrize("open_line", LINES)
async def test_noise_around_an_answer_does_no_harm(open_line) -> None:
    async with open_line() as line:
        bus = bus_of(line)
        line.shown.kinds = {"noise"}
        assert await bus.unit(1).read(100, 2) == (100, 101)
        await bus.unit(1).write_register(260, 0xF448)
        assert line.devices[1].written == [(260, (0xF448,))]
        bus.close()


async def test_a_short_answer_is_refused() -> None:
    async with network_line(rtu=True) as line:
        bus = bus_of(line)
        line.shown.once = ["short"]
        with pytest.raises(DeviceProtocolError, match="sent 3 registers of 4"):
            await bus.unit(1).read(100, 4)
        bus.close()


async def test_a_line_that_echoes_says_how_to_configure_it() -> None:
    async with serial_line(timeout_s=0.15) as line:
        bus = bus_of(line)
        line.shown.kinds = {"echo"}
        with pytest.raises(DeviceProtocolError, match="add echo=1 to the link"):
            await bus.unit(1).read(100, 2)
        bus.close()


async def test_a_line_known_to_echo_is_read_and_its_echo_confirms_no_write() -> None:
    async with serial_line(timeout_s=0.15, options="&echo=1") as line:
        bus = bus_of(line)
        line.shown.kinds = {"echo"}
        assert await bus.unit(1).read(100, 2) == (100, 101)
        await bus.unit(1).write_register(260, 3000)
        await bus.unit(1).write_registers(300, (1, 2))
        assert line.devices[1].written == [(260, (3000,)), (300, (1, 2))]
        # The echo alone is just what a confirmation looks like, and confirms nothing.
        line.shown.kinds = {"echo_alone"}
        with pytest.raises(DeviceUnreachable):
            await bus.unit(1).write_register(260, 7400)
        bus.close()


async def test_two_units_share_a_serial_line() -> None:
    async with serial_line() as line:
        bus = bus_of(line)
        async with asyncio.TaskGroup() as group:
            reads = [
                group.create_task(bus.unit(unit).read(address, 3))
                for unit, address in ((1, 10), (2, 20), (1, 30), (2, 40))
            ]
        assert [one.result()[0] for one in reads] == [10, 20, 30, 40]
        assert bus.counts.connections == 1
        bus.close()


async def test_a_setpoint_goes_before_everything_that_waits() -> None:
    async with network_line(rtu=True, timeout_s=1.0, slow_s=0.2) as line:
        bus = bus_of(line)
        await bus.unit(1).read(1, 1)
        line.shown.once = ["slow"]
        async with asyncio.TaskGroup() as group:
            group.create_task(bus.unit(1).read(100, 2))
            await asyncio.sleep(0.05)
            group.create_task(bus.unit(1).read(200, 2, turn=Turn.SLOW))
            group.create_task(bus.unit(2).read(300, 2))
            group.create_task(bus.unit(2).write_register(260, 3000))
        assert line.asked == [1, 100, 260, 300, 200]
        bus.close()
