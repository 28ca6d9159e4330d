"""A pytest plugin: `V2G_DISABLE=received:ocpp2.1:Heartbeat` takes that handler away."""

from __future__ import annotations

import os

from v2g_daemon.adapters.ocpp import handlers
from v2g_daemon.adapters.ocpp.config import OcppVersion
from v2g_daemon.adapters.ocpp.v16.handlers import ANSWERS
from v2g_daemon.adapters.ocpp.wire.codec import JsonObject
from v2g_daemon.adapters.ocpp.wire.session import CallOutcome, CallRejectedByError, StationSession


def pytest_configure() -> None:
    """Before any test is run."""
    way, version, action = os.environ["V2G_DISABLE"].split(":")
    if way == "received":
        _forget(OcppVersion(version), action)
    else:
        _mute(OcppVersion(version), action)


def _forget(version: OcppVersion, action: str) -> None:
    if version is OcppVersion.V1_6:
        del ANSWERS[action]
        return
    table = handlers.HANDLERS[version]
    assert isinstance(table, dict)
    del table[action]


def _mute(version: OcppVersion, muted: str) -> None:
    ask = StationSession.ask

    async def silent(
        self: StationSession, action: str, payload: JsonObject, *, timeout_s: float | None
    ) -> CallOutcome:
        if self.version is version and action == muted:
            return CallRejectedByError(code="NotSupported", text="disabled by the test")
        return await ask(self, action, payload, timeout_s=timeout_s)

    StationSession.ask = silent  # type: ignore[method-assign]
