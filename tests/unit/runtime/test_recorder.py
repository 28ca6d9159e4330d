"""The recorder: what reaches ledger and trace, and what it says of itself."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.builders import NOW, ago
from tests.unit.runtime.surroundings import HandClock, OpenLedger, OpenTrace, a_recorder
from tests.unit.step.news import played, some_news
from v2g_daemon.control.decide import decide
from v2g_daemon.domain.errors import LedgerError
from v2g_daemon.domain.ledger import LatchEvent, LedgerRow, TelemetryRow
from v2g_daemon.domain.memory import DischargeLatch
from v2g_daemon.runtime.recorder import QUEUE_LENGTH, Recorder
from v2g_daemon.step.house import Outcome
from v2g_daemon.trace.codec import decode_trace
from v2g_daemon.trace.replay import replay

TELEMETRY = TelemetryRow(
    minute_utc=NOW.utc, pcc_power_w=1.0, evse_power_w=None, soc=None, target_w=None
)
LATCH = LatchEvent(
    at_utc=NOW.utc,
    latch=DischargeLatch(evse_id="carport", rule="sign", detail="", since_utc=NOW.utc),
    cleared=False,
)


def ticks(count: int) -> list[Outcome]:
    """Seconds of the carport without a ledger row."""
    house, _ = played([some_news(NOW.later(-1.0))])
    _, outcomes = played((some_news(NOW.later(float(n))) for n in range(count)), house=house)
    return [replace(outcome, rows=()) for outcome in outcomes]


def with_rows(*rows: LedgerRow) -> Outcome:
    return replace(ticks(1)[0], rows=rows)


async def recorded(recorder: Recorder, *outcomes: Outcome) -> None:
    """Hand over the outcomes and give the recorder time to write them."""
    running = asyncio.create_task(recorder.run())
    for outcome in outcomes:
        recorder.record(outcome)
    for _ in range(10):
        await asyncio.sleep(0)
    running.cancel()
    await asyncio.wait([running])


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def ledger() -> Iterator[OpenLedger]:
    opened = OpenLedger()
    yield opened
    for future in opened.futures:
        future.cancel()


@pytest.fixture
def trace() -> OpenTrace:
    return OpenTrace()


@pytest.fixture
def recorder(clock: HandClock, ledger: OpenLedger, trace: OpenTrace) -> Recorder:
    return a_recorder(clock, ledger, trace)


async def test_every_tick_is_in_the_trace_and_replays(
    recorder: Recorder, trace: OpenTrace, ledger: OpenLedger
) -> None:
    await recorded(recorder, *ticks(5))
    result = replay(decode_trace(trace.lines), decide)
    assert (result.ticks, result.first_difference) == (5, None)
    assert ledger.committed == []


async def test_rows_of_record_are_committed_apart_from_telemetry(
    recorder: Recorder, ledger: OpenLedger
) -> None:
    await recorded(recorder, with_rows(LATCH, TELEMETRY))
    assert ledger.committed == [(LATCH,), (TELEMETRY,)]


async def test_nothing_is_durable_before_the_first_flush_or_commit(recorder: Recorder) -> None:
    await recorded(recorder, *ticks(1))
    health = recorder.health()
    assert (health.last_durable_at, health.queue_full, health.records_lost) == (None, False, 0)


async def test_a_commit_counts_from_its_acknowledgement(
    recorder: Recorder, clock: HandClock, ledger: OpenLedger
) -> None:
    ledger.at_once = False
    await recorded(recorder, with_rows(LATCH))
    assert recorder.health().last_durable_at is None
    clock.passed_s = 7.0
    ledger.futures[0].set_result(None)
    for _ in range(3):
        await asyncio.sleep(0)
    assert recorder.health().last_durable_at == NOW.later(7.0)


async def test_the_later_of_flush_and_commit_counts(
    recorder: Recorder, clock: HandClock, trace: OpenTrace
) -> None:
    await recorded(recorder, with_rows(LATCH))
    trace.last_flushed_at = ago(20.0)
    assert recorder.health().last_durable_at == NOW
    trace.last_flushed_at = NOW.later(20.0)
    assert recorder.health().last_durable_at == NOW.later(20.0)


async def test_a_commit_that_fails_makes_nothing_durable_and_recording_goes_on(
    recorder: Recorder, ledger: OpenLedger, caplog: pytest.LogCaptureFixture
) -> None:
    ledger.at_once = False
    await recorded(recorder, with_rows(LATCH))
    ledger.futures[0].set_exception(LedgerError("disk full"))
    ledger.at_once = True
    for _ in range(3):
        await asyncio.sleep(0)
    assert recorder.health().last_durable_at is None
    assert "disk full" in caplog.text
    await recorded(recorder, with_rows(LATCH))
    assert recorder.health().last_durable_at == NOW


async def test_an_overflowing_queue_is_full_and_counts_what_it_loses(recorder: Recorder) -> None:
    outcome = ticks(1)[0]
    for _ in range(QUEUE_LENGTH - 1):
        recorder.record(outcome)
    assert not recorder.health().queue_full
    for _ in range(3):
        recorder.record(outcome)
    health = recorder.health()
    assert (health.queue_full, health.records_lost) == (True, 2)
    await recorder.drain((), timeout_s=1.0)
    assert not recorder.health().queue_full


async def test_rows_that_the_ledger_gave_up_are_lost_records_too(
    recorder: Recorder, ledger: OpenLedger
) -> None:
    ledger.rows_lost = 4
    assert recorder.health().records_lost == 4


async def test_a_trace_with_a_lost_tick_still_replays(recorder: Recorder, trace: OpenTrace) -> None:
    outcomes = ticks(4)
    await recorded(recorder, *outcomes[:2], outcomes[3])
    memories = [line for line in trace.lines if line.startswith(b'{"memory"')]
    assert len(memories) == 2
    result = replay(decode_trace(trace.lines), decide)
    assert (result.ticks, result.first_difference) == (3, None)


async def test_a_full_disk_loses_ticks_and_counts_them_but_not_the_ledgers_rows(
    recorder: Recorder, trace: OpenTrace, ledger: OpenLedger, caplog: pytest.LogCaptureFixture
) -> None:
    trace.full = True
    with caplog.at_level(logging.ERROR):
        await recorded(recorder, with_rows(LATCH), *ticks(2))
    assert recorder.health().records_lost == 3
    assert ledger.committed == [(LATCH,)]
    assert caplog.text.count("No space left") == 1
    trace.full = False
    await recorded(recorder, *ticks(2))
    result = replay(decode_trace(trace.lines), decide)
    assert (result.ticks, result.first_difference) == (2, None)


async def test_the_end_writes_what_is_queued_and_what_was_running(
    recorder: Recorder, trace: OpenTrace, ledger: OpenLedger
) -> None:
    recorder.record(with_rows(LATCH))
    await recorder.drain((TELEMETRY,), timeout_s=1.0)
    assert ledger.committed == [(LATCH,), (TELEMETRY,)]
    assert replay(decode_trace(trace.lines), decide).ticks == 1


async def test_the_end_does_not_wait_for_a_dead_database_for_ever(
    recorder: Recorder, ledger: OpenLedger
) -> None:
    ledger.at_once = False
    recorder.record(with_rows(LATCH))
    loop = asyncio.get_running_loop()
    started_s = loop.time()
    await recorder.drain((), timeout_s=0.05)
    assert 0.05 <= loop.time() - started_s < 5.0
    assert not ledger.futures[0].done()


async def test_a_policy_stands_in_the_trace_once(recorder: Recorder, trace: OpenTrace) -> None:
    await recorded(recorder, *ticks(3))
    policies = [line for line in trace.lines if line.startswith(b'{"put":"policy"')]
    assert len(policies) == 1
