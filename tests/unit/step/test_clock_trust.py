"""When our clock is believed: the kernel's word, or that of two witnesses of three."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.builders import NOW
from v2g_daemon.domain.clock import ClockWitness, WitnessSource
from v2g_daemon.domain.instant import Instant
from v2g_daemon.step.clock_trust import agrees, judged, ledger_witness

STATION, PRICES, LEDGER = (
    WitnessSource.STATION,
    WitnessSource.PRICE_SERVER,
    WitnessSource.LEDGER,
)
MINUTE_S, DAY_S = 60.0, 86_400.0


def witness(
    source: WitnessSource, *, we_are_ahead_s: float = 0.0, heard: Instant = NOW
) -> ClockWitness:
    """A source by whose clock ours is ahead by so much."""
    told_utc = heard.utc - timedelta(seconds=we_are_ahead_s)
    return ClockWitness(source=source, told_utc=told_utc, observed_at=heard)


def trusted(*witnesses: ClockWitness, now: Instant = NOW) -> bool:
    return judged(now, synchronised=False, witnesses=witnesses).trusted


def test_the_kernels_word_needs_no_witness_and_no_witness_outweighs_it() -> None:
    wrong = [witness(source, we_are_ahead_s=7200.0) for source in WitnessSource]
    assert judged(NOW, synchronised=True, witnesses=()).trusted
    assert judged(NOW, synchronised=True, witnesses=wrong).trusted


@pytest.mark.parametrize("source", list(WitnessSource))
def test_one_witness_alone_is_not_enough(source: WitnessSource) -> None:
    assert not trusted()
    assert not trusted(witness(source))


@pytest.mark.parametrize(
    "sources", [(STATION, PRICES), (STATION, LEDGER), (PRICES, LEDGER), (STATION, PRICES, LEDGER)]
)
def test_any_two_witnesses_are_enough(sources: tuple[WitnessSource, ...]) -> None:
    assert trusted(*(witness(source) for source in sources))


def test_a_third_witness_that_errs_does_not_outweigh_two_that_agree() -> None:
    assert trusted(witness(STATION), witness(PRICES), witness(LEDGER, we_are_ahead_s=-7200.0))


def test_two_witnesses_that_agree_with_each_other_but_not_with_us_are_no_ground_for_trust() -> None:
    assert not trusted(
        witness(STATION, we_are_ahead_s=-7200.0), witness(PRICES, we_are_ahead_s=-7200.0)
    )


@pytest.mark.parametrize("source", [STATION, PRICES])
def test_station_and_price_server_agree_within_a_minute_either_way(source: WitnessSource) -> None:
    assert agrees(witness(source, we_are_ahead_s=60.0), NOW)
    assert agrees(witness(source, we_are_ahead_s=-60.0), NOW)
    assert not agrees(witness(source, we_are_ahead_s=60.001), NOW)
    assert not agrees(witness(source, we_are_ahead_s=-60.001), NOW)


def test_the_ledger_may_lie_half_an_hour_back_but_never_ahead() -> None:
    assert agrees(witness(LEDGER, we_are_ahead_s=1800.0), NOW)
    assert not agrees(witness(LEDGER, we_are_ahead_s=1800.001), NOW)
    assert agrees(witness(LEDGER, we_are_ahead_s=-60.0), NOW)
    assert not agrees(witness(LEDGER, we_are_ahead_s=-60.001), NOW)


def test_a_clock_set_to_local_time_agrees_with_nobody() -> None:
    hour = [witness(source, we_are_ahead_s=3600.0) for source in WitnessSource]
    assert not any(agrees(one, NOW) for one in hour)


def test_time_passing_does_not_change_what_a_witness_says() -> None:
    later = NOW.later(50_000.0)
    assert agrees(witness(STATION, we_are_ahead_s=60.0), later)
    assert agrees(witness(LEDGER, we_are_ahead_s=1800.0), later)
    assert not agrees(witness(LEDGER, we_are_ahead_s=-61.0), later)


def test_a_clock_stepped_after_it_was_confirmed_loses_its_witnesses() -> None:
    confirmed = witness(STATION), witness(PRICES)
    a_minute_on = NOW.later(MINUTE_S)
    assert trusted(*confirmed, now=a_minute_on)
    stepped = replace(a_minute_on, utc=a_minute_on.utc + timedelta(hours=1))
    assert not trusted(*confirmed, now=stepped)


def test_a_clock_put_right_is_believed_by_witnesses_heard_before() -> None:
    heard = witness(STATION, we_are_ahead_s=-7200.0), witness(PRICES, we_are_ahead_s=-7200.0)
    put_right = replace(NOW.later(10.0), utc=NOW.utc + timedelta(seconds=7210.0))
    assert not trusted(*heard, now=NOW.later(10.0))
    assert trusted(*heard, now=put_right)


@pytest.mark.parametrize("source", list(WitnessSource))
def test_a_witness_is_believed_for_a_day(source: WitnessSource) -> None:
    assert agrees(witness(source), NOW.later(DAY_S))
    assert not agrees(witness(source), NOW.later(DAY_S + 1.0))


def test_the_reason_names_who_agrees() -> None:
    def why(*witnesses: ClockWitness) -> str:
        return judged(NOW, synchronised=False, witnesses=witnesses).why

    assert why() == "it is not synchronised, and no witness agrees"
    assert why(witness(LEDGER)) == "it is not synchronised; only the ledger agrees"
    assert why(witness(PRICES), witness(STATION)) == (
        "the charging station and the price server agree"
    )


# --- the ledger's witness at a start

STARTED = Instant(utc=NOW.utc, monotonic_s=600.0)  # the machine has been up for ten minutes


def test_after_a_restart_of_the_daemon_the_ledger_witnesses() -> None:
    stored_utc = STARTED.utc - timedelta(seconds=90.0)
    found = ledger_witness(stored_utc, started_at=STARTED)
    assert found == ClockWitness(source=LEDGER, told_utc=stored_utc, observed_at=STARTED)
    assert agrees(found, STARTED)


def test_after_a_reboot_the_ledger_does_not_witness_for_a_clock_that_was_stored_with_it() -> None:
    """Off for three hours, the machine boots at the time it was shut down at, plus ten minutes."""
    assert ledger_witness(STARTED.utc - timedelta(seconds=601.0), started_at=STARTED) is None
    assert ledger_witness(STARTED.utc - timedelta(seconds=600.0), started_at=STARTED) is not None


def test_a_clock_before_the_last_stored_time_is_contradicted() -> None:
    found = ledger_witness(STARTED.utc + timedelta(hours=1), started_at=STARTED)
    assert found is not None
    assert not agrees(found, STARTED)


def test_an_empty_ledger_says_nothing() -> None:
    assert ledger_witness(None, started_at=STARTED) is None
