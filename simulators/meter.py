"""The Modbus TCP meter at the grid connection; it samples the world when it is read."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from simulators.clock import ScaledClock
from simulators.faults import METER, FaultBoard
from simulators.household import PHASES
from simulators.scenario import MeterTable
from simulators.sunspec import (
    BASE_ADDRESS,
    END,
    MeterSample,
    identity_registers,
    meter_registers,
)
from simulators.truth import NOMINAL_VOLTAGE_V
from simulators.world import World

LOOPBACK = "127.0.0.1"
FREQUENCY_HZ = 50.0
SLOW_ANSWER_S = 2.0
FAULT_POLL_S = 0.1


class MeterUnit:
    """One unit id: its registers, refreshed when they are read."""

    def __init__(
        self,
        *,
        unit_id: int,
        name: str,
        table: MeterTable,
        clock: ScaledClock,
        faults: FaultBoard,
        sample: Callable[[], MeterSample],
    ) -> None:
        self._unit_id = unit_id
        self._table = table
        self._clock = clock
        self._faults = faults
        self._sample = sample
        self._identity = identity_registers(model=name, serial=table.serial, unit_id=unit_id)
        self._sampled_s: float | None = None

    def device(self) -> SimDevice:
        """The device for a server, showing the moment it is made."""
        registers = [*self._identity, *self._meter_model(self._sample()), *END]
        block = SimData(BASE_ADDRESS, values=registers, datatype=DataType.REGISTERS, readonly=True)
        return SimDevice(id=self._unit_id, simdata=[block], action=self._on_access)

    def _meter_model(self, sample: MeterSample | None) -> list[int]:
        table = self._table
        return meter_registers(sample, float_model=table.model == "float", phases=table.phases)

    async def _on_access(
        self,
        function_code: int,
        start_address: int,
        address: int,
        count: int,
        registers: list[int],
        values: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        """Refresh the live registers before a read, or refuse it."""
        faults = self._faults.active(METER, self._clock.now_s())
        if values is not None:
            return ExcCodes.ILLEGAL_ADDRESS
        if "busy" in faults:
            return ExcCodes.DEVICE_BUSY
        if "slow" in faults:
            await asyncio.sleep(SLOW_ANSWER_S)
        offset = BASE_ADDRESS + len(self._identity) - start_address
        if "not_implemented" in faults:
            self._sampled_s = None
            self._write(registers, offset, self._meter_model(None))
        elif "frozen" not in faults and self._is_due():
            self._write(registers, offset, self._meter_model(self._sample()))
        return None

    def _is_due(self) -> bool:
        now_s = self._clock.now_s()
        if self._sampled_s is not None and now_s - self._sampled_s < self._table.refresh_s:
            return False
        self._sampled_s = now_s
        return True

    @staticmethod
    def _write(registers: list[int], offset: int, model: list[int]) -> None:
        registers[offset : offset + len(model)] = model


class Meter:
    """SunSpec registers over Modbus TCP; energy in whole Wh, PV may have a unit of its own."""

    def __init__(
        self, *, table: MeterTable, world: World, clock: ScaledClock, faults: FaultBoard
    ) -> None:
        """Prepare; `start` listens and `run` serves."""
        self._table = table
        self._world = world
        self._clock = clock
        self._faults = faults
        self._units = [
            MeterUnit(
                unit_id=unit_id, name=name, table=table, clock=clock, faults=faults, sample=sample
            )
            for unit_id, name, sample in (
                (table.unit_id, f"Meter {table.phases}-phase", self.sample),
                (table.pv_unit_id, f"PV meter {table.phases}-phase", self.sample_pv),
            )
            if unit_id is not None
        ]
        self._server: ModbusTcpServer | None = None
        self.port = table.port
        logging.getLogger("pymodbus").setLevel(logging.CRITICAL)

    async def run(self) -> None:
        """Serve until cancelled; a `refuses` fault closes the port for its time."""
        try:
            while True:
                refuses = "refuses" in self._shown()
                if refuses:
                    await self._stop()
                elif self._server is None:
                    await self.start()
                await asyncio.sleep(FAULT_POLL_S)
        finally:
            await self._stop()

    async def start(self) -> None:
        """Listen on the port, any free one for 0; RuntimeError when it is taken."""
        server = ModbusTcpServer(
            [unit.device() for unit in self._units],
            address=(LOOPBACK, self.port),
            trace_packet=self._pass_packet,
        )
        await server.serve_forever(background=True)
        self.port = self._bound_port(server)
        self._server = server

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
            phases_w = tuple(-phase_w for phase_w in phases_w)
            imported, exported = exported, imported
        shown_w = phases_w[: table.phases]
        currents_a = [abs(phase_w) / NOMINAL_VOLTAGE_V for phase_w in shown_w]
        return MeterSample(
            power_w=(sum(phases_w), *shown_w),
            current_a=(sum(currents_a), *currents_a),
            voltage_v=(NOMINAL_VOLTAGE_V,) * (1 + len(shown_w)),
            import_wh=imported,
            export_wh=exported,
            frequency_hz=FREQUENCY_HZ,
        )

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
        way = 1.0 if table.inverted_sign else -1.0
        phase_w = way * produced_w / table.phases
        totals = (self._world.truth.pv_wh,) + (
            self._world.truth.pv_wh / table.phases,
        ) * table.phases
        nothing = (0.0,) * (1 + table.phases)
        return MeterSample(
            power_w=(way * produced_w,) + (phase_w,) * table.phases,
            current_a=tuple(
                abs(one_w) / NOMINAL_VOLTAGE_V for one_w in (produced_w, *(phase_w,) * table.phases)
            ),
            voltage_v=(NOMINAL_VOLTAGE_V,) * (1 + table.phases),
            import_wh=totals if table.inverted_sign else nothing,
            export_wh=nothing if table.inverted_sign else totals,
            frequency_hz=FREQUENCY_HZ,
        )

    async def _stop(self) -> None:
        if self._server is not None:
            await self._server.shutdown()  # type: ignore[no-untyped-call]
            self._server = None

    @staticmethod
    def _bound_port(server: ModbusTcpServer) -> int:
        listener = server.transport
        if not isinstance(listener, asyncio.Server):
            raise RuntimeError("the meter is not listening")
        return int(listener.sockets[0].getsockname()[1])

    def _shown(self) -> frozenset[str]:
        return self._faults.active(METER, self._clock.now_s())

    def _pass_packet(self, *traced: Any) -> bytes:
        """Hold back answers while silent; the library passes (sending, data)."""
        sending, data = traced
        return b"" if sending and "silent" in self._shown() else bytes(data)
