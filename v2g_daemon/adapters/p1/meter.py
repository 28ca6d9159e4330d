"""A P1 meter on a serial port or behind a TCP bridge: waits for each telegram."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from urllib.parse import urlsplit

import serial

from v2g_daemon.adapters.p1.translate import LONGEST_TELEGRAM, meter_reading, taken
from v2g_daemon.domain.errors import ConfigurationError, DeviceUnreachable
from v2g_daemon.domain.readings import MeterReading
from v2g_daemon.ports import Clock

SCHEMES = ("p1", "p1+tcp")
CONNECT_TIMEOUT_S = 5.0  # real
SILENCE_S = 25.0  # real: two and a half of DSMR 4's ten seconds
BAUD = 115_200
PORT = 23
CHUNK = 1024
# A StreamWriter ends its connection when nobody holds it any more.
_Closable = asyncio.StreamWriter | asyncio.BaseTransport


@dataclass(frozen=True, slots=True, kw_only=True)
class P1Link:
    """A TCP bridge (`host`), or a serial port (`device`)."""

    host: str | None = None
    port: int = PORT
    device: str | None = None

    @property
    def name(self) -> str:
        """For people."""
        return f"P1 {self.device or f'{self.host}:{self.port}'}"


def parse_link(text: str) -> P1Link:
    """`p1:///dev/ttyUSB0` or `p1+tcp://HOST:PORT`; ConfigurationError says what is wrong."""
    parts = urlsplit(text)
    if parts.scheme == "p1" and parts.path.startswith("/dev/") and not parts.netloc:
        return P1Link(device=parts.path)
    try:
        if parts.scheme == "p1+tcp" and parts.hostname is not None:
            return P1Link(host=parts.hostname, port=parts.port or PORT)
    except ValueError as error:
        raise ConfigurationError(f"{text!r}: the port is not from 1 to 65535") from error
    raise ConfigurationError(
        f'{text!r} is no P1 port; write "p1:///dev/ttyUSB0" or "p1+tcp://192.168.1.24:23"'
    )


class P1Meter:
    """Reads one telegram after the other; a silent or closed port is opened anew."""

    def __init__(self, *, link: P1Link, clock: Clock) -> None:
        self._link = link
        self._clock = clock
        self._stream: tuple[asyncio.StreamReader, _Closable] | None = None
        self._buffer = b""

    @property
    def name(self) -> str:
        """For people."""
        return self._link.name

    async def read(self) -> MeterReading:
        """The next telegram, as old as its arrival; raises a DeviceError."""
        healthy = False
        try:
            async with asyncio.timeout(SILENCE_S):
                telegram = await self._telegram()
            healthy = True
        except (OSError, TimeoutError, EOFError) as error:
            raise DeviceUnreachable(f"{self.name} gives no telegram") from error
        finally:
            if not healthy:
                self._drop()
        return meter_reading(telegram, observed_at=self._clock.now())

    async def close(self) -> None:
        """End the connection; a later read opens a new one."""
        self._drop()

    def _drop(self) -> None:
        stream, self._stream = self._stream, None
        self._buffer = b""
        if stream is not None:
            stream[1].close()

    async def _telegram(self) -> bytes:
        if self._stream is None:
            self._stream = await self._opened()
        reader, _ = self._stream
        while True:
            telegram, self._buffer = taken(self._buffer)
            if telegram is not None:
                return telegram
            chunk = await reader.read(CHUNK)
            if not chunk:
                raise EOFError
            self._buffer += chunk

    async def _opened(self) -> tuple[asyncio.StreamReader, _Closable]:
        if self._link.host is not None:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                reader, writer = await asyncio.open_connection(
                    self._link.host, self._link.port, limit=LONGEST_TELEGRAM
                )
            return reader, writer
        port = serial.Serial(self._link.device, BAUD, timeout=0, exclusive=True)
        reader = asyncio.StreamReader(limit=LONGEST_TELEGRAM)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), port
        )
        return reader, transport
