"""Charger profiles: what differs between chargers, as data; docs/adding-a-charger.md has the words.

Registers, states and ratings are data. What must happen in which order is a family (`families.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from v2g_daemon.adapters.modbus.profile import (
    BASE_ADDRESSES,
    Address,
    Block,
    Count,
    FunctionCode,
    Positive,
    Table,
)
from v2g_daemon.adapters.modbus.values import REGISTERS, Kind, WordOrder

Watts = Annotated[float, Field(ge=0.0)]


class FamilyName(Enum):
    """Which order of reads and writes takes, tells and releases a charger."""

    WALLBOX_QUASAR = "wallbox_quasar"
    EVTEC = "evtec"
    AMBIBOX = "ambibox"
    SUNSPEC_DER = "sunspec_der"
    SIGENERGY_EVDC = "sigenergy_evdc"


# What a family reads or writes by name; a profile has to say where each stands.
NEEDED: Mapping[FamilyName, tuple[str, ...]] = {
    FamilyName.WALLBOX_QUASAR: (
        "state", "power_w", "soc", "serial_high", "serial_low",
        "control", "autostart", "setpoint_kind", "timeout_s", "action", "setpoint_w",
    ),
    FamilyName.EVTEC: (
        "state", "power_w", "soc", "serial", "model", "session_state", "session_type",
        "fallback_w", "timeout_s", "setpoint_w",
    ),
    FamilyName.AMBIBOX: ("state", "connected", "power_w", "soc", "asleep", "wake", "setpoint_w"),
    FamilyName.SUNSPEC_DER: (),
    FamilyName.SIGENERGY_EVDC: ("state", "power_w", "soc", "rated_w", "stop", "setpoint_w"),
}  # fmt: skip


class Condition(Enum):
    """What a charger is doing, in words that all of them share."""

    EMPTY = "empty"  # no car
    PREPARING = "preparing"  # a car, and nothing can flow yet
    READY = "ready"
    RUNNING = "running"
    CAR_WAITS = "car_waits"  # offered, and the car takes nothing
    ELSEWHERE = "elsewhere"  # its app, a schedule or a power sharing decides
    FAILED = "failed"


class Register(Table):
    """A number: value × sign × times ÷ per in the unit of its name; `stride` to the next connector.

    `write`: function 6 (`one`) or 16 (`many`). `invalid` numbers mean "none".
    """

    address: Address
    type: Kind
    count: Count = 1
    times: Positive = 1
    per: Positive = 1
    sign: Literal[1, -1] = 1
    stride: int = 0
    function_code: FunctionCode = 3
    write: Literal["one", "many"] | None = None
    write_only: bool = False
    wears_flash: bool = False
    exponent_at: Address | None = None
    invalid: tuple[int, ...] = ()

    @property
    def registers(self) -> int:
        """How many registers it takes."""
        return self.count if self.type is Kind.STRING else REGISTERS[self.type]


class ChargerBlock(Block):
    """Registers read in one request: `fast` at each look, `slow` where we wrote, `once` on meeting.

    `stride`: from one connector to the next.
    """

    stride: int = 0


class States(Table):
    """Which numbers of the register `state` are which condition, and what they are called."""

    empty: tuple[int, ...] = ()
    preparing: tuple[int, ...] = ()
    ready: tuple[int, ...] = ()
    running: tuple[int, ...] = ()
    car_waits: tuple[int, ...] = ()
    elsewhere: tuple[int, ...] = ()
    failed: tuple[int, ...] = ()
    text: Annotated[dict[int, str], Field(default_factory=dict)]

    def of(self, state: int) -> Condition | None:
        """The condition of a state; None: the profile does not know it."""
        for condition in Condition:
            numbers: tuple[int, ...] = getattr(self, condition.value)
            if state in numbers:
                return condition
        return None


class WatchdogTable(Table):
    """The device's own end of a command: no message for that long, and it idles."""

    seconds: Annotated[int, Field(ge=10, le=600)] = 60
    longest_s: Annotated[int, Field(ge=10)] = 600


