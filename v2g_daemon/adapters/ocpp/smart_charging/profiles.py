"""Charging profiles as wire dictionaries, in three layers: default, outlook, lease; pure.

A clearing message is never built here: after it, stations charge at full power.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import isfinite, trunc
from typing import assert_never

from v2g_daemon.adapters.ocpp.smart_charging.ladder import Kind, Purpose, RateUnit, Rung
from v2g_daemon.adapters.ocpp.smart_charging.telling import (
    CentralSetpoint,
    ChargeLimit,
    FrequencyFollowing,
    Idle,
    LoadBalancing,
    NegativeLimit,
    Told,
    VendorSetpoint,
)
from v2g_daemon.adapters.ocpp.wire.codec import JsonObject
from v2g_daemon.adapters.ocpp.wire.translate import format_stamp
from v2g_daemon.domain.errors import InvariantViolated
from v2g_daemon.domain.outlook import OutlookStep
from v2g_daemon.domain.power import PowerRange

START_AGO_S = 10  # a station whose clock is a little behind must not wait for the profile's start
EARLY_START_AGO_S = 60
LONGEST_OFFLINE_S = 60
IDS_PER_EVSE = 10
LEAST_PROFILE_ID = 1000  # K01.FR.80: ours lie above the station's own constraints
WHOLE_STATION = 0
USUAL_PERIODS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlet:
    """What no rung changes about the profiles of one EVSE."""

    evse_number: int
    phases: int
    nominal_voltage_v: float
    direct_current: bool = False
    first_profile_id: int = LEAST_PROFILE_ID
    most_periods: int = USUAL_PERIODS
    least_limit_a: float = 0.0

    @property
    def least_a(self) -> float:
        """What says 0 where 0 is not taken; direct current flows below 6 A, too."""
        return 0.0 if self.direct_current else self.least_limit_a

    def limit_w(self, wanted_w: float, rate_unit: RateUnit) -> float:
        """The limit that stands for this one; watts may all flow in one phase, amperes in each."""
        phases = self.phases if rate_unit is RateUnit.AMPERE else 1
        return max(wanted_w, self.least_a * self.nominal_voltage_v * phases)

    @property
    def default_id(self) -> int:
        """The id of the persistent default; each layer re-uses its own, so that it is replaced."""
        return self.first_profile_id + IDS_PER_EVSE * self.evse_number

    @property
    def outlook_id(self) -> int:
        """The id of the outlook."""
        return self.default_id + 1

    @property
    def lease_id(self) -> int:
        """The id of the lease (K01.FR.05)."""
        return self.default_id + 2

    def is_ours(self, profile_id: int) -> bool:
        """Whether a profile of that id is one of this EVSE's layers."""
        return 0 <= profile_id - self.default_id < IDS_PER_EVSE


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseTime:
    """For which transaction a lease holds, and how long.

    `transaction_age_s` as far as we know it; `pull_every_s`: the station asks for updates;
    `then_w`: what may be charged afterwards where no default lies beneath.
    """

    transaction_id: str
    length_s: int
    now_utc: datetime
    transaction_age_s: float = 0.0
    pull_every_s: int | None = None
    then_w: float | None = None


def default_profile(
    outlet: Outlet, rung: Rung, *, current_a: float, now_utc: datetime
) -> JsonObject:
    """SetChargingProfile for what the car does when nobody commands: charge at a safe current."""
    if current_a < 0.0:
        raise InvariantViolated(f"a negative limit ({current_a} A) is never sent")
    if rung.rate_unit is RateUnit.AMPERE:
        limit = trunc(max(current_a, outlet.least_a) * 10.0 + 1e-6) / 10
    else:
        safe_w = current_a * outlet.nominal_voltage_v * outlet.phases
        limit = float(trunc(outlet.limit_w(safe_w, rung.rate_unit)))
    period = _in_mode(rung, {"limit": limit}, "ChargingOnly")
    schedule = _schedule(outlet.default_id, rung)
    if rung.limit_kind is not Kind.RELATIVE:
        schedule["startSchedule"] = _start(rung, now_utc)
    return _set_profile(
        outlet,
        rung,
        _profile(outlet.default_id, rung, rung.stack_level, rung.limit_kind),
        schedule,
        [{"startPeriod": 0, **period}],
    )


