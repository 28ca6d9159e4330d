"""`v2g run`: the daemon in the foreground."""

from __future__ import annotations

import asyncio
import logging

from v2g_daemon.cli.options import DEFAULT_CONFIG, ConfigOption


def run(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Run the daemon until SIGTERM or Ctrl-C."""
    from v2g_daemon.app.run import run_until_signal
    from v2g_daemon.app.understood import load

    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)  # one line per request is no news
    asyncio.run(run_until_signal(load(config), path=config))
