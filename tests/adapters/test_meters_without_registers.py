"""P1, Speedwire and HTTP meters simulated in a running world, and read by the real readers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from simulators.assembly import Assembly, assemble
from simulators.control import FaultOrder, HouseOrder
from simulators.meters.http_json import HttpJsonMeter
from simulators.meters.p1 import P1Bridge
from simulators.scenario import Scenario
from tests.adapters.meter_in_time import Connect, a_house, lived_through
from tests.adapters.modbus.lines import terminal_pair
from tests.adapters.modbus.meters import free_port
from tests.unit.settings.files import SMALLEST, written
from v2g_daemon.adapters.http_meter.meter import HttpMeter, HttpSource
from v2g_daemon.adapters.http_meter.translate import Pointers
from v2g_daemon.adapters.p1 import meter as p1
from v2g_daemon.adapters.p1.meter import P1Link, P1Meter
from v2g_daemon.adapters.speedwire.meter import SpeedwireLink, SpeedwireMeter
from v2g_daemon.adapters.system.clock import RealClock
from v2g_daemon.app.doctor_devices import meter_lines
from v2g_daemon.domain.errors import DeviceProtocolError, DeviceUnreachable
from v2g_daemon.domain.snapshot import CommissioningRecord, CommissioningStep
from v2g_daemon.ports import Clock, Meter
from v2g_daemon.settings import load_settings

PHASES_W = (1500.0, 1100.0, -200.0)
GROUP = "239.12.255.254"
POINTERS = Pointers(
    power_w="/power_w",
    sign=1,
    phase_power_w=("/phases/0/power_w", "/phases/1/power_w", "/phases/2/power_w"),
    voltage_v=("/phases/0/voltage_v", "/phases/1/voltage_v", "/phases/2/voltage_v"),
    frequency_hz="/frequency_hz",
    import_wh="/import_wh",
    export_wh="/export_wh",
    serial="/serial",
)
SERIAL = {"p1+tcp": "SIM-METER-7", "speedwire": "7", "http": "SIM-METER-7"}


def p1_at(port: int, clock: Clock) -> Meter:
    return P1Meter(link=P1Link(host="127.0.0.1", port=port), clock=clock)


def speedwire_at(port: int, clock: Clock) -> Meter:
    return SpeedwireMeter(link=SpeedwireLink(address="127.0.0.1", port=port), clock=clock)


def http_at(port: int, clock: Clock) -> Meter:
    source = HttpSource(url=f"http://127.0.0.1:{port}/status", pointers=POINTERS)
    return HttpMeter(source=source, clock=clock)


READERS: dict[str, Connect] = {"p1+tcp": p1_at, "speedwire": speedwire_at, "http": http_at}


def table_of(link: str, **more: Any) -> dict[str, Any]:
    """The meter's table; only what sends has to know where to."""
    port = free_port() if link == "speedwire" else 0
    return {"link": link, "port": port, "serial": "SIM-METER-7", **more}


@asynccontextmanager
async def simulated(table: dict[str, Any]) -> AsyncIterator[Assembly]:
    """A house of 2 400 W over three phases, one of them exporting; a telegram each 50 ms."""
    house = {
        "load_w": 3000.0,
        "load_shares": [0.5, 0.4, 0.1],
        "pv_w": 600.0,
        "pv_shares": [0.0, 1 / 6, 5 / 6],
    }
    clock = {"start": "2024-12-11T17:30:00+01:00", "speed": 1.0}
    scenario = {"clock": clock, "house": house, "meter": {"refresh_s": 0.05, **table}}
    parts = assemble(Scenario.model_validate(scenario), Path())
    assert parts.meter is not None
    await parts.meter.start()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(parts.meter.run())
        try:
            yield parts
        finally:
            task.cancel()


@asynccontextmanager
async def met(link: str, **table: Any) -> AsyncIterator[tuple[Assembly, Meter]]:
    """The simulated meter of a link, and what reads it."""
    async with simulated(table_of(link, **table)) as parts:
        assert parts.meter is not None
        meter = READERS[link](parts.meter.port, RealClock())
        try:
            yield parts, meter
        finally:
            await meter.close()


def fault(parts: Assembly, kind: str) -> None:
    parts.control.set_fault(FaultOrder(device="meter", kind=kind))


async def tells(meter: Meter, power_w: float) -> None:
    """Read it until it tells that power; raises as the meter does."""
    async with asyncio.timeout(20.0):
        while (await meter.read()).power_w != pytest.approx(power_w, abs=0.06):
            pass


@pytest.mark.parametrize("link", READERS)
async def test_the_simulated_house_is_read(link: str) -> None:
    async with met(link) as (parts, meter):
        reading = await meter.read()
        assert reading.power_w == pytest.approx(2400.0, abs=0.06)
        assert reading.phase_power_w == pytest.approx(PHASES_W, abs=0.06)
        assert reading.voltage_v == (230.0, 230.0, 230.0)
        assert reading.frequency_hz == (None if link == "p1+tcp" else 50.0)
        assert reading.import_milliwh is not None
        assert 1_000_000_000 <= reading.import_milliwh < 1_000_010_000
        assert reading.export_milliwh == pytest.approx(200_000_000, abs=1_000)
        assert reading.serial == SERIAL[link]
        parts.control.set_house(HouseOrder(load_w=900.0, pv_w=4000.0))
        await tells(meter, -3100.0)


