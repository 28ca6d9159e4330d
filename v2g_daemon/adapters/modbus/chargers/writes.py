"""How often a charger was written to today: some of its registers lie in memory that wears."""

from __future__ import annotations

import json
from datetime import tzinfo

from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.ledger import StationEvent, StationEventKind
from v2g_daemon.ports import StationJournal

# Writes that wear nothing are kept now and then: each entry in the ledger wears our own card.
KEEP_AFTER_S = 3600.0
_NAME = "writes"


class WriteCount:
    """Counts per local day; a restart goes on from what the journal holds."""

    def __init__(self, evse_id: str, *, journal: StationJournal, zone: tzinfo) -> None:
        self._evse_id = evse_id
        self._journal = journal
        self._zone = zone
        self._day: str | None = None
        self._kept_at: Instant | None = None
        self.count = 0
        self.flash_count = 0

    def turn_to(self, now: Instant) -> None:
        """Begin the day that `now` lies in, if it is another one."""
        day = f"{now.utc.astimezone(self._zone):%Y-%m-%d}"
        if self._day == day:
            return
        self._day = day
        self.count, self.flash_count = self._kept(day)

    def note(self, now: Instant, *, flash: bool) -> None:
        """One more write; one that wears memory is on record at once."""
        self.turn_to(now)
        self.count += 1
        self.flash_count += int(flash)
        due = self._kept_at is None or now.seconds_since(self._kept_at) >= KEEP_AFTER_S
        if flash or due:
            self.keep(now)

    def keep(self, now: Instant) -> None:
        """Put what was counted on record."""
        if self._day is None:
            return
        told = {"day": self._day, "count": self.count, "flash_count": self.flash_count}
        self._kept_at = now
        self._journal.note(
            StationEvent(
                at_utc=now.utc,
                station_id=self._evse_id,
                kind=StationEventKind.LEARNED,
                name=_NAME,
                detail=json.dumps(told),
            )
        )

    def _kept(self, day: str) -> tuple[int, int]:
        event = self._journal.newest(self._evse_id, StationEventKind.LEARNED, _NAME)
        told = {} if event is None else json.loads(event.detail)
        if told.get("day") != day:
            return 0, 0
        return int(told["count"]), int(told["flash_count"])
