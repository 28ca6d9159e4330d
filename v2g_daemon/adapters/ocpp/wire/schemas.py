"""The schema check of both directions: does a payload keep the schema of its action, and where not.

What firmwares get wrong without harm is tolerable, and can be left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from jsonschema import ValidationError, validators
from ocpp.messages import MessageType, get_validator

from v2g_daemon.adapters.ocpp.config import OcppVersion
from v2g_daemon.adapters.ocpp.wire.codec import CallFrame, JsonObject, printable
from v2g_daemon.domain.errors import InvariantViolated

MOST_ERRORS = 20  # of one payload, besides unknown fields; a hostile one may hold thousands

_extended: Any = validators.extend  # which tells no types


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """Why a payload breaks its schema: error code and place, never the value (it may be secret).

    `tolerable`: something of it can be left out without harm (see `tolerable_part`).
    """

    code: str
    text: str
    unknown_field: bool = False
    tolerable: bool = False


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
    validator = validator_of(kind, version, action)
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


@cache
def validator_of(kind: int, version: OcppVersion, action: str) -> Any:
    """The schema that comes with `ocpp`, each reference replaced by what it refers to.

    The schemas refer to nothing but their own definitions, and none to itself; without references
    a payload is checked in half the time.
    """
    # The action becomes a file name in there, so nothing unknown may reach it.
    if action not in known_actions(version):
        raise InvariantViolated(f"{action!r} is no action of OCPP {version.number}")
    published = get_validator(kind, action, version.number)
    definitions = published.schema.get("definitions", {})
    return _extended(type(published), {"enum": _one_of})(
        _without_references(published.schema, definitions)
    )


def _one_of(
    _validator: Any, allowed: list[str], instance: object, _schema: object
) -> Iterator[ValidationError]:
    """The keyword `enum`, which in OCPP lists nothing but texts: up to a hundred of them."""
    if instance not in allowed:
        yield ValidationError("not one of the texts that the schema lists")


def _without_references(part: Any, definitions: JsonObject) -> Any:
    match part:
        case {"$ref": str(reference)}:
            return _without_references(definitions[reference.rpartition("/")[2]], definitions)
        case dict():
            return {
                key: _without_references(value, definitions)
                for key, value in part.items()
                if key != "definitions"
            }
        case list():
            return [_without_references(one, definitions) for one in part]
        case _:
            return part


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
    validator = validator_of(MessageType.Call, version, frame.action)
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
