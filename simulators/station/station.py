"""The state of one charging station: what it knows, owes the central system, and asks of the EV."""

from __future__ import annotations

import asyncio
import math
import uuid
from collections import deque
from collections.abc import Callable

from simulators.clock import ScaledClock, iso_from_s
from simulators.faults import Fault, FaultBoard
from simulators.scenario import StationTable
from simulators.station.certificates import Credentials
from simulators.station.device_model import DeviceModel
from simulators.station.local_list import LocalList
from simulators.station.misbehaviour.car import taken_w
from simulators.station.misbehaviour.following import Follower
from simulators.station.period_rules import Capabilities
from simulators.station.profiles import Governing, ProfileStore, Situation
from simulators.station.records import Counts, Message, Remembered, Transaction
from simulators.station.targets import ORDINARY, Hardware, NegativeLimit, Surroundings
from simulators.station.uploads import Upload
from simulators.station.wire import OLD, JsonDict
from simulators.vehicle import Vehicle
from simulators.world import Outlet, World

NEGATIVE_LIMITS = {
    "negative_limit_zero": NegativeLimit.ZERO,
    "negative_limit_absolute": NegativeLimit.ABSOLUTE,
    "negative_limit_discharges": NegativeLimit.DISCHARGE,
}


class Station:
    """State shared by link, handlers and session; drives its outlet of the world."""

    def __init__(
        self, *, table: StationTable, clock: ScaledClock, world: World, faults: FaultBoard
    ) -> None:
        """Power up, without a link; takes control of its outlet."""
        self.table = table
        self.clock = clock
        self.world = world
        self.faults = faults
        self.outlet: Outlet = world.outlets[table.id]
        self.credentials, self.local_list = Credentials(table), LocalList()
        self.uploads: asyncio.Queue[Upload] = asyncio.Queue()
        self.numbers: dict[str, int] = {}  # of transactions, as 1.6 has them given
        hardware = Hardware(phases=table.phases, max_charge_w=table.max_charge_w)
        self.store = ProfileStore(hardware=hardware)
        self.follower = Follower()
        self.remembered = Remembered()
        self.counts = Counts()
        self.queue: deque[Message] = deque()
        self.wake = asyncio.Event()
        self.transaction: Transaction | None = None
        self.wire_version: str = table.versions[0]
        self.version = _inside(self.wire_version)
        self.model = DeviceModel(table, version=self.version)
        self.online = False
        self.accepted = False
        self.operative = True
        self.authorized = False
        self.allowed_transfer: tuple[str, ...] = ()
        self.needs_told = self.needs_settled = False
        self.bidirectional_service = False
        self.handled_plug_count = 0
        self.offline_since_s: float | None = world.now_s
        self.reboot_until_s = -math.inf
        self.boot_reason = "PowerUp"
        self.boot_status: str | None = None
        self.next_boot_s = -math.inf
        self.queued = asyncio.Event()
        self.outlet.controller = self

    # --- time and faults ---

    def now_s(self) -> float:
        """Advance the world to this moment and return it, in simulated epoch seconds."""
        now_s = self.clock.now_s()
        self.world.advance_to(now_s)
        return now_s

    def stamp(self) -> str:
        """Return this moment as an OCPP time stamp."""
        return iso_from_s(self.clock.now_s())

    def faults_now(self) -> tuple[Fault, ...]:
        """Return the faults that are active now."""
        return self.faults.now(self.table.id, self.clock.now_s())

    def fault(self, kind: str) -> Fault | None:
        """Return the active fault of a kind."""
        return next((fault for fault in self.faults_now() if fault.kind == kind), None)

    def shows(self, kind: str) -> bool:
        """Say whether a fault is active now."""
        return self.fault(kind) is not None

    def speak(self, version: str) -> None:
        """Adopt the negotiated version; settings of another version are forgotten."""
        self.wire_version = version
        inside = _inside(version)
        if inside != self.version:
            self.version = inside
            self.model = DeviceModel(self.table, version=inside)

    @property
    def speaks_old(self) -> bool:
        """Say whether the link speaks 1.6."""
        return self.wire_version == OLD

    @property
    def capabilities(self) -> Capabilities:
        """What profiles may ask for."""
        two_way, new = self.model.bidirectional, self.version == "ocpp2.1"
        return Capabilities(
            operation_modes=frozenset(self.table.operation_modes if two_way else ()),
            dynamic_profiles=self.table.dynamic_profiles and new,
            rate_units=frozenset(self.table.rate_units),
            additional_purposes=frozenset({"PriorityCharging"} if new else ()),
            direct_current=self.table.direct_current,
            load_band_set=self.model.load_band() is not None,
            offline_limits=self.table.offline_limits,
            ev_phases=frozenset(self.table.ev_phases),
            highest_external_id=self.table.max_external_constraints_id,
        )

    @property
    def reports_soc(self) -> bool:
        """Say whether samples carry the SoC."""
        by_default = self.version == "ocpp2.1"
        return by_default if self.table.reports_soc is None else self.table.reports_soc

    @property
    def finishing(self) -> bool:
        """Say whether the plugged-in car's transaction is over."""
        plugged = self.outlet.vehicle is not None and self.transaction is None
        return plugged and self.remembered.finished_plug_count == self.outlet.plug_count

    @property
    def needs_due(self) -> bool:
        """Say whether an EV of ISO 15118 has yet to tell its needs."""
        return self.model.bidirectional and self.transaction is not None and not self.needs_told

    def registers_wh(self) -> tuple[float, float]:
        """Return what the charge and discharge registers show."""
        outlet, transaction = self.outlet, self.transaction
        if transaction is None or not self.shows("session_registers"):
            return outlet.charge_wh, outlet.discharge_wh
        return (
            outlet.charge_wh - transaction.charge_wh,
            outlet.discharge_wh - transaction.discharge_wh,
        )

    # --- Controller of the outlet ---

    def situation(self, at_s: float) -> Situation:
        """Return what profiles are judged by at an instant."""
        transaction = self.transaction
        kinds = self.faults.active(self.table.id, at_s)
        return Situation(
            at_s=at_s,
            transaction_id=None if transaction is None else transaction.id,
            transaction_start_s=None if transaction is None else transaction.started_s,
            offline_since_s=self.offline_since_s,
            priority=transaction is not None and transaction.priority,
            durations_end="never_expires" not in kinds,
            around=self._around(at_s, kinds),
        )

    def _around(self, at_s: float, kinds: frozenset[str]) -> Surroundings:
        negative = next((one for kind, one in NEGATIVE_LIMITS.items() if kind in kinds), None)
        if negative is not None:
            return Surroundings(negative_limit=negative)
        if not self.store.looks_around():
            return ORDINARY
        others_w = sum(self.world.house.at(at_s).net_w_per_phase) + sum(
            outlet.power_w for outlet in self.world.outlets.values() if outlet is not self.outlet
        )
        return Surroundings(
            frequency_hz=self.world.frequency_hz,
            others_w=others_w,
            own_w=self.outlet.power_w,
            band=self.model.load_band(),
        )

    def governing(self, at_s: float) -> Governing:
        """Return what the profiles ask for at an instant."""
        governing = self.store.governing(self.situation(at_s))
        if self.online or "unlimited_offline" not in self.faults.active(self.table.id, at_s):
            return governing
        return Governing(
            target_w=self.table.max_charge_w, operation_mode="ChargingOnly", profile=None
        )

    def demand_w(self, at_s: float) -> float:
        """Return what is asked of the EV; 0 W without an authorised transaction."""
        if not self.energy_allowed() or at_s < self.reboot_until_s:
            self.follower = Follower()
            return 0.0
        faults = self.faults.now(self.table.id, at_s)
        aimed_w = self.follower.follow_w(at_s, self.governing(at_s).target_w, faults)
        kinds = {fault.kind for fault in faults}
        two_way = self.bidirectional_service or "negative_limit_discharges" in kinds
        return aimed_w if two_way else max(0.0, aimed_w)

    def car_takes_w(self, at_s: float, demand_w: float) -> float:
        """Return what of a demand the plugged-in car takes, besides its pack's limits."""
        vehicle = self.outlet.vehicle
        if vehicle is None or self.remembered.latched_plug_count == self.outlet.plug_count:
            return 0.0
        return taken_w(self.faults.now(self.table.id, at_s), vehicle, demand_w)

    def next_profile_change_s(self, at_s: float) -> float | None:
        """Return when the profiles change by themselves."""
        return self.store.next_change_s(self.situation(at_s))

    def next_change_s(self, at_s: float) -> float | None:
        """Return when the demand changes by itself."""
        faults = self.faults.now(self.table.id, at_s)
        changes = (
            self.next_profile_change_s(at_s),
            self.follower.next_change_s(at_s, faults),
            self.faults.next_edge_s(self.table.id, at_s),
        )
        return min((change for change in changes if change is not None), default=None)

    def energy_allowed(self) -> bool:
        """Say whether the contactor may close."""
        return self.transaction is not None and self.authorized and self.needs_settled

    # --- the link's state ---

    def went_online(self) -> None:
        """Note a new connection."""
        now_s = self.now_s()
        self.store.bury_invalid(self.situation(now_s))
        self.online = True
        self.offline_since_s = None
        self.counts.connections += 1

    def went_offline(self) -> None:
        """Note the loss of the link; what must reach the central system stays queued."""
        now_s = self.now_s()
        if self.online:
            self.offline_since_s = now_s
        self.online = False
        self.queue = deque(message for message in self.queue if message.survives_link)

    def reboot(self, reason: str) -> None:
        """Lose TxProfiles, the transaction and the acceptance; TxDefault profiles survive."""
        now_s = self.now_s()
        self.store.power_cycle(keep_persistent=not self.shows("forgets_default"))
        self.reboot_until_s = now_s + self.table.reboot_s
        self.boot_reason = reason
        self.accepted = False
        self.handled_plug_count = 0
        self.next_boot_s = self.reboot_until_s
        self.wake.set()

    # --- transactions ---

    def open_transaction(
        self,
        vehicle: Vehicle,
        *,
        id_token: JsonDict | None = None,
        remote_start_id: int | None = None,
    ) -> Transaction:
        """Start a transaction for the plugged-in car; authorisation follows."""
        self.transaction = Transaction(
            id=str(uuid.uuid4()),
            started_s=self.world.now_s,
            plug_count=self.outlet.plug_count,
            id_token=id_token if id_token is not None else self.token_of(vehicle),
            remote_start_id=remote_start_id,
            charge_wh=self.outlet.charge_wh,
            discharge_wh=self.outlet.discharge_wh,
        )
        self.handled_plug_count = self.outlet.plug_count
        self.authorized = False
        self.allowed_transfer = ()
        self.needs_told = False
        self.needs_settled = False
        self.bidirectional_service = False
        self.model.note_connected_ev(vehicle.evccid)
        return self.transaction

    def close_transaction(self) -> None:
        """Forget the transaction and its profiles; the contactor opens."""
        self.remembered.finished_plug_count = self.handled_plug_count
        self.transaction = None
        self.authorized = False
        self.needs_settled = False
        self.bidirectional_service = False
        self.store.remove_transaction_profiles()
        self.model.note_connected_ev(None)

    def profile_changed(self) -> None:
        """Note that a profile was written: in ScheduledControl the EV has to agree first."""
        renegotiation = self.fault("renegotiation")
        if renegotiation is not None and self.needs_told:
            self.remembered.schedule_due_s = self.world.now_s + renegotiation.parameters.lag_s

    def token_of(self, vehicle: Vehicle) -> JsonDict:
        """Return the idToken of a car; V2X adds its EVCCID."""
        token: JsonDict = {"idToken": vehicle.id_token, "type": "ISO14443"}
        if self.model.bidirectional:
            token["additionalInfo"] = [{"additionalIdToken": vehicle.evccid, "type": "EVCCID"}]
        return token

    def may_charge_alone(self, id_token: JsonDict) -> bool:
        """Say whether a key charges without the central system (C13, C15)."""
        unknown = self.model.get("AuthCtrlr", "OfflineTxForUnknownIdEnabled") == "true"
        return unknown or self._lists(id_token)

    def pre_authorizes(self, id_token: JsonDict) -> bool:
        """Say whether a key need not wait for the central system's answer (C14)."""
        early = self.model.get("AuthCtrlr", "LocalPreAuthorize") == "true"
        return early and self._lists(id_token)

    def _lists(self, id_token: JsonDict) -> bool:
        enabled = self.model.get("LocalAuthListCtrlr", "Enabled") == "true"
        return enabled and self.local_list.accepts(id_token)

    def connector_status(self) -> str:
        """Return the state StatusNotification shows."""
        if not self.operative:
            return "Unavailable"
        return "Available" if self.outlet.vehicle is None else "Occupied"

    def send(
        self,
        action: str,
        payload: Callable[[], JsonDict | None] | JsonDict,
        *,
        on_answer: Callable[[JsonDict | None], None] | None = None,
        survives_link: bool = False,
        periodic: bool = False,
    ) -> None:
        """Queue a message; it is sent when its turn comes and a link is there."""
        made = payload if callable(payload) else (lambda: payload)
        self.queue.append(
            Message(
                action=action,
                payload=made,
                on_answer=on_answer,
                survives_link=survives_link,
                periodic=periodic,
                connection=self.counts.connections if self.online else -1,
            )
        )
        self.queued.set()


def _inside(version: str) -> str:
    """1.6 is spoken at the link only: inside, such a station thinks in 2.0.1."""
    return "ocpp2.1" if version == "ocpp2.1" else "ocpp2.0.1"
