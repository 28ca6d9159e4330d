"""What one charging station is now: its boot, who it is, and which message concerns which EVSE."""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict, deque
from dataclasses import asdict

from v2g_daemon.adapters.ocpp.attempts import NOTES, Tally
from v2g_daemon.adapters.ocpp.autostart import Autostart
from v2g_daemon.adapters.ocpp.codec import JsonObject, printable
from v2g_daemon.adapters.ocpp.config import EvseConfig, StationConfig
from v2g_daemon.adapters.ocpp.device_report import ReportInbox
from v2g_daemon.adapters.ocpp.events import EventKind, TransactionEvent, transaction_event
from v2g_daemon.adapters.ocpp.evse import EvseState
from v2g_daemon.adapters.ocpp.keys import Admissions, is_no_key, is_own
from v2g_daemon.adapters.ocpp.meter_values import newest_sample
from v2g_daemon.adapters.ocpp.translate import charging_needs, identity, parse_stamp
from v2g_daemon.domain.clock import ClockWitness, WitnessSource
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.ledger import StationEvent, StationEventKind
from v2g_daemon.domain.stations import LogUpload, SeenKey, StationAbout
from v2g_daemon.ports import ObservationSink, StationJournal

REMEMBERED_TOKENS = 32
SEEN_KEYS = 5
LONGEST_TOLD = 100
ABOUT = "about"


