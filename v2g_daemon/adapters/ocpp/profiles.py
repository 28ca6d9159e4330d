"""Charging profiles as wire dictionaries: a persistent charge-only default under a short lease.

A clearing message is never built here: after it, stations charge at full power.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from math import isfinite, trunc

from v2g_daemon.adapters.ocpp.codec import JsonObject
from v2g_daemon.adapters.ocpp.translate import format_stamp
from v2g_daemon.domain.errors import InvariantViolated

DEFAULT_STACK_LEVEL = 0
LEASE_STACK_LEVEL = 2
BACKDATED_S = 10  # a station whose clock is a little behind must not wait for the profile's start
LONGEST_OFFLINE_S = 60
IDS_PER_EVSE = 10
LEAST_PROFILE_ID = 1000  # K01.FR.80: ours lie above the station's own constraints


class RateUnit(Enum):
    """What a station counts charging rates in."""

    WATT = "W"
    AMPERE = "A"


class LeaseKind(Enum):
    """How a setpoint is told, best first; a station that refuses one gets the next."""

    DYNAMIC_SETPOINT = "dynamic_setpoint"
    ABSOLUTE_SETPOINT = "absolute_setpoint"
    CHARGE_LIMIT = "charge_limit"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileForm:
    """How one EVSE wants its profiles written; `ac_phases` None is DC (K01.FR.44)."""

    evse_number: int
    phases: int
    nominal_voltage_v: float
    ac_phases: int | None
    rate_unit: RateUnit = RateUnit.WATT
    highest_stack_level: int = LEASE_STACK_LEVEL
    first_profile_id: int = LEAST_PROFILE_ID
    operation_modes: bool = False
    offline_limit: bool = False

    @property
    def default_profile_id(self) -> int:
        """The id of the persistent default; re-used, so that it is always replaced."""
        return self.first_profile_id + IDS_PER_EVSE * self.evse_number

    @property
    def lease_profile_id(self) -> int:
        """The id of the lease; re-used, so that it is always replaced (K01.FR.05)."""
        return self.default_profile_id + LEASE_STACK_LEVEL

    def is_ours(self, profile_id: int) -> bool:
        """Whether a profile of that id is one of this EVSE's."""
        return 0 <= profile_id - self.default_profile_id < IDS_PER_EVSE


def default_profile(
    form: ProfileForm, *, current_a: float, now_utc: datetime, stack_level: int
) -> JsonObject:
    """SetChargingProfile for what the car does when nobody commands: charge at a safe current."""
    limit = (
        current_a
        if form.rate_unit is RateUnit.AMPERE
        else float(trunc(current_a * form.nominal_voltage_v * form.phases))
    )
    return _set_profile(
        form,
        {
            "id": form.default_profile_id,
            "stackLevel": stack_level,
            "chargingProfilePurpose": "TxDefaultProfile",
            "chargingProfileKind": "Absolute",
        },
        {
            "id": form.default_profile_id,
            "chargingRateUnit": form.rate_unit.value,
            "startSchedule": _start(now_utc),
        },
        _charging_only(form, limit),
    )


def setpoint_lease(
    form: ProfileForm,
    *,
    target_w: float,
    lease_s: int,
    transaction_id: str,
    now_utc: datetime,
    dynamic: bool,
) -> JsonObject:
    """SetChargingProfile for a signed power that the station itself ends after the lease.

    Dynamic: `duration` counts from the last update (Q04), so no start is given (K28.FR.01-03).
    """
    period = {"operationMode": "CentralSetpoint", "setpoint": _rate(form, target_w)}
    profile = _lease(form, transaction_id, kind="Dynamic" if dynamic else "Absolute")
    if form.offline_limit:
        profile["maxOfflineDuration"] = min(lease_s, LONGEST_OFFLINE_S)
        profile["invalidAfterOfflineDuration"] = True
    schedule: JsonObject = {
        "id": form.lease_profile_id,
        "chargingRateUnit": form.rate_unit.value,
        "duration": lease_s,
    }
    if not dynamic:
        schedule["startSchedule"] = _start(now_utc)
        schedule["duration"] = lease_s + BACKDATED_S
    return _set_profile(form, profile, schedule, period)


def charge_limit_lease(
    form: ProfileForm, *, limit_w: float, lease_s: int, transaction_id: str, now_utc: datetime
) -> JsonObject:
    """SetChargingProfile for an upper bound on charging that ends after the lease.

    Raises InvariantViolated for a negative limit: stations answer it with full power.
    """
    return _set_profile(
        form,
        _lease(form, transaction_id, kind="Absolute"),
        {
            "id": form.lease_profile_id,
            "chargingRateUnit": form.rate_unit.value,
            "startSchedule": _start(now_utc),
            "duration": lease_s + BACKDATED_S,
        },
        _charging_only(form, _rate(form, limit_w)),
    )


def schedule_update(form: ProfileForm, *, target_w: float) -> JsonObject:
    """UpdateDynamicSchedule: another setpoint, and the lease starts anew (K28.FR.13)."""
    return {
        "chargingProfileId": form.lease_profile_id,
        "scheduleUpdate": {"setpoint": _rate(form, target_w)},
    }


def realised_w(form: ProfileForm, target_w: float) -> float:
    """The power that the wire can carry: towards 0 W, in whole watts or tenths of an ampere."""
    rate = _rate(form, target_w)
    if form.rate_unit is RateUnit.WATT:
        return rate
    return rate * form.nominal_voltage_v * form.phases


def _rate(form: ProfileForm, power_w: float) -> float:
    if not isfinite(power_w):
        raise InvariantViolated(f"a power of {power_w} W is about to be sent")
    if form.rate_unit is RateUnit.WATT:
        return float(trunc(power_w))
    tenths = power_w / (form.nominal_voltage_v * form.phases) * 10
    # A conversion's rounding error must not cost a tenth: 3680 W at 230 V are 16.0 A.
    nearest = round(tenths)
    return (nearest if abs(tenths - nearest) < 1e-6 else trunc(tenths)) / 10


def _charging_only(form: ProfileForm, limit: float) -> JsonObject:
    if limit < 0:
        raise InvariantViolated(f"a negative limit ({limit}) is never sent")
    period: JsonObject = {"limit": limit}
    if form.operation_modes:
        period["operationMode"] = "ChargingOnly"
    return period


def _lease(form: ProfileForm, transaction_id: str, *, kind: str) -> JsonObject:
    return {
        "id": form.lease_profile_id,
        "stackLevel": min(LEASE_STACK_LEVEL, form.highest_stack_level),
        "chargingProfilePurpose": "TxProfile",
        "chargingProfileKind": kind,
        "transactionId": transaction_id,
    }


def _set_profile(
    form: ProfileForm, profile: JsonObject, schedule: JsonObject, period: JsonObject
) -> JsonObject:
    period = {"startPeriod": 0, **period}
    if form.ac_phases is not None:  # K01.FR.49: absent means three
        period["numberPhases"] = form.ac_phases
    return {
        "evseId": form.evse_number,
        "chargingProfile": {
            **profile,
            "chargingSchedule": [{**schedule, "chargingSchedulePeriod": [period]}],
        },
    }


def _start(now_utc: datetime) -> str:
    return format_stamp(now_utc - timedelta(seconds=BACKDATED_S))
