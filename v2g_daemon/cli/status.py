"""`v2g status`: what the running daemon does, and why."""

from __future__ import annotations

import json

from v2g_daemon.cli.options import DEFAULT_CONFIG, ConfigOption, JsonOption, SocketOption


def status(
    config: ConfigOption = DEFAULT_CONFIG,
    socket: SocketOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the house, each EVSE with its setpoint and reason, and the faults in force."""
    from v2g_daemon.app.client import ask, socket_of
    from v2g_daemon.app.status_text import status_text

    found = ask(socket_of(socket, config), "GET", "/api/v1/status")
    print(json.dumps(found, indent=2) if as_json else status_text(found))
