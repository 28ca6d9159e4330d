"""The state of one charging station: what it knows, owes the central system, and asks of the EV."""

from __future__ import annotations

import asyncio
import math
import uuid
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from simulators.clock import ScaledClock, iso_from_s
from simulators.faults import FaultBoard
from simulators.scenario import StationTable
from simulators.station.certificates import Credentials
from simulators.station.device_model import MODES_V2X, DeviceModel
from simulators.station.local_list import LocalList
from simulators.station.profile_rules import Capabilities
from simulators.station.profiles import Governing, ProfileStore, Situation
from simulators.station.uploads import Upload
from simulators.station.wire import JsonDict
from simulators.vehicle import Vehicle
from simulators.world import Outlet, World

MOST_PROTOCOL_ERRORS = 100


@dataclass(slots=True, kw_only=True)
class Transaction:
    """A running OCPP transaction."""

    id: str
    started_s: float
    plug_count: int
    id_token: JsonDict
    seq_no: int = 0
    charging_state: str = "EVConnected"
    operation_mode: str | None = None
    remote_start_id: int | None = None

    def next_seq_no(self) -> int:
        """Return the number of the next event of this transaction."""
        self.seq_no += 1
        return self.seq_no - 1


@dataclass(slots=True, kw_only=True, eq=False)
class Message:
    """Something to send; the payload is made at sending time, None = no longer needed."""

    action: str
    payload: Callable[[], JsonDict | None]
    on_answer: Callable[[JsonDict | None], None] | None = None
    survives_link: bool = False
    periodic: bool = False
    connection: int = 0


@dataclass(slots=True, kw_only=True)
class Counts:
    """What a test may ask about the link."""

    connections: int = 0
    boots: int = 0
    calls_received: Counter[str] = field(default_factory=Counter)
    protocol_errors: list[str] = field(default_factory=list)

    def note_error(self, text: str) -> None:
        """Remember a mistake of the central system."""
        if len(self.protocol_errors) < MOST_PROTOCOL_ERRORS:
            self.protocol_errors.append(text)


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
        self.credentials = Credentials(table)
        self.numbers: dict[str, int] = {}  # of transactions, as 1.6 has them given
        self.store = ProfileStore(phases=table.phases, max_charge_w=table.max_charge_w)
        self.counts = Counts()
        self.local_list = LocalList()
        self.uploads: asyncio.Queue[Upload] = asyncio.Queue()
        self.queue: deque[Message] = deque()
        self.wake = asyncio.Event()
        self.transaction: Transaction | None = None
        self.version = _inside(table.versions[0])
        self.model = DeviceModel(table, version=self.version)
        self.online = False
        self.accepted = False
        self.operative = True
        self.authorized = False
        self.allowed_transfer: tuple[str, ...] = ()
        self.needs_settled = False
        self.bidirectional_service = False
        self.handled_plug_count = 0
        self.offline_since_s: float | None = world.now_s
        self.reboot_until_s = -math.inf
        self.boot_reason = "PowerUp"
        self.boot_status: str | None = None
        self.next_boot_s = -math.inf
        self.requested_bidirectional = False
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

    def shows(self, kind: str) -> bool:
        """Say whether a fault is active now."""
        return kind in self.faults.active(self.table.id, self.clock.now_s())

    def speak(self, version: str) -> None:
        """Adopt the negotiated version; settings of another version are forgotten."""
        inside = _inside(version)
        if inside != self.version:
            self.version = inside
            self.model = DeviceModel(self.table, version=inside)

    @property
    def capabilities(self) -> Capabilities:
        """What profiles may ask for."""
        modes = MODES_V2X if self.model.bidirectional else ("ChargingOnly",)
        dynamic = self.table.dynamic_profiles and self.version == "ocpp2.1"
        return Capabilities(operation_modes=frozenset(modes), dynamic_profiles=dynamic)

    @property
    def reports_soc(self) -> bool:
        """Say whether samples carry the SoC."""
        by_default = self.version == "ocpp2.1"
        wanted = by_default if self.table.reports_soc is None else self.table.reports_soc
        return wanted and not self.shows("no_soc")

    # --- Controller of the outlet ---

    def situation(self, at_s: float) -> Situation:
        """Return what profiles are judged by at an instant."""
        transaction = self.transaction
        return Situation(
            at_s=at_s,
            transaction_id=None if transaction is None else transaction.id,
            transaction_start_s=None if transaction is None else transaction.started_s,
            offline_since_s=self.offline_since_s,
        )

    def governing(self, at_s: float) -> Governing:
        """Return what the profiles ask for at an instant."""
        return self.store.governing(self.situation(at_s))

    def demand_w(self, at_s: float) -> float:
        """Return what is asked of the EV; 0 W without an authorised transaction."""
        if not self.energy_allowed() or at_s < self.reboot_until_s:
            return 0.0
        target_w = self.governing(at_s).target_w
        if "sign_flip" in self.faults.active(self.table.id, at_s):
            target_w = -target_w
        return target_w if self.bidirectional_service else max(0.0, target_w)

    def next_change_s(self, at_s: float) -> float | None:
        """Return when the profiles change by themselves."""
        return self.store.next_change_s(self.situation(at_s))

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
        self.store.remove_transaction_profiles()
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
        )
        self.handled_plug_count = self.outlet.plug_count
        self.authorized = False
        self.allowed_transfer = ()
        self.needs_settled = False
        self.bidirectional_service = False
        self.model.note_connected_ev(vehicle.evccid)
        return self.transaction

    def close_transaction(self) -> None:
        """Forget the transaction and its profiles; the contactor opens."""
        self.transaction = None
        self.authorized = False
        self.needs_settled = False
        self.bidirectional_service = False
        self.store.remove_transaction_profiles()
        self.model.note_connected_ev(None)

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
