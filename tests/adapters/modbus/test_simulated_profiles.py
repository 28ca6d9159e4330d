"""Every profile on the simulated device that serves its map from a table of its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from simulators.assembly import Assembly, assemble
from simulators.control import FaultOrder
from simulators.meter import Meter
from simulators.modbus.maps import MAPS
from simulators.scenario import Scenario
from tests.adapters.modbus.house import MAIN_FUSE_W, Latest, MeterOnBus, metered
from tests.adapters.modbus.lines import terminal_pair
from v2g_daemon.adapters.modbus.profile import Family
from v2g_daemon.adapters.modbus.profile_file import load_profile, shipped_profiles

PHASES_W = (1500.0, 1100.0, -200.0)
REGISTER_PROFILES = [
    name for name in shipped_profiles() if load_profile(name).family is Family.REGISTERS
]


@asynccontextmanager
async def simulated(**meter: object) -> AsyncIterator[tuple[Assembly, Meter]]:
    """A house of 2 400 W over three phases, one of them exporting."""
    parts = assemble(
        Scenario.model_validate(
            {
                "clock": {
                    "start": "2024-12-11T17:30:00+01:00",
                    "anchor_monotonic_s": time.monotonic(),
                },
                "house": {
                    "load_w": 3000.0,
                    "load_shares": [0.5, 0.4, 0.1],
                    "pv_w": 600.0,
                    "pv_shares": [0.0, 1 / 6, 5 / 6],
                },
                "meter": meter,
            }
        ),
        Path(),
    )
    assert parts.meter is not None
    await parts.meter.start()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(parts.meter.run())
        try:
            yield parts, parts.meter
        finally:
            task.cancel()


async def read_once(one: MeterOnBus) -> None:
    await one.reader.poll()
    one.bus.close()


def test_every_profile_has_a_simulated_device() -> None:
    assert set(MAPS) == set(REGISTER_PROFILES)


@pytest.mark.parametrize("name", REGISTER_PROFILES)
async def test_a_profile_reads_the_simulated_house(name: str) -> None:
    profile = load_profile(name)
    phases = (
        1 if profile.point.phase_power_w and len(profile.point.phase_power_w.address) == 1 else 3
    )
    link = "udp" if name == "victron_vm3p75ct" else "tcp"
    sink = Latest()
    async with simulated(map=name, link=link, phases=phases, unit_id=7) as (_, meter):
        await read_once(metered(f"{link}://127.0.0.1:{meter.port}", sink, profile=name))
    assert sink.troubles == []
    (reading,) = sink.readings
    assert reading.power_w == pytest.approx(2400.0, abs=0.06)
    if profile.point.phase_power_w is not None and phases == 3:
        assert reading.phase_power_w == pytest.approx(PHASES_W, abs=0.06)
    if profile.point.voltage_v is not None:
        assert reading.voltage_v == (230.0,) * phases
    if profile.point.frequency_hz is not None:
        assert reading.frequency_hz == 50.0
    if profile.point.export_wh is not None:
        assert reading.import_milliwh is not None
        assert 999_999_000 <= reading.import_milliwh < 1_000_200_000
        assert reading.export_milliwh == pytest.approx(200_000_000, abs=100_000)


@pytest.mark.parametrize("name", ["eastron_3p", "cg_em3xx", "abb_b2x", "schneider_iem3x55"])
async def test_a_meter_is_read_over_a_serial_line(name: str) -> None:
    sink = Latest()
    with terminal_pair() as (ours, theirs):
        async with simulated(map=name, link="rtu", device=theirs, unit_id=7):
            await read_once(metered(f"rtu://{ours}?timeout=1", sink, profile=name))
    assert sink.troubles == []
    assert sink.readings[0].power_w == pytest.approx(2400.0, abs=0.06)


@pytest.mark.parametrize("name", ["eastron_3p", "cg_em3xx", "siemens_pac2200"])
async def test_a_meter_is_read_through_a_serial_gateway(name: str) -> None:
    sink = Latest()
    async with simulated(map=name, link="rtu+tcp", unit_id=7) as (_, meter):
        await read_once(metered(f"rtu+tcp://127.0.0.1:{meter.port}", sink, profile=name))
    assert sink.readings[0].phase_power_w == pytest.approx(PHASES_W, abs=0.06)


async def test_the_serial_number_is_told_where_the_map_has_one() -> None:
    sink = Latest()
    async with simulated(serial="SIM-METER-7", unit_id=7) as (_, meter):
        await read_once(metered(f"tcp://127.0.0.1:{meter.port}", sink))
    assert sink.readings[0].serial == "SIM-METER-7"
    async with simulated(map="abb_b2x", unit_id=7) as (_, meter):
        await read_once(metered(f"tcp://127.0.0.1:{meter.port}", sink, profile="abb_b2x"))
    assert sink.readings[1].serial == "123456"


async def test_a_register_that_is_not_there_is_asked_for_once() -> None:
    sink = Latest()
    async with simulated(map="eastron_3p", unit_id=7) as (_, meter):
        one = metered(f"tcp://127.0.0.1:{meter.port}", sink, profile="eastron_3p")
        for _ in range(3):
            await one.reader.poll()
        one.bus.close()
        asked = [question.address for question in meter.server.questions]
    assert asked.count(0xFC00) == 1  # this one has no serial number
    assert len(sink.readings) == 3


async def test_a_register_that_is_met_with_silence_is_asked_for_once() -> None:
    sink = Latest()
    async with simulated(map="eastron_3p", unit_id=7) as (_, meter):
        meter.server.mischief.shown = lambda: frozenset(
            {"silent"} if meter.server.questions[-1].address == 0xFC00 else ()
        )
        link = f"tcp://127.0.0.1:{meter.port}?timeout=0.2"
        one = metered(link, sink, profile="eastron_3p")
        for _ in range(4):
            await one.reader.poll()
            await asyncio.sleep(0.3)
        one.bus.close()
        asked = [question.address for question in meter.server.questions]
    assert asked.count(0xFC00) == 1
    assert len(sink.readings) == 4
    assert sink.troubles == []


async def test_counters_are_found_where_this_firmware_has_them() -> None:
    sink = Latest()
    async with simulated(map="chint_dtsu666", unit_id=7) as (_, meter):
        await read_once(metered(f"tcp://127.0.0.1:{meter.port}", sink, profile="chint_dtsu666"))
        asked = [question.address for question in meter.server.questions]
    assert asked.index(0x101E) < asked.index(0x401E)
    assert sink.readings[0].export_milliwh == 200_000_000


async def test_power_is_read_each_time_and_counters_seldom() -> None:
    sink = Latest()
    async with simulated(map="cg_em3xx", unit_id=7) as (_, meter):
        one = metered(f"tcp://127.0.0.1:{meter.port}", sink, profile="cg_em3xx")
        for _ in range(4):
            await one.reader.poll()
        one.bus.close()
    assert [reading.import_milliwh is not None for reading in sink.readings] == [
        True,
        False,
        False,
        False,
    ]


@pytest.mark.parametrize(
    ("name", "kind", "said"),
    [
        ("sunspec", "word_order", None),
        ("eastron_3p", "word_order", "reads a frequency of 2.37"),
        ("cg_em3xx", "word_order", "reads a voltage of"),
        ("eastron_3p", "zeros", "answers with empty registers"),
        ("eastron_3p", "ones", "answers with empty registers"),
        ("cg_em3xx", "not_implemented", "does not tell its power"),
        ("abb_b2x", "not_implemented", "does not tell its power"),
        ("sunspec", "zeros", "no SunSpec marker"),
        ("huawei_sun2000_meter", "zeros", "answers with empty registers"),
    ],
)
async def test_registers_that_lie_are_refused_and_told(
    name: str, kind: str, said: str | None
) -> None:
    sink = Latest()
    async with simulated(map=name, unit_id=7) as (parts, meter):
        parts.control.set_fault(FaultOrder(device="meter", kind=kind))
        await read_once(metered(f"tcp://127.0.0.1:{meter.port}", sink, profile=name))
    if said is None:
        # Its powers have 16 bits each: there is no order of words to be wrong.
        assert len(sink.readings) == 1
        return
    assert sink.readings == []
    assert said in str(sink.troubles[0])


async def test_a_sign_that_is_wrong_turns_power_round_which_only_a_test_can_tell() -> None:
    sink = Latest()
    async with simulated(map="eastron_3p", unit_id=7) as (parts, meter):
        parts.control.set_fault(FaultOrder(device="meter", kind="sign"))
        link = f"tcp://127.0.0.1:{meter.port}"
        await read_once(metered(link, sink, profile="eastron_3p"))
    assert sink.readings[0].power_w == -2400.0


async def test_noise_in_the_registers_is_refused_or_could_be_true() -> None:
    sink = Latest()
    async with simulated(map="cg_em3xx", unit_id=7) as (parts, meter):
        one = metered(f"tcp://127.0.0.1:{meter.port}", sink, profile="cg_em3xx")
        parts.control.set_fault(FaultOrder(device="meter", kind="register_noise"))
        for _ in range(100):
            await one.reader.poll()
        noisy = [*sink.readings]
        parts.control.set_fault(FaultOrder(device="meter", kind="none"))
        await one.reader.poll()
        one.bus.close()
    assert one.reader.faults_count > 0
    assert one.reader.implausible_count > 0
    assert one.reader.faults_count + one.reader.implausible_count == 100 - len(noisy)
    for reading in noisy:
        assert abs(reading.power_w) <= 2.0 * MAIN_FUSE_W
        assert all(abs(phase_w) <= 2.0 * MAIN_FUSE_W for phase_w in reading.phase_power_w)
        assert all(volts == 0.0 or 50.0 <= volts <= 350.0 for volts in reading.voltage_v)
    assert sink.readings[-1].power_w == 2400.0


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("failure", "exception 4"),
        ("wrong_transaction", "does not answer"),
        ("wrong_unit", "does not answer"),
    ],
)
async def test_what_is_no_right_answer_is_no_reading(kind: str, said: str) -> None:
    sink = Latest()
    async with simulated(map="cg_em3xx", unit_id=7) as (parts, meter):
        parts.control.set_fault(FaultOrder(device="meter", kind=kind))
        await read_once(
            metered(f"tcp://127.0.0.1:{meter.port}?timeout=0.2", sink, profile="cg_em3xx")
        )
    assert sink.readings == []
    assert said in str(sink.troubles[0])


async def test_a_meter_whose_connections_went_mute_is_read_over_a_new_one() -> None:
    sink = Latest()
    async with simulated(map="cg_em3xx", unit_id=7) as (parts, meter):
        one = metered(f"tcp://127.0.0.1:{meter.port}?timeout=0.2", sink, profile="cg_em3xx")
        await one.reader.poll()
        parts.control.set_fault(FaultOrder(device="meter", kind="half_open"))
        while sink.troubles == []:
            await one.reader.poll()
        before = len(sink.readings)
        one.bus.unit(7).silence.worked()
        await one.reader.poll()
        one.bus.close()
    assert (len(sink.readings), meter.server.connections) == (before + 1, 2)
