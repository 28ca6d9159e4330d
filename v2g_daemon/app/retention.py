"""What is not of record is not kept for ever: telemetry goes in the night, after 400 days."""

from __future__ import annotations

import logging
from concurrent.futures import Future
from datetime import datetime, time, timedelta
from typing import Protocol

from v2g_daemon.ports import Clock

_log = logging.getLogger(__name__)

NIGHTLY = time(3, 10)
TELEMETRY_KEPT = timedelta(days=400)


class TelemetryStore(Protocol):
    """Where telemetry lies; the future resolves when the older rows are gone."""

    def drop_telemetry_before(self, moment_utc: datetime) -> Future[None]: ...


class Retention:
    """Called once a night; trace files look after themselves when a new one begins."""

    def __init__(self, *, clock: Clock, store: TelemetryStore) -> None:
        self._clock = clock
        self._store = store

    def __call__(self) -> None:
        """Ask for the old rows to go; a clock that may lie ahead drops nothing."""
        if not self._clock.trusted():
            _log.warning("old telemetry is kept: the clock is not trusted")
            return
        before_utc = self._clock.now().utc - TELEMETRY_KEPT
        _log.info("dropping telemetry from before %s", before_utc.date())
        # The store logs what fails; the next night asks again.
        self._store.drop_telemetry_before(before_utc)
