"""Register maps of meters as these simulators serve them, typed from the makers' numbers.

A map holds its own addresses, types and factors: it is the second opinion on the daemon's profiles
and shares nothing with them. A cell is written as round(value × factor), a float as value × factor.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

FORMATS = {
    "i16": ">h",
    "u16": ">H",
    "i32": ">i",
    "u32": ">I",
    "i64": ">q",
    "u64": ">Q",
    "f32": ">f",
    "f64": ">d",
    "acc32": ">I",
}
ABSENT = {
    "i16": 0x8000,
    "u16": 0xFFFF,
    "i32": 0x80000000,
    "u32": 0xFFFFFFFF,
    "i64": 1 << 63,
    "u64": (1 << 64) - 1,
    "f32": 0x7FC00000,
    "f64": 0x7FF8 << 48,
    "acc32": 0,
}
TOTAL = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterSample:
    """What the meter shows; tuples are total, A, B, C; power + = import unless inverted."""

    power_w: tuple[float, ...]
    current_a: tuple[float, ...]
    voltage_v: tuple[float, ...]
    import_wh: tuple[float, ...]
    export_wh: tuple[float, ...]
    frequency_hz: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Where one quantity stands; `part` 0 is the total, 1 to 3 a phase."""

    address: int
    kind: str
    what: str
    part: int = TOTAL
    factor: float = 1.0

    def words(self, sample: MeterSample | None) -> list[int]:
        """The registers, high word first; None and a phase that is not there are "absent"."""
        value = None if sample is None else _value(sample, self.what, self.part)
        size = struct.calcsize(FORMATS[self.kind])
        if value is None:
            return _split(ABSENT[self.kind].to_bytes(size))
        scaled = value * self.factor
        if self.kind[0] != "f":
            return _split(struct.pack(FORMATS[self.kind], round(scaled)))
        return _split(struct.pack(FORMATS[self.kind], scaled))


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterMap:
    """One kind of meter; `ranges` (first, count) can be read, everything else is refused."""

    cells: tuple[Cell, ...]
    ranges: tuple[tuple[int, int], ...]
    function_codes: tuple[int, ...] = (3, 4)
    little: bool = False
    exports_positive: bool = False
    most: int = 125
    constants: dict[int, int] = field(default_factory=dict)


def phases(kind: str, addresses: tuple[int, ...], what: str, factor: float = 1.0) -> Iterator[Cell]:
    """A quantity of each phase."""
    for part, address in enumerate(addresses, start=1):
        yield Cell(address=address, kind=kind, what=what, part=part, factor=factor)


def total(kind: str, address: int, what: str, factor: float = 1.0) -> Cell:
    """A quantity of all phases together."""
    return Cell(address=address, kind=kind, what=what, factor=factor)


def image(
    the_map: MeterMap, sample: MeterSample | None, *, swapped: bool = False
) -> dict[int, int]:
    """Every register that can be read; `swapped` is the word order that is wrong."""
    registers = {
        address: 0 for first, count in the_map.ranges for address in range(first, first + count)
    }
    registers |= the_map.constants
    for cell in the_map.cells:
        words = cell.words(sample)
        if the_map.little is not swapped:
            words.reverse()
        registers |= {cell.address + offset: word for offset, word in enumerate(words)}
    return registers


def _value(sample: MeterSample, what: str, part: int) -> float | None:
    if what == "frequency_hz":
        return sample.frequency_hz
    if what in ("imported_w", "exported_w"):
        power_w = sample.power_w[part]
        return max(power_w, 0.0) if what == "imported_w" else max(-power_w, 0.0)
    values: tuple[float, ...] = getattr(sample, what)
    return values[part] if part < len(values) else None


def _split(data: bytes) -> list[int]:
    return list(struct.unpack(f">{len(data) // 2}H", data))


def _carlo_gavazzi(*, ethernet: bool) -> MeterMap:
    return MeterMap(
        little=True,
        most=50,
        cells=(
            *phases("i32", (0x00, 0x02, 0x04), "voltage_v", 10),
            *phases("i32", (0x0C, 0x0E, 0x10), "current_a", 1000),
            *phases("i32", (0x12, 0x14, 0x16), "power_w", 10),
            total("i32", 0x28, "power_w", 10),
            total("u16", 0x33, "frequency_hz", 10),
            total("i32", 0x34, "import_wh", 0.01),
            *phases("i32", (0x40, 0x42, 0x44), "import_wh", 0.01),
            total("i32", 0x4E, "export_wh", 0.01),
        ),
        ranges=((0x00, 0x50), (0xA000, 1)) if ethernet else ((0x00, 0x50),),
        # The model of an EM24 E1 is read at 0x0B, where others have the end of a voltage.
        constants={0x0B: 1651, 0xA000: 7} if ethernet else {},
    )


