"""It says "it is time", in the house's time: APScheduler's triggers on our clock.

APScheduler's own loop reads the wall clock and sleeps until the next job: it would ignore a
scaled clock, and sleep on for hours after NTP has set a clock that started in 1970. So only its
triggers are used. They look again at least every minute, fire once after a jump ahead, and a day's
job fires once per local day whatever the clock does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from v2g_daemon.domain.instant import Instant
from v2g_daemon.ports import Clock

LONGEST_NAP_S = 60.0  # of the house's time
SHORTEST_NAP_S = 0.05  # real
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Callback = Callable[[], None]


class _Job(Protocol):
    callback: Callback

    def due(self, now: Instant) -> bool: ...

    def wait_s(self, now: Instant) -> float: ...


class _DailyJob:
    """Fires at a local wall time; remembers the local day it last fired on."""

    def __init__(
        self, *, at: time, zone: ZoneInfo, callback: Callback, registered: Instant
    ) -> None:
        self.callback = callback
        self._zone = zone
        self._trigger = CronTrigger(hour=at.hour, minute=at.minute, second=at.second, timezone=zone)
        self._fired_on: date | None = None
        self._seen_utc = registered.utc
        self._due_at = self._next(registered)

    def due(self, now: Instant) -> bool:
        """Whether it is time; counts as fired then."""
        is_due = now.utc >= self._due_at
        was_set_back = now.utc < self._seen_utc
        self._seen_utc = now.utc
        if is_due:
            # The day it was due on: seen after midnight, it must not use up the new day.
            self._fired_on = self._due_at.astimezone(self._zone).date()
        if is_due or was_set_back:
            self._due_at = self._next(now)
        return is_due

    def wait_s(self, now: Instant) -> float:
        """Seconds to the next firing."""
        return (self._due_at - now.utc).total_seconds()

    def _next(self, now: Instant) -> datetime:
        after = now.utc.astimezone(self._zone)
        if after.date() == self._fired_on:
            # A repeated hour, or a clock set back, brings the same wall time twice in one day.
            after = datetime.combine(after.date() + timedelta(days=1), time(), tzinfo=self._zone)
        found: datetime = self._trigger.get_next_fire_time(None, after)
        return found.astimezone(UTC)


class _RepeatingJob:
    """Fires every so many monotonic seconds; what was missed is not made up for."""

    def __init__(self, *, every_s: float, callback: Callback, registered: Instant) -> None:
        self.callback = callback
        self._trigger = IntervalTrigger(
            seconds=every_s, start_date=_on_grid(registered), timezone=UTC
        )
        self._due_at = _on_grid(registered.later(every_s))

    def due(self, now: Instant) -> bool:
        """Whether it is time; counts as fired then."""
        is_due = _on_grid(now) >= self._due_at
        if is_due:
            # The trigger counts `now` itself in; the next firing lies after it.
            after = _on_grid(now) + timedelta(microseconds=1)
            self._due_at = self._trigger.get_next_fire_time(None, after)
        return is_due

    def wait_s(self, now: Instant) -> float:
        """Seconds to the next firing."""
        return (self._due_at - _on_grid(now)).total_seconds()


def _on_grid(now: Instant) -> datetime:
    """Monotonic seconds as a date, because triggers count in dates."""
    return _EPOCH + timedelta(seconds=now.monotonic_s)


class Scheduler:
    """Calls back on the event loop when it is time; a callback only notes it and returns."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._jobs: list[_Job] = []

    def every_day_at(self, at: time, timezone: str, callback: Callback) -> None:
        """Once per local day at that wall time, from its next occurrence on."""
        self._jobs.append(
            _DailyJob(
                at=at, zone=ZoneInfo(timezone), callback=callback, registered=self._clock.now()
            )
        )

    def every(self, seconds_s: float, callback: Callback) -> None:
        """Every so many seconds of the house's time, first after that long."""
        self._jobs.append(
            _RepeatingJob(every_s=seconds_s, callback=callback, registered=self._clock.now())
        )

    async def run(self) -> None:
        """Watch the triggers until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            now = self._clock.now()
            for job in self._jobs:
                if job.due(now):
                    # An event of its own on the loop: an error in it does not end the others.
                    loop.call_soon(job.callback)
            wait_s = min([LONGEST_NAP_S, *(job.wait_s(now) for job in self._jobs)])
            async with asyncio.TaskGroup() as nap:
                nap.create_task(self._clock.sleep(wait_s))
                nap.create_task(asyncio.sleep(SHORTEST_NAP_S))
