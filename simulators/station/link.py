"""One WebSocket connection of a station: frames in and out, one call in flight."""

from __future__ import annotations

import asyncio
import uuid
from base64 import b64encode

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.typing import Subprotocol

from simulators.station import handlers
from simulators.station.station import Station
from simulators.station.v16 import OldWords
from simulators.station.wire import (
    OLD,
    Answer,
    Call,
    JsonDict,
    Refusal,
    WireError,
    answer_text,
    call_text,
    known_action,
    parse,
    refusal_text,
    violation,
)

OPEN_TIMEOUT_S = 10.0
CLOSE_TIMEOUT_S = 1.0
SEND_TIMEOUT_S = 10.0
PONG_TIMEOUT_S = 20.0
LONGEST_MESSAGE_BYTES = 4 * 1024 * 1024
BLACK_HOLE_POLL_S = 0.1
MOST_TIMEOUTS = 2


class LinkLost(Exception):
    """The connection is gone, or must go."""


class Unreachable(Exception):
    """No connection could be made; the text says why."""


async def open_link(station: Station) -> Link:
    """Connect with HTTP Basic and the station's subprotocols; Unreachable when refused."""
    table = station.table
    headers = {}
    if table.password is not None:
        token = b64encode(f"{table.id}:{table.password}".encode()).decode()
        headers["Authorization"] = f"Basic {token}"
    try:
        async with asyncio.timeout(OPEN_TIMEOUT_S):
            socket = await connect(
                f"{table.url.rstrip('/')}/{table.id}",
                subprotocols=[Subprotocol(version) for version in table.versions],
                additional_headers=headers,
                compression=None,
                ping_interval=None,
                close_timeout=CLOSE_TIMEOUT_S,
                max_size=LONGEST_MESSAGE_BYTES,
                proxy=None,
                ssl=station.credentials.context(),
            )
    except (OSError, TimeoutError, WebSocketException) as error:
        raise Unreachable(str(error) or type(error).__name__) from error
    if socket.subprotocol not in table.versions:
        socket.transport.abort()
        raise Unreachable(f"no subprotocol agreed (got {socket.subprotocol})")
    return Link(socket=socket, station=station, version=str(socket.subprotocol))


