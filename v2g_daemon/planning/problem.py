"""From the house's question (PlanProblem) to the programme's arrays (Case)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from v2g_daemon.domain.plan import PlanProblem, Store
from v2g_daemon.planning.case import Case, Horizon, Ints, Pack, Terms
from v2g_daemon.planning.forecast import forecast_net_load
from v2g_daemon.planning.presence import presence, reachable_targets_wh
from v2g_daemon.planning.price_tail import StepPrices, step_prices


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """A case, and what of it must be told: step starts, prices, and the targets as asked for."""

    case: Case
    starts_utc: tuple[datetime, ...]
    end_utc: datetime
    prices: StepPrices
    asked_wh: tuple[float | None, ...]


def outlook_of(problem: PlanProblem) -> Outlook:
    """Forecast, place the trips, and clamp what cannot be reached."""
    starts_utc, end_utc = _steps(problem)
    hours = np.array(problem.step_s, dtype=np.float64) / 3600.0
    prices = step_prices(problem.prices, starts_utc, timezone_name=problem.timezone)
    forecast = forecast_net_load(
        problem.history,
        starts_utc,
        current_net_load_w=problem.current_net_load_w,
        timezone_name=problem.timezone,
    )
    here = presence(
        starts_utc=starts_utc,
        end_utc=end_utc,
        plugged_in=problem.plugged_in,
        store=problem.store,
        goals=problem.goals,
    )
    horizon = Horizon(
        hours=hours,
        import_per_kwh=prices.import_per_kwh,
        export_per_kwh=prices.export_per_kwh,
        net_load_w=forecast.net_load_w,
        plugged=here.plugged,
        trip_wh=here.trip_wh,
        target_wh=here.target_wh,
        ceiling_wh=here.ceiling_wh,
        export_day=_export_days(starts_utc, problem.timezone),
    )
    terms = _terms(problem, prices.terminal_per_kwh(hours))
    case = Case(horizon=horizon, pack=_pack(problem.store), terms=terms)
    clamped = replace(horizon, target_wh=reachable_targets_wh(case))
    return Outlook(
        case=replace(case, horizon=clamped),
        starts_utc=starts_utc,
        end_utc=end_utc,
        prices=prices,
        asked_wh=tuple(None if np.isnan(wh) else float(wh) for wh in here.target_wh),
    )


def _steps(problem: PlanProblem) -> tuple[tuple[datetime, ...], datetime]:
    starts_utc, moment_utc = [], problem.start_utc
    for length_s in problem.step_s:
        starts_utc.append(moment_utc)
        moment_utc += timedelta(seconds=length_s)
    return tuple(starts_utc), moment_utc


def _export_days(starts_utc: tuple[datetime, ...], timezone_name: str) -> Ints:
    """The noon-to-noon local day of each step, as a number."""
    zone = ZoneInfo(timezone_name)
    local = [start.astimezone(zone) for start in starts_utc]
    days = [moment.date().toordinal() - int(moment.hour < 12) for moment in local]
    return np.array(days, dtype=np.int64)


def _pack(store: Store) -> Pack:
    return Pack(
        start_wh=max(store.soc * store.capacity_wh, 0.0),
        floor_wh=store.soc_floor * store.capacity_wh,
        capacity_wh=store.capacity_wh,
        taper_above_wh=store.taper_above_soc * store.capacity_wh,
        max_charge_w=store.max_charge_w,
        max_discharge_w=store.max_discharge_w,
        min_charge_w=store.min_charge_w,
        min_discharge_w=store.min_discharge_w,
        charge_loss=store.loss,
        discharge_loss=store.loss,
    )


def _terms(problem: PlanProblem, terminal_per_kwh: float) -> Terms:
    return Terms(
        import_limit_w=problem.import_limit_w,
        export_limit_w=problem.export_limit_w,
        may_export=problem.may_export,
        # PV of the house is not ours to throttle: its export is paid, or paid for, in full.
        curtails=False,
        wear_per_kwh=problem.store.wear_cost_per_kwh_discharged,
        margin_per_kwh=problem.cycle_margin_per_kwh,
        unmet_per_kwh=problem.unmet_goal_per_kwh,
        terminal_per_kwh=terminal_per_kwh,
        daily_export_wh=problem.daily_export_wh,
        exported_today_wh=problem.exported_today_wh,
    )
