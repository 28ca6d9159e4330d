"""The planning child: one process per problem, killed at its deadline."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence

from v2g_daemon.domain.errors import PlanningFailed
from v2g_daemon.domain.plan import Plan, PlanProblem
from v2g_daemon.trace.json_form import TraceError
from v2g_daemon.trace.pipe import decode_plan, encode_problem

DEADLINE_S = 15.0
COMMAND = (sys.executable, "-m", "v2g_daemon.planning_worker")


class PlanningChild:
    """Solves each problem in a planning worker of its own; the deadline is in real seconds."""

    def __init__(self, *, deadline_s: float = DEADLINE_S, command: Sequence[str] = COMMAND) -> None:
        self._deadline_s = deadline_s
        self._command = tuple(command)

    async def solve(self, problem: PlanProblem) -> Plan:
        """The plan; raises PlanningFailed with the child's last words."""
        question = await asyncio.to_thread(encode_problem, problem)
        try:
            child = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
        except OSError as error:  # out of memory or processes: no plan now, perhaps later
            raise PlanningFailed(f"the planning child did not start: {error}") from error
        try:
            async with asyncio.timeout(self._deadline_s):
                answer, complaint = await child.communicate(question)
        except TimeoutError:
            raise PlanningFailed(f"no plan within {self._deadline_s:.0f} s") from None
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()
        if child.returncode != 0:
            words = complaint.decode(errors="replace").strip().splitlines()[-1:]
            raise PlanningFailed(f"exit status {child.returncode}: {' '.join(words)}")
        try:
            return await asyncio.to_thread(decode_plan, answer)
        except TraceError as error:
            raise PlanningFailed(f"the child's plan cannot be read: {error}") from error
