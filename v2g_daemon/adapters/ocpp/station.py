"""What one charging station is now: its boot, who it is, and which message concerns which EVSE."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import OrderedDict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from zoneinfo import ZoneInfo

from v2g_daemon.adapters.ocpp.authorization.autostart import Autostart
from v2g_daemon.adapters.ocpp.authorization.keys import Admissions, is_no_key, is_own
from v2g_daemon.adapters.ocpp.config import EvseConfig, StationConfig
from v2g_daemon.adapters.ocpp.dialects.acquaintance import Acquaintance
from v2g_daemon.adapters.ocpp.dialects.dialect import Dialect
from v2g_daemon.adapters.ocpp.dialects.lessons import Lessons, Make
from v2g_daemon.adapters.ocpp.dialects.quirks import NO_DIALECTS, Dialects
from v2g_daemon.adapters.ocpp.ev_schedule import ev_schedule
from v2g_daemon.adapters.ocpp.events import EventKind, TransactionEvent, transaction_event
from v2g_daemon.adapters.ocpp.evse import EvseState
from v2g_daemon.adapters.ocpp.metering.meter_values import Sample, newest_sample
from v2g_daemon.adapters.ocpp.metering.stamps import CLOCK_TOLERANCE, Stamps
from v2g_daemon.adapters.ocpp.provisioning.abilities import connected_ev_told
from v2g_daemon.adapters.ocpp.provisioning.reports import Reports
from v2g_daemon.adapters.ocpp.provisioning.settling import Setting
from v2g_daemon.adapters.ocpp.smart_charging.foreign import ForeignLimits
from v2g_daemon.adapters.ocpp.wire.codec import JsonObject, printable
from v2g_daemon.adapters.ocpp.wire.translate import charging_needs, identity, parse_stamp
from v2g_daemon.domain.clock import ClockWitness, WitnessSource
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.ledger import StationEvent, StationEventKind
from v2g_daemon.domain.readings import MeterReading
from v2g_daemon.domain.stations import LogUpload, SeenKey
from v2g_daemon.ports import ObservationSink, StationJournal

LOG = logging.getLogger(__name__)

REMEMBERED_TOKENS = 32
SEEN_KEYS = 5
LONGEST_TOLD = 100


class StationState:
    """Routes a station's messages to its EVSEs; outlives connections."""

    def __init__(
        self,
        *,
        config: StationConfig,
        sink: ObservationSink,
        journal: StationJournal,
        dialects: Dialects = NO_DIALECTS,
    ) -> None:
        self._installed = config
        self._dialects = dialects
        self.dialect: Dialect | None = None
        self.config = config
        self.journal = journal
        self.has_our_time = False
        self._sink = sink
        self._upstream_stamps = Stamps()
        self.make = Make()  # may be of an earlier run
        self.known = Acquaintance(station_id=config.station_id, journal=journal)
        self.reports = Reports()
        self.settings: tuple[Setting, ...] = ()
        self.prepared = False
        self.boot_asked = False
        self.admissions = Admissions(config.key_ring)
        self.log_upload: LogUpload | None = None
        self.unknown_keys: deque[SeenKey] = deque(maxlen=SEEN_KEYS)
        self.boot_heard = asyncio.Event()
        self.accepted = asyncio.Event()
        self.outlets_heard = asyncio.Event()
        self.power_ups = 0
        self.evses = _evses(config, sink, journal)
        self._autostarts = tuple(Autostart(evse=evse) for evse in self.evses)
        self.foreign = ForeignLimits(self.evses)
        self._evccids: OrderedDict[str, str] = OrderedDict()
        self._foreign: deque[str] = deque(maxlen=REMEMBERED_TOKENS)  # at EVSEs not configured

    @property
    def evse_configs(self) -> tuple[EvseConfig, ...]:
        """The installer's words on every EVSE."""
        return self.config.evses

    @property
    def autostarts(self) -> tuple[Autostart, ...]:
        """Of a station that starts no transaction by itself."""
        return self._autostarts if self.config.remote_start else ()

    def recall(self, now: Instant) -> None:
        """At the start: who it is, and the transactions that ran when the daemon last wrote."""
        self.make = self.known.last_make()
        self._tell_its_dialect()
        for evse in self.evses:
            station_id, name = self.config.station_id, _journal_name(evse.config.number)
            kept = self.journal.newest(station_id, StationEventKind.LEARNED, name)
            if kept is not None:
                evse.recall_keepsakes(json.loads(kept.detail))
            last = self.journal.newest(station_id, StationEventKind.TRANSACTION, name)
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
        self.outlets_heard.clear()
        self.prepared = False
        for evse in self.evses:
            evse.link_opened()

    def link_lost(self) -> None:
        """The connection is gone."""
        for evse in self.evses:
            evse.link_lost()

    def booted(self, payload: JsonObject, now: Instant, *, accepted: bool) -> None:
        """BootNotification; a boot nobody asked for means that profiles may be lost."""
        self.known.booted(self.make, now, restarted=payload["reason"] != "Triggered")
        self.boot_asked = False
        self.boot_heard.set()
        if not accepted:
            return
        self.accepted.set()
        if payload["reason"] != "Triggered":
            self.power_ups += 1
            self.foreign.restarted()
        for evse in self.evses:
            if payload["reason"] != "Triggered":
                evse.restarted()
            evse.publish(serial=self.make.serial)

    def named(self, told: JsonObject) -> None:
        """What the station says it is; silence keeps what is known."""
        words = {
            "vendor": told.get("vendorName"),
            "model": told.get("model"),
            "firmware": told.get("firmwareVersion"),
            "serial": told.get("serialNumber"),
        }
        printed = {name: printable(str(word)) for name, word in words.items() if word}
        named = {name: word[:LONGEST_TOLD] for name, word in printed.items() if word}
        self.make = replace(self.make, **named)
        self._tell_its_dialect()

    def _tell_its_dialect(self) -> None:
        """By its make, unless the installer named it."""
        dialect = self._dialects.of(self.config.station_id, self.make)
        if dialect is self.dialect:
            return
        self.dialect = dialect
        self.config = self._dialects.laid_under(self._installed, dialect)
        for evse, config in zip(self.evses, self.config.evses, strict=True):
            evse.config = evse.forms.config = config
        name = "none that we know" if dialect is None else f"{dialect.id} ({dialect.name})"
        LOG.info("OCPP: dialect of %s: %s", self.config.station_id, name)

    @property
    def preparing(self) -> bool:
        """Whether the next boot is answered with Pending, to configure the station first (B02)."""
        return self.config.boot_pending and not self.prepared

    @property
    def withholding(self) -> bool:
        """Whether its boot of this connection is still pending by our own wish."""
        return self.preparing and self.boot_heard.is_set() and not self.accepted.is_set()

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
            if all(one.connector_heard for one in self.evses):
                self.outlets_heard.set()

    def needs_told(self, payload: JsonObject, now: Instant) -> bool:
        """NotifyEVChargingNeeds; whether a profile follows at once."""
        evse = self._by_number(payload["evseId"])
        if evse is None:
            return False
        needs = charging_needs(
            payload["chargingNeeds"], evse.config, most_periods=payload.get("maxScheduleTuples")
        )
        evse.needs_told(needs, now)
        return evse.commander is not None and evse.commander.command_stands

    def ev_schedule_told(self, payload: JsonObject, now: Instant) -> bool:
        """NotifyEVChargingSchedule; whether the car stays within what was commanded."""
        evse = self._by_number(payload["evseId"])
        if evse is None:
            return True
        needs = evse.needs
        schedule = ev_schedule(
            payload,
            evse.config,
            direct_current=needs is not None and needs.direct_current,
        )
        return schedule is None or evse.ev_schedule_told(schedule, now)

    def pulled(self, profile_id: int) -> JsonObject:
        """PullDynamicScheduleUpdate: a setpoint that still stands, or a refusal."""
        for evse in self.evses:
            update = None if evse.commander is None else evse.commander.pulled(profile_id)
            if update is not None:
                return {"status": "Accepted", "scheduleUpdate": update}
        info = {"reasonCode": "InvalidProfile", "additionalInfo": "no setpoint stands for it"}
        return {"status": "Rejected", "statusInfo": info}

    def event_told(self, payload: JsonObject, now: Instant) -> None:
        """NotifyEvent: of what stations report only the name of the connected EV concerns us."""
        for told in payload["eventData"]:
            named = connected_ev_told(told)
            at_utc = parse_stamp(told["timestamp"])
            queued = at_utc is not None and abs(now.utc - at_utc) > CLOCK_TOLERANCE
            evse = None if named is None else self._by_number(named[0])
            if evse is not None and named is not None and not queued:
                evse.named(evccid=named[1])

    def transaction_told(self, payload: JsonObject, now: Instant) -> None:
        """TransactionEvent; most updates name no EVSE, then the transaction's id decides."""
        event = transaction_event(payload, known_evccids=self._evccids)
        evse = self._of(event)
        if evse is None:
            self._foreign.append(event.transaction_id)
            return
        if not event.offline:
            self._upstream_told(event.sample, now)
        with self._keepsakes_of(evse, now):
            evse.apply(event, now)

    def meter_told(self, payload: JsonObject, now: Instant) -> None:
        """MeterValues; of EVSE 0 only what lies upstream of the station concerns us."""
        evse = self._by_number(payload["evseId"])
        sample = newest_sample(payload["meterValue"])
        self._upstream_told(sample, now)
        if evse is not None and sample is not None:
            with self._keepsakes_of(evse, now):
                evse.sampled(sample, now)

    def _upstream_told(self, sample: Sample | None, now: Instant) -> None:
        """What the station measures at the grid connection, for whoever wants it."""
        if sample is None or sample.upstream is None:
            return
        at = self._upstream_stamps.taken_at(sample.sampled_at_utc, now)
        if at is None:
            return
        reading = MeterReading(observed_at=at, **asdict(sample.upstream))
        for evse in self.evses:
            self._sink.put_upstream(evse.config.evse_id, reading)

    @contextmanager
    def _keepsakes_of(self, evse: EvseState, now: Instant) -> Iterator[None]:
        """Write down what changed of them within the block."""
        before = evse.keepsakes
        yield
        if evse.keepsakes != before:
            self.journal.note(
                StationEvent(
                    at_utc=now.utc,
                    station_id=self.config.station_id,
                    kind=StationEventKind.LEARNED,
                    name=_journal_name(evse.config.number),
                    detail=json.dumps(evse.keepsakes),
                )
            )

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


def _evses(
    config: StationConfig, sink: ObservationSink, journal: StationJournal
) -> tuple[EvseState, ...]:
    return tuple(
        EvseState(
            station_id=config.station_id,
            config=evse,
            sink=sink,
            lessons=Lessons(station_id=config.station_id, evse_number=evse.number, journal=journal),
            zone=ZoneInfo(config.timezone),
            alone=len(config.evses) == 1,
        )
        for evse in config.evses
    )


def _journal_name(evse_number: int) -> str:
    """What the newest Started or Ended of an EVSE is filed under, and its keepsakes."""
    return f"evse {evse_number}"
