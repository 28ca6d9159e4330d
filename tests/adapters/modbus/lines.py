"""Lines to talk over: simulated devices of bytes on a network, and on a pair of serial ports."""

from __future__ import annotations

import asyncio
import os
import tty
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

from simulators.modbus.frames import ILLEGAL_ADDRESS, Framing
from simulators.modbus.mischief import Mischief
from simulators.modbus.server import ModbusServer, Refused, SerialLine

HIGHEST = 0x8000


@dataclass(slots=True)
class Addresses:
    """A device whose registers hold their own addresses, and that notes what is written."""

    written: list[tuple[int, tuple[int, ...]]] = field(default_factory=list)

    def read(self, function_code: int, address: int, count: int) -> tuple[int, ...]:
        if address >= HIGHEST:
            raise Refused(ILLEGAL_ADDRESS)
        return tuple(range(address, address + count))

    def write(self, address: int, values: tuple[int, ...]) -> None:
        self.written.append((address, values))


@dataclass(slots=True)
class Shown:
    """The faults of a line; `once` are shown to one answer each."""

    kinds: set[str] = field(default_factory=set)
    once: list[str] = field(default_factory=list)

    def __call__(self) -> frozenset[str]:
        one = {self.once.pop(0)} if self.once else set()
        return frozenset(self.kinds | one)


@dataclass(slots=True, kw_only=True)
class Line:
    """A server with units 1 and 2, its faults, and how a bus finds it."""

    server: ModbusServer
    shown: Shown
    link: str
    devices: dict[int, Addresses]

    @property
    def asked(self) -> list[int]:
        """The addresses asked for, in order."""
        return [question.address for question in self.server.questions]


def a_server(
    framing: Framing, shown: Shown, *, slow_s: float
) -> tuple[ModbusServer, dict[int, Addresses]]:
    devices = {1: Addresses(), 2: Addresses()}
    server = ModbusServer(
        units=devices, framing=framing, mischief=Mischief(shown=shown, slow_s=slow_s)
    )
    return server, devices


@asynccontextmanager
async def network_line(
    *, rtu: bool = False, timeout_s: float = 0.3, slow_s: float = 0.36
) -> AsyncIterator[Line]:
    """Modbus TCP, or RTU frames over TCP."""
    shown = Shown()
    server, devices = a_server(Framing.RTU if rtu else Framing.MBAP, shown, slow_s=slow_s)
    await server.start()
    scheme = "rtu+tcp" if rtu else "tcp"
    link = f"{scheme}://127.0.0.1:{server.port}?timeout={timeout_s}"
    try:
        yield Line(server=server, shown=shown, link=link, devices=devices)
    finally:
        await server.stop()


@asynccontextmanager
async def serial_line(
    *, timeout_s: float = 0.3, slow_s: float = 0.36, options: str = ""
) -> AsyncIterator[Line]:
    """RTU on one end of a pair of pseudo terminals; the link is the other end."""
    shown = Shown()
    server, devices = a_server(Framing.RTU, shown, slow_s=slow_s)
    with terminal_pair() as (ours, theirs):
        async with asyncio.TaskGroup() as group:
            task = group.create_task(SerialLine(server=server, path=theirs).run())
            link = f"rtu://{ours}?timeout={timeout_s}{options}"
            try:
                yield Line(server=server, shown=shown, link=link, devices=devices)
            finally:
                task.cancel()


@contextmanager
def terminal_pair() -> Iterator[tuple[str, str]]:
    """Two serial ports joined by a wire."""
    loop = asyncio.get_running_loop()
    pairs = [os.openpty(), os.openpty()]
    for master, slave in pairs:
        tty.setraw(slave)
        os.set_blocking(master, False)
    (left, left_slave), (right, right_slave) = pairs
    loop.add_reader(left, lambda: _carry(left, right))
    loop.add_reader(right, lambda: _carry(right, left))
    try:
        yield os.ttyname(left_slave), os.ttyname(right_slave)
    finally:
        for master, slave in pairs:
            loop.remove_reader(master)
            os.close(slave)
            os.close(master)


def _carry(source: int, sink: int) -> None:
    try:
        os.write(sink, os.read(source, 512))
    except OSError:
        return
