"""The clock that all parts share, believed by its own word or by its witnesses'."""

from __future__ import annotations

import logging

import pytest

from tests.builders import NOW, a_policy
from v2g_daemon.domain.clock import ClockWitness, WitnessSource
from v2g_daemon.domain.instant import Instant
from v2g_daemon.ports import Clock
from v2g_daemon.runtime.latest_values import LatestValues
from v2g_daemon.runtime.witnessed_clock import WitnessedClock


class Unsynchronised:
    """A clock that stands at NOW and does not follow anybody, until it does."""

    def __init__(self) -> None:
        self.synchronised = False
        self.slept_s: list[float] = []

    def now(self) -> Instant:
        return NOW

    async def sleep(self, seconds_s: float) -> None:
        self.slept_s.append(seconds_s)

    def trusted(self) -> bool:
        return self.synchronised


def latest_values() -> LatestValues:
    evse_ids = [evse.evse_id for evse in a_policy().evses]
    return LatestValues(evse_ids=evse_ids)


def told(source: WitnessSource, *, ahead_s: float = 0.0) -> ClockWitness:
    told_utc = NOW.later(-ahead_s).utc
    return ClockWitness(source=source, told_utc=told_utc, observed_at=NOW)


async def test_it_is_the_clock_it_wraps() -> None:
    inner = Unsynchronised()
    clock: Clock = WitnessedClock(inner, witnesses=tuple)
    await clock.sleep(1.5)
    assert (clock.now(), inner.slept_s) == (NOW, [1.5])


def test_two_witnesses_put_to_the_latest_values_make_it_trusted() -> None:
    latest = latest_values()
    clock = WitnessedClock(Unsynchronised(), witnesses=latest.clock_witnesses)
    assert not clock.trusted()
    latest.put_clock_witness(told(WitnessSource.STATION))
    assert not clock.trusted()
    latest.put_clock_witness(told(WitnessSource.PRICE_SERVER))
    assert clock.trusted()


def test_two_words_of_one_source_are_one_witness_and_the_newer_counts() -> None:
    latest = latest_values()
    clock = WitnessedClock(Unsynchronised(), witnesses=latest.clock_witnesses)
    latest.put_clock_witness(told(WitnessSource.STATION))
    latest.put_clock_witness(told(WitnessSource.STATION))
    assert not clock.trusted()
    latest.put_clock_witness(told(WitnessSource.LEDGER))
    assert clock.trusted()
    latest.put_clock_witness(told(WitnessSource.STATION, ahead_s=300.0))
    assert not clock.trusted()


def test_a_change_of_trust_is_logged_once_with_its_reason(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, logger="v2g_daemon")
    inner = Unsynchronised()
    clock = WitnessedClock(inner, witnesses=tuple)
    clock.trusted()
    clock.trusted()
    inner.synchronised = True
    clock.trusted()
    assert [(one.levelname, one.getMessage()) for one in caplog.records] == [
        ("WARNING", "the clock is not trusted: it is not synchronised, and no witness agrees"),
        ("INFO", "the clock is trusted: it is synchronised"),
    ]