class Link:
    """Sends calls and answers the central system's, as faults allow."""

    def __init__(self, *, socket: ClientConnection, station: Station, version: str) -> None:
        """Take over an open socket."""
        self._socket = socket
        self._station = station
        self.version = version
        self._old = OldWords(station) if version == OLD else None
        self._waiting: tuple[str, str, asyncio.Future[JsonDict | None]] | None = None
        self._timeouts = 0

    async def call(self, action: str, payload: JsonDict) -> JsonDict | None:
        """Return the answer, None for CALLERROR or silence; LinkLost when the link is dead."""
        if self._old is None:
            return await self._ask(action, payload)
        spoken = self._old.spoken(action, payload)
        if spoken is None:
            return None
        answer = await self._ask(spoken.action, spoken.payload)
        return None if answer is None else spoken.read(answer)

    async def _ask(self, action: str, payload: JsonDict) -> JsonDict | None:
        wrong = violation(self.version, action, "Request", payload)
        if wrong is not None:
            raise RuntimeError(f"the simulated station made an invalid message: {wrong}")
        await self._through_black_hole()
        message_id = str(uuid.uuid4())
        future: asyncio.Future[JsonDict | None] = asyncio.get_running_loop().create_future()
        self._waiting = (message_id, action, future)
        try:
            await self._send(call_text(message_id, action, payload))
            async with asyncio.timeout(self._station.table.call_timeout_s):
                answer = await future
            self._timeouts = 0
            return answer
        except TimeoutError:
            await self._note_timeout(action)
            return None
        finally:
            self._waiting = None

    async def read(self) -> None:
        """Handle frames until the connection ends, then raise LinkLost."""
        try:
            async for text in self._socket:
                await self._through_black_hole()
                await self._receive(text)
        except ConnectionClosed as error:
            raise LinkLost(str(error)) from error
        raise LinkLost("closed by the central system")

    async def ping(self) -> None:
        """Find a dead peer by pings; LinkLost when one stays unanswered."""
        every_s = self._station.table.ping_interval_s
        while every_s > 0:
            await asyncio.sleep(every_s)
            await self._through_black_hole()
            try:
                async with asyncio.timeout(PONG_TIMEOUT_S):
                    await (await self._socket.ping())
            except TimeoutError as error:
                if not self._station.shows("black_hole"):
                    raise LinkLost("no pong") from error
            except ConnectionClosed as error:
                raise LinkLost(str(error)) from error

    async def guard(self) -> None:
        """Enforce link faults: stop reading in a black hole, leave on drop_link and reboot."""
        deaf = False
        while True:
            station = self._station
            if station.shows("drop_link") or station.clock.now_s() < station.reboot_until_s:
                raise LinkLost("the station left")
            hole = station.shows("black_hole")
            if hole != deaf:
                deaf = hole
                if hole:
                    self._socket.transport.pause_reading()
                else:
                    self._socket.transport.resume_reading()
            await asyncio.sleep(BLACK_HOLE_POLL_S)

    async def close(self, *, abruptly: bool) -> None:
        """Close the connection, with or without a close frame."""
        if abruptly:
            self._socket.transport.abort()
        else:
            await self._socket.close()

    async def _receive(self, text: str | bytes) -> None:
        try:
            frame = parse(text)
        except WireError as error:
            self._station.counts.note_error(str(error))
            return
        match frame:
            case Call():
                await self._answer(frame)
            case Answer():
                self._resolve(frame.message_id, frame.payload)
            case Refusal():
                self._station.counts.note_error(
                    f"CALLERROR {frame.code}: {frame.description[:200]}"
                )
                self._resolve(frame.message_id, None)

    async def _answer(self, call: Call) -> None:
        station = self._station
        station.counts.calls_received[call.action] += 1
        if station.shows("silent"):
            return
        if not known_action(self.version, call.action):
            await self._refuse(call, "NotImplemented", f"unknown action {call.action}")
            return
        wrong = violation(self.version, call.action, "Request", call.payload)
        if wrong is not None:
            station.counts.note_error(wrong)
            await self._refuse(call, "FormatViolation", wrong)
            return
        if station.boot_status == "Rejected":
            await self._refuse(call, "SecurityError", "this station was rejected")
            return
        if self._old is None:
            response = handlers.answer(station, call.action, call.payload)
        else:
            response = self._old.answered(call.action, call.payload)
        if response is None:
            await self._refuse(call, "NotImplemented", f"{call.action} is not implemented")
            return
        wrong = violation(self.version, call.action, "Response", response)
        if wrong is not None:
            raise RuntimeError(f"the simulated station made an invalid answer: {wrong}")
        await self._send(answer_text(call.message_id, response))

    def _resolve(self, message_id: str, payload: JsonDict | None) -> None:
        if self._waiting is None or self._waiting[0] != message_id:
            self._station.counts.note_error(f"answer to unknown message {message_id[:40]}")
            return
        _, action, future = self._waiting
        if payload is not None:
            wrong = violation(self.version, action, "Response", payload)
            if wrong is not None:
                self._station.counts.note_error(wrong)
                payload = None
        if not future.done():
            future.set_result(payload)

    async def _refuse(self, call: Call, code: str, description: str) -> None:
        await self._send(refusal_text(call.message_id, code, description))

    async def _send(self, text: str) -> None:
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await self._socket.send(text)
        except (ConnectionClosed, TimeoutError) as error:
            raise LinkLost(str(error)) from error

    async def _note_timeout(self, action: str) -> None:
        if self._station.shows("black_hole"):
            await self._through_black_hole()
            return
        self._station.counts.note_error(f"no answer to {action}")
        self._timeouts += 1
        if self._timeouts >= MOST_TIMEOUTS:
            raise LinkLost("calls are not answered")

    async def _through_black_hole(self) -> None:
        while self._station.shows("black_hole"):  # noqa: ASYNC110 - it ends by simulated time
            await asyncio.sleep(BLACK_HOLE_POLL_S)
