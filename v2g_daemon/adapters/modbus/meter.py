"""The poller of one meter: every period one block, one reading, or a counted and logged fault."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from enum import Enum
from typing import assert_never

from v2g_daemon.adapters.modbus.link import Link
from v2g_daemon.adapters.modbus.profile import MeterProfile
from v2g_daemon.adapters.modbus.sunspec import Model, find_meter
from v2g_daemon.adapters.modbus.translate import (
    implausible,
    meter_reading,
    offsets_of,
    produced_w,
)
from v2g_daemon.domain.errors import DeviceError, DeviceProtocolError
from v2g_daemon.domain.readings import MeterReading
from v2g_daemon.ports import Clock, ObservationSink

SHORTEST_BEAT_S = 0.05  # real seconds, so that time-lapse does not flood the meter

_log = logging.getLogger(__name__)


class MeterRole(Enum):
    """What the meter measures."""

    PCC = "pcc"
    PV = "pv"


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterSource:
    """Which meter, how often (simulated seconds), and what it may plausibly read."""

    profile: MeterProfile
    unit_id: int
    period_s: float
    main_fuse_w: float
    role: MeterRole = MeterRole.PCC


class MeterPoller:
    """Puts one reading per period; a fault is logged once per change and never raised."""

    def __init__(
        self, *, link: Link, source: MeterSource, clock: Clock, sink: ObservationSink
    ) -> None:
        self._link = link
        self._source = source
        self._clock = clock
        self._sink = sink
        self._model: Model | None = None
        self._fault: str | None = None
        self.readings_count = 0
        self.faults_count = 0
        self.implausible_count = 0

    async def run(self) -> None:
        """Poll until cancelled, then end the connection."""
        try:
            while True:
                async with asyncio.TaskGroup() as beat:
                    beat.create_task(self.poll())
                    beat.create_task(self._clock.sleep(self._source.period_s))
                    beat.create_task(asyncio.sleep(SHORTEST_BEAT_S))
        finally:
            self._link.close()

    async def poll(self) -> None:
        """Take one reading and hand it on, or count why there is none."""
        try:
            reading = await self.read()
        except DeviceError as error:
            self.faults_count += 1
            self._note(kind=type(error).__name__, text=str(error))
            return
        nonsense = implausible(reading, main_fuse_w=self._source.main_fuse_w)
        if nonsense is not None:
            self.implausible_count += 1
            self._note(
                kind="implausible",
                text=f"{self._link.name} reads {nonsense}; check word order, scale and profile",
            )
            return
        self.readings_count += 1
        self._note(kind=None, text=f"{self._link.name} reads again")
        self._put(reading)

    async def read(self) -> MeterReading:
        """One reading, as old as its request; raises a DeviceError."""
        if self._model is None:
            self._model = await find_meter(
                self._registers, base_addresses=self._source.profile.base_addresses
            )
        model = self._model
        observed_at = self._clock.now()
        block = await self._registers(model.address, offsets_of(model.model_id).registers)
        if block[:2] != (model.model_id, model.length):
            # New firmware, another device, or an answer to another question: look again.
            self._model = None
            raise DeviceProtocolError(
                f"{self._link.name} has model {block[0]} where {model.model_id} stood"
            )
        return meter_reading(block, profile=self._source.profile, observed_at=observed_at)

    async def _registers(self, address: int, count: int) -> tuple[int, ...]:
        return await self._link.read(
            unit_id=self._source.unit_id,
            address=address,
            count=count,
            function_code=self._source.profile.function_code,
        )

    def _put(self, reading: MeterReading) -> None:
        match self._source.role:
            case MeterRole.PCC:
                self._sink.put_meter(reading)
            case MeterRole.PV:
                self._sink.put_pv_power(produced_w(reading), reading.observed_at)
            case _ as never:
                assert_never(never)

    def _note(self, *, kind: str | None, text: str) -> None:
        if kind == self._fault:
            return
        self._fault = kind
        if kind is None:
            _log.info("meter: %s", text)
        else:
            _log.warning("meter: %s", text)
