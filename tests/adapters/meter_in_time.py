"""A house that decides each tick on a simulated meter, and one fault of that meter lived through.

The car discharges 3 kW; the house has been well for a minute when the first reading comes.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from simulators.assembly import Assembly, assemble
from simulators.control import FaultOrder, HouseOrder
from simulators.meters.choice import MeterDevice
from simulators.scenario import Scenario
from tests.adapters.modbus.house import MAIN_FUSE_W
from tests.builders import a_policy, a_snapshot, an_evse_memory, an_evse_status
from v2g_daemon.adapters.system.clock import RealClock
from v2g_daemon.control.decide import decide
from v2g_daemon.domain.faults import FaultCode
from v2g_daemon.domain.memory import Memory
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.readings import MeterRole
from v2g_daemon.domain.snapshot import RecordingHealth
from v2g_daemon.ports import Clock, Meter
from v2g_daemon.runtime.latest_values import LatestValues
from v2g_daemon.runtime.meter_reader import MeterPlace, MeterReader
from v2g_daemon.runtime.meter_slots import MeterSlot
from v2g_daemon.settings.policy import timing_for

GRID_W = 500.0
LATER_W = 4200.0
DISCHARGE_W = -3000.0
MAX_AGE_S = 5.0
STATIC_SAFE_W = 3 * 6.0 * 230.0
# A tick, a period, and a busy machine.
SLACK_S = 2.0
RECOVERS_IN_S = 12.0

Connect = Callable[[int, Clock], Meter]
"""What reads the meter at a port."""


@dataclass(slots=True, kw_only=True)
class House:
    """A simulated meter, its reader, and a decision every tick."""

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
    may_charge_w: float = 0.0

    async def run(self) -> None:
        """Read and decide until cancelled."""
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
        limits = decision.evses[0].limits
        (limit,) = [one for one in limits if one.reason.rule == "export_limit"]
        self.may_discharge = limit.permitted.lowest_w < 0.0
        self.may_charge_w = min(one.permitted.highest_w for one in limits)
        self.faults = [fault.code for fault in decision.faults]
        if news.meter is not None and self.may_discharge:
            self.seen_w.append(news.meter.power_w)

    @property
    def meter(self) -> MeterDevice:
        """The simulated one."""
        assert self.parts.meter is not None
        return self.parts.meter


def parts_of(table: dict[str, Any]) -> Assembly:
    """A house of 500 W with this meter."""
    clock = {"start": "2024-12-11T17:30:00+01:00", "anchor_monotonic_s": time.monotonic()}
    scenario = {"clock": clock, "house": {"load_w": GRID_W}, "meter": table}
    return assemble(Scenario.model_validate(scenario), Path())


async def a_house(
    table: dict[str, Any], connect: Connect, *, period_s: float, asked: bool = True
) -> House:
    """One whose meter listens; `asked` unless it tells by itself."""
    parts = parts_of(table)
    assert parts.meter is not None
    await parts.meter.start()
    clock = RealClock()
    slot = MeterSlot(meter_id="grid", role=MeterRole.GRID, max_age_s=MAX_AGE_S)
    latest = LatestValues(evse_ids=["carport"], meters=[slot])
    place = MeterPlace(
        meter_id="grid", period_s=period_s if asked else 0.0, main_fuse_w=MAIN_FUSE_W
    )
    return House(
        period_s=period_s,
        parts=parts,
        reader=MeterReader(
            meter=connect(parts.meter.port, clock), place=place, clock=clock, sink=latest
        ),
        latest=latest,
        policy=a_policy(timing=timing_for(1.0, period_s)),
        clock=clock,
        memory=Memory(
            meter_good_since=clock.now().later(-60.0),
            evses=(replace(an_evse_memory(DISCHARGE_W), evse_id="carport"),),
        ),
    )


async def lived_through(house: House, kind: str) -> str | None:
    """What was wrong with a house that met this fault, or None."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(house.meter.run()), group.create_task(house.run())]
        try:
            return await _fault(house, kind)
        finally:
            for task in tasks:
                task.cancel()


async def _fault(house: House, kind: str) -> str | None:
    loop = asyncio.get_running_loop()
    if not await _within(lambda: house.may_discharge, 8.0):
        return f"{kind}: discharge was never permitted"
    if house.may_charge_w <= STATIC_SAFE_W:
        return f"{kind}: no more than the static safe current was ever permitted"
    house.parts.control.set_fault(FaultOrder(device="meter", kind=kind))
    house.parts.control.set_house(HouseOrder(load_w=LATER_W))
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
    if house.may_charge_w > STATIC_SAFE_W:
        return f"{kind}: {house.may_charge_w:g} W of charging are still permitted"
    lies = {watts for watts in house.seen_w if round(watts) not in (GRID_W, LATER_W)}
    if lies:
        return f"{kind}: decided on {lies} W"
    house.parts.control.set_fault(FaultOrder(device="meter", kind="none"))
    recovered = await _within(
        lambda: not set(house.faults) & {FaultCode.METER_STALE}, RECOVERS_IN_S
    )
    return None if recovered else f"{kind}: no value {RECOVERS_IN_S:g} s after it"


async def _within(condition, seconds_s: float) -> bool:
    loop = asyncio.get_running_loop()
    until_s = loop.time() + seconds_s
    while loop.time() < until_s:
        if condition():
            return True
        await asyncio.sleep(0.05)
    return bool(condition())
