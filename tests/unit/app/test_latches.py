"""Clearing a latch: only where one is set, and only once the contradiction has gone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.builders import NOW, an_evse_memory, in_hours
from tests.unit.step.news import played, some_news
from v2g_daemon.app.latches import LatchDesk
from v2g_daemon.domain.memory import Direction, DischargeLatch, Evidence, LatchClearance, Memory
from v2g_daemon.domain.snapshot import RecordingHealth
from v2g_daemon.runtime.latest_values import LatestValues
from v2g_daemon.step.house import House

LATCH = DischargeLatch(
    evse_id="carport", rule="wrong_direction", detail="it charged", since_utc=in_hours(-1.0)
)
HEALTH = RecordingHealth(last_durable_at=None, queue_full=False, records_lost=0)


def desk(memory: Memory) -> tuple[LatchDesk, LatestValues]:
    """A desk that has seen one tick of a house with this memory."""
    latest = LatestValues(evse_ids=["carport"])
    found = LatchDesk(sink=latest)
    _, (outcome,) = played([some_news()], house=House(memory=memory))
    found.see(replace(outcome, memory_after=memory))
    return found, latest


def test_a_latch_is_cleared_with_its_reason_and_handed_over_once() -> None:
    found, latest = desk(Memory(latches=(LATCH,)))
    answer = found.clear(evse_id="carport", because="rewired")
    assert answer["rule"] == "wrong_direction"
    assert answer["detail"].startswith("cleared: it charged (since ")
    news = latest.freeze(now=NOW, clock_trusted=True, recording=HEALTH)
    assert news.cleared == (LatchClearance(evse_id="carport", because="rewired"),)
    assert latest.freeze(now=NOW, clock_trusted=True, recording=HEALTH).cleared == ()


def test_what_is_not_latched_or_still_runs_the_wrong_way_is_not_cleared() -> None:
    found, latest = desk(Memory())
    with pytest.raises(ValueError, match="no latch is set at 'carport'"):
        found.clear(evse_id="carport", because="rewired")
    evidence = Evidence(charged=True, since=NOW, at=NOW, samples=1)
    wrong = replace(an_evse_memory(), direction=Direction(evidence=evidence))
    found, latest = desk(Memory(latches=(LATCH,), evses=(wrong,)))
    with pytest.raises(ValueError, match="still moves against its command"):
        found.clear(evse_id="carport", because="rewired")
    assert latest.freeze(now=NOW, clock_trusted=True, recording=HEALTH).cleared == ()


def test_before_the_first_tick_there_is_nothing_to_clear() -> None:
    latest = LatestValues(evse_ids=["carport"])
    with pytest.raises(ValueError, match="has not decided anything yet"):
        LatchDesk(sink=latest).clear(evse_id="carport", because="rewired")
