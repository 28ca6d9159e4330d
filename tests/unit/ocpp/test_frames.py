"""The frame log: bounded, in order, with times; whoever reads too slowly is let go."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosedError

from tests.adapters.ocpp.scripted_station import SteppedClock
from v2g_daemon.adapters.ocpp.wire.frames import (
    LONGEST_FRAME,
    MOST_READERS,
    MOST_UNREAD,
    FrameLog,
    WatchedLink,
)
from v2g_daemon.domain.stations import FollowEnd, FrameNote, FrameSide

BEAT = '[2,"m1","Heartbeat",{}]'


def newest(log: FrameLog, count: int = 100) -> tuple[FrameNote, ...]:
    return asyncio.run(log.newest(count))


def a_log(**bounds: int) -> FrameLog:
    return FrameLog(clock=SteppedClock(), **bounds)


def test_an_answer_is_named_after_its_call_with_the_time_it_took() -> None:
    clock = SteppedClock()
    log = FrameLog(clock=clock)
    log.heard(BEAT)
    clock.elapsed_s = 0.25
    log.said('[3,"m1",{"currentTime":"2024-12-11T17:00:00Z"}]')
    call, answer = newest(log)
    assert (call.side, call.kind, call.action, call.took_s) == (
        FrameSide.STATION,
        "call",
        "Heartbeat",
        None,
    )
    assert (answer.side, answer.kind, answer.action, answer.took_s) == (
        FrameSide.DAEMON,
        "result",
        "Heartbeat",
        0.25,
    )
    assert (answer.at_utc - call.at_utc).total_seconds() == 0.25
    assert (call.number, call.size_bytes, call.text) == (1, 23, BEAT)


def test_the_same_id_in_the_two_directions_is_two_calls() -> None:
    log = a_log()
    log.heard('[2,"1","Heartbeat",{}]')
    log.said('[2,"1","Reset",{"type":"OnIdle"}]')
    log.heard('[3,"1",{"status":"Accepted"}]')
    log.said('[4,"1","InternalError","",{}]')
    assert [(note.kind, note.action) for note in newest(log)] == [
        ("call", "Heartbeat"),
        ("call", "Reset"),
        ("result", "Reset"),
        ("error", "Heartbeat"),
    ]


@pytest.mark.parametrize(
    ("raw", "kind", "action"),
    [
        ('[6,"1","NotifyPeriodicEventStream",{}]', "send", "NotifyPeriodicEventStream"),
        ('[3,"nobody asked",{}]', "result", None),
        ('[2,"1"]', "broken", None),
        ("{}", "broken", None),
        ("not JSON", "broken", None),
        (b"\xff\xfe", "broken", None),
        ("[" * 5_000, "broken", None),
        ('[2,"1","' + "A" * 80 + '",{}]', "call", "A" * 50),
    ],
)
def test_a_frame_that_is_none_is_in_the_log_too(
    raw: str | bytes, kind: str, action: str | None
) -> None:
    log = a_log()
    log.heard(raw)
    (note,) = newest(log)
    assert (note.kind, note.action) == (kind, action)


def test_a_frame_too_long_to_be_kept_is_told_with_its_size_and_action() -> None:
    log = a_log()
    log.heard('[2,"1","NotifyReport",{"x":"' + "y" * LONGEST_FRAME + '"}]')
    (note,) = newest(log)
    assert (note.kind, note.action) == ("long", "NotifyReport")
    assert note.size_bytes > LONGEST_FRAME
    assert "y" not in note.text


def test_the_log_is_bounded_in_frames_and_the_numbers_show_the_gap() -> None:
    log = a_log(most_frames=3)
    for _ in range(5):
        log.heard(BEAT)
    assert [note.number for note in newest(log)] == [3, 4, 5]
    assert [note.number for note in newest(log, 2)] == [4, 5]
    assert newest(log, 0) == ()


def test_the_log_is_bounded_in_bytes() -> None:
    log = a_log(most_bytes=2_000)
    for _ in range(5):
        log.heard(json.dumps([2, "1", "X", {"a": "b" * 500}]))
    assert [note.number for note in newest(log)] == [4, 5]


def test_a_new_connection_forgets_the_open_calls_of_the_one_before() -> None:
    log = a_log()
    log.heard(BEAT)
    log.link("the connection ended")
    log.said('[3,"m1",{}]')
    _, link, answer = newest(log)
    assert (link.side, link.kind, link.text) == (FrameSide.LINK, "link", "the connection ended")
    assert answer.action is None


@given(frames=st.lists(st.tuples(st.booleans(), st.binary(max_size=60) | st.text(max_size=60))))
def test_no_frame_is_too_strange_to_be_kept_and_shown(
    frames: list[tuple[bool, str | bytes]],
) -> None:
    log = a_log()
    for of_station, raw in frames:
        if of_station or isinstance(raw, bytes):
            log.heard(raw)
        else:
            log.said(raw)
    notes = newest(log)
    assert [note.number for note in notes] == list(range(1, len(frames) + 1))
    assert all(note.text.isascii() and note.text.isprintable() for note in notes)


async def read(reading: AsyncIterator[FrameNote | FollowEnd]) -> FrameNote | FollowEnd:
    async with asyncio.timeout(5.0):
        return await anext(reading)


async def test_a_reader_gets_what_was_and_then_what_comes() -> None:
    log = a_log()
    for _ in range(3):
        log.heard(BEAT)
    reading = log.follow(newest=2)
    first, second = await read(reading), await read(reading)
    log.said('[3,"m1",{}]')
    third = await read(reading)
    assert [one.number for one in (first, second, third) if isinstance(one, FrameNote)] == [2, 3, 4]
    assert isinstance(third, FrameNote)
    assert third.action == "Heartbeat"


async def test_a_reader_waits_without_work_until_a_frame_comes() -> None:
    log = a_log()
    reading = log.follow(newest=5)
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(read(reading))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        log.heard(BEAT)
    found = waiting.result()
    assert isinstance(found, FrameNote)
    assert found.number == 1


async def test_a_reader_that_does_not_keep_up_is_let_go_at_its_bound() -> None:
    log = a_log()
    log.heard(BEAT)
    reading = log.follow(newest=1)
    await read(reading)  # and now it reads no more
    for _ in range(10 * MOST_UNREAD):
        log.heard(BEAT)
    read_late = [await read(reading) for _ in range(MOST_UNREAD)]
    assert all(isinstance(one, FrameNote) for one in read_late)
    assert await read(reading) == FollowEnd(
        reason=f"read too slowly: frame {MOST_UNREAD + 2} and later ones are left out"
    )
    with pytest.raises(StopAsyncIteration):
        await read(reading)


async def test_the_end_of_the_daemon_ends_every_reader() -> None:
    log = a_log()
    log.heard(BEAT)
    reading = log.follow(newest=1)
    await read(reading)
    log.close()
    assert await read(reading) == FollowEnd(reason="the daemon ends")


async def test_only_so_many_follow_one_station_and_who_leaves_makes_room() -> None:
    log = a_log()
    log.heard(BEAT)
    readers = [log.follow(newest=1) for _ in range(MOST_READERS)]
    for reading in readers:
        await read(reading)
    assert await read(log.follow(newest=0)) == FollowEnd(
        reason=f"{MOST_READERS} others follow this station already"
    )
    await readers[0].aclose()
    log.heard(BEAT)
    assert isinstance(await read(log.follow(newest=1)), FrameNote)


class DeadLink:
    """Neither reads nor writes."""

    async def recv(self) -> str | bytes:
        raise ConnectionClosedError(None, None)

    async def send(self, message: str) -> None:
        raise ConnectionClosedError(None, None)


async def test_a_frame_that_did_not_leave_is_not_in_the_log() -> None:
    log = a_log()
    link = WatchedLink(DeadLink(), (log,))
    with pytest.raises(ConnectionClosedError):
        await link.send(BEAT)
    assert await log.newest(10) == ()
