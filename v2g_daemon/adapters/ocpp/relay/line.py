"""One connection to a back end: one call at a time, answers swallowed, commands refused."""

from __future__ import annotations

import asyncio
import base64
import logging
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from v2g_daemon.adapters.ocpp.config import OcppVersion, RelayConfig
from v2g_daemon.adapters.ocpp.relay.words import refusal
from v2g_daemon.adapters.ocpp.wire.codec import (
    BrokenFrame,
    CallFrame,
    ErrorFrame,
    JsonObject,
    ResultFrame,
    encode_call,
    encode_error,
    error_code,
    parse_frame,
)

OPEN_TIMEOUT_S = 10.0
CLOSE_TIMEOUT_S = 2.0
SEND_TIMEOUT_S = 10.0
COMMAND_PAUSE_S = 0.1  # a flood of commands is slowed by TCP, at the back end's own cost
LONGEST_FRAME = 1024 * 1024


class NoCommonVersion(ConnectionError):
    """The back end opened the connection, but in no version of the station's."""


class _Straight(connect):
    """Follows no redirect: the password is for this host."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


@asynccontextmanager
async def opened(
    config: RelayConfig, station_id: str, version: OcppVersion
) -> AsyncIterator[ClientConnection]:
    """A connection under the station's own id; raises OSError or WebSocketException."""
    headers = {}
    if config.password is not None:
        words = f"{config.user or station_id}:{config.password}"
        headers["Authorization"] = f"Basic {base64.b64encode(words.encode()).decode()}"
    trusted = None
    if config.url.startswith("wss:"):
        trusted = ssl.create_default_context(cafile=config.ca_file)
    async with _Straight(
        f"{config.url.rstrip('/')}/{station_id}",
        subprotocols=[Subprotocol(version.value)],
        additional_headers=headers,
        ssl=trusted,
        compression=None,
        open_timeout=OPEN_TIMEOUT_S,
        close_timeout=CLOSE_TIMEOUT_S,
        max_size=LONGEST_FRAME,
        proxy=None,
        logger=_quiet_log(),
    ) as socket:
        silent = socket.subprotocol is None and version is OcppVersion.V1_6
        if socket.subprotocol != version.value and not silent:
            raise NoCommonVersion(f"the back end does not speak {version.value}")
        yield socket


class Line:
    """The conversation; `refused` is told the action of every command."""

    def __init__(
        self, socket: ClientConnection, version: OcppVersion, *, refused: Callable[[str], None]
    ) -> None:
        self._socket = socket
        self._version = version
        self._refused = refused
        self._waiting: tuple[str, asyncio.Future[ResultFrame | ErrorFrame]] | None = None

    async def read(self) -> None:
        """Until the connection ends."""
        try:
            while True:
                await self._sort(await self._socket.recv())
        except (ConnectionClosed, TimeoutError):
            return

    async def ask(
        self, message_id: str, action: str, payload: JsonObject, *, timeout_s: float
    ) -> ResultFrame | ErrorFrame | None:
        """Forward one message; None: no answer in time. Raises ConnectionClosed."""
        answered: asyncio.Future[ResultFrame | ErrorFrame]
        answered = asyncio.get_running_loop().create_future()
        self._waiting = (message_id, answered)
        try:
            async with asyncio.timeout(timeout_s):
                await self._socket.send(encode_call(message_id, action, payload))
                return await answered
        except TimeoutError:
            return None
        finally:
            self._waiting = None

    async def _sort(self, raw: str | bytes) -> None:
        frame = parse_frame(raw)
        match frame:
            case CallFrame():
                self._refused(frame.action)
                await self._reply(refusal(self._version, frame))
                await asyncio.sleep(COMMAND_PAUSE_S)
            case BrokenFrame(answerable=True):
                code = error_code(self._version, frame.code)
                await self._reply(encode_error(frame.message_id, code, frame.text))
            case ResultFrame() | ErrorFrame(about_result=False):
                self._resolve(frame)
            case _:
                pass  # it expects no answer, and nothing here wants it

    def _resolve(self, frame: ResultFrame | ErrorFrame) -> None:
        waiting = self._waiting
        ours = waiting is not None and waiting[0] == frame.message_id
        if waiting is not None and ours and not waiting[1].done():
            waiting[1].set_result(frame)

    async def _reply(self, text: str) -> None:
        async with asyncio.timeout(SEND_TIMEOUT_S):
            await self._socket.send(text)


def _quiet_log() -> logging.Logger:
    """The library's log: its debug lines would show the password."""
    log = logging.getLogger(f"{__name__}.websockets")
    log.setLevel(logging.ERROR)
    return log
