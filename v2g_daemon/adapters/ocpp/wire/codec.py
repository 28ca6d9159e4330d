"""OCPP-J frames: text to typed frames and back.

Payloads stay dictionaries under their wire names: no name mapper stands between us and the schema.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import IntEnum
from math import isfinite
from typing import Any, NoReturn

from v2g_daemon.adapters.ocpp.config import OcppVersion
from v2g_daemon.domain.errors import InvariantViolated

JsonObject = dict[str, Any]

ERROR_TEXT_LENGTH = 255  # OCPP 2.1 Part 4, 4.2.3: errorDescription
LONGEST_MESSAGE_ID = 255  # Part 4 allows 36; some stations prefix theirs; answers repeat it
NO_MESSAGE_ID = "-1"  # Part 4, 4.2.3: the id of a message that could not be read


class FrameType(IntEnum):
    """The first element of a frame; 5 and 6 exist since 2.1."""

    CALL = 2
    CALL_RESULT = 3
    CALL_ERROR = 4
    CALL_RESULT_ERROR = 5
    SEND = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFrame:
    """The station asks."""

    message_id: str
    action: str
    payload: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultFrame:
    """The station answers a call of ours."""

    message_id: str
    payload: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorFrame:
    """The station refuses a call of ours, or (`about_result`) finds fault with an answer."""

    message_id: str
    code: str
    text: str
    about_result: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SendFrame:
    """The station tells, and expects no answer."""

    message_id: str
    action: str
    payload: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenFrame:
    """Not OCPP-J; `answerable` where a CALLERROR is due."""

    message_id: str
    code: str
    text: str
    answerable: bool


Frame = CallFrame | ResultFrame | ErrorFrame | SendFrame | BrokenFrame


def parse_frame(raw: str | bytes) -> Frame:
    """Any text or bytes to a frame; never raises."""
    if isinstance(raw, bytes):
        return _unreadable("binary frames are not OCPP-J")
    try:
        frame = json.loads(
            raw,
            parse_constant=_refuse_constant,
            parse_float=_finite_float,
            object_pairs_hook=_unambiguous,
        )
    except (ValueError, RecursionError):
        return _unreadable("not JSON")
    match frame:
        case [int(kind), *rest] if not isinstance(kind, bool):
            message_id = rest[0] if rest and isinstance(rest[0], str) else NO_MESSAGE_ID
            if len(message_id) > LONGEST_MESSAGE_ID:
                return _unreadable("the message id is too long")
            return _typed(kind, message_id, rest)
        case _:
            return _unreadable("not a JSON array that starts with a message type")


def _typed(kind: int, message_id: str, rest: list[Any]) -> Frame:
    match kind:
        case FrameType.CALL:
            return _call(message_id, rest)
        case FrameType.CALL_RESULT:
            return _result(message_id, rest)
        case FrameType.CALL_ERROR | FrameType.CALL_RESULT_ERROR:
            return _error(message_id, rest, about_result=kind == FrameType.CALL_RESULT_ERROR)
        case FrameType.SEND:
            return _send(message_id, rest)
        case _:
            return BrokenFrame(
                message_id=message_id,
                code="MessageTypeNotSupported",
                text="unknown message type",
                answerable=True,
            )


def _call(message_id: str, rest: list[Any]) -> Frame:
    match rest:
        case [str(), str(action), dict(payload)]:
            return CallFrame(message_id=message_id, action=action, payload=payload)
        case [str(), _, _]:
            code, text = "FormatViolation", "a call is [2, id, action, {payload}]"
        case _:
            code, text = "RpcFrameworkError", "a call has four elements and a text as id"
    return BrokenFrame(message_id=message_id, code=code, text=text, answerable=True)


def _result(message_id: str, rest: list[Any]) -> Frame:
    match rest:
        case [str(), dict(payload)]:
            return ResultFrame(message_id=message_id, payload=payload)
        case _:
            return _ignored(message_id, "a result is [3, id, {payload}]")


def _error(message_id: str, rest: list[Any], *, about_result: bool) -> Frame:
    match rest:
        case [str(), str(code), *more]:
            text = more[0] if more and isinstance(more[0], str) else ""
            return ErrorFrame(
                message_id=message_id,
                code=printable(code)[:50],
                text=printable(text)[:ERROR_TEXT_LENGTH],
                about_result=about_result,
            )
        case _:
            return _ignored(message_id, "an error is [4, id, code, text, {details}]")


def _send(message_id: str, rest: list[Any]) -> Frame:
    match rest:
        case [str(), str(action), dict(payload)]:
            return SendFrame(message_id=message_id, action=action, payload=payload)
        case _:
            return _ignored(message_id, "a send is [6, id, action, {payload}]")


def _unreadable(text: str) -> BrokenFrame:
    return BrokenFrame(
        message_id=NO_MESSAGE_ID, code="RpcFrameworkError", text=text, answerable=True
    )


def _ignored(message_id: str, text: str) -> BrokenFrame:
    return BrokenFrame(message_id=message_id, code="RpcFrameworkError", text=text, answerable=False)


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _unambiguous(pairs: list[tuple[str, Any]]) -> JsonObject:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name comes twice")
    return found


def _finite_float(text: str) -> float:
    value = float(text)
    if not isfinite(value):
        raise ValueError("number out of range")
    return value


def printable(text: str) -> str:
    """The text without control characters and lone surrogates, fit for logs and databases."""
    return "".join(char for char in text if char.isprintable())


def encode_call(message_id: str, action: str, payload: JsonObject) -> str:
    """A call of ours as text."""
    return _dump([int(FrameType.CALL), message_id, action, payload])


def encode_result(message_id: str, payload: JsonObject) -> str:
    """Our answer as text."""
    return _dump([int(FrameType.CALL_RESULT), message_id, payload])


def encode_error(message_id: str, code: str, text: str) -> str:
    """Our refusal as text, its description no longer than the protocol allows."""
    return _dump(
        [int(FrameType.CALL_ERROR), message_id, code, printable(text)[:ERROR_TEXT_LENGTH], {}]
    )


def _dump(frame: list[Any]) -> str:
    try:
        return json.dumps(frame, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InvariantViolated(f"a frame of ours is not JSON: {error}") from error


_CODES_OF_1_6 = {
    "FormatViolation": "FormationViolation",
    "OccurrenceConstraintViolation": "OccurenceConstraintViolation",
    "MessageTypeNotSupported": "NotSupported",
    "RpcFrameworkError": "GenericError",
}


def error_code(version: OcppVersion, code: str) -> str:
    """An error code as that version spells it (1.6J, 4.2.3)."""
    return _CODES_OF_1_6.get(code, code) if version is OcppVersion.V1_6 else code
