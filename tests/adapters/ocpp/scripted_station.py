"""A station on bare websockets that says what the test tells it, and checks us by the schemas."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any

from jsonschema import Draft4Validator
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from v2g_daemon.adapters.ocpp import CentralSystem
from v2g_daemon.domain.clock import ClockWitness
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.ledger import StationEvent, StationEventKind
from v2g_daemon.domain.readings import EvseStatus, MeterReading

Json = dict[str, Any]
UNSPOKEN = "ocpp2.0.1"  # what a station speaks that names no version
START_UTC = datetime(2024, 12, 11, 17, 0, 0, tzinfo=UTC)


class SteppedClock:
    """A clock that moves only when the test says so."""

    def __init__(self) -> None:
        self.elapsed_s = 0.0
        self.is_trusted = True

    def now(self) -> Instant:
        return Instant(
            utc=START_UTC + timedelta(seconds=self.elapsed_s), monotonic_s=100.0 + self.elapsed_s
        )

    def trusted(self) -> bool:
        return self.is_trusted

    async def sleep(self, seconds_s: float) -> None:
        self.elapsed_s += seconds_s

    def stamp(self) -> str:
        return self.now().utc.isoformat().replace("+00:00", "Z")


class MemoryJournal:
    """A station journal without a disk; `order` is what was kept, oldest first."""

    def __init__(self) -> None:
        self.order: list[StationEvent] = []
        self.durable = True

    async def keep(self, event: StationEvent) -> bool:
        self.order.append(event)
        return self.durable

    def note(self, event: StationEvent) -> None:
        self.order.append(event)

    def newest(self, station_id: str, kind: StationEventKind, name: str) -> StationEvent | None:
        wanted = (station_id, kind, name)
        found = [one for one in self.order if (one.station_id, one.kind, one.name) == wanted]
        return found[-1] if found else None


class Sink:
    """Keeps the newest status of each EVSE, says when one came, and keeps told times."""

    def __init__(self) -> None:
        self.evse: dict[str, EvseStatus] = {}
        self.upstream: list[tuple[str, MeterReading]] = []
        self.witnesses: list[ClockWitness] = []
        self.news = asyncio.Event()

    def put_clock_witness(self, witness: ClockWitness) -> None:
        self.witnesses.append(witness)

    def put_evse(self, status: EvseStatus) -> None:
        self.evse[status.evse_id] = status
        self.news.set()

    def _never(self, *_: object) -> None:
        raise AssertionError("the OCPP adapter observes EVSEs and clocks only")

    def put_upstream(self, evse_id: str, reading: MeterReading) -> None:
        self.upstream.append((evse_id, reading))

    put_prices = put_override = put_car_answer = cancel_overrides = clear_latch = _never


def schema(version: str, name: str) -> Draft4Validator:
    folder = "v" + version.removeprefix("ocpp").replace(".", "")
    if version == "ocpp1.6":  # its requests have no suffix
        name = name.removesuffix("Request")
    text = (files("ocpp") / folder / "schemas" / f"{name}.json").read_text(encoding="utf-8-sig")
    return Draft4Validator(json.loads(text))


DEVICE_MODEL = {
    ("ChargingStation", "SerialNumber"): "SIM-7",
    ("SmartChargingCtrlr", "RateUnit"): "W,A",
    ("SmartChargingCtrlr", "ProfileStackLevel"): "5",
    ("SmartChargingCtrlr", "SupportsFeature"): "true",
    (
        "V2XChargingCtrlr",
        "SupportedOperationModes",
    ): "ChargingOnly,CentralSetpoint",
    ("SampledDataCtrlr", "TxUpdatedInterval"): "60",
    ("SampledDataCtrlr", "TxUpdatedMeasurands"): "Energy.Active.Import.Register",
}


class ScriptedStation:
    """One connection; `answers[action]` overrides how a call of the central system is answered."""

    def __init__(self, socket: ClientConnection, version: str) -> None:
        self.socket = socket
        self.version = version
        self.device_model = dict(DEVICE_MODEL)
        self.received: list[tuple[str, Json]] = []
        self.broken: list[str] = []
        self.answers: dict[str, Callable[[Json], Json | None]] = {}
        self.replies: dict[str, asyncio.Future[list[Any]]] = {}
        self._arrived = asyncio.Condition()
        self._next_id = 0

    async def listen(self) -> None:
        async for raw in self.socket:
            frame = json.loads(raw)
            if frame[0] == 2:
                await self._answer(frame)
            else:
                waiting = self.replies.get(frame[1])
                if waiting is not None and not waiting.done():
                    waiting.set_result(frame)

    async def _answer(self, frame: list[Any]) -> None:
        _, message_id, action, payload = frame
        self.broken += [
            e.message for e in schema(self.version, f"{action}Request").iter_errors(payload)
        ]
        scripted = self.answers.get(action)
        answer = self._usual(action, payload) if scripted is None else scripted(payload)
        if answer is not None:
            kind = (
                [4, message_id, answer["error"], "", {}]
                if "error" in answer
                else [3, message_id, answer]
            )
            await self.socket.send(json.dumps(kind))
        async with self._arrived:
            self.received.append((action, payload))
            self._arrived.notify_all()

    def _usual(self, action: str, payload: Json) -> Json:
        if action == "GetVariables":
            return {
                "getVariableResult": [self._variable(one) for one in payload["getVariableData"]]
            }
        if action == "SetVariables":
            return {
                "setVariableResult": [
                    {k: one[k] for k in ("component", "variable")} | {"attributeStatus": "Accepted"}
                    for one in payload["setVariableData"]
                ]
            }
        if action == "TriggerMessage":
            return {"status": "Rejected"}
        if action == "GetBaseReport":
            return {"status": "NotSupported"}
        if action == "GetChargingProfiles":
            return {"status": "NoProfiles"}
        if action == "GetConfiguration":
            return {"configurationKey": []}
        if action == "GetTransactionStatus":
            return {"messagesInQueue": False, "ongoingIndicator": True}
        return {"status": "Accepted"}

    def _variable(self, asked: Json) -> Json:
        value = self.device_model.get((asked["component"]["name"], asked["variable"]["name"]))
        found: Json = {"component": asked["component"], "variable": asked["variable"]}
        if value is None:
            return {**found, "attributeStatus": "UnknownComponent"}
        return {**found, "attributeStatus": "Accepted", "attributeValue": value}

    async def raw_call(self, message_id: str, action: str, payload: Any) -> list[Any]:
        self.replies[message_id] = asyncio.get_running_loop().create_future()
        await self.socket.send(json.dumps([2, message_id, action, payload]))
        async with asyncio.timeout(5):
            return await self.replies[message_id]

    async def call(self, action: str, payload: Json) -> Json:
        self._next_id += 1
        reply = await self.raw_call(f"m{self._next_id}", action, payload)
        assert reply[0] == 3, reply
        schema(self.version, f"{action}Response").validate(reply[2])
        answer: Json = reply[2]
        return answer

    async def frame(self, raw: str | bytes, *, reply_id: str = "-1") -> list[Any]:
        self.replies[reply_id] = asyncio.get_running_loop().create_future()
        await self.socket.send(raw)
        async with asyncio.timeout(5):
            return await self.replies[reply_id]

    async def asked(self, action: str, *, count: int = 1) -> Json:
        """The payload of the count-th call of that action, once it has arrived and is answered."""
        async with asyncio.timeout(5), self._arrived:
            await self._arrived.wait_for(lambda: len(self.of(action)) >= count)
        return self.of(action)[count - 1]

    def of(self, action: str) -> list[Json]:
        return [payload for name, payload in self.received if name == action]

    def profiles(self, purpose: str = "TxProfile") -> list[Json]:
        sent = [one["chargingProfile"] for one in self.of("SetChargingProfile")]
        return [one for one in sent if one["chargingProfilePurpose"] == purpose]

    async def boot(self, reason: str = "PowerUp") -> Json:
        station = {"model": "M", "vendorName": "V", "serialNumber": "SIM-7"}
        return await self.call("BootNotification", {"chargingStation": station, "reason": reason})

    async def configured(self) -> None:
        """Boot, and wait until the central system has asked its last question."""
        await self.boot()
        await self.call("StatusNotification", connector("Available"))
        await self.settled()

    async def settled(self, *, times: int = 1) -> None:
        """The central system's last question after a boot: who else limits the station."""
        last: Json = {"chargingProfile": {}}
        async with asyncio.timeout(5), self._arrived:
            await self._arrived.wait_for(
                lambda: (
                    sum(last.items() <= one.items() for one in self.of("GetChargingProfiles"))
                    >= times
                )
            )

    async def event(self, kind: str, trigger: str, **more: Any) -> Json:
        return await self.call("TransactionEvent", event(kind, trigger, **more))


