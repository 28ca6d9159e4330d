"""What the core needs from the world, as small Protocols; adapters provide, runtime and app use."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import Future
from datetime import datetime
from typing import Protocol

from v2g_daemon.domain.certificates import InstalledRoot, IssuedCertificate
from v2g_daemon.domain.clock import ClockWitness
from v2g_daemon.domain.faults import Fault
from v2g_daemon.domain.goals import CalendarDepartures, ToldDeparture, UserOverride
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.interval import Interval
from v2g_daemon.domain.ledger import (
    DecisionRow,
    EvseInterval,
    ForetoldRow,
    LedgerRow,
    PccInterval,
    SessionRow,
    SocDay,
    StationEvent,
    StationEventKind,
)
from v2g_daemon.domain.memory import DischargeLatch, LatchClearance
from v2g_daemon.domain.outlook import Outlook
from v2g_daemon.domain.plan import HistoryRow, Plan, PlanProblem
from v2g_daemon.domain.prices import PriceCurve
from v2g_daemon.domain.readings import EvseStatus, MeterReading
from v2g_daemon.domain.setpoint import Command
from v2g_daemon.domain.snapshot import CommissioningRecord, DischargeCounters
from v2g_daemon.domain.stations import (
    FollowEnd,
    FrameNote,
    KeyListView,
    LogRequest,
    LogUpload,
    StationDetails,
    StationView,
    VariableReading,
)
from v2g_daemon.domain.sun import SunForecast
from v2g_daemon.domain.vehicle import CarAnswer, VehicleFeedStatus


class Clock(Protocol):
    """The one clock; scaled in time-lapse. `sleep` takes (simulated) seconds."""

    def now(self) -> Instant: ...

    async def sleep(self, seconds_s: float) -> None: ...

    def trusted(self) -> bool: ...


class ObservationSink(Protocol):
    """Where edge tasks put the newest observation; one writer per source."""

    def put_evse(self, status: EvseStatus) -> None: ...

    def put_upstream(self, evse_id: str, reading: MeterReading) -> None:
        """What a charging station says of the grid connection; dropped where nobody wants it."""
        ...

    def put_prices(self, curve: PriceCurve) -> None: ...

    def put_clock_witness(self, witness: ClockWitness) -> None: ...

    def put_override(self, override: UserOverride) -> None: ...

    def cancel_overrides(self, evse_id: str) -> None: ...

    def put_car_answer(self, answer: CarAnswer) -> None: ...

    def clear_latch(self, clearance: LatchClearance) -> None: ...


class Meter(Protocol):
    """Reads one meter, asked or as its telegrams come; every `read` may raise a DeviceError."""

    @property
    def name(self) -> str:
        """For people."""
        ...

    async def read(self) -> MeterReading:
        """The next reading, as old as the moment it was measured or asked for."""
        ...

    async def close(self) -> None:
        """End the connection; a later `read` opens a new one."""
        ...


class MeterSink(Protocol):
    """Where the readings of the configured meters go; one writer per meter."""

    def put_meter(self, meter_id: str, reading: MeterReading) -> None: ...

    def put_meter_trouble(self, meter_id: str, trouble: str | None) -> None: ...


class VehicleFeedSink(Protocol):
    """Where the feed of each car puts what its cloud tells; one writer per car."""

    def put_vehicle_feed(self, status: VehicleFeedStatus) -> None: ...


class DepartureSink(Protocol):
    """Where the owner's word on departures goes."""

    def put_told_departure(self, told: ToldDeparture) -> None: ...

    def take_back_departures(self, vehicle_id: str) -> None: ...


class CalendarSink(Protocol):
    """Where a calendar's reader puts what it says, and what is wrong with it."""

    def put_calendar(self, departures: CalendarDepartures) -> None: ...

    def put_faults(self, source: str, faults: tuple[Fault, ...]) -> None: ...


class SunSink(Protocol):
    """Where the feed of the weather service puts what it knows of the sun."""

    def put_sun(self, sun: SunForecast) -> None: ...


class FaultSink(Protocol):
    """Where an edge task puts the faults it sees now; they stand until it puts others."""

    def put_faults(self, source: str, faults: tuple[Fault, ...]) -> None: ...


class EvsePort(Protocol):
    """Takes the newest command for one EVSE; never blocks: the outcome is an observation."""

    @property
    def evse_id(self) -> str: ...

    def command(self, command: Command) -> None: ...

    def outlook(self, outlook: Outlook | None) -> None:
        """What it is to do by itself should commands cease; written rarely, lapses by itself."""
        ...


class PlannerPort(Protocol):
    """Solves one problem in a process of its own; raises PlanningFailed."""

    async def solve(self, problem: PlanProblem) -> Plan: ...


class LedgerWriter(Protocol):
    """Commits rows in order; the future resolves when they are durable, or raises LedgerError.

    `rows_lost` counts those that will never be written.
    """

    @property
    def rows_lost(self) -> int: ...

    def commit(self, rows: Sequence[LedgerRow]) -> Future[None]: ...


