"""What a 1.6 station leaves to its central system: the numbers of its transactions."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from v2g_daemon.adapters.ocpp.wire.codec import JsonObject
from v2g_daemon.domain.ledger import StationEvent, StationEventKind
from v2g_daemon.ports import StationJournal

# Numbers grow with time, so that none comes twice even where the journal was lost.
NUMBERS_SINCE = datetime(2020, 1, 1, tzinfo=UTC)
REMEMBERED = 16
_START = ("connectorId", "idTag", "timestamp", "meterStart")


class V16Memory:
    """One station's transactions; outlives connections, and restarts by the journal."""

    def __init__(self, *, station_id: str, connectors: tuple[int, ...], journal: StationJournal):
        self.boot_asked = False
        self._station_id = station_id
        self._journal = journal
        self._seq_no = 0
        self._highest = 0
        self._connector_of: dict[int, int] = {}
        self._starts: dict[int, tuple[JsonObject, int]] = {}
        for connector in connectors:
            kept = journal.newest(station_id, StationEventKind.LEARNED, _name(connector))
            if kept is not None:
                last = json.loads(kept.detail)
                self._starts[connector] = (last["start"], last["transactionId"])
                self._highest = max(self._highest, last["transactionId"])
                self._connector_of[last["transactionId"]] = connector

    def next_seq_no(self) -> int:
        """1.6 numbers no events; ours tell their order."""
        self._seq_no += 1
        return self._seq_no

    def connector_of(self, transaction_id: int) -> int | None:
        """Where a transaction runs or ran."""
        return self._connector_of.get(transaction_id)

    def running(self, connector: int) -> int | None:
        """The transaction that was last begun, or seen, at a connector and not stopped since."""
        return next(
            (number for number, at in reversed(self._connector_of.items()) if at == connector), None
        )

    def seen(self, transaction_id: int, connector: int) -> None:
        """A station that tells of a transaction we never numbered is believed."""
        if transaction_id not in self._connector_of and connector > 0:
            self._remember(transaction_id, connector)

    def over(self, transaction_id: int) -> None:
        """The transaction has stopped."""
        self._connector_of.pop(transaction_id, None)

    async def number(self, payload: JsonObject, now_utc: datetime) -> int:
        """The number of a StartTransaction: kept before it is told, the same when told again."""
        start = {name: payload[name] for name in _START}
        connector = payload["connectorId"]
        before = self._starts.get(connector)
        if before is not None and before[0] == start:
            self._remember(before[1], connector)
            return before[1]
        number = max(self._highest + 1, (now_utc - NUMBERS_SINCE) // timedelta(minutes=1))
        self._highest = number
        self._starts[connector] = (start, number)
        self._remember(number, connector)
        await self._journal.keep(
            StationEvent(
                at_utc=now_utc,
                station_id=self._station_id,
                kind=StationEventKind.LEARNED,
                name=_name(connector),
                detail=json.dumps({"start": start, "transactionId": number}),
            )
        )
        return number

    def _remember(self, transaction_id: int, connector: int) -> None:
        self._connector_of.pop(transaction_id, None)
        self._connector_of[transaction_id] = connector
        if len(self._connector_of) > REMEMBERED:
            del self._connector_of[next(iter(self._connector_of))]


def _name(connector: int) -> str:
    return f"last start at connector {connector}"
