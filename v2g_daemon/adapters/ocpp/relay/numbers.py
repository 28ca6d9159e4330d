"""Transaction numbers of 1.6: the daemon gives the station one, the back end would give another.

The pair is kept in the station journal, so that a transaction ends at the back end under the
number it began with, whatever was restarted in between.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from typing import TypeVar

from v2g_daemon.adapters.ocpp.wire.codec import JsonObject
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.ledger import StationEvent, StationEventKind
from v2g_daemon.ports import StationJournal

REMEMBERED = 32

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class NumberBook:
    """Our numbers to theirs."""

    def __init__(
        self, *, station_id: str, connectors: tuple[int, ...], journal: StationJournal
    ) -> None:
        self._station_id = station_id
        self._journal = journal
        # By message id, until the other side has answered too; either may be first.
        self._given: OrderedDict[str, tuple[int, int]] = OrderedDict()
        self._answered: OrderedDict[str, int] = OrderedDict()
        self._theirs: OrderedDict[int, int] = OrderedDict()
        for connector in connectors:
            kept = journal.newest(station_id, StationEventKind.LEARNED, _name(connector))
            if kept is not None:
                pair = json.loads(kept.detail)
                self._theirs[pair["ours"]] = pair["theirs"]

    def given(self, message_id: str, number: int, connector: int, now: Instant) -> None:
        """The daemon answered a StartTransaction."""
        theirs = self._answered.pop(message_id, None)
        if theirs is None:
            _remember(self._given, message_id, (number, connector))
        else:
            self._pair(number, theirs, connector, now)

    def answered(self, message_id: str, number: object, now: Instant) -> None:
        """The back end answered the same StartTransaction."""
        if not isinstance(number, int):
            return
        ours = self._given.pop(message_id, None)
        if ours is None:
            _remember(self._answered, message_id, number)
        else:
            self._pair(ours[0], number, ours[1], now)

    def _pair(self, ours: int, theirs: int, connector: int, now: Instant) -> None:
        _remember(self._theirs, ours, theirs)
        self._journal.note(
            StationEvent(
                at_utc=now.utc,
                station_id=self._station_id,
                kind=StationEventKind.LEARNED,
                name=_name(connector),
                detail=json.dumps({"ours": ours, "theirs": theirs}),
            )
        )

    def translated(self, action: str, payload: JsonObject) -> JsonObject | None:
        """A message in their numbers; None: of a transaction that they never heard of."""
        if "transactionId" not in payload:
            return payload
        ours = payload["transactionId"]
        theirs = self._theirs.get(ours) if isinstance(ours, int) else None
        if theirs is not None:
            return {**payload, "transactionId": theirs}
        if action == "StopTransaction":
            return None
        return {name: value for name, value in payload.items() if name != "transactionId"}


def _remember(book: OrderedDict[_Key, _Value], key: _Key, value: _Value) -> None:
    book[key] = value
    if len(book) > REMEMBERED:
        book.popitem(last=False)


def _name(connector: int) -> str:
    return f"relayed transaction at connector {connector}"
