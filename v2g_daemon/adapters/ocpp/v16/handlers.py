"""Answers a 1.6 station by asking the 2.0.1 handlers in its place."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from v2g_daemon.adapters.ocpp.handlers import StationHandlers
from v2g_daemon.adapters.ocpp.v16 import inbound
from v2g_daemon.adapters.ocpp.v16.memory import V16Memory
from v2g_daemon.adapters.ocpp.wire.codec import JsonObject

Answerer = Callable[["V16Handlers", JsonObject], Awaitable[JsonObject]]


class V16Handlers:
    """Every action a 1.6 station may send, with its security extension."""

    def __init__(self, *, inner: StationHandlers, memory: V16Memory) -> None:
        self._inner = inner
        self._memory = memory

    @property
    def actions(self) -> frozenset[str]:
        """What a station may ask in this version."""
        return frozenset(ANSWERS)

    async def answer(self, action: str, payload: JsonObject) -> JsonObject:
        """The 1.6 answer to a schema-valid call."""
        return await ANSWERS[action](self, payload)

    def answered(self, action: str) -> None:
        """The answer is out."""
        self._inner.answered(action)

    def told(self, action: str, payload: JsonObject) -> None:
        """1.6 knows no messages without an answer."""
        del action, payload

    async def boot(self, payload: JsonObject) -> JsonObject:
        """Its answer has the same fields in both versions."""
        triggered, self._memory.boot_asked = self._memory.boot_asked, False
        told = inbound.boot(payload, triggered=triggered)
        return await self._inner.answer("BootNotification", told)

    async def same(self, action: str, payload: JsonObject) -> JsonObject:
        """A message that 2.0.1 has kept as it was."""
        return await self._inner.answer(action, payload)

    async def authorize(self, payload: JsonObject) -> JsonObject:
        """Authorize."""
        told = {"idToken": inbound.id_token(payload["idTag"])}
        return {"idTagInfo": inbound.id_tag_info(await self._inner.answer("Authorize", told))}

    async def connector(self, payload: JsonObject) -> JsonObject:
        """A status of the outlet, and of the transaction that runs there."""
        now_utc = self._inner.clock.now().utc
        told = inbound.connector(payload, now_utc=now_utc)
        await self._inner.answer("StatusNotification", told)
        running = self._memory.running(payload["connectorId"])
        if running is not None:
            event = inbound.charging_state(
                payload,
                transaction_id=running,
                seq_no=self._memory.next_seq_no(),
                now_utc=now_utc,
            )
            if event is not None:
                await self._inner.answer("TransactionEvent", event)
        return {}

    async def start(self, payload: JsonObject) -> JsonObject:
        """StartTransaction: the central system gives the number."""
        now_utc = self._inner.clock.now().utc
        number = await self._memory.number(payload, now_utc)
        event = inbound.started(
            payload,
            transaction_id=number,
            seq_no=self._memory.next_seq_no(),
            now_utc=now_utc,
        )
        answer = await self._inner.answer("TransactionEvent", event)
        return {"transactionId": number, "idTagInfo": inbound.id_tag_info(answer)}

    async def stop(self, payload: JsonObject) -> JsonObject:
        """StopTransaction."""
        number = payload["transactionId"]
        event = inbound.stopped(
            payload,
            evse_number=self._memory.connector_of(number),
            seq_no=self._memory.next_seq_no(),
            now_utc=self._inner.clock.now().utc,
        )
        answer = await self._inner.answer("TransactionEvent", event)
        self._memory.over(number)
        return {"idTagInfo": inbound.id_tag_info(answer)} if "idTag" in payload else {}

    async def meter_values(self, payload: JsonObject) -> JsonObject:
        """MeterValues, of a transaction or of the outlet."""
        number, connector = payload.get("transactionId"), payload["connectorId"]
        if number is None or connector == 0:
            values = inbound.meter_values(payload["meterValue"])
            if values:
                told = {"evseId": connector, "meterValue": values}
                await self._inner.answer("MeterValues", told)
            return {}
        self._memory.seen(number, connector)
        seq_no = self._memory.next_seq_no()
        event = inbound.sampled(payload, evse_number=connector, seq_no=seq_no)
        if event is not None:
            await self._inner.answer("TransactionEvent", event)
        return {}

    async def log_status(self, payload: JsonObject) -> JsonObject:
        """DiagnosticsStatusNotification."""
        return await self._inner.answer("LogStatusNotification", inbound.log_status(payload))


async def _noted(handlers: V16Handlers, payload: JsonObject) -> JsonObject:
    del handlers, payload
    return {}


def _same(action: str) -> Answerer:
    async def forwarded(handlers: V16Handlers, payload: JsonObject) -> JsonObject:
        return await handlers.same(action, payload)

    return forwarded


ANSWERS: dict[str, Answerer] = {
    "Authorize": V16Handlers.authorize,
    "BootNotification": V16Handlers.boot,
    "DataTransfer": _same("DataTransfer"),
    "DiagnosticsStatusNotification": V16Handlers.log_status,
    "FirmwareStatusNotification": _noted,
    "Heartbeat": _same("Heartbeat"),
    "LogStatusNotification": _same("LogStatusNotification"),
    "MeterValues": V16Handlers.meter_values,
    "SecurityEventNotification": _same("SecurityEventNotification"),
    "SignCertificate": _same("SignCertificate"),
    "SignedFirmwareStatusNotification": _noted,
    "StartTransaction": V16Handlers.start,
    "StatusNotification": V16Handlers.connector,
    "StopTransaction": V16Handlers.stop,
}
