"""The session under abuse: broken frames, duplicates, silence, and the link's end."""

from __future__ import annotations

import asyncio
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosedOK

from tests.adapters.ocpp.conftest import Bench, Benches
from tests.adapters.ocpp.scripted_station import NEEDS_BPT, sample, station
from v2g_daemon.adapters.ocpp.config import OcppVersion
from v2g_daemon.adapters.ocpp.wire.codec import JsonObject
from v2g_daemon.adapters.ocpp.wire.session import (
    CallAnswered,
    CallOutcome,
    CallRejectedByError,
    CallTimedOut,
    LinkClosed,
    StationSession,
)
from v2g_daemon.domain.errors import InvariantViolated


class FakeLink:
    """Frames in a queue instead of a socket; None is the end of the link."""

    def __init__(self) -> None:
        self.incoming: asyncio.Queue[str | bytes | None] = asyncio.Queue()
        self.sent: list[list[object]] = []
        self.spoken = asyncio.Event()

    async def recv(self) -> str | bytes:
        frame = await self.incoming.get()
        if frame is None:
            raise ConnectionClosedOK(None, None)
        return frame

    async def send(self, message: str) -> None:
        self.sent.append(json.loads(message))
        self.spoken.set()


class Counting:
    """A handler that counts, and breaks when told to."""

    actions = frozenset({"Heartbeat", "DataTransfer", "BootNotification", "MeterValues"})

    def __init__(self) -> None:
        self.calls = 0
        self.tells = 0
        self.payloads: list[JsonObject] = []

    async def answer(self, action: str, payload: JsonObject) -> JsonObject:
        self.calls += 1
        self.payloads.append(payload)
        stamp = f"2024-01-01T00:00:{self.calls:02}Z"
        if action == "BootNotification":
            return {"currentTime": stamp, "interval": 60, "status": "Accepted"}
        if action == "MeterValues":
            return {}
        if action == "DataTransfer":
            if payload["vendorId"] == "invalid":
                return {"status": "Perhaps"}
            raise KeyError("a bug that quotes SECRET")
        return {"currentTime": stamp}

    def answered(self, action: str) -> None:
        del action

    def told(self, action: str, payload: JsonObject) -> None:
        self.tells += 1


class Talk:
    """A session running over a fake link."""

    def __init__(self, *, unknown_fields_tolerated: bool = True) -> None:
        self.link, self.handler = FakeLink(), Counting()
        self.session = StationSession(
            link=self.link,
            version=OcppVersion.V2_1,
            handler=self.handler,
            call_timeout_s=0.2,
            idle_timeout_s=5.0,
            unknown_fields_tolerated=lambda: unknown_fields_tolerated,
        )

    async def say(self, *frames: str | bytes) -> list[list[object]]:
        """Run a whole session that hears these frames; what it sent."""
        running = asyncio.create_task(self.session.run())
        for frame in frames:
            self.link.incoming.put_nowait(frame)
        for _ in range(50):
            await asyncio.sleep(0)
        self.link.incoming.put_nowait(None)
        async with asyncio.timeout(5):
            await running
        return self.link.sent


HEARTBEAT = '[2,"h1","Heartbeat",{}]'


