"""Domain to JSON of `/api/v1` (pure); keys are the domain's words with their units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from v2g_daemon.accounting.forecasting import ForecastError
from v2g_daemon.domain.budget import DischargeBudget
from v2g_daemon.domain.decision import DailyUse, EvseDecision
from v2g_daemon.domain.faults import Fault
from v2g_daemon.domain.goals import UserOverride
from v2g_daemon.domain.outlook import Outlook
from v2g_daemon.domain.plan import Plan
from v2g_daemon.domain.prospect import CarSentence, EvseProspect, Hint, Readiness
from v2g_daemon.domain.readings import EvseStatus, MeterStatus
from v2g_daemon.domain.setpoint import Reason, Setpoint
from v2g_daemon.domain.snapshot import Snapshot

NOTHING_KNOWN: Mapping[str, Readiness | None] = {}
NO_BUDGETS: Mapping[str, tuple[DischargeBudget, ...]] = {}


def status_json(
    snapshot: Snapshot,
    decisions: tuple[EvseDecision, ...],
    faults: tuple[Fault, ...],
    hints: tuple[Hint, ...] = (),
    readiness: Mapping[str, Readiness | None] = NOTHING_KNOWN,
    budgets: Mapping[str, tuple[DischargeBudget, ...]] = NO_BUDGETS,
    departures: tuple[CarSentence, ...] = (),
) -> dict[str, Any]:
    """The house now; unknown values are null. `readiness` and `budgets` are by EVSE."""
    meter = snapshot.meter
    return {
        "at_utc": stamp(snapshot.now.utc),
        "clock_trusted": snapshot.clock_trusted,
        "meter": None
        if meter is None
        else {
            "power_w": meter.power_w,
            "phase_power_w": list(meter.phase_power_w),
            "age_s": round(snapshot.now.seconds_since(meter.observed_at), 3),
        },
        "meters": [_meter_json(one) for one in snapshot.meters],
        "price": _price_json(snapshot),
        "sun": _sun_json(snapshot),
        "evses": [
            _evse_json(status, decision, snapshot, readiness.get(status.evse_id))
            | {"budgets": plain_json(budgets.get(status.evse_id, ()))}
            for status, decision in zip(snapshot.evses, decisions, strict=True)
        ],
        "hints": plain_json(hints),
        "departures": plain_json(departures),
        "overrides": [override_json(override) for override in snapshot.overrides],
        "faults": [
            {"code": fault.code.value, "detail": fault.detail, "evse_id": fault.evse_id}
            for fault in faults
        ],
    }


def _price_json(snapshot: Snapshot) -> dict[str, Any] | None:
    """The price of the moment; None while it is unknown."""
    prices, now_utc = snapshot.prices, snapshot.now.utc
    price = None if prices is None else prices.at(now_utc)
    if prices is None or price is None:
        return None
    return {
        "currency": prices.currency,
        "import_per_kwh": price.import_per_kwh,
        "export_per_kwh": price.export_per_kwh,
        "known_until_utc": stamp(prices.known_until(now_utc)),
    }


def _sun_json(snapshot: Snapshot) -> dict[str, Any] | None:
    """What the weather service told and whether plans still go by it; None where none is asked."""
    sun, now_utc = snapshot.sun, snapshot.now.utc
    if sun is None:
        return None
    told_utc = sun.told_utc
    return {
        "source": sun.source,
        "told_utc": None if told_utc is None else stamp(told_utc),
        "age_s": None if told_utc is None else round((now_utc - told_utc).total_seconds()),
        "serves": sun.serves_at(now_utc),
    }


def plan_json(
    snapshot: Snapshot,
    decisions: tuple[EvseDecision, ...],
    prospects: tuple[EvseProspect, ...],
    *,
    currency: str,
    timezone: str,
    errors: tuple[ForecastError, ...] = (),
) -> dict[str, Any]:
    """What is planned, why, and what would change it; the names of the domain."""
    return {
        "at_utc": stamp(snapshot.now.utc),
        "timezone": timezone,
        "currency": currency,
        "forecast_errors": plain_json(errors),
        "evses": [
            {
                "soc": decision.soc,
                "soc_sigma": decision.soc_sigma,
                "target_w": command.target_w if isinstance(command, Setpoint) else None,
                "command_reason": reason_json(command.reason),
                "car_candidates": list(decision.candidates),
                **plain_json(prospect),
            }
            for decision, prospect in zip(decisions, prospects, strict=True)
            for command in (decision.command,)
        ],
    }


def _meter_json(status: MeterStatus) -> dict[str, Any]:
    """One configured meter; its power is null while no value can be believed."""
    return {
        "meter_id": status.meter_id,
        "role": status.role.value,
        "power_w": status.power_w,
        "serial": status.serial,
        "trouble": status.trouble,
    }


def _evse_json(
    status: EvseStatus, decision: EvseDecision, snapshot: Snapshot, readiness: Readiness | None
) -> dict[str, Any]:
    command = decision.command
    target = command if isinstance(command, Setpoint) else None
    plan = next((plan for plan in snapshot.plans if plan.evse_id == status.evse_id), None)
    return {
        "evse_id": status.evse_id,
        "connected": status.connected,
        "plugged_in": status.plugged_in,
        "vehicle_id": decision.vehicle_id,
        "car_candidates": list(decision.candidates),
        "stage": decision.stage.name.lower(),
        "soc": decision.soc,
        "soc_sigma": decision.soc_sigma,
        "power_w": status.power_w,
        "target_w": None if target is None else target.target_w,
        "lease_ends_utc": None if target is None else stamp(target.expires_at.utc),
        "permitted_w": None
        if target is None
        else [target.permitted.lowest_w, target.permitted.highest_w],
        "following": None if decision.following is None else decision.following.value,
        "car_state": None if decision.car_state is None else decision.car_state.value,
        "car_plans_w": status.car_plans_w,
        "writes_today": status.writes_today,
        "flash_writes_today": status.flash_writes_today,
        "outlook": None if decision.outlook is None else _outlook_json(decision.outlook),
        "use": None if decision.use is None else _use_json(decision.use),
        "reason": reason_json(command.reason),
        "desire": reason_json(decision.desire),
        "next_goal": _next_goal_json(decision, snapshot),
        "readiness": plain_json(readiness),
        "plan": None if plan is None else _plan_json(plan),
    }


def _plan_json(plan: Plan) -> dict[str, Any]:
    """What the plan says, and at what it prices the budgets of discharge."""
    return {
        "plan_id": plan.plan_id,
        "summary": plan.summary,
        "budget_per_kwh": plan.budget_per_kwh,
        "budget_per_h": plan.budget_per_h,
    }


def _next_goal_json(decision: EvseDecision, snapshot: Snapshot) -> dict[str, Any] | None:
    """The next departure of the car that is here."""
    for entry in snapshot.goals:
        if entry.vehicle_id == decision.vehicle_id and entry.goals:
            goal = entry.goals[0]
            return {"ready_by_utc": stamp(goal.ready_by_utc), "soc": goal.soc}
    return None


def _outlook_json(outlook: Outlook) -> dict[str, Any]:
    """What the car does by itself, should the daemon die now."""
    return {
        "steps": [
            {"starts_at_utc": stamp(step.starts_at_utc), "limit_w": step.limit_w}
            for step in outlook.steps
        ],
        "ends_at_utc": stamp(outlook.ends_at_utc),
    }


def _use_json(use: DailyUse) -> dict[str, Any]:
    """What the charger was bothered with today; a budget it does not have is null."""
    return {
        "writes_today": use.writes_today,
        "writes_per_day": use.writes_per_day,
        "closings_today": use.closings_today,
        "closings_per_day": use.closings_per_day,
    }


def override_json(override: UserOverride) -> dict[str, Any]:
    """One override as shown."""
    return {
        "evse_id": override.evse_id,
        "kind": override.kind.value,
        "until_utc": stamp(override.until_utc),
        "confirmed": override.confirmed,
    }


def reason_json(reason: Reason) -> dict[str, Any]:
    """Who, which rule, and the sentence."""
    return {
        "authority": reason.authority.name.lower(),
        "rule": reason.rule,
        "detail": reason.detail,
    }


def stamp(moment_utc: datetime) -> str:
    """ISO 8601 with Z, to the second."""
    return f"{moment_utc:%Y-%m-%dT%H:%M:%SZ}"


def plain_json(value: Any) -> Any:
    """Facts as JSON under their own field names; moments to the millisecond."""
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: plain_json(getattr(value, one.name)) for one in fields(value)}
    match value:
        case datetime():
            return f"{value:%Y-%m-%dT%H:%M:%S}.{value.microsecond // 1000:03}Z"
        case Enum():
            return value.value
        case Mapping():
            return {name: plain_json(one) for name, one in value.items()}
        case tuple():
            return [plain_json(one) for one in value]
        case _:
            return value
