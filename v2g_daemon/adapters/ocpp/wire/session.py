"""One station's connection: ordered answers, one call of ours in flight, typed outcomes.

Version-neutral: what a message means is the handler's business.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Protocol, assert_never
from uuid import uuid4

from websockets.exceptions import ConnectionClosed

from v2g_daemon.adapters.ocpp.config import OcppVersion
from v2g_daemon.adapters.ocpp.wire.codec import (
    BrokenFrame,
    CallFrame,
    ErrorFrame,
    JsonObject,
    ResultFrame,
    SendFrame,
    encode_call,
    encode_error,
    encode_result,
    error_code,
    parse_frame,
)
from v2g_daemon.adapters.ocpp.wire.schemas import (
    Violation,
    call_violation,
    known_actions,
    result_violation,
    tolerable_part,
)
from v2g_daemon.adapters.ocpp.wire.turnstile import Turnstile, Urgency
from v2g_daemon.domain.errors import InvariantViolated

LOG = logging.getLogger(__name__)

SEND_TIMEOUT_S = 10.0
QUEUED_CALLS = 64  # a station that asks faster than it reads its answers is slowed by TCP
REMEMBERED_ANSWERS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class CallAnswered:
    """The station answered with a CALLRESULT."""

    payload: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRejectedByError:
    """The station answered with a CALLERROR, or with something its schema forbids."""

    code: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallTimedOut:
    """No answer in time; whether the station acted is unknown."""

    timeout_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkClosed:
    """The connection ended before an answer came; whether the station acted is unknown."""


CallOutcome = CallAnswered | CallRejectedByError | CallTimedOut | LinkClosed


class CallRefused(Exception):
    """A handler's deliberate CALLERROR."""

    def __init__(self, *, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


class Link(Protocol):
    """The part of a WebSocket connection that a session needs."""

    async def recv(self) -> str | bytes: ...

    async def send(self, message: str) -> None: ...


class StationHandler(Protocol):
    """Answers what the station asks; `answered` is told once the answer is on the wire."""

    @property
    def actions(self) -> frozenset[str]: ...

    async def answer(self, action: str, payload: JsonObject) -> JsonObject: ...

    def answered(self, action: str) -> None: ...

    def told(self, action: str, payload: JsonObject) -> None: ...


class StationCalls(Protocol):
    """Asks a station in the words of 2.0.1 and 2.1; over 1.6 a translation stands between."""

    @property
    def version(self) -> OcppVersion: ...

    async def call(
        self, action: str, payload: JsonObject, *, timeout_s: float | None = None
    ) -> CallOutcome: ...


class StationConversation(StationCalls, Protocol):
    """Calls that wait for their turn; within `turn` several follow each other undisturbed.

    Whoever holds the turn decides then what to say, so that nothing outdated is sent.
    """

    def turn(self, urgency: Urgency) -> AbstractAsyncContextManager[StationCalls]: ...


class _LinkLost(Exception):
    """The worker could not write; ends the session."""


class StationSession:
    """The conversation over one link; `run` ends when the link does."""

    def __init__(
        self,
        *,
        link: Link,
        version: OcppVersion,
        handler: StationHandler,
        call_timeout_s: float,
        idle_timeout_s: float,
        unknown_fields_tolerated: Callable[[], bool] = lambda: True,
    ) -> None:
        self.version = version
        self.handler_failures = 0
        self._link = link
        self._handler = handler
        self._call_timeout_s = call_timeout_s
        self._idle_timeout_s = idle_timeout_s
        self._unknown_fields_tolerated = unknown_fields_tolerated
        self._turnstile = Turnstile()
        self.frames_heard = 0
        self._waiting: dict[str, asyncio.Future[CallOutcome]] = {}
        self._calls: asyncio.Queue[tuple[CallFrame | BrokenFrame, str | bytes]]
        self._calls = asyncio.Queue(maxsize=QUEUED_CALLS)
        self._answers: OrderedDict[str, tuple[int, str]] = OrderedDict()
        self._closed = False

    async def run(self) -> None:
        """Read until the link ends or stays silent too long; then every open call has failed."""
        try:
            async with asyncio.TaskGroup() as group:
                worker = group.create_task(self._work())
                await self._read()
                worker.cancel()
        except* _LinkLost:
            pass
        finally:
            self._closed = True
            for future in self._waiting.values():
                if not future.done():
                    future.set_result(LinkClosed())

    async def call(
        self, action: str, payload: JsonObject, *, timeout_s: float | None = None
    ) -> CallOutcome:
        """Ask the station; waits its turn, then at most the time-out; the link never raises."""
        async with self.turn(Urgency.ROUTINE) as calls:
            return await calls.call(action, payload, timeout_s=timeout_s)

    @asynccontextmanager
    async def turn(self, urgency: Urgency) -> AsyncIterator[StationCalls]:
        """Hold the one call in flight that Part 4, 4.1.1 allows; a setpoint overtakes routine."""
        async with self._turnstile.turn(urgency):
            yield _CallsInTurn(session=self)

    async def ask(
        self, action: str, payload: JsonObject, *, timeout_s: float | None
    ) -> CallOutcome:
        """One call, by whoever holds the turn."""
        violation = call_violation(self.version, action, payload)
        if violation is not None:
            raise InvariantViolated(f"our own {violation.text}")
        if self._closed:
            return LinkClosed()
        outcome = await self._exchange(
            action, payload, self._call_timeout_s if timeout_s is None else timeout_s
        )
        return self._checked(action, outcome)

    async def _exchange(self, action: str, payload: JsonObject, timeout_s: float) -> CallOutcome:
        message_id = str(uuid4())
        future: asyncio.Future[CallOutcome] = asyncio.get_running_loop().create_future()
        self._waiting[message_id] = future
        try:
            async with asyncio.timeout(timeout_s):
                await self._link.send(encode_call(message_id, action, payload))
                return await future
        except TimeoutError:
            LOG.warning("%s: no answer within %s s", action, timeout_s)
            return CallTimedOut(timeout_s=timeout_s)
        except ConnectionClosed:
            return LinkClosed()
        finally:
            del self._waiting[message_id]

    def _checked(self, action: str, outcome: CallOutcome) -> CallOutcome:
        """An answer that breaks its schema is an error; an unknown field alone does no harm."""
        if not isinstance(outcome, CallAnswered):
            return outcome
        violation = result_violation(self.version, action, outcome.payload)
        if violation is None or (violation.unknown_field and self._unknown_fields_tolerated()):
            return outcome
        LOG.warning("the answer breaks its schema: %s", violation.text)
        return CallRejectedByError(code=violation.code, text=violation.text)

    async def _read(self) -> None:
        while True:
            try:
                async with asyncio.timeout(self._idle_timeout_s):
                    raw = await self._link.recv()
            except ConnectionClosed:
                return
            except TimeoutError:
                LOG.warning("nothing heard for %s s; closing", self._idle_timeout_s)
                return
            self.frames_heard += 1
            await self._sort(raw)

    async def _sort(self, raw: str | bytes) -> None:
        """Answers to us resolve at once; what needs an answer queues up in order."""
        frame = parse_frame(raw)
        match frame:
            case CallFrame():
                await self._calls.put((frame, raw))
            case BrokenFrame(answerable=True):
                LOG.warning("a broken frame: %s", frame.text)
                await self._calls.put((frame, raw))
            case BrokenFrame():
                LOG.warning("a broken frame, ignored: %s", frame.text)
            case ResultFrame():
                self._resolve(frame.message_id, CallAnswered(payload=frame.payload))
            case ErrorFrame(about_result=True):
                LOG.warning("the station finds fault with an answer: %s", frame.code)
            case ErrorFrame():
                self._resolve(
                    frame.message_id, CallRejectedByError(code=frame.code, text=frame.text)
                )
            case SendFrame():
                self._handler.told(frame.action, frame.payload)
            case _:
                assert_never(frame)

    def _resolve(self, message_id: str, outcome: CallOutcome) -> None:
        future = self._waiting.get(message_id)
        if future is None or future.done():
            LOG.info("an answer to no call of ours (or too late), ignored")
            return
        future.set_result(outcome)

    async def _work(self) -> None:
        """The one ordered worker: the order of transaction events matters."""
        while True:
            frame, raw = await self._calls.get()
            text = await self._answer_once(frame, raw)
            try:
                async with asyncio.timeout(SEND_TIMEOUT_S):
                    await self._link.send(text)
            except (ConnectionClosed, TimeoutError):
                raise _LinkLost from None
            if isinstance(frame, CallFrame):
                self._handler.answered(frame.action)

    async def _answer_once(self, frame: CallFrame | BrokenFrame, raw: str | bytes) -> str:
        """The answer; a frame that comes again, unchanged, gets the same one from memory."""
        if isinstance(frame, BrokenFrame):
            return self._error(frame.message_id, frame.code, frame.text)
        known = self._answers.get(frame.message_id)
        if known is not None and known[0] == hash(raw):
            return known[1]
        text = await self._answer(frame)
        self._answers[frame.message_id] = (hash(raw), text)
        self._answers.move_to_end(frame.message_id)
        if len(self._answers) > REMEMBERED_ANSWERS:
            self._answers.popitem(last=False)
        return text

    async def _answer(self, frame: CallFrame) -> str:
        refusal = self._refusal(frame)
        if refusal is not None and refusal.tolerable and self._unknown_fields_tolerated():
            frame = replace(frame, payload=tolerable_part(self.version, frame))
            refusal = self._refusal(frame)
        if refusal is not None:
            LOG.warning("refused: %s", refusal.text)
            return self._error(frame.message_id, refusal.code, refusal.text)
        try:
            payload = await self._handler.answer(frame.action, frame.payload)
        except CallRefused as refused:
            return self._error(frame.message_id, refused.code, refused.text)
        except Exception as error:  # noqa: BLE001 - the handler boundary: a bug must not cost the link
            self._record_failure(frame.action, error)
            return self._error(frame.message_id, "InternalError", "our fault")
        violation = result_violation(self.version, frame.action, payload)
        if violation is not None:
            self.handler_failures += 1
            LOG.error("our own answer breaks its schema: %s", violation.text)
            return self._error(frame.message_id, "InternalError", "our fault")
        return encode_result(frame.message_id, payload)

    def _error(self, message_id: str, code: str, text: str) -> str:
        return encode_error(message_id, error_code(self.version, code), text)

    def _refusal(self, frame: CallFrame) -> Violation | None:
        if frame.action not in self._handler.actions:
            if frame.action in known_actions(self.version):
                return Violation(code="NotSupported", text="this action goes the other way")
            return Violation(code="NotImplemented", text="no such action in this version")
        return call_violation(self.version, frame.action, frame.payload)

    def _record_failure(self, action: str, error: Exception) -> None:
        """Where it broke, without the message: an exception's text may quote the payload."""
        self.handler_failures += 1
        frame = traceback.extract_tb(error.__traceback__)[-1]
        LOG.error(
            "%s: handler failed with %s in %s line %s",
            action,
            type(error).__name__,
            frame.name,
            frame.lineno,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _CallsInTurn:
    """The calls of whoever holds the turn."""

    session: StationSession

    @property
    def version(self) -> OcppVersion:
        """The version spoken."""
        return self.session.version

    async def call(
        self, action: str, payload: JsonObject, *, timeout_s: float | None = None
    ) -> CallOutcome:
        """Ask at once."""
        return await self.session.ask(action, payload, timeout_s=timeout_s)
