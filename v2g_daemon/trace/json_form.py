"""The one JSON form of domain types, for pipe and trace: strict, exact, and the same everywhere.

Dataclasses are objects with every field, tuples arrays, enums their values, an Instant the pair
[UTC, monotonic seconds], datetimes ISO 8601 in UTC with microseconds and `Z`, timedeltas integer
microseconds. Floats keep every bit; infinities are "inf" and "-inf"; NaN is refused.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import is_dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum, IntEnum
from math import inf, isfinite, isnan
from typing import Final, TypeVar, get_args, get_origin

from cattrs import Converter, transform_error
from cattrs.errors import BaseValidationError, StructureHandlerNotFoundError
from cattrs.gen import make_dict_structure_fn

from v2g_daemon.domain.errors import V2gDaemonError
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.setpoint import Command, HandsOff, Setpoint

T = TypeVar("T")
Json = float | int | str | bool | list["Json"] | dict[str, "Json"] | None

_TAG: Final = "type"
_COMMAND_TAGS: Final[Mapping[str, type[Setpoint] | type[HandsOff]]] = {
    "setpoint": Setpoint,
    "hands_off": HandsOff,
}
_INFINITIES: Final = {"inf": inf, "-inf": -inf}
_ENCODER: Final = json.JSONEncoder(separators=(",", ":"), allow_nan=False)


class TraceError(V2gDaemonError):
    """A line or message that does not hold what it must; the text says where."""


def dump(value: object) -> bytes:
    """The JSON text of an already unstructured value, on one line, pure ASCII."""
    try:
        return _ENCODER.encode(value).encode("ascii")
    except ValueError as error:
        raise TraceError(f"cannot be written as JSON: {error}") from error


def parse(text: bytes) -> Json:
    """The JSON value of a text; refuses NaN and bare infinities."""
    try:
        parsed: Json = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise TraceError(f"not JSON: {error}") from error
    return parsed


def unstructure(value: T, cls: type[T]) -> Json:
    """The JSON value of a domain object."""
    try:
        written: Json = CONVERTER.unstructure(value, unstructure_as=cls)
    except (ValueError, TypeError, AttributeError) as error:
        raise TraceError(f"{cls.__name__} cannot be written: {error}") from error
    return written


def structure(value: Json, cls: type[T]) -> T:
    """The domain object of a JSON value; unknown keys and wrong types raise TraceError."""
    try:
        return CONVERTER.structure(value, cls)
    except BaseValidationError as error:
        paths = "; ".join(transform_error(error, path=cls.__name__, format_exception=_message))
        raise TraceError(paths) from error
    except (ValueError, TypeError, OverflowError, StructureHandlerNotFoundError) as error:
        raise TraceError(f"{cls}: {error}") from error


def _message(error: BaseException, _cls: type | None) -> str:
    if isinstance(error, KeyError):
        return f"missing key {error}"
    return str(error)


def _no_constant(text: str) -> float:
    raise ValueError(f"{text} is no number here")


def float_out(value: float) -> float | str:
    """A float that JSON can hold without losing a bit."""
    if isfinite(value):
        return float(value)
    if isnan(value):
        raise ValueError("NaN is no physical value")
    return "inf" if value > 0.0 else "-inf"


def _float_in(value: object, _cls: object = float) -> float:
    if type(value) is float and isfinite(value):
        return value
    if type(value) is int:
        return float(value)
    if isinstance(value, str) and value in _INFINITIES:
        return _INFINITIES[value]
    raise ValueError(f"{value!r} is not a number")


def _floats_out(values: tuple[float, ...]) -> list[float | str]:
    return [float_out(value) for value in values]


def _floats_in(value: object, _cls: object) -> tuple[float, ...]:
    if not isinstance(value, list):
        raise ValueError(f"{value!r} is not an array")
    return tuple([_float_in(one) for one in value])


def _exactly(kind: type[T]) -> Callable[[object, object], T]:
    def check(value: object, _cls: object) -> T:
        if type(value) is not kind:
            raise ValueError(f"{value!r} is not of type {kind.__name__}")
        return value

    return check


def datetime_out(moment: datetime) -> str:
    """ISO 8601 in UTC with microseconds; naive datetimes are refused."""
    if moment.tzinfo is not UTC:
        if moment.tzinfo is None:
            raise ValueError(f"{moment!r} has no time zone")
        moment = moment.astimezone(UTC)
    return moment.isoformat(timespec="microseconds")[:-6] + "Z"


def _datetime_in(value: object, _cls: object = datetime) -> datetime:
    if not isinstance(value, str) or not value.endswith("Z"):
        raise ValueError(f"{value!r} is not a UTC time ending in Z")
    moment = datetime.fromisoformat(value)
    return moment.replace(tzinfo=UTC)


def _instant_out(instant: Instant) -> list[str | float]:
    return [datetime_out(instant.utc), float_out(instant.monotonic_s)]


def _instant_in(value: object, _cls: object) -> Instant:
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError(f"{value!r} is not a pair of UTC and monotonic seconds")
    return Instant(utc=_datetime_in(value[0]), monotonic_s=_float_in(value[1]))


def _date_in(value: object, _cls: object) -> date:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not a date")
    return date.fromisoformat(value)


def _time_out(wall: time) -> str:
    if wall.tzinfo is not None:
        raise ValueError(f"{wall!r} is not a local wall time")
    return wall.isoformat()


def _time_in(value: object, _cls: object) -> time:
    wall = time.fromisoformat(value) if isinstance(value, str) else None
    if wall is None or wall.tzinfo is not None:
        raise ValueError(f"{value!r} is not a local wall time")
    return wall


def _timedelta_out(duration: timedelta) -> int:
    return duration // timedelta(microseconds=1)


def _timedelta_in(value: object, _cls: object) -> timedelta:
    if type(value) is not int:
        raise ValueError(f"{value!r} is not whole microseconds")
    return timedelta(microseconds=value)


def _enum_in(value: object, cls: type[Enum]) -> Enum:
    for member in cls:
        if type(member.value) is type(value) and member.value == value:
            return member
    raise ValueError(f"{value!r} is no {cls.__name__}")


def _is_tuple(cls: object) -> bool:
    return get_origin(cls) is tuple and get_args(cls)[1:] == (...,)


def _tuple_in(cls: object) -> Callable[[object, object], tuple[object, ...]]:
    checked = CONVERTER.get_structure_hook(list[get_args(cls)[0]])  # type: ignore[misc]

    def read(value: object, _cls: object) -> tuple[object, ...]:
        if not isinstance(value, list):
            raise ValueError(f"{value!r} is not an array")
        return tuple(checked(value, None))

    return read


def _dataclass_in(cls: type[T]) -> Callable[[object, object], T]:
    made = make_dict_structure_fn(cls, CONVERTER, _cattrs_forbid_extra_keys=True)

    def read(value: object, _cls: object) -> T:
        if not isinstance(value, dict):
            raise ValueError(f"{value!r} is not an object")
        return made(value, cls)

    return read


def _command_out(command: Command) -> dict[str, Json]:
    tag = "setpoint" if isinstance(command, Setpoint) else "hands_off"
    return {_TAG: tag, **CONVERTER.unstructure(command)}


def _command_in(value: object, _cls: object) -> Command:
    if not isinstance(value, dict):
        raise ValueError(f"{value!r} is not an object")
    tag = value.get(_TAG)
    if not isinstance(tag, str) or tag not in _COMMAND_TAGS:
        raise ValueError(f"{_TAG} {tag!r} is no command")
    rest = {key: one for key, one in value.items() if key != _TAG}
    command: Command = CONVERTER.structure(rest, _COMMAND_TAGS[tag])
    return command


def _converter() -> Converter:
    made = Converter(forbid_extra_keys=True)
    for kind in (int, str, bool):
        made.register_structure_hook(kind, _exactly(kind))
    made.register_structure_hook(float, _float_in)
    made.register_structure_hook(datetime, _datetime_in)
    made.register_structure_hook(date, _date_in)
    made.register_structure_hook(time, _time_in)
    made.register_structure_hook(timedelta, _timedelta_in)
    for enumeration in (Enum, IntEnum):  # IntEnum too, or the hook of int takes its members
        made.register_structure_hook(enumeration, _enum_in)
    made.register_structure_hook_factory(is_dataclass, _dataclass_in)
    made.register_structure_hook(Instant, _instant_in)
    made.register_structure_hook(Command, _command_in)
    made.register_structure_hook_factory(_is_tuple, _tuple_in)
    made.register_structure_hook_func(lambda cls: cls == tuple[float, ...], _floats_in)
    made.register_unstructure_hook(float, float_out)
    made.register_unstructure_hook(datetime, datetime_out)
    made.register_unstructure_hook(date, date.isoformat)
    made.register_unstructure_hook(time, _time_out)
    made.register_unstructure_hook(timedelta, _timedelta_out)
    made.register_unstructure_hook(Instant, _instant_out)
    made.register_unstructure_hook(Command, _command_out)
    made.register_unstructure_hook_func(lambda cls: cls == tuple[float, ...], _floats_out)
    return made


CONVERTER: Final = _converter()
