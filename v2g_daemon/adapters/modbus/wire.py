"""One connection: the only module that knows the Modbus library.

Its reconnecting and retrying stay off: mixed with ours they leak sockets, and on an RTU line a
retry makes the surplus answer that every later question is then given. A connection serves until
the first thing that is not the answer to its question; the next one is a new client. All times
here are real seconds, in time-lapse too.
"""

from __future__ import annotations

import logging
import ssl
from dataclasses import dataclass

from pymodbus import FramerType, ModbusException
from pymodbus.client.base import ModbusBaseClient
from pymodbus.pdu import ModbusPDU
from pymodbus.pdu.register_message import (
    WriteMultipleRegistersResponse,
    WriteSingleRegisterResponse,
)
from pymodbus.transport import CommParams, CommType

from v2g_daemon.adapters.modbus.frames import (
    READ_INPUT_REGISTERS,
    WRITE_REGISTER,
    WRITE_REGISTERS,
    Request,
    readable_mbap,
    readable_rtu,
)
from v2g_daemon.adapters.modbus.link import BAUD, Link, Transport
from v2g_daemon.domain.errors import ConfigurationError, DeviceProtocolError, DeviceUnreachable

_COMM_TYPES = {
    Transport.TCP: CommType.TCP,
    Transport.TLS: CommType.TLS,
    Transport.UDP: CommType.UDP,
    Transport.RTU: CommType.SERIAL,
    Transport.RTU_OVER_TCP: CommType.TCP,
}


class NoConnection(DeviceUnreachable):
    """Not even a connection: the network or the power, not what runs in the device."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came: registers of a read, none of a write, or the code of an exception."""

    registers: tuple[int, ...] = ()
    exception_code: int | None = None


class Wire:
    """Asks one question at a time; after any error `drop` must end the connection."""

    def __init__(self, link: Link) -> None:
        # On each fault the library would dump frames at ERROR, every tick; whoever polls logs once.
        logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
        self._link = link
        self._tls = _tls_context(link)
        self._client: ModbusBaseClient | None = None
        self._unit_id = 0
        self._sent = b""
        self._heard_itself = False

    @property
    def connected(self) -> bool:
        """Whether there is a connection; not whether anybody answers on it."""
        return self._client is not None and self._client.connected

    async def connect(self) -> None:
        """A new connection in place of the old one; raises NoConnection."""
        self.drop()
        client = ModbusBaseClient(
            FramerType.RTU if self._link.is_rtu else FramerType.SOCKET,
            0,
            self._parameters(),
            self._readable,
            None,
            None,
        )
        self._client = client
        if not await client.connect():
            raise NoConnection(f"{self._link.name} accepts no connection")

    async def ask(self, request: Request) -> Answer:
        """The answer to this very question; raises DeviceUnreachable or DeviceProtocolError."""
        self._unit_id, self._sent, self._heard_itself = request.unit_id, b"", False
        try:
            reply = await self._exchange(request)
        except (ModbusException, OSError) as error:
            raise self._silence(request) from error
        if reply.isError():
            return Answer(exception_code=reply.exception_code)
        return Answer(registers=self._checked(reply, request))

    def drop(self) -> None:
        """End the connection; an answer still on its way finds nobody."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    async def _exchange(self, request: Request) -> ModbusPDU:
        client = self._client
        if client is None:
            raise ConnectionResetError
        where, unit_id = request.address, request.unit_id
        if request.function_code == WRITE_REGISTER:
            return await client.write_register(where, request.values[0], device_id=unit_id)
        if request.function_code == WRITE_REGISTERS:
            return await client.write_registers(where, list(request.values), device_id=unit_id)
        if request.function_code == READ_INPUT_REGISTERS:
            return await client.read_input_registers(where, count=request.count, device_id=unit_id)
        return await client.read_holding_registers(where, count=request.count, device_id=unit_id)

    def _silence(self, request: Request) -> DeviceUnreachable | DeviceProtocolError:
        if self._heard_itself:
            return DeviceProtocolError(
                f"{self._link.name} gives back what is sent; add echo=1 to the link"
            )
        return DeviceUnreachable(f"{self._link.name} unit {request.unit_id} does not answer")

    def _checked(self, reply: ModbusPDU, request: Request) -> tuple[int, ...]:
        name = f"{self._link.name} unit {request.unit_id}"
        if reply.function_code != request.function_code:
            raise DeviceProtocolError(
                f"{name} answered function {reply.function_code} to {request.function_code}"
            )
        if isinstance(reply, WriteSingleRegisterResponse):
            if (reply.address, tuple(reply.registers)) != (request.address, request.values):
                raise DeviceProtocolError(
                    f"{name} confirmed another write: register {reply.address}"
                )
            return ()
        if isinstance(reply, WriteMultipleRegistersResponse):
            if (reply.address, reply.count) != (request.address, request.count):
                raise DeviceProtocolError(
                    f"{name} confirmed another write: {reply.count} at {reply.address}"
                )
            return ()
        # The library hands over a short reply as a success.
        if len(reply.registers) != request.count:
            raise DeviceProtocolError(
                f"{name} sent {len(reply.registers)} registers of {request.count}"
            )
        return tuple(reply.registers)

    def _parameters(self) -> CommParams:
        link = self._link
        return CommParams(
            comm_name=link.name,
            comm_type=_COMM_TYPES[link.transport],
            reconnect_delay=0,
            timeout_connect=link.timeout_s,
            host=link.address,
            port=link.port,
            sslctx=self._tls,
            baudrate=link.baud or BAUD,
            bytesize=8,
            parity=link.parity or "N",
            stopbits=link.stop_bits,
            handle_local_echo=link.echo,
        )

    def _readable(self, sending: object, data: bytes) -> bytes:
        """What the library may decode; nothing to decode runs into the time-out."""
        if sending:
            self._sent = data
            return data
        if not self._link.is_rtu:
            return readable_mbap(data)
        # A write of one register is confirmed by its own repetition: only a read can tell.
        if self._sent[1:2] != bytes([WRITE_REGISTER]) and data.startswith(self._sent):
            self._heard_itself = True
            return b""
        return readable_rtu(data, unit_id=self._unit_id)


def _tls_context(link: Link) -> ssl.SSLContext | None:
    """Verified by the system's authorities, or by the file that names just this device."""
    if link.transport is not Transport.TLS:
        return None
    try:
        context = ssl.create_default_context(cafile=link.ca)
        # A device's own certificate names no address of this house: the file itself names it.
        context.check_hostname = link.ca is None
        if link.cert is not None:
            context.load_cert_chain(link.cert, link.key)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(
            f"the certificates of tls://{link.name} cannot be read ({error}); check ca, cert, key"
        ) from error
    return context
