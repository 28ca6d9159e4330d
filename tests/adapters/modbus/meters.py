"""Meters to talk to: a real Modbus server with SunSpec models, and one that answers by hand."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

UNIT_ID = 7
METER_ADDRESS = 40070


def chain() -> list[int]:
    """SunSpec registers from the marker on: common model, model 203 with 2 500 W, end."""
    common = [1, 66] + [0] * 66
    meter = [203, 105] + [0] * 105
    meter[2:7] = [110, 66, 53, 0xFFF7, 0xFFFF]  # 11.0 A; 6.6, 5.3, −0.9; A_SF −1
    meter[7:16] = [2304, 2301, 2312, 2299, 3990, 3990, 4000, 3980, 0xFFFF]
    meter[16:18] = [4998, 0xFFFE]
    meter[18:23] = [250, 150, 120, 0xFFEC, 1]
    meter[38:40] = [0, 5_000]
    meter[46:48] = [15, 16_960]
    meter[54] = 0
    return [0x5375, 0x6E53, *common, *meter, 0xFFFF, 0]


@dataclass(slots=True, kw_only=True)
class SunSpecMeter:
    """A Modbus server on a loopback port; `refusal` makes it say no, `delay_s` makes it slow."""

    port: int
    registers: list[int] = field(default_factory=chain)
    refusal: ExcCodes | None = None
    delay_s: float = 0.0
    _server: ModbusTcpServer | None = None

    async def start(self) -> None:
        device = SimDevice(
            id=UNIT_ID,
            simdata=[SimData(40000, values=self.registers, datatype=DataType.REGISTERS)],
            action=self._act,
        )
        self._server = ModbusTcpServer([device], address=("127.0.0.1", self.port))
        await self._server.serve_forever(background=True)

    async def stop(self) -> None:
        if self._server is not None:
            await self._server.shutdown()
            self._server = None

    def change(self, offset: int, register: int) -> None:
        """Change one register of the meter model, counted from its id."""
        self.registers[METER_ADDRESS - 40000 + offset] = register

    async def _act(self, *request: object) -> ExcCodes | None:
        _, start, _, _, registers, written = request
        await asyncio.sleep(self.delay_s)
        if written is None and isinstance(registers, list) and isinstance(start, int):
            registers[40000 - start : 40000 - start + len(self.registers)] = self.registers
        return self.refusal


@asynccontextmanager
async def sunspec_meter() -> AsyncIterator[SunSpecMeter]:
    """A running meter."""
    meter = SunSpecMeter(port=free_port())
    await meter.start()
    try:
        yield meter
    finally:
        await meter.stop()


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(slots=True, kw_only=True)
class HandMadeMeter:
    """Answers each request with the bytes that `answer` makes of it; None is silence."""

    answer: Callable[[bytes], bytes | None]
    port: int = 0
    connections: int = 0
    open_connections: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open_connections += 1
        try:
            while request := await reader.read(260):
                reply = self.answer(request)
                if reply is not None:
                    writer.write(reply)
                    await writer.drain()
        except ConnectionError:
            pass
        finally:
            self.open_connections -= 1
            writer.close()


@asynccontextmanager
async def hand_made_meter(answer: Callable[[bytes], bytes | None]) -> AsyncIterator[HandMadeMeter]:
    """A server whose every byte the test decides."""
    meter = HandMadeMeter(answer=answer)
    server = await asyncio.start_server(meter.serve, "127.0.0.1", 0)
    meter.port = server.sockets[0].getsockname()[1]
    try:
        yield meter
    finally:
        server.close()


def frame(request: bytes, pdu: bytes, *, transaction_shift: int = 0) -> bytes:
    """A Modbus TCP reply to a request: same transaction (shifted) and unit, any PDU."""
    transaction = struct.unpack(">H", request[:2])[0] + transaction_shift
    return struct.pack(">HHHB", transaction, 0, len(pdu) + 1, request[6]) + pdu


def registers_pdu(*registers: int, function_code: int = 3) -> bytes:
    """The PDU of a read reply."""
    return struct.pack(f">BB{len(registers)}H", function_code, 2 * len(registers), *registers)
