"""What one EVSE is now, from the station's messages; every change goes to the sink."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from datetime import tzinfo
from typing import Any

from v2g_daemon.adapters.ocpp.config import EvseConfig
from v2g_daemon.adapters.ocpp.dialects.lessons import Lessons, Make, WriteCount
from v2g_daemon.adapters.ocpp.ev_schedule import EvSchedule
from v2g_daemon.adapters.ocpp.events import EventKind, TransactionEvent
from v2g_daemon.adapters.ocpp.metering.meter_values import Sample
from v2g_daemon.adapters.ocpp.metering.stamps import CLOCK_TOLERANCE
from v2g_daemon.adapters.ocpp.metering.telemetry import Telemetry
from v2g_daemon.adapters.ocpp.naming import REMEMBERED_TRANSACTIONS, Naming
from v2g_daemon.adapters.ocpp.provisioning.abilities import EvseAbilities
from v2g_daemon.adapters.ocpp.smart_charging.forms import EvseForms
from v2g_daemon.adapters.ocpp.smart_charging.writes import WriteCounter
from v2g_daemon.adapters.ocpp.transaction import Commander, Transaction
from v2g_daemon.adapters.ocpp.wire.codec import JsonObject
from v2g_daemon.adapters.ocpp.wire.translate import ChargingNeeds, capability
from v2g_daemon.domain.faults import Fault, FaultCode
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.readings import (
    CommandOutcome,
    EvseStatus,
    OutcomeKind,
    VehicleIdentity,
)
from v2g_daemon.ports import ObservationSink

POWER_CONTRADICTED = (
    "the power that the station tells contradicts its energy register, so the register's is used; "
    "tell the maker, and compare with the grid meter"
)
_PARTING = frozenset({"EVDeparted", "EVCommunicationLost", "EVConnectTimeout"})
_OUT_OF_ORDER = {
    "Faulted": "its outlet is faulted; its own display or app says why, a reset may help",
    "Unavailable": "its outlet is out of service, or its firmware is being updated",
}


class EvseState:
    """The live view of one EVSE; outlives connections, so that a lost link loses no session."""

    def __init__(
        self,
        *,
        station_id: str,
        config: EvseConfig,
        sink: ObservationSink,
        lessons: Lessons,
        zone: tzinfo,
        alone: bool,
    ) -> None:
        self.config = config
        self.alone = alone  # the station's only outlet
        self.forms = EvseForms(config=config, lessons=lessons)
        self.writes = WriteCounter(lessons, zone=zone)
        self.telemetry = Telemetry()
        self.transaction: Transaction | None = None
        self.needs: ChargingNeeds | None = None
        self.ev_schedule: EvSchedule | None = None
        self.most_w: float | None = None  # the most that the command in force lets it charge
        self.to_renegotiate = False
        self.acquainted = False
        self.connector_heard = False
        self.connector_status: str | None = None
        self.begun = False  # a transaction, since the car was plugged in or the station started
        self.commander: Commander | None = None
        self.naming = Naming(station_id)
        self._sink = sink
        self._ended: deque[str] = deque(maxlen=REMEMBERED_TRANSACTIONS)
        self._faults: dict[FaultCode, Fault] = {}
        self.status = EvseStatus(evse_id=config.evse_id, connected=False)

    @property
    def abilities(self) -> EvseAbilities:
        """What the station says of this EVSE."""
        return self.forms.abilities

    def publish(self, **changes: Any) -> None:
        """Tell the sink, with the capability and the complaints of this moment."""
        contradicted = POWER_CONTRADICTED if self.telemetry.power_doubted else None
        self._note(FaultCode.POWER_CONTRADICTED, contradicted)
        self.status = replace(
            self.status,
            capability=capability(self.config, self.needs, self.forms.offer()),
            faults=tuple(self._faults.values()),
            **changes,
        )
        self._sink.put_evse(self.status)

    def complain(self, code: FaultCode, detail: str | None) -> None:
        """Something is wrong with this EVSE that people must see; None: no longer."""
        self._note(code, detail)
        self.publish()

    def _note(self, code: FaultCode, detail: str | None) -> None:
        self._faults.pop(code, None)
        if detail is not None:
            self._faults[code] = Fault(code=code, detail=detail, evse_id=self.config.evse_id)

    def wrote(self, now: Instant, *, flash: bool) -> None:
        """Something was written to the station for this EVSE."""
        self.publish(**self._counts(self.writes.note(now, flash=flash)))

    def _counts(self, counted: WriteCount) -> dict[str, Any]:
        """What the house budgets; where leases wear nothing, the rare default does not count."""
        wearing = counted.flash_count if self.forms.wears(self.forms.rung) else None
        return {"writes_today": counted.count, "flash_writes_today": wearing}

    def link_opened(self) -> None:
        """A new connection knows nothing yet: what was installed must be learned again."""
        self.connector_heard = False
        self.connector_status = None
        self._note(FaultCode.OUT_OF_ORDER, None)
        self.forms.link_opened()
        self._unheard()
        self.publish(connected=True)

    def restarted(self) -> None:
        """The station has started anew: its profiles may be gone, and its transaction with them."""
        self.forms.restarted()
        self.begun = False
        self._unheard()

    def _unheard(self) -> None:
        if self.transaction is not None:
            self.transaction.heard = False

    @property
    def keepsakes(self) -> JsonObject:
        """What no station tells again: the bases of its registers, and how often a car parted."""
        return {**self.telemetry.bases, "partings": self.naming.partings}

    def recall_keepsakes(self, kept: JsonObject) -> None:
        """The keepsakes of an earlier run."""
        self.telemetry.recall(kept)
        self.naming.recall(kept["partings"])

    def recall(self, event: TransactionEvent, now: Instant) -> None:
        """The last event an earlier run kept: what began goes on until contradicted."""
        self.naming.recalled(event.transaction_id, event.identity)
        if event.kind is EventKind.STARTED:
            self.transaction = Transaction(
                transaction_id=event.transaction_id, since=now, adopted=True, heard=False
            )
            self.status = replace(
                self.status,
                plugged_in=True,
                session_id=self.naming.session_id(event.transaction_id),
                transaction_id=event.transaction_id,
                identity=self.naming.of(event.transaction_id),
            )

    def link_lost(self) -> None:
        """Keep the last values with their moments; only the link is gone."""
        self.publish(connected=False)

    def learned(self, abilities: EvseAbilities, make: Make, now: Instant) -> None:
        """What the station says it can do, and what it is."""
        self.acquainted = True
        self.forms.learned(abilities, make)
        self.publish(
            serial=self.status.serial if make.serial is None else make.serial,
            **self._counts(self.writes.today(now)),
        )

    def named(self, *, evccid: str) -> None:
        """The station names the connected EV, perhaps before its transaction begins."""
        if not self.status.plugged_in:
            return
        known = self.status.identity
        token = None if known is None else known.id_token
        identity = VehicleIdentity(evccid=evccid, id_token=token)
        running = self.transaction
        self.naming.named(None if running is None else running.transaction_id, evccid)
        self.publish(identity=identity)

    def needs_told(self, needs: ChargingNeeds, now: Instant) -> None:
        """The EV said what it can and wants."""
        self.needs = needs
        if needs.soc is None:
            self.publish()
        else:
            self.publish(soc=needs.soc, soc_observed_at=now)

    def ev_schedule_told(self, schedule: EvSchedule, now: Instant) -> bool:
        """The EV's own schedule; whether it stays within what was commanded."""
        self.ev_schedule = schedule
        self.publish(car_plans_w=schedule.at(now.utc))
        within = self.most_w is None or schedule.within(self.most_w, now.utc)
        self.to_renegotiate = not within
        return within

    def answered(self, outcome: CommandOutcome) -> None:
        """What became of a command."""
        self.publish(outcome=outcome)

    def doubted(self, detail: str) -> None:
        """What the station says against the command that it applied; empty: nothing (any more)."""
        outcome = self.status.outcome
        if outcome is None or outcome.kind is not OutcomeKind.APPLIED or outcome.detail == detail:
            return
        self.publish(outcome=replace(outcome, detail=detail))

    def connector_told(self, connector_status: str, now: Instant) -> None:
        """StatusNotification; a transaction this connection told of knows better than it."""
        self.connector_heard = True
        self.connector_status = connector_status
        self.complain(FaultCode.OUT_OF_ORDER, _OUT_OF_ORDER.get(connector_status))
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
        self.naming.told(event.transaction_id, event.identity)
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
        if self.ev_schedule is not None:
            changes["car_plans_w"] = self.ev_schedule.at(now.utc)
        self.publish(**changes, **self.telemetry.values(event.sample, event.at_utc, now))

    def sampled(self, sample: Sample, now: Instant) -> None:
        """MeterValues outside a TransactionEvent."""
        values = self.telemetry.values(sample, sample.sampled_at_utc, now)
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
        self.naming.parted(event.transaction_id)
        running = self.transaction
        ours = running is not None and running.transaction_id == event.transaction_id
        if ours or not event.offline:
            self._unplugged(now)

    def _begin(self, event: TransactionEvent, now: Instant) -> None:
        """A new transaction, or one that was running before we were."""
        if self.transaction is not None:
            self._ended.append(self.transaction.transaction_id)
            self._car_unsaid()
            # Nobody told of an end: this may be another plug-in, whose beginning is now.
            self.status = replace(self.status, plugged_in_at_utc=None)
        if self.needs is None or self.needs.soc is None:
            # The car of the transaction before may have left unseen, and its SoC with it.
            self.status = replace(self.status, soc=None, soc_observed_at=None)
        self.begun = True
        self.telemetry.transaction_began()
        self.naming.begins(event.transaction_id)
        self.transaction = Transaction(
            transaction_id=event.transaction_id,
            since=now,
            adopted=event.kind is not EventKind.STARTED,
        )
        self.status = replace(
            self.status,
            plugged_in=True,
            session_id=self.naming.session_id(event.transaction_id),
            transaction_id=event.transaction_id,
            identity=self.naming.of(event.transaction_id),
            car_stopped=False,
            outcome=None,
            car_plans_w=None,
        )

    def _end(self, event: TransactionEvent, now: Instant) -> None:
        self._ended.append(event.transaction_id)
        if self.transaction is None or self.transaction.transaction_id != event.transaction_id:
            return
        values = {} if event.offline else self.telemetry.values(event.sample, event.at_utc, now)
        parted = event.stopped_reason == "EVDisconnected" or event.trigger in _PARTING
        if parted or event.charging_state == "Idle":
            self._unplugged(now, **values)
            return
        self.transaction = None
        self._car_unsaid()
        still = {"transaction_id": None, "car_stopped": False, "outcome": None, "car_plans_w": None}
        self.publish(**{**values, **still, "power_w": 0.0, "power_observed_at": now})

    def _unplugged(self, now: Instant, **values: Any) -> None:
        """Nothing is connected, so nothing flows; the registers stay."""
        self.naming.unplugged()
        self.telemetry.emptied()
        self.transaction = None
        self.begun = False
        self._car_unsaid()
        gone: dict[str, Any] = dict.fromkeys(
            (
                "session_id",
                "transaction_id",
                "plugged_in_at_utc",
                "identity",
                "soc",
                "soc_observed_at",
                "outcome",
                "car_plans_w",
            )
        )
        gone |= {"plugged_in": False, "car_stopped": False}
        if self.status.session_id is not None:
            gone["ended_session_id"] = self.status.session_id
        self.publish(**{**values, **gone, "power_w": 0.0, "power_observed_at": now})

    def _car_unsaid(self) -> None:
        """What the car asked for and planned was this session's."""
        self.needs = self.ev_schedule = self.most_w = None
        self.to_renegotiate = False

    def _changes_of(self, event: TransactionEvent, now: Instant) -> dict[str, Any]:
        changes: dict[str, Any] = {}
        self._note_state(event, now)
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
        identity = self.naming.of(event.transaction_id)
        if identity is not None:
            changes["identity"] = identity
        return changes

    def _note_state(self, event: TransactionEvent, now: Instant) -> None:
        """What the station says it does, for comparison with what it was told."""
        running = self.transaction
        if running is None:
            return
        if event.charging_state is not None:
            running.charging_state, running.state_told_at = event.charging_state, now
        if event.operation_mode is not None:
            running.operation_mode, running.mode_told_at = event.operation_mode, now
