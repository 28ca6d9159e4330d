"""The reader of one meter: a reading a period that can be this house's, or why none."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from v2g_daemon.domain.errors import DeviceError
from v2g_daemon.domain.readings import MeterReading
from v2g_daemon.ports import Clock, Meter, MeterSink

RETRY_S = 1.0  # real seconds, after a fault of a meter that sends by itself
SHORTEST_BEAT_S = 0.05  # real seconds, so that time-lapse does not flood the meter
# A fuse of its rating carries no more for as long as a meter takes to show it.
FUSE_MULTIPLE = 2.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterPlace:
    """Which meter of the house it is, how often it is read (simulated seconds), what it may read.

    `period_s` 0: it comes by itself, and `read` waits for it.
    """

    meter_id: str
    period_s: float
    main_fuse_w: float


class MeterReader:
    """Puts one reading per period; a fault is told to the house, logged once, never raised."""

    def __init__(self, *, meter: Meter, place: MeterPlace, clock: Clock, sink: MeterSink) -> None:
        self._meter = meter
        self._place = place
        self._clock = clock
        self._sink = sink
        self._fault: str | None = None
        self.readings_count = 0
        self.faults_count = 0
        self.implausible_count = 0

    async def run(self) -> None:
        """Read until cancelled, then end the connection."""
        try:
            while True:
                await self._beat()
        finally:
            await self._meter.close()

    async def _beat(self) -> None:
        faults_before = self.faults_count
        async with asyncio.TaskGroup() as beat:
            beat.create_task(self.poll())
            beat.create_task(self._clock.sleep(self._place.period_s))
            beat.create_task(asyncio.sleep(SHORTEST_BEAT_S))
        if self._place.period_s == 0.0 and self.faults_count > faults_before:
            await asyncio.sleep(RETRY_S)

    async def poll(self) -> None:
        """Take one reading and hand it on, or count and tell why there is none."""
        try:
            reading = await self._meter.read()
        except DeviceError as error:
            self.faults_count += 1
            self._note(kind=type(error).__name__, text=str(error))
            return
        nonsense = implausible(reading, main_fuse_w=self._place.main_fuse_w)
        if nonsense is not None:
            self.implausible_count += 1
            self._note(
                kind="implausible",
                text=f"{self._meter.name} reads {nonsense}; check profile, word order and scale",
            )
            return
        self.readings_count += 1
        self._note(kind=None, text=f"{self._meter.name} reads again")
        self._sink.put_meter(self._place.meter_id, reading)

    def _note(self, *, kind: str | None, text: str) -> None:
        if kind == self._fault:
            return
        self._fault = kind
        self._sink.put_meter_trouble(self._place.meter_id, None if kind is None else text)
        if kind is None:
            _log.info("meter %s: %s", self._place.meter_id, text)
        else:
            _log.warning("meter %s: %s", self._place.meter_id, text)


def implausible(reading: MeterReading, *, main_fuse_w: float) -> str | None:
    """Why a reading cannot be of this house, or None."""
    most_w = FUSE_MULTIPLE * main_fuse_w
    for power_w in (reading.power_w, *reading.phase_power_w):
        if not abs(power_w) <= most_w:
            return f"a power of {power_w:g} W behind a fuse of {main_fuse_w:g} W"
    return None
