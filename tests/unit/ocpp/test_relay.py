"""The parts of the relay without a socket: what waits, what is said no to, whose number it is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.adapters.ocpp.scripted_station import START_UTC, MemoryJournal, SteppedClock, schema
from v2g_daemon.adapters.ocpp.config import EvseConfig, OcppVersion, StationConfig
from v2g_daemon.adapters.ocpp.handlers import HANDLERS
from v2g_daemon.adapters.ocpp.relay.backlog import (
    MOST_BYTES,
    MOST_MESSAGES,
    MOST_TRANSACTIONS,
    Backlog,
    Waiting,
)
from v2g_daemon.adapters.ocpp.relay.ear import Ear
from v2g_daemon.adapters.ocpp.relay.numbers import NumberBook
from v2g_daemon.adapters.ocpp.relay.words import KEPT_BACK, forwarded, refusal
from v2g_daemon.adapters.ocpp.v16.handlers import ANSWERS
from v2g_daemon.adapters.ocpp.wire.codec import CallFrame
from v2g_daemon.adapters.ocpp.wire.schemas import known_actions
from v2g_daemon.domain.instant import Instant

Json = dict[str, Any]
NOW = Instant(utc=START_UTC, monotonic_s=100.0)


def waiting(action: str, *, size_bytes: int = 100, **payload: Any) -> Waiting:
    return Waiting(message_id="m", action=action, payload=payload, size_bytes=size_bytes)


def left(backlog: Backlog) -> list[Waiting]:
    found = []
    while (message := backlog.first()) is not None:
        found.append(message)
        backlog.done(message)
    return found


def test_samples_go_first_then_events_and_what_begins_or_ends_stays() -> None:
    backlog = Backlog()
    started = waiting("TransactionEvent", eventType="Started")
    event = waiting("NotifyEvent")
    old = waiting("TransactionEvent", eventType="Updated")
    for message in (started, event, old):
        backlog.put(message)
    for _ in range(MOST_MESSAGES):
        backlog.put(waiting("MeterValues"))
    assert backlog.dropped_count == 3
    found = left(backlog)
    assert found[:2] == [started, event]
    assert old not in found
    assert len(found) == MOST_MESSAGES


def test_a_backlog_of_ends_only_is_bounded_too() -> None:
    backlog = Backlog()
    ends = [waiting("StopTransaction", transactionId=n) for n in range(MOST_TRANSACTIONS + 10)]
    for message in ends:
        backlog.put(message)
    assert left(backlog) == ends[10:]
    assert backlog.dropped_count == 10


def test_large_messages_are_bounded_in_bytes() -> None:
    backlog = Backlog()
    for _ in range(10):
        backlog.put(waiting("NotifyEvent", size_bytes=MOST_BYTES // 4))
    assert len(backlog) == 4


def test_a_message_that_was_dropped_under_way_is_no_trouble_when_it_is_done() -> None:
    backlog = Backlog()
    first = waiting("MeterValues")
    backlog.put(first)
    for _ in range(MOST_MESSAGES):
        backlog.put(waiting("MeterValues"))
    backlog.done(first)
    assert len(backlog) == MOST_MESSAGES


@given(
    kinds=st.lists(
        st.sampled_from(["MeterValues", "NotifyEvent", "StartTransaction", "StopTransaction"]),
        max_size=700,
    )
)
def test_the_order_of_what_is_left_is_the_order_in_which_it_came(kinds: list[str]) -> None:
    backlog = Backlog()
    messages = [waiting(kind, number=number) for number, kind in enumerate(kinds)]
    for message in messages:
        backlog.put(message)
    found = left(backlog)
    assert [one.payload["number"] for one in found] == sorted(
        one.payload["number"] for one in found
    )
    assert len(found) + backlog.dropped_count == len(messages)


# --- no ---

COMMANDS = [
    (version, action) for version in OcppVersion for action in sorted(known_actions(version))
]


@pytest.mark.parametrize(("version", "action"), COMMANDS)
def test_every_command_of_every_version_is_refused_in_its_own_words(
    version: OcppVersion, action: str
) -> None:
    answer = json.loads(refusal(version, CallFrame(message_id="b1", action=action, payload={})))
    assert answer[1] == "b1"
    if answer[0] == 3:
        schema(version.value, f"{action}Response").validate(answer[2])
        assert answer[2]["status"] in ("Rejected", "NotSupported", "Failed", "UnlockFailed",
                                       "Unknown", "NoProfiles")  # fmt: skip
    else:
        assert (answer[0], answer[2]) == (4, "NotSupported")


@pytest.mark.parametrize(
    ("version", "action", "answer"),
    [
        (OcppVersion.V1_6, "SetChargingProfile", [3, "b1", {"status": "Rejected"}]),
        (OcppVersion.V1_6, "ChangeConfiguration", [3, "b1", {"status": "Rejected"}]),
        (OcppVersion.V1_6, "UnlockConnector", [3, "b1", {"status": "NotSupported"}]),
        (OcppVersion.V2_0_1, "SendLocalList", [3, "b1", {"status": "Failed"}]),
        (OcppVersion.V2_1, "UnlockConnector", [3, "b1", {"status": "UnlockFailed"}]),
        (OcppVersion.V2_1, "Reset", [3, "b1", {"status": "Rejected"}]),
        (OcppVersion.V2_1, "UpdateDynamicSchedule", [3, "b1", {"status": "Rejected"}]),
    ],
)
def test_the_commands_that_matter_get_the_answer_that_stations_give(
    version: OcppVersion, action: str, answer: list[Any]
) -> None:
    frame = CallFrame(message_id="b1", action=action, payload={})
    assert json.loads(refusal(version, frame)) == answer


@pytest.mark.parametrize("action", ["UpdateFirmware", "GetDiagnostics", "GetConfiguration"])
def test_an_answer_that_could_be_taken_for_a_yes_is_a_callerror(action: str) -> None:
    """In 1.6 these are accepted by an empty answer."""
    frame = CallFrame(message_id="b1", action=action, payload={})
    assert json.loads(refusal(OcppVersion.V1_6, frame))[:3] == [4, "b1", "NotSupported"]


def test_what_no_version_knows_is_not_implemented() -> None:
    frame = CallFrame(message_id="b1", action="../../etc", payload={})
    assert json.loads(refusal(OcppVersion.V2_1, frame))[2] == "NotImplemented"


def test_our_own_questions_keys_and_certificates_stay_in_the_house() -> None:
    every = set(ANSWERS) | set(HANDLERS[OcppVersion.V2_1]) | set(HANDLERS[OcppVersion.V2_0_1])
    assert {action for action in every if not forwarded(action)} == KEPT_BACK - {
        "CertificateSigned"
    }
    for action in ("TransactionEvent", "StartTransaction", "MeterValues", "Authorize"):
        assert forwarded(action)


# --- numbers of 1.6 ---


def a_book(journal: MemoryJournal | None = None) -> NumberBook:
    journal = MemoryJournal() if journal is None else journal
    return NumberBook(station_id="S1", connectors=(1, 2), journal=journal)


@pytest.mark.parametrize("daemon_first", [True, False])
def test_a_transaction_is_told_under_the_back_ends_number(daemon_first: bool) -> None:
    book = a_book()
    if daemon_first:
        book.given("m1", 41, 1, NOW)
        book.answered("m1", 9001, NOW)
    else:
        book.answered("m1", 9001, NOW)
        book.given("m1", 41, 1, NOW)
    stop = {"transactionId": 41, "meterStop": 1}
    assert book.translated("StopTransaction", stop) == {"transactionId": 9001, "meterStop": 1}
    assert stop["transactionId"] == 41


def test_the_pair_outlives_a_restart() -> None:
    journal = MemoryJournal()
    book = a_book(journal)
    book.given("m1", 41, 2, NOW)
    book.answered("m1", 9001, NOW)
    again = a_book(journal).translated("MeterValues", {"transactionId": 41})
    assert again == {"transactionId": 9001}


def test_a_transaction_the_back_end_never_heard_of_is_measured_without_number_and_never_ended() -> (
    None
):
    book = a_book()
    assert book.translated("MeterValues", {"transactionId": 7, "connectorId": 1}) == {
        "connectorId": 1
    }
    assert book.translated("StopTransaction", {"transactionId": 7}) is None
    assert book.translated("Heartbeat", {}) == {}


@pytest.mark.parametrize("number", [None, "9001", [1], {}])
def test_a_number_that_is_none_is_not_believed(number: object) -> None:
    book = a_book()
    book.given("m1", 41, 1, NOW)
    book.answered("m1", number, NOW)
    assert book.translated("StopTransaction", {"transactionId": 41}) is None
    assert book.translated("MeterValues", {"transactionId": [1]}) == {}


# --- the ear ---


def an_ear(version: OcppVersion = OcppVersion.V2_1) -> Ear:
    evse = EvseConfig(evse_id="garage", static_safe_current_a=10.0, max_charge_w=7400.0)
    config = StationConfig(station_id="S1", password="p" * 16, evses=(evse,))
    ear = Ear(station=config, clock=SteppedClock(), journal=MemoryJournal())
    ear.opened(version)
    return ear


@given(frames=st.lists(st.binary(max_size=80) | st.text(max_size=80), max_size=20))
def test_nothing_a_station_says_makes_the_ear_fail(frames: list[str | bytes]) -> None:
    ear = an_ear()
    for raw in frames:
        ear.heard(raw)
    assert len(ear.backlog) == 0


PAYLOADS = st.dictionaries(
    st.sampled_from(["evseId", "connectorId", "transactionId", "eventType", "chargingStation"]),
    st.none() | st.integers() | st.text(max_size=5) | st.lists(st.integers(), max_size=2),
    max_size=5,
)


@given(
    version=st.sampled_from(list(OcppVersion)),
    calls=st.lists(
        st.tuples(
            st.sampled_from(["StartTransaction", "StatusNotification", "BootNotification",
                             "TransactionEvent", "MeterValues"]),
            PAYLOADS,
        ),
        max_size=20,
    ),
)  # fmt: skip
def test_payloads_of_any_shape_are_taken_as_they_are(
    version: OcppVersion, calls: list[tuple[str, Json]]
) -> None:
    ear = an_ear(version)
    for number, (action, payload) in enumerate(calls):
        ear.heard(json.dumps([2, str(number), action, payload]))
    for message in left(ear.backlog):
        ear.numbers.translated(message.action, message.payload)


@pytest.mark.parametrize(
    "answer",
    ['[4,"1","FormationViolation","",{}]', '[3,"1",{"currentTime":"2024-12-11T18:00:00Z"}]'],
)
def test_a_start_that_got_no_number_leaves_its_message_id_free(answer: str) -> None:
    ear = an_ear(OcppVersion.V1_6)
    ear.heard('[2,"1","StartTransaction",{"connectorId":1}]')
    ear.said(answer)
    ear.said('[3,"1",{"transactionId":41,"idTagInfo":{"status":"Accepted"}}]')
    ear.numbers.answered("1", 9001, NOW)
    assert ear.numbers.translated("StopTransaction", {"transactionId": 41}) is None


def test_a_repeated_frame_is_forwarded_once() -> None:
    ear = an_ear()
    ear.let_in = True
    for _ in range(3):
        ear.heard('[2,"1","TransactionEvent",{"eventType":"Started"}]')
    ear.heard('[2,"1","TransactionEvent",{"eventType":"Ended"}]')
    assert [one.payload["eventType"] for one in left(ear.backlog)] == ["Started", "Ended"]


def test_while_the_back_end_is_away_beats_are_dropped_and_states_replaced() -> None:
    ear = an_ear()
    ear.heard('[2,"1","Heartbeat",{}]')
    for number, state in enumerate(("Occupied", "Available")):
        told = {"evseId": 1, "connectorId": 1, "connectorStatus": state}
        ear.heard(json.dumps([2, f"s{number}", "StatusNotification", told]))
    assert len(ear.backlog) == 0
    assert [one["connectorStatus"] for one in ear.statuses.values()] == ["Available"]


def test_a_station_that_changes_its_version_starts_anew() -> None:
    ear = an_ear(OcppVersion.V2_1)
    ear.heard('[2,"1","TransactionEvent",{"eventType":"Started"}]')
    ear.heard('[2,"2","BootNotification",{"reason":"PowerUp"}]')
    ear.opened(OcppVersion.V2_0_1)
    assert (len(ear.backlog), ear.boot, ear.backlog.dropped_count) == (0, None, 1)
    ear.opened(OcppVersion.V2_1)
    assert ear.boot == {"reason": "PowerUp"}
