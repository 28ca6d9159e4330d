"""Edge tasks are restarted with a growing pause; the control loop never is."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable

from v2g_daemon.domain.errors import InvariantViolated

_log = logging.getLogger(__name__)

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 60.0
HEALTHY_AFTER_S = 300.0


async def supervise(name: str, task: Callable[[], Awaitable[None]]) -> None:
    """Run an edge task for ever; pauses are real seconds, a broken invariant is passed on."""
    pause_s = FIRST_PAUSE_S
    loop = asyncio.get_running_loop()
    while True:
        started_s = loop.time()
        try:
            await task()
        except Exception as error:  # the one place that outlives an unforeseen error
            if _is_ours(error):
                raise
            _log.exception("%s failed", name)
        else:
            _log.warning("%s ended by itself", name)
        if loop.time() - started_s > HEALTHY_AFTER_S:
            pause_s = FIRST_PAUSE_S
        await asyncio.sleep(pause_s * random.uniform(0.8, 1.2))  # noqa: S311 - jitter, no secret
        pause_s = min(pause_s * 2.0, LONGEST_PAUSE_S)


def _is_ours(error: Exception) -> bool:
    """Whether an invariant broke, alone or somewhere in a task group."""
    if isinstance(error, ExceptionGroup):
        return error.subgroup(InvariantViolated) is not None
    return isinstance(error, InvariantViolated)
