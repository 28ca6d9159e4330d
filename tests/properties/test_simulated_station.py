"""Whatever a central system may validly ask: the simulated station answers and finds no fault."""

from __future__ import annotations

import asyncio
import functools
import json
import math
from collections.abc import AsyncIterator
from importlib.resources import files
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from simulators.station.link import Link, LinkLost
from simulators.station.misbehaviour.frames import Socket
from simulators.station.wire import violation
from tests.unit.simulators.rig import rig

Json = dict[str, Any]
Draw = Any
PACKAGES = {"ocpp2.1": "v21", "ocpp2.0.1": "v201", "ocpp1.6": "v16"}
FROM_US = {
    "ocpp2.1": (
        "AFRRSignal ChangeAvailability ClearCache ClearChargingProfile DataTransfer GetBaseReport "
        "GetChargingProfiles GetCompositeSchedule GetReport GetTransactionStatus GetVariables "
        "NotifyAllowedEnergyTransfer RequestStartTransaction RequestStopTransaction Reset "
        "SendLocalList SetChargingProfile SetDERControl SetVariables TriggerMessage "
        "UnlockConnector UpdateDynamicSchedule UsePriorityCharging"
    ).split(),
    "ocpp2.0.1": (
        "ChangeAvailability ClearCache ClearChargingProfile DataTransfer GetBaseReport "
        "GetChargingProfiles GetCompositeSchedule GetReport GetTransactionStatus GetVariables "
        "RequestStartTransaction RequestStopTransaction Reset SetChargingProfile SetVariables "
        "TriggerMessage UnlockConnector"
    ).split(),
    "ocpp1.6": (
        "ChangeAvailability ChangeConfiguration ClearCache ClearChargingProfile DataTransfer "
        "GetCompositeSchedule GetConfiguration RemoteStartTransaction RemoteStopTransaction "
        "Reset SetChargingProfile TriggerMessage UnlockConnector"
    ).split(),
}
# Values that make a message mean something to this station.
KNOWN: dict[str, list[Any]] = {
    "evseId": [0, 1],
    "connectorId": [0, 1],
    "stackLevel": [0, 1, 2],
    "id": [1, 2, 3],
    "chargingProfileId": [1, 2, 3],
    "startPeriod": [0],
    "duration": [60, 600],
    "name": ["SmartChargingCtrlr", "Enabled", "SampledDataCtrlr", "TxUpdatedInterval"],
    "key": ["HeartbeatInterval", "MeterValueSampleInterval"],
    "chargingProfilePurpose": ["TxProfile", "TxDefaultProfile"],
}
STAMPS = ["2024-12-11T16:30:00Z", "2024-12-11T17:00:00+01:00"]


@functools.cache
def schema_of(version: str, action: str) -> Json:
    """The published schema of a request."""
    name = action if version == "ocpp1.6" else f"{action}Request"
    source = files(f"ocpp.{PACKAGES[version]}").joinpath("schemas", f"{name}.json")
    found: Json = json.loads(source.read_text(encoding="utf-8-sig"))
    return found


def drawn(draw: Draw, schema: Json, root: Json, name: str, known: dict[str, list[Any]]) -> Any:
    """A value that the schema allows; one that means something where there is one."""
    if "$ref" in schema:
        return drawn(draw, root["definitions"][schema["$ref"].split("/")[-1]], root, name, known)
    choices = [
        one
        for one in known.get(name, [])
        if one in schema.get("enum", [one])
        and (isinstance(one, str) or one >= schema.get("minimum", one))
    ]
    if choices and schema.get("type") not in {"array", "object"} and draw(st.integers(0, 3)):
        return draw(st.sampled_from(choices))
    if "enum" in schema:
        return draw(st.sampled_from(schema["enum"]))
    match schema.get("type"):
        case "object":
            needed = schema.get("required", [])
            return {
                key: drawn(draw, inner, root, key, known)
                for key, inner in schema.get("properties", {}).items()
                if key != "customData" and (key in needed or draw(st.booleans()))
            }
        case "array":
            most = min(schema.get("maxItems", 3), 3)
            count = draw(st.integers(max(schema.get("minItems", 0), 0), most))
            return [drawn(draw, schema["items"], root, name, known) for _ in range(count)]
        case "boolean":
            return draw(st.booleans())
        case "integer":
            return draw(st.integers(*bounds(schema)))
        case "number":
            lowest, highest = bounds(schema)
            return draw(st.integers(lowest * 10, highest * 10)) / 10.0
        case "string" if schema.get("format") == "date-time":
            return draw(st.sampled_from(STAMPS))
        case _:
            longest = min(schema.get("maxLength", 20), 20)
            return draw(st.text(alphabet="abc1", min_size=1, max_size=longest))


def bounds(schema: Json) -> tuple[int, int]:
    """Whole numbers that a schema allows, not too far out."""
    lowest, highest = schema.get("minimum", -10_000), schema.get("maximum", 10_000)
    return math.ceil(lowest), math.floor(highest)


class MemorySocket:
    """Hands frames over one by one and keeps what is sent."""

    def __init__(self, texts: list[str]) -> None:
        self.texts = texts
        self.sent: list[Any] = []
        self.protocol = SimpleNamespace(close_rcvd_then_sent=None)

    async def __aiter__(self) -> AsyncIterator[str]:
        for text in self.texts:
            yield text

    async def send(self, text: str) -> None:
        self.sent.append(json.loads(text))


@st.composite
def conversations(draw: Draw, version: str) -> list[tuple[str, Json]]:
    """A few valid calls; transaction ids are "running" where they mean the one that runs."""
    known = {**KNOWN, "transactionId": [41] if version == "ocpp1.6" else ["running"]}
    calls = []
    for action in draw(st.lists(st.sampled_from(FROM_US[version]), min_size=1, max_size=6)):
        root = schema_of(version, action)
        calls.append((action, drawn(draw, root, root, "", known)))
    return calls


@pytest.mark.parametrize("version", PACKAGES)
def test_valid_calls_are_answered_and_never_blamed(version: str) -> None:
    @given(conversations(version))
    @settings(max_examples=60, phases=(Phase.reuse, Phase.generate, Phase.shrink))
    def judge(calls: list[tuple[str, Json]]) -> None:
        converse(version, calls)

    judge()


def converse(version: str, calls: list[tuple[str, Json]]) -> None:
    """One conversation with a station that charges."""
    made = rig(versions=[version])
    made.run(10.0)
    station = made.station
    assert station.transaction is not None
    station.numbers[station.transaction.id] = 41
    texts = []
    for number, (action, payload) in enumerate(calls):
        told = json.dumps([2, str(number), action, payload])
        texts.append(told.replace('"running"', json.dumps(station.transaction.id)))
        assert violation(version, action, "Request", payload) is None
    socket = MemorySocket(texts)
    link = Link(socket=cast(Socket, socket), station=station, version=version, offered=[version])
    with pytest.raises(LinkLost):
        asyncio.run(link.read())
    assert [frame[1] for frame in socket.sent] == [str(number) for number in range(len(calls))]
    assert {frame[2] for frame in socket.sent if frame[0] == 4} <= {"NotImplemented"}
    assert station.counts.protocol_errors == []
    made.run(5.0)
    assert math.isfinite(made.power_w)
