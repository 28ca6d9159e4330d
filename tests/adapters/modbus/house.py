"""The house around a meter under test: where readings go, which clock runs, the poller itself."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tests.adapters.modbus.meters import UNIT_ID
from v2g_daemon.adapters.modbus.link import Link
from v2g_daemon.adapters.modbus.meter import MeterPoller, MeterRole, MeterSource
from v2g_daemon.adapters.modbus.profile import load_profile
from v2g_daemon.adapters.system.clock import ScaledClock
from v2g_daemon.domain.clock import ClockWitness
from v2g_daemon.domain.goals import UserOverride
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.prices import PriceCurve
from v2g_daemon.domain.readings import EvseStatus, MeterReading
from v2g_daemon.domain.vehicle import CarAnswer


@dataclass(slots=True, kw_only=True)
class Latest:
    """An ObservationSink that keeps everything."""

    readings: list[MeterReading] = field(default_factory=list)
    pv_power: list[tuple[float, Instant]] = field(default_factory=list)

    def put_meter(self, reading: MeterReading) -> None:
        self.readings.append(reading)

    def put_pv_power(self, power_w: float, observed_at: Instant) -> None:
        self.pv_power.append((power_w, observed_at))

    def put_evse(self, status: EvseStatus) -> None:
        raise AssertionError(status)

    def put_prices(self, curve: PriceCurve) -> None:
        raise AssertionError(curve)

    def put_clock_witness(self, witness: ClockWitness) -> None:
        raise AssertionError(witness)

    def put_override(self, override: UserOverride) -> None:
        raise AssertionError(override)

    def put_car_answer(self, answer: CarAnswer) -> None:
        raise AssertionError(answer)

    def cancel_overrides(self, evse_id: str) -> None:
        raise AssertionError(evse_id)

    def clear_latch(self, clearance: object) -> None:
        raise AssertionError(clearance)


def clock(speed: float = 1.0) -> ScaledClock:
    return ScaledClock(
        start_utc=datetime(2024, 12, 11, 16, 30, tzinfo=UTC),
        speed=speed,
        anchor_monotonic_s=time.monotonic(),
    )


def poller(
    port: int,
    sink: Latest,
    *,
    profile: str = "sunspec",
    role: MeterRole = MeterRole.PCC,
    speed: float = 1.0,
    period_s: float = 0.05,
    unit_id: int = UNIT_ID,
) -> MeterPoller:
    return MeterPoller(
        link=Link(host="127.0.0.1", port=port, timeout_s=0.2),
        source=MeterSource(
            profile=load_profile(profile),
            unit_id=unit_id,
            period_s=period_s,
            main_fuse_w=17_250.0,
            role=role,
        ),
        clock=clock(speed),
        sink=sink,
    )
