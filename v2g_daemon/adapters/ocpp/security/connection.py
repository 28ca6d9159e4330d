"""A station's WebSocket, held to the bounds that its library leaves open."""

from __future__ import annotations

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosedError
from websockets.frames import Close, CloseCode

MOST_FRAGMENTS = 1000  # of one message; the library bounds its bytes, and empty fragments have none
MOST_UNREAD_BYTES = 256 * 1024


class StationConnection(ServerConnection):
    """Drops a peer that makes us answer (a flood of pings) and never reads."""

    def data_received(self, data: bytes) -> None:
        """Called by the transport."""
        super().data_received(data)
        if self.transport.get_write_buffer_size() > MOST_UNREAD_BYTES:
            self.transport.abort()


class BoundedLink:
    """What a session reads and writes; a message of too many fragments closes with 1009."""

    def __init__(self, connection: ServerConnection) -> None:
        self._connection = connection

    async def recv(self) -> str | bytes:
        """The next whole message; raises ConnectionClosed."""
        texts: list[str] = []
        bytes_parts: list[bytes] = []
        async for part in self._connection.recv_streaming():
            if len(texts) + len(bytes_parts) == MOST_FRAGMENTS:
                close = Close(CloseCode.MESSAGE_TOO_BIG, "too many fragments")
                await self._connection.close(close.code, close.reason)
                raise ConnectionClosedError(None, close)
            if isinstance(part, str):
                texts.append(part)
            else:
                bytes_parts.append(part)
        return b"".join(bytes_parts) if bytes_parts else "".join(texts)

    async def send(self, message: str) -> None:
        """One message; raises ConnectionClosed."""
        await self._connection.send(message)
