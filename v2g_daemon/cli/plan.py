"""`v2g plan`: the next 48 hours as planned, and why."""

from __future__ import annotations

import json
import shutil

from v2g_daemon.cli.options import DEFAULT_CONFIG, ConfigOption, JsonOption, SocketOption


def plan(
    config: ConfigOption = DEFAULT_CONFIG,
    socket: SocketOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what is planned for each EVSE, slot by slot: why, and what price would change it."""
    from v2g_daemon.app.client import ask, socket_of
    from v2g_daemon.app.plan_text import plan_text

    found = ask(socket_of(socket, config), "GET", "/api/v1/plan")
    columns = shutil.get_terminal_size().columns
    print(json.dumps(found, indent=2) if as_json else plan_text(found, columns=columns))
