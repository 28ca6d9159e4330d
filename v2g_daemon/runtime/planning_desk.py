"""The planning desk: problems in, plans to the latest values; advisory, never in the way."""

from __future__ import annotations

import asyncio
import logging

from v2g_daemon.domain.errors import PlanningFailed
from v2g_daemon.domain.plan import PlanProblem
from v2g_daemon.ports import PlannerPort
from v2g_daemon.runtime.latest_values import LatestValues

_log = logging.getLogger(__name__)


class PlanningDesk:
    """Solves one problem at a time; a newer problem for the same EVSE replaces a waiting one."""

    def __init__(self, *, planner: PlannerPort, latest: LatestValues) -> None:
        self._planner = planner
        self._latest = latest
        self._waiting: dict[str, PlanProblem] = {}
        self._posed = asyncio.Event()

    def pose(self, problem: PlanProblem) -> None:
        """Ask for a plan; the answer comes as news."""
        self._waiting[problem.evse_id] = problem
        self._posed.set()

    async def run(self) -> None:
        """Answer problems until cancelled; one posed while nobody ran is answered first."""
        while True:
            while self._waiting:
                evse_id, problem = next(iter(self._waiting.items()))
                del self._waiting[evse_id]
                await self._answer(problem)
            self._posed.clear()
            await self._posed.wait()

    async def _answer(self, problem: PlanProblem) -> None:
        try:
            plan = await self._planner.solve(problem)
        except PlanningFailed as error:
            _log.warning("no plan for %s: %s", problem.evse_id, error)
            self._latest.put_failed_plan(problem.evse_id)
        else:
            self._latest.put_plan(plan)
