"""What any clock promises, the real one, the scaled one and the one that tests move by hand."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

import pytest

from tests.unit.runtime.surroundings import HandClock
from v2g_daemon.adapters.system.clock import RealClock, ScaledClock
from v2g_daemon.ports import Clock
from v2g_daemon.runtime.witnessed_clock import WitnessedClock


@pytest.fixture(params=["real", "scaled", "witnessed", "by hand"])
def clock(request: pytest.FixtureRequest) -> Clock:
    """Each clock after the other."""
    match request.param:
        case "real":
            return RealClock(synchronised=lambda: True)
        case "scaled":
            return ScaledClock(
                start_utc=datetime(2024, 12, 11, 16, 30, tzinfo=UTC),
                speed=100.0,
                anchor_monotonic_s=time.monotonic(),
            )
        case "witnessed":
            return WitnessedClock(RealClock(synchronised=lambda: True), witnesses=tuple)
        case _:
            return HandClock()


def test_now_is_utc_and_never_runs_back(clock: Clock) -> None:
    moments = [clock.now() for _ in range(100)]
    assert all(moment.utc.tzinfo is UTC for moment in moments)
    readings_s = [moment.monotonic_s for moment in moments]
    assert readings_s == sorted(readings_s)


async def test_a_sleep_lasts_as_long_as_it_was_asked_on_both_clocks(clock: Clock) -> None:
    before = clock.now()
    await clock.sleep(0.2)
    after = clock.now()
    assert after.seconds_since(before) >= 0.199
    assert (after.utc - before.utc).total_seconds() == pytest.approx(
        after.seconds_since(before), abs=0.5
    )


@pytest.mark.parametrize("seconds_s", [0.0, -5.0])
async def test_no_time_is_not_slept_but_lets_others_run(clock: Clock, seconds_s: float) -> None:
    ran: list[str] = []

    async def other() -> None:
        ran.append("other")

    task = asyncio.create_task(other())
    async with asyncio.timeout(5.0):
        await clock.sleep(seconds_s)
    assert ran == ["other"]
    await task


async def test_a_sleep_ends_when_it_is_cancelled(clock: Clock) -> None:
    if isinstance(clock, HandClock):
        clock.until_s = float("inf")
    sleeping = asyncio.create_task(clock.sleep(1000.0))
    await asyncio.sleep(0)
    sleeping.cancel()
    await asyncio.wait([sleeping], timeout=5.0)
    assert sleeping.cancelled()


def test_trust_is_asked_and_answered_at_once(clock: Clock) -> None:
    assert clock.trusted() is True
