"""One WebSocket connection of a station: frames in and out, one call in flight."""

from __future__ import annotations

import asyncio
import time
from base64 import b64encode
from typing import cast

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.typing import Subprotocol

from simulators.station import handlers
from simulators.station.misbehaviour import answers, frames
from simulators.station.misbehaviour.messages import told
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
    offered = frames.offered(station.faults_now(), table.versions)
    try:
        async with asyncio.timeout(OPEN_TIMEOUT_S):
            opened = await connect(
                f"{table.url.rstrip('/')}/{table.id}",
                subprotocols=[Subprotocol(version) for version in offered] or None,
                additional_headers=headers,
                compression=None,
                ping_interval=None,
                close_timeout=CLOSE_TIMEOUT_S,
                max_size=LONGEST_MESSAGE_BYTES,
                proxy=None,
                create_connection=frames.Socket,
                ssl=station.credentials.context(),
            )
    except (OSError, TimeoutError, WebSocketException) as error:
        raise Unreachable(str(error) or type(error).__name__) from error
    socket = cast(frames.Socket, opened)
    version = str(socket.subprotocol) if offered else table.versions[0]
    if version not in table.versions:
        socket.transport.abort()
        raise Unreachable(f"no subprotocol agreed (got {socket.subprotocol})")
    socket.pongs = lambda: not station.shows("no_pong")
    return Link(socket=socket, station=station, version=version, offered=offered)


class Link:
    """Sends calls and answers the central system's, as faults allow."""

    def __init__(
        self, *, socket: frames.Socket, station: Station, version: str, offered: list[str]
    ) -> None:
        """Take over an open socket."""
        self._socket = socket
        self._station = station
        self.version = version
        self._offered = offered
        self._old = OldWords(station) if version == OLD else None
        self._waiting: tuple[str, str, asyncio.Future[JsonDict | None]] | None = None
        self._timeouts = 0
        self._distorted: set[str] = set()
        self._late: asyncio.Queue[tuple[float, str]] = asyncio.Queue()

    async def call(self, action: str, payload: JsonDict) -> JsonDict | None:
        """Return the answer, None for CALLERROR or silence; LinkLost when the link is dead."""
        if known_action(self._station.version, action):  # 1.6 has a few of its own
            self._check(self._station.version, action, payload)
        message = told(self._station, action, payload)
        if message is None:
            return None
        as_meant = message.action == action and message.payload == payload
        if self._old is None:
            return await self._ask(message.action, message.payload, as_meant=as_meant)
        spoken = self._old.spoken(message.action, message.payload)
        if spoken is None:
            return None
        if as_meant:
            self._check(self.version, spoken.action, spoken.payload)
        answer = await self._ask(spoken.action, spoken.payload, as_meant=as_meant)
        return None if answer is None else spoken.read(answer)

    @staticmethod
    def _check(version: str, action: str, payload: JsonDict) -> None:
        wrong = violation(version, action, "Request", payload)
        if wrong is not None:
            raise RuntimeError(f"the simulated station made an invalid message: {wrong}")

    async def _ask(self, action: str, payload: JsonDict, *, as_meant: bool) -> JsonDict | None:
        await self._through_black_hole()
        faults = self._station.faults_now()
        message_id = frames.message_id(faults)
        texts = frames.around(faults, call_text(message_id, action, payload))
        if not as_meant or len(texts) > 1:
            self._distorted.add(message_id)
        future: asyncio.Future[JsonDict | None] = asyncio.get_running_loop().create_future()
        self._waiting = (message_id, action, future)
        try:
            for text in texts:
                await self._send(text)
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
        finally:
            # Whether theirs was the first Close frame.
            self._station.remembered.closed_by_server = (
                self._socket.protocol.close_rcvd_then_sent is True
            )
        raise LinkLost("closed by the central system")

    async def answer_late(self) -> None:
        """Send the answers that a fault holds back, in their order."""
        while True:
            due_s, text = await self._late.get()
            await asyncio.sleep(max(due_s - time.monotonic(), 0.0))
            await self._send(text)

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
        """Enforce link faults: stop reading in a black hole, leave where the station must."""
        deaf = False
        while True:
            station = self._station
            if station.shows("drop_link") or station.clock.now_s() < station.reboot_until_s:
                raise LinkLost("the station left")
            if station.shows("closes_link"):
                await self._socket.close()
            if frames.offered(station.faults_now(), station.table.versions) != self._offered:
                raise LinkLost("the station thinks of another version")
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
                if not self._expects_complaints_of(frame.message_id):
                    self._station.counts.note_error(
                        f"CALLERROR {frame.code}: {frame.description[:200]}"
                    )
                self._resolve(frame.message_id, None)

    def _expects_complaints_of(self, message_id: str) -> bool:
        return message_id in frames.EXTRA_IDS or message_id in self._distorted

    async def _answer(self, call: Call) -> None:
        station = self._station
        station.counts.calls_received[call.action] += 1
        faults = station.faults_now()
        if answers.is_silent(faults, call):
            return
        text = self._reply(call)
        late_s = answers.late_by_s(faults)
        if late_s > 0.0:
            self._late.put_nowait((time.monotonic() + late_s, text))
        else:
            await self._send(text)

    def _reply(self, call: Call) -> str:
        """Return the frame that answers a call."""
        station = self._station
        if not known_action(self.version, call.action):
            return _refusal(call, "NotImplemented", f"unknown action {call.action}")
        wrong = violation(self.version, call.action, "Request", call.payload)
        if wrong is not None:
            station.counts.note_error(wrong)
            return _refusal(call, "FormatViolation", wrong)
        if station.boot_status == "Rejected":
            return _refusal(call, "SecurityError", "this station was rejected")
        faults = station.faults_now()
        code = answers.error_code(faults, call)
        if code is not None:
            return _refusal(call, code, "simulated")
        if self._old is None:
            response = handlers.answer(station, call.action, call.payload)
        else:
            response = self._old.answered(call.action, call.payload)
        if response is None:
            return _refusal(call, "NotImplemented", f"{call.action} is not implemented")
        wrong = violation(self.version, call.action, "Response", response)
        if wrong is not None:
            raise RuntimeError(f"the simulated station made an invalid answer: {wrong}")
        return answer_text(call.message_id, answers.changed(faults, call.action, response))

    def _resolve(self, message_id: str, payload: JsonDict | None) -> None:
        if self._waiting is None or self._waiting[0] != message_id:
            if self._expects_complaints_of(message_id):
                return
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

    async def _send(self, text: str | bytes) -> None:
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


def _refusal(call: Call, code: str, description: str) -> str:
    return refusal_text(call.message_id, code, description)
