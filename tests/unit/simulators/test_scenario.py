"""A scenario file is refused with file, key and fix."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from simulators.scenario import ScenarioError, load

STATION = '[[station]]\nid = "S1"\nurl = "ws://127.0.0.1:9000/ocpp"\n'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[clock]\nsped = 3\n", "key clock.sped is unknown"),
        ("[clock]\nspeed = 360.0\n", "key clock: speed needs a start"),
        ("[clock]\nstart = 2024-12-11T17:30:00\n", "key clock.start"),
        ("[[station]]\nid = 'S1'\n", "key station.0.url is missing"),
        ("[[station]]\nid = 'a/b'\nurl = 'ws://h/o'\n", "key station.0.id"),
        ("[[station]]\nid = 'S1'\nurl = 'http://h'\n", "url must look like"),
        ("[house]\nload_shares = [0.5, 0.5, 0.5]\n", "load_shares must sum to 1"),
        ("[house]\nload_w = nan\n", "key house.load_w"),
        ("[[vehicle]]\nname = 'car'\n", "a vehicle needs a [[station]]"),
        (STATION + "[[vehicle]]\nname = 'a'\n[[vehicle]]\nname = 'b'\n", "two cars are plugged"),
        (STATION + "[[fault]]\ndevice = 'meter'\nkind = 'sulks'\n", "meter knows ['bad_checksum'"),
        (STATION + "[[fault]]\ndevice = 'S2'\nkind = 'silent'\n", "no device 'S2'"),
        ("[prices]\ntimezone = 'Europe/Nowhere'\n", "is not a time zone"),
        ("[meter]\npv_inverter = 'der'\n", "pv_inverter needs a unit; add pv_unit_id"),
        ("this is not TOML", "is not TOML"),
    ],
)
def test_a_mistake_is_named_with_file_and_key(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "scenario.toml"
    path.write_text(text)
    with pytest.raises(ScenarioError) as caught:
        load(path)
    assert str(path) in str(caught.value)
    assert expected in str(caught.value)


def test_the_shipped_scenarios_are_valid() -> None:
    shipped = Path(str(files("simulators").joinpath("scenarios")))
    names = sorted(path.name for path in shipped.glob("*.toml"))
    assert names == ["charge_only_201.toml", "home.toml"]
    home = load(shipped / "home.toml")
    assert home.vehicle[0].schedule[0].needed_soc == 0.6
    assert load(shipped / "charge_only_201.toml").station[0].versions == ("ocpp2.0.1",)
