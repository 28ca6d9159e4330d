"""`v2g check` says in words what a configuration means."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest

from tests.unit.settings.files import SMALLEST, after, written
from v2g_daemon.app.check import check
from v2g_daemon.domain.errors import ConfigurationError

METER = '[[meter]]\nrole = "grid"\nlink = "tcp://192.168.1.20"\nprofile = "sunspec"\n'
PROGRAMS = """
[[vehicle.commitment]]
name = "reserve"
starts_at = "17:00"
ends_at = "20:00"
weekdays = ["mon", "fri"]
discharge_w = 5000
sustained_s = 3600
shortfall_per_kwh = 0.50

[[vehicle.availability]]
name = "plugged-in"
per_plugged_h = 0.24
cap_h = 250
bonus = 30
threshold_h = 300
soc_at_least = 0.4
"""


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("V2G_PASSWORD_GARAGE", "secret-word")


def test_the_car_that_charges_when_the_pi_dies_is_told_with_its_proof(tmp_path: Path) -> None:
    text = after("[charger]", "static_safe_current_a = 8") + METER
    said = check(written(tmp_path, text)).text
    assert "If the Pi dies, this car charges at 8 A (5.52 kW)." in said
    assert "Proof: 8 A ≤ main fuse 25 A − largest other load 9 A = 16 A." in said


def test_a_charger_that_idles_is_told(tmp_path: Path) -> None:
    text = after("[charger]", 'fail_state = "idles"') + METER
    assert "If the Pi dies, this car does not charge" in check(written(tmp_path, text)).text


def test_a_charger_of_unknown_behaviour_is_told(tmp_path: Path) -> None:
    text = after("[charger]", 'fail_state = "unknown"') + METER
    assert "nobody knows what this charger does" in check(written(tmp_path, text)).text


def test_the_stage_and_what_is_missing_are_told(tmp_path: Path) -> None:
    said = check(written(tmp_path, SMALLEST + METER)).text
    assert "Stage without commissioning records: V1G (charge only); wanted at most: V2G." in said
    assert "permission to operate, sign test and the owner's consent" in said
    assert "the export policy is 'never'" in said


def test_the_price_of_missing_a_later_trip_is_told_with_its_key(tmp_path: Path) -> None:
    said = check(written(tmp_path, SMALLEST + METER)).text
    assert (
        "A kWh missing for a trip that nobody told of counts 3.5 EUR "
        "(economics.unmet_later_per_kwh); with more the car is short less often."
    ) in said
    dearer = SMALLEST + METER + "[economics]\nunmet_later_per_kwh = 5\n"
    assert "nobody told of counts 5 EUR" in check(written(tmp_path, dearer)).text


def test_a_watching_house_sends_nothing(tmp_path: Path) -> None:
    text = SMALLEST + METER + '[control]\nstage = "watch"\n'
    said = check(written(tmp_path, text)).text
    assert "Stage: watch; nothing is sent to any charger." in said
    assert "Missing for" not in said


def test_keys_remote_starts_and_relays_are_told(tmp_path: Path) -> None:
    text = after("[charger]", "remote_start = true") + METER
    text += '[[charge_key]]\nname = "badge"\nid_token = "04A2"\n'
    text += "[ocpp]\naccept_unknown_keys = false\n"
    text += '[[ocpp.relay]]\nstation_id = "STATION-1"\nurl = "ws://127.0.0.1:1/x"\n'
    text += "plain_text_on_private_network = true\n"
    said = check(written(tmp_path, text)).text
    assert "Charge keys: 1 charge also while the daemon is away; no other may." in said
    assert "Station STATION-1 is started by the daemon when a car is plugged in." in said
    assert "STATION-1 is heard, read-only, by ws://127.0.0.1:1/x, in plain text." in said


def test_defaults_in_force_are_told(tmp_path: Path) -> None:
    said = check(written(tmp_path, SMALLEST + METER)).text
    assert (
        "Car car: 60 kWh, kept between 30% and 80% (above only for a goal), wear 0.05 EUR per kWh "
        "discharged, exports at most 10 kWh noon to noon, warranty terms unknown: it "
        "only charges until vehicle.warranty is given." in said
    )
    assert "Meter grid: tcp://192.168.1.20:502 unit 1, profile sunspec, every 1 s." in said
    assert (
        "Tariff home, in EUR per kWh: import = (energy-charts:NL + 0.02 + energy_tax 0.1088) × "
        "1.21, export = nothing." in said
    )


@pytest.mark.parametrize(
    ("acknowledged", "told"),
    [
        ("true", "noon to noon, warranty terms given."),
        ("false", "warranty not acknowledged: it only charges until the owner acknowledges it."),
    ],
)
def test_what_the_warranty_permits_is_told(tmp_path: Path, acknowledged: str, told: str) -> None:
    terms = f"[vehicle.warranty]\nstart_date = 2024-01-01\nacknowledged = {acknowledged}\n"
    assert told in check(written(tmp_path, SMALLEST + terms + METER)).text


def test_where_stations_connect_is_told_and_that_none_can_yet(tmp_path: Path) -> None:
    said = check(written(tmp_path, SMALLEST + METER)).text
    assert "Station STATION-1 connects to ws://127.0.0.1:9000/STATION-1, by its password." in said
    assert (
        'Only this machine can connect; a station in the house needs ocpp.host = "0.0.0.0"' in said
    )


def test_an_open_door_for_stations_is_told_without_more_ado(tmp_path: Path) -> None:
    text = SMALLEST + METER + '[ocpp]\nhost = "0.0.0.0"\n'
    said = check(written(tmp_path, text)).text
    assert "Station STATION-1 connects to ws://0.0.0.0:9000/STATION-1, by its password." in said
    assert "Only this machine" not in said


def test_what_is_promised_and_paid_is_told(tmp_path: Path) -> None:
    said = check(
        written(tmp_path, SMALLEST.replace("[tariff]\n", PROGRAMS + "[tariff]\n") + METER)
    ).text
    assert (
        "Commitment reserve of car: Mon Fri 17:00 to 20:00, 5 kW for 1 h at a time; "
        "0.5 EUR per kWh that could not be given."
    ) in said
    assert (
        "Availability pay plugged-in of car: 0.24 EUR an hour up to 250 h and 30 EUR from 300 h "
        "on, each month for the hours plugged in at 40% or more."
    ) in said


def test_a_simulated_run_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("V2G_PASSWORD_GARAGE")
    demo = Path(str(resources.files("v2g_daemon") / "config" / "demo.toml"))
    said = check(demo).text
    assert "SIMULATED RUN: the clock starts at 2024-12-11T17:30:00+01:00" in said
    assert "Departure of car: Mon Tue Wed Thu Fri Sat Sun at 07:30 with 60%, back at 17:30" in said
    assert "Warning: the export limit of 4 kW is kept" in said


def test_an_unknown_meter_profile_is_refused_with_its_key(tmp_path: Path) -> None:
    path = written(tmp_path, SMALLEST + METER.replace('"sunspec"', '"sunspek"'))
    with pytest.raises(ConfigurationError) as caught:
        check(path)
    assert str(caught.value).startswith(
        f"{path}: meter[0] (grid): there is no meter profile 'sunspek'; did you mean"
    )
    assert "did you mean 'sunspec'?" in str(caught.value)


def test_a_password_is_never_printed(tmp_path: Path) -> None:
    assert "secret-word" not in check(written(tmp_path, SMALLEST)).text


def test_a_billing_meter_of_its_own_is_told(tmp_path: Path) -> None:
    text = after("site", 'billing_meter = { interval_s = 3600, netting = "per_phase" }') + METER
    assert (
        "Billed by a meter of 60 min intervals that counts each phase for itself; "
        "ours counts the sum of its phases." in check(written(tmp_path, text)).text
    )
    assert "Billed by" not in check(written(tmp_path, SMALLEST + METER)).text


def test_a_doubtful_tariff_is_warned_of(tmp_path: Path) -> None:
    text = SMALLEST.replace('"0.1088"', '"10.88"') + METER
    assert (
        "Warning: tariff home: import component energy_tax: value = 10.88 EUR per kWh is a lot"
        in check(written(tmp_path, text)).text
    )


def test_an_unknown_holiday_is_refused_with_file_and_key(tmp_path: Path) -> None:
    path = written(tmp_path, SMALLEST + '[tariff.holidays]\ncountry = "NL"\nonly = ["Kingsday"]\n')
    with pytest.raises(ConfigurationError) as caught:
        check(path)
    said = str(caught.value)
    assert said.startswith(f"{path}: tariff.holidays.only = 'Kingsday': no such holiday; known are")
    assert "King's Day" in said


def test_where_prices_come_from_and_where_they_are_kept_is_told(tmp_path: Path) -> None:
    assert (
        "Prices of energy-charts:NL come from the service energy-charts, kept in "
        "/var/lib/v2g-daemon/prices." in check(written(tmp_path, SMALLEST)).text.splitlines()
    )
