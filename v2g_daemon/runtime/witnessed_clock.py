"""The clock everybody gets: its own word that it is right, or that of its witnesses."""

from __future__ import annotations

import logging
from collections.abc import Callable

from v2g_daemon.domain.clock import ClockWitness
from v2g_daemon.domain.instant import Instant
from v2g_daemon.ports import Clock
from v2g_daemon.step.clock_trust import judged

_log = logging.getLogger(__name__)


class WitnessedClock:
    """The given clock; trusted also where two of the `witnesses` agree with it."""

    def __init__(self, clock: Clock, *, witnesses: Callable[[], tuple[ClockWitness, ...]]) -> None:
        self._clock = clock
        self._witnesses = witnesses
        self._why: str | None = None

    def now(self) -> Instant:
        """This moment."""
        return self._clock.now()

    async def sleep(self, seconds_s: float) -> None:
        """Sleep that many seconds of this clock."""
        await self._clock.sleep(seconds_s)

    def trusted(self) -> bool:
        """Whether prices and departures may be read off this clock; a change is logged."""
        trust = judged(
            self._clock.now(), synchronised=self._clock.trusted(), witnesses=self._witnesses()
        )
        if trust.why != self._why:
            self._why = trust.why
            _log.log(
                logging.INFO if trust.trusted else logging.WARNING,
                "the clock is %strusted: %s",
                "" if trust.trusted else "not ",
                trust.why,
            )
        return trust.trusted