class DischargeTable(Table):
    """Whether it can be told to discharge; `session_types`: only in such a session.

    `because`: why not, or what refuses it.
    """

    commanded: bool
    because: str
    session_types: tuple[int, ...] = ()


class IdentityTable(Table):
    """A register that tells this charger from any other: a text in it, or a number in a range."""

    point: str
    contains: str | None = None
    lowest: float | None = None
    highest: float | None = None


class ChargerProfile(Table):
    """One kind of charger; powers are AC magnitudes, `fail_state` is what it does without us.

    `rests_closed`: at 0 W its session with the car, and its contactor, stay.
    """

    id: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    name: Annotated[str, Field(min_length=1)]
    family: FamilyName
    word_order: WordOrder = "big"
    unit_id: Annotated[int, Field(ge=0, le=255)] = 1
    port: Annotated[int, Field(ge=1, le=65535)] = 502
    connectors: Annotated[int, Field(ge=1, le=10)] = 1
    period_s: Annotated[float, Field(gt=0.0, le=30.0)] = 5.0
    resting_period_s: Annotated[float, Field(gt=0.0, le=60.0)] = 15.0
    min_gap_ms: Annotated[int, Field(ge=0, le=10_000)] = 0
    settle_ms: Annotated[int, Field(ge=0, le=10_000)] = 0
    phases: Literal[1, 3]
    max_charge_w: Annotated[float, Field(gt=0.0)]
    max_discharge_w: Watts
    min_charge_w: Watts
    min_discharge_w: Watts = 0.0
    fail_state: Literal["charges", "idles", "unknown"]
    soc_needs_power: bool = False
    rests_closed: bool = False
    counters: Literal["none", "lifetime", "session"] = "none"
    boot_s: Annotated[float, Field(ge=0.0, le=900.0)] = 0.0
    sources: Annotated[tuple[str, ...], Field(min_length=1)]
    unverified: str | None = None
    base_addresses: Annotated[tuple[Address, ...], Field(min_length=1)] = BASE_ADDRESSES
    watchdog: WatchdogTable | None = None
    discharge: DischargeTable
    states: States
    point: Annotated[dict[str, Register], Field(default_factory=dict)]
    block: tuple[ChargerBlock, ...] = ()
    identity: tuple[IdentityTable, ...] = ()

    @model_validator(mode="after")
    def _knows_what_its_family_needs(self) -> Self:
        missing = [name for name in NEEDED[self.family] if name not in self.point]
        if missing:
            raise ValueError(
                f"the family {self.family.value} also needs point.{missing[0]}; add it"
            )
        for table in self.identity:
            if table.point not in self.point and self.family is not (FamilyName.SUNSPEC_DER):
                raise ValueError(f"identity names no point {table.point!r}; add it")
        return self

    @model_validator(mode="after")
    def _every_register_is_read(self) -> Self:
        for name, register in self.point.items():
            if not (register.write_only or any(_holds(block, register) for block in self.block)):
                raise ValueError(f"point.{name} lies in no [[block]] of its function; add one")
        return self

    @model_validator(mode="after")
    def _says_nothing_twice(self) -> Self:
        if self.discharge.commanded and self.max_discharge_w == 0.0:
            raise ValueError("discharge.commanded is true and max_discharge_w is 0; correct one")
        seen: dict[int, str] = {}
        for condition in Condition:
            for number in getattr(self.states, condition.value):
                if number in seen:
                    raise ValueError(
                        f"state {number} is {seen[number]} and {condition.value}; choose one"
                    )
                seen[number] = condition.value
        return self

    @property
    def usual_connector(self) -> int:
        """The connector where none is named; 0: the device itself shows which."""
        return 0 if self.family is FamilyName.EVTEC else 1


def _holds(block: ChargerBlock, register: Register) -> bool:
    code = 3 if block.function_code is None else block.function_code
    same = code == register.function_code and block.stride == register.stride
    return same and block.holds(register.address, register.registers)