MAPS: dict[str, MeterMap] = {
    "eastron_3p": MeterMap(
        function_codes=(4,),
        most=80,
        cells=(
            *phases("f32", (0x00, 0x02, 0x04), "voltage_v"),
            *phases("f32", (0x06, 0x08, 0x0A), "current_a"),
            *phases("f32", (0x0C, 0x0E, 0x10), "power_w"),
            total("f32", 0x34, "power_w"),
            total("f32", 0x46, "frequency_hz"),
            total("f32", 0x48, "import_wh", 0.001),
            total("f32", 0x4A, "export_wh", 0.001),
            *phases("f32", (0x15A, 0x15C, 0x15E), "import_wh", 0.001),
            *phases("f32", (0x160, 0x162, 0x164), "export_wh", 0.001),
        ),
        ranges=((0x00, 0x50), (0x156, 0x10)),
    ),
    "eastron_1p": MeterMap(
        function_codes=(4,),
        cells=(
            *phases("f32", (0x00,), "voltage_v"),
            *phases("f32", (0x06,), "current_a"),
            total("f32", 0x0C, "power_w"),
            total("f32", 0x46, "frequency_hz"),
            total("f32", 0x48, "import_wh", 0.001),
            total("f32", 0x4A, "export_wh", 0.001),
        ),
        ranges=((0x00, 0x50),),
    ),
    "eastron_sdm72_v1": MeterMap(
        function_codes=(4,),
        cells=(
            total("f32", 0x34, "power_w"),
            total("f32", 0x48, "import_wh", 0.001),
            total("f32", 0x4A, "export_wh", 0.001),
        ),
        ranges=((0x34, 2), (0x48, 4)),
    ),
    "cg_em3xx": _carlo_gavazzi(ethernet=False),
    "cg_em24_ethernet": _carlo_gavazzi(ethernet=True),
    "cg_em24_rs485": MeterMap(
        little=True,
        most=11,
        cells=(
            *phases("i32", (0x00, 0x02, 0x04), "voltage_v", 10),
            *phases("i32", (0x12, 0x14, 0x16), "power_w", 10),
            total("i32", 0x28, "power_w", 10),
            total("u16", 0x37, "frequency_hz", 10),
            total("i32", 0x42, "import_wh", 0.01),
        ),
        ranges=((0x00, 0x60),),
    ),
    "abb_b2x": MeterMap(
        function_codes=(3,),
        cells=(
            *phases("u32", (0x5B00, 0x5B02, 0x5B04), "voltage_v", 10),
            *phases("u32", (0x5B0C, 0x5B0E, 0x5B10), "current_a", 100),
            total("i32", 0x5B14, "power_w", 100),
            *phases("i32", (0x5B16, 0x5B18, 0x5B1A), "power_w", 100),
            total("u16", 0x5B2C, "frequency_hz", 100),
            total("u64", 0x5000, "import_wh", 0.1),
            total("u64", 0x5004, "export_wh", 0.1),
        ),
        ranges=((0x5000, 8), (0x5B00, 64), (0x8900, 2), (0x8960, 6)),
        constants={0x8900: 0x0001, 0x8901: 0xE240, 0x8960: 0x4232, 0x8961: 0x3320},
    ),
    "siemens_pac2200": MeterMap(
        cells=(
            *phases("f32", (1, 3, 5), "voltage_v"),
            *phases("f32", (13, 15, 17), "current_a"),
            *phases("f32", (25, 27, 29), "power_w"),
            total("f32", 65, "power_w"),
            total("f32", 55, "frequency_hz"),
            total("f64", 801, "import_wh"),
            total("f64", 809, "export_wh"),
        ),
        ranges=((1, 70), (801, 12)),
    ),
    "janitza_umg96rm": MeterMap(
        function_codes=(3,),
        cells=(
            *phases("f32", (19000, 19002, 19004), "voltage_v"),
            *phases("f32", (19012, 19014, 19016), "current_a"),
            *phases("f32", (19020, 19022, 19024), "power_w"),
            total("f32", 19026, "power_w"),
            total("f32", 19050, "frequency_hz"),
            total("f32", 19068, "import_wh"),
            total("f32", 19076, "export_wh"),
        ),
        ranges=((19000, 120),),
    ),
    "janitza_umg104": MeterMap(
        function_codes=(3,),
        cells=(
            *phases("f32", (1317, 1319, 1321), "voltage_v"),
            *phases("f32", (1333, 1335, 1337), "power_w"),
            total("f32", 1369, "power_w"),
            total("f32", 1439, "frequency_hz"),
            total("f32", 9851, "import_wh"),
            total("f32", 9863, "export_wh"),
        ),
        ranges=((1317, 124), (9851, 14)),
    ),
    "schneider_iem3x55": MeterMap(
        function_codes=(3,),
        cells=(
            *phases("f32", (0x0BB7, 0x0BB9, 0x0BBB), "current_a"),
            *phases("f32", (0x0BD3, 0x0BD5, 0x0BD7), "voltage_v"),
            *phases("f32", (0x0BED, 0x0BEF, 0x0BF1), "power_w", 0.001),
            total("f32", 0x0BF3, "power_w", 0.001),
            total("f32", 0x0C25, "frequency_hz"),
            total("i64", 0x0C83, "import_wh"),
            total("i64", 0x0C87, "export_wh"),
        ),
        ranges=((0x0BB7, 0x80), (0x0C83, 8)),
    ),
    "chint_dtsu666": MeterMap(
        function_codes=(3,),
        cells=(
            *phases("f32", (0x2006, 0x2008, 0x200A), "voltage_v", 10),
            *phases("f32", (0x200C, 0x200E, 0x2010), "current_a", 1000),
            total("f32", 0x2012, "power_w", 10),
            *phases("f32", (0x2014, 0x2016, 0x2018), "power_w", 10),
            total("f32", 0x2044, "frequency_hz", 100),
            total("f32", 0x401E, "import_wh", 0.001),
            total("f32", 0x4028, "export_wh", 0.001),
        ),
        ranges=((0x0006, 2), (0x2006, 0x40), (0x401E, 12)),
        constants={0x0006: 1, 0x0007: 10},
    ),
    "huawei_sun2000_meter": MeterMap(
        function_codes=(3,),
        exports_positive=True,
        cells=(
            *phases("i32", (37101, 37103, 37105), "voltage_v", 10),
            *phases("i32", (37107, 37109, 37111), "current_a", 100),
            total("i32", 37113, "power_w"),
            total("i16", 37118, "frequency_hz", 100),
            total("i32", 37119, "export_wh", 0.1),
            total("i32", 37121, "import_wh", 0.1),
            *phases("i32", (37132, 37134, 37136), "power_w"),
        ),
        ranges=((37100, 38),),
        constants={37100: 1},
    ),
    "huawei_emma": MeterMap(
        function_codes=(3,),
        cells=(
            total("u64", 30332, "export_wh", 0.1),
            total("u64", 30338, "import_wh", 0.1),
            *phases("i32", (31651, 31653, 31655), "current_a", 10),
            total("i32", 31657, "power_w"),
            *phases("i32", (31665, 31667, 31669), "power_w"),
        ),
        ranges=((30302, 72), (31651, 20)),
    ),
    "shelly_pro3em": MeterMap(
        function_codes=(4,),
        little=True,
        cells=(
            total("f32", 1013, "power_w"),
            *phases("f32", (1020, 1040, 1060), "voltage_v"),
            *phases("f32", (1022, 1042, 1062), "current_a"),
            *phases("f32", (1024, 1044, 1064), "power_w"),
            total("f32", 1162, "import_wh"),
            total("f32", 1164, "export_wh"),
        ),
        ranges=((1000, 80), (1162, 4)),
    ),
    "shelly_pro3em_mono": MeterMap(
        function_codes=(4,),
        little=True,
        cells=(
            *phases("f32", (2003,), "voltage_v"),
            *phases("f32", (2005,), "current_a"),
            total("f32", 2007, "power_w"),
            total("f32", 2310, "import_wh"),
            total("f32", 2312, "export_wh"),
        ),
        ranges=((2000, 20), (2310, 4)),
    ),
    "victron_vm3p75ct": MeterMap(
        function_codes=(3,),
        cells=(
            total("u16", 0x3032, "frequency_hz", 100),
            total("u32", 0x3034, "import_wh", 0.1),
            total("u32", 0x3036, "export_wh", 0.1),
            *phases("i16", (0x3040, 0x3048, 0x3050), "voltage_v", 100),
            *phases("i16", (0x3041, 0x3049, 0x3051), "current_a", 100),
            total("i32", 0x3080, "power_w"),
            *phases("i32", (0x3082, 0x3086, 0x308A), "power_w"),
        ),
        ranges=((0x1000, 1), (0x3032, 8), (0x3040, 24), (0x3080, 12)),
        constants={0x1000: 0xA1B1},
    ),
    "victron_gx_grid": MeterMap(
        function_codes=(3,),
        cells=(
            *phases("i16", (2600, 2601, 2602), "power_w"),
            *phases("u16", (2616, 2618, 2620), "voltage_v", 10),
            *phases("i16", (2617, 2619, 2621), "current_a", 10),
        ),
        ranges=((2600, 40),),
    ),
    "victron_gx_system": MeterMap(
        function_codes=(3,),
        cells=(*phases("i16", (820, 821, 822), "power_w"),),
        ranges=((800, 50),),
    ),
    "sma_modbus": MeterMap(
        cells=(
            total("u32", 30865, "imported_w"),
            total("u32", 30867, "exported_w"),
            total("u32", 30581, "import_wh"),
            total("u32", 30583, "export_wh"),
        ),
        ranges=((30581, 4), (30865, 4)),
    ),
    "solaredge_se_mtr_3y": MeterMap(
        function_codes=(4,),
        little=True,
        cells=(
            total("f32", 0x3F0, "power_w"),
            *phases("f32", (0x3F2, 0x3F4, 0x3F6), "power_w"),
            *phases("f32", (0x3FA, 0x3FC, 0x3FE), "voltage_v"),
            total("f32", 0x408, "frequency_hz"),
            total("f32", 0x3EA, "import_wh", 0.001),
            total("f32", 0x458, "export_wh", 0.001),
        ),
        ranges=((0x3E0, 0x90),),
    ),
}
