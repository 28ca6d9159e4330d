"""Every way a meter can fail, in real time: what the house still may, and how soon.

All faults of one rate run side by side, each in a house of its own whose car discharges 3 kW.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

import pytest

from simulators.assembly import Assembly, assemble
from simulators.control import FaultOrder, HouseOrder
from simulators.scenario import Scenario
from tests.adapters.modbus.house import MAIN_FUSE_W
from tests.builders import a_policy, a_snapshot, an_evse_memory, an_evse_status
from v2g_daemon.adapters.modbus.bus import Bus
from v2g_daemon.adapters.modbus.link import parse_link
from v2g_daemon.adapters.modbus.meter import ModbusMeter
from v2g_daemon.adapters.modbus.profile_file import load_profile
from v2g_daemon.adapters.system.clock import RealClock
from v2g_daemon.control.decide import decide
from v2g_daemon.domain.faults import FaultCode
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.memory import Memory
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.readings import MeterReading, MeterRole
from v2g_daemon.domain.snapshot import RecordingHealth
from v2g_daemon.runtime.latest_values import LatestValues
from v2g_daemon.runtime.meter_reader import MeterPlace, MeterReader
from v2g_daemon.runtime.meter_slots import MeterSlot
from v2g_daemon.settings.policy import timing_for

PROFILE = "cg_em3xx"
GRID_W = 500.0
DISCHARGE_W = -3000.0
MAX_AGE_S = 5.0
# A tick, a period, and a busy machine.
SLACK_S = 2.0
ENDS_DISCHARGE = [
    "silent",
    "refuses",
    "busy",
    "gateway_silence",
    "slow",
    "half",
    "short",
    "bad_checksum",
    "wrong_unit",
    "previous",
    "zeros",
    "ones",
    "not_implemented",
    "word_order",
    "frozen",
]


@dataclass(slots=True, kw_only=True)
class House:
    """A simulated meter behind RTU frames, its reader, and a decision every tick."""

    period_s: float
    parts: Assembly
    reader: MeterReader
    latest: LatestValues
    policy: Policy
    clock: RealClock = field(default_factory=RealClock)
    memory: Memory = field(default_factory=Memory)
    evse_w: float = DISCHARGE_W
    seen_w: list[float] = field(default_factory=list)
    faults: list[FaultCode] = field(default_factory=list)
    may_discharge: bool = False

    async def run(self) -> None:
        """The house has been well for a minute when the first reading comes."""
        await self.reader.poll()
        async with asyncio.TaskGroup() as group:
            group.create_task(self.reader.run())
            while True:
                self.tick()
                await asyncio.sleep(min(self.period_s, 1.0))

    def tick(self) -> None:
        now = self.clock.now()
        health = RecordingHealth(last_durable_at=now, queue_full=False, records_lost=0)
        news = self.latest.freeze(now=now, clock_trusted=True, recording=health)
        status = an_evse_status(power_w=self.evse_w, power_observed_at=now, soc_observed_at=now)
        snapshot = replace(
            a_snapshot(meter=news.meter, evses=(status,)),
            now=now,
            meters=news.meters,
            recording=health,
        )
        self.memory, decision = decide(self.memory, snapshot, self.policy)
        (limit,) = [one for one in decision.evses[0].limits if one.reason.rule == "export_limit"]
        self.may_discharge = limit.permitted.lowest_w < 0.0
        self.faults = [fault.code for fault in decision.faults]
        if news.meter is not None and self.may_discharge:
            self.seen_w.append(news.meter.power_w)


def a_house(period_s: float) -> House:
    parts = assemble(
        Scenario.model_validate(
            {
                "clock": {
                    "start": "2024-12-11T17:30:00+01:00",
                    "anchor_monotonic_s": time.monotonic(),
                },
                "house": {"load_w": GRID_W},
                "meter": {"map": PROFILE, "link": "rtu+tcp", "refresh_s": period_s},
            }
        ),
        Path(),
    )
    clock = RealClock()
    now = clock.now()
    slot = MeterSlot(meter_id="grid", role=MeterRole.GRID, max_age_s=MAX_AGE_S)
    latest = LatestValues(evse_ids=["carport"], meters=[slot])
    policy = a_policy(timing=timing_for(1.0, period_s))
    memory = Memory(
        meter_good_since=now.later(-60.0),
        evses=(replace(an_evse_memory(DISCHARGE_W), evse_id="carport"),),
    )
    return House(
        period_s=period_s,
        parts=parts,
        reader=None,  # type: ignore[arg-type]  # needs the port, which is known once it listens
        latest=latest,
        policy=policy,
        memory=memory,
    )


async def started(house: House) -> None:
    meter = house.parts.meter
    assert meter is not None
    await meter.start()
    profile = load_profile(PROFILE)
    bus = Bus(parse_link(f"rtu+tcp://127.0.0.1:{meter.port}?timeout=0.5"))
    house.reader = MeterReader(
        meter=ModbusMeter(unit=bus.unit(1), profile=profile, clock=house.clock),
        place=MeterPlace(meter_id="grid", period_s=house.period_s, main_fuse_w=MAIN_FUSE_W),
        clock=house.clock,
        sink=house.latest,
    )


async def lived_through(kind: str, period_s: float) -> str | None:
    """What was wrong with a house that met this fault, or None."""
    house = a_house(period_s)
    await started(house)
    meter = house.parts.meter
    assert meter is not None
    # A first good reading, so that discharge is permitted when the fault comes.
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(meter.run()), group.create_task(house.run())]
        try:
            return await _fault(house, kind)
        finally:
            for task in tasks:
                task.cancel()


async def _fault(house: House, kind: str) -> str | None:
    loop = asyncio.get_running_loop()
    if not await _within(lambda: house.may_discharge, 8.0):
        return f"{kind}: discharge was never permitted"
    house.parts.control.set_fault(FaultOrder(device="meter", kind=kind))
    house.parts.control.set_house(HouseOrder(load_w=4200.0))
    began_s = loop.time()
    # The digits have to stand still for an age before the car's move proves them frozen.
    patience_s = MAX_AGE_S + SLACK_S
    if kind == "frozen":
        await asyncio.sleep(MAX_AGE_S + 1.0)
        house.evse_w = -1000.0
        patience_s += MAX_AGE_S + 1.0
    wanted = FaultCode.METER_FROZEN if kind == "frozen" else FaultCode.METER_STALE
    if not await _within(lambda: wanted in house.faults, patience_s):
        return f"{kind}: no {wanted.value} after {loop.time() - began_s:.1f} s"
    if house.may_discharge:
        return f"{kind}: discharge is still permitted"
    lies = {watts for watts in house.seen_w if watts not in (GRID_W, 4200.0)}
    if lies:
        return f"{kind}: decided on {lies} W"
    house.parts.control.set_fault(FaultOrder(device="meter", kind="none"))
    recovered = await _within(lambda: not set(house.faults) & {FaultCode.METER_STALE}, 12.0)
    return None if recovered else f"{kind}: no value 12 s after the fault was gone"


async def _within(condition, seconds_s: float) -> bool:
    loop = asyncio.get_running_loop()
    until_s = loop.time() + seconds_s
    while loop.time() < until_s:
        if condition():
            return True
        await asyncio.sleep(0.05)
    return bool(condition())


@pytest.mark.timeout(120)
@pytest.mark.parametrize("period_s", [1.0, 0.1], ids=["1 Hz", "10 Hz"])
async def test_a_meter_that_hangs_lies_or_freezes_ends_discharge_in_time_and_recovers_alone(
    period_s: float,
) -> None:
    found = await asyncio.gather(*(lived_through(kind, period_s) for kind in ENDS_DISCHARGE))
    assert [one for one in found if one is not None] == []


@pytest.mark.parametrize("period_s", [1.0, 0.1], ids=["1 Hz", "10 Hz"])
async def test_one_refusal_in_twenty_costs_nothing(period_s: float) -> None:
    house = a_house(period_s)
    await started(house)
    meter = house.parts.meter
    assert meter is not None
    asked = 0

    def now_and_then() -> frozenset[str]:
        nonlocal asked
        asked += 1
        return frozenset({"busy"} if asked % 20 == 5 else ())

    meter.server.mischief.shown = now_and_then
    readings: list[MeterReading] = []
    for _ in range(40 if period_s < 1.0 else 12):
        await house.reader.poll()
        found = house.latest.freeze(
            now=house.clock.now(),
            clock_trusted=True,
            recording=RecordingHealth(last_durable_at=None, queue_full=False, records_lost=0),
        )
        assert found.meter is not None
        readings.append(found.meter)
        await asyncio.sleep(min(period_s, 0.05))
    assert meter.server.connections == 1
    assert house.reader.faults_count >= 1
    assert {reading.power_w for reading in readings} == {GRID_W}
    ages_s = [_age_s(one, two) for one, two in pairwise(readings)]
    assert max(ages_s) < MAX_AGE_S
    await meter.stop()


def _age_s(one: MeterReading, two: MeterReading) -> float:
    later: Instant = two.observed_at
    return later.seconds_since(one.observed_at)
