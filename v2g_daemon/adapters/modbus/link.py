"""One Modbus TCP link per host and port: it owns the socket, and every bad answer ends that socket.

The library's own reconnecting and retrying stay off: mixed with ours they leak sockets, and a
meter has very few. All times here are real seconds, in time-lapse too.
"""

from __future__ import annotations

import asyncio
import logging
from math import inf

from pymodbus import ModbusException
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.pdu import ModbusPDU

from v2g_daemon.domain.errors import (
    DeviceProtocolError,
    DeviceRejectedCommand,
    DeviceUnreachable,
)

READ_HOLDING_REGISTERS = 3
READ_INPUT_REGISTERS = 4
FIRST_BACKOFF_S = 0.25
LONGEST_BACKOFF_S = 5.0

# Modbus Application Protocol 1.1b3, section 7.
_EXCEPTIONS = {
    1: "illegal function",
    2: "illegal data address",
    3: "illegal data value",
    4: "device failure",
    5: "acknowledged, still working",
    6: "busy",
    10: "gateway path unavailable",
    11: "gateway target does not answer",
}


class Link:
    """Reads registers one request at a time; connects by itself, backing off 0.25 s to 5 s."""

    def __init__(self, *, host: str, port: int = 502, timeout_s: float = 1.0) -> None:
        # On each fault the library would dump frames at ERROR, every tick; whoever polls logs once.
        logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
        self._host = host
        self._port = port
        self._timeout_s = timeout_s
        self._lock = asyncio.Lock()
        self._client: AsyncModbusTcpClient | None = None
        self._failure_count = 0
        self._next_attempt_s = -inf

    @property
    def name(self) -> str:
        """Host and port, for people."""
        return f"{self._host}:{self._port}"

    async def read(
        self,
        *,
        unit_id: int,
        address: int,
        count: int,
        function_code: int = READ_HOLDING_REGISTERS,
    ) -> tuple[int, ...]:
        """Exactly `count` registers from the zero-based `address`; raises a DeviceError."""
        async with self._lock:
            self._refuse_while_backing_off()
            healthy = False
            try:
                reply = await self._answer(
                    unit_id=unit_id, address=address, count=count, function_code=function_code
                )
                if reply.isError():
                    healthy = True
                    raise DeviceRejectedCommand(f"{self.name} {_refusal(reply)}")
                registers = self._checked(reply, count=count, function_code=function_code)
                healthy = True
                return registers
            finally:
                # Whatever else happened, cancellation included, a late answer may still be on
                # its way: it must find no socket.
                self._settle(healthy=healthy)

    def close(self) -> None:
        """End the connection; a later read opens a new one."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    async def _answer(
        self, *, unit_id: int, address: int, count: int, function_code: int
    ) -> ModbusPDU:
        try:
            async with asyncio.timeout(2.0 * self._timeout_s + 0.5):
                client = await self._connected()
                if function_code == READ_INPUT_REGISTERS:
                    return await client.read_input_registers(
                        address, count=count, device_id=unit_id
                    )
                return await client.read_holding_registers(address, count=count, device_id=unit_id)
        except (ModbusException, OSError) as error:
            raise DeviceUnreachable(f"{self.name} unit {unit_id} does not answer") from error

    async def _connected(self) -> AsyncModbusTcpClient:
        if self._client is not None and self._client.connected:
            return self._client
        self.close()
        client = AsyncModbusTcpClient(
            self._host,
            port=self._port,
            timeout=self._timeout_s,
            retries=0,
            reconnect_delay=0,
            trace_packet=_readable,
        )
        self._client = client
        if not await client.connect():
            raise DeviceUnreachable(f"{self.name} accepts no connection")
        return client

    def _checked(self, reply: ModbusPDU, *, count: int, function_code: int) -> tuple[int, ...]:
        if reply.function_code != function_code:
            raise DeviceProtocolError(
                f"{self.name} answered function {reply.function_code} to {function_code}"
            )
        # The library hands over a short reply as a success.
        if len(reply.registers) != count:
            raise DeviceProtocolError(
                f"{self.name} sent {len(reply.registers)} registers of {count}"
            )
        return tuple(reply.registers)

    def _refuse_while_backing_off(self) -> None:
        wait_s = self._next_attempt_s - asyncio.get_running_loop().time()
        if wait_s > 0.0:
            raise DeviceUnreachable(f"{self.name} failed; the next attempt is in {wait_s:.1f} s")

    def _settle(self, *, healthy: bool) -> None:
        if healthy:
            self._failure_count = 0
            self._next_attempt_s = -inf
            return
        self.close()
        # Only an answer resets the count: some devices accept connections and answer nothing.
        backoff_s = min(FIRST_BACKOFF_S * 2 ** min(self._failure_count, 10), LONGEST_BACKOFF_S)
        self._failure_count += 1
        self._next_attempt_s = asyncio.get_running_loop().time() + backoff_s


def _refusal(reply: ModbusPDU) -> str:
    code = reply.exception_code
    return f"refused with exception {code} ({_EXCEPTIONS.get(code, 'unknown')})"


def _readable(sending: object, data: bytes) -> bytes:
    """What the library may decode; from an answer it cannot, it raises into the event loop."""
    if sending or len(data) < 9:
        return data
    end = 6 + int.from_bytes(data[4:6])
    pdu = data[7:end]
    if len(pdu) < 2:
        return b""
    if len(data) < end or pdu[0] in (0x80 | READ_HOLDING_REGISTERS, 0x80 | READ_INPUT_REGISTERS):
        return data
    is_read = pdu[0] in (READ_HOLDING_REGISTERS, READ_INPUT_REGISTERS)
    # Nothing to decode is no answer: the request runs into its time-out and the socket ends.
    return data if is_read and pdu[1] == len(pdu) - 2 and pdu[1] % 2 == 0 else b""
