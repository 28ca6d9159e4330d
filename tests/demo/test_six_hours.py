"""Six hours of the demo as a real process, held against the simulated world."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.demo.demos import (
    assert_sums_are_register_differences,
    ended_demo,
    started_demo,
    unlike_the_world,
)

EVENING_UTC = datetime(2024, 12, 11, 16, 30, tzinfo=UTC)
NIGHT_UTC = datetime(2024, 12, 12, 1, 30, tzinfo=UTC)
# Two ticks of 36 s, and 7.4 kW at 3.7 kW/s.
LONGEST_OVER_LIMIT_S = 74.0


@pytest.mark.timeout(240)
def test_six_evening_hours_discharge_into_the_peak_and_add_up(tmp_path: Path) -> None:
    process = started_demo("2024-12-11T17:30:00", 6.0, tmp_path)
    demo = ended_demo(process, EVENING_UTC, 6.0, tmp_path)
    told = demo.figures
    assert told["simulated_hours"] == 6.0
    assert (told["departures"], told["departures_met"]) == (0, 0)
    assert told["ledger_intervals"] == 24
    assert told["replay_identical"] is True
    assert told["export_limit_w"] == 4000.0
    assert told["longest_over_export_limit_s"] <= LONGEST_OVER_LIMIT_S
    # 12 kWh lie above the floor; nothing is bought in these hours, the dearest of the year.
    assert 1000.0 <= told["discharged_wh"] <= 12000.0
    assert told["charged_wh"] <= 200.0
    assert told["setpoints_sent"] > 0
    assert told["net_cost"] < told["plain_charging_cost"] - 1.0
    assert told["wear_cost"] > 0.0
    assert_sums_are_register_differences(demo)
    assert unlike_the_world(demo) == []


@pytest.mark.system
@pytest.mark.timeout(240)
def test_six_night_hours_charge_for_the_trip_and_meet_it(tmp_path: Path) -> None:
    process = started_demo("2024-12-12T02:30:00", 6.0, tmp_path)
    demo = ended_demo(process, NIGHT_UTC, 6.0, tmp_path)
    told = demo.figures
    assert (told["departures"], told["departures_met"]) == (1, 1)
    assert told["ledger_intervals"] == 24
    assert told["replay_identical"] is True
    # From 50 to 60 % is 6 kWh into the pack; more only to earn something with it before 07:30.
    assert 6300.0 <= told["charged_wh"] <= 20000.0
    assert 0.595 <= told["end_soc"] <= 0.805
    assert_sums_are_register_differences(demo)
    assert unlike_the_world(demo) == []
