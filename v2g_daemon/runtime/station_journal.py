"""The station journal over the ledger: what of charging stations must outlive the daemon."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from concurrent.futures import Future

from v2g_daemon.domain.errors import LedgerError
from v2g_daemon.domain.ledger import StationEvent, StationEventKind
from v2g_daemon.ports import LedgerWriter

_log = logging.getLogger(__name__)

KEEP_TIMEOUT_S = 5.0

_Key = tuple[str, StationEventKind, str]


class LedgerStationJournal:
    """Writes through the ledger; the newest entry of each name is at hand."""

    def __init__(self, ledger: LedgerWriter, *, newest: Iterable[StationEvent]) -> None:
        self._ledger = ledger
        self._newest: dict[_Key, StationEvent] = {_key(event): event for event in newest}

    async def keep(self, event: StationEvent) -> bool:
        """Wait until it is durable; False: not yet (the ledger keeps it and shows a fault)."""
        committing = asyncio.wrap_future(self._committed(event))
        try:
            async with asyncio.timeout(KEEP_TIMEOUT_S):
                await asyncio.shield(committing)
        except (TimeoutError, LedgerError) as error:
            _log.error("%s of %s is not in the ledger yet: %s", event.name, event.station_id, error)
            return False
        return True

    def note(self, event: StationEvent) -> None:
        """Commit it without waiting."""
        self._committed(event).add_done_callback(_complained)

    def newest(self, station_id: str, kind: StationEventKind, name: str) -> StationEvent | None:
        """The newest event of that kind and name, of this run or an earlier one."""
        return self._newest.get((station_id, kind, name))

    def _committed(self, event: StationEvent) -> Future[None]:
        if event.kind is not StationEventKind.SECURITY:  # nobody asks for one, and a flood fills it
            self._newest[_key(event)] = event
        return self._ledger.commit((event,))


def _key(event: StationEvent) -> _Key:
    return event.station_id, event.kind, event.name


def _complained(done: Future[None]) -> None:
    if not done.cancelled() and (error := done.exception()) is not None:
        _log.error("an entry of the station journal is not in the ledger yet: %s", error)
