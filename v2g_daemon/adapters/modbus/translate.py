"""Registers -> MeterReading. The only place that knows a meter's sign.

One engine for every profile: an image of registers, the points of a map, and what becomes of a
value that is not there: None, never 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

from v2g_daemon.adapters.modbus.profile import MeterProfile, Point, Points, RegisterMap
from v2g_daemon.adapters.modbus.values import Kind, WordOrder, number, scaled, scaled_milli, text
from v2g_daemon.domain.errors import DeviceProtocolError
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.readings import MeterReading

Image = Mapping[int, int]
"""Register by its zero-based address."""

# What a device without its values answers: nothing, all bits, SunSpec's "not implemented".
DEAD_REGISTERS = (0x0000, 0xFFFF, 0x8000)
_NO_EXPONENT = -0x8000
_LARGEST_EXPONENT = 10


def meter_reading(
    image: Image, the_map: RegisterMap, *, profile: MeterProfile, observed_at: Instant
) -> MeterReading:
    """One reading; raises DeviceProtocolError where there is no power or none to be believed."""
    _refuse_unmet(image, the_map, profile.word_order)
    values = _Values(image, the_map.points, profile)
    per_phase = values.phases("phase_power_w")
    power_w = values.one("power_w")
    if power_w is None and the_map.points.power_w is None and per_phase:
        power_w = sum(per_phase)
    if power_w is None:
        raise DeviceProtocolError(f"{profile.name} does not tell its power")
    sign = profile.sign
    imported, exported = values.counters()
    return MeterReading(
        observed_at=observed_at,
        power_w=sign * power_w,
        phase_power_w=tuple(sign * phase_w for phase_w in per_phase),
        voltage_v=values.phases("voltage_v"),
        frequency_hz=values.one("frequency_hz"),
        import_milliwh=imported,
        export_milliwh=exported,
        serial=values.serial(),
    )


def is_dead(registers: Mapping[int, int], points: Points) -> bool:
    """Whether a block of registers holds nothing.

    All zeros are a house at exactly 0 W where the block has no voltage and no frequency.
    """
    held = set(registers.values())
    if len(held) != 1:
        return False
    (word,) = held
    if word != 0:
        return word in DEAD_REGISTERS
    return any(
        address in registers
        for point in (points.voltage_v, points.frequency_hz)
        if point is not None
        for address in point.address
    )


def out_of_bounds(reading: MeterReading, profile: MeterProfile) -> str | None:
    """Why no meter of this kind reads that, or None: a wrong word order or scale shows here."""
    lowest_hz, highest_hz = profile.bounds.frequency_hz
    frequency_hz = reading.frequency_hz
    if frequency_hz is not None and not lowest_hz <= frequency_hz <= highest_hz:
        return f"a frequency of {frequency_hz:g} Hz"
    lowest_v, highest_v = profile.bounds.voltage_v
    for voltage_v in reading.voltage_v:
        if voltage_v != 0.0 and not lowest_v <= voltage_v <= highest_v:
            return f"a voltage of {voltage_v:g} V"
    return None


def _refuse_unmet(image: Image, the_map: RegisterMap, order: WordOrder) -> None:
    for requirement in the_map.requirements:
        point = requirement.point
        found = _raw(image, requirement.address, point, order)
        if found is not None and found not in requirement.one_of:
            raise DeviceProtocolError(f"{requirement.what} is {found:g}; {requirement.fix}")


class _Values:
    """The points of one image, scaled, in the meter's own sign."""

    def __init__(self, image: Image, points: Points, profile: MeterProfile) -> None:
        self._image = image
        self._points = points
        self._profile = profile

    def one(self, name: str) -> float | None:
        """A quantity that is not per phase."""
        point: Point | None = getattr(self._points, name)
        return None if point is None else self._scaled(point.address[0], point, name)

    def phases(self, name: str) -> tuple[float, ...]:
        """A quantity per phase; empty unless all are known."""
        point: Point | None = getattr(self._points, name)
        if point is None:
            return ()
        values = [self._scaled(address, point, name) for address in point.address]
        known = tuple(value for value in values if value is not None)
        return known if len(known) == len(values) else ()

    def counters(self) -> tuple[int | None, int | None]:
        """Import and export in milliwatt-hours, both or those that the meter has.

        A counter at 0 is a house that never exported; all at 0 are counters that do not exist.
        """
        points = (self._points.import_wh, self._points.export_wh)
        found = [None if point is None else self._milliwh(point) for point in points]
        wanted = [point is not None for point in points]
        seen = [value is not None for value in found]
        if seen != wanted or not any(found):
            return None, None
        imported, exported = found
        if self._profile.counters == "exchanged":
            return exported, imported
        return imported, exported

    def serial(self) -> str | None:
        """The device's own number."""
        point = self._points.serial
        if point is None:
            return None
        if point.type is Kind.STRING:
            registers = _registers(self._image, point.address[0], point.registers)
            return None if registers is None else text(registers)
        raw = _raw(self._image, point.address[0], point, self._profile.word_order)
        return None if raw is None else f"{raw:g}" if isinstance(raw, float) else str(raw)

    def _scaled(self, address: int, point: Point, name: str) -> float | None:
        raw = self._difference(address, point)
        factors = self._factors(point, is_optional=name == "frequency_hz")
        if raw is None or factors is None:
            return None
        times, per = factors
        if point.tenth_above is not None and scaled(raw, times, per) > point.tenth_above:
            per *= 10
        return scaled(raw, times, per) * self._ratio(name)

    def _milliwh(self, point: Point) -> int | None:
        raw = self._difference(point.address[0], point)
        factors = self._factors(point, is_optional=False)
        if raw is None or factors is None or raw < 0:
            return None
        ratio = self._ratio("import_wh")
        return scaled_milli(raw if ratio == 1.0 else raw * ratio, *factors)

    def _difference(self, address: int, point: Point) -> int | float | None:
        order = self._profile.word_order
        raw = _raw(self._image, address, point, order)
        if point.minus is None or raw is None:
            return raw
        less = _raw(self._image, point.minus, point, order)
        return None if less is None else raw - less

    def _factors(self, point: Point, *, is_optional: bool) -> tuple[int, int] | None:
        """(times, per) with the power of ten that the device gives, if it gives one."""
        if point.exponent_at is None:
            return point.times, point.per
        registers = _registers(self._image, point.exponent_at, 1)
        if registers is None:
            return None
        exponent = registers[0] - 0x10000 if registers[0] >= 0x8000 else registers[0]
        if exponent == _NO_EXPONENT:
            return (point.times, point.per) if is_optional else None
        if abs(exponent) > _LARGEST_EXPONENT:
            raise DeviceProtocolError(f"a scale factor of {exponent}; SunSpec allows -10 to 10")
        ten: int = 10 ** abs(exponent)
        return (point.times * ten, point.per) if exponent >= 0 else (point.times, point.per * ten)

    def _ratio(self, name: str) -> float:
        """What transformers in front of the meter make of it."""
        if name == "frequency_hz":
            return 1.0
        names = ("voltage_ratio",) if name == "voltage_v" else ("current_ratio", "voltage_ratio")
        points = [getattr(self._points, one) for one in names]
        ratios = [self._ratio_of(point) for point in points if point is not None]
        return prod(ratios) if ratios else 1.0

    def _ratio_of(self, point: Point) -> float:
        raw = _raw(self._image, point.address[0], point, self._profile.word_order)
        if raw is None or raw <= 0:
            raise DeviceProtocolError(f"{self._profile.name} does not tell its ratios")
        return scaled(raw, point.times, point.per)


def _raw(image: Image, address: int, point: Point, order: WordOrder) -> int | float | None:
    registers = _registers(image, address, point.registers)
    if registers is None:
        return None
    raw = number(registers, point.type, order)
    return None if raw in point.invalid else raw


def _registers(image: Image, address: int, count: int) -> tuple[int, ...] | None:
    """The registers, or None where one of them was not read."""
    found = tuple(image[one] for one in range(address, address + count) if one in image)
    return found if len(found) == count else None
