"""Small plan problems: every field has a plain value, and a test changes what it is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from v2g_daemon.domain.budget import DischargeBudget
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.interval import Interval
from v2g_daemon.domain.loss import LossCurve
from v2g_daemon.domain.plan import PlanProblem, Store, ValueFunction
from v2g_daemon.domain.prices import PriceCurve, PriceSlot
from v2g_daemon.planning.case import Case, Horizon, Pack, Terms, sure

START_UTC = datetime(2024, 1, 10, 0, 0, tzinfo=UTC)  # a Wednesday
LOSSLESS = LossCurve(constant_w=0.0, linear=0.0, quadratic_per_w=0.0)
REAL_LOSS = LossCurve(constant_w=150.0, linear=0.03, quadratic_per_w=3e-6)


def hourly_curve(
    imports: Sequence[float], exports: Sequence[float], start_utc: datetime = START_UTC
) -> PriceCurve:
    """Prices of consecutive hours."""
    slots = [
        PriceSlot(
            interval=Interval(
                start_utc=start_utc + timedelta(hours=hour),
                end_utc=start_utc + timedelta(hours=hour + 1),
            ),
            import_per_kwh=pair[0],
            export_per_kwh=pair[1],
        )
        for hour, pair in enumerate(zip(imports, exports, strict=True))
    ]
    return PriceCurve(currency="EUR", slots=tuple(slots))


STORE = Store(
    soc=0.5,
    capacity_wh=10_000.0,
    soc_floor=0.0,
    soc_ceiling=1.0,
    taper_above_soc=1.0,
    max_charge_w=1000.0,
    max_discharge_w=1000.0,
    min_charge_w=0.0,
    min_discharge_w=0.0,
    loss=LOSSLESS,
    wear_cost_per_kwh_discharged=0.0,
)


def a_budget(**changes: Any) -> DischargeBudget:
    """20 kWh of which nothing is used, and nothing gained by saving them."""
    budget = DischargeBudget(
        name="warranty energy",
        whole_wh=20_000.0,
        whole_s=None,
        used_share=0.0,
        open_share=1.0,
        saved_share=1.0,
    )
    return replace(budget, **changes)


def plan_problem(**changes: Any) -> PlanProblem:
    """Two hours at 0.10 and 0.50, nothing for export, 1 kW of load, a lossless 1 kW charger.

    Keys that Store knows change the store.
    """
    in_store = {key: changes.pop(key) for key in tuple(changes) if hasattr(STORE, key)}
    problem = PlanProblem(
        asked_at=Instant(utc=START_UTC, monotonic_s=0.0),
        evse_id="garage",
        vehicle_id="car",
        timezone="Europe/Amsterdam",
        start_utc=START_UTC,
        step_s=(3600, 3600),
        plugged_in=True,
        store=replace(STORE, **in_store),
        goals=(),
        prices=hourly_curve([0.10, 0.50], [0.0, 0.0]),
        history=(),
        current_net_load_w=1000.0,
        import_limit_w=17_000.0,
        export_limit_w=4000.0,
        daily_export_wh=10_000.0,
        exported_today_wh=0.0,
        cycle_margin_per_kwh=0.0,
        unmet_goal_per_kwh=2.0,
        may_export=True,
    )
    return replace(problem, **changes)


def toy_case(
    *,
    imports: Sequence[float],
    exports: Sequence[float],
    net_load_w: Sequence[float],
    start_wh: float = 6000.0,
    plugged: Sequence[bool] | None = None,
    trip_wh: Sequence[float] | None = None,
    target_wh: Sequence[float] | None = None,
    **terms: Any,
) -> Case:
    """Hour-long steps, a lossless 12 kW charger with 1 kW levels, a 12 kWh pack, floor 2 kWh."""
    steps = len(imports)
    horizon = Horizon(
        hours=np.ones(steps),
        import_per_kwh=np.array(imports),
        export_per_kwh=np.array(exports),
        scenarios_w=np.array([[net_load_w]]),
        presence=sure(
            np.array([True] * steps if plugged is None else plugged, dtype=np.bool_),
            np.array([0.0] * steps if trip_wh is None else trip_wh),
            np.array([np.nan] * steps if target_wh is None else target_wh),
        ),
        ceiling_wh=np.full(steps, 12_000.0),
        export_day=np.zeros(steps, dtype=np.int64),
    )
    pack = Pack(
        start_wh=start_wh,
        floor_wh=2000.0,
        capacity_wh=12_000.0,
        taper_above_wh=12_000.0,
        max_charge_w=12_000.0,
        max_discharge_w=12_000.0,
        min_charge_w=1000.0,
        min_discharge_w=1000.0,
        charge_loss=LOSSLESS,
        discharge_loss=LOSSLESS,
    )
    plain = Terms(
        import_limit_w=10_000.0,
        export_limit_w=5000.0,
        may_export=True,
        throttled_above_w=None,
        wear_per_kwh=0.03,
        margin_per_kwh=0.0,
        unmet_per_kwh=2.0,
        unmet_later_per_kwh=2.0,
        terminal_per_kwh=0.15,
        daily_export_wh=float("inf"),
        exported_today_wh=0.0,
    )
    return Case(horizon=horizon, pack=pack, terms=replace(plain, **terms))


def as_advised(value: ValueFunction) -> ValueFunction:
    """The same, told of the steps that begin within four and a half hours."""
    starts_s = [sum(value.step_s[:step]) for step in range(len(value.step_s))]
    steps = len([start_s for start_s in starts_s if start_s < 4.5 * 3600])
    return replace(value, step_s=value.step_s[:steps], rows=value.rows[: steps + 1])
