"""A JSON answer -> MeterReading, by JSON pointers (RFC 6901). Holds the meter's sign."""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import isfinite
from typing import Literal

from v2g_daemon.domain.errors import DeviceProtocolError
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.json_pointer import pointed_at
from v2g_daemon.domain.readings import MeterReading


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointers:
    """Where the values stand; power × `sign` is positive on import, counters are in Wh."""

    power_w: str
    sign: Literal[1, -1]
    phase_power_w: tuple[str, ...] = ()
    voltage_v: tuple[str, ...] = ()
    frequency_hz: str | None = None
    import_wh: str | None = None
    export_wh: str | None = None
    serial: str | None = None


def meter_reading(answer: bytes, *, pointers: Pointers, observed_at: Instant) -> MeterReading:
    """One reading; raises DeviceProtocolError where there is no JSON or no power in it."""
    try:
        document = json.loads(answer)
    except ValueError as error:
        raise DeviceProtocolError("the answer is no JSON") from error
    power_w = _number(document, pointers.power_w)
    if power_w is None:
        raise DeviceProtocolError(f"there is no number at {pointers.power_w}")
    sign = pointers.sign
    serial = None if pointers.serial is None else pointed_at(document, pointers.serial)
    return MeterReading(
        observed_at=observed_at,
        power_w=sign * power_w,
        phase_power_w=tuple(sign * one for one in _numbers(document, pointers.phase_power_w)),
        voltage_v=_numbers(document, pointers.voltage_v),
        frequency_hz=None
        if pointers.frequency_hz is None
        else _number(document, pointers.frequency_hz),
        import_milliwh=_milliwh(document, pointers.import_wh),
        export_milliwh=_milliwh(document, pointers.export_wh),
        serial=None if serial is None else str(serial),
    )


def _numbers(document: object, paths: tuple[str, ...]) -> tuple[float, ...]:
    """One number per phase; empty unless all are there."""
    values = [_number(document, path) for path in paths]
    known = tuple(value for value in values if value is not None)
    return known if len(known) == len(values) else ()


def _milliwh(document: object, path: str | None) -> int | None:
    energy_wh = None if path is None else _number(document, path)
    return None if energy_wh is None or energy_wh < 0.0 else round(energy_wh * 1000.0)


def _number(document: object, path: str) -> float | None:
    """A finite number; some devices write theirs as a text."""
    found = pointed_at(document, path)
    if isinstance(found, bool) or not isinstance(found, int | float | str):
        return None
    try:
        value = float(found)
    except ValueError:
        return None
    return value if isfinite(value) else None