def connector(status: str) -> Json:
    return {
        "timestamp": "2024-12-11T17:00:00Z",
        "connectorStatus": status,
        "evseId": 1,
        "connectorId": 1,
    }


def event(kind: str, trigger: str, *, at: str = "2024-12-11T17:00:00Z", **more: Any) -> Json:
    info = {"transactionId": more.pop("tx", "tx-1"), **more.pop("info", {})}
    return {
        "eventType": kind,
        "timestamp": at,
        "triggerReason": trigger,
        "seqNo": 0,
        "transactionInfo": info,
        **more,
    }


def sample(measurand: str, value: float, unit: str | None = None, **more: Any) -> Json:
    found: Json = {"measurand": measurand, "value": value, **more}
    return found if unit is None else {**found, "unitOfMeasure": {"unit": unit}}


TOKEN = {
    "idToken": "TOKEN-1",
    "type": "eMAID",
    "additionalInfo": [{"additionalIdToken": "EVCC-1", "type": "EVCCID"}],
}
NEEDS_BPT: Json = {
    "evseId": 1,
    "chargingNeeds": {
        "requestedEnergyTransfer": "AC_BPT",
        "controlMode": "DynamicControl",
        "v2xChargingParameters": {
            "minChargePower": 1400,
            "maxChargePower": 7000,
            "minDischargePower": 1500,
            "maxDischargePower": 5000,
        },
    },
}


def url(central: CentralSystem, station_id: str = "S1", *, tls: bool = False) -> str:
    port = central.bound_tls_port if tls else central.bound_port
    return f"{'wss' if tls else 'ws'}://127.0.0.1:{port}/ocpp/{station_id}"


def credentials(user: str = "S1", password: str = "correct horse battery") -> dict[str, str]:
    token = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"Authorization": f"Basic {token}"}


@asynccontextmanager
async def station(
    central: CentralSystem, *, versions: tuple[str, ...] = ("ocpp2.1",), **options: Any
) -> AsyncIterator[ScriptedStation]:
    """A connected station that answers in the background."""
    options = {"additional_headers": credentials(), "compression": None, **options}
    async with connect(
        url(central, tls="ssl" in options),
        subprotocols=[Subprotocol(one) for one in versions] or None,
        **options,
    ) as socket:
        scripted = ScriptedStation(socket, socket.subprotocol or UNSPOKEN)
        listening = asyncio.create_task(scripted.listen())
        try:
            yield scripted
        finally:
            listening.cancel()
