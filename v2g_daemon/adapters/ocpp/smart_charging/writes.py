"""How often one EVSE was written to today: some stations keep each profile in flash memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import tzinfo

from v2g_daemon.adapters.ocpp.dialects.lessons import Lessons, WriteCount
from v2g_daemon.domain.instant import Instant

# Writes that wear nothing are kept now and then: each entry in the ledger wears our own card.
KEEP_AFTER_S = 3600.0


class WriteCounter:
    """Counts per local day; a restart goes on from what the journal holds."""

    def __init__(self, lessons: Lessons, *, zone: tzinfo) -> None:
        self._lessons = lessons
        self._zone = zone
        self._today: WriteCount | None = None
        self._kept_at: Instant | None = None

    def today(self, now: Instant) -> WriteCount:
        """The counts of the day that `now` lies in."""
        day = f"{now.utc.astimezone(self._zone):%Y-%m-%d}"
        if self._today is None or self._today.day != day:
            self._today = self._lessons.writes(day)
        return self._today

    def note(self, now: Instant, *, flash: bool) -> WriteCount:
        """One more write; one that wears flash is on record at once."""
        before = self.today(now)
        self._today = replace(
            before, count=before.count + 1, flash_count=before.flash_count + int(flash)
        )
        due = self._kept_at is None or now.seconds_since(self._kept_at) >= KEEP_AFTER_S
        if flash or due:
            self.keep(now)
        return self._today

    def keep(self, now: Instant) -> None:
        """Put what was counted on record."""
        if self._today is not None:
            self._lessons.keep_writes(self._today, now.utc)
            self._kept_at = now
