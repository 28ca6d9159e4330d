"""The daemon's life: start the edges, tick, stop in order, leave nothing unwritten."""

from __future__ import annotations

import asyncio
import logging
import signal
from pathlib import Path

from v2g_daemon.adapters.database.writer import DatabaseLedger
from v2g_daemon.app.composition import Parts, clock_of, compose
from v2g_daemon.runtime.supervisor import supervise
from v2g_daemon.settings import Settings, exposed_secrets, warnings_of
from v2g_daemon.step.house import closing_rows

_log = logging.getLogger(__name__)

DRAIN_TIMEOUT_S = 5.0


async def run_until_signal(settings: Settings, *, path: Path) -> None:
    """Run until SIGTERM or SIGINT; `path` is where the settings stand."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    for warning in (*warnings_of(settings), *exposed_secrets(path, settings)):
        _log.warning("%s", warning)
    clock = clock_of(settings)
    ledger = DatabaseLedger(settings.database.url, now_utc=clock.now().utc)
    if ledger.repair is not None:
        _log.error("%s", ledger.repair)
    try:
        await run(compose(settings, clock=clock, ledger=ledger), stop)
    finally:
        await asyncio.to_thread(ledger.close)


async def run(parts: Parts, stop: asyncio.Event) -> None:
    """Run a composed daemon until `stop`; whatever ends it, what was recorded is written."""
    try:
        await _run_tasks(parts, stop)
    finally:
        await parts.recorder.drain(
            closing_rows(parts.loop.house, parts.policy), timeout_s=DRAIN_TIMEOUT_S
        )
        try:
            parts.trace.close()
        except OSError as error:
            _log.error("the end of the trace was lost: %s", error)


async def _run_tasks(parts: Parts, stop: asyncio.Event) -> None:
    """Edges and control until `stop`; the recorder outlives them."""
    recording = parts.edges["recorder"]
    others = {name: task for name, task in parts.edges.items() if name != "recorder"}
    async with asyncio.TaskGroup() as outer:
        recorder = outer.create_task(supervise("recorder", recording), name="recorder")
        async with asyncio.TaskGroup() as inner:
            tasks = [
                inner.create_task(supervise(name, task), name=name) for name, task in others.items()
            ]
            tasks.append(inner.create_task(_control(parts), name="control"))
            parts.watchdog.ready()
            await stop.wait()
            parts.watchdog.stopping()
            for task in reversed(tasks):
                task.cancel()
        recorder.cancel()


async def _control(parts: Parts) -> None:
    """Tick once time runs: a simulated clock may still stand at its start."""
    await parts.clock.sleep(0.0)
    await parts.loop.run()
