"""OCPP-J frames: text to typed frames and back, and the schema check of both directions.

Payloads stay dictionaries under their wire names: no name mapper stands between us and the schema.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from importlib.resources import files
from math import isfinite
from typing import Any, NoReturn

from jsonschema import ValidationError
from ocpp.messages import MessageType, get_validator

from v2g_daemon.adapters.ocpp.config import OcppVersion
from v2g_daemon.domain.errors import InvariantViolated

JsonObject = dict[str, Any]

ERROR_TEXT_LENGTH = 255  # OCPP 2.1 Part 4, 4.2.3: errorDescription
LONGEST_MESSAGE_ID = 255  # Part 4 allows 36; some stations prefix theirs; answers repeat it
MOST_ERRORS = 20  # of one payload, besides unknown fields; a hostile one may hold thousands
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """Why a payload breaks its schema: error code and place, never the value (it may be secret).

    `tolerable`: something of it can be left out without harm (see `tolerable_part`).
    """

    code: str
    text: str
    unknown_field: bool = False
    tolerable: bool = False


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


@cache
def known_actions(version: OcppVersion) -> frozenset[str]:
    """Every action of a version, of both directions, by the schemas that come with `ocpp`."""
    folder = files("ocpp") / f"v{version.number.replace('.', '')}" / "schemas"
    names = [entry.name for entry in folder.iterdir()]
    return frozenset(
        name.removesuffix("Response.json") for name in names if name.endswith("Response.json")
    )


def call_violation(version: OcppVersion, action: str, payload: JsonObject) -> Violation | None:
    """Why a request (of a known action) breaks its schema, or None."""
    return _violation(MessageType.Call, version, action, payload)


def result_violation(version: OcppVersion, action: str, payload: JsonObject) -> Violation | None:
    """Why an answer (to a known action) breaks its schema, or None."""
    return _violation(MessageType.CallResult, version, action, payload)


# The keyword of JSON schema that failed, as OCPP names it (Part 4, 4.3).
_CODES = {
    "type": "TypeConstraintViolation",
    "required": "OccurrenceConstraintViolation",
    "minItems": "OccurrenceConstraintViolation",
    "maxItems": "OccurrenceConstraintViolation",
    "additionalProperties": "FormatViolation",
}


def _violation(
    kind: int, version: OcppVersion, action: str, payload: JsonObject
) -> Violation | None:
    # The action becomes a file name in there, so nothing unknown may reach it.
    if action not in known_actions(version):
        raise InvariantViolated(f"{action!r} is no action of OCPP {version.number}")
    validator = get_validator(kind, action, version.number)
    worst: ValidationError | None = None
    in_a_sample = False
    for error in _enough(one for one in validator.iter_errors(payload) if not _is_tenths(one)):
        in_a_sample = in_a_sample or _is_in_a_sample(error)
        if worst is None or (_is_unknown_field(worst) and not _is_unknown_field(error)):
            worst = error
    if worst is None:
        return None
    return Violation(
        code=_CODES.get(str(worst.validator), "PropertyConstraintViolation"),
        text=f"{action}: {worst.validator} fails at {printable(worst.json_path)[:100]}",
        unknown_field=_is_unknown_field(worst),
        tolerable=_is_unknown_field(worst) or in_a_sample,
    )


def _enough(errors: Iterable[Any]) -> Iterator[Any]:
    """Every unknown field, for it may stand before a worse error, and the first of the others."""
    others = 0
    for error in errors:
        yield error
        others += not _is_unknown_field(error)
        if others == MOST_ERRORS:
            return


def _is_unknown_field(error: ValidationError) -> bool:
    return bool(error.validator == "additionalProperties")


def _is_tenths(error: ValidationError) -> bool:
    """1.6 wants limits in tenths, which no binary fraction is: 13.8 is right all the same."""
    if error.validator != "multipleOf" or not isinstance(error.instance, float):
        return False
    tenths = error.instance * 10.0
    return abs(tenths - round(tenths)) < 1e-6


def tolerable_part(version: OcppVersion, frame: CallFrame) -> JsonObject:
    """The payload less what firmwares get wrong without harm.

    That is fields their schema does not know, and single sampled values that break it.
    """
    payload: JsonObject = json.loads(json.dumps(frame.payload))
    validator = get_validator(MessageType.Call, frame.action, version.number)
    unknown: list[tuple[JsonObject, set[str]]] = []
    bad: list[tuple[list[Any], Any]] = []
    for error in _enough(validator.iter_errors(payload)):
        path = list(error.absolute_path)
        if _is_unknown_field(error):
            place = _at(payload, path)
            unknown.append((place, set(place) - set(error.schema.get("properties", ()))))
        elif _is_in_a_sample(error):
            end = path.index("sampledValue") + 1
            values = _at(payload, path[:end])
            bad.append((values, values[path[end]]))
    for place, names in unknown:
        for name in names:
            place.pop(name, None)
    for values, wrong in bad:
        values[:] = [one for one in values if one is not wrong]
    return payload


def _is_in_a_sample(error: ValidationError) -> bool:
    """Whether the error concerns one sampled value, and not the list of them."""
    path = list(error.absolute_path)
    return "sampledValue" in path[:-1]


def _at(payload: Any, path: list[Any]) -> Any:
    for step in path:
        payload = payload[step]
    return payload