def outlook_profile(
    outlet: Outlet,
    rung: Rung,
    *,
    steps: Sequence[OutlookStep],
    ends_at_utc: datetime,
    transaction_id: str,
    offline_s: int,
) -> JsonObject:
    """SetChargingProfile for the hours without a command: limits that charge, one level below."""
    start_utc = steps[0].starts_at_utc
    schedule = _schedule(outlet.outlook_id, rung)
    schedule["startSchedule"] = format_stamp(start_utc)
    schedule["duration"] = _seconds(start_utc, ends_at_utc)
    profile = _profile(outlet.outlook_id, rung, rung.stack_level - 1, Kind.ABSOLUTE)
    profile["transactionId"] = transaction_id
    if rung.offline_limit:
        profile["maxOfflineDuration"] = offline_s
    periods = [
        {
            "startPeriod": _seconds(start_utc, step.starts_at_utc),
            **_period(outlet, rung, ChargeLimit(limit_w=step.limit_w)),
        }
        for step in steps
    ]
    return _set_profile(outlet, rung, profile, schedule, periods)


def lease_profile(
    outlet: Outlet, rung: Rung, told: Told, kind: Kind, time: LeaseTime
) -> JsonObject:
    """SetChargingProfile for one command, which the station itself ends.

    Dynamic: `duration` counts from the last update (Q04), so no start is given (K28.FR.01-03).
    """
    profile = _profile(outlet.lease_id, rung, rung.stack_level, kind)
    if rung.purpose is Purpose.TX:
        profile["transactionId"] = time.transaction_id
    if rung.offline_limit and not isinstance(told, ChargeLimit):
        profile["maxOfflineDuration"] = min(time.length_s, LONGEST_OFFLINE_S)
        profile["invalidAfterOfflineDuration"] = True
    if kind is Kind.DYNAMIC and time.pull_every_s is not None:
        profile["dynUpdateInterval"] = time.pull_every_s
    schedule = _schedule(outlet.lease_id, rung)
    periods = [{"startPeriod": 0, **_period(outlet, rung, told)}]
    match kind:
        case Kind.DYNAMIC:
            schedule["duration"] = time.length_s
        case Kind.RELATIVE:
            schedule["duration"] = time.length_s + trunc(time.transaction_age_s)
        case Kind.ABSOLUTE:
            schedule["startSchedule"] = _start(rung, time.now_utc)
            until_s = time.length_s + _start_ago_s(rung)
            if time.then_w is None:
                schedule["duration"] = until_s
            else:
                after = _period(outlet, rung, ChargeLimit(limit_w=time.then_w))
                periods.append({"startPeriod": until_s, **after})
        case _:
            assert_never(kind)
    return _set_profile(outlet, rung, profile, schedule, periods)


def schedule_update(outlet: Outlet, rung: Rung, told: CentralSetpoint) -> JsonObject:
    """The `scheduleUpdate` of another setpoint; with it the lease starts anew (K28.FR.13)."""
    return _setpoint(outlet, rung, told)


def vendor_message(outlet: Outlet, told: VendorSetpoint, time: LeaseTime) -> JsonObject:
    """DataTransfer with the vendor's text filled in."""
    power_w = trunc(_finite(told.target_w))
    tenths = trunc(power_w / (outlet.nominal_voltage_v * outlet.phases) * 10.0)
    message: JsonObject = {
        "vendorId": told.words.vendor_id,
        "data": told.words.data.replace("{power_w}", str(power_w))
        .replace("{current_a}", f"{tenths / 10:.1f}")
        .replace("{duration_s}", str(time.length_s))
        .replace("{transaction_id}", time.transaction_id),
    }
    if told.words.message_id is not None:
        message["messageId"] = told.words.message_id
    return message


def realised_w(outlet: Outlet, rung: Rung, target_w: float) -> float:
    """The power that the wire can carry: towards 0 W, in whole watts or tenths of an ampere."""
    rate = _rate(outlet, rung, target_w)
    if rung.rate_unit is RateUnit.WATT:
        return rate
    return rate * outlet.nominal_voltage_v * outlet.phases


def _rate(outlet: Outlet, rung: Rung, power_w: float) -> float:
    _finite(power_w)
    if rung.rate_unit is RateUnit.WATT:
        return float(trunc(power_w))
    tenths = power_w / (outlet.nominal_voltage_v * outlet.phases) * 10
    # A conversion's rounding error must not cost a tenth: 3680 W at 230 V are 16.0 A.
    nearest = round(tenths)
    return (nearest if abs(tenths - nearest) < 1e-6 else trunc(tenths)) / 10