@pytest.mark.parametrize(
    ("frame", "answer_id", "code"),
    [
        ("{", "-1", "RpcFrameworkError"),
        ("{}", "-1", "RpcFrameworkError"),
        ("[]", "-1", "RpcFrameworkError"),
        ('["2"]', "-1", "RpcFrameworkError"),
        ("[true]", "-1", "RpcFrameworkError"),
        ("[2]", "-1", "RpcFrameworkError"),
        ('[2,"a"]', "a", "RpcFrameworkError"),
        ('[2,7,"Heartbeat",{}]', "-1", "RpcFrameworkError"),
        ('[2,"a",{},{}]', "a", "FormatViolation"),
        ('[2,"a","Heartbeat",[]]', "a", "FormatViolation"),
        ('[9,"a","Heartbeat",{}]', "a", "MessageTypeNotSupported"),
        ('[2,"a","Heartbeat",{"x":NaN}]', "-1", "RpcFrameworkError"),
        ('[2,"a","Heartbeat",{"x":1e999}]', "-1", "RpcFrameworkError"),
        ("[" * 100_000, "-1", "RpcFrameworkError"),
        ("[2," + "9" * 5000 + "]", "-1", "RpcFrameworkError"),
        ("[2," + "9" * 1_000_000 + "]", "-1", "RpcFrameworkError"),
        (b"\x00\xff", "-1", "RpcFrameworkError"),
        ('\ufeff[2,"a","Heartbeat",{}]', "-1", "RpcFrameworkError"),
        ('[2,"a","Heartbeat",{}]\x00', "-1", "RpcFrameworkError"),
        ('[2,"a","Heart\x00beat",{}]', "-1", "RpcFrameworkError"),
        ('[2,"a","\\ud800",{}]', "a", "NotImplemented"),
        ('[2,"a","DataTransfer",{"vendorId":"x","vendorId":"y"}]', "-1", "RpcFrameworkError"),
        ('[2,"' + "a" * 256 + '","Heartbeat",{}]', "-1", "RpcFrameworkError"),
        ('[2,"a","NoSuchThing",{}]', "a", "NotImplemented"),
        ('[2,"a","../../secret",{}]', "a", "NotImplemented"),
        ('[2,"a","SetChargingProfile",{}]', "a", "NotSupported"),
        ('[2,"a","DataTransfer",{}]', "a", "OccurrenceConstraintViolation"),
        ('[2,"a","DataTransfer",{"vendorId":1}]', "a", "TypeConstraintViolation"),
        (
            '[2,"a","DataTransfer",{"vendorId":"' + "x" * 999 + '"}]',
            "a",
            "PropertyConstraintViolation",
        ),
    ],
)
async def test_a_broken_frame_gets_the_proper_error_and_the_session_lives(
    frame: str | bytes, answer_id: str, code: str
) -> None:
    error, alive = await Talk().say(frame, HEARTBEAT)
    assert error[:3] == [4, answer_id, code]
    assert len(str(error[3])) <= 255
    assert alive[:2] == [3, "h1"]


async def test_an_id_longer_than_the_protocol_allows_is_answered_up_to_a_bound() -> None:
    (reply,) = await Talk().say('[2,"' + "a" * 200 + '","Heartbeat",{}]')
    assert reply[:2] == [3, "a" * 200]


@pytest.mark.parametrize(
    "frame",
    [
        '[3,"nobody",{}]',
        '[3,"nobody"]',
        "[3]",
        '[4,"nobody","GenericError"]',
        "[4]",
        '[5,"a","X","",{}]',
        '[6,"s","NotifyPeriodicEventStream",{}]',
        "[6]",
    ],
)
async def test_what_needs_no_answer_gets_none(frame: str) -> None:
    (only,) = await Talk().say(frame, HEARTBEAT)
    assert only[:2] == [3, "h1"]


async def test_a_message_without_answer_is_handed_on() -> None:
    talk = Talk()
    await talk.say('[6,"s","NotifyPeriodicEventStream",{}]', HEARTBEAT)
    assert talk.handler.tells == 1


async def test_a_repeated_frame_is_answered_from_memory_and_handled_once() -> None:
    talk = Talk()
    first, again = await talk.say(HEARTBEAT, HEARTBEAT)
    assert first == again
    assert talk.handler.calls == 1


async def test_a_reused_id_with_another_message_is_handled() -> None:
    talk = Talk()
    await talk.say(HEARTBEAT, '[2,"h1","Heartbeat",{"customData":{"vendorId":"v"}}]')
    assert talk.handler.calls == 2


async def test_a_bug_in_a_handler_is_an_internal_error_and_its_text_stays_out_of_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    talk = Talk()
    broken, alive = await talk.say('[2,"a","DataTransfer",{"vendorId":"v"}]', HEARTBEAT)
    assert broken == [4, "a", "InternalError", "our fault", {}]
    assert alive[0] == 3
    assert talk.session.handler_failures == 1
    assert "KeyError" in caplog.text
    assert "SECRET" not in caplog.text


async def test_an_invalid_answer_of_ours_is_never_sent() -> None:
    (only,) = await Talk().say('[2,"a","DataTransfer",{"vendorId":"invalid"}]')
    assert only[:3] == [4, "a", "InternalError"]


