"""The house around a meter under test: where readings go, which clock runs, the reader itself."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tests.adapters.modbus.meters import UNIT_ID
from v2g_daemon.adapters.modbus.bus import Bus
from v2g_daemon.adapters.modbus.link import parse_link
from v2g_daemon.adapters.modbus.meter import ModbusMeter
from v2g_daemon.adapters.modbus.profile_file import load_profile
from v2g_daemon.adapters.system.clock import ScaledClock
from v2g_daemon.domain.readings import MeterReading
from v2g_daemon.runtime.meter_reader import MeterPlace, MeterReader

METER_ID = "grid"
MAIN_FUSE_W = 17_250.0


@dataclass(slots=True, kw_only=True)
class Latest:
    """A MeterSink that keeps everything."""

    readings: list[MeterReading] = field(default_factory=list)
    troubles: list[str | None] = field(default_factory=list)

    def put_meter(self, meter_id: str, reading: MeterReading) -> None:
        assert meter_id == METER_ID
        self.readings.append(reading)

    def put_meter_trouble(self, meter_id: str, trouble: str | None) -> None:
        assert meter_id == METER_ID
        self.troubles.append(trouble)


def clock(speed: float = 1.0) -> ScaledClock:
    return ScaledClock(
        start_utc=datetime(2024, 12, 11, 16, 30, tzinfo=UTC),
        speed=speed,
        anchor_monotonic_s=time.monotonic(),
    )


@dataclass(slots=True, kw_only=True)
class MeterOnBus:
    """A meter on a bus of its own, and the reader of it."""

    bus: Bus
    meter: ModbusMeter
    reader: MeterReader
    clock: ScaledClock


def metered(
    link: str,
    sink: Latest,
    *,
    profile: str = "sunspec",
    speed: float = 1.0,
    period_s: float = 0.05,
    unit_id: int = UNIT_ID,
) -> MeterOnBus:
    """A reader of the meter behind a link."""
    at = clock(speed)
    bus = Bus(parse_link(link))
    found = load_profile(profile)
    unit = bus.unit(unit_id, min_gap_s=found.min_gap_ms / 1000.0, settle_s=found.settle_ms / 1000.0)
    meter = ModbusMeter(unit=unit, profile=found, clock=at)
    place = MeterPlace(meter_id=METER_ID, period_s=period_s, main_fuse_w=MAIN_FUSE_W)
    reader = MeterReader(meter=meter, place=place, clock=at, sink=sink)
    return MeterOnBus(bus=bus, meter=meter, reader=reader, clock=at)


def on_tcp(port: int, sink: Latest, **options: object) -> MeterOnBus:
    """The same over TCP on this machine, with a short time-out."""
    return metered(f"tcp://127.0.0.1:{port}?timeout=0.2", sink, **options)  # type: ignore[arg-type]
