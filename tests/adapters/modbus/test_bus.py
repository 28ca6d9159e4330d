"""The bus against a real server and against every kind of bad answer."""

from __future__ import annotations

import asyncio
import logging

import pytest
from pymodbus.constants import ExcCodes

from tests.adapters.modbus.meters import (
    UNIT_ID,
    HandMadeMeter,
    frame,
    free_port,
    hand_made_meter,
    registers_pdu,
    sunspec_meter,
)
from v2g_daemon.adapters.modbus.bus import Bus
from v2g_daemon.adapters.modbus.link import parse_link
from v2g_daemon.domain.errors import (
    DeviceProtocolError,
    DeviceRejectedCommand,
    DeviceUnreachable,
)

BEYOND_FIRST_BACKOFF_S = 0.3


async def read(bus: Bus, *, address: int = 40000, count: int = 2) -> tuple[int, ...]:
    return await bus.unit(UNIT_ID).read(address, count)


def bus_to(port: int, *, timeout_s: float = 0.2) -> Bus:
    return Bus(parse_link(f"tcp://127.0.0.1:{port}?timeout={timeout_s}"))


async def closed_by_us(meter: HandMadeMeter) -> bool:
    """Whether the meter sees every connection ended, within a second."""
    for _ in range(100):
        if meter.open_connections == 0:
            return True
        await asyncio.sleep(0.01)
    return False


@pytest.mark.parametrize("function_code", [3, 4])
async def test_registers_are_read_with_either_function(function_code: int) -> None:
    async with sunspec_meter() as meter:
        bus = bus_to(meter.port)
        registers = await bus.unit(UNIT_ID).read(40000, 2, function_code=function_code)
        assert registers == (0x5375, 0x6E53)
        bus.close()


async def test_readers_of_one_link_take_turns() -> None:
    def answer(request: bytes) -> bytes:
        return frame(request, registers_pdu(int.from_bytes(request[8:10])))

    async with hand_made_meter(answer) as meter:
        bus = bus_to(meter.port)
        async with asyncio.TaskGroup() as group:
            reads = [
                group.create_task(read(bus, address=address, count=1)) for address in range(50)
            ]
        assert [one.result() for one in reads] == [(address,) for address in range(50)]
        assert meter.connections == 1
        bus.close()


async def test_a_refusal_is_told_and_keeps_the_connection() -> None:
    busy_once = iter([b"\x83\x06"])

    def answer(request: bytes) -> bytes:
        return frame(request, next(busy_once, registers_pdu(1, 2)))

    async with hand_made_meter(answer) as meter:
        bus = bus_to(meter.port)
        with pytest.raises(DeviceRejectedCommand, match=r"exception 6 \(busy\)"):
            await read(bus)
        assert await read(bus) == (1, 2)
        assert meter.connections == 1
        bus.close()


async def test_a_hole_in_a_real_server_is_a_refusal() -> None:
    async with sunspec_meter() as meter:
        bus = bus_to(meter.port)
        with pytest.raises(DeviceRejectedCommand, match="exception 2"):
            await read(bus, address=50000)
        meter.refusal = ExcCodes.DEVICE_BUSY
        with pytest.raises(DeviceRejectedCommand, match="exception 6"):
            await read(bus)
        bus.close()


@pytest.mark.parametrize(
    "pdu",
    [
        registers_pdu(1),
        registers_pdu(1, 2, 3),
        registers_pdu(1, 2, function_code=4),
    ],
    ids=["short", "long", "another function"],
)
async def test_an_answer_to_another_question_ends_the_connection(pdu: bytes) -> None:
    async with hand_made_meter(lambda request: frame(request, pdu)) as meter:
        bus = bus_to(meter.port)
        with pytest.raises(DeviceProtocolError):
            await read(bus)
        assert await closed_by_us(meter)


