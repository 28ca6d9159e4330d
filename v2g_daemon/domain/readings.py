"""What the edges observe: the meters of the house and the status of each EVSE.

Energy registers are two non-negative counters in integer milliwatt-hours (`_milliwh`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from v2g_daemon.domain.faults import Fault
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.power import PowerRange
from v2g_daemon.domain.quick import quick


class MeterRole(Enum):
    """What a meter measures."""

    GRID = "grid"
    PV = "pv"
    BATTERY = "battery"
    EVSE = "evse"
    SUB = "sub"


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class MeterReading:
    """One meter; positive W flow into what it measures (PCC: import +, export −; PV −).

    Tuples are per phase, empty when unknown.
    """

    observed_at: Instant
    power_w: float
    phase_power_w: tuple[float, ...] = ()
    voltage_v: tuple[float, ...] = ()
    frequency_hz: float | None = None
    import_milliwh: int | None = None
    export_milliwh: int | None = None
    serial: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterStatus:
    """One configured meter: its newest power, which one it is, and what is wrong with it now.

    `power_w` None: no value that is fresh enough to be believed. `serial`: its number; of a meter
    that tells none, profile and link; None before it was read.
    """

    meter_id: str
    role: MeterRole
    power_w: float | None = None
    serial: str | None = None
    trouble: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VehicleIdentity:
    """How a car named itself in this plug-in; either may be unknown."""

    evccid: str | None = None
    id_token: str | None = None


class PowerControl(Enum):
    """What an EVSE can be told."""

    SIGNED = "signed"  # a signed setpoint (OCPP 2.1 CentralSetpoint, Modbus)
    CHARGE_LIMIT = "charge_limit"  # an upper bound on charging (OCPP 2.0.1, 1.6J)
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class EvseCapability:
    """What station and car offer now; `power.lowest_w` < 0 only where discharge is offered.

    `untried_discharge_w`: a discharge that only a guided test may command, to prove it.
    `renegotiates`: each change is settled anew with the car, which takes it seconds to minutes.
    """

    power: PowerRange
    min_charge_w: float
    min_discharge_w: float
    control: PowerControl
    untried_discharge_w: float = 0.0
    renegotiates: bool = False


class OutcomeKind(Enum):
    """What became of a command."""

    APPLIED = "applied"
    REJECTED = "rejected"
    TIMED_OUT = "timed_out"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandOutcome:
    """The device's answer to the command whose target was `target_w`.

    `detail` says why it was refused, or what the device itself says against what it applied.
    `left_to_device`: the powers among which it then chooses by itself, around the target.
    """

    kind: OutcomeKind
    target_w: float
    answered_at: Instant
    detail: str = ""
    left_to_device: PowerRange | None = None


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class EvseStatus:
    """One EVSE as last observed; each quantity has the moment it was observed, or is None.

    `car_plans_w`: what the car's own schedule takes now. `writes_today`: what was written to the
    device since local midnight, `flash_writes_today` the part of it that wears its memory; None:
    the driver does not count, or commands wear nothing. `faults`: what its adapter finds wrong.
    `ended_session_id`: the session whose end the device told last, however it fell silent since.
    """

    evse_id: str
    connected: bool
    serial: str | None = None
    plugged_in: bool = False
    session_id: str | None = None
    transaction_id: str | None = None
    plugged_in_at_utc: datetime | None = None
    identity: VehicleIdentity | None = None
    capability: EvseCapability | None = None
    power_w: float | None = None
    power_observed_at: Instant | None = None
    soc: float | None = None
    soc_observed_at: Instant | None = None
    charge_milliwh: int | None = None
    discharge_milliwh: int | None = None
    registers_observed_at: Instant | None = None
    car_stopped: bool = False
    outcome: CommandOutcome | None = None
    faults: tuple[Fault, ...] = ()
    car_plans_w: float | None = None
    writes_today: int | None = None
    flash_writes_today: int | None = None
    ended_session_id: str | None = None
