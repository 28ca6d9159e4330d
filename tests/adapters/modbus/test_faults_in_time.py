"""Every way a Modbus meter can fail, in real time: what the house still may, and how soon.

All faults of one rate run side by side, each in a house of its own whose car discharges 3 kW.
"""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from simulators.meter import Meter
from tests.adapters.meter_in_time import GRID_W, MAX_AGE_S, House, a_house, lived_through
from v2g_daemon.adapters.modbus.bus import Bus
from v2g_daemon.adapters.modbus.link import parse_link
from v2g_daemon.adapters.modbus.meter import ModbusMeter
from v2g_daemon.adapters.modbus.profile_file import load_profile
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.readings import MeterReading
from v2g_daemon.domain.snapshot import RecordingHealth
from v2g_daemon.ports import Clock

PROFILE = "cg_em3xx"
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


def connected(port: int, clock: Clock) -> ModbusMeter:
    """Its reader, through RTU frames."""
    bus = Bus(parse_link(f"rtu+tcp://127.0.0.1:{port}?timeout=0.5"))
    return ModbusMeter(unit=bus.unit(1), profile=load_profile(PROFILE), clock=clock)


async def house_of(period_s: float) -> House:
    table = {"map": PROFILE, "link": "rtu+tcp", "refresh_s": period_s}
    return await a_house(table, connected, period_s=period_s)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("period_s", [1.0, 0.1], ids=["1 Hz", "10 Hz"])
async def test_a_meter_that_hangs_lies_or_freezes_ends_discharge_in_time_and_recovers_alone(
    period_s: float,
) -> None:
    houses = [await house_of(period_s) for _ in ENDS_DISCHARGE]
    found = await asyncio.gather(*map(lived_through, houses, ENDS_DISCHARGE))
    assert [one for one in found if one is not None] == []


@pytest.mark.parametrize("period_s", [1.0, 0.1], ids=["1 Hz", "10 Hz"])
async def test_one_refusal_in_twenty_costs_nothing(period_s: float) -> None:
    house = await house_of(period_s)
    meter = house.meter
    assert isinstance(meter, Meter)
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