async def outcome_of(
    answer: str | None,
    *,
    close: bool = False,
    tolerant: bool = True,
    action: str = "ClearCache",
    asked: JsonObject | None = None,
) -> CallOutcome:
    """What a call becomes when the station answers with that text ($ is the message id)."""
    talk = Talk(unknown_fields_tolerated=tolerant)
    running = asyncio.create_task(talk.session.run())
    calling = asyncio.create_task(talk.session.call(action, asked or {}))
    async with asyncio.timeout(1):
        await talk.link.spoken.wait()
    if answer is not None:
        talk.link.incoming.put_nowait(answer.replace("$", str(talk.link.sent[0][1])))
    if close:
        talk.link.incoming.put_nowait(None)
    outcome = await calling
    talk.link.incoming.put_nowait(None)
    await running
    return outcome


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ('[3,"$",{"status":"Accepted"}]', CallAnswered(payload={"status": "Accepted"})),
        (
            '[3,"$",{"status":"Accepted","vendor":1}]',
            CallAnswered(payload={"status": "Accepted", "vendor": 1}),
        ),
        ('[4,"$","NotSupported","no",{}]', CallRejectedByError(code="NotSupported", text="no")),
        ('[4,"$","NotSupported"]', CallRejectedByError(code="NotSupported", text="")),
        (
            '[3,"$",{"status":"Maybe"}]',
            CallRejectedByError(
                code="PropertyConstraintViolation", text="ClearCache: enum fails at $.status"
            ),
        ),
        (None, CallTimedOut(timeout_s=0.2)),
    ],
)
async def test_a_call_ends_in_one_of_the_typed_outcomes(
    answer: str | None, outcome: CallOutcome
) -> None:
    assert await outcome_of(answer) == outcome


async def test_a_call_fails_at_once_when_the_link_closes() -> None:
    async with asyncio.timeout(0.15):
        assert await outcome_of(None, close=True) == LinkClosed()


async def test_a_call_after_the_end_fails_at_once() -> None:
    talk = Talk()
    await talk.say()
    assert await talk.session.call("ClearCache", {}) == LinkClosed()


async def test_one_call_is_in_flight_at_a_time() -> None:
    talk = Talk()
    running = asyncio.create_task(talk.session.run())
    first = asyncio.create_task(talk.session.call("ClearCache", {}))
    second = asyncio.create_task(talk.session.call("GetLocalListVersion", {}))
    for _ in range(20):
        await asyncio.sleep(0)
    assert [frame[2] for frame in talk.link.sent] == ["ClearCache"]
    talk.link.incoming.put_nowait(f'[3,"{talk.link.sent[0][1]}",{{"status":"Accepted"}}]')
    await first
    for _ in range(20):
        await asyncio.sleep(0)
    assert [frame[2] for frame in talk.link.sent] == ["ClearCache", "GetLocalListVersion"]
    talk.link.incoming.put_nowait(None)
    assert await second == LinkClosed()
    await running


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
async def test_a_number_that_is_not_finite_never_leaves(value: float) -> None:
    talk = Talk()
    update = {"chargingProfileId": 1, "scheduleUpdate": {"setpoint": value}}
    with pytest.raises(InvariantViolated):
        await talk.session.call("UpdateDynamicSchedule", update)
    assert talk.link.sent == []


async def test_a_silent_link_ends_the_session() -> None:
    talk = Talk()
    talk.session._idle_timeout_s = 0.05
    async with asyncio.timeout(2):
        await talk.session.run()


FRAMES = st.lists(
    st.one_of(
        st.binary(max_size=64),
        st.text(max_size=64),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
            lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
            max_leaves=12,
        ).map(json.dumps),
        st.tuples(
            st.integers(0, 9),
            st.text(max_size=40) | st.integers(),
            st.sampled_from(["Heartbeat", "DataTransfer", "Authorize"]) | st.text(max_size=5),
            st.dictionaries(st.text(max_size=8), st.text(max_size=8) | st.integers(), max_size=3),
        ).map(json.dumps),
    ),
    max_size=8,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(frames=FRAMES)
def test_no_frame_breaks_the_session(frames: list[str | bytes]) -> None:
    async def survive() -> list[list[object]]:
        return await Talk().say(*frames, '[2,"last","Heartbeat",{}]')

    sent = asyncio.run(survive())
    assert [3, "last"] in [frame[:2] for frame in sent]
    assert all(len(str(frame[3])) <= 255 for frame in sent if frame[0] == 4)


async def test_a_black_hole_times_out_as_an_outcome_and_an_answer_that_is_late_does_no_harm(
    benches: Benches,
) -> None:
    async with benches(call_timeout_s=0.2) as bench, station(bench.central) as car:
        await car.configured()
        await car.event("Started", "CablePluggedIn", evse={"id": 1})
        await car.call("NotifyEVChargingNeeds", NEEDS_BPT)
        car.answers["SetChargingProfile"] = lambda _: None
        bench.setpoint(-3000.0)
        status = await bench.until(lambda s: s.outcome is not None)
        assert status.outcome is not None
        assert (status.outcome.kind.value, status.outcome.target_w) == ("timed_out", -3000.0)
        assert status.outcome.detail == "no answer within 0.2 s"
        await car.socket.send('[3,"long-gone",{"status":"Accepted"}]')
        del car.answers["SetChargingProfile"]
        bench.setpoint(-1600.0)
        await bench.until(lambda s: s.outcome is not None and s.outcome.target_w == -1600.0)


