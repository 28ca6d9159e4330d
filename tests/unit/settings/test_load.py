"""What is refused is refused with file, key, value and fix."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from tests.unit.settings.files import SMALLEST, after, written
from v2g_daemon.domain.errors import ConfigurationError
from v2g_daemon.settings import load_settings


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("V2G_PASSWORD_GARAGE", "secret-word")


def refused(path: Path) -> str:
    """The text of the refusal."""
    with pytest.raises(ConfigurationError) as caught:
        load_settings(path)
    return str(caught.value)


def test_car_charger_tariff_fuse_and_largest_load_are_enough(tmp_path: Path) -> None:
    settings = load_settings(written(tmp_path))
    assert settings.timezone == "Europe/Amsterdam"
    assert settings.meter == ()
    (tariff,) = settings.tariff
    assert tariff.imports.energy.adder == Decimal("0.02")
    assert [one.value for one in tariff.imports.component] == [Decimal("0.1088")]
    password = settings.charger[0].password
    assert password is not None
    assert password.get_secret_value() == "secret-word"


def test_an_amount_written_as_a_number_keeps_its_digits(tmp_path: Path) -> None:
    settings = load_settings(written(tmp_path, vat="vat = 0.21"))
    assert settings.tariff[0].vat == Decimal("0.21")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "nowhere.toml"
    assert refused(path) == (
        f"{path}: there is no such file; copy v2g-daemon.example.toml there, or name another"
    )


@pytest.mark.parametrize("text", ["[site", "\x00", "a = 1\na = 2"])
def test_what_is_no_toml_is_refused(tmp_path: Path, text: str) -> None:
    assert "not TOML" in refused(written(tmp_path, text))


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "house.toml"
    path.write_bytes(b"\xff\xfe\x00")
    assert f"{path}: not TOML" in refused(path)


def test_no_car_may_be_called_a_guest(tmp_path: Path) -> None:
    said = refused(written(tmp_path, SMALLEST.replace('id = "car"', 'id = "guest"')))
    assert "vehicle[0].id = 'guest': is the word for a car that is none of yours; " in said


def test_a_misspelt_key_is_told_its_name(tmp_path: Path) -> None:
    path = written(tmp_path, after("site", "main_fuze_a = 3"))
    assert refused(path) == f"{path}: site.main_fuze_a = 3: unknown key; did you mean main_fuse_a?"


def test_a_misspelt_section_is_told_its_name(tmp_path: Path) -> None:
    path = written(tmp_path, SMALLEST + '[metre]\nhost = "x"\n')
    assert refused(path) == f"{path}: metre = (not shown): unknown key; did you mean meter?"


def test_a_key_that_the_settings_library_would_take_is_unknown(tmp_path: Path) -> None:
    assert "_env_file = '/etc/passwd': unknown key" in refused(
        written(tmp_path, '_env_file = "/etc/passwd"\n' + SMALLEST)
    )


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    path = written(tmp_path, main_fuse_a="main_fuse_a = -1", capacity_wh="capacity = 60000")
    said = refused(path).splitlines()
    assert f"{path}: site.main_fuse_a = -1: does not fit; it should be greater than 0" in said
    assert f"{path}: vehicle[0].capacity_wh: is missing; add it" in said
    assert f"{path}: vehicle[0].capacity = 60000: unknown key; did you mean capacity_wh?" in said


@pytest.mark.parametrize(
    ("section", "line", "said"),
    [
        ("site", "export_limit_w = nan", "site.export_limit_w = nan: "),
        ("site", "export_limit_w = inf", "site.export_limit_w = inf: "),
        ("site", "export_limit_w = true", "site.export_limit_w = True: "),
        ("site", 'timezone = "Europe/Amsterdan"', "no such time zone"),
        ("site", 'timezone = "../etc/passwd"', "no such time zone"),
        ("site", "phases = 2", "site.phases = 2: "),
        ("site", "grid_operator_import_w = 4100", "it should be greater than or equal to 4200"),
        ("[vehicle]", "soc_floor = 1.1", "vehicle[0].soc_floor = 1.1: "),
        ("[vehicle]", "soc_floor = 0.8", "soc_floor = 0.8: is not below soc_ceiling = 0.8; lower"),
        ("[charger]", 'protocol = "ocpi"', "charger[0].protocol = 'ocpi': "),
        ("[charger]", "min_charge_w = 8000", "= 8000: is above max_charge_w = 7400; "),
        ("[charger]", "static_safe_current_a = 17", "25 A − 9 A = 16 A; lower it"),
        ("[charger]", 'password_file = "x"', "more than one password"),
    ],
)
def test_a_value_that_cannot_be_is_refused(
    tmp_path: Path, section: str, line: str, said: str
) -> None:
    assert said in refused(written(tmp_path, after(section, line)))


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('ready_by = "25:00"\nsoc = 0.6', "departure[0].ready_by = '25:00': "),
        ('ready_by = "07:30+01:00"\nsoc = 0.6', "a wall time has no offset; write it as"),
        ('ready_by = "07:30"\nsoc = 1.2', "departure[0].soc = 1.2: "),
        ('ready_by = "07:30"', "a goal is either soc or range_km or energy_wh"),
        (
            'ready_by = "07:30"\nsoc = 0.6\nenergy_wh = 9000',
            "a goal is either soc or range_km or energy_wh, or the trip alone",
        ),
        (
            'ready_by = "07:30"\nsoc = 0.6\nvehicle = "bike"',
            "no vehicle has this id; name one of car",
        ),
        ('ready_by = "07:30"\nsoc = 0.6\nweekdays = ["mo"]', "departure[0].weekdays[0] = 'mo': "),
        ('ready_by = "07:30"\nsoc = 0.6\nweekdays = []', "departure[0].weekdays"),
        (
            'ready_by = "07:30"\nrange_km = 120',
            "departure[0].range_km = 120: nobody knows what this car takes per km; "
            "add consumption_wh_per_km to its [[vehicle]], such as 180",
        ),
        (
            'ready_by = "07:30"\nsoc = 0.6\ntrip_km = 50\nvehicle = "car"',
            "departure[0].trip_km = 50: nobody knows what this car takes per km",
        ),
        ('ready_by = "07:30"\nsoc = 0.6\nrange_km = 120', "departure[0].range_km = 120: a goal is"),
        ('ready_by = "07:30"\ntrip_km = 50\ntrip_wh = 9000', "is told as trip_wh = 9000, too"),
        (
            'ready_by = "07:30"\nsoc = 0.6\nreturns_after_days = 2',
            "says nothing without returns_at",
        ),
        ('ready_by = "07:30"\nsoc = 0.6\nreturns_at = "07:30"', "'07:30': is when it leaves"),
    ],
)
def test_a_goal_that_cannot_be_is_refused(tmp_path: Path, lines: str, said: str) -> None:
    assert said in refused(written(tmp_path, f"{SMALLEST}[[departure]]\n{lines}\n"))


def test_solar_only_is_refused_as_not_there_yet(tmp_path: Path) -> None:
    path = written(tmp_path, SMALLEST + '[export]\npolicy = "solar_only"\n')
    assert refused(path) == (
        f"{path}: export.policy = 'solar_only': \"solar_only\" does not exist yet; "
        'write "never" or "allowed"'
    )


def test_the_largest_load_cannot_be_above_the_fuse(tmp_path: Path) -> None:
    path = written(tmp_path, largest_other_load_a="largest_other_load_a = 26")
    assert "site.largest_other_load_a = 26: is above site.main_fuse_a = 25; " in refused(path)


SECOND_CHARGER = """\
[[charger]]
id = "{id}"
station_id = "STATION-1"
evse_number = {number}
max_charge_w = 7400
static_safe_current_a = {safe_a}
password = "plain-word"
"""


def test_ids_are_given_once(tmp_path: Path) -> None:
    second = SECOND_CHARGER.format(id="garage", number=1, safe_a=6)
    said = refused(written(tmp_path, SMALLEST + second))
    assert "charger[1].id = 'garage': another charger has this id; give each its own" in said
    assert "charger[1].evse_number = 1: station 'STATION-1' has another charger" in said


def test_static_safe_currents_are_proved_together(tmp_path: Path) -> None:
    first = after("[charger]", "static_safe_current_a = 10")
    second = SECOND_CHARGER.format(id="yard", number=2, safe_a=7)
    said = refused(written(tmp_path, first + second))
    assert "charger[1].static_safe_current_a = 7: " in said
    assert "25 A − 9 A = 16 A (with the chargers before: 17 A); lower it" in said


def test_no_charger_at_all_is_refused(tmp_path: Path) -> None:
    text = "charger = []\n" + SMALLEST.replace("[[charger]]", "[[old_charger]]")
    assert "charger" in refused(written(tmp_path, text))


def test_a_slow_tick_needs_a_simulated_clock(tmp_path: Path) -> None:
    path = written(tmp_path, SMALLEST + "[control]\ntick_s = 36\n")
    assert "control.tick_s = 36: a real house ticks at least once a second; " in refused(path)
    clock = "[clock]\nstart = 2024-12-11T17:30:00+01:00\nspeed = 360\n"
    simulated = written(tmp_path, SMALLEST + "[control]\ntick_s = 36\n" + clock)
    assert load_settings(simulated).control.tick_s == 36.0


def test_a_simulated_start_needs_its_offset(tmp_path: Path) -> None:
    text = SMALLEST + "[clock]\nstart = 2024-12-11T17:30:00\n"
    assert "clock.start" in refused(written(tmp_path, text))


def test_a_variable_outranks_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("V2G_OCPP__PORT", "9001")
    assert load_settings(written(tmp_path)).ocpp.port == 9001


def test_an_unknown_variable_is_told_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("V2G_OCPP__PROT", "9001")
    path = written(tmp_path)
    assert refused(path) == (
        f"{path}: environment variable V2G_OCPP__PROT: no setting has this name; "
        "did you mean V2G_OCPP__PORT?"
    )


def test_a_list_cannot_come_from_a_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("V2G_CHARGER", "[]")
    assert "environment variable V2G_CHARGER: no setting has this name" in refused(
        written(tmp_path)
    )


def test_a_password_variable_that_no_charger_names_is_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("V2G_PASSWORD_YARD", "x")
    assert "environment variable V2G_PASSWORD_YARD: no setting" in refused(written(tmp_path))


def test_a_password_file_lies_beside_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("V2G_PASSWORD_GARAGE")
    path = written(tmp_path, password_env='password_file = "station.password"')
    assert "write the station's password into that file" in refused(path)
    (tmp_path / "station.password").write_text("other-word\n")
    password = load_settings(path).charger[0].password
    assert password is not None
    assert password.get_secret_value() == "other-word"


def test_an_unset_password_variable_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("V2G_PASSWORD_GARAGE")
    assert "shorter than 8 characters; set that environment variable" in refused(written(tmp_path))


def test_no_password_is_ever_shown(tmp_path: Path) -> None:
    good = load_settings(written(tmp_path))
    assert "secret-word" not in repr(good)


def test_a_password_under_a_misspelt_key_is_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("V2G_PASSWORD_GARAGE")
    path = written(tmp_path, password_env='passwort = "very-secret"')
    said = refused(path)
    assert "did you mean password?" in said
    assert "very-secret" not in said


def test_overrides_are_laid_over_the_file_key_by_key(tmp_path: Path) -> None:
    settings = load_settings(
        written(tmp_path), overrides={"ocpp": {"port": 0}, "site": {"export_limit_w": 4000.0}}
    )
    assert settings.ocpp.port == 0
    assert settings.site.export_limit_w == 4000.0
    assert settings.site.main_fuse_a == 25.0
