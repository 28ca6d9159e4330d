"""Meter profiles: what differs between meters, as data; docs/adding-a-meter.md says it in words."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from itertools import chain
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from v2g_daemon.adapters.modbus.frames import MOST_READ
from v2g_daemon.adapters.modbus.values import REGISTERS, Kind, WordOrder

Address = Annotated[int, Field(ge=0, le=0xFFFF)]
Count = Annotated[int, Field(ge=1, le=MOST_READ)]
FunctionCode = Literal[3, 4]
Positive = Annotated[int, Field(ge=1)]
BASE_ADDRESSES = (40000, 50000, 0)


class Table(BaseModel):
    """A table of a profile; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _no_boolean_as_number(cls, value: object, info: ValidationInfo) -> object:
        # True == 1 in Python, but `sign = true` is a mistake.
        wanted = cls.model_fields[str(info.field_name)].annotation
        if (value is True or value is False) and wanted is not bool:
            raise ValueError("true and false are no values for this key")
        return value


class Family(Enum):
    """How the registers of a meter are found."""

    REGISTERS = "registers"
    SUNSPEC = "sunspec"


class Every(Enum):
    """How often a block is read: each period, every ten seconds, after each connection."""

    FAST = "fast"
    SLOW = "slow"
    ONCE = "once"


class IfRefused(Enum):
    """What a refusal of a block means."""

    FAULT = "fault"
    ABSENT = "absent"


class Block(Table):
    """Registers read in one request; `otherwise` is where some firmware has them instead."""

    address: Address
    count: Count
    every: Every
    function_code: FunctionCode | None = None
    if_refused: IfRefused = IfRefused.FAULT
    otherwise: Address | None = None

    def holds(self, address: int, registers: int) -> bool:
        """Whether these registers lie in the block."""
        return self.address <= address and address + registers <= self.address + self.count


class Point(Table):
    """A quantity: value × times ÷ per in the unit of its name; one address a phase.

    `minus` is subtracted; `exponent_at` holds a power of ten; above `tenth_above` it came tenfold;
    `invalid` numbers mean "none", beside NaN and the ends of the range, which always do.
    """

    address: tuple[Address, ...]
    type: Kind
    times: Positive = 1
    per: Positive = 1
    count: Count = 1
    minus: Address | None = None
    exponent_at: Address | None = None
    tenth_above: float | None = None
    invalid: tuple[int, ...] = ()

    @field_validator("address", mode="before")
    @classmethod
    def _one_or_several(cls, value: object) -> object:
        return (value,) if isinstance(value, int) and not isinstance(value, bool) else value

    @property
    def registers(self) -> int:
        """How many registers one value takes."""
        return self.count if self.type is Kind.STRING else REGISTERS[self.type]

    def spans(self) -> Iterator[tuple[int, int]]:
        """Every (address, registers) that the point needs."""
        for address in self.address:
            yield address, self.registers
        if self.minus is not None:
            yield self.minus, self.registers
        if self.exponent_at is not None:
            yield self.exponent_at, 1


class Points(Table):
    """What the meter knows; power × sign is positive on import, counters are named by meaning."""

    power_w: Point | None = None
    phase_power_w: Point | None = None
    voltage_v: Point | None = None
    frequency_hz: Point | None = None
    import_wh: Point | None = None
    export_wh: Point | None = None
    serial: Point | None = None
    current_ratio: Point | None = None
    voltage_ratio: Point | None = None

    def named(self) -> Iterator[tuple[str, Point]]:
        """Every point that there is, with its key."""
        for name in type(self).model_fields:
            point = getattr(self, name)
            if point is not None:
                yield name, point


class Requirement(Table):
    """A register that must hold one of these numbers, else no reading is believed."""

    what: str
    address: Address
    type: Kind
    one_of: Annotated[tuple[int, ...], Field(min_length=1)]
    fix: str

    @property
    def point(self) -> Point:
        """Where it stands."""
        return Point(address=(self.address,), type=self.type)


class Bounds(Table):
    """What this meter may plausibly read (per phase); a phase without voltage reads 0."""

    voltage_v: tuple[float, float] = (50.0, 350.0)
    frequency_hz: tuple[float, float] = (40.0, 70.0)


