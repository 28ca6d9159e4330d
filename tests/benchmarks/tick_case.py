"""Time a whole tick in process: the demo's house, real recorder, encoder, trace file and ledger.

    python -m tests.benchmarks.tick_case [TICKS]

The clock is stepped by a second per tick; the meter moves every tick, the station reports every
five. Prints one JSON line: times of the tick in ms, of the recorder's work and of the trace
encoder alone for each tick in ms, and the compressed trace in bytes per tick.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import Any

from v2g_daemon.adapters.database.writer import DatabaseLedger
from v2g_daemon.adapters.system.planning_child import PlanningChild
from v2g_daemon.adapters.system.trace_files import TraceFiles
from v2g_daemon.adapters.system.watchdog import SystemdWatchdog
from v2g_daemon.app.composition import restored_house
from v2g_daemon.app.demo.history import seeded_rows, simulated_commissioning
from v2g_daemon.app.demo.run import demo_settings
from v2g_daemon.app.demo.scenario import DemoHouse, DemoRun
from v2g_daemon.app.tariffs import book_of
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.interval import Interval
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.power import PowerRange
from v2g_daemon.domain.prices import PriceCurve
from v2g_daemon.domain.readings import (
    EvseCapability,
    EvseStatus,
    MeterReading,
    MeterRole,
    PowerControl,
    VehicleIdentity,
)
from v2g_daemon.domain.setpoint import Command, Setpoint
from v2g_daemon.market.curve import price_curve
from v2g_daemon.market.rated import rated
from v2g_daemon.market.series import SeriesPrice
from v2g_daemon.runtime.control_loop import ControlLoop, Surroundings
from v2g_daemon.runtime.latest_values import LatestValues
from v2g_daemon.runtime.meter_slots import MeterSlot
from v2g_daemon.runtime.planning_desk import PlanningDesk
from v2g_daemon.runtime.recorder import Recorder
from v2g_daemon.settings import Settings, to_policy
from v2g_daemon.step.house import Outcome
from v2g_daemon.trace.codec import TraceEncoder
from v2g_daemon.trace.pipe import encode_problem

TICKS = 3600
WARM_UP_TICKS = 60
START_UTC = datetime(2024, 12, 11, 16, 0, tzinfo=UTC)
METERS = (
    MeterSlot(meter_id="grid", role=MeterRole.GRID, max_age_s=5.0),
    MeterSlot(meter_id="pv", role=MeterRole.PV, max_age_s=30.0),
)
RUN = DemoRun(start_utc=START_UTC, speed=1.0, hours=None)


class SteppedClock:
    """A clock that stands still until it is stepped."""

    def __init__(self, start_utc: datetime) -> None:
        self._now = Instant(utc=start_utc, monotonic_s=1000.0)

    def now(self) -> Instant:
        """The moment it was stepped to."""
        return self._now

    def step(self) -> None:
        """One second on."""
        self._now = self._now.later(1.0)

    async def sleep(self, seconds_s: float) -> None:
        """Not needed here: nothing waits for this clock."""
        await asyncio.sleep(0)

    def trusted(self) -> bool:
        """Always."""
        return True


class Charger:
    """A port whose car follows each setpoint at once."""

    evse_id = "garage"

    def __init__(self) -> None:
        self.power_w = 0.0

    def command(self, command: Command) -> None:
        """Take the newest setpoint."""
        self.power_w = command.target_w if isinstance(command, Setpoint) else 0.0

    def outlook(self, outlook: object) -> None:
        """It follows every setpoint, so it needs none."""


@dataclass(slots=True, kw_only=True)
class Readings:
    """What the edges would have observed: a house of about 1.5 kW and a car at 60 %."""

    clock: SteppedClock
    latest: LatestValues
    charger: Charger
    noise: random.Random = field(default_factory=lambda: random.Random(1))
    ticks: int = 0
    registers_milliwh: list[float] = field(default_factory=lambda: [5e9, 1e9, 8e8, 2e8])
    soc: float = 0.6

    def take(self) -> None:
        """One second of the house."""
        now, power_w = self.clock.now(), self.charger.power_w
        load_w = 1500.0 + self.noise.gauss(0.0, 150.0)
        pcc_w = round(load_w + power_w, 1)
        self._count(0, pcc_w)
        self._count(2, power_w)
        self.soc += power_w / 3600.0 / 60_000.0
        bought, sold, charged, discharged = (round(one) for one in self.registers_milliwh)
        self.latest.put_meter(
            "grid",
            MeterReading(
                observed_at=now,
                power_w=pcc_w,
                phase_power_w=tuple(round(pcc_w / 3.0 + by_w, 1) for by_w in (-120.0, 40.0, 80.0)),
                voltage_v=(231.2, 230.4, 229.8),
                frequency_hz=50.01,
                import_milliwh=bought,
                export_milliwh=sold,
            ),
        )
        self.latest.put_meter("pv", MeterReading(observed_at=now, power_w=0.0))
        if self.ticks % 5 == 0:
            self.latest.put_evse(self._evse(now, charged, discharged))
        self.ticks += 1

    def _count(self, first: int, power_w: float) -> None:
        self.registers_milliwh[first if power_w > 0.0 else first + 1] += abs(power_w) / 3.6

    def _evse(self, now: Instant, charged_milliwh: int, discharged_milliwh: int) -> EvseStatus:
        return EvseStatus(
            evse_id=self.charger.evse_id,
            connected=True,
            serial=DemoHouse.OCPP.charger_serial,
            plugged_in=True,
            session_id="session-1",
            transaction_id="transaction-1",
            plugged_in_at_utc=START_UTC,
            identity=VehicleIdentity(evccid="SIMEVCC00001", id_token="SIMTOKEN0001"),
            capability=EvseCapability(
                power=PowerRange(lowest_w=-7400.0, highest_w=7400.0),
                min_charge_w=1400.0,
                min_discharge_w=1400.0,
                control=PowerControl.SIGNED,
            ),
            power_w=self.charger.power_w,
            power_observed_at=now,
            soc=round(self.soc, 3),
            soc_observed_at=now,
            charge_milliwh=charged_milliwh,
            discharge_milliwh=discharged_milliwh,
            registers_observed_at=now,
        )


@dataclass(slots=True, kw_only=True)
class Times:
    """Milliseconds of each tick."""

    tick_ms: list[float] = field(default_factory=list)
    record_ms: list[float] = field(default_factory=list)
    encode_ms: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """The parts of one measurement; `outcomes` keeps the newest tick."""

    policy: Policy
    loop: ControlLoop
    recorder: Recorder
    desk: PlanningDesk
    trace: TraceFiles
    readings: Readings
    outcomes: list[Outcome]


def prices(settings: Settings) -> PriceCurve:
    """Three days of made-up hourly prices with a dear evening, through the configured tariff."""
    book = book_of(settings)
    midnight_utc = START_UTC.replace(hour=0)
    per_mwh = [90 + 4 * hour + (500 if hour in (16, 17) else 0) for hour in range(24)] * 3
    series = [
        SeriesPrice(
            interval=Interval(
                start_utc=midnight_utc + timedelta(hours=hour),
                end_utc=midnight_utc + timedelta(hours=hour + 1),
            ),
            per_kwh=Decimal(price) / 1000,
        )
        for hour, price in enumerate(per_mwh)
    ]
    whole = Interval(start_utc=series[0].interval.start_utc, end_utc=series[-1].interval.end_utc)
    known = dict.fromkeys(book.sources(), series)
    return price_curve(rated(book, known, whole))


def settings_in(folder: Path) -> Settings:
    """The demo's house at the speed of life, with ledger and trace in `folder`."""
    return demo_settings(RUN, folder, {})


