"""Registers of a value -> the value: types, word order, and the markers of "not available"."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from enum import Enum
from math import isfinite
from typing import Literal

WordOrder = Literal["big", "little"]


class Kind(Enum):
    """How a value lies in its registers."""

    INT16 = "int16"
    UINT16 = "uint16"
    INT32 = "int32"
    UINT32 = "uint32"
    INT64 = "int64"
    UINT64 = "uint64"
    FLOAT32 = "float32"
    FLOAT64 = "float64"
    STRING = "string"


REGISTERS = {
    Kind.INT16: 1,
    Kind.UINT16: 1,
    Kind.INT32: 2,
    Kind.UINT32: 2,
    Kind.INT64: 4,
    Kind.UINT64: 4,
    Kind.FLOAT32: 2,
    Kind.FLOAT64: 4,
}
_FORMATS = {Kind.FLOAT32: ">f", Kind.FLOAT64: ">d"}
_SIGNED = (Kind.INT16, Kind.INT32, Kind.INT64)


def number(registers: Sequence[int], kind: Kind, order: WordOrder) -> int | float | None:
    """The number; None where all bits say that there is none (NaN, the ends of the range)."""
    words = registers if order == "big" else registers[::-1]
    data = struct.pack(f">{len(words)}H", *words)
    if kind in _FORMATS:
        value: float = struct.unpack(_FORMATS[kind], data)[0]
        return value if isfinite(value) else None
    raw = int.from_bytes(data)
    bits = 8 * len(data)
    if kind in _SIGNED:
        if raw in (1 << (bits - 1), (1 << (bits - 1)) - 1):
            return None
        return raw - (1 << bits) if raw >> (bits - 1) else raw
    return None if raw == (1 << bits) - 1 else raw


def text(registers: Sequence[int]) -> str | None:
    """A string, two characters a register; None where it is empty or no text."""
    data = struct.pack(f">{len(registers)}H", *registers)
    said = data.split(b"\0")[0].strip()
    if not said.isascii() or not said.decode("ascii", "replace").isprintable():
        return None
    return said.decode("ascii") or None


def scaled(raw: int | float, times: int, per: int) -> float:
    """raw × times ÷ per, so that 2301 tenths are 230.1."""
    return float(raw * times) if per == 1 else raw * times / per


def scaled_milli(raw: int | float, times: int, per: int) -> int:
    """Thousandths of raw × times ÷ per, rounded half up; in integers where raw is one."""
    if isinstance(raw, float):
        return round(raw * times * 1000.0 / per)
    return int((2 * raw * times * 1000 + per) // (2 * per))


def registers_of(value: int | float, kind: Kind, order: WordOrder) -> tuple[int, ...]:
    """The registers that hold a number; ValueError where they cannot."""
    count = REGISTERS[kind]
    if kind in _FORMATS:
        data = struct.pack(_FORMATS[kind], value)
    else:
        try:
            data = round(value).to_bytes(2 * count, signed=kind in _SIGNED)
        except OverflowError as error:
            raise ValueError(f"{value:g} is no {kind.value}") from error
    words: tuple[int, ...] = struct.unpack(f">{count}H", data)
    return words if order == "big" else words[::-1]
