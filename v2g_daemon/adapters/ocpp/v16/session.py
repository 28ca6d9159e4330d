"""The calls of 2.0.1 over a 1.6 session: what 1.6 cannot do is refused here, by name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from v2g_daemon.adapters.ocpp.config import OcppVersion
from v2g_daemon.adapters.ocpp.v16 import outbound
from v2g_daemon.adapters.ocpp.v16.memory import V16Memory
from v2g_daemon.adapters.ocpp.v16.spelling import Spelling
from v2g_daemon.adapters.ocpp.wire.codec import JsonObject
from v2g_daemon.adapters.ocpp.wire.session import (
    CallAnswered,
    CallOutcome,
    CallRejectedByError,
    StationCalls,
    StationConversation,
)
from v2g_daemon.adapters.ocpp.wire.turnstile import Urgency


class V16Calls:
    """Same surface as the session it wraps."""

    version = OcppVersion.V1_6

    def __init__(self, *, session: StationCalls, memory: V16Memory, spelling: Spelling) -> None:
        self._session = session
        self._memory = memory
        self._spelling = spelling

    async def call(
        self, action: str, payload: JsonObject, *, timeout_s: float | None = None
    ) -> CallOutcome:
        """Ask the station; the outcome is in the words of 2.0.1."""
        match action:
            case "GetVariables":
                return await self._get_variables(payload, timeout_s)
            case "SetVariables":
                return await self._set_variables(payload, timeout_s)
            case "GetBaseReport":
                return await self._get_base_report(timeout_s)
            case "GetTransactionStatus":  # 1.6 cannot ask; silence counts as ongoing
                return CallAnswered(payload={"messagesInQueue": False})
            case "TriggerMessage" if not outbound.triggerable(payload):
                return CallAnswered(payload={"status": "NotImplemented"})
            case _:
                pass
        translation = outbound.translation(action, payload)
        if translation is None:
            return CallRejectedByError(code="NotSupported", text=f"OCPP 1.6 has no {action}")
        if payload.get("requestedMessage") == "BootNotification":
            self._memory.boot_asked = True
        asked = translation.ask(payload)
        outcome = await self._session.call(translation.action, asked, timeout_s=timeout_s)
        if not isinstance(outcome, CallAnswered):
            return outcome
        return CallAnswered(payload=translation.answer(outcome.payload))

    async def _get_base_report(self, timeout_s: float | None) -> CallOutcome:
        """1.6 answers at once what 2.0.1 reports later; so `reportData` stands in the answer."""
        outcome = await self._session.call("GetConfiguration", {}, timeout_s=timeout_s)
        if not isinstance(outcome, CallAnswered):
            return outcome
        data = outbound.report_data(outcome.payload)
        return CallAnswered(payload={"status": "Accepted", "reportData": data})

    async def _get_variables(self, payload: JsonObject, timeout_s: float | None) -> CallOutcome:
        asked = payload["getVariableData"]
        keys = [outbound.configuration_key(one, self._spelling) for one in asked]
        known = [key for key in keys if key is not None]
        if not known:
            return CallAnswered(payload=outbound.variables_found(asked, keys, {}))
        outcome = await self._session.call("GetConfiguration", {"key": known}, timeout_s=timeout_s)
        if not isinstance(outcome, CallAnswered):
            return outcome
        answered = outcome.payload.get("configurationKey", ())
        self._spelling.seen((one["key"] for one in answered), asked=known)
        return CallAnswered(payload=outbound.variables_found(asked, keys, outcome.payload))

    async def _set_variables(self, payload: JsonObject, timeout_s: float | None) -> CallOutcome:
        results = []
        for asked in payload["setVariableData"]:
            key = outbound.configuration_key(asked, self._spelling)
            if key is None:
                results.append(outbound.written(asked, "NotSupported"))
                continue
            change = {"key": key, "value": asked["attributeValue"]}
            outcome = await self._session.call("ChangeConfiguration", change, timeout_s=timeout_s)
            if not isinstance(outcome, CallAnswered):
                return outcome
            results.append(outbound.written(asked, outcome.payload["status"]))
        return CallAnswered(payload={"setVariableResult": results})


class V16Conversation(V16Calls):
    """The same with turns."""

    def __init__(
        self, *, session: StationConversation, memory: V16Memory, spelling: Spelling
    ) -> None:
        super().__init__(session=session, memory=memory, spelling=spelling)
        self._turns = session

    @asynccontextmanager
    async def turn(self, urgency: Urgency) -> AsyncIterator[StationCalls]:
        """Hold the turn for several calls."""
        async with self._turns.turn(urgency) as calls:
            yield V16Calls(session=calls, memory=self._memory, spelling=self._spelling)
