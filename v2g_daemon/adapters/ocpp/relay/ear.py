"""What a station's link says, as far as it is for the back end; never waits and never raises."""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict

from v2g_daemon.adapters.ocpp.config import OcppVersion, StationConfig
from v2g_daemon.adapters.ocpp.relay.backlog import Backlog, Waiting
from v2g_daemon.adapters.ocpp.relay.numbers import NumberBook
from v2g_daemon.adapters.ocpp.relay.words import forwarded
from v2g_daemon.adapters.ocpp.security.attempts import NOTES, Tally
from v2g_daemon.adapters.ocpp.wire.codec import (
    CallFrame,
    ErrorFrame,
    JsonObject,
    ResultFrame,
    parse_frame,
)
from v2g_daemon.adapters.ocpp.wire.schemas import known_actions
from v2g_daemon.domain.ledger import StationEvent, StationEventKind
from v2g_daemon.ports import Clock, StationJournal

REMEMBERED_FRAMES = 32
MOST_STARTS = 8
LONGEST_BOOT = 4_000  # that is kept over a restart
BOOT = "relayed boot"


class Ear:
    """A watcher of the station's link; `let_in` is what the relay knows of its back end."""

    def __init__(self, *, station: StationConfig, clock: Clock, journal: StationJournal) -> None:
        self.backlog = Backlog()
        self.numbers = NumberBook(
            station_id=station.station_id,
            connectors=tuple(evse.number for evse in station.evses),
            journal=journal,
        )
        self.news = asyncio.Event()
        self.let_in = False
        self.boot: JsonObject | None = None
        self.boot_due = False
        self.statuses: dict[tuple[int, int], JsonObject] = {}
        self.version: OcppVersion | None = None
        self._station_id = station.station_id
        self._clock = clock
        self._journal = journal
        self._kept = Tally(NOTES)
        self._starts: dict[str, int] = {}  # message ids of StartTransaction, and their connectors
        self._seen: OrderedDict[str, int] = OrderedDict()

    def opened(self, version: OcppVersion) -> None:
        """The station is there; what it said in another version is of no use any more."""
        if version is not self.version:
            self.version = version
            self.backlog.clear()
            self.statuses.clear()
            self.boot = self._remembered_boot(version)

    def heard(self, raw: str | bytes) -> None:
        """A frame of the station."""
        frame = parse_frame(raw)
        if not isinstance(frame, CallFrame) or not forwarded(frame.action):
            return
        if self.version is None or frame.action not in known_actions(self.version):
            return
        if self._is_repeated(frame.message_id, hash(raw)):
            return
        match frame.action:
            case "BootNotification":
                self._booted(frame.payload)
            case "StatusNotification" if not self.let_in:
                self.statuses[_place(frame.payload)] = frame.payload  # told when we are let in
            case "Heartbeat" if not self.let_in:
                pass
            case _:
                self._put(frame, size_bytes=len(raw))
        self.news.set()

    def said(self, text: str) -> None:
        """A frame of ours: the number that a transaction of 1.6 was given."""
        if not self._starts:
            return
        frame = parse_frame(text)
        if not isinstance(frame, ResultFrame | ErrorFrame):
            return
        connector = self._starts.pop(frame.message_id, None)
        if connector is None or not isinstance(frame, ResultFrame):
            return
        number = frame.payload.get("transactionId")
        if isinstance(number, int):  # else it answers something else under the same message id
            self.numbers.given(frame.message_id, number, connector, self._clock.now())

    def _is_repeated(self, message_id: str, content: int) -> bool:
        """Stations say a thing again whose answer they missed; it was taken the first time."""
        if self._seen.get(message_id) == content:
            return True
        self._seen[message_id] = content
        if len(self._seen) > REMEMBERED_FRAMES:
            self._seen.popitem(last=False)
        return False

    def _put(self, frame: CallFrame, *, size_bytes: int) -> None:
        if frame.action == "StatusNotification":
            self.statuses[_place(frame.payload)] = frame.payload
        if frame.action == "StartTransaction":
            self._starts[frame.message_id] = _connector(frame.payload)
            if len(self._starts) > MOST_STARTS:
                del self._starts[next(iter(self._starts))]
        self.backlog.put(
            Waiting(
                message_id=frame.message_id,
                action=frame.action,
                payload=frame.payload,
                size_bytes=size_bytes,
                late=not self.let_in,
            )
        )

    def _booted(self, payload: JsonObject) -> None:
        self.boot_due = True
        now = self._clock.now()
        if payload == self.boot or self.version is None:
            return
        self.boot = payload
        detail = json.dumps({"version": self.version.value, "payload": payload})
        if len(detail) > LONGEST_BOOT or self._kept.exhausted(BOOT, now_s=now.monotonic_s):
            return
        self._kept.add(BOOT, now_s=now.monotonic_s)
        self._journal.note(
            StationEvent(
                at_utc=now.utc,
                station_id=self._station_id,
                kind=StationEventKind.LEARNED,
                name=BOOT,
                detail=detail,
            )
        )

    def _remembered_boot(self, version: OcppVersion) -> JsonObject | None:
        kept = self._journal.newest(self._station_id, StationEventKind.LEARNED, BOOT)
        told = {} if kept is None else json.loads(kept.detail)
        payload: JsonObject | None = told.get("payload")
        return payload if told.get("version") == version.value else None


def _place(payload: JsonObject) -> tuple[int, int]:
    """Which connector a StatusNotification speaks of; strange ones share a place."""
    evse, connector = payload.get("evseId", 0), payload.get("connectorId", 0)
    known = isinstance(evse, int) and isinstance(connector, int)
    return (evse % 100, connector % 100) if known else (0, 0)


def _connector(payload: JsonObject) -> int:
    connector = payload.get("connectorId")
    return connector if isinstance(connector, int) else 0
