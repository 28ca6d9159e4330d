"""From [[meter]] to what is read: schemes, profiles, shared buses, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.settings.files import SMALLEST, written
from v2g_daemon.adapters.http_meter.meter import HttpSource
from v2g_daemon.adapters.http_meter.translate import Pointers
from v2g_daemon.adapters.modbus.bus import Buses
from v2g_daemon.adapters.modbus.link import Transport, parse_link
from v2g_daemon.adapters.system.clock import RealClock
from v2g_daemon.app import meters, understood
from v2g_daemon.app.check import check
from v2g_daemon.domain.errors import ConfigurationError
from v2g_daemon.domain.readings import MeterRole
from v2g_daemon.runtime.latest_values import LatestValues
from v2g_daemon.settings import Settings, load_settings, to_policy


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("V2G_PASSWORD_GARAGE", "secret-word")


def meter(link: str, *lines: str, role: str = "grid") -> str:
    return "\n".join(["[[meter]]", f'role = "{role}"', f'link = "{link}"', *lines, ""])


def settings(tmp_path: Path, *tables: str) -> Settings:
    return load_settings(written(tmp_path, SMALLEST + "".join(tables)))


EASTRON = 'profile = "eastron_3p"'
WHOLE_HOUSE = (
    meter("rtu:///dev/ttyUSB0", EASTRON),
    meter("rtu:///dev/ttyUSB0", EASTRON, "unit_id = 2", role="pv"),
    meter("p1+tcp://10.0.0.6", role="sub"),
    meter("speedwire://", role="battery"),
    meter("http://10.0.0.7/s", "[meter.answer]", 'power_w = "/w"', "sign = 1", role="sub"),
    meter("ocpp:garage"),
    meter("tcp://10.0.0.8", 'profile = "huawei_sun2000_meter"', role="pv"),
)


def test_every_kind_of_meter_is_understood_and_told(tmp_path: Path) -> None:
    plans = meters.meter_plans(settings(tmp_path, *WHOLE_HOUSE))
    assert [(plan.meter_id, plan.role) for plan in plans] == [
        ("grid", MeterRole.GRID),
        ("pv", MeterRole.PV),
        ("sub", MeterRole.SUB),
        ("battery", MeterRole.BATTERY),
        ("sub-2", MeterRole.SUB),
        ("grid-2", MeterRole.GRID),
        ("pv-2", MeterRole.PV),
    ]
    assert [meters.described(plan) for plan in plans] == [
        "rtu:///dev/ttyUSB0 unit 1, profile eastron_3p, every 1 s",
        "rtu:///dev/ttyUSB0 unit 2, profile eastron_3p, every 1 s",
        "P1 10.0.0.6:23, as its telegrams come",
        "SMA energy meter at 239.12.255.254:9522, as its datagrams come",
        "http://10.0.0.7/s, every 1 s",
        "what the station of charger garage tells of the grid connection",
        "tcp://10.0.0.8:502 unit 1, profile huawei_sun2000_meter, every 2 s",
    ]


def test_a_meter_without_a_number_is_known_by_how_and_where_it_is_read(tmp_path: Path) -> None:
    slots = meters.slots(settings(tmp_path, *WHOLE_HOUSE), 1.0)
    assert [slot.place for slot in slots] == [
        "eastron_3p unit 1 at rtu:///dev/ttyUSB0",
        "eastron_3p unit 2 at rtu:///dev/ttyUSB0",
        "P1 10.0.0.6:23",
        "SMA energy meter at 239.12.255.254:9522",
        "http://10.0.0.7/s",
        "the station of charger garage",
        "huawei_sun2000_meter unit 1 at tcp://10.0.0.8:502",
    ]


def test_the_place_of_a_meter_holds_no_password_and_no_key() -> None:
    def place(url: str) -> str:
        return meters.place_of(HttpSource(url=url, pointers=Pointers(power_w="/w", sign=1)))

    plain, other = place("http://u:secret@h/s?key=abc&id=0"), place("http://h/s?key=abc&id=1")
    assert not any(word in plain for word in ("secret", "abc", "u:"))
    assert plain.startswith("http://h/s ")
    assert plain != other


def test_each_meter_that_is_read_has_a_reader_and_the_station_has_none(tmp_path: Path) -> None:
    house = settings(tmp_path, *WHOLE_HOUSE)
    slots = meters.slots(house, 1.0)
    sink = LatestValues(evse_ids=["garage"], meters=slots)
    tasks = meters.readers(house, to_policy(house), RealClock(), sink, Buses())
    assert set(tasks) == {
        "meter grid", "meter pv", "meter sub", "meter battery", "meter sub-2", "meter pv-2",
    }  # fmt: skip
    assert [slot.upstream_of for slot in slots if slot.upstream_of is not None] == ["garage"]


def test_a_profile_says_what_the_link_and_the_file_leave_open(tmp_path: Path) -> None:
    house = settings(tmp_path, meter("rtu:///dev/ttyUSB0", 'profile = "eastron_1p"'))
    (plan,) = meters.meter_plans(house)
    assert isinstance(plan.source, meters.ModbusSource)
    assert (plan.source.link.transport, plan.source.link.baud) == (Transport.RTU, 2400)
    faster = settings(tmp_path, meter("rtu:///dev/ttyUSB0?baud=9600", 'profile = "eastron_1p"'))
    (plan,) = meters.meter_plans(faster)
    assert isinstance(plan.source, meters.ModbusSource)
    assert plan.source.link.baud == 9600


def test_the_profiles_period_makes_the_ages(tmp_path: Path) -> None:
    house = settings(tmp_path, meter("tcp://10.0.0.8", 'profile = "huawei_sun2000_meter"'))
    assert to_policy(meters.with_periods(house)).timing.meter_no_increase_age_s == 3.0
    slow = settings(
        tmp_path, meter("tcp://10.0.0.8", 'profile = "huawei_sun2000_meter"', "period_s = 10")
    )
    assert to_policy(meters.with_periods(slow)).timing.meter_max_age_s == 25.0


def test_at_the_pcc_a_value_is_believed_as_long_as_safety_wants_and_elsewhere_longer(
    tmp_path: Path,
) -> None:
    house = settings(tmp_path, *WHOLE_HOUSE)
    ages = {slot.meter_id: slot.max_age_s for slot in meters.slots(house, 1.0)}
    assert (ages["grid"], ages["grid-2"], ages["pv"]) == (5.0, 5.0, 30.0)
    assert {slot.max_age_s for slot in meters.slots(house, 36.0)} == {108.0}


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (meter("tcp://10.0.0.5"), "meter[0] (grid): a Modbus meter needs its profile; add one"),
        (meter("tcp://10.0.0.5", 'profile = "sdm630"'), "there is no meter profile 'sdm630'"),
        (meter("10.0.0.5:502", EASTRON), "profile and unit_id belong to Modbus links"),
        (meter("10.0.0.5:502"), "is of no known kind; it starts with tcp, tls, udp, rtu"),
        (meter("p1:///dev/ttyUSB0", "unit_id = 1"), "profile and unit_id belong to Modbus links"),
        (meter("http://10.0.0.7/s"), "add [meter.answer] with power_w and sign"),
        (
            meter("speedwire://", "[meter.answer]", 'power_w = "/w"', "sign = 1"),
            "[meter.answer] has no meaning for 'speedwire://'; remove it",
        ),
        (meter("ocpp:yard"), "names no charger; write ocpp: and one of garage"),
        (meter("ocpp:garage", role="pv"), "a station tells of the grid connection; write role"),
        (
            meter("rtu:///dev/ttyUSB0", 'profile = "huawei_sun2000_meter"'),
            "profile huawei_sun2000_meter is for a network link",
        ),
        (
            meter("rtu:///dev/ttyUSB0", EASTRON)
            + meter("rtu:///dev/ttyUSB0", 'profile = "eastron_1p"', role="pv"),
            "another device is spoken to at /dev/ttyUSB0 in another way; give both the same link",
        ),
    ],
)
def test_a_meter_that_cannot_be_read_is_refused_with_file_key_and_fix(
    tmp_path: Path, table: str, said: str
) -> None:
    path = written(tmp_path, SMALLEST + table)
    with pytest.raises(ConfigurationError) as refused:
        understood.load(path)
    assert said in str(refused.value)
    assert str(refused.value).startswith(f"{path}: meter")


def test_a_map_that_is_not_confirmed_is_warned_of(tmp_path: Path) -> None:
    text = SMALLEST + meter("tcp://10.0.0.5", 'profile = "schneider_iem3x55"')
    (warning,) = check(written(tmp_path, text)).warnings
    assert warning == (
        "meter grid: the map of profile schneider_iem3x55 is not confirmed (a single source); "
        "compare what it reads with the meter's display"
    )


def test_a_house_with_only_a_pv_meter_is_told_that_it_has_none_at_the_grid(tmp_path: Path) -> None:
    text = SMALLEST + meter("tcp://10.0.0.5", 'profile = "sunspec_inverter"', role="pv")
    said = check(written(tmp_path, text)).text
    assert "Meter: none at the grid, so chargers stay at their static safe current." in said
    assert "Meter pv: tcp://10.0.0.5:502 unit 1, profile sunspec_inverter, every 1 s." in said


def test_what_stands_in_one_place_shares_its_bus() -> None:
    buses = Buses()
    line = parse_link("rtu:///dev/ttyUSB0")
    assert buses.at(line) is buses.at(parse_link("rtu:///dev/ttyUSB0"))
    assert buses.at(line) is not buses.at(parse_link("rtu:///dev/ttyUSB1"))
    assert buses.at(parse_link("tcp://h:502")) is not buses.at(parse_link("tcp://h:503"))
