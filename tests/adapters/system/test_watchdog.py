"""Notifications to a service manager's datagram socket."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from v2g_daemon.adapters.system.watchdog import SystemdWatchdog


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    """A listening socket and what NOTIFY_SOCKET would hold."""
    name = str(tmp_path / "n") if request.param == "path" else f"@v2g-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(name.replace("@", "\0", 1))
        listener.settimeout(2.0)
        yield listener, name


def test_start_life_and_end_are_notified(manager: tuple[socket.socket, str]) -> None:
    listener, name = manager
    watchdog = SystemdWatchdog.from_environment({"NOTIFY_SOCKET": name})
    watchdog.ready()
    watchdog.fed()
    watchdog.stopping()
    assert [listener.recv(100) for _ in range(3)] == [b"READY=1", b"WATCHDOG=1", b"STOPPING=1"]


@pytest.mark.parametrize("environment", [{}, {"NOTIFY_SOCKET": ""}])
def test_without_a_service_manager_nothing_happens(environment: dict[str, str]) -> None:
    SystemdWatchdog.from_environment(environment).fed()


def test_a_manager_that_is_gone_is_logged_once_and_never_raised(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    watchdog = SystemdWatchdog(notify_socket=str(tmp_path / "gone"))
    watchdog.fed()
    watchdog.fed()
    assert len(caplog.records) == 1


def test_a_manager_that_does_not_read_never_blocks_the_loop(tmp_path: Path) -> None:
    name = str(tmp_path / "full")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(name)
        watchdog = SystemdWatchdog(notify_socket=name)
        for _ in range(2000):
            watchdog.fed()
