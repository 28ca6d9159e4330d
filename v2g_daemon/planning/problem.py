"""From the house's question (PlanProblem) to the programme's arrays (Case)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from v2g_daemon.domain.plan import PlanProblem, Store
from v2g_daemon.planning.beside import left_beside, taken_beside, yielding
from v2g_daemon.planning.budgets import budget_terms
from v2g_daemon.planning.case import Case, Floats, Horizon, Ints, Pack, PriceBand, Terms
from v2g_daemon.planning.forecast import NetLoadForecast, forecast_net_load
from v2g_daemon.planning.habits import Habits, habits_of
from v2g_daemon.planning.peaks import capped, due_early
from v2g_daemon.planning.presence import Chances, presence, reachable_targets_wh
from v2g_daemon.planning.price_band import banded_prices
from v2g_daemon.planning.price_tail import USUAL_PLUGGED_SHARE, StepPrices, step_prices
from v2g_daemon.planning.programs import held_of
from v2g_daemon.planning.wall import DAY_S, Steps, local_seconds

GROUPS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """A case, and what of it must be told: step starts, prices, PV, the targets as asked for."""

    case: Case
    starts_utc: tuple[datetime, ...]
    end_utc: datetime
    prices: StepPrices
    asked_wh: tuple[float | None, ...]
    pv_w: Floats | None = None


def outlook_of(problem: PlanProblem) -> Outlook:
    """Forecast, place the trips, and clamp what cannot be reached."""
    starts_utc, end_utc = _steps(problem)
    steps = Steps.of(starts_utc, problem.step_s)
    habits = _habits(problem)
    plugged_share = USUAL_PLUGGED_SHARE if habits is None else habits.plugged_share
    prices, band = _prices(problem, steps, plugged_share)
    forecast = _forecast(problem, steps)
    here, ceiling_wh = presence(
        starts_utc=starts_utc,
        end_utc=end_utc,
        plugged_in=problem.plugged_in,
        store=problem.store,
        goals=problem.goals,
        chances=None if habits is None else _chances(habits, problem, steps),
    )
    horizon = Horizon(
        hours=steps.hours,
        import_per_kwh=prices.import_per_kwh,
        export_per_kwh=prices.export_per_kwh,
        scenarios_w=_scenarios(left_beside(problem.beside, steps, forecast.scenarios_w), band),
        presence=here,
        ceiling_wh=ceiling_wh,
        export_day=_export_days(steps, problem.timezone),
        price_band=band,
        others=taken_beside(problem.beside, steps, forecast.scenarios_w),
    )
    case = Case(horizon=horizon, pack=_pack(problem.store), terms=_terms(problem, prices))
    held = held_of(problem, case, steps, plugged_share=plugged_share)
    return Outlook(
        case=_under_demand(yielding(_reachable(replace(case, held=held))), problem, steps),
        starts_utc=starts_utc,
        end_utc=end_utc,
        prices=prices,
        asked_wh=tuple(None if np.isnan(wh) else float(wh) for wh in here.target_wh),
        pv_w=forecast.pv_w,
    )


def _forecast(problem: PlanProblem, steps: Steps) -> NetLoadForecast:
    return forecast_net_load(
        problem.history,
        steps,
        current_net_load_w=problem.current_net_load_w,
        current_pv_w=problem.current_pv_w,
        timezone_name=problem.timezone,
        sun=problem.sun,
    )


def _reachable(case: Case) -> Case:
    """The case with its targets as far as they can be reached."""
    here = replace(case.horizon.presence, target_wh=reachable_targets_wh(case))
    return replace(case, horizon=replace(case.horizon, presence=here))


def _under_demand(case: Case, problem: PlanProblem, steps: Steps) -> Case:
    """The case with the caps of its demand charges, where it has any."""
    charges = problem.prices.peak_charges
    return capped(due_early(case, problem.done_early_s), charges, steps) if charges else case


def _habits(problem: PlanProblem) -> Habits | None:
    return habits_of(
        problem.stays,
        now_utc=problem.start_utc,
        timezone_name=problem.timezone,
        capacity_wh=problem.store.capacity_wh,
    )


def _prices(
    problem: PlanProblem, steps: Steps, plugged_share: float
) -> tuple[StepPrices, PriceBand | None]:
    """Prices as they are published, or as a real-time market's past lets expect them."""
    zone = ZoneInfo(problem.timezone)
    if problem.prices.real_time_s is None:
        return step_prices(problem.prices, steps, zone, plugged_share=plugged_share), None
    past, present = problem.past_prices, problem.prices.at(problem.asked_at.utc)
    return banded_prices(past, present, steps, zone, plugged_share=plugged_share)


def _scenarios(days_w: Floats, band: PriceBand | None) -> Floats:
    """The days as scenarios; where prices tell these apart, each holds every day."""
    if band is None:
        return grouped(days_w)
    return np.repeat(days_w[None], band.scenarios, axis=0)


def grouped(days_w: Floats) -> Floats:
    """The days as scenarios of some members each: step by step the lowest loads, and the highest.

    Days that do not fill a scenario are left out: the oldest, which come last.
    """
    groups = min(GROUPS, len(days_w))
    members = len(days_w) // groups
    ranked: Floats = np.sort(days_w[: groups * members], axis=0)
    return ranked.reshape(groups, members, -1)


def _chances(habits: Habits, problem: PlanProblem, steps: Steps) -> Chances:
    leaves, returns = habits.over(steps, ZoneInfo(problem.timezone))
    return Chances(leaves=leaves, returns=returns, trips=habits.trips)


def _steps(problem: PlanProblem) -> tuple[tuple[datetime, ...], datetime]:
    starts_utc, moment_utc = [], problem.start_utc
    for length_s in problem.step_s:
        starts_utc.append(moment_utc)
        moment_utc += timedelta(seconds=length_s)
    return tuple(starts_utc), moment_utc


def _export_days(steps: Steps, timezone_name: str) -> Ints:
    """The noon-to-noon local day of each step, as a number."""
    local_s = local_seconds(steps.starts_s, ZoneInfo(timezone_name))
    return (local_s - DAY_S // 2) // DAY_S


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


def _terms(problem: PlanProblem, prices: StepPrices) -> Terms:
    budgets = budget_terms(problem)
    return Terms(
        import_limit_w=problem.import_limit_w,
        export_limit_w=problem.export_limit_w,
        may_export=problem.may_export,
        throttled_above_w=problem.pv_throttled_above_w,
        wear_per_kwh=problem.store.wear_cost_per_kwh_discharged,
        margin_per_kwh=problem.cycle_margin_per_kwh,
        unmet_per_kwh=problem.unmet_goal_per_kwh,
        unmet_later_per_kwh=problem.unmet_later_per_kwh,
        terminal_per_kwh=prices.terminal_per_kwh,
        daily_export_wh=problem.daily_export_wh,
        exported_today_wh=problem.exported_today_wh,
        budget_per_kwh=budgets.per_kwh,
        budget_per_h=budgets.per_h,
        budget_left_wh=budgets.left_wh,
        budget_left_h=budgets.left_h,
        export_wear_per_kwh=problem.store.export_wear_per_kwh,
    )