def _finite(power_w: float) -> float:
    if not isfinite(power_w):
        raise InvariantViolated(f"a power of {power_w} W is about to be sent")
    return power_w


def _period(outlet: Outlet, rung: Rung, told: Told) -> JsonObject:
    """The fields each operation mode wants and no others (2.1, limits and setpoints per mode)."""
    match told:
        case ChargeLimit():
            limit_w = outlet.limit_w(told.limit_w, rung.rate_unit)
            limit = {"limit": _rate(outlet, rung, limit_w)}
            return _in_mode(rung, limit, "ChargingOnly")
        case CentralSetpoint():
            return {**_setpoint(outlet, rung, told), "operationMode": "CentralSetpoint"}
        case Idle():
            asleep = {"evseSleep": True} if told.evse_sleep else {}
            return {"operationMode": "Idle", **asleep}
        case FrequencyFollowing():
            return _frequency_curve(told)
        case LoadBalancing():
            bounds = _bounds(outlet, rung, told.range_w) if told.bounded else {}
            return {"operationMode": "LocalLoadBalancing", **bounds}
        case NegativeLimit():
            return {"limit": _rate(outlet, rung, told.target_w)}
        case VendorSetpoint():
            raise InvariantViolated("a vendor's power is told by DataTransfer, not by a profile")
        case _:
            assert_never(told)


def _setpoint(outlet: Outlet, rung: Rung, told: CentralSetpoint) -> JsonObject:
    """Q03.FR.02: the setpoint alone; with bounds it must lie between them (V2X.05)."""
    setpoint = {"setpoint": _rate(outlet, rung, told.target_w)}
    return setpoint if told.bounds is None else setpoint | _bounds(outlet, rung, told.bounds)


def _bounds(outlet: Outlet, rung: Rung, bounds: PowerRange) -> JsonObject:
    return {
        "limit": _rate(outlet, rung, bounds.highest_w),
        "dischargeLimit": _rate(outlet, rung, bounds.lowest_w),
    }


def _frequency_curve(told: FrequencyFollowing) -> JsonObject:
    """Q08.FR.01-05: a baseline and a curve, in watts, and nothing else."""
    return {
        "operationMode": "LocalFrequency",
        "v2xBaseline": float(trunc(_finite(told.target_w))),
        "v2xFreqWattCurve": [
            {"frequency": point.frequency_hz, "power": point.power_w} for point in told.points
        ],
    }


def _in_mode(rung: Rung, fields: JsonObject, mode: str) -> JsonObject:
    return {**fields, "operationMode": mode} if rung.modes_said else fields


def _profile(profile_id: int, rung: Rung, stack_level: int, kind: Kind) -> JsonObject:
    return {
        "id": profile_id,
        "stackLevel": stack_level,
        "chargingProfilePurpose": rung.purpose.value,
        "chargingProfileKind": kind.value,
    }


def _schedule(schedule_id: int, rung: Rung) -> JsonObject:
    return {"id": schedule_id, "chargingRateUnit": rung.rate_unit.value}


def _set_profile(
    outlet: Outlet,
    rung: Rung,
    profile: JsonObject,
    schedule: JsonObject,
    periods: list[JsonObject],
) -> JsonObject:
    if rung.phases_said and not outlet.direct_current:  # K01.FR.44; FR.49: absent means three
        periods = [{**period, "numberPhases": outlet.phases} for period in periods]
    whole = rung.purpose is Purpose.STATION_MAX
    return {
        "evseId": WHOLE_STATION if whole else outlet.evse_number,
        "chargingProfile": {
            **profile,
            "chargingSchedule": [{**schedule, "chargingSchedulePeriod": periods}],
        },
    }


def _start_ago_s(rung: Rung) -> int:
    return EARLY_START_AGO_S if rung.starts_early else START_AGO_S


def _start(rung: Rung, now_utc: datetime) -> str:
    return format_stamp(now_utc - timedelta(seconds=_start_ago_s(rung)))


def _seconds(start_utc: datetime, moment_utc: datetime) -> int:
    return trunc((moment_utc - start_utc).total_seconds())
