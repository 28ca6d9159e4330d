"""The Modbus meter at the grid connection; it samples the world when it is read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from random import Random

from simulators.clock import ScaledClock
from simulators.measuring import Measuring
from simulators.meters.table import MeterTable
from simulators.modbus.frames import (
    DEVICE_FAILURE,
    ILLEGAL_ADDRESS,
    ILLEGAL_FUNCTION,
    ILLEGAL_VALUE,
    Framing,
)
from simulators.modbus.maps import MAPS, MeterMap, MeterSample, image
from simulators.modbus.mischief import Mischief, garbled
from simulators.modbus.server import DatagramLine, ModbusServer, Refused, SerialLine
from simulators.sunspec import (
    BASE_ADDRESS,
    END,
    identity_registers,
    meter_registers,
)
from simulators.sunspec_inverter import InverterKind, inverter_registers
from simulators.tcp import keep_open


@dataclass(slots=True, kw_only=True)
class MeterUnit:
    """One unit id: its registers, refreshed when they are read."""

    table: MeterTable
    name: str
    unit_id: int
    clock: ScaledClock
    shown: Callable[[], frozenset[str]]
    sample: Callable[[], MeterSample]
    inverter: InverterKind | None = None
    _chance: Random = field(default_factory=lambda: Random(1), init=False)
    _registers: dict[int, int] = field(default_factory=dict, init=False)
    _sampled_s: float | None = field(default=None, init=False)

    def read(self, function_code: int, address: int, count: int) -> tuple[int, ...]:
        """Return the registers of this moment."""
        the_map = None if self.inverter is not None else MAPS.get(self.table.map)
        if the_map is not None and function_code not in the_map.function_codes:
            raise Refused(ILLEGAL_FUNCTION)
        if count > (125 if the_map is None else the_map.most):
            raise Refused(ILLEGAL_VALUE)
        self._refresh(the_map)
        wanted = range(address, address + count)
        if not all(one in self._registers for one in wanted):
            raise Refused(ILLEGAL_ADDRESS)
        return self._held(wanted)

    def _held(self, wanted: range) -> tuple[int, ...]:
        """What the registers hold, with the faults of the moment."""
        kinds = self.shown()
        if "failure" in kinds:
            raise Refused(DEVICE_FAILURE)
        held = tuple(self._registers[one] for one in wanted)
        return garbled(held, kinds, self._chance)

    def write(self, address: int, values: tuple[int, ...]) -> None:
        """Refuse: a meter takes no orders."""
        raise Refused(ILLEGAL_ADDRESS)

    def _refresh(self, the_map: MeterMap | None) -> None:
        kinds, now_s = self.shown(), self.clock.now_s()
        fresh = self._sampled_s is not None and now_s - self._sampled_s < self.table.refresh_s
        if "frozen" in kinds and self._registers:
            return
        if fresh and not kinds:
            return
        self._sampled_s = None if kinds else now_s
        sample = None if "not_implemented" in kinds else self.sample()
        swapped = "word_order" in kinds
        if the_map is None:
            self._registers = self._sunspec(sample, swapped=swapped)
        else:
            self._registers = image(the_map, sample, swapped=swapped)

    def _sunspec(self, sample: MeterSample | None, *, swapped: bool) -> dict[int, int]:
        table = self.table
        if self.inverter is None:
            is_float = table.model == "float"
            model = meter_registers(
                sample, float_model=is_float, phases=table.phases, swapped=swapped
            )
        else:
            model = inverter_registers(
                sample, kind=self.inverter, count_of_phases=table.phases, swapped=swapped
            )
        identity = identity_registers(
            model=self.name,
            serial=table.serial,
            unit_id=self.unit_id,
            is_padded=self.inverter is None,
        )
        registers = [*identity, *model, *END]
        return {BASE_ADDRESS + offset: word for offset, word in enumerate(registers)}


class Meter:
    """Any of the register maps, or SunSpec; PV may have a unit of its own behind the same port."""

    def __init__(self, measuring: Measuring) -> None:
        """Prepare; `start` listens and `run` serves."""
        self._measuring = measuring
        self._table = table = measuring.table
        self.server = ModbusServer(
            units={unit.unit_id: unit for unit in self._units()},
            framing=Framing.RTU if table.link.startswith("rtu") else Framing.MBAP,
            mischief=Mischief(shown=measuring.shown, slow_s=table.slow_s),
            port=table.port,
        )
        self._line: ModbusServer | DatagramLine | SerialLine = self.server
        if table.link == "udp":
            self._line = DatagramLine(server=self.server, port=table.port)
        if table.device is not None:
            self._line = SerialLine(server=self.server, path=table.device)

    def _units(self) -> Iterator[MeterUnit]:
        table, measuring = self._table, self._measuring
        unit = partial(MeterUnit, table=table, clock=measuring.clock, shown=measuring.shown)
        phases = f"{table.phases}-phase"
        yield unit(unit_id=table.unit_id, name=f"Meter {phases}", sample=measuring.sample)
        if table.pv_unit_id is None:
            return
        if table.pv_inverter is None:
            yield unit(
                unit_id=table.pv_unit_id, name=f"PV meter {phases}", sample=measuring.sample_pv
            )
        else:
            yield unit(
                unit_id=table.pv_unit_id,
                name=f"Inverter {phases}",
                sample=measuring.sample_inverter,
                inverter=table.pv_inverter,
            )

    @property
    def port(self) -> int:
        """Where it listens; 0 on a serial line."""
        return 0 if isinstance(self._line, SerialLine) else self._line.port

    async def start(self) -> None:
        """Listen on the port, any free one for 0; OSError when it is taken."""
        if not isinstance(self._line, SerialLine):
            await self._line.start()

    async def run(self) -> None:
        """Serve until cancelled."""
        async with asyncio.TaskGroup() as group:
            if not isinstance(self._line, ModbusServer):
                group.create_task(self._line.run())
            if not isinstance(self._line, SerialLine):
                await keep_open(self._line, self._measuring.shown)

    async def stop(self) -> None:
        """Close the port."""
        if not isinstance(self._line, SerialLine):
            await self._line.stop()