async def test_a_p1_port_is_read_over_a_serial_line() -> None:
    with terminal_pair() as (ours, theirs):
        table = {"link": "p1", "device": theirs, "phases": 1}
        async with simulated(table) as parts:
            meter = P1Meter(link=P1Link(device=ours), clock=RealClock())
            assert (await meter.read()).phase_power_w == (1500.0,)
            fault(parts, "bad_checksum")
            with pytest.raises(DeviceProtocolError, match="wrong checksum"):
                await tells(meter, 0.0)
            fault(parts, "none")
            with suppress(DeviceProtocolError):
                await meter.read()  # what was on its way
            await tells(meter, 2400.0)
            await meter.close()


async def test_an_energy_meter_is_heard_in_its_group() -> None:
    port = free_port()
    async with simulated({"link": "speedwire", "port": port, "send_to": GROUP}):
        link = SpeedwireLink(address=GROUP, port=port, interface="127.0.0.1")
        meter = SpeedwireMeter(link=link, clock=RealClock())
        assert (await meter.read()).power_w == pytest.approx(2400.0, abs=0.06)
        await meter.close()


@pytest.mark.parametrize("link", ["p1+tcp", "speedwire"])
async def test_what_comes_between_its_words_does_no_harm(link: str) -> None:
    async with met(link) as (parts, meter):
        fault(parts, "noise")
        for _ in range(5):
            assert (await meter.read()).power_w == pytest.approx(2400.0, abs=0.06)


@pytest.mark.parametrize("link", READERS)
async def test_a_sign_that_is_wrong_turns_power_round_which_only_a_test_can_tell(
    link: str,
) -> None:
    async with met(link) as (parts, meter):
        fault(parts, "sign")
        await tells(meter, -2400.0)


@pytest.mark.parametrize("link", ["p1+tcp", "http"])
async def test_connections_that_went_mute_are_replaced_by_new_ones(
    link: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(p1, "SILENCE_S", 1.0)
    async with met(link) as (parts, meter):
        await meter.read()
        fault(parts, "half_open")
        with pytest.raises(DeviceUnreachable):
            await tells(meter, 0.0)
        assert (await meter.read()).power_w == pytest.approx(2400.0, abs=0.06)
        assert isinstance(parts.meter, P1Bridge | HttpJsonMeter)
        assert parts.meter.connections == 2


ENDS_DISCHARGE = {
    "p1+tcp": (
        "silent",
        "refuses",
        "slow",
        "half",
        "bad_checksum",
        "not_implemented",
        "frozen",
    ),
    "speedwire": ("silent", "slow", "half", "wrong_unit", "not_implemented", "frozen"),
    "http": (
        "silent",
        "refuses",
        "slow",
        "busy",
        "failure",
        "garbage",
        "half",
        "not_implemented",
        "frozen",
    ),
}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("link", READERS)
async def test_a_meter_without_registers_that_hangs_lies_or_freezes_ends_discharge_in_time(
    link: str,
) -> None:
    kinds = ENDS_DISCHARGE[link]
    houses = [
        await a_house(table_of(link, slow_s=8.0), READERS[link], period_s=1.0, asked=link == "http")
        for _ in kinds
    ]
    found = await asyncio.gather(*map(lived_through, houses, kinds))
    assert [one for one in found if one is not None] == []


ANSWER = """
[meter.answer]
power_w = "/power_w"
sign = 1
"""
CONFIGURED = {
    "p1+tcp": "p1+tcp://127.0.0.1:{port}",
    "speedwire": "speedwire://127.0.0.1:{port}",
    "http": "http://127.0.0.1:{port}/status",
}


def sign_test(of_meter: str) -> CommissioningRecord:
    return CommissioningRecord(
        step=CommissioningStep.SIGN_TEST,
        evse_serial="SIM-1",
        recorded_at_utc=datetime(2024, 12, 1, tzinfo=UTC),
        recorded_by="A. Fitter",
        evidence="a kettle",
        simulated=True,
        meter_serial=of_meter,
    )


@pytest.mark.parametrize("link", CONFIGURED)
async def test_the_doctor_reads_it_as_configured_and_knows_whose_sign_was_proved(
    link: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("V2G_PASSWORD_GARAGE", "secret-word")
    async with simulated(table_of(link)) as parts:
        assert parts.meter is not None
        url = CONFIGURED[link].format(port=parts.meter.port)
        answer = ANSWER if link == "http" else ""
        table = f'[[meter]]\nrole = "grid"\nlink = "{url}"\n{answer}[control]\nstage = "v2g"\n'
        house = load_settings(written(tmp_path, SMALLEST + table))
        # The answer of the HTTP meter is not asked for its number: its address stands for it.
        known_by = url if link == "http" else SERIAL[link]
        seen, proved = [one async for one in meter_lines(house, (sign_test(known_by),), None)]
        assert (seen.is_good, proved.is_good) == (True, True)
        assert "2400 W" in seen.detail
        _, refused = [one async for one in meter_lines(house, (sign_test("another"),), None)]
        assert "proved for another meter" in refused.detail
