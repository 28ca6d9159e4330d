"""What one EVSE is now, from the station's messages; every change goes to the sink."""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from v2g_daemon.adapters.ocpp.abilities import NOTHING_KNOWN, EvseAbilities
from v2g_daemon.adapters.ocpp.codec import printable
from v2g_daemon.adapters.ocpp.config import EvseConfig
from v2g_daemon.adapters.ocpp.events import EventKind, TransactionEvent
from v2g_daemon.adapters.ocpp.meter_values import Sample
from v2g_daemon.adapters.ocpp.translate import ChargingNeeds, capability
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.readings import CommandOutcome, EvseStatus, VehicleIdentity
from v2g_daemon.ports import ObservationSink

# A stamp further off than this tells of the station's clock, not of the moment.
CLOCK_TOLERANCE = timedelta(seconds=300)
REMEMBERED_TRANSACTIONS = 8
REMEMBERED_WAYS = 16
_PARTING = frozenset({"EVDeparted", "EVCommunicationLost", "EVConnectTimeout"})


@dataclass(slots=True, kw_only=True)
class Transaction:
    """The transaction now running; `heard` says whether this connection has told of it."""

    transaction_id: str
    since: Instant
    adopted: bool
    heard: bool = True
    claimed: bool = False


class EvseState:
    """The live view of one EVSE; outlives connections, so that a lost link loses no session."""

    def __init__(self, *, station_id: str, config: EvseConfig, sink: ObservationSink) -> None:
        self.config = config
        self._ways_s: deque[float] = deque(maxlen=REMEMBERED_WAYS)
        self.transaction: Transaction | None = None
        self.needs: ChargingNeeds | None = None
        self.abilities: EvseAbilities = NOTHING_KNOWN
        self.default_installed = False
        self.setpoint_refused = False
        self.connector_heard = False
        self.connector_status: str | None = None
        self._station_id = station_id
        self._sink = sink
        self._newest_stamp_utc: datetime | None = None
        self._ended: deque[str] = deque(maxlen=REMEMBERED_TRANSACTIONS)
        self._identities: OrderedDict[str, VehicleIdentity] = OrderedDict()
        self._partings: Counter[str] = Counter()  # cars that left within a transaction
        self.status = EvseStatus(evse_id=config.evse_id, connected=False)

    @property
    def central_setpoint(self) -> bool:
        """Whether a signed setpoint may be sent: offered, never refused, with a net beneath."""
        return (
            self.abilities.central_setpoint and self.default_installed and not self.setpoint_refused
        )

    def publish(self, **changes: Any) -> None:
        """Tell the sink, with the capability of this moment."""
        self.status = replace(
            self.status,
            capability=capability(self.config, self.needs, central_setpoint=self.central_setpoint),
            **changes,
        )
        self._sink.put_evse(self.status)

    def link_opened(self) -> None:
        """A new connection knows nothing yet: what was installed must be learned again."""
        self.connector_heard = False
        self.connector_status = None
        self.forget_profiles()
        self.publish(connected=True)

    def forget_profiles(self) -> None:
        """The station has (re)started: its profiles may be gone, and its transaction with them."""
        self.default_installed = False
        self.setpoint_refused = False
        if self.transaction is not None:
            self.transaction.heard = False

    def recall(self, event: TransactionEvent, now: Instant) -> None:
        """The last event an earlier run kept: what began goes on until contradicted."""
        self._note_identity(event)
        if event.kind is EventKind.STARTED:
            self.transaction = Transaction(
                transaction_id=event.transaction_id, since=now, adopted=True, heard=False
            )
            self.status = replace(
                self.status,
                plugged_in=True,
                session_id=self._session_id(event.transaction_id),
                transaction_id=event.transaction_id,
                identity=self._identities.get(event.transaction_id),
            )

    def link_lost(self) -> None:
        """Keep the last values with their moments; only the link is gone."""
        self.publish(connected=False)

    def learned(self, abilities: EvseAbilities, *, serial: str | None) -> None:
        """What the station says it can do."""
        self.abilities = abilities
        self.publish(serial=self.status.serial if serial is None else serial)

    def named(self, *, evccid: str) -> None:
        """The station names the connected EV."""
        known = self.status.identity
        token = None if known is None else known.id_token
        self.publish(identity=VehicleIdentity(evccid=evccid, id_token=token))

    def needs_told(self, needs: ChargingNeeds, now: Instant) -> None:
        """The EV said what it can and wants."""
        self.needs = needs
        if needs.soc is None:
            self.publish()
        else:
            self.publish(soc=needs.soc, soc_observed_at=now)

    def answered(self, outcome: CommandOutcome) -> None:
        """What became of a command."""
        self.publish(outcome=outcome)

    def connector_told(self, connector_status: str, now: Instant) -> None:
        """StatusNotification; a transaction this connection told of knows better than it."""
        self.connector_heard = True
        self.connector_status = connector_status
        running = self.transaction is not None and self.transaction.heard
        if connector_status == "Occupied" and not self.status.plugged_in:
            self.publish(plugged_in=True, plugged_in_at_utc=now.utc)
        elif connector_status == "Available" and not running:
            self._unplugged(now)

    def transaction_over(self, now: Instant) -> None:
        """The station knows the running transaction no more."""
        if self.transaction is not None:
            self._ended.append(self.transaction.transaction_id)
        self._unplugged(now)

    def apply(self, event: TransactionEvent, now: Instant) -> None:
        """One TransactionEvent. What was queued offline is history and changes no live value."""
        self._note_identity(event)
        if event.kind is EventKind.ENDED:
            self._end(event, now)
            return
        if self._is_parting(event):
            self._part(event, now)
            return
        if event.offline or event.transaction_id in self._ended:
            return
        if self.transaction is None or self.transaction.transaction_id != event.transaction_id:
            self._begin(event, now)
        else:
            self.transaction.heard = True
        changes = self._changes_of(event, now)
        self.publish(**changes, **self._live_values(event.sample, event.at_utc, now))

    def sampled(self, sample: Sample, now: Instant) -> None:
        """MeterValues outside a TransactionEvent."""
        values = self._live_values(sample, sample.sampled_at_utc, now)
        if values:
            self.publish(**values)

    def _is_parting(self, event: TransactionEvent) -> bool:
        """Whether the car has left, though its transaction may go on and see another one."""
        running = self.transaction
        went_idle = (
            event.charging_state == "Idle"
            and not event.offline
            and self.status.plugged_in
            and running is not None
            and running.transaction_id == event.transaction_id
        )
        return event.trigger in _PARTING or went_idle

    def _part(self, event: TransactionEvent, now: Instant) -> None:
        """Whoever is plugged in next within this transaction is somebody else until named."""
        self._identities.pop(event.transaction_id, None)
        self._partings[event.transaction_id] += 1
        if len(self._partings) > REMEMBERED_TRANSACTIONS:
            del self._partings[next(iter(self._partings))]
        running = self.transaction
        ours = running is not None and running.transaction_id == event.transaction_id
        if ours or not event.offline:
            self._unplugged(now)

    def _session_id(self, transaction_id: str) -> str:
        """One name per plug-in: a later one within the same transaction is counted."""
        name = f"{self._station_id}:{printable(transaction_id)}"
        partings = self._partings[transaction_id]
        return name if partings == 0 else f"{name}:{partings + 1}"

    def _begin(self, event: TransactionEvent, now: Instant) -> None:
        """A new transaction, or one that was running before we were."""
        if self.transaction is not None:
            self._ended.append(self.transaction.transaction_id)
            self.needs = None
        if self.needs is None or self.needs.soc is None:
            # The car of the transaction before may have left unseen, and its SoC with it.
            self.status = replace(self.status, soc=None, soc_observed_at=None)
        self.transaction = Transaction(
            transaction_id=event.transaction_id,
            since=now,
            adopted=event.kind is not EventKind.STARTED,
        )
        self.status = replace(
            self.status,
            plugged_in=True,
            session_id=self._session_id(event.transaction_id),
            transaction_id=event.transaction_id,
            identity=self._identities.get(event.transaction_id),
            car_stopped=False,
            outcome=None,
        )

    def _end(self, event: TransactionEvent, now: Instant) -> None:
        self._ended.append(event.transaction_id)
        if self.transaction is None or self.transaction.transaction_id != event.transaction_id:
            return
        values = {} if event.offline else self._live_values(event.sample, event.at_utc, now)
        parted = event.stopped_reason == "EVDisconnected" or event.trigger in _PARTING
        if parted or event.charging_state == "Idle":
            self._unplugged(now, **values)
            return
        self.transaction = None
        self.needs = None
        still = {"transaction_id": None, "car_stopped": False, "outcome": None}
        self.publish(**{**values, **still, "power_w": 0.0, "power_observed_at": now})

    def _unplugged(self, now: Instant, **values: Any) -> None:
        """Nothing is connected, so nothing flows; the registers stay."""
        self.transaction = None
        self.needs = None
        gone: dict[str, Any] = dict.fromkeys(
            (
                "session_id",
                "transaction_id",
                "plugged_in_at_utc",
                "identity",
                "soc",
                "soc_observed_at",
                "outcome",
            )
        )
        gone |= {"plugged_in": False, "car_stopped": False}
        self.publish(**{**values, **gone, "power_w": 0.0, "power_observed_at": now})

    def _note_identity(self, event: TransactionEvent) -> None:
        """Identity is told once, often in an event that was queued offline."""
        if event.identity is None:
            return
        known = self._identities.get(event.transaction_id)
        evccid = event.identity.evccid
        if evccid is None and known is not None:
            evccid = known.evccid
        self._identities[event.transaction_id] = replace(event.identity, evccid=evccid)
        if len(self._identities) > REMEMBERED_TRANSACTIONS:
            self._identities.popitem(last=False)

    def _changes_of(self, event: TransactionEvent, now: Instant) -> dict[str, Any]:
        changes: dict[str, Any] = {}
        if event.charging_state is not None:  # absent in most updates: the last one holds
            changes["plugged_in"] = event.charging_state != "Idle"
            changes["car_stopped"] = event.charging_state == "SuspendedEV"
        plugged_in = changes.get("plugged_in", self.status.plugged_in)
        adopted = self.transaction is not None and self.transaction.adopted
        if plugged_in and not adopted and self.status.plugged_in_at_utc is None:
            near = event.at_utc is not None and abs(now.utc - event.at_utc) <= CLOCK_TOLERANCE
            changes["plugged_in_at_utc"] = event.at_utc if near else now.utc
        if adopted and event.operation_mode == "CentralSetpoint" and self.needs is None:
            # An adopted transaction under a setpoint: the EV agreed to it before we came.
            self.needs = ChargingNeeds(bidirectional=True, direct_current=False)
        identity = self._identities.get(event.transaction_id)
        if identity is not None:
            changes["identity"] = identity
        return changes

    def _live_values(
        self, sample: Sample | None, at_utc: datetime | None, now: Instant
    ) -> dict[str, Any]:
        """The sample's values as of their moment; none where a newer one was seen before."""
        if sample is None:
            return {}
        stamp_utc = sample.sampled_at_utc or at_utc
        newest_utc = self._newest_stamp_utc
        if stamp_utc is not None:
            believed = newest_utc is not None and newest_utc <= now.utc + CLOCK_TOLERANCE
            if believed and newest_utc is not None and stamp_utc < newest_utc:
                return {}
            self._newest_stamp_utc = stamp_utc
        at = self._taken_at(stamp_utc, now)
        values: dict[str, Any] = {}
        if sample.power_w is not None:
            values |= {"power_w": sample.power_w, "power_observed_at": at}
        if sample.soc is not None:
            values |= {"soc": sample.soc, "soc_observed_at": at}
        if sample.charge_milliwh is not None or sample.discharge_milliwh is not None:
            values["registers_observed_at"] = at
        if sample.charge_milliwh is not None:
            values["charge_milliwh"] = sample.charge_milliwh
        if sample.discharge_milliwh is not None:
            values["discharge_milliwh"] = sample.discharge_milliwh
        return values

    def _taken_at(self, stamp_utc: datetime | None, now: Instant) -> Instant:
        """When a sample was taken: earlier by what its way took longer than the quickest lately.

        So a station's clock may be wrong, as long as it runs.
        """
        if stamp_utc is None:
            return now
        way_s = (now.utc - stamp_utc).total_seconds()
        self._ways_s.append(way_s)
        delay_s = way_s - min(self._ways_s)
        return now.later(-delay_s) if delay_s <= CLOCK_TOLERANCE.total_seconds() else now
