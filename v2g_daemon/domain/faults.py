"""Faults: states that people see (an error is an exception; a fault is a fact)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class FaultCode(Enum):
    """The catalogue; the value is the name in trace, database and API."""

    METER_STALE = "meter_stale"
    METER_FROZEN = "meter_frozen"
    METER_TROUBLE = "meter_trouble"
    POWER_BALANCE = "power_balance"
    EVSE_STALE = "evse_stale"
    COMMAND_REJECTED = "command_rejected"
    COMMAND_TIMED_OUT = "command_timed_out"
    NOT_FOLLOWING = "not_following"
    DECREASE_UNCONFIRMED = "decrease_unconfirmed"
    BUDGET_EXHAUSTED = "budget_exhausted"
    HANDS_OFF_BREACHED = "hands_off_breached"
    WRONG_DIRECTION = "wrong_direction"
    IMPLAUSIBLE = "implausible"
    PRICES_MISSING = "prices_missing"
    PLAN_STALE = "plan_stale"
    PLAN_FAILED = "plan_failed"
    RECORDING_STALLED = "recording_stalled"
    RECORDS_LOST = "records_lost"
    CLOCK_UNTRUSTED = "clock_untrusted"
    GOAL_UNREACHABLE = "goal_unreachable"
    REGISTER_RESET = "register_reset"
    POWER_CONTRADICTED = "power_contradicted"
    STATION_SETTING = "station_setting"
    FOREIGN_LIMIT = "foreign_limit"
    FOREIGN_WRITER = "foreign_writer"
    CHARGER_TROUBLE = "charger_trouble"
    OUT_OF_ORDER = "out_of_order"
    VEHICLE_FEED = "vehicle_feed"
    CALENDAR = "calendar"
    CERTIFICATE_EXPIRING = "certificate_expiring"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault now in force; `evse_id` None concerns the site."""

    code: FaultCode
    detail: str
    evse_id: str | None = None
