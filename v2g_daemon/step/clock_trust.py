"""When the clock is trusted: the kernel says so, or two of its three witnesses agree with it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import assert_never

from v2g_daemon.domain.clock import ClockTrust, ClockWitness, WitnessSource
from v2g_daemon.domain.instant import Instant, fresh

AGREES_WITHIN_S = 60.0
WITNESSES_NEEDED = 2
# Both times are carried on by one crystal; at 100 ppm it is off by 9 s in a day.
WITNESS_MAX_AGE_S = 86_400.0
# An update or a crash loop is over by then; a clock set wrong by a zone's hour is not excused.
LONGEST_ABSENCE_S = 1800.0


def judged(now: Instant, *, synchronised: bool, witnesses: Iterable[ClockWitness]) -> ClockTrust:
    """Whether the clock is trusted; `witnesses` holds at most one per source."""
    if synchronised:
        return ClockTrust(trusted=True, why="it is synchronised")
    agreeing = sorted(one.source.value for one in witnesses if agrees(one, now))
    if not agreeing:
        return ClockTrust(trusted=False, why="it is not synchronised, and no witness agrees")
    if len(agreeing) < WITNESSES_NEEDED:
        return ClockTrust(trusted=False, why=f"it is not synchronised; only {agreeing[0]} agrees")
    return ClockTrust(trusted=True, why=f"{' and '.join(agreeing)} agree")


def agrees(witness: ClockWitness, now: Instant) -> bool:
    """Whether a witness of the last day tells our time; a clock stepped since is noticed."""
    if not fresh(witness.observed_at, now=now, max_age_s=WITNESS_MAX_AGE_S):
        return False
    ahead_s = witness.ahead_s(now)
    match witness.source:
        case WitnessSource.STATION | WitnessSource.PRICE_SERVER:
            return -AGREES_WITHIN_S <= ahead_s <= AGREES_WITHIN_S
        case WitnessSource.LEDGER:  # it stood still while we were away
            return -AGREES_WITHIN_S <= ahead_s <= LONGEST_ABSENCE_S
        case _:
            assert_never(witness.source)


def ledger_witness(stored_utc: datetime | None, *, started_at: Instant) -> ClockWitness | None:
    """The last stored time at our start, if this machine has run since it was stored.

    A machine without a battery clock boots at a time it stored itself, hours old perhaps: agreeing
    with the ledger then says nothing. `started_at.monotonic_s` counts from boot.
    """
    if stored_utc is None:
        return None
    if (started_at.utc - stored_utc).total_seconds() > started_at.monotonic_s:
        return None
    return ClockWitness(source=WitnessSource.LEDGER, told_utc=stored_utc, observed_at=started_at)
