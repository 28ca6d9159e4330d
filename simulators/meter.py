"""The Modbus meter at the grid connection; it samples the world when it is read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from random import Random

from simulators.clock import ScaledClock
from simulators.faults import METER, FaultBoard
from simulators.household import PHASES
from simulators.modbus.frames import (
    DEVICE_FAILURE,
    ILLEGAL_ADDRESS,
    ILLEGAL_FUNCTION,
    ILLEGAL_VALUE,
    Framing,
)
from simulators.modbus.maps import MAPS, MeterMap, MeterSample, image
from simulators.modbus.mischief import Mischief
from simulators.modbus.server import LOOPBACK, DatagramLine, ModbusServer, Refused, SerialLine
from simulators.scenario import MeterTable
from simulators.sunspec import (
    BASE_ADDRESS,
    END,
    identity_registers,
    meter_registers,
)
from simulators.sunspec_inverter import InverterKind, inverter_registers
from simulators.truth import NOMINAL_VOLTAGE_V
from simulators.world import World

__all__ = ["LOOPBACK", "Meter", "MeterUnit"]

FREQUENCY_HZ = 50.0
FAULT_POLL_S = 0.1
WRONG_WAY = -1.0


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
        if "zeros" in kinds or "ones" in kinds:
            return (0 if "zeros" in kinds else 0xFFFF,) * len(wanted)
        held = [self._registers[one] for one in wanted]
        if held and "register_noise" in kinds:
            held[self._chance.randrange(len(held))] = self._chance.randrange(0x10000)
        return tuple(held)

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

    def __init__(
        self, *, table: MeterTable, world: World, clock: ScaledClock, faults: FaultBoard
    ) -> None:
        """Prepare; `start` listens and `run` serves."""
        self._table = table
        self._world = world
        self._clock = clock
        self._faults = faults
        self.server = ModbusServer(
            units={unit.unit_id: unit for unit in self._units()},
            framing=Framing.RTU if table.link.startswith("rtu") else Framing.MBAP,
            mischief=Mischief(shown=self._shown, slow_s=table.slow_s),
            port=table.port,
        )
        self._line: DatagramLine | SerialLine | None = None
        if table.link == "udp":
            self._line = DatagramLine(server=self.server, port=table.port)
        if table.device is not None:
            self._line = SerialLine(server=self.server, path=table.device)

    def _units(self) -> Iterator[MeterUnit]:
        table = self._table
        unit = partial(MeterUnit, table=table, clock=self._clock, shown=self._shown)
        phases = f"{table.phases}-phase"
        yield unit(unit_id=table.unit_id, name=f"Meter {phases}", sample=self.sample)
        if table.pv_unit_id is None:
            return
        if table.pv_inverter is None:
            yield unit(unit_id=table.pv_unit_id, name=f"PV meter {phases}", sample=self.sample_pv)
        else:
            yield unit(
                unit_id=table.pv_unit_id,
                name=f"Inverter {phases}",
                sample=self.sample_inverter,
                inverter=table.pv_inverter,
            )

    @property
    def port(self) -> int:
        """Where it listens; 0 on a serial line."""
        return self._line.port if isinstance(self._line, DatagramLine) else self.server.port

    async def run(self) -> None:
        """Serve until cancelled; a `refuses` fault closes the port for its time."""
        if self._line is not None:
            await self._line.run()
            return
        was_half_open = False
        try:
            while True:
                shown = self._shown()
                if "refuses" in shown:
                    await self.server.stop()
                elif not self.server.listening:
                    await self.start()
                if "half_open" in shown and not was_half_open:
                    self.server.go_half_open()
                was_half_open = "half_open" in shown
                await asyncio.sleep(FAULT_POLL_S)
        finally:
            await self.stop()

    async def start(self) -> None:
        """Listen on the port, any free one for 0; OSError when it is taken."""
        if isinstance(self._line, DatagramLine):
            await self._line.open()
        elif self._line is None:
            await self.server.start()

    async def stop(self) -> None:
        """Close the port."""
        await self.server.stop()

    def sample(self) -> MeterSample:
        """Return what the meter measures at this moment."""
        self._world.advance_to(self._clock.now_s())
        table, truth = self._table, self._world.truth
        phases_w = self._world.pcc_w_per_phase()
        imported = self._counters(
            table.start_import_wh, truth.pcc_import_wh, truth.pcc_import_wh_per_phase
        )
        exported = self._counters(
            table.start_export_wh, truth.pcc_export_wh, truth.pcc_export_wh_per_phase
        )
        if table.inverted_sign:
            imported, exported = exported, imported
        shown_w = [self._way * phase_w for phase_w in phases_w[: table.phases]]
        currents_a = [abs(phase_w) / NOMINAL_VOLTAGE_V for phase_w in shown_w]
        return MeterSample(
            power_w=(self._way * sum(phases_w), *shown_w),
            current_a=(sum(currents_a), *currents_a),
            voltage_v=(NOMINAL_VOLTAGE_V,) * (1 + len(shown_w)),
            import_wh=imported,
            export_wh=exported,
            frequency_hz=FREQUENCY_HZ,
        )

    @property
    def _way(self) -> float:
        """Which way is positive: the table's, the map's, and a mistake each turn it round."""
        the_map = MAPS.get(self._table.map)
        turns = [
            self._table.inverted_sign,
            the_map is not None and the_map.exports_positive,
            "sign" in self._shown(),
        ]
        return WRONG_WAY ** turns.count(True)

    def _counters(
        self, start_wh: float, total_wh: float, per_phase: list[float]
    ) -> tuple[float, ...]:
        shown = per_phase[: self._table.phases]
        return (start_wh + total_wh, *(start_wh / PHASES + phase_wh for phase_wh in shown))

    def sample_pv(self) -> MeterSample:
        """Return what the PV meter measures: production counts as export."""
        return self._production(way=WRONG_WAY * self._way, exchanged=self._table.inverted_sign)

    def sample_inverter(self) -> MeterSample:
        """Return what the inverter measures: production is positive."""
        is_wrong = "sign" in self._shown()
        return self._production(way=WRONG_WAY if is_wrong else 1.0, exchanged=False)

    def _production(self, *, way: float, exchanged: bool) -> MeterSample:
        self._world.advance_to(self._clock.now_s())
        table = self._table
        flow_w = way * self._world.house.at(self._world.now_s).pv_w
        phase_w = flow_w / table.phases
        totals = (self._world.truth.pv_wh,) + (
            self._world.truth.pv_wh / table.phases,
        ) * table.phases
        nothing = (0.0,) * (1 + table.phases)
        return MeterSample(
            power_w=(flow_w,) + (phase_w,) * table.phases,
            current_a=tuple(
                abs(one_w) / NOMINAL_VOLTAGE_V for one_w in (flow_w, *(phase_w,) * table.phases)
            ),
            voltage_v=(NOMINAL_VOLTAGE_V,) * (1 + table.phases),
            import_wh=totals if exchanged else nothing,
            export_wh=nothing if exchanged else totals,
            frequency_hz=FREQUENCY_HZ,
        )

    def _shown(self) -> frozenset[str]:
        return self._faults.active(METER, self._clock.now_s())
