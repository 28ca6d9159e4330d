"""Registers of a SunSpec meter: marker, common model 1, one meter model, end."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from simulators.modbus.maps import MeterSample

BASE_ADDRESS = 40_000
MARKER = (0x5375, 0x6E53)
COMMON_LENGTH = 66
NOT_IMPLEMENTED_INT16 = 0x8000
NOT_IMPLEMENTED_ACC32 = 0
NAN_FLOAT32 = 0x7FC00000
ACC32_ROLLOVER = 1 << 32
END = (0xFFFF, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where the points of one meter model stand, counted from its id register."""

    model_id: int
    length: int
    current: int
    voltage: int
    frequency: int
    power: int
    exported: int
    imported: int


INTEGER_LAYOUT = Layout(
    model_id=200, length=105, current=2, voltage=7, frequency=16, power=18, exported=38, imported=46
)
FLOAT_LAYOUT = Layout(
    model_id=210,
    length=124,
    current=2,
    voltage=10,
    frequency=26,
    power=28,
    exported=60,
    imported=68,
)
# Scale factors of the integer model: offset -> power of ten. TotWh_SF 0 = 1 Wh.
SCALE_FACTORS = {6: -2, 15: -1, 17: -2, 22: 0, 54: 0}
UNUSED_SCALE_FACTORS = (27, 32, 37, 71, 104)
INTEGER_POINTS = range(2, 38)


def identity_registers(
    *, model: str, serial: str, unit_id: int, is_padded: bool = True
) -> list[int]:
    """Return marker and common model, which some devices end without its pad register."""
    common = [1, COMMON_LENGTH if is_padded else COMMON_LENGTH - 1]
    texts = (("Simulated", 16), (model, 16), ("", 8), ("1.0.0", 8), (serial, 16))
    for text, length in texts:
        common += _string(text, length)
    pad = [NOT_IMPLEMENTED_INT16] if is_padded else []
    return [*MARKER, *common, unit_id, *pad]


def meter_registers(
    sample: MeterSample | None, *, float_model: bool, phases: int, swapped: bool = False
) -> list[int]:
    """Return the meter model, or one whose every point is "not implemented" for None.

    `swapped` is the word order that is wrong, of all that has more than one register.
    """
    model_of_phases = 3 if phases == 3 else 1
    order = slice(None, None, -1) if swapped else slice(None)
    if float_model:
        return _float_registers(sample, FLOAT_LAYOUT.model_id + model_of_phases, order)
    return _integer_registers(sample, INTEGER_LAYOUT.model_id + model_of_phases, order)


def _integer_registers(sample: MeterSample | None, model_id: int, order: slice) -> list[int]:
    layout = INTEGER_LAYOUT
    registers = [NOT_IMPLEMENTED_ACC32] * (layout.length + 2)
    registers[:2] = [model_id, layout.length]
    for offset in (*INTEGER_POINTS, *UNUSED_SCALE_FACTORS):
        registers[offset] = NOT_IMPLEMENTED_INT16
    for offset, exponent in SCALE_FACTORS.items():
        registers[offset] = exponent & 0xFFFF
    if sample is None:
        return registers
    for offset, values, exponent in (
        (layout.current, sample.current_a, -2),
        (layout.voltage, sample.voltage_v, -1),
        (layout.frequency, (sample.frequency_hz,), -2),
        (layout.power, sample.power_w, 0),
    ):
        for index, value in enumerate(values):
            registers[offset + index] = _int16(value / 10.0**exponent)
    for offset, values in (
        (layout.exported, sample.export_wh),
        (layout.imported, sample.import_wh),
    ):
        for index, value in enumerate(values):
            registers[offset + 2 * index : offset + 2 * index + 2] = _acc32(value)[order]
    return registers


def _float_registers(sample: MeterSample | None, model_id: int, order: slice) -> list[int]:
    layout = FLOAT_LAYOUT
    registers = [model_id, layout.length, *_words(NAN_FLOAT32) * (layout.length // 2)]
    registers[-2:] = [0, 0]
    if sample is None:
        return registers
    for offset, values in (
        (layout.current, sample.current_a),
        (layout.voltage, sample.voltage_v),
        (layout.frequency, (sample.frequency_hz,)),
        (layout.power, sample.power_w),
        (layout.exported, sample.export_wh),
        (layout.imported, sample.import_wh),
    ):
        for index, value in enumerate(values):
            registers[offset + 2 * index : offset + 2 * index + 2] = _float32(value)[order]
    return registers


def _string(text: str, length: int) -> Iterator[int]:
    data = text.encode("ascii", "replace").ljust(2 * length, b"\0")[: 2 * length]
    yield from struct.unpack(f">{length}H", data)


def _int16(value: float) -> int:
    return max(-32767, min(32767, round(value))) & 0xFFFF


def _acc32(value: float) -> list[int]:
    return _words(int(value) % ACC32_ROLLOVER)


def _float32(value: float) -> list[int]:
    high, low = struct.unpack(">HH", struct.pack(">f", value))
    return [high, low]


def _words(value: int) -> list[int]:
    return [value >> 16, value & 0xFFFF]
