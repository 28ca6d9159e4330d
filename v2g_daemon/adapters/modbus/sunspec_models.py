"""Where the SunSpec models keep their points, counted from the model's id register.

Scale factors are read in the same block as their values: some devices change them while they run.
"Not implemented" is an end of the range, NaN, or 0 in a counter. An inverter's power is positive
when it produces, so profiles of inverters have sign = -1; counters are named by their meaning.
"""

from __future__ import annotations

from dataclasses import dataclass

from v2g_daemon.adapters.modbus.profile import Block, Every, IfRefused, Point, Points, RegisterMap
from v2g_daemon.adapters.modbus.values import Kind

METER_MODELS = (201, 202, 203, 204, 211, 212, 213, 214)
INVERTER_MODELS = (101, 102, 103, 111, 112, 113, 701)
COMMON_MODEL = 1
SERIAL_OFFSET = 50
SERIAL_REGISTERS = 16
_PHASES = {
    **dict.fromkeys((101, 111, 201, 211), 1),
    **dict.fromkeys((102, 112, 202, 212), 2),
    **dict.fromkeys((103, 113, 203, 204, 213, 214, 701), 3),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """One family of models: how much of it is read, and where its points stand."""

    registers: int
    power: int
    phase_power: tuple[int, ...]
    voltage: tuple[int, ...]
    frequency: int
    imported: int | None
    exported: int
    number: Kind = Kind.FLOAT32
    voltage_kind: Kind = Kind.FLOAT32
    frequency_kind: Kind = Kind.FLOAT32
    counter: Kind = Kind.FLOAT32
    power_scale: int | None = None
    voltage_scale: int | None = None
    frequency_scale: int | None = None
    energy_scale: int | None = None


METER_INTEGER = Layout(
    registers=55,
    power=18,
    phase_power=(19, 20, 21),
    voltage=(8, 9, 10),
    frequency=16,
    imported=46,
    exported=38,
    number=Kind.INT16,
    voltage_kind=Kind.INT16,
    frequency_kind=Kind.INT16,
    counter=Kind.UINT32,
    power_scale=22,
    voltage_scale=15,
    frequency_scale=17,
    energy_scale=54,
)
METER_FLOAT = Layout(
    registers=70,
    power=28,
    phase_power=(30, 32, 34),
    voltage=(12, 14, 16),
    frequency=26,
    imported=68,
    exported=60,
)
INVERTER_INTEGER = Layout(
    registers=27,
    power=14,
    phase_power=(),
    voltage=(10, 11, 12),
    frequency=16,
    imported=None,
    exported=24,
    number=Kind.INT16,
    voltage_kind=Kind.UINT16,
    frequency_kind=Kind.UINT16,
    counter=Kind.UINT32,
    power_scale=15,
    voltage_scale=13,
    frequency_scale=17,
    energy_scale=26,
)
INVERTER_FLOAT = Layout(
    registers=34,
    power=22,
    phase_power=(),
    voltage=(16, 18, 20),
    frequency=24,
    imported=None,
    exported=32,
)
DER_MEASUREMENT = Layout(
    registers=122,
    power=10,
    phase_power=(41, 64, 87),
    voltage=(47, 70, 93),
    frequency=17,
    imported=23,
    exported=19,
    number=Kind.INT16,
    voltage_kind=Kind.UINT16,
    frequency_kind=Kind.UINT32,
    counter=Kind.UINT64,
    power_scale=116,
    voltage_scale=114,
    frequency_scale=115,
    energy_scale=120,
)


def layout_of(model_id: int) -> Layout:
    """Where a meter or inverter model keeps its points; KeyError for any other."""
    if model_id == 701:
        return DER_MEASUREMENT
    return {
        10: INVERTER_INTEGER,
        11: INVERTER_FLOAT,
        20: METER_INTEGER,
        21: METER_FLOAT,
    }[model_id // 10]


def map_of(model_id: int, address: int, *, serial_at: int | None) -> RegisterMap:
    """The map of a model that stands at an address; `serial_at` is in the common model."""
    layout = layout_of(model_id)
    phases = _PHASES[model_id]
    blocks = [Block(address=address, count=layout.registers, every=Every.FAST)]
    if serial_at is not None:
        blocks.append(
            Block(
                address=serial_at,
                count=SERIAL_REGISTERS,
                every=Every.ONCE,
                if_refused=IfRefused.ABSENT,
            )
        )
    return RegisterMap(blocks=tuple(blocks), points=_points(layout, phases, address, serial_at))


def _points(layout: Layout, phases: int, address: int, serial_at: int | None) -> Points:
    def point(offsets: tuple[int, ...], kind: Kind, scale: int | None) -> Point | None:
        if not offsets:
            return None
        return Point(
            address=tuple(address + offset for offset in offsets),
            type=kind,
            exponent_at=None if scale is None else address + scale,
        )

    number, imported = layout.number, layout.imported
    return Points(
        power_w=point((layout.power,), number, layout.power_scale),
        phase_power_w=point(layout.phase_power[:phases], number, layout.power_scale),
        voltage_v=point(layout.voltage[:phases], layout.voltage_kind, layout.voltage_scale),
        frequency_hz=point((layout.frequency,), layout.frequency_kind, layout.frequency_scale),
        import_wh=None
        if imported is None
        else point((imported,), layout.counter, layout.energy_scale),
        export_wh=point((layout.exported,), layout.counter, layout.energy_scale),
        serial=None
        if serial_at is None
        else Point(address=(serial_at,), type=Kind.STRING, count=SERIAL_REGISTERS),
    )
