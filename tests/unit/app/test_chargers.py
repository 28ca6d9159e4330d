"""[[charger]] with protocol = "modbus": what its profile adds, what is refused, what is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.settings.files import SMALLEST, written
from v2g_daemon.app import chargers
from v2g_daemon.app.check import check
from v2g_daemon.app.understood import load
from v2g_daemon.domain.errors import ConfigurationError
from v2g_daemon.domain.policy import FailState
from v2g_daemon.settings import to_policy


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("V2G_PASSWORD_GARAGE", "secret-word")


def a_house(modbus: str, *, charger: str = "", more: str = "") -> str:
    """The smallest house with a charger over Modbus beside its station."""
    return (
        SMALLEST
        + f"""
[[charger]]
id = "drive"
protocol = "modbus"
max_charge_w = 7400
max_discharge_w = 7400
{charger}
[charger.modbus]
{modbus}
{more}
"""
    )


QUASAR = 'link = "tcp://192.168.1.40"\nprofile = "wallbox-quasar-1"'
AMBIBOX = 'link = "tcp://192.168.1.41"\nprofile = "ambibox-ambicharge-home"'


def plan_of(tmp_path: Path, modbus: str, **more: Any) -> chargers.ChargerPlan:
    (plan,) = chargers.charger_plans(load(written(tmp_path, a_house(modbus, **more))))
    return plan


def test_the_profile_says_what_the_owner_does_not(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, QUASAR)
    assert (plan.link.place, plan.unit_id, plan.connector) == (("192.168.1.40", 502), 1, 1)
    assert plan.watchdog_s == 60
    evse = to_policy(load(written(tmp_path, a_house(QUASAR)))).evse("drive")
    assert (evse.phases, evse.min_charge_w, evse.fail_state) == (1, 1380.0, FailState.IDLES)
    assert not evse.soc_needs_power  # its driver hands on no SoC that was told without power
    own = load(written(tmp_path, a_house(QUASAR, charger='fail_state = "unknown"')))
    assert to_policy(own).evse("drive").fail_state is FailState.UNKNOWN


def test_a_register_that_wears_is_a_budget_of_writes(tmp_path: Path) -> None:
    sigenergy = 'link = "tcp://192.168.1.42"\nprofile = "sigenergy-evdc"'
    house = a_house(sigenergy, charger="charge_only = true").replace(
        "max_discharge_w = 7400\ncharge_only", "charge_only"
    )
    policy = to_policy(load(written(tmp_path, house)))
    assert policy.evse("drive").cadence.writes_wear_flash
    assert (
        not to_policy(load(written(tmp_path, a_house(QUASAR))))
        .evse("drive")
        .cadence.writes_wear_flash
    )


def test_where_nothing_can_be_armed_the_menu_says_when_a_command_ends(tmp_path: Path) -> None:
    assert plan_of(tmp_path, AMBIBOX).watchdog_s is None
    assert plan_of(tmp_path, AMBIBOX + "\nwatchdog_s = 60").watchdog_s == 60


@pytest.mark.parametrize(
    ("house", "said"),
    [
        (a_house('link = "tcp://h"\nprofile = "wallbox-quasar"'), "did you mean"),
        (a_house('link = "tpc://h"\nprofile = "wallbox-quasar-1"'), "is no kind of Modbus link"),
        (a_house(QUASAR + "\nwatchdog_s = 600"), "watchdog_s"),
        (a_house(QUASAR + "\nconnector = 2"), "connector = 2"),
        (a_house(QUASAR, charger='password = "secret-enough"'), "belongs to OCPP"),
        (
            a_house(QUASAR).replace("max_charge_w = 7400\nmax_d", "max_charge_w = 9000\nmax_d"),
            "is above",
        ),
        (SMALLEST.replace("station_id", "# station_id"), "station_id"),
        (
            a_house(QUASAR, more="[clock]\nstart = 2024-12-11T17:30:00+01:00"),
            "a device outside this machine",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_with_key_and_fix(
    tmp_path: Path, house: str, said: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load(written(tmp_path, house))
    assert said in str(refused.value)


def test_a_meter_and_a_charger_share_a_place_only_in_one_way(tmp_path: Path) -> None:
    meter = '[[meter]]\nrole = "grid"\nlink = "rtu+tcp://192.168.1.40"\nprofile = "eastron_3p"'
    with pytest.raises(ConfigurationError, match=r"charger drive: another device is spoken to"):
        load(written(tmp_path, a_house(QUASAR, more=meter)))


def test_check_says_what_ends_a_command_and_that_a_charger_which_idles_is_early(
    tmp_path: Path,
) -> None:
    said = check(written(tmp_path, a_house(QUASAR))).text
    assert "Charger drive: Wallbox Quasar 1 at tcp://192.168.1.40:502 unit 1" in said
    assert "the daemon guards the fuse" in said
    assert "Charger drive ends a command by itself 60 s after our last." in said
    assert "trips are charged 2 h early" in said
    assert "does not charge while the daemon is away" in said
    unarmed = check(written(tmp_path, a_house(AMBIBOX))).text
    assert "it only charges, at the static safe current at most" in unarmed
    assert "is not confirmed" in unarmed
