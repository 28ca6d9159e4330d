"""A pytest plugin that takes one message away, by `V2G_DISABLE`.

`answered:ocpp2.1:Heartbeat` removes its handler. `handled:ocpp2.1:MeterValues` gives the empty
answer and heeds nothing, where an empty answer is one; else it removes the handler too.
`sent:ocpp2.1:Reset` refuses what we ask.
"""

from __future__ import annotations

import os

from v2g_daemon.adapters.ocpp.config import OcppVersion
from v2g_daemon.adapters.ocpp.handlers import HANDLERS, Handler, StationHandlers
from v2g_daemon.adapters.ocpp.v16.handlers import ANSWERS, V16Handlers
from v2g_daemon.adapters.ocpp.wire.codec import JsonObject
from v2g_daemon.adapters.ocpp.wire.schemas import result_violation
from v2g_daemon.adapters.ocpp.wire.session import CallOutcome, CallRejectedByError, StationSession


def pytest_configure() -> None:
    """Before any test is run."""
    way, version, action = os.environ["V2G_DISABLE"].split(":")
    if way == "sent":
        _mute(OcppVersion(version), action)
    elif way == "handled" and result_violation(OcppVersion(version), action, {}) is None:
        _deafen(OcppVersion(version), action)
    else:
        _forget(OcppVersion(version), action)


def _deafen(version: OcppVersion, action: str) -> None:
    async def old_deaf(handlers: V16Handlers, payload: JsonObject) -> JsonObject:
        del handlers, payload
        return {}

    def deaf(handlers: StationHandlers, payload: JsonObject) -> JsonObject:
        del handlers, payload
        return {}

    if version is OcppVersion.V1_6:
        ANSWERS[action] = old_deaf
    else:
        _table(version)[action] = deaf


def _forget(version: OcppVersion, action: str) -> None:
    if version is OcppVersion.V1_6:
        del ANSWERS[action]
        return
    del _table(version)[action]


def _table(version: OcppVersion) -> dict[str, Handler]:
    table = HANDLERS[version]
    assert isinstance(table, dict)
    return table


def _mute(version: OcppVersion, muted: str) -> None:
    ask = StationSession.ask

    async def silent(
        self: StationSession, action: str, payload: JsonObject, *, timeout_s: float | None
    ) -> CallOutcome:
        if self.version is version and action == muted:
            return CallRejectedByError(code="NotSupported", text="disabled by the test")
        return await ask(self, action, payload, timeout_s=timeout_s)

    StationSession.ask = silent  # type: ignore[method-assign]
