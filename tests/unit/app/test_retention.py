"""What goes in the night, and that it goes in time-lapse too."""

from __future__ import annotations

import asyncio
import time as real_time
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta

import pytest

from v2g_daemon.adapters.system.clock import ScaledClock
from v2g_daemon.adapters.system.scheduler import Scheduler
from v2g_daemon.app.retention import NIGHTLY, Retention


class NotedStore:
    """Notes what should go; `third` is set the third time."""

    def __init__(self) -> None:
        self.before_utc: list[datetime] = []
        self.third = asyncio.Event()

    def drop_telemetry_before(self, moment_utc: datetime) -> Future[None]:
        self.before_utc.append(moment_utc)
        if len(self.before_utc) == 3:
            self.third.set()
        return Future()


def a_clock(speed: float) -> ScaledClock:
    """Two in the night in Amsterdam, at the start of 13 December 2024."""
    return ScaledClock(
        start_utc=datetime(2024, 12, 13, 1, 0, tzinfo=UTC),
        speed=speed,
        anchor_monotonic_s=real_time.monotonic(),
    )


def test_telemetry_is_kept_for_400_days() -> None:
    store = NotedStore()
    Retention(clock=a_clock(1.0), store=store)()
    (before_utc,) = store.before_utc
    wanted = datetime(2023, 11, 9, 1, 0, tzinfo=UTC)
    assert timedelta(0) <= before_utc - wanted < timedelta(minutes=1)


def test_a_clock_that_is_not_trusted_drops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    class Lost(ScaledClock):
        def trusted(self) -> bool:
            return False

    store = NotedStore()
    anchor_s = real_time.monotonic()
    start = datetime(2041, 1, 1, tzinfo=UTC)
    Retention(clock=Lost(start_utc=start, speed=1.0, anchor_monotonic_s=anchor_s), store=store)()
    assert store.before_utc == []
    assert "not trusted" in caplog.text


async def test_in_time_lapse_each_simulated_night_drops_once() -> None:
    # A simulated day a second: the nights of the 13th, 14th and 15th.
    clock = a_clock(86400.0)
    store = NotedStore()
    scheduler = Scheduler(clock)
    scheduler.every_day_at(NIGHTLY, "Europe/Amsterdam", Retention(clock=clock, store=store))
    running = asyncio.create_task(scheduler.run())
    async with asyncio.timeout(30.0):
        await store.third.wait()
    running.cancel()
    await asyncio.wait([running])
    assert [moment.date().day for moment in store.before_utc] == [9, 10, 11]
