"""An SMA energy meter datagram -> MeterReading (EMETER protocol, TI-en-10)."""

from __future__ import annotations

import struct

from v2g_daemon.domain.errors import DeviceProtocolError
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.readings import MeterReading

METER_PROTOCOLS = (0x6069, 0x6081)
HEAD_SIZE = 28

_VALUE, _COUNTER = 4, 8
_IMPORT, _EXPORT, _FREQUENCY = 1, 2, 14
_PHASES = (20, 40, 60)
_VOLTAGE = 32 - 20
_TENTHS_W, _MILLI = 10.0, 1000.0

Records = dict[tuple[int, int], int]
"""Value by (index, type): what is measured, and whether now or in total."""


def serial_of(datagram: bytes) -> str | None:
    """The serial number of the energy meter that sent this; None: no energy meter did."""
    if len(datagram) < HEAD_SIZE or not datagram.startswith(b"SMA\0"):
        return None
    (protocol,) = struct.unpack_from(">H", datagram, 16)
    return str(struct.unpack_from(">I", datagram, 20)[0]) if protocol in METER_PROTOCOLS else None


def meter_reading(datagram: bytes, *, observed_at: Instant) -> MeterReading:
    """One reading; raises DeviceProtocolError for a broken datagram or a missing power."""
    serial = serial_of(datagram)
    if serial is None:
        raise DeviceProtocolError("no datagram of an SMA energy meter")
    records = _records(datagram)
    power_w = _power_w(records, 0)
    if power_w is None:
        raise DeviceProtocolError(f"SMA energy meter {serial} does not tell its power")
    phases = [_power_w(records, phase) for phase in _PHASES]
    voltages = [records.get((phase + _VOLTAGE, _VALUE)) for phase in _PHASES]
    frequency = records.get((_FREQUENCY, _VALUE))
    return MeterReading(
        observed_at=observed_at,
        power_w=power_w,
        phase_power_w=tuple(one for one in phases if one is not None) if None not in phases else (),
        voltage_v=tuple(one / _MILLI for one in voltages if one is not None),
        # Firmware before 2.0 sends no frequency, or 0.
        frequency_hz=None if frequency in (None, 0) else _hertz(frequency),
        import_milliwh=_milliwh(records, _IMPORT),
        export_milliwh=_milliwh(records, _EXPORT),
        serial=serial,
    )


def _hertz(frequency: int | None) -> float | None:
    return None if frequency is None else frequency / _MILLI


def _records(datagram: bytes) -> Records:
    """The OBIS records up to the end mark."""
    records: Records = {}
    offset = HEAD_SIZE
    while offset + 4 <= len(datagram):
        channel, index, kind, _ = datagram[offset : offset + 4]
        offset += 4
        if (channel, index, kind) == (0, 0, 0):
            return records
        size = _COUNTER if kind == _COUNTER else _VALUE
        if offset + size > len(datagram):
            break
        if channel == 0:
            records[(index, kind)] = int.from_bytes(datagram[offset : offset + size])
        offset += size
    raise DeviceProtocolError("a datagram of an SMA energy meter that breaks off")


def _power_w(records: Records, base: int) -> float | None:
    """Import less export; the meter sends both, one of them 0."""
    imported = records.get((base + _IMPORT, _VALUE))
    exported = records.get((base + _EXPORT, _VALUE))
    return None if imported is None or exported is None else (imported - exported) / _TENTHS_W


def _milliwh(records: Records, index: int) -> int | None:
    """Watt-seconds into whole milliwatt-hours: ÷ 3.6, rounded half up."""
    counted_ws = records.get((index, _COUNTER))
    return None if counted_ws is None else (counted_ws * 10 + 18) // 36
