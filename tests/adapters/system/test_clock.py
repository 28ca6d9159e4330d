"""The real clock and the scaled one."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone

import pytest

from v2g_daemon.adapters.system.clock import (
    RealClock,
    ScaledClock,
    kernel_clock_synchronised,
)

START = datetime(2024, 12, 11, 16, 30, tzinfo=UTC)


def test_the_real_clock_reads_this_machine() -> None:
    before_utc, before_s = datetime.now(UTC), time.monotonic()
    now = RealClock().now()
    # In whole milliseconds, rounded down.
    assert before_utc - timedelta(milliseconds=1) < now.utc <= datetime.now(UTC)
    assert before_s - 0.001 < now.monotonic_s <= time.monotonic()
    assert now.utc.microsecond % 1000 == 0


@pytest.mark.parametrize("synchronised", [True, False])
def test_the_real_clock_is_trusted_when_it_follows_ntp(synchronised: bool) -> None:
    assert RealClock(synchronised=lambda: synchronised).trusted() is synchronised


def test_the_kernel_can_be_asked_whether_it_follows_ntp() -> None:
    assert kernel_clock_synchronised() in (True, False)


def test_the_scaled_clock_runs_from_its_start_at_its_speed_on_both_scales() -> None:
    anchor_s = time.monotonic() - 10.0
    now = ScaledClock(start_utc=START, speed=360.0, anchor_monotonic_s=anchor_s).now()
    # Ten seconds ago times 360: an hour has passed, and a second more at most.
    assert timedelta(hours=1) <= now.utc - START < timedelta(hours=1, minutes=6)
    assert now.monotonic_s == pytest.approx((now.utc - START).total_seconds(), abs=1.1e-3)


def test_two_processes_with_one_anchor_read_the_same_time() -> None:
    anchor_s = time.monotonic()
    one = ScaledClock(start_utc=START, speed=60.0, anchor_monotonic_s=anchor_s)
    other = ScaledClock(start_utc=START, speed=60.0, anchor_monotonic_s=anchor_s)
    earlier, later = one.now(), other.now()
    assert 0.0 <= later.seconds_since(earlier) < 60.0
    assert later.utc >= earlier.utc


def test_a_start_in_local_time_is_read_as_utc() -> None:
    local = datetime(2024, 12, 11, 17, 30, tzinfo=timezone(timedelta(hours=1)))
    clock = ScaledClock(start_utc=local, speed=1.0, anchor_monotonic_s=time.monotonic())
    assert clock.now().utc - START < timedelta(seconds=5)
    assert clock.now().utc.tzinfo is UTC


async def test_a_scaled_sleep_is_shorter_by_the_speed() -> None:
    clock = ScaledClock(start_utc=START, speed=600.0, anchor_monotonic_s=time.monotonic())
    before = clock.now()
    await clock.sleep(60.0)
    assert 55.0 < clock.now().seconds_since(before) < 600.0


@pytest.mark.parametrize("seconds_s", [0.0, -5.0])
async def test_a_sleep_that_is_over_already_takes_no_time(seconds_s: float) -> None:
    before_s = time.monotonic()
    await RealClock().sleep(seconds_s)
    assert time.monotonic() - before_s < 0.5


def test_the_scaled_clock_is_trusted() -> None:
    assert ScaledClock(start_utc=START, speed=1.0, anchor_monotonic_s=0.0).trusted()


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan")])
def test_a_clock_that_stands_or_runs_backwards_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="speed"):
        ScaledClock(start_utc=START, speed=speed, anchor_monotonic_s=0.0)


def test_until_its_anchor_the_scaled_clock_stands_at_its_start() -> None:
    clock = ScaledClock(start_utc=START, speed=360.0, anchor_monotonic_s=time.monotonic() + 60.0)
    assert (clock.now().utc, clock.now().monotonic_s) == (START, 0.0)


@pytest.mark.parametrize("seconds_s", [0.0, 36.0])
async def test_a_sleep_on_a_standing_clock_waits_until_time_runs(seconds_s: float) -> None:
    anchor_s = time.monotonic() + 0.2
    clock = ScaledClock(start_utc=START, speed=360.0, anchor_monotonic_s=anchor_s)
    await clock.sleep(seconds_s)
    assert time.monotonic() >= anchor_s
    assert clock.now().monotonic_s >= seconds_s
