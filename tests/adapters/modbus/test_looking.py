"""Looking for devices: what stands there is found with its profile, and nothing else is."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from simulators.assembly import assemble
from simulators.chargers.table import MAKES
from simulators.modbus.maps import MAPS
from simulators.scenario import Scenario
from tests.adapters.modbus.lines import terminal_pair
from tests.adapters.modbus.meters import frame, hand_made_meter
from tests.adapters.modbus.test_simulated_profiles import simulated
from v2g_daemon.adapters.modbus.link import parse_link
from v2g_daemon.adapters.modbus.looking import Found, look, not_found
from v2g_daemon.adapters.modbus.profile_file import load_profile
from v2g_daemon.adapters.system.clock import RealClock
from v2g_daemon.app.scan import links_of, scan, usual_units
from v2g_daemon.domain.errors import ConfigurationError, DeviceUnreachable

ILLEGAL_ADDRESS = bytes([0x83, 2])


async def found_at(link: str, *units: int) -> list[Found]:
    return [one async for one in look(parse_link(link), units, RealClock())]


@pytest.mark.parametrize(
    ("profile", "link"), [("eastron_3p", "rtu+tcp"), ("cg_em3xx", "tcp"), ("abb_b2x", "tcp")]
)
async def test_a_meter_is_among_those_that_fit(profile: str, link: str) -> None:
    async with simulated(map=profile, link=link, unit_id=3) as (_, meter):
        found = await found_at(f"{link}://127.0.0.1:{meter.port}?timeout=0.2", 3)
    assert profile in [one.profile for one in found]
    assert {one.kind for one in found} == {"meter"}
    assert "2400 W" in found[0].said


async def test_a_sunspec_meter_is_found_by_its_models_alone() -> None:
    async with simulated(unit_id=2) as (_, meter):
        found = await found_at(f"tcp://127.0.0.1:{meter.port}?timeout=0.2", 1, 2)
    assert {(one.unit_id, one.serial, one.sure) for one in found} == {(2, "SIM-METER-1", True)}
    assert all(one.profile.startswith("sunspec") or "smart" in one.profile for one in found[:1])


@pytest.mark.parametrize("make", MAKES)
async def test_a_charger_is_found_and_never_written_to(make: str) -> None:
    parts = assemble(
        Scenario.model_validate(
            {
                "clock": {"start": "2024-12-11T17:30:00+01:00", "anchor_monotonic_s": 0.0},
                "charger": [{"id": "one", "make": make}],
                "vehicle": [{"name": "car", "soc": 0.5}],
            }
        ),
        Path(),
    )
    (charger,) = parts.chargers
    await charger.start()
    try:
        found = await found_at(f"tcp://127.0.0.1:{charger.port}?timeout=0.5", 1)
    finally:
        await charger.server.stop()
    assert [(one.kind, one.profile) for one in found] == [("charger", make)]
    assert [one for one in charger.server.questions if one.values] == []


async def test_an_emma_is_found_at_unit_0_by_its_model_and_no_other_meter_there() -> None:
    async with simulated(map="huawei_emma", unit_id=0) as (_, meter):
        found = await found_at(f"tcp://127.0.0.1:{meter.port}?timeout=0.2", 0)
    assert [(one.profile, one.serial, one.sure) for one in found] == [
        ("huawei_emma", "ES2440", True)
    ]
    # Many devices answer unit 0 as well as their own.
    async with simulated(map="abb_b2x", unit_id=0) as (_, meter):
        assert await found_at(f"tcp://127.0.0.1:{meter.port}?timeout=0.2", 0) == []


async def test_registers_of_an_emma_without_its_model_are_not_taken_for_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    of_a_smart_logger = {30222: 0x536D, 30223: 0x6172, 30224: 0x744C, 30225: 0x6F67}
    monkeypatch.setitem(
        MAPS, "huawei_emma", replace(MAPS["huawei_emma"], constants=of_a_smart_logger)
    )
    async with simulated(map="huawei_emma", unit_id=0) as (_, meter):
        assert await found_at(f"tcp://127.0.0.1:{meter.port}?timeout=0.2", 0) == []


def test_what_no_look_can_recognise_is_known() -> None:
    assert "huawei_emma" not in not_found()
    for name in not_found():
        assert load_profile(name).point.voltage_v is None
        assert load_profile(name).require == ()


async def test_what_is_not_looked_for_is_said_and_a_line_has_no_unit_0() -> None:
    async with simulated(map="eastron_3p", link="rtu+tcp", unit_id=3) as (_, meter):
        link = f"rtu+tcp://127.0.0.1:{meter.port}?timeout=0.2"
        lines = [line async for line in scan(link, (3, 0))]
    assert lines[0].endswith("units 3")
    assert lines[-1].startswith("# not looked for")
    assert all(name in lines[-1] for name in not_found())


async def test_a_device_that_refuses_everything_is_nothing_we_know() -> None:
    async with hand_made_meter(lambda request: frame(request, ILLEGAL_ADDRESS)) as meter:
        assert await found_at(f"tcp://127.0.0.1:{meter.port}?timeout=0.3", 1) == []


async def test_empty_registers_are_nobodys() -> None:
    def zeros(request: bytes) -> bytes:
        count = int.from_bytes(request[10:12])
        return frame(request, bytes([request[7], 2 * count]) + bytes(2 * count))

    async with hand_made_meter(zeros) as meter:
        assert await found_at(f"tcp://127.0.0.1:{meter.port}?timeout=0.3", 1) == []


async def test_where_nobody_listens_that_is_said() -> None:
    with pytest.raises(DeviceUnreachable):
        await found_at("tcp://127.0.0.1:1?timeout=0.2", 1, 2)


async def test_the_proposal_is_toml_with_profile_link_and_unit() -> None:
    async with simulated(map="eastron_3p", link="rtu+tcp", unit_id=3) as (_, meter):
        link = f"rtu+tcp://127.0.0.1:{meter.port}?timeout=0.2"
        lines = [line async for line in scan(link, (3,))]
    (proposed,) = tomllib.loads("\n".join(lines))["meter"]
    assert (proposed["role"], proposed["link"], proposed["unit_id"]) == ("grid", link, 3)
    assert "eastron_3p" in "\n".join(lines)


def test_a_host_has_its_usual_ports_and_a_line_its_usual_speeds() -> None:
    assert links_of("10.0.0.5") == (
        "tcp://10.0.0.5:502",
        "tcp://10.0.0.5:8502",
        "tcp://10.0.0.5:1502",
    )
    assert links_of("10.0.0.5:5020") == ("tcp://10.0.0.5:5020",)
    assert links_of("/dev/ttyUSB0")[0] == "rtu:///dev/ttyUSB0?baud=9600&parity=N"
    assert links_of("udp://10.0.0.5") == ("udp://10.0.0.5",)
    with pytest.raises(ConfigurationError, match="names no host"):
        links_of(":502")
    assert set(range(1, 6)) < set(usual_units())
    assert usual_units()[-1] == 0


async def test_a_serial_line_is_looked_through_unit_by_unit() -> None:
    with terminal_pair() as (ours, theirs):
        async with simulated(map="eastron_3p", link="rtu", device=theirs, unit_id=3):
            found = await found_at(f"rtu://{ours}?baud=9600&parity=N&timeout=0.3", 1, 3)
    assert {one.unit_id for one in found} == {3}
    assert found[0].profile == "eastron_3p"
