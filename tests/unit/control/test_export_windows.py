"""Hours of the day in which less may be exported."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time

import pytest

from tests.builders import a_meter, a_policy, a_snapshot, ago, an_evse_status
from v2g_daemon.control.decide import decide
from v2g_daemon.domain.memory import Memory
from v2g_daemon.domain.policy import ExportWindow, Policy


def windowed(starts_at: time, ends_at: time, export_limit_w: float) -> Policy:
    policy = replace(a_policy(), timezone="Europe/Amsterdam")
    window = ExportWindow(starts_at=starts_at, ends_at=ends_at, export_limit_w=export_limit_w)
    return replace(
        policy, grid=replace(policy.grid, export_limit_w=4000.0, export_windows=(window,))
    )


@pytest.mark.parametrize(
    ("utc", "export_limit_w"),
    [
        (datetime(2024, 12, 11, 8, 59, tzinfo=UTC), 4000.0),
        (datetime(2024, 12, 11, 9, 0, tzinfo=UTC), 500.0),
        (datetime(2024, 12, 11, 14, 59, tzinfo=UTC), 500.0),
        (datetime(2024, 12, 11, 15, 0, tzinfo=UTC), 4000.0),
        (datetime(2024, 6, 11, 8, 0, tzinfo=UTC), 500.0),  # 10:00 in summer time
    ],
)
def test_a_window_is_local_wall_time_with_an_open_end(utc: datetime, export_limit_w: float) -> None:
    policy = windowed(time(10), time(16), 500.0)
    assert policy.export_limit_at_w(utc) == export_limit_w


def test_a_window_may_run_over_midnight_and_never_raises_the_limit() -> None:
    policy = windowed(time(22), time(6), 9000.0)
    assert policy.export_limit_at_w(datetime(2024, 12, 11, 23, 0, tzinfo=UTC)) == 4000.0
    night = windowed(time(22), time(6), 0.0)
    assert night.export_limit_at_w(datetime(2024, 12, 11, 23, 0, tzinfo=UTC)) == 0.0
    assert night.export_limit_at_w(datetime(2024, 12, 11, 4, 59, tzinfo=UTC)) == 0.0
    assert night.export_limit_at_w(datetime(2024, 12, 11, 5, 0, tzinfo=UTC)) == 4000.0


def test_an_unknown_limit_stays_unknown_in_a_window() -> None:
    policy = windowed(time(0), time(23), 500.0)
    policy = replace(policy, grid=replace(policy.grid, export_limit_w=None))
    assert policy.export_limit_at_w(datetime(2024, 12, 11, 12, 0, tzinfo=UTC)) is None


@pytest.mark.parametrize(("ends_at", "lowest_w"), [(time(23, 59), -1000.0), (time(1), -4900.0)])
def test_in_a_window_the_discharge_keeps_its_lower_limit(ends_at: time, lowest_w: float) -> None:
    # The house draws 1000 W: −(1000 + 4000 − 100) outside, −(1000 + 100 − 100) within.
    policy = windowed(time(0, 30), ends_at, 100.0)
    meter = replace(a_meter(), power_w=1000.0, phase_power_w=())
    snapshot = a_snapshot(meter=meter, evses=(replace(an_evse_status(), power_w=0.0),))
    decision = decide(Memory(meter_good_since=ago(60.0)), snapshot, policy)[1]
    bound = next(one for one in decision.evses[0].limits if one.reason.rule == "export_limit")
    assert bound.permitted.lowest_w == lowest_w
