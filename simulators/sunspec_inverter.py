"""Registers of a SunSpec inverter: common model 1, then 101/103, 111/113 or 701; out is positive.

Its common model has no pad register, so that its other model starts at an odd address.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from simulators.modbus.maps import Cell, MeterSample, phases, total
from simulators.sunspec import NAN_FLOAT32, NOT_IMPLEMENTED_INT16

InverterKind = Literal["integer", "float", "der"]
NOT_IMPLEMENTED_UINT16 = 0xFFFF
NAN_WORDS = (NAN_FLOAT32 >> 16, NAN_FLOAT32 & 0xFFFF)
THREE_PHASES = 2  # ACType of model 701; 0 is one phase
GRID_FOLLOWING = 1


def _factor(exponent: int) -> int:
    return exponent & 0xFFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class InverterModel:
    """One model; offsets count from its id register, `model_ids` are by phases."""

    model_ids: Mapping[int, int]
    length: int
    cells: tuple[Cell, ...]
    state_at: int
    asleep: int
    producing: int
    blank: tuple[int, ...]
    blank_int16: tuple[int, ...] = ()
    constants: Mapping[int, int]


INTEGER = InverterModel(
    model_ids={1: 101, 3: 103},
    length=50,
    cells=(
        total("u16", 2, "current_a", 100),
        *phases("u16", (3, 4, 5), "current_a", 100),
        *phases("u16", (10, 11, 12), "voltage_v", 10),
        total("i16", 14, "power_w", 0.1),
        total("u16", 16, "frequency_hz", 100),
        total("acc32", 24, "export_wh"),
    ),
    state_at=38,
    asleep=2,
    producing=4,
    blank=(NOT_IMPLEMENTED_UINT16,),
    blank_int16=(*range(18, 24), 28, *range(30, 38)),
    constants={
        **{6: _factor(-2), 13: _factor(-1), 15: _factor(1), 17: _factor(-2), 26: 0},
        **dict.fromkeys(range(40, 44), 0),  # no event
    },
)
FLOAT = InverterModel(
    model_ids={1: 111, 3: 113},
    length=60,
    cells=(
        total("f32", 2, "current_a"),
        *phases("f32", (4, 6, 8), "current_a"),
        *phases("f32", (16, 18, 20), "voltage_v"),
        total("f32", 22, "power_w"),
        total("f32", 24, "frequency_hz"),
        total("f32", 32, "export_wh"),
    ),
    state_at=48,
    asleep=2,
    producing=4,
    blank=NAN_WORDS,
    constants={
        **dict.fromkeys((49, *range(54, 62)), NOT_IMPLEMENTED_UINT16),
        **dict.fromkeys(range(50, 54), 0),
    },
)
DER = InverterModel(
    model_ids={1: 701, 3: 701},
    length=153,
    cells=(
        total("i16", 10, "power_w"),
        total("i16", 14, "current_a", 100),
        total("u16", 16, "voltage_v", 10),
        total("u32", 17, "frequency_hz", 100),
        total("u64", 19, "export_wh"),
        total("u64", 23, "import_wh"),
        *phases("i16", (41, 64, 87), "power_w"),
        *phases("i16", (45, 68, 91), "current_a", 100),
        *phases("u16", (47, 70, 93), "voltage_v", 10),
    ),
    state_at=4,
    asleep=1,
    producing=3,
    blank=(NOT_IMPLEMENTED_UINT16,),
    blank_int16=(
        *range(10, 15),
        *range(35, 46),
        *range(64, 69),
        *range(87, 92),
        *range(113, 123),
    ),
    constants={
        **{3: 1, 5: 1, 6: 0, 7: 0, 8: 0, 9: GRID_FOLLOWING},
        **{113: _factor(-2), 114: _factor(-1), 115: _factor(-2), 116: 0, 120: 0},
        **dict.fromkeys(range(123, 155), 0),
    },
)
MODELS: Mapping[InverterKind, InverterModel] = {"integer": INTEGER, "float": FLOAT, "der": DER}


def inverter_registers(
    sample: MeterSample | None, *, kind: InverterKind, count_of_phases: int, swapped: bool = False
) -> list[int]:
    """Return the model, or one whose every measurement is "not implemented" for None."""
    model = MODELS[kind]
    size = model.length + 2
    registers = [*model.blank] * (size // len(model.blank))
    for offset in model.blank_int16:
        registers[offset] = NOT_IMPLEMENTED_INT16
    registers[:2] = [model.model_ids[count_of_phases], model.length]
    for cell in model.cells:
        words = cell.words(sample)
        registers[cell.address : cell.address + len(words)] = words[::-1] if swapped else words
    for offset, word in model.constants.items():
        registers[offset] = word
    if kind == "der":
        registers[2] = THREE_PHASES if count_of_phases == 3 else 0
    if sample is not None:
        produces = sample.power_w[0] != 0.0
        registers[model.state_at] = model.producing if produces else model.asleep
    return registers
