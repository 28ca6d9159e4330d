"""The registers of one charger: read block by block, written by name, and read back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from v2g_daemon.adapters.modbus.bus import NoSuchRegister, Turn, Unit
from v2g_daemon.adapters.modbus.chargers.profile import ChargerBlock, Register
from v2g_daemon.adapters.modbus.chargers.translate import Image, encoded, number_in, text_in
from v2g_daemon.adapters.modbus.frames import READ_HOLDING_REGISTERS
from v2g_daemon.adapters.modbus.profile import Every, IfRefused
from v2g_daemon.adapters.modbus.values import WordOrder
from v2g_daemon.domain.errors import DeviceProtocolError, DeviceRejectedCommand

NOTHING = ({0xFFFF}, {0x8000})


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A register that holds something else than we wrote: somebody else wrote it, or nobody did."""

    name: str
    address: int
    written: float
    found: float


class Registers:
    """Knows what was read last and what was written; `on_write` hears of each write."""

    def __init__(
        self,
        unit: Unit,
        *,
        word_order: WordOrder,
        register: Mapping[str, Register],
        blocks: Iterable[ChargerBlock],
        connector: int = 1,
        on_write: Callable[[bool], None],
    ) -> None:
        self.connector = connector
        self._unit = unit
        self._word_order: WordOrder = word_order
        self._register = dict(register)
        self._blocks = list(blocks)
        self._on_write = on_write
        self._image: dict[tuple[int, int], int] = {}
        self._absent: set[tuple[int, int]] = set()
        self._written: dict[str, float] = {}

    @property
    def name(self) -> str:
        """For people."""
        return self._unit.name

    @property
    def image(self) -> Image:
        """What was read last, by function code and address."""
        return self._image

    def found(self, register: Mapping[str, Register], blocks: Iterable[ChargerBlock]) -> None:
        """Registers whose places only the device itself could tell."""
        self._register |= register
        self._blocks += blocks

    def forget(self) -> None:
        """Another device, or a restarted one: nothing is known and nothing of ours stands."""
        self._image.clear()
        self._absent.clear()
        self._written.clear()

    async def read(self, *every: Every) -> None:
        """Read the blocks of these kinds; raises a DeviceError."""
        for block in self._blocks:
            code = block.function_code or READ_HOLDING_REGISTERS
            address = self._placed(block.address, block.stride)
            if block.every not in every or (code, address) in self._absent:
                continue
            try:
                words = await self._unit.read(
                    address, block.count, function_code=code, turn=_turn(block.every)
                )
            except NoSuchRegister:
                if block.if_refused is IfRefused.FAULT:
                    raise
                self._absent.add((code, address))
                continue
            if _holds_nothing(words):
                # One scale factor out of it would make ten times the power of what is told.
                if block.if_refused is IfRefused.FAULT:
                    raise DeviceProtocolError(f"{self.name} answers with empty registers")
                continue
            self._image |= {(code, address + offset): word for offset, word in enumerate(words)}

    async def raw(self, address: int, count: int) -> tuple[int, ...]:
        """Holding registers at an absolute address."""
        return await self._unit.read(address, count, turn=Turn.SLOW)

    def has(self, name: str) -> bool:
        """Whether the charger has this register."""
        return name in self._register

    def number(self, name: str) -> float | None:
        """A number as it was read last; None: not there, or none."""
        register = self._register.get(name)
        if register is None:
            return None
        return number_in(self._image, self._placed_register(register), self._word_order)

    def text(self, name: str) -> str | None:
        """A text as it was read last."""
        register = self._register.get(name)
        return None if register is None else text_in(self._image, self._placed_register(register))

    async def write(self, name: str, value: float) -> None:
        """Write one number, and believe it once the device confirmed it; raises a DeviceError."""
        register = self._placed_register(self._register[name])
        if register.exponent_at is not None and value != 0.0:
            await self._prove_scale(name, register.exponent_at, register.function_code)
        words = encoded(value, register, self._image, self._word_order)
        self._on_write(register.wears_flash)
        if register.write == "many":
            await self._unit.write_registers(register.address, words)
        else:
            await self._unit.write_register(register.address, words[0])
        if register.write_only:
            return
        code = register.function_code
        self._image |= {(code, register.address + at): word for at, word in enumerate(words)}
        held = number_in(self._image, register, self._word_order)
        if held is not None:
            self._written[name] = held

    async def ensure(self, name: str, value: float) -> None:
        """Write a number where another one was read last."""
        if self.number(name) != value:
            await self.write(name, value)

    async def confirm(self, name: str) -> None:
        """Read one register back; DeviceRejectedCommand where it does not hold what we wrote."""
        register = self._placed_register(self._register[name])
        code = register.function_code
        words = await self._unit.read(
            register.address, register.registers, function_code=code, turn=Turn.SETPOINT
        )
        self._image |= {(code, register.address + at): word for at, word in enumerate(words)}
        found, written = self.number(name), self._written.get(name)
        if written is not None and found != written:
            del self._written[name]
            said = "nothing" if found is None else f"{found:g}"
            raise DeviceRejectedCommand(
                f"{self.name} confirmed {written:g} for {name} and holds {said}"
            )

    async def _prove_scale(self, name: str, address: int, code: int) -> None:
        """The scale of what is about to be written, read once more: a slip of it is a power."""
        (word,) = await self._unit.read(address, 1, function_code=code, turn=Turn.SETPOINT)
        if word != self._image.get((code, address)):
            raise DeviceProtocolError(f"{self.name} tells another scale of {name} than before")

    def differences(self) -> tuple[Difference, ...]:
        """What holds something else than we wrote; each is told once."""
        found = []
        for name, written in list(self._written.items()):
            register = self._placed_register(self._register[name])
            held = number_in(self._image, register, self._word_order)
            if held is not None and held != written:
                del self._written[name]
                found.append(
                    Difference(name=name, address=register.address, written=written, found=held)
                )
        return tuple(found)

    def _placed_register(self, register: Register) -> Register:
        if register.stride == 0 or self.connector == 1:
            return register
        place = self._placed(register.address, register.stride)
        return register.model_copy(update={"address": place, "stride": 0})

    def _placed(self, address: int, stride: int) -> int:
        return address + stride * (self.connector - 1)


def _holds_nothing(words: tuple[int, ...]) -> bool:
    """Several registers, all of them one of the words for "nothing"."""
    return len(words) > 1 and set(words) in NOTHING


def _turn(every: Every) -> Turn:
    return Turn.FAST if every is Every.FAST else Turn.SLOW