async def test_a_frame_over_the_size_bound_closes_with_1009(bench: Bench) -> None:
    async with station(bench.central, max_size=None) as car:
        await car.boot()
        await car.socket.send("x" * (1024 * 1024 + 1))
        async with asyncio.timeout(5):
            await car.socket.wait_closed()
        assert car.socket.close_code == 1009


async def test_messages_flow_while_a_call_of_ours_waits(benches: Benches) -> None:
    async with benches(call_timeout_s=30.0) as bench, station(bench.central) as car:
        await car.configured()
        await car.event("Started", "CablePluggedIn", evse={"id": 1})
        await car.call("NotifyEVChargingNeeds", NEEDS_BPT)
        car.answers["SetChargingProfile"] = lambda _: None
        bench.setpoint(-3000.0)
        await car.asked("SetChargingProfile", count=2)
        values = [
            {
                "timestamp": "2024-12-11T17:00:05Z",
                "sampledValue": [sample("Power.Active.Import", 5)],
            }
        ]
        await car.event("Updated", "MeterValuePeriodic", meterValue=values)
        assert bench.status.power_w == 5.0


BOOT_WITH_MOOD = json.dumps(
    [
        2,
        "a",
        "BootNotification",
        {
            "reason": "PowerUp",
            "mood": "good",
            "chargingStation": {"model": "M", "vendorName": "V", "colour": "red"},
        },
    ]
)


async def test_unknown_fields_at_any_depth_are_left_out_before_the_handler_sees_them() -> None:
    talk = Talk()
    (answer,) = await talk.say(BOOT_WITH_MOOD)
    assert answer[:2] == [3, "a"]
    told = {"reason": "PowerUp", "chargingStation": {"model": "M", "vendorName": "V"}}
    assert talk.handler.payloads == [told]


async def test_a_strict_central_system_refuses_unknown_fields() -> None:
    (answer,) = await Talk(unknown_fields_tolerated=False).say(BOOT_WITH_MOOD)
    assert answer[:3] == [4, "a", "FormatViolation"]


def results(*, count: int, whole: bool) -> JsonObject:
    """A GetVariables answer with a field of the vendor's own in each result."""
    found: JsonObject = {
        "attributeStatus": "Accepted",
        "attributeValue": "1",
        "component": {"name": "C"},
        "variable": {"name": "V"},
        "mood": "good",
    }
    more = {} if whole else {name: found[name] for name in ("component", "variable")}
    return {"getVariableResult": [found] * count + [more or found]}


async def variables_answered(payload: JsonObject, *, tolerant: bool = True) -> CallOutcome:
    return await outcome_of(
        f'[3,"$",{json.dumps(payload)}]',
        tolerant=tolerant,
        action="GetVariables",
        asked={"getVariableData": [{"component": {"name": "C"}, "variable": {"name": "V"}}]},
    )


async def test_unknown_fields_do_not_hide_that_an_answer_lacks_one() -> None:
    whole = results(count=30, whole=True)
    assert await variables_answered(whole) == CallAnswered(payload=whole)
    outcome = await variables_answered(results(count=30, whole=False))
    assert isinstance(outcome, CallRejectedByError)
    assert outcome.code == "OccurrenceConstraintViolation"


async def test_a_strict_central_system_takes_no_answer_with_unknown_fields() -> None:
    outcome = await variables_answered(results(count=1, whole=True), tolerant=False)
    assert isinstance(outcome, CallRejectedByError)
    assert outcome.code == "FormatViolation"


async def test_unknown_fields_in_every_sample_are_left_out() -> None:
    values = [{"value": float(number), "mood": "good"} for number in range(60)]
    told = {
        "evseId": 1,
        "meterValue": [{"timestamp": "2024-12-11T17:00:00Z", "sampledValue": values}],
    }
    talk = Talk()
    await talk.say(json.dumps([2, "a", "MeterValues", told]))
    (payload,) = talk.handler.payloads
    assert payload["meterValue"][0]["sampledValue"] == [
        {"value": float(number)} for number in range(60)
    ]
