"""When the scheduler says "it is time", on a clock that the test moves."""

from __future__ import annotations

import asyncio
import time as real_time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta

import pytest

from v2g_daemon.adapters.system import scheduler as module
from v2g_daemon.adapters.system.clock import ScaledClock
from v2g_daemon.adapters.system.scheduler import Scheduler
from v2g_daemon.domain.instant import Instant

AMSTERDAM = "Europe/Amsterdam"


class OverAndOut(Exception):
    """The hand-moved clock has reached its end."""


@dataclass(slots=True, kw_only=True)
class HandClock:
    """Time passes only in `sleep`; at given monotonic seconds its wall clock jumps."""

    utc: datetime
    until_s: float
    jumps_s: dict[float, float] = field(default_factory=dict)
    monotonic_s: float = 0.0
    longest_sleep_s: float = 0.0

    def now(self) -> Instant:
        return Instant(utc=self.utc, monotonic_s=self.monotonic_s)

    async def sleep(self, seconds_s: float) -> None:
        self.longest_sleep_s = max(self.longest_sleep_s, seconds_s)
        self.monotonic_s += seconds_s
        self.utc += timedelta(seconds=seconds_s)
        for at_s in [at_s for at_s in self.jumps_s if at_s <= self.monotonic_s]:
            self.utc += timedelta(seconds=self.jumps_s.pop(at_s))
        await asyncio.sleep(0)
        if self.monotonic_s >= self.until_s:
            raise OverAndOut

    def trusted(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _no_real_naps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SHORTEST_NAP_S", 0.0)


async def firings(clock: HandClock, register: Callable[[Scheduler, Callable[[], None]], None]):
    """The moments at which the registered job fired until the clock's end."""
    fired: list[datetime] = []
    scheduler = Scheduler(clock)
    register(scheduler, lambda: fired.append(clock.utc))
    with pytest.raises(ExceptionGroup):
        await scheduler.run()
    return fired


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def daily(wall: time) -> Callable[[Scheduler, Callable[[], None]], None]:
    return lambda scheduler, callback: scheduler.every_day_at(wall, AMSTERDAM, callback)


async def test_a_daily_job_fires_at_local_wall_time_through_the_change_to_summer_time() -> None:
    clock = HandClock(utc=at("2025-03-28T12:30"), until_s=3 * 86_400.0)
    assert await firings(clock, daily(time(13))) == [
        at("2025-03-29T12:00"),
        at("2025-03-30T11:00"),
        at("2025-03-31T11:00"),
    ]
    assert clock.longest_sleep_s <= 60.0


async def test_a_wall_time_that_comes_twice_fires_once() -> None:
    clock = HandClock(utc=at("2025-10-25T12:00"), until_s=2 * 86_400.0)
    assert await firings(clock, daily(time(2, 30))) == [
        at("2025-10-26T00:30"),
        at("2025-10-27T01:30"),
    ]


async def test_a_wall_time_that_is_skipped_still_fires_that_day() -> None:
    clock = HandClock(utc=at("2025-03-29T12:00"), until_s=2 * 86_400.0)
    assert await firings(clock, daily(time(2, 30))) == [
        at("2025-03-30T01:30"),
        at("2025-03-31T00:30"),
    ]


async def test_a_job_before_midnight_that_is_seen_after_it_fires_again_the_next_day() -> None:
    clock = HandClock(utc=at("2025-01-10T22:50"), until_s=2 * 86_400.0, jumps_s={540.0: 600.0})
    fired = await firings(clock, daily(time(23, 59, 30)))
    assert fired == [at("2025-01-10T23:09"), at("2025-01-11T22:59:30"), at("2025-01-12T22:59:30")]


async def test_a_clock_that_jumps_40_years_ahead_fires_once_and_not_for_every_day() -> None:
    clock = HandClock(
        utc=at("1985-01-10T10:00"),
        until_s=86_400.0,
        jumps_s={3600.0: 40 * 365.25 * 86_400.0},
    )
    fired = await firings(clock, daily(time(13)))
    assert fired[0] == at("2025-01-10T11:00")
    assert fired[1:] == [at("2025-01-10T12:00")]


async def test_a_clock_set_back_by_an_hour_does_not_fire_twice_that_day() -> None:
    clock = HandClock(utc=at("2025-01-10T11:30"), until_s=26 * 3600.0, jumps_s={2700.0: -3600.0})
    assert await firings(clock, daily(time(13))) == [
        at("2025-01-10T12:00"),
        at("2025-01-11T12:00"),
    ]


async def test_a_repeating_job_counts_monotonic_seconds_whatever_the_wall_clock_does() -> None:
    clock = HandClock(
        utc=at("2025-01-10T00:00"), until_s=4000.0, jumps_s={1000.0: 86_400.0, 2000.0: -172_800.0}
    )
    fired_s: list[float] = []
    scheduler = Scheduler(clock)
    scheduler.every(900.0, lambda: fired_s.append(clock.monotonic_s))
    with pytest.raises(ExceptionGroup):
        await scheduler.run()
    assert fired_s == [900.0, 1800.0, 2700.0, 3600.0]


async def test_missed_repetitions_are_not_made_up_for() -> None:
    clock = HandClock(utc=at("2025-01-10T00:00"), until_s=4000.0)
    fired_s: list[float] = []
    scheduler = Scheduler(clock)
    scheduler.every(900.0, lambda: fired_s.append(clock.monotonic_s))
    clock.monotonic_s = 3000.0
    with pytest.raises(ExceptionGroup):
        await scheduler.run()
    assert fired_s == [3000.0, 3600.0]


async def test_a_callback_that_fails_ends_neither_the_scheduler_nor_the_other_jobs() -> None:
    clock = HandClock(utc=at("2025-01-10T00:00"), until_s=2000.0)
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(
        lambda _, context: complaints.append(context["exception"])
    )
    fired: list[float] = []
    scheduler = Scheduler(clock)
    scheduler.every(900.0, lambda: fired.remove(7.0))
    scheduler.every(900.0, lambda: fired.append(clock.monotonic_s))
    with pytest.raises(ExceptionGroup):
        await scheduler.run()
    assert fired == [900.0, 1800.0]
    assert [type(one) for one in complaints] == [ValueError, ValueError]


async def test_time_lapse_fires_in_simulated_time() -> None:
    clock = ScaledClock(
        start_utc=at("2024-12-11T11:59"),
        speed=3600.0,
        anchor_monotonic_s=real_time.monotonic(),
    )
    fired: list[datetime] = []
    scheduler = Scheduler(clock)
    scheduler.every_day_at(time(13), AMSTERDAM, lambda: fired.append(clock.now().utc))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await scheduler.run()
    assert len(fired) == 1
    assert at("2024-12-11T12:00") <= fired[0] < at("2024-12-11T12:20")