class LedgerReader(Protocol):
    """Reads what was committed; every method may raise LedgerError."""

    def pcc_intervals(self, interval: Interval) -> tuple[PccInterval, ...]: ...

    def evse_intervals(self, interval: Interval) -> tuple[EvseInterval, ...]: ...

    def sessions(self, interval: Interval) -> tuple[SessionRow, ...]: ...

    def decisions(self, interval: Interval) -> tuple[DecisionRow, ...]: ...

    def open_sessions(self) -> tuple[SessionRow, ...]: ...

    def last_pcc(self) -> PccInterval | None: ...

    def last_evses(self) -> tuple[EvseInterval, ...]: ...

    def last_stored_utc(self) -> datetime | None: ...

    def soc_days(self, vehicle_id: str) -> tuple[SocDay, ...]: ...

    def history(self, *, since_utc: datetime) -> tuple[HistoryRow, ...]: ...

    def foretold(self, *, since_utc: datetime) -> tuple[ForetoldRow, ...]: ...

    def counters(
        self, vehicle_id: str, *, now_utc: datetime, timezone: str
    ) -> DischargeCounters: ...

    def latches(self) -> tuple[DischargeLatch, ...]: ...

    def overrides(self, *, now_utc: datetime) -> tuple[UserOverride, ...]: ...

    def told_departures(self, *, now_utc: datetime) -> tuple[ToldDeparture, ...]: ...

    def commissioning(self) -> tuple[CommissioningRecord, ...]: ...

    def car_answers(self) -> tuple[CarAnswer, ...]: ...

    def newest_station_events(self) -> tuple[StationEvent, ...]: ...


class StationJournal(Protocol):
    """What of charging stations must outlive the daemon (rows of the ledger)."""

    async def keep(self, event: StationEvent) -> bool:
        """Wait until it is durable; False: not yet (the ledger keeps it and shows a fault)."""
        ...

    def note(self, event: StationEvent) -> None:
        """Commit it without waiting."""
        ...

    def newest(self, station_id: str, kind: StationEventKind, name: str) -> StationEvent | None:
        """The newest event of that kind and name, of this run or an earlier one."""
        ...


class StationDesk(Protocol):
    """What an installer may see of charging stations, and ask of one; answers are sentences.

    Every method that names a station raises DeviceUnknown. Those that ask it raise
    DeviceUnreachable, DeviceRejectedCommand with the station's reason, and ValueError for what
    cannot be asked at all. None of them waits longer than a call may take.
    """

    def stations(self) -> tuple[StationView, ...]: ...

    def station(self, station_id: str) -> StationDetails: ...

    def log_upload(self, station_id: str) -> LogUpload | None: ...

    async def frames(self, station_id: str, *, newest: int) -> tuple[FrameNote, ...]: ...

    def follow(
        self, station_id: str, *, newest: int
    ) -> AsyncGenerator[FrameNote | FollowEnd, None]:
        """The newest frames and all that follow; ends with the daemon or for a slow reader."""
        ...

    async def variables(self, station_id: str, name: str | None) -> tuple[VariableReading, ...]:
        """One variable, a component, or (None) the whole inventory."""
        ...

    async def set_variable(self, station_id: str, name: str, value: str) -> str: ...

    async def reset(self, station_id: str, *, immediate: bool) -> str: ...

    async def unlock(self, station_id: str, *, evse_number: int, connector: int) -> str: ...

    async def trigger(self, station_id: str, message: str, *, evse_number: int | None) -> str: ...

    async def get_log(self, station_id: str, request: LogRequest) -> str: ...

    async def keys(self, station_id: str) -> KeyListView: ...


class CertificateRegister(Protocol):
    """Told until when a station's certificate holds, as shown at a handshake or issued."""

    def note(self, station_id: str, not_after_utc: datetime) -> None: ...


class StationCa(Protocol):
    """The local CA: judges and signs what a station asks for; signing may take some time."""

    def refusal(self, station_id: str, request_pem: str) -> str | None:
        """Why a certificate request is not signed; None: it will be."""
        ...

    def sign(self, station_id: str, request_pem: str, *, now_utc: datetime) -> IssuedCertificate:
        """A request that was not refused."""
        ...

    def root_pem(self) -> str:
        """The certificate that stations check the server by."""
        ...

    def root_serial(self) -> str:
        """How a station names it: hexadecimal, no leading zeros."""
        ...


class StationCertificates(Protocol):
    """What a person has a connected station do with certificates; all may raise DeviceError."""

    async def install_root(self, station_id: str) -> None: ...

    async def installed(self, station_id: str) -> tuple[InstalledRoot, ...]: ...

    async def delete(self, station_id: str, serial: str) -> None: ...

    async def request_new(self, station_id: str) -> None: ...


class TraceSink(Protocol):
    """Appends encoded trace lines; `last_flushed_at` is None until the first flush."""

    @property
    def last_flushed_at(self) -> Instant | None: ...

    def append(self, line: bytes) -> None: ...


class Watchdog(Protocol):
    """Told that the control loop advanced."""

    def fed(self) -> None: ...
