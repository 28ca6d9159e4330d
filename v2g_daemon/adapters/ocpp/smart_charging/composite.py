"""GetCompositeSchedule: what a station says will govern, against what it was told; pure."""

from __future__ import annotations

from typing import assert_never

from v2g_daemon.adapters.ocpp.smart_charging.ladder import RateUnit
from v2g_daemon.adapters.ocpp.smart_charging.profiles import Outlet
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

ASKED_S = 60
TOLERANCE_W = 100.0
TOLERANCE_SHARE = 0.05
ELSEWHERE = "look for another profile in it: its app, a vendor's cloud, the installer's setting"


def objection(answer: JsonObject, told: Told, outlet: Outlet, rate_unit: RateUnit) -> str | None:
    """What speaks against it, with the next step; an answer that says nothing is no objection.

    `rate_unit`: in which it was told; the schedule may be in the other.
    Some stations answer with no period at all, or for millions of years.
    """
    schedule = answer.get("schedule")
    if answer.get("status") != "Accepted" or not isinstance(schedule, dict):
        return None
    periods = [one for one in schedule["chargingSchedulePeriod"] if one["startPeriod"] == 0]
    if not periods:
        return None
    expected = told
    if isinstance(told, ChargeLimit):
        expected = ChargeLimit(limit_w=outlet.limit_w(told.limit_w, rate_unit))
    return _against(periods[0], expected, _Unit(schedule, outlet))


class _Unit:
    """Watts of a rate in this schedule."""

    def __init__(self, schedule: JsonObject, outlet: Outlet) -> None:
        self._in_amperes = schedule["chargingRateUnit"] == "A"
        self._outlet = outlet

    def watts(self, period: JsonObject, name: str) -> float | None:
        """The field in W; None where it is not given."""
        value = period.get(name)
        if value is None:
            return None
        if not self._in_amperes:
            return float(value)
        phases = min(int(period.get("numberPhases", self._outlet.phases)), self._outlet.phases)
        return float(value) * self._outlet.nominal_voltage_v * phases


def _against(period: JsonObject, told: Told, unit: _Unit) -> str | None:
    limit_w, setpoint_w = unit.watts(period, "limit"), unit.watts(period, "setpoint")
    mode = period.get("operationMode")
    match told:
        case CentralSetpoint():
            if setpoint_w is not None:
                return _differs(setpoint_w, told.target_w)
            if limit_w is not None and mode in (None, "ChargingOnly"):
                return _instead(f"charging of at most {limit_w:.0f} W")
            return None
        case ChargeLimit():
            return None if limit_w is None else _differs(limit_w, told.limit_w)
        case NegativeLimit():
            if limit_w is None or limit_w < 0.0:
                return None
            return _instead(f"charging of at most {limit_w:.0f} W")
        case Idle() | FrequencyFollowing() | LoadBalancing():
            expected = mode_of(told)
            return None if mode in (None, expected) else _instead(f"the mode {mode}")
        case VendorSetpoint():
            return None
        case _:
            assert_never(told)


def mode_of(told: Told) -> str | None:
    """The operation mode that the station should then report; None: none in particular."""
    match told:
        case ChargeLimit():
            return "ChargingOnly"
        case CentralSetpoint():
            return "CentralSetpoint"
        case Idle():
            return "Idle"
        case FrequencyFollowing():
            return "LocalFrequency"
        case LoadBalancing():
            return "LocalLoadBalancing"
        case NegativeLimit() | VendorSetpoint():
            return None
        case _:
            assert_never(told)


def _differs(found_w: float, told_w: float) -> str | None:
    if abs(found_w - told_w) <= max(TOLERANCE_W, TOLERANCE_SHARE * abs(told_w)):
        return None
    return _instead(f"{found_w:.0f} W")


def _instead(what: str) -> str:
    return f"the station's own schedule says {what}; {ELSEWHERE}"
