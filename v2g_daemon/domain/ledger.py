"""Rows of the ledger: what is remembered for good.

Money is Decimal, energy integer milliwatt-hours.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum

from v2g_daemon.domain.goals import ToldDeparture
from v2g_daemon.domain.interval import Interval
from v2g_daemon.domain.memory import DischargeLatch
from v2g_daemon.domain.quick import quick
from v2g_daemon.domain.setpoint import Authority
from v2g_daemon.domain.snapshot import CommissioningRecord
from v2g_daemon.domain.vehicle import CarAnswer


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class PccInterval:
    """Energy over the PCC in one quarter hour (partial at first and last), and its prices.

    `estimated`: a boundary lay between readings over 60 s apart, or the row spans a restart or a
    register reset. The registers are those at the end, where a restart goes on from.
    `circulating_milliwh` entered on one phase while it left on another (None: phases not told).
    """

    interval: Interval
    import_milliwh: int
    export_milliwh: int
    pv_milliwh: int | None
    import_register_milliwh: int | None
    export_register_milliwh: int | None
    estimated: bool
    import_per_kwh: Decimal | None
    export_per_kwh: Decimal | None
    currency: str
    simulated: bool = False
    circulating_milliwh: int | None = None


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class EvseInterval:
    """Energy through one EVSE in one quarter hour; wear is money for what left the pack.

    A change of car within the quarter hour ends the row early. `end_soc` and the registers are
    those at the end.
    """

    interval: Interval
    evse_id: str
    session_id: str | None
    vehicle_id: str | None
    charge_milliwh: int
    discharge_milliwh: int
    exported_milliwh: int
    discharging_s: float
    wear_cost: Decimal
    end_soc: float | None
    charge_register_milliwh: int | None
    discharge_register_milliwh: int | None
    estimated: bool
    simulated: bool = False


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    """Plug-in to plug-out; written at start, on change and at end under the same id."""

    session_id: str
    evse_id: str
    vehicle_id: str | None
    transaction_id: str | None
    plugged_in_utc: datetime
    plugged_out_utc: datetime | None
    start_soc: float | None
    end_soc: float | None
    charge_milliwh: int
    discharge_milliwh: int


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRow:
    """A decision that differs from the one before it.

    `changes_count`: new setpoints since the row before, this one among them.
    """

    at_utc: datetime
    evse_id: str
    target_w: float | None
    authority: Authority
    rule: str
    detail: str
    changes_count: int = 0


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class SocDay:
    """SoC of one vehicle over one local day: minimum, time-weighted mean, maximum."""

    day: date
    vehicle_id: str
    soc_min: float
    soc_mean: float
    soc_max: float
    observed_s: float


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class TelemetryRow:
    """One minute of the house, mean powers; committed in batches."""

    minute_utc: datetime
    pcc_power_w: float | None
    evse_power_w: float | None
    soc: float | None
    target_w: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ForetoldRow:
    """What the plan in force foretold of a quarter hour, so many hours before it: mean powers.

    PV is None where nobody meters it.
    """

    start_utc: datetime
    lead_h: int
    net_load_w: float
    pv_w: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LatchEvent:
    """A discharge latch was set or cleared."""

    at_utc: datetime
    latch: DischargeLatch
    cleared: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OverrideEvent:
    """A user override was set, or cancelled by `auto`."""

    at_utc: datetime
    evse_id: str
    kind: str
    until_utc: datetime
    confirmed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DepartureEvent:
    """A departure was told, or (the same row) taken back."""

    told: ToldDeparture
    taken_back_utc: datetime | None = None


class StationEventKind(Enum):
    """What of a charging station must outlive the daemon."""

    TRANSACTION = "transaction"  # an event of a transaction, as it was told
    SECURITY = "security"  # a refused handshake, a wrong password, a station's own report
    LEARNED = "learned"  # how this station wants to be spoken to; the newest of a name holds
    PROBE = "probe"  # the verdict of a guided test


@dataclass(frozen=True, slots=True, kw_only=True)
class StationEvent:
    """One entry of the station journal; `detail` is a sentence, or JSON where `name` says so."""

    at_utc: datetime
    station_id: str
    kind: StationEventKind
    name: str
    detail: str


# Rows that may wait to be committed together: the trace holds the same second by second.
BatchedRow = DecisionRow | TelemetryRow

LedgerRow = (
    PccInterval
    | EvseInterval
    | SessionRow
    | DecisionRow
    | SocDay
    | TelemetryRow
    | ForetoldRow
    | LatchEvent
    | OverrideEvent
    | DepartureEvent
    | StationEvent
    | CommissioningRecord
    | CarAnswer
)