def seed(ledger: DatabaseLedger, currency: str) -> None:
    """28 recorded days and the simulated charger's commissioning, as in the demo."""
    ledger.seed_history(seeded_rows(START_UTC, currency=currency)).result()
    ledger.commit(
        simulated_commissioning(DemoHouse.OCPP.charger_serial, START_UTC - timedelta(days=1))
    ).result()


def bench_of(settings: Settings, ledger: DatabaseLedger) -> Bench:
    """Everything but sockets is the daemon's own."""
    policy, clock = to_policy(settings), SteppedClock(START_UTC)
    reader = ledger.reader()
    latest = LatestValues(evse_ids=["garage"], meters=METERS, commissioning=reader.commissioning())
    latest.put_prices(prices(settings))
    trace = TraceFiles(settings.trace.directory, clock=clock)
    encoder = TraceEncoder(versions={"bench": "1"})
    recorder = Recorder(policy=policy, clock=clock, ledger=ledger, trace=trace, encoder=encoder)
    desk = PlanningDesk(planner=PlanningChild(), latest=latest)
    charger = Charger()
    outcomes: list[Outcome] = []

    def keep(outcome: Outcome) -> None:
        outcomes[:] = [outcome]

    around = Surroundings(
        clock=clock,
        latest=latest,
        recorder=recorder,
        desk=desk,
        ports={charger.evse_id: charger},
        watchdog=SystemdWatchdog(notify_socket=None),
        on_tick=keep,
    )
    return Bench(
        policy=policy,
        loop=ControlLoop(
            policy=policy, house=restored_house(reader, policy, START_UTC), around=around
        ),
        recorder=recorder,
        desk=desk,
        trace=trace,
        readings=Readings(clock=clock, latest=latest, charger=charger),
        outcomes=outcomes,
    )


