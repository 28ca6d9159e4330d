"""Looks at every certificate once an hour, and knows those of the stations over restarts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from v2g_daemon.adapters.certificates.expiry import Watched, expiry_faults
from v2g_daemon.domain.ledger import StationEvent, StationEventKind
from v2g_daemon.ports import Clock, FaultSink, StationJournal

LOOK_EVERY_S = 3600.0
SOURCE = "certificates"
HELD_UNTIL = "certificate holds until"


class CertificateWatch:
    """The register that stations' certificates are noted in; its faults go to the sink."""

    def __init__(
        self,
        *,
        clock: Clock,
        journal: StationJournal,
        sink: FaultSink,
        station_ids: Iterable[str],
        files: Callable[[], tuple[Watched, ...]],
    ) -> None:
        self._clock = clock
        self._journal = journal
        self._sink = sink
        self._files = files
        self._until_utc: dict[str, datetime] = {}
        for station_id in station_ids:
            kept = journal.newest(station_id, StationEventKind.LEARNED, HELD_UNTIL)
            if kept is not None:
                self._until_utc[station_id] = datetime.fromisoformat(kept.detail)

    def note(self, station_id: str, not_after_utc: datetime) -> None:
        """A station showed, or was sent, a certificate that holds until then."""
        if self._until_utc.get(station_id) == not_after_utc:
            return
        self._until_utc[station_id] = not_after_utc
        self._journal.note(
            StationEvent(
                at_utc=self._clock.now().utc,
                station_id=station_id,
                kind=StationEventKind.LEARNED,
                name=HELD_UNTIL,
                detail=not_after_utc.isoformat(),
            )
        )
        self.look()

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            self.look()
            await self._clock.sleep(LOOK_EVERY_S)

    def look(self) -> None:
        """A clock that is not trusted says nothing of what has expired."""
        if not self._clock.trusted():
            return
        stations = tuple(
            Watched(
                what=f"the certificate of station {station_id}",
                not_after_utc=until_utc,
                next_step=f"have it ask for a new one: v2g certs request {station_id}",
            )
            for station_id, until_utc in self._until_utc.items()
        )
        faults = expiry_faults((*self._files(), *stations), self._clock.now().utc)
        self._sink.put_faults(SOURCE, faults)
