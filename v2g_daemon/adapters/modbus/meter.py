"""One Modbus meter: every reading a few blocks, power each time and counters every ten seconds."""

from __future__ import annotations

from dataclasses import dataclass, field

from v2g_daemon.adapters.modbus.bus import NoSuchRegister, Turn, Unit
from v2g_daemon.adapters.modbus.profile import (
    Block,
    Every,
    Family,
    IfRefused,
    MeterProfile,
    RegisterMap,
)
from v2g_daemon.adapters.modbus.sunspec import first_of, walk
from v2g_daemon.adapters.modbus.sunspec_models import (
    COMMON_MODEL,
    METER_MODELS,
    SERIAL_OFFSET,
    SERIAL_REGISTERS,
    map_of,
)
from v2g_daemon.adapters.modbus.translate import is_dead, meter_reading, out_of_bounds
from v2g_daemon.domain.errors import (
    DeviceError,
    DeviceProtocolError,
    DeviceRejectedCommand,
    DeviceUnreachable,
)
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.readings import MeterReading
from v2g_daemon.ports import Clock

SLOW_EVERY_S = 10.0


@dataclass(slots=True)
class _Known:
    """What is known of the device since it was last found."""

    registers: RegisterMap
    once: dict[int, int] = field(default_factory=dict)
    once_read: bool = False
    absent: set[int] = field(default_factory=set)
    moved: dict[int, int] = field(default_factory=dict)
    slow_read_at: Instant | None = None
    heads: dict[int, tuple[int, ...]] = field(default_factory=dict)


class ModbusMeter:
    """Reads one meter by its profile; after any fault the device is looked at anew."""

    def __init__(self, *, unit: Unit, profile: MeterProfile, clock: Clock) -> None:
        self._unit = unit
        self._profile = profile
        self._clock = clock
        self._known: _Known | None = None
        self._mute: set[int] = set()
        self.slow_faults_count = 0

    @property
    def name(self) -> str:
        """For people."""
        return self._unit.name

    async def read(self) -> MeterReading:
        """One reading, as old as its request; raises a DeviceError."""
        same_device = False
        try:
            reading = await self._read()
            same_device = True
            return reading
        except DeviceRejectedCommand:
            same_device = True
            raise
        finally:
            # New firmware, another device, an answer to another question, or cancelled half-way.
            if not same_device:
                self._known = None

    async def close(self) -> None:
        """End the connection; a later read opens a new one."""
        self._unit.hang_up()

    async def _read(self) -> MeterReading:
        if self._known is None:
            self._known = await self._found()
        known, profile = self._known, self._profile
        observed_at = self._clock.now()
        image: dict[int, int] = {}
        for block in known.registers.blocks:
            if block.every is not Every.FAST:
                continue
            registers = await self._block(known, block, Turn.FAST)
            if is_dead(registers, known.registers.points):
                raise DeviceProtocolError(f"{self.name} answers with empty registers")
            image |= registers
        if not known.once_read:
            await self._once(known)
        image |= await self._slow(known, observed_at)
        reading = meter_reading(
            known.once | image, known.registers, profile=profile, observed_at=observed_at
        )
        nonsense = out_of_bounds(reading, profile)
        if nonsense is not None:
            raise DeviceProtocolError(
                f"{self.name} reads {nonsense}; check profile, word order and scale"
            )
        return reading

    async def _found(self) -> _Known:
        """The map of the device."""
        if self._profile.family is Family.SUNSPEC:
            return await self._walked()
        return _Known(registers=self._profile.registers)

    async def _once(self, known: _Known) -> None:
        """What is read after each connection; its power has just been read, so it is there.

        Some devices say nothing at all to a question for registers they lack: once is enough.
        """
        for block in known.registers.blocks:
            if block.every is not Every.ONCE or block.address in self._mute:
                continue
            try:
                known.once |= await self._block(known, block, Turn.SLOW)
            except DeviceUnreachable:
                if block.if_refused is IfRefused.FAULT:
                    raise
                self._mute.add(block.address)
        known.once_read = True

    async def _walked(self) -> _Known:
        profile = self._profile
        models = await walk(
            lambda address, count: self._registers(address, count, Turn.SLOW),
            base_addresses=profile.base_addresses,
        )
        model = first_of(models, profile.models or METER_MODELS)
        commons = [one for one in models if one.model_id == COMMON_MODEL]
        serial_at = None
        if commons and commons[0].length + 2 >= SERIAL_OFFSET + SERIAL_REGISTERS:
            serial_at = commons[0].address + SERIAL_OFFSET
        return _Known(
            registers=map_of(model.model_id, model.address, serial_at=serial_at),
            heads={model.address: (model.model_id, model.length)},
        )

    async def _slow(self, known: _Known, now: Instant) -> dict[int, int]:
        """The slow blocks if they are due; without them a reading still has its power."""
        last = known.slow_read_at
        blocks = [one for one in known.registers.blocks if one.every is Every.SLOW]
        if not blocks or (last is not None and now.seconds_since(last) < SLOW_EVERY_S):
            return {}
        known.slow_read_at = now
        image: dict[int, int] = {}
        try:
            for block in blocks:
                image |= await self._block(known, block, Turn.SLOW)
        except DeviceError:
            self.slow_faults_count += 1
        return image

    async def _block(self, known: _Known, block: Block, turn: Turn) -> dict[int, int]:
        """The registers of a block by the addresses of the map; none of one that is absent."""
        if block.address in known.absent:
            return {}
        start = known.moved.get(block.address, block.address)
        try:
            registers = await self._registers(start, block.count, turn, block.function_code)
        except NoSuchRegister:
            if block.otherwise is not None and block.address not in known.moved:
                known.moved[block.address] = block.otherwise
                return await self._block(known, block, turn)
            known.moved.pop(block.address, None)
            if block.if_refused is IfRefused.FAULT:
                raise
            known.absent.add(block.address)
            return {}
        head = known.heads.get(block.address)
        if head is not None and registers[: len(head)] != head:
            raise DeviceProtocolError(f"{self.name} has model {registers[0]} where {head[0]} stood")
        return {block.address + offset: word for offset, word in enumerate(registers)}

    async def _registers(
        self, address: int, count: int, turn: Turn, function_code: int | None = None
    ) -> tuple[int, ...]:
        code = self._profile.function_code if function_code is None else function_code
        return await self._unit.read(address, count, function_code=code, turn=turn)
