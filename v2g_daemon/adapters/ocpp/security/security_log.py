"""Security events into the station journal, each kind once a minute and station at most."""

from __future__ import annotations

from collections import deque

from v2g_daemon.adapters.ocpp.security.attempts import NOTES, NOTES_TOLD_BY_A_STATION, Tally
from v2g_daemon.adapters.ocpp.wire.codec import printable
from v2g_daemon.domain.ledger import StationEvent, StationEventKind
from v2g_daemon.domain.stations import SecurityNote
from v2g_daemon.ports import Clock, StationJournal

LONGEST_NAME = 50
LONGEST_DETAIL = 255
NOBODY = "unknown"
RECENT = 10


class SecurityLog:
    """Where refused handshakes and a station's own security events are written down."""

    def __init__(self, *, clock: Clock, journal: StationJournal) -> None:
        self._clock = clock
        self._journal = journal
        self._notes = Tally(NOTES)
        self._recent: dict[str, deque[SecurityNote]] = {}
        self._told = Tally(NOTES_TOLD_BY_A_STATION)

    def told(self, name: str, *, station_id: str, detail: str) -> None:
        """An event that a station reports of itself; beyond so many an hour they are dropped."""
        now_s = self._clock.now().monotonic_s
        if self._told.exhausted(station_id, now_s=now_s):
            self.note("too_many_events", station_id=station_id, detail="told by the station")
            return
        self._told.add(station_id, now_s=now_s)
        self.note(name, station_id=station_id, detail=detail)

    def note(self, name: str, *, station_id: str | None, detail: str) -> None:
        """`station_id` None: nobody we know; `detail` never holds a secret."""
        now = self._clock.now()
        station_id, name = station_id or NOBODY, printable(name)[:LONGEST_NAME]
        key = f"{station_id} {name}"
        if self._notes.exhausted(key, now_s=now.monotonic_s):
            return
        self._notes.add(key, now_s=now.monotonic_s)
        detail = printable(detail)[:LONGEST_DETAIL]
        recent = self._recent.setdefault(station_id, deque(maxlen=RECENT))
        recent.append(SecurityNote(at_utc=now.utc, name=name, detail=detail))
        self._journal.note(
            StationEvent(
                at_utc=now.utc,
                station_id=station_id,
                kind=StationEventKind.SECURITY,
                name=name,
                detail=detail,
            )
        )

    def recent(self, station_id: str) -> tuple[SecurityNote, ...]:
        """The last events of a station in this run, oldest first."""
        return tuple(self._recent.get(station_id, ()))
