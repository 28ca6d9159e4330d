"""The car: its pack, its bounds, its warranty, and how it is recognised."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.programs import AvailabilityTerms, WeeklyCommitment

GUEST = "guest"  # what people call a car that is none of theirs; no vehicle's id


@dataclass(frozen=True, slots=True, kw_only=True)
class WarrantyTerms:
    """Discharge budgets over the warranty's life; None is "no such bound in the terms"."""

    acknowledged: bool
    years: float
    start_date: date
    discharge_wh: float | None = None
    discharge_s: float | None = None
    equivalent_cycles: float | None = None
    min_soc: float = 0.0
    approved_serials: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Vehicle:
    """One configured car; powers are AC at the EVSE, positive magnitudes.

    `hysteresis_soc`: how far the SoC must rise above a bound before the direction may turn.
    `consumption_margin_fraction`: how much more than `consumption_wh_per_km` a cold day may take.
    """

    vehicle_id: str
    capacity_wh: float
    soc_floor: float
    soc_ceiling: float
    soc_step: float
    max_charge_w: float
    max_discharge_w: float
    taper_above_soc: float
    wear_cost_per_kwh_discharged: float
    warranty: WarrantyTerms | None
    evccid: str | None = None
    id_token: str | None = None
    assumed_when_unidentified: bool = False
    usual_energy_wh: float = 10_000.0
    hysteresis_soc: float = 0.01
    consumption_wh_per_km: float | None = None
    consumption_margin_fraction: float = 0.2
    commitments: tuple[WeeklyCommitment, ...] = ()
    availability: tuple[AvailabilityTerms, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CarAnswer:
    """The owner's word on which car one plug-in is; `vehicle_id` None is a guest."""

    answered_at_utc: datetime
    evse_id: str
    session_id: str
    vehicle_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VehicleFeedStatus:
    """What a car's own cloud last told: is it plugged in, wherever; None: not told in this run.

    `observed_at`: of when that is; `asked_at`: when we last asked and it answered. It says so
    `since`, without a break, and when last asked before, at `opposite_at`, said the opposite; None:
    it never did. `trouble`: why nothing newer is known.
    """

    vehicle_id: str
    plugged_in: bool | None = None
    observed_at: Instant | None = None
    asked_at: Instant | None = None
    since: Instant | None = None
    opposite_at: Instant | None = None
    trouble: str | None = None
