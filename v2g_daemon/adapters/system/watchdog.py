"""systemd's notification socket (sd_notify(3)): started, alive, stopping."""

from __future__ import annotations

import logging
import socket
from collections.abc import Mapping

_log = logging.getLogger(__name__)


class SystemdWatchdog:
    """Sends notifications; does nothing where there is no socket, and never blocks or raises."""

    def __init__(self, *, notify_socket: str | None) -> None:
        # "@" stands for the leading NUL of an abstract socket's name.
        self._address = notify_socket and notify_socket.replace("@", "\0", 1)
        self._failing = False

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> SystemdWatchdog:
        """The watchdog of the service that this process is, if it is one."""
        return cls(notify_socket=environment.get("NOTIFY_SOCKET"))

    def ready(self) -> None:
        """The daemon is up: Type=notify units are started now."""
        self._notify("READY=1")

    def fed(self) -> None:
        """The control loop advanced; without this, WatchdogSec ends the process."""
        self._notify("WATCHDOG=1")

    def stopping(self) -> None:
        """The daemon goes down in order."""
        self._notify("STOPPING=1")

    def _notify(self, message: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                sender.setblocking(False)
                sender.sendto(message.encode(), self._address)
        except OSError as error:
            if not self._failing:
                _log.warning("watchdog: systemd cannot be notified: %s", error)
            self._failing = True
        else:
            self._failing = False
