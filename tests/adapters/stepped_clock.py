"""A clock that goes on only once a feed has looked: on no machine is it late."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from tests.adapters.waiting import until
from v2g_daemon.domain.instant import Instant


class SteppedClock:
    """Stands still between `go_on`; `look_s` is how long the feed sleeps from look to look."""

    def __init__(self, start_utc: datetime, *, look_s: float) -> None:
        self._start_utc, self._look_s = start_utc, look_s
        self._elapsed_s = 0.0
        self._looks = 0
        self._gone_on = asyncio.Condition()

    def now(self) -> Instant:
        return Instant(
            utc=self._start_utc + timedelta(seconds=self._elapsed_s), monotonic_s=self._elapsed_s
        )

    def trusted(self) -> bool:
        return True

    async def sleep(self, seconds_s: float) -> None:
        end_s = self._elapsed_s + seconds_s
        self._looks += seconds_s == self._look_s
        async with self._gone_on:
            await self._gone_on.wait_for(lambda: self._elapsed_s >= end_s)

    async def go_on(self, seconds_s: float | None = None) -> None:
        """To the next look, or as far as that; it may be under way when this returns."""
        await until(lambda: self._looks > 0)
        looks = self._looks
        async with self._gone_on:
            self._elapsed_s += self._look_s if seconds_s is None else seconds_s
            self._gone_on.notify_all()
        await until(lambda: self._looks > looks)

    async def go_on_until(self, reached: Callable[[], bool], *, step_s: float) -> None:
        """By steps until it is so; AssertionError after a thousand."""
        for _ in range(1000):
            if reached():
                return
            await self.go_on(step_s)
        raise AssertionError("it did not happen")
