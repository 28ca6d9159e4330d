"""The demo's evening with a Quasar and an SDM630 over Modbus, held against the simulated world."""

from __future__ import annotations

from pathlib import Path

from tests.demo.demos import (
    assert_sums_are_register_differences,
    ended_demo,
    started_demo,
    unlike_the_world,
)
from tests.demo.test_six_hours import EVENING_UTC, LONGEST_OVER_LIMIT_S

# Asked and not told: a boundary lies between two readings, some real hundredths of a second apart.
A_MINUTE_AT_FULL_POWER_WH = 123.0


def test_six_evening_hours_over_modbus_earn_as_over_ocpp(tmp_path: Path) -> None:
    process = started_demo("2024-12-11T17:30:00", 6.0, tmp_path, "--quasar")
    demo = ended_demo(process, EVENING_UTC, 6.0, tmp_path)
    told = demo.figures
    assert told["ledger_intervals"] >= 23  # the first one is lost where all parts start slowly
    assert told["replay_identical"] is True
    assert told["longest_over_export_limit_s"] <= LONGEST_OVER_LIMIT_S
    assert 2000.0 <= told["discharged_wh"] <= 12000.0
    assert told["charged_wh"] <= 200.0
    assert told["setpoints_sent"] > 0
    assert told["net_cost"] < told["plain_charging_cost"] - 1.0
    assert_sums_are_register_differences(demo)
    assert unlike_the_world(demo, slack_wh=A_MINUTE_AT_FULL_POWER_WH) == []
    assert all(tick.snapshot.evses[0].serial in (None, "SIM-1") for tick in demo.ticks())