async def plan_question() -> bytes:
    """The first question that this house poses, as the planning child reads it."""
    with tempfile.TemporaryDirectory(prefix="v2g-bench-") as folder:
        settings = settings_in(Path(folder))
        ledger = DatabaseLedger(settings.database.url, now_utc=START_UTC)
        try:
            seed(ledger, settings.currency)
            bench = bench_of(settings, ledger)
            bench.readings.take()
            bench.loop.tick()
            return encode_problem(bench.outcomes[0].problems[0])
        finally:
            ledger.close()


async def measured(ticks: int) -> dict[str, Any]:
    """The figures as the JSON line gives them."""
    with tempfile.TemporaryDirectory(prefix="v2g-bench-") as folder:
        settings = settings_in(Path(folder))
        ledger = DatabaseLedger(settings.database.url, now_utc=START_UTC)
        try:
            seed(ledger, settings.currency)
            bench = bench_of(settings, ledger)
            times = await _timed(bench, ticks)
            bench.trace.close()
            written_bytes = bench.trace.written_bytes
        finally:
            ledger.close()
    return {
        "ticks": ticks,
        **_percentiles("tick", times.tick_ms),
        **_percentiles("record", times.record_ms),
        **_percentiles("encode", times.encode_ms),
        "trace_bytes_per_tick": round(written_bytes / ticks, 1),
        "plans": len(bench.outcomes[0].snapshot.plans),
    }


async def _timed(bench: Bench, ticks: int) -> Times:
    """Tick, let the recorder work, and encode the same tick once more by itself."""
    times = Times()
    alone = TraceEncoder(versions={"bench": "1"})
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(bench.recorder.run()), tasks.create_task(bench.desk.run())]
        for tick in range(ticks):
            bench.readings.take()
            started_s = time.perf_counter()
            bench.loop.tick()
            ticked_s = time.perf_counter()
            await asyncio.sleep(0)
            recorded_s = time.perf_counter()
            outcome = bench.outcomes[0]
            alone.lines(
                outcome.snapshot,
                outcome.decision,
                policy=bench.policy,
                memory=outcome.memory_before,
                memory_after=outcome.memory_after,
            )
            encoded_s = time.perf_counter()
            if tick < WARM_UP_TICKS:
                await asyncio.sleep(0.05)  # real: the planning child answers meanwhile
            else:
                times.tick_ms.append((ticked_s - started_s) * 1000.0)
                times.record_ms.append((recorded_s - ticked_s) * 1000.0)
                times.encode_ms.append((encoded_s - recorded_s) * 1000.0)
            bench.readings.clock.step()
        for task in running:
            task.cancel()
    return times


def _percentiles(name: str, values_ms: list[float]) -> dict[str, float]:
    ordered = sorted(values_ms)
    return {
        f"{name}_median_ms": round(median(ordered), 4),
        f"{name}_p99_ms": round(ordered[int(len(ordered) * 0.99)], 4),
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measured(int(sys.argv[1]) if len(sys.argv) > 1 else TICKS))))
