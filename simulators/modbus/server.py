"""A Modbus server of bytes over TCP, RTU over TCP, UDP or a serial line; one object, many units."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tty
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from simulators.modbus.frames import (
    ILLEGAL_FUNCTION,
    READS,
    WRITE_MANY,
    WRITE_ONE,
    Framing,
    Question,
    refusal_pdu,
    registers_pdu,
    taken,
    written_pdu,
)
from simulators.modbus.mischief import Mischief
from simulators.tcp import LOOPBACK, TcpPort

SERIAL_READ = 512
# A serial line has no connections: what they could suffer is silence on it.
SILENCE = frozenset({"refuses", "half_open"})

Peer = tuple[str, int]


class Refused(Exception):
    """The device says no, with the code of a Modbus exception."""

    def __init__(self, code: int) -> None:
        """Keep the code."""
        super().__init__(f"exception {code}")
        self.code = code


class Device(Protocol):
    """One unit: registers by zero-based address."""

    def read(self, function_code: int, address: int, count: int) -> tuple[int, ...]:
        """Return the registers; raises Refused."""
        ...

    def write(self, address: int, values: tuple[int, ...]) -> None:
        """Take the registers; raises Refused."""
        ...


@dataclass(slots=True, kw_only=True)
class ModbusServer(TcpPort):
    """Serves the units of one line; a question to a unit that is not there is not answered.

    On a serial line, and behind a gateway, answers come in the order of the questions: one that is
    slow makes all later ones late.
    """

    units: Mapping[int, Device]
    framing: Framing = Framing.MBAP
    mischief: Mischief = field(default_factory=Mischief)
    questions: list[Question] = field(default_factory=list)

    def answer(self, question: Question) -> bytes | None:
        """The right answer to a question; None where there is no such unit."""
        self.questions.append(question)
        device = self.units.get(question.unit_id)
        if device is None:
            return None
        code = question.function_code
        try:
            if code in READS:
                registers = device.read(code, question.address, question.count)
                return registers_pdu(code, registers)
            if code not in (WRITE_ONE, WRITE_MANY):
                raise Refused(ILLEGAL_FUNCTION)
            device.write(question.address, question.values)
            return written_pdu(question)
        except Refused as refused:
            return refusal_pdu(code, refused.code)

    async def respond(self, question: Question) -> bytes:
        """What goes back on the line for a question, after its pause; maybe nothing."""
        pdu = self.answer(question)
        if pdu is None:
            return b""
        sent = self.mischief.sent(self.framing, question, pdu)
        await asyncio.sleep(sent.pause_s)
        return sent.data

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer each question in turn."""
        buffer = b""
        while data := await reader.read(SERIAL_READ):
            question, buffer = taken(self.framing, buffer + data)
            while question is not None:
                await self.send(writer, await self.respond(question))
                question, buffer = taken(self.framing, buffer)


@dataclass(slots=True, kw_only=True)
class DatagramLine:
    """A server's units over UDP: each datagram is one question; a connection is who asks."""

    server: ModbusServer
    port: int = 0
    _queue: asyncio.Queue[tuple[bytes, Peer]] = field(default_factory=asyncio.Queue, init=False)
    _transport: asyncio.DatagramTransport | None = field(default=None, init=False)
    _peers: set[Peer] = field(default_factory=set, init=False)
    _muted: set[Peer] = field(default_factory=set, init=False)

    @property
    def listening(self) -> bool:
        """Whether the port is open."""
        return self._transport is not None

    async def start(self) -> None:
        """Bind the port, any free one for 0."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: _Datagrams(self._queue), local_addr=(LOOPBACK, self.port)
        )
        self.port = self._transport.get_extra_info("sockname")[1]

    async def stop(self) -> None:
        """Release the port."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.close()

    def go_half_open(self) -> None:
        """Whoever asked until now hears nothing more; from another port he is answered."""
        self._muted |= self._peers

    async def run(self) -> None:
        """Answer until cancelled."""
        try:
            while True:
                data, peer = await self._queue.get()
                self._peers.add(peer)
                question, _ = taken(self.server.framing, data)
                if question is not None and (reply := await self.server.respond(question)):
                    self._send(reply, peer)
        finally:
            await self.stop()

    def _send(self, reply: bytes, peer: Peer) -> None:
        if self._transport is not None and peer not in self._muted:
            self._transport.sendto(reply, peer)


class _Datagrams(asyncio.DatagramProtocol):
    """Puts what arrives into a queue."""

    def __init__(self, queue: asyncio.Queue[tuple[bytes, Peer]]) -> None:
        self._queue = queue

    def datagram_received(self, data: bytes, addr: Peer) -> None:
        """Keep it for the server."""
        self._queue.put_nowait((data, addr))


@dataclass(slots=True, kw_only=True)
class SerialLine:
    """A server's units on a serial port or one end of a pseudo terminal."""

    server: ModbusServer
    path: str

    async def run(self) -> None:
        """Serve until cancelled."""
        loop = asyncio.get_running_loop()
        queue: asyncio.Queue[bytes] = asyncio.Queue()
        descriptor = os.open(self.path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(descriptor)
        loop.add_reader(descriptor, lambda: _read_into(queue, descriptor))
        buffer = b""
        try:
            while True:
                question, buffer = taken(Framing.RTU, buffer + await queue.get())
                while question is not None:
                    reply = await self.server.respond(question)
                    if not SILENCE & self.server.mischief.shown():
                        os.write(descriptor, reply)
                    question, buffer = taken(Framing.RTU, buffer)
        finally:
            loop.remove_reader(descriptor)
            os.close(descriptor)


def _read_into(queue: asyncio.Queue[bytes], descriptor: int) -> None:
    with contextlib.suppress(BlockingIOError, OSError):
        queue.put_nowait(os.read(descriptor, SERIAL_READ))
