"""What grid programs want of a car and pay, as the configuration says it."""

from __future__ import annotations

from datetime import time
from pathlib import Path

import pytest

from tests.unit.settings.files import SMALLEST, written
from v2g_daemon.domain.errors import ConfigurationError
from v2g_daemon.domain.programs import AvailabilityTerms, WeeklyCommitment
from v2g_daemon.domain.vehicle import Vehicle
from v2g_daemon.settings import load_settings, to_policy

PROMISE = 'name = "reserve"\nstarts_at = "17:00"\nends_at = "20:00"\n'
COMMITMENT = f"[[vehicle.commitment]]\n{PROMISE}discharge_w = 5000\nshortfall_per_kwh = 0.5\n"
AVAILABILITY = '[[vehicle.availability]]\nname = "pay"\n'


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("V2G_PASSWORD_GARAGE", "secret-word")


def with_programs(lines: str) -> str:
    """The smallest house with sections of its car."""
    return SMALLEST.replace("[tariff]\n", f"{lines}[tariff]\n", 1)


def car_of(tmp_path: Path, lines: str) -> Vehicle:
    return to_policy(load_settings(written(tmp_path, with_programs(lines)))).vehicles[0]


def test_a_car_is_promised_to_nobody_by_default(tmp_path: Path) -> None:
    car = car_of(tmp_path, "")
    assert car.commitments == ()
    assert car.availability == ()


def test_a_commitment_holds_every_day_and_to_its_end_unless_told(tmp_path: Path) -> None:
    expected = WeeklyCommitment(
        name="reserve",
        weekdays=(0, 1, 2, 3, 4, 5, 6),
        starts_at=time(17),
        ends_at=time(20),
        discharge_w=5000.0,
        sustained_s=None,
        shortfall_per_kwh=0.5,
    )
    assert car_of(tmp_path, COMMITMENT).commitments == (expected,)
    told = car_of(tmp_path, COMMITMENT + 'sustained_s = 3600\nweekdays = ["sun", "mon"]\n')
    assert told.commitments[0].weekdays == (0, 6)
    assert told.commitments[0].sustained_s == 3600.0


def test_hours_count_from_the_floor_on_unless_the_terms_say_more(tmp_path: Path) -> None:
    paid = "per_plugged_h = 0.24\ncap_h = 250\n"
    expected = AvailabilityTerms(name="pay", soc_at_least=0.3, per_plugged_h=0.24, cap_h=250.0)
    assert car_of(tmp_path, AVAILABILITY + paid).availability == (expected,)
    bonus = car_of(tmp_path, AVAILABILITY + "bonus = 30\nthreshold_h = 300\nsoc_at_least = 0.5\n")
    assert bonus.availability == (
        AvailabilityTerms(name="pay", soc_at_least=0.5, bonus_money=30.0, threshold_h=300.0),
    )


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (COMMITMENT.replace('"17:00"', '"17:00Z"'), "commitment[0].starts_at"),
        (COMMITMENT.replace("5000", "0"), "commitment[0].discharge_w"),
        (COMMITMENT.replace("0.5", "-1"), "commitment[0].shortfall_per_kwh"),
        (COMMITMENT + "weekdays = []\n", "commitment[0].weekdays"),
        (COMMITMENT + "price = 1\n", "commitment[0].price"),
        (AVAILABILITY, "availability[0]: pays nothing"),
        (AVAILABILITY + "bonus = 30\n", "availability[0].threshold_h"),
        (AVAILABILITY + "per_plugged_h = 1\nthreshold_h = 30\n", "availability[0].bonus"),
        (AVAILABILITY + "bonus = 30\nthreshold_h = 900\n", "availability[0].threshold_h"),
        (AVAILABILITY + "bonus = 3\nthreshold_h = 9\ncap_h = 5\n", "availability[0].cap_h"),
    ],
)
def test_what_cannot_be_is_refused_by_its_key(tmp_path: Path, lines: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        load_settings(written(tmp_path, with_programs(lines)))
    assert f"vehicle[0].{said}" in str(refusal.value)