class StationState:
    """Routes a station's messages to its EVSEs; outlives connections."""

    def __init__(
        self, *, config: StationConfig, sink: ObservationSink, journal: StationJournal
    ) -> None:
        self.config = config
        self.journal = journal
        self.has_our_time = False
        self._sink = sink
        self.serial: str | None = None
        self.about = StationAbout()  # for people; may be of an earlier run
        self._learned = Tally(NOTES)
        self.admissions = Admissions(config.key_ring)
        self.reports = ReportInbox()
        self.log_upload: LogUpload | None = None
        self.unknown_keys: deque[SeenKey] = deque(maxlen=SEEN_KEYS)
        self.boot_heard = asyncio.Event()
        self.accepted = asyncio.Event()
        self.power_ups = 0
        self.evses = tuple(
            EvseState(station_id=config.station_id, config=evse, sink=sink) for evse in config.evses
        )
        self.autostarts = tuple(
            Autostart(evse=evse) for evse in (self.evses if config.remote_start else ())
        )
        self._evccids: OrderedDict[str, str] = OrderedDict()
        self._foreign: deque[str] = deque(maxlen=REMEMBERED_TOKENS)  # at EVSEs not configured

    @property
    def evse_configs(self) -> tuple[EvseConfig, ...]:
        """The installer's words on every EVSE."""
        return self.config.evses

    def recall(self, now: Instant) -> None:
        """At the start: the transactions that ran when the daemon last wrote."""
        kept = self.journal.newest(self.config.station_id, StationEventKind.LEARNED, ABOUT)
        if kept is not None:
            self.about = StationAbout(**json.loads(kept.detail))
        for evse in self.evses:
            name = _journal_name(evse.config.number)
            last = self.journal.newest(self.config.station_id, StationEventKind.TRANSACTION, name)
            if last is not None:
                event = transaction_event(json.loads(last.detail), known_evccids=self._evccids)
                evse.recall(event, now)
            evse.publish()

    async def keep_transaction(self, payload: JsonObject, now: Instant) -> None:
        """Commit a Started or Ended event; a ledger that fails is a fault, no refusal."""
        event = transaction_event(payload, known_evccids=self._evccids)
        if event.kind is EventKind.UPDATED:
            return
        evse = self._of(event)
        name = "elsewhere" if evse is None else _journal_name(evse.config.number)
        await self.journal.keep(
            StationEvent(
                at_utc=now.utc,
                station_id=self.config.station_id,
                kind=StationEventKind.TRANSACTION,
                name=f"{name} offline" if event.offline else name,
                detail=json.dumps(payload),
            )
        )

    def link_opened(self) -> None:
        """A new connection has to tell everything anew."""
        self.boot_heard.clear()
        self.accepted.clear()
        for evse in self.evses:
            evse.link_opened()

    def link_lost(self) -> None:
        """The connection is gone."""
        for evse in self.evses:
            evse.link_lost()

    def booted(self, payload: JsonObject, now: Instant, *, accepted: bool) -> None:
        """BootNotification; a boot nobody asked for means that profiles may be lost."""
        self._introduced(about(payload["chargingStation"]), now)
        self.boot_heard.set()
        if not accepted:
            return
        self.accepted.set()
        if payload["reason"] != "Triggered":
            self.power_ups += 1
        for evse in self.evses:
            if payload["reason"] != "Triggered":
                evse.forget_profiles()
            evse.publish(serial=self.serial)

    def _introduced(self, told: StationAbout, now: Instant) -> None:
        self.serial = told.serial or self.serial
        if told != self.about:
            self.about = told
            if self._learned.exhausted(ABOUT, now_s=now.monotonic_s):
                return
            self._learned.add(ABOUT, now_s=now.monotonic_s)
            event = StationEvent(
                at_utc=now.utc,
                station_id=self.config.station_id,
                kind=StationEventKind.LEARNED,
                name=ABOUT,
                detail=json.dumps(asdict(told)),
            )
            self.journal.note(event)

    def stamp_told(self, payload: JsonObject, now: Instant) -> None:
        """A live message's stamp is a witness of our clock, until the station has its time from us.

        It stays disqualified over reconnects: most stations set their clocks by our answers.
        """
        if self.has_our_time or payload.get("offline", False):
            return
        told_utc = parse_stamp(str(payload.get("timestamp", payload.get("generatedAt", ""))))
        if told_utc is not None:
            self._sink.put_clock_witness(
                ClockWitness(source=WitnessSource.STATION, told_utc=told_utc, observed_at=now)
            )

    def authorized(self, payload: JsonObject) -> None:
        """Remember which car a token came with, for the transaction that follows."""
        token = payload["idToken"]
        found, name = identity(token, known_evccids={}), printable(str(token["idToken"]))
        if found.evccid is not None and name != "":
            self._evccids[name] = found.evccid
            self._evccids.move_to_end(name)
            if len(self._evccids) > REMEMBERED_TOKENS:
                self._evccids.popitem(last=False)

    def key_shown(self, id_token: JsonObject, now: Instant) -> None:
        """Remember a key that stands on no list: its owner may want it on one."""
        if self.config.key_ring.lists(id_token) or is_own(id_token) or is_no_key(id_token):
            return
        seen = SeenKey(
            id_token=printable(str(id_token["idToken"])),
            kind=printable(str(id_token["type"])),
            at_utc=now.utc,
        )
        others = [one for one in self.unknown_keys if one.id_token != seen.id_token]
        self.unknown_keys.clear()
        self.unknown_keys.extend([*others, seen])

    def log_asked(self, request_id: int) -> None:
        """An upload was asked for; what is told of an earlier one is over."""
        self.log_upload = LogUpload(request_id=request_id, status="Asked", told_utc=None)

    def log_told(self, payload: JsonObject, now: Instant) -> None:
        """LogStatusNotification; 1.6 tells no request id, then it is that of the last one."""
        asked = 0 if self.log_upload is None else self.log_upload.request_id
        self.log_upload = LogUpload(
            request_id=payload.get("requestId", asked), status=payload["status"], told_utc=now.utc
        )

    def connector_told(self, payload: JsonObject, now: Instant) -> None:
        """StatusNotification; EVSE 0 or connector 0 speak of no outlet."""
        evse = self._by_number(payload["evseId"])
        if evse is not None and payload["connectorId"] > 0:
            evse.connector_told(payload["connectorStatus"], now)

    def needs_told(self, payload: JsonObject, now: Instant) -> None:
        """NotifyEVChargingNeeds."""
        evse = self._by_number(payload["evseId"])
        if evse is not None:
            evse.needs_told(charging_needs(payload["chargingNeeds"], evse.config), now)

    def transaction_told(self, payload: JsonObject, now: Instant) -> None:
        """TransactionEvent; most updates name no EVSE, then the transaction's id decides."""
        event = transaction_event(payload, known_evccids=self._evccids)
        evse = self._of(event)
        if evse is None:
            self._foreign.append(event.transaction_id)
            return
        evse.apply(event, now)

    def meter_told(self, payload: JsonObject, now: Instant) -> None:
        """MeterValues; EVSE 0 is the station's main meter, which is not ours to use."""
        evse = self._by_number(payload["evseId"])
        sample = newest_sample(payload["meterValue"])
        if evse is not None and sample is not None:
            evse.sampled(sample, now)

    def _of(self, event: TransactionEvent) -> EvseState | None:
        if event.evse_number is None:
            return self._by_transaction(event)
        return self._by_number(event.evse_number)

    def _by_number(self, number: int) -> EvseState | None:
        return next((evse for evse in self.evses if evse.config.number == number), None)

    def _by_transaction(self, event: TransactionEvent) -> EvseState | None:
        """The EVSE of an event that names none; an unknown one goes to the only EVSE, if idle."""
        for evse in self.evses:
            running = evse.transaction
            if running is not None and running.transaction_id == event.transaction_id:
                return evse
        if len(self.evses) != 1 or event.transaction_id in self._foreign:
            return None
        (only,) = self.evses
        busy = only.transaction is not None and only.transaction.heard
        return None if busy else only


def about(told: JsonObject) -> StationAbout:
    """The chargingStation of a BootNotification."""
    fields = {"vendor": "vendorName", "model": "model", "firmware": "firmwareVersion"}
    fields["serial"] = "serialNumber"
    return StationAbout(
        **{
            name: printable(str(told[field]))[:LONGEST_TOLD]
            for name, field in fields.items()
            if told.get(field) is not None
        }
    )


def _journal_name(evse_number: int) -> str:
    """What the newest Started or Ended of an EVSE is filed under."""
    return f"evse {evse_number}"
