"""Registers of a charger -> what is seen of it, and powers -> registers; the only home of signs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from v2g_daemon.adapters.modbus.chargers.profile import Condition, Register
from v2g_daemon.adapters.modbus.values import (
    Kind,
    WordOrder,
    number,
    registers_of,
    scaled,
    text,
)
from v2g_daemon.domain.errors import DeviceProtocolError

Image = Mapping[tuple[int, int], int]
"""Register by function code and zero-based address."""

MOST_PLAUSIBLE_W = 100_000.0
_LARGEST_EXPONENT = 10
_NO_EXPONENT = -0x8000


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What one look found; positive W charge. `lowest_w`, `highest_w`: what it offers now.

    None is "not told". `said` is its state in words, `trouble` what is wrong with it.
    """

    condition: Condition
    said: str
    power_w: float
    soc: float | None = None
    lowest_w: float | None = None
    highest_w: float | None = None
    min_charge_w: float = 0.0
    charge_wh: float | None = None
    discharge_wh: float | None = None
    evccid: str | None = None
    trouble: str | None = None

    @property
    def plugged_in(self) -> bool | None:
        """Whether there is a car; a charger that failed cannot say."""
        return None if self.condition is Condition.FAILED else self.condition is not Condition.EMPTY


def number_in(image: Image, register: Register, order: WordOrder) -> float | None:
    """A number in its unit; None where it was not read, or means "none"."""
    words = _words(image, register)
    if words is None or register.type is Kind.STRING:
        return None
    raw = number(words, register.type, order)
    if raw is None or raw in register.invalid:
        return None
    factors = _factors(image, register)
    return None if factors is None else register.sign * scaled(raw, *factors)


def text_in(image: Image, register: Register) -> str | None:
    """A text; None where it is empty or was not read."""
    words = _words(image, register)
    return None if words is None else text(words)


def encoded(value: float, register: Register, image: Image, order: WordOrder) -> tuple[int, ...]:
    """The registers for a number in its unit; ValueError where they cannot hold it."""
    factors = _factors(image, register)
    if factors is None:
        raise DeviceProtocolError("the scale of a setpoint was not read")
    times, per = factors
    raw = register.sign * value * per / times
    whole = raw if register.type in (Kind.FLOAT32, Kind.FLOAT64) else float(round(raw))
    return registers_of(whole, register.type, order)


def _factors(image: Image, register: Register) -> tuple[int, int] | None:
    """(times, per) with the power of ten that the device gives, if it gives one."""
    if register.exponent_at is None:
        return register.times, register.per
    word = image.get((register.function_code, register.exponent_at))
    if word is None:
        return None
    exponent = word - 0x10000 if word >= 0x8000 else word
    if exponent == _NO_EXPONENT or abs(exponent) > _LARGEST_EXPONENT:
        return None
    power = int("1" + "0" * abs(exponent))
    if exponent >= 0:
        return register.times * power, register.per
    return register.times, register.per * power


def _words(image: Image, register: Register) -> tuple[int, ...] | None:
    code, start = register.function_code, register.address
    places = [(code, at) for at in range(start, start + register.registers)]
    found = tuple(image[place] for place in places if place in image)
    return found if len(found) == register.registers else None
