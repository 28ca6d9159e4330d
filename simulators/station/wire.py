"""OCPP-J frames as raw JSON, checked against the published schemas in both directions."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from decimal import Decimal
from importlib.resources import files
from typing import Any, NoReturn

from jsonschema import ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import validator_for

JsonDict = dict[str, Any]

CALL = 2
CALL_RESULT = 3
CALL_ERROR = 4

OLD = "ocpp1.6"
_SCHEMA_PACKAGES = {"ocpp2.1": "v21", "ocpp2.0.1": "v201", OLD: "v16"}


class WireError(Exception):
    """A frame that breaks the RPC rules or a schema."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request of the other side."""

    message_id: str
    action: str
    payload: JsonDict


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A CALLRESULT."""

    message_id: str
    payload: JsonDict


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A CALLERROR."""

    message_id: str
    code: str
    description: str


Frame = Call | Answer | Refusal


def parse(text: str | bytes) -> Frame:
    """Return the frame in a message; WireError says what is wrong with it."""
    try:
        frame = json.loads(text, parse_constant=_refuse_constant)
    except ValueError as error:
        raise WireError(f"not JSON: {error}") from error
    match frame:
        case [2, str(message_id), str(action), dict(payload)]:
            return Call(message_id=message_id, action=action, payload=payload)
        case [3, str(message_id), dict(payload)]:
            return Answer(message_id=message_id, payload=payload)
        case [4, str(message_id), str(code), str(description), *_]:
            return Refusal(message_id=message_id, code=code, description=description)
        case _:
            raise WireError(f"not an OCPP frame: {str(frame)[:200]}")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def call_text(message_id: str, action: str, payload: JsonDict) -> str:
    """Return the text of a CALL."""
    return json.dumps([CALL, message_id, action, payload], allow_nan=False)


def answer_text(message_id: str, payload: JsonDict) -> str:
    """Return the text of a CALLRESULT."""
    return json.dumps([CALL_RESULT, message_id, payload], allow_nan=False)


def refusal_text(message_id: str, code: str, description: str) -> str:
    """Return the text of a CALLERROR."""
    return json.dumps([CALL_ERROR, message_id, code, description[:255], {}])


def known_action(version: str, action: str) -> bool:
    """Say whether a version of the protocol defines an action."""
    return _schema_exists(version, _schema_name(version, action, "Request"))


def violation(version: str, action: str, part: str, payload: JsonDict) -> str | None:
    """Return what is wrong with a payload (part "Request" or "Response"), None if nothing."""
    try:
        exact = json.loads(json.dumps(payload), parse_float=Decimal)
        _validator(version, _schema_name(version, action, part)).validate(exact)
    except ValidationError as error:
        return f"{action}{part}: {error.json_path}: {error.message[:300]}"
    return None


def _schema_name(version: str, action: str, part: str) -> str:
    """Requests of 1.6 have no suffix."""
    return action if version == OLD and part == "Request" else f"{action}{part}"


@functools.cache
def _schema_exists(version: str, name: str) -> bool:
    if not name.isalnum():
        return False
    return files(f"ocpp.{_SCHEMA_PACKAGES[version]}").joinpath("schemas", f"{name}.json").is_file()


@functools.cache
def _validator(version: str, name: str) -> Validator:
    source = files(f"ocpp.{_SCHEMA_PACKAGES[version]}").joinpath("schemas", f"{name}.json")
    schema = json.loads(source.read_text(encoding="utf-8-sig"), parse_float=Decimal)
    return validator_for(schema)(schema)
