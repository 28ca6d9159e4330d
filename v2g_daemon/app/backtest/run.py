"""Many strategies through one case, one process each; what is done when it is stopped is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

from v2g_daemon.adapters.system.clock import RealClock
from v2g_daemon.adapters.system.rehearsal_child import RehearsalChild
from v2g_daemon.domain.errors import RehearsalFailed
from v2g_daemon.rehearsal.contest import Case, Contest, Entry
from v2g_daemon.rehearsal.knowledge import Knowledge
from v2g_daemon.rehearsal.score import scored
from v2g_daemon.rehearsal.strategies import Strategy

# What says most comes first: it is there even if somebody is in a hurry.
ORDER = (
    Strategy.PLAIN,
    Strategy.V2G,
    Strategy.V1G,
    Strategy.PERFECT,
    Strategy.V2H,
    Strategy.CHEAPEST,
    Strategy.THRESHOLD,
)


E = TypeVar("E", bound=BaseException)
Watch = Callable[[Strategy, int], None]


async def rehearse(
    case: Case,
    *,
    knowledge: Knowledge,
    strategies: Sequence[Strategy] = ORDER,
    relax: bool = True,
    cores: asyncio.Semaphore,
    watch: Watch,
    stop: asyncio.Event,
) -> Contest:
    """Run the strategies until all are done or `stop` is set; raises RehearsalFailed.

    `cores` may be shared with other cases; `relax`: find the linear relaxation too.
    """
    desk = _Desk(case, knowledge, cores=cores, watch=watch)
    try:
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(desk.run(one)) for one in strategies]
            if relax:
                running.append(tasks.create_task(desk.relax()))
            ending = tasks.create_task(_ended_by(stop, running))
            await asyncio.wait(running)
            ending.cancel()
    except* RehearsalFailed as failed:
        raise first_of(failed) from None
    return Contest(
        case=case,
        knowledge=knowledge,
        entries=dict(desk.entries),
        unfinished={one: desk.slots.get(one, 0) for one in strategies if one not in desk.entries},
        relaxed_net_cost=desk.relaxed_net_cost,
    )


async def _ended_by(stop: asyncio.Event, running: Sequence[asyncio.Task[None]]) -> None:
    """Break off whatever still runs once somebody says stop."""
    await stop.wait()
    for task in running:
        task.cancel()


def first_of(failed: BaseExceptionGroup[E]) -> E:
    """One of the failures, out of whatever groups it lies in."""
    first = failed.exceptions[0]
    return first_of(first) if isinstance(first, BaseExceptionGroup) else first


class _Desk:
    """Hands out the cores and collects what comes back."""

    def __init__(
        self, case: Case, knowledge: Knowledge, *, cores: asyncio.Semaphore, watch: Watch
    ) -> None:
        self._case, self._knowledge, self._watch = case, knowledge, watch
        self._cores = cores
        self._child, self._clock = RehearsalChild(), RealClock()
        self.entries: dict[Strategy, Entry] = {}
        self.slots: dict[Strategy, int] = {}
        self.relaxed_net_cost: float | None = None

    async def run(self, strategy: Strategy) -> None:
        """One strategy, once a core is free."""
        job = self._case.job(strategy, self._knowledge)

        def told(slots: int) -> None:
            self.slots[strategy] = slots
            self._watch(strategy, slots)

        async with self._cores:
            begun_s = self._clock.now().monotonic_s
            ran = await self._child.run(job, told)
            seconds_s = self._clock.now().monotonic_s - begun_s
        score = await asyncio.to_thread(scored, job, ran, self._case.market)
        self.entries[strategy] = Entry(ran=ran, score=score, seconds_s=seconds_s)

    async def relax(self) -> None:
        """The linear relaxation, which no strategy can pass."""
        job = self._case.job(Strategy.PERFECT, self._knowledge)
        async with self._cores:
            self.relaxed_net_cost = await self._child.relaxed_net_cost(job)
