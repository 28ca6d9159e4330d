"""What a named dialect says of the house, and what `v2g check` tells people of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.settings.files import SMALLEST, after, written
from v2g_daemon.app.central_config import central_config
from v2g_daemon.app.charger_dialects import dialects_of, with_dialects
from v2g_daemon.app.check import check
from v2g_daemon.domain.errors import ConfigurationError
from v2g_daemon.domain.policy import FailState
from v2g_daemon.settings import Settings, load_settings, to_policy

MINE = """\
[dialect]
id = "mine"
name = "Mine"
vendors = ["V"]
[[fact]]
key = "soc_needs_power"
value = true
source = "a test"
verified = false
[[fact]]
key = "fail_state"
value = "idles"
source = "a test"
verified = true
[[fact]]
key = "ping_interval_s"
value = 5.0
source = "a test"
verified = true
"""


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("V2G_PASSWORD_GARAGE", "secret-word")


def mine(folder: Path, *lines: str) -> Settings:
    """A house whose only charger speaks a dialect of its owner's."""
    (folder / "mine.toml").write_text(MINE, encoding="utf-8")
    named = f'dialect = "{folder / "mine.toml"}"'
    return load_settings(written(folder, after("[charger]", named, *lines)))


def test_a_named_dialect_says_what_the_house_has_to_know(tmp_path: Path) -> None:
    settings = mine(tmp_path)
    evse = to_policy(with_dialects(settings)).evse("garage")
    assert (evse.fail_state, evse.soc_needs_power) == (FailState.IDLES, True)


def test_the_owners_own_word_on_the_house_stands_above_it(tmp_path: Path) -> None:
    settings = mine(tmp_path, 'fail_state = "charges"', "soc_needs_power = false")
    evse = to_policy(with_dialects(settings)).evse("garage")
    assert (evse.fail_state, evse.soc_needs_power) == (FailState.CHARGES, False)


@pytest.mark.parametrize(("line", "expected_s"), [("", 5.0), ("ping_interval_s = 20", 20.0)])
def test_the_station_gets_what_the_file_does_not_say(
    tmp_path: Path, line: str, expected_s: float
) -> None:
    settings = mine(tmp_path, line)
    dialects = dialects_of(settings)
    (station,) = central_config(settings, to_policy(settings)).stations
    dialect = dialects.named["STATION-1"]
    assert dialects.laid_under(station, dialect).ping_interval_s == expected_s


def test_the_profiles_keys_that_are_written_down_stand_above_it(tmp_path: Path) -> None:
    profiles = "[charger.profiles]\npulls = false\n"
    text = SMALLEST.replace("[[vehicle]]", f"{profiles}[[vehicle]]")
    settings = load_settings(written(tmp_path, text))
    (station,) = central_config(settings, to_policy(settings)).stations
    assert station.evses[0].explicit == {"pulls"}


def test_consent_to_switch_v2x_on_reaches_the_station(tmp_path: Path) -> None:
    settings = load_settings(written(tmp_path, after("[charger]", "enable_v2x = true")))
    assert central_config(settings, to_policy(settings)).stations[0].enable_v2x


def test_check_tells_the_dialect_its_sources_and_what_nobody_has_verified(tmp_path: Path) -> None:
    mine(tmp_path)
    said = check(tmp_path / "house.toml").text
    assert "Station STATION-1 speaks the dialect mine (Mine)." in said
    assert "  soc_needs_power = True (a test; not verified)." in said
    assert "  ping_interval_s = 5.0 (a test)." in said
    assert "If the Pi dies, this car does not charge" in said


def test_check_says_that_an_unnamed_dialect_is_told_by_the_make(tmp_path: Path) -> None:
    said = check(written(tmp_path)).text
    assert "Station STATION-1: its dialect is told by its make, once it has connected." in said


def test_an_unknown_dialect_is_refused_with_its_key(tmp_path: Path) -> None:
    path = written(tmp_path, after("[charger]", 'dialect = "wallbox_pulsa"'))
    with pytest.raises(ConfigurationError) as refused:
        check(path)
    assert str(refused.value).startswith(
        f"{path}: charger[0].dialect = 'wallbox_pulsa': there is no dialect 'wallbox_pulsa'; "
        "did you mean 'wallbox_pulsar'?"
    )


def test_two_chargers_of_a_station_name_one_dialect(tmp_path: Path) -> None:
    second = (
        '[[charger]]\nid = "yard"\nstation_id = "STATION-1"\nevse_number = 2\n'
        'max_charge_w = 7400\npassword_env = "V2G_PASSWORD_GARAGE"\n'
        'dialect = "wallbox_pulsar"\n'
    )
    path = written(tmp_path, SMALLEST.replace("[[vehicle]]", f"{second}[[vehicle]]"))
    with pytest.raises(ConfigurationError, match=r"charger\[1\]\.dialect = 'wallbox_pulsar'"):
        load_settings(path)
