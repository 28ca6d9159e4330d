"""Two days of the demo in three seasons, side by side: the money, the trips and the limits."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.demo.demos import (
    Demo,
    assert_sums_are_register_differences,
    ended_demo,
    started_demo,
    unlike_the_world,
)

AUTUMN_UTC = datetime(2024, 11, 5, 16, 30, tzinfo=UTC)
WINTER_UTC = datetime(2024, 12, 11, 16, 30, tzinfo=UTC)
SUMMER_UTC = datetime(2024, 6, 15, 15, 30, tzinfo=UTC)
WINDOWS = {
    "2024-11-05T17:30:00": AUTUMN_UTC,
    "2024-12-11T17:30:00": WINTER_UTC,
    "2024-06-15T17:30:00": SUMMER_UTC,
}
HOURS = 48.0
# A simulated hour lasts 10 s: started apart, the three do not plan at the same moments.
APART_S = 3.0
# Two ticks of 36 s, and 7.4 kW at 3.7 kW/s.
LONGEST_OVER_LIMIT_S = 74.0


def assert_whole(demo: Demo) -> None:
    """What holds in every season."""
    told = demo.figures
    assert (told["departures"], told["departures_met"]) == (2, 2)
    assert told["ledger_intervals"] == 192
    assert told["replay_identical"] is True
    assert told["longest_over_export_limit_s"] <= LONGEST_OVER_LIMIT_S
    assert_sums_are_register_differences(demo)
    assert unlike_the_world(demo) == []


@pytest.mark.timeout(900)
def test_two_days_in_three_seasons_cost_little_more_than_perfect_foresight(
    tmp_path: Path,
) -> None:
    folders = {start: tmp_path / start[:10] for start in WINDOWS}
    began_s = time.monotonic()
    processes = {}
    for start in WINDOWS:
        processes[start] = started_demo(start, HOURS, folders[start])
        time.sleep(APART_S)
    autumn, winter, summer = (
        ended_demo(processes[start], start_utc, HOURS, folders[start])
        for start, start_utc in WINDOWS.items()
    )
    assert time.monotonic() - began_s < 600.0
    for demo in (autumn, winter, summer):
        assert_whole(demo)
    assert autumn.figures["plain_charging_cost"] == pytest.approx(11.41, abs=0.3)
    assert autumn.figures["net_cost"] <= 2.70
    assert winter.figures["plain_charging_cost"] == pytest.approx(33.28, abs=0.3)
    assert winter.figures["net_cost"] <= 21.60
    assert summer.figures["discharged_wh"] == 0.0
    details = [tick.decision.evses[0].command.reason.detail for tick in summer.ticks()]
    said = [detail for detail in details if "Never discharges: the best offer was" in detail]
    assert said != []
    for word in ("EUR per kWh at", "would have cost", "refill", "losses", "wear"):
        assert word in said[0]
