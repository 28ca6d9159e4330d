"""A TCP port on this machine, and what can be wrong with it: closed, or its connections mute."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

LOOPBACK = "127.0.0.1"
FAULT_POLL_S = 0.1

Shown = Callable[[], frozenset[str]]
"""The faults in force."""


class Port(Protocol):
    """Where a device is reached."""

    @property
    def listening(self) -> bool:
        """Whether it is open."""
        ...

    async def start(self) -> None:
        """Open it; OSError when it is taken."""
        ...

    async def stop(self) -> None:
        """Close it."""
        ...

    def go_half_open(self) -> None:
        """Whoever speaks to it now hears nothing more, and is not told."""
        ...


async def keep_open(port: Port, shown: Shown) -> None:
    """Until cancelled: `refuses` closes it for its time, `half_open` mutes who speaks to it now."""
    was_half_open = False
    try:
        while True:
            kinds = shown()
            if "refuses" in kinds:
                await port.stop()
            elif not port.listening:
                await port.start()
            if "half_open" in kinds and not was_half_open:
                port.go_half_open()
            was_half_open = "half_open" in kinds
            await asyncio.sleep(FAULT_POLL_S)
    finally:
        await port.stop()


@dataclass(slots=True, kw_only=True)
class TcpPort(ABC):
    """Listens on a port, any free one for 0, and talks on each connection."""

    port: int = 0
    tls: ssl.SSLContext | None = None
    connections: int = 0
    open_connections: int = 0
    _server: asyncio.Server | None = field(default=None, init=False)
    _muted: set[asyncio.StreamWriter] = field(default_factory=set, init=False)
    _writers: set[asyncio.StreamWriter] = field(default_factory=set, init=False)

    @abstractmethod
    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until its other end has gone."""

    @property
    def listening(self) -> bool:
        """Whether the port is open."""
        return self._server is not None

    async def start(self) -> None:
        """Listen; OSError when the port is taken."""
        self._server = await asyncio.start_server(self._serve, LOOPBACK, self.port, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close the port and every connection."""
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        writers = [*self._writers]
        for writer in writers:
            writer.close()
        for writer in writers:
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                await writer.wait_closed()

    def go_half_open(self) -> None:
        """Every connection of this moment hears and says nothing more, and is never closed."""
        self._muted |= self._writers

    async def send(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        """Put bytes on a connection, unless it is mute."""
        if data and writer not in self._muted:
            writer.write(data)
            await writer.drain()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open_connections += 1
        self._writers.add(writer)
        try:
            await self.talk(reader, writer)
        except (ConnectionError, ssl.SSLError, asyncio.IncompleteReadError):
            pass
        except asyncio.CancelledError:
            # The end of the loop ends this task with it; Python 3.11 takes it for an error.
            pass
        finally:
            self.open_connections -= 1
            self._writers.discard(writer)
            self._muted.discard(writer)
            writer.close()