class RegisterMap(Table):
    """Blocks to read and the points in them, at absolute addresses."""

    blocks: tuple[Block, ...]
    points: Points
    requirements: tuple[Requirement, ...] = ()


class MeterProfile(Table):
    """One kind of meter; raw power × `sign` is positive on import."""

    id: Annotated[str, Field(min_length=1)]
    name: Annotated[str, Field(min_length=1)]
    family: Family = Family.REGISTERS
    sign: Literal[1, -1]
    word_order: WordOrder
    function_code: FunctionCode = 3
    period_s: Annotated[float, Field(gt=0.0, le=60.0)] = 1.0
    unit_id: Annotated[int, Field(ge=0, le=255)] = 1
    baud: Annotated[int, Field(ge=300, le=921_600)] | None = None
    parity: Literal["N", "E", "O"] | None = None
    reachable_by: Literal["any", "network"] = "any"
    max_registers: Count = MOST_READ
    min_gap_ms: Annotated[int, Field(ge=0, le=10_000)] = 0
    settle_ms: Annotated[int, Field(ge=0, le=10_000)] = 0
    sources: tuple[str, ...] = ()
    unverified: str | None = None
    bounds: Bounds = Bounds()
    base_addresses: Annotated[tuple[Address, ...], Field(min_length=1)] = BASE_ADDRESSES
    models: tuple[int, ...] = ()
    counters: Literal["as_named", "exchanged"] = "as_named"
    block: tuple[Block, ...] = ()
    point: Points = Points()
    require: tuple[Requirement, ...] = ()

    @property
    def registers(self) -> RegisterMap:
        """The map of a meter whose addresses are fixed."""
        return RegisterMap(blocks=self.block, points=self.point, requirements=self.require)

    @model_validator(mode="after")
    def _is_of_one_family(self) -> Self:
        if self.family is Family.SUNSPEC and (self.block or any(self.point.named())):
            raise ValueError('"sunspec" finds its registers itself; remove [[block]] and [point]')
        if self.family is Family.REGISTERS and self.models:
            raise ValueError('models belong to the family "sunspec"; remove them')
        if len(self.sources) < 2 and self.unverified is None and self.family is Family.REGISTERS:
            raise ValueError('fewer than two sources agree on this map; say so: unverified = "..."')
        return self

    @model_validator(mode="after")
    def _measures_power(self) -> Self:
        points = self.point
        if self.family is Family.SUNSPEC:
            return self
        if points.power_w is None and points.phase_power_w is None:
            raise ValueError("there is no power; add point.power_w or point.phase_power_w")
        fast = [block for block in self.block if block.every is Every.FAST]
        for name in ("power_w", "phase_power_w"):
            point = getattr(points, name)
            if point is not None and not all(
                any(block.holds(*span) for block in fast) for span in point.spans()
            ):
                raise ValueError(f'point.{name} lies in no [[block]] with every = "fast"; add one')
        return self

    @model_validator(mode="after")
    def _every_point_is_read(self) -> Self:
        required = [(f"require {one.what!r}", one.point) for one in self.require]
        for name, point in chain(self.point.named(), required):
            if name not in ("phase_power_w", "voltage_v") and len(point.address) > 1:
                raise ValueError(f"point.{name}.address is one address; write a number")
            for address, registers in point.spans():
                if not any(block.holds(address, registers) for block in self.block):
                    raise ValueError(f"{name} at {address} lies in no [[block]]; add one")
        return self

    @model_validator(mode="after")
    def _no_answer_fits_two_questions(self) -> Self:
        for block in self.block:
            if block.count > self.max_registers:
                raise ValueError(
                    f"the block at {block.address} has {block.count} registers; "
                    f"max_registers is {self.max_registers}"
                )
        if self.reachable_by == "network":
            return self
        running = [self._answer(one) for one in self.block if one.every is not Every.ONCE]
        others = [self._answer(one) for one in self.block if one.every is Every.ONCE]
        if len(set(running)) < len(running) or set(running) & set(others):
            raise ValueError(
                "two blocks have the same count, so that on a serial line a late answer to one "
                'fits the other; make the counts differ, or write reachable_by = "network"'
            )
        return self

    def _answer(self, block: Block) -> tuple[int, int]:
        """What tells the answer to one block from that to another."""
        code = self.function_code if block.function_code is None else block.function_code
        return code, block.count
