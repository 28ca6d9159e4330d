"""The Modbus meter at the grid connection; it samples the world when it is read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from simulators.clock import ScaledClock
from simulators.faults import METER, FaultBoard
from simulators.household import PHASES
from simulators.modbus.frames import ILLEGAL_ADDRESS, ILLEGAL_FUNCTION, ILLEGAL_VALUE, Framing
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
    _registers: dict[int, int] = field(default_factory=dict, init=False)
    _sampled_s: float | None = field(default=None, init=False)

    def read(self, function_code: int, address: int, count: int) -> tuple[int, ...]:
        """Return the registers of this moment."""
        the_map = MAPS.get(self.table.map)
        if the_map is not None and function_code not in the_map.function_codes:
            raise Refused(ILLEGAL_FUNCTION)
        if count > (125 if the_map is None else the_map.most):
            raise Refused(ILLEGAL_VALUE)
        self._refresh(the_map)
        wanted = range(address, address + count)
        if not all(one in self._registers for one in wanted):
            raise Refused(ILLEGAL_ADDRESS)
        kinds = self.shown()
        if "zeros" in kinds or "ones" in kinds:
            return (0 if "zeros" in kinds else 0xFFFF,) * count
        return tuple(self._registers[one] for one in wanted)

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
        if the_map is None:
            self._registers = self._sunspec(sample)
        else:
            self._registers = image(the_map, sample, swapped="word_order" in kinds)

    def _sunspec(self, sample: MeterSample | None) -> dict[int, int]:
        table = self.table
        registers = [
            *identity_registers(model=self.name, serial=table.serial, unit_id=self.unit_id),
            *meter_registers(sample, float_model=table.model == "float", phases=table.phases),
            *END,
        ]
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
        units = [
            (table.unit_id, f"Meter {table.phases}-phase", self.sample),
            (table.pv_unit_id, f"PV meter {table.phases}-phase", self.sample_pv),
        ]
        self.server = ModbusServer(
            units={
                unit_id: MeterUnit(
                    table=table,
                    name=name,
                    unit_id=unit_id,
                    clock=clock,
                    shown=self._shown,
                    sample=sample,
                )
                for unit_id, name, sample in units
                if unit_id is not None
            },
            framing=Framing.RTU if table.link.startswith("rtu") else Framing.MBAP,
            mischief=Mischief(shown=self._shown, slow_s=table.slow_s),
            port=table.port,
        )
        self._line: DatagramLine | SerialLine | None = None
        if table.link == "udp":
            self._line = DatagramLine(server=self.server, port=table.port)
        if table.device is not None:
            self._line = SerialLine(server=self.server, path=table.device)

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
        self._world.advance_to(self._clock.now_s())
        table = self._table
        produced_w = self._world.house.at(self._world.now_s).pv_w
        flow_w = WRONG_WAY * self._way * produced_w
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
            import_wh=totals if table.inverted_sign else nothing,
            export_wh=nothing if table.inverted_sign else totals,
            frequency_hz=FREQUENCY_HZ,
        )

    def _shown(self) -> frozenset[str]:
        return self._faults.active(METER, self._clock.now_s())
