"""Registers of a meter -> MeterReading. The only place that knows the meter's sign and markers.

Offsets count registers from the model's id. "Not implemented" is 0x8000 (int16 and scale
factors), 0xFFFF (uint16) and NaN (float32): each becomes None, never 0.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from v2g_daemon.adapters.modbus.profile import MeterProfile
from v2g_daemon.domain.errors import DeviceProtocolError
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.readings import MeterReading

LOWEST_FREQUENCY_HZ = 40.0
HIGHEST_FREQUENCY_HZ = 70.0
FUSE_MULTIPLE = 10.0

PHASES = {201: 1, 202: 2, 203: 3, 204: 3, 211: 1, 212: 2, 213: 3, 214: 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Offsets:
    """Where one family of models keeps its points; `registers` covers them all in one block."""

    registers: int
    voltage: tuple[int, int, int]
    frequency: int
    power: int
    phase_power: tuple[int, int, int]
    exported: int
    imported: int


INTEGER = Offsets(
    registers=55,
    voltage=(8, 9, 10),
    frequency=16,
    power=18,
    phase_power=(19, 20, 21),
    exported=38,
    imported=46,
)
# Read in the same block as their values: some devices change them while they run.
VOLTAGE_SCALE, FREQUENCY_SCALE, POWER_SCALE, ENERGY_SCALE = 15, 17, 22, 54

FLOAT = Offsets(
    registers=70,
    voltage=(12, 14, 16),
    frequency=26,
    power=28,
    phase_power=(30, 32, 34),
    exported=60,
    imported=68,
)


def offsets_of(model_id: int) -> Offsets:
    """Where a meter model keeps its points."""
    return FLOAT if model_id >= 211 else INTEGER


def meter_reading(
    block: Sequence[int], *, profile: MeterProfile, observed_at: Instant
) -> MeterReading:
    """One reading from a block that starts at the model's id; raises DeviceProtocolError."""
    model_id = block[0]
    if model_id not in PHASES or len(block) != offsets_of(model_id).registers:
        raise DeviceProtocolError(f"no block of a meter: model {model_id}, {len(block)} registers")
    points = _Points(block=block, profile=profile, phases=PHASES[model_id])
    power_w = points.power_w()
    if power_w is None:
        raise DeviceProtocolError(f"SunSpec model {model_id} does not implement its power")
    sign = profile.sign
    imported_milliwh, exported_milliwh = points.energies_milliwh()
    if sign < 0:
        imported_milliwh, exported_milliwh = exported_milliwh, imported_milliwh
    return MeterReading(
        observed_at=observed_at,
        power_w=sign * power_w,
        phase_power_w=tuple(sign * phase_w for phase_w in points.phase_power_w()),
        voltage_v=points.voltage_v(),
        frequency_hz=points.frequency_hz(),
        import_milliwh=imported_milliwh,
        export_milliwh=exported_milliwh,
    )


def produced_w(reading: MeterReading) -> float:
    """What a PV meter says the roof produces: its flow out of the inverter, positive."""
    return -reading.power_w


def implausible(reading: MeterReading, *, main_fuse_w: float) -> str | None:
    """Why a reading cannot be of this house, or None: a wrong word order or scale shows here."""
    frequency_hz = reading.frequency_hz
    if frequency_hz is not None and not (
        LOWEST_FREQUENCY_HZ <= frequency_hz <= HIGHEST_FREQUENCY_HZ
    ):
        return f"a frequency of {frequency_hz:g} Hz"
    if not abs(reading.power_w) <= FUSE_MULTIPLE * main_fuse_w:
        return f"a power of {reading.power_w:g} W behind a fuse of {main_fuse_w:g} W"
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Points:
    """The points of one block, unscaled and scaled alike, in the meter's own sign."""

    block: Sequence[int]
    profile: MeterProfile
    phases: int

    @property
    def _is_float(self) -> bool:
        return self.block[0] >= 211

    @property
    def _offsets(self) -> Offsets:
        return offsets_of(self.block[0])

    def power_w(self) -> float | None:
        """Total active power."""
        return self._signed(self._offsets.power, POWER_SCALE)

    def phase_power_w(self) -> tuple[float, ...]:
        """Active power of each phase; empty unless all are known."""
        return self._per_phase(self._offsets.phase_power, POWER_SCALE)

    def voltage_v(self) -> tuple[float, ...]:
        """Voltage of each phase to neutral; empty unless all are known."""
        return self._per_phase(self._offsets.voltage, VOLTAGE_SCALE)

    def frequency_hz(self) -> float | None:
        """Grid frequency; its scale factor is optional and then 0."""
        offset = self._offsets.frequency
        if not self._is_float and _scale(self.block[FREQUENCY_SCALE]) is None:
            return None if self.block[offset] == 0x8000 else float(_int16(self.block[offset]))
        return self._signed(offset, FREQUENCY_SCALE)

    def energies_milliwh(self) -> tuple[int | None, int | None]:
        """Import and export counters.

        A counter at 0 is a house that never exported; both at 0 are counters that do not exist.
        """
        imported = self._counter(self._offsets.imported)
        exported = self._counter(self._offsets.exported)
        if not self._is_float and imported == 0 and exported == 0:
            return None, None
        return imported, exported

    def _per_phase(self, offsets: tuple[int, int, int], scale: int) -> tuple[float, ...]:
        values = [self._signed(offset, scale) for offset in offsets[: self.phases]]
        known = tuple(value for value in values if value is not None)
        return known if len(known) == self.phases else ()

    def _signed(self, offset: int, scale: int) -> float | None:
        if self._is_float:
            return self._float32(offset)
        exponent = _scale(self.block[scale])
        if exponent is None or self.block[offset] == 0x8000:
            return None
        value = _int16(self.block[offset])
        return float(value * 10**exponent) if exponent >= 0 else value / 10**-exponent

    def _counter(self, offset: int) -> int | None:
        if self._is_float:
            energy_wh = self._float32(offset)
            return None if energy_wh is None or energy_wh < 0.0 else round(energy_wh * 1000.0)
        exponent = _scale(self.block[ENERGY_SCALE])
        if exponent is None:
            return None
        count = self._uint32(offset)
        if count == 0xFFFFFFFF:
            return None
        to_milliwh = exponent + 3
        if to_milliwh >= 0:
            return int(count * 10**to_milliwh)
        divisor = 10**-to_milliwh
        return int((2 * count + divisor) // (2 * divisor))

    def _float32(self, offset: int) -> float | None:
        value = float(struct.unpack(">f", struct.pack(">I", self._uint32(offset)))[0])
        return value if isfinite(value) else None

    def _uint32(self, offset: int) -> int:
        high, low = self.block[offset], self.block[offset + 1]
        if self.profile.word_order == "little":
            high, low = low, high
        return high << 16 | low


def _int16(register: int) -> int:
    return register - 0x10000 if register >= 0x8000 else register


def _scale(register: int) -> int | None:
    """A scale factor: -10 to 10, or None where it is not implemented."""
    if register == 0x8000:
        return None
    exponent = _int16(register)
    if not -10 <= exponent <= 10:
        raise DeviceProtocolError(f"a scale factor of {exponent}; SunSpec allows -10 to 10")
    return exponent
