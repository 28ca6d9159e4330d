"""A P1 telegram -> MeterReading (DSMR 5.0.2 P1; IEC 62056-21 data lines, OBIS codes)."""

from __future__ import annotations

import re

from v2g_daemon.domain.errors import DeviceProtocolError
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.readings import MeterReading

LONGEST_TELEGRAM = 16_384

_WHOLE = re.compile(rb"/[^/!]*!([0-9A-Fa-f]{4})\r?\n")
_LINE = re.compile(r"^\d+-\d+:(\d+\.\d+\.\d+)(?:\.255)?\((.*)\)$")
_VALUE = re.compile(r"^(\d+)(?:\.(\d+))?\*(kWh|kW|V)$")
_KILO = 3
_IMPORT, _EXPORT = "1.7.0", "2.7.0"
_PHASE_IMPORT, _PHASE_EXPORT = ("21.7.0", "41.7.0", "61.7.0"), ("22.7.0", "42.7.0", "62.7.0")
_VOLTAGE = ("32.7.0", "52.7.0", "72.7.0")
_SERIAL = "96.1.1"


def taken(buffer: bytes) -> tuple[bytes | None, bytes]:
    """The newest whole telegram and what came after it; half a telegram at the start is dropped."""
    found = [*_WHOLE.finditer(buffer)]
    if not found:
        return None, buffer[-LONGEST_TELEGRAM:]
    return found[-1].group(0), buffer[found[-1].end() :]


def meter_reading(telegram: bytes, *, observed_at: Instant) -> MeterReading:
    """One reading; raises DeviceProtocolError for a wrong checksum or a missing power."""
    end = telegram.rindex(b"!") + 1
    told = int(telegram[end : end + 4], 16)
    if crc16(telegram[:end]) != told:
        raise DeviceProtocolError("a P1 telegram with a wrong checksum")
    lines = _lines(telegram)
    imported_w, exported_w = _milli(lines, _IMPORT, "kW"), _milli(lines, _EXPORT, "kW")
    if imported_w is None or exported_w is None:
        raise DeviceProtocolError("a P1 telegram without power (1-0:1.7.0 and 1-0:2.7.0)")
    voltages = [_milli(lines, code, "V") for code in _VOLTAGE]
    return MeterReading(
        observed_at=observed_at,
        power_w=(imported_w - exported_w) / 1000.0,
        phase_power_w=_phases(lines),
        voltage_v=tuple(one / 1000.0 for one in voltages if one is not None),
        import_milliwh=_counter(lines, "1"),
        export_milliwh=_counter(lines, "2"),
        serial=_serial(lines),
    )


def crc16(data: bytes) -> int:
    """CRC-16 as DSMR 5.0.2 section 6.2 has it: x¹⁶+x¹⁵+x²+1, lowest bit first, from 0."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return crc


def _lines(telegram: bytes) -> dict[str, str]:
    """Value by the last three numbers of its OBIS code; the first of several counts."""
    lines: dict[str, str] = {}
    for line in telegram.decode("ascii", "replace").splitlines():
        found = _LINE.match(line)
        if found is not None:
            lines.setdefault(found[1], found[2])
    return lines


def _milli(lines: dict[str, str], code: str, unit: str) -> int | None:
    """Thousandths of the unit without its kilo: mW, mWh, mV; digits never pass through a float."""
    found = _VALUE.match(lines.get(code, ""))
    if found is None or found[3] != unit:
        return None
    decimals = found[2] or ""
    exponent = 3 - len(decimals) + (_KILO if unit.startswith("k") else 0)
    digits = int(found[1] + decimals)
    return int(digits * 10**exponent) if exponent >= 0 else digits // 10**-exponent


def _phases(lines: dict[str, str]) -> tuple[float, ...]:
    """Power of each phase; empty unless each that imports also tells its export."""
    powers = []
    for into, out in zip(_PHASE_IMPORT, _PHASE_EXPORT, strict=True):
        imported, exported = _milli(lines, into, "kW"), _milli(lines, out, "kW")
        if imported is None and exported is None:
            continue
        if imported is None or exported is None:
            return ()
        powers.append((imported - exported) / 1000.0)
    return tuple(powers)


def _counter(lines: dict[str, str], direction: str) -> int | None:
    """The total, or the sum of both tariffs."""
    total = _milli(lines, f"{direction}.8.0", "kWh")
    if total is not None:
        return total
    tariffs = [_milli(lines, f"{direction}.8.{number}", "kWh") for number in (1, 2)]
    known = [one for one in tariffs if one is not None]
    return sum(known) if known else None


def _serial(lines: dict[str, str]) -> str | None:
    """The equipment number, which comes as the hexadecimal of its characters."""
    try:
        return bytes.fromhex(lines.get(_SERIAL, "")).decode("ascii").strip() or None
    except ValueError:
        return None