async def test_a_hanging_meter_is_noticed_at_once_and_dropped() -> None:
    async with hand_made_meter(lambda _: None) as meter:
        bus = bus_to(meter.port)
        started_s = asyncio.get_running_loop().time()
        with pytest.raises(DeviceUnreachable, match="does not answer"):
            await read(bus)
        assert asyncio.get_running_loop().time() - started_s < 0.8
        assert await closed_by_us(meter)


@pytest.mark.parametrize(
    "broken",
    [
        lambda request: frame(request, registers_pdu(1, 2), transaction_shift=1),
        lambda request: frame(request, registers_pdu(1, 2))[:8],
        lambda request: frame(request, b"\x03\x08\x00"),
        lambda request: frame(request, b"\x03\x03\x00\x00\x00"),
        lambda request: frame(request, b"\x63\x00"),
        lambda request: frame(request, b"") + b"\x00\x00\x00",
        lambda request: b"HTTP/1.1 400 Bad Request\r\n\r\n",
    ],
    ids="transaction,half,byte count,odd byte count,function,empty,no Modbus".split(","),
)
async def test_a_broken_answer_is_no_answer_and_raises_nothing_else(broken, caplog) -> None:
    async with hand_made_meter(broken) as meter:
        bus = bus_to(meter.port)
        with pytest.raises(DeviceUnreachable):
            await read(bus)
        assert await closed_by_us(meter)
    assert [record.getMessage() for record in caplog.records] == []


async def test_a_late_answer_never_reaches_a_later_question() -> None:
    held: list[bytes] = []

    def answer(request: bytes) -> bytes | None:
        # The first question is answered only together with the second one.
        if not held:
            held.append(frame(request, registers_pdu(11, 11)))
            return None
        return frame(request, registers_pdu(22, 22))

    async with hand_made_meter(answer) as meter:
        bus = bus_to(meter.port)
        with pytest.raises(DeviceUnreachable):
            await read(bus)
        await asyncio.sleep(BEYOND_FIRST_BACKOFF_S)
        assert await read(bus) == (22, 22)
        assert meter.connections == 2
        bus.close()


async def test_a_cancelled_read_drops_the_connection() -> None:
    async with hand_made_meter(lambda _: None) as meter:
        bus = bus_to(meter.port, timeout_s=5.0)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await read(bus)
        assert meter.connections == 1
        assert await closed_by_us(meter)


async def test_a_silent_unit_is_left_alone_and_does_not_hammer() -> None:
    async with hand_made_meter(lambda _: None) as meter:
        bus = bus_to(meter.port, timeout_s=0.05)
        refused = 0
        until_s = asyncio.get_running_loop().time() + 1.4
        while asyncio.get_running_loop().time() < until_s:
            try:
                await read(bus)
            except DeviceUnreachable as error:
                refused += "next attempt" in str(error)
            await asyncio.sleep(0.01)
        # Attempts at 0, 0.25 and 0.75 s; the next would follow at 1.75 s.
        assert 2 <= meter.connections <= 3
        assert refused > 20


async def test_a_refused_connection_is_unreachable() -> None:
    with pytest.raises(DeviceUnreachable, match="accepts no connection"):
        await read(bus_to(free_port()))


async def test_a_restarted_meter_is_read_again_over_one_connection() -> None:
    async with sunspec_meter() as meter:
        bus = bus_to(meter.port)
        assert await read(bus) == (0x5375, 0x6E53)
        await meter.stop()
        with pytest.raises(DeviceUnreachable):
            await read(bus)
        await meter.start()
        await asyncio.sleep(BEYOND_FIRST_BACKOFF_S)
        assert await read(bus) == (0x5375, 0x6E53)
        bus.close()


async def test_the_library_keeps_quiet(caplog: pytest.LogCaptureFixture) -> None:
    async with hand_made_meter(lambda _: None) as meter:
        bus = bus_to(meter.port)
        with caplog.at_level(logging.DEBUG), pytest.raises(DeviceUnreachable):
            await read(bus)
    assert [record for record in caplog.records if record.name.startswith("pymodbus")] == []
