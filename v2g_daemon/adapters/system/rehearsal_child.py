"""The rehearsal's children: one process for each strategy, so that each has a core of its own."""

from __future__ import annotations

import asyncio
import sys
from asyncio import StreamReader, StreamWriter
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Sequence

from v2g_daemon.domain.errors import InvariantViolated, RehearsalFailed
from v2g_daemon.rehearsal.job import Job, Ran
from v2g_daemon.trace.json_form import Json, TraceError, dump, parse, structure, unstructure

COMMAND = (sys.executable, "-m", "v2g_daemon.rehearsal_worker")
LONGEST_LINE = 1 << 28


class RehearsalChild:
    """Runs each job in a worker of its own; whoever cancels it kills the worker."""

    def __init__(self, *, command: Sequence[str] = COMMAND) -> None:
        self._command = tuple(command)

    async def run(self, job: Job, progress: Callable[[int], None]) -> Ran:
        """What the strategy did; raises RehearsalFailed with the child's last words."""
        answer = await self._answer(job, "ran", progress)
        try:
            return await asyncio.to_thread(structure, answer, Ran)
        except TraceError as error:
            raise RehearsalFailed(f"{job.strategy.value}: unreadable: {error}") from error

    async def relaxed_net_cost(self, job: Job) -> float | None:
        """The net cost that no strategy can pass; None where no solver is installed or finds it."""
        answer = await self._answer(job, "relaxed", lambda slots: None, "--relax")
        return float(answer) if isinstance(answer, float | int) else None

    async def _answer(
        self, job: Job, key: str, progress: Callable[[int], None], *arguments: str
    ) -> Json:
        """The value under `key` of the last line; lines of progress are told on the way."""
        question = await asyncio.to_thread(lambda: dump(unstructure(job, Job)))
        try:
            child = await asyncio.create_subprocess_exec(
                *self._command, *arguments, stdin=PIPE, stdout=PIPE, stderr=PIPE, limit=LONGEST_LINE
            )
        except OSError as error:
            raise RehearsalFailed(f"{job.strategy.value}: did not start: {error}") from error
        asked, said, complained = _pipes(child)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(_ask(asked, question))
                complaint = tasks.create_task(complained.read())
                answer = tasks.create_task(_heard(said, key, progress))
            status = await child.wait()
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()
        if status != 0 or answer.result() == ():
            words = complaint.result().decode(errors="replace").strip().splitlines()[-1:]
            raise RehearsalFailed(f"{job.strategy.value}: exit status {status}: {' '.join(words)}")
        return answer.result()[0]


def _pipes(child: Process) -> tuple[StreamWriter, StreamReader, StreamReader]:
    """Its standard input, output and error."""
    if child.stdin is None or child.stdout is None or child.stderr is None:
        raise InvariantViolated("a child was started without its pipes")
    return child.stdin, child.stdout, child.stderr


async def _ask(asked: StreamWriter, question: bytes) -> None:
    """Write the job; a child that has died meanwhile is told by its exit status."""
    try:
        asked.write(question)
        await asked.drain()
        asked.close()
        await asked.wait_closed()
    except (BrokenPipeError, ConnectionResetError):
        return


async def _heard(said: StreamReader, key: str, progress: Callable[[int], None]) -> tuple[Json, ...]:
    """The answer, alone; empty where the child ended without one."""
    while line := await said.readline():
        told = await asyncio.to_thread(parse, line)
        if isinstance(told, dict) and isinstance(done := told.get("done"), int):
            progress(done)
        elif isinstance(told, dict) and key in told:
            return (told[key],)
    return ()
