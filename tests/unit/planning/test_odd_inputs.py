"""Whatever a house asks, the answer is a plan that harms nobody, or a refusal that says why."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Any

import pytest

from tests.unit.planning.problems import REAL_LOSS, START_UTC, hourly_curve, plan_problem
from v2g_daemon.domain.goals import DepartureGoal
from v2g_daemon.domain.plan import HistoryRow, PastStay, PlanProblem
from v2g_daemon.domain.prices import PriceCurve
from v2g_daemon.planning.plan import advise, solve

NOTHING = PriceCurve(currency="EUR", slots=())
DAY = [0.30, 0.25, 0.20, 0.10, 0.05, 0.10, 0.30, 0.50, 0.40, 0.30, 0.20, 0.10] * 2


def house(**changes: Any) -> PlanProblem:
    """A day in quarter hours, a real charger and a 60 kWh car at half."""
    values: dict[str, Any] = {
        "step_s": (900,) * 96,
        "prices": hourly_curve(DAY, [price - 0.05 for price in DAY]),
        "soc": 0.5,
        "capacity_wh": 60_000.0,
        "soc_floor": 0.2,
        "soc_ceiling": 0.9,
        "max_charge_w": 7400.0,
        "max_discharge_w": 7400.0,
        "min_charge_w": 1400.0,
        "min_discharge_w": 1400.0,
        "loss": REAL_LOSS,
        "wear_cost_per_kwh_discharged": 0.04,
        "current_net_load_w": 500.0,
    }
    return plan_problem(**{**values, **changes})


def leaving(hours: float, soc: float, **changes: Any) -> DepartureGoal:
    ready_by_utc = START_UTC + timedelta(hours=hours)
    return DepartureGoal(ready_by_utc=ready_by_utc, soc=soc, **changes)


def past(days: int, load_w: float, pv_w: float | None = None) -> tuple[HistoryRow, ...]:
    return tuple(
        HistoryRow(
            start_utc=START_UTC - timedelta(minutes=15 * (96 * days - quarter)),
            net_load_w=load_w,
            pv_w=pv_w,
        )
        for quarter in range(96 * days)
    )


def stayed(hours_ago: float, hours: float | None, trip_wh: float | None = None) -> PastStay:
    came = START_UTC - timedelta(hours=hours_ago)
    went = None if hours is None else came + timedelta(hours=hours)
    return PastStay(plugged_in_utc=came, plugged_out_utc=went, trip_wh=trip_wh)


def at(moment_utc: datetime, steps: int = 100) -> dict[str, Any]:
    curve = hourly_curve([0.2] * 30, [0.1] * 30, moment_utc)
    return {"start_utc": moment_utc, "prices": curve, "step_s": (900,) * steps}


ODD: dict[str, PlanProblem] = {
    "a target above the pack": house(goals=(leaving(6.0, 1.5),)),
    "a target nobody can reach in time": house(soc=0.0, goals=(leaving(0.5, 1.0),)),
    "a departure in the past": house(goals=(leaving(-5.0, 0.8),)),
    "a departure at once": house(goals=(leaving(0.0, 0.8),)),
    "a departure within the first step": house(goals=(leaving(0.1, 0.8),)),
    "a departure beyond the horizon": house(goals=(leaving(100.0, 0.8),)),
    "a return before the departure": house(
        goals=(leaving(6.0, 0.8, returns_at_utc=START_UTC + timedelta(hours=2)),)
    ),
    "two departures at the same time": house(goals=(leaving(6.0, 0.8), leaving(6.0, 0.4))),
    "twenty departures in a day": house(
        goals=tuple(
            leaving(n, 0.5, returns_at_utc=START_UTC + timedelta(hours=n + 0.5), trip_wh=5000.0)
            for n in range(1, 21)
        )
    ),
    "a trip longer than the pack": house(
        goals=(leaving(4.0, 0.9, returns_at_utc=START_UTC + timedelta(hours=8), trip_wh=90_000.0),)
    ),
    "a goal for nothing": house(goals=(leaving(6.0, 0.0),)),
    "negative import prices": house(prices=hourly_curve([-0.3] * 24, [-0.35] * 24)),
    "negative export prices only": house(prices=hourly_curve(DAY, [-0.1] * 24)),
    "export above import": house(prices=hourly_curve([0.1] * 24, [0.4] * 24)),
    "prices of zero": house(prices=hourly_curve([0.0] * 24, [0.0] * 24)),
    "a price of a thousand": house(prices=hourly_curve([1000.0] * 24, [900.0] * 24)),
    "no price at all": house(prices=NOTHING),
    "prices of last year": house(prices=hourly_curve(DAY, DAY, START_UTC - timedelta(days=365))),
    "a price for one hour only": house(prices=hourly_curve([0.3], [0.1])),
    "prices from tomorrow on": house(
        prices=hourly_curve(DAY, DAY, START_UTC + timedelta(hours=20))
    ),
    "a SoC below zero": house(soc=-0.2),
    "a SoC above one": house(soc=1.3),
    "a SoC above the ceiling": house(soc=1.0),
    "a SoC below the floor": house(soc=0.05),
    "a floor above the ceiling": house(soc_floor=0.95, soc_ceiling=0.4),
    "a floor and a ceiling in one": house(soc_floor=0.5, soc_ceiling=0.5),
    "a pack of 1 Wh": house(capacity_wh=1.0),
    "a pack of 1 MWh": house(capacity_wh=1_000_000.0),
    "a charger that does nothing": house(max_charge_w=0.0, max_discharge_w=0.0),
    "a charger that only gives": house(max_charge_w=0.0),
    "a minimum above the maximum": house(min_charge_w=9000.0, min_discharge_w=9000.0),
    "load above the fuse": house(current_net_load_w=30_000.0),
    "a fuse of nothing": house(import_limit_w=0.0),
    "an export limit below nothing": house(export_limit_w=-2000.0),
    "more sun than may go out": house(current_net_load_w=-20_000.0, pv_throttled_above_w=5000.0),
    "a day of 23 hours": house(**at(datetime(2025, 3, 29, 23, tzinfo=UTC))),
    "a day of 25 hours": house(**at(datetime(2025, 10, 25, 22, tzinfo=UTC))),
    "a single step": house(step_s=(900,)),
    "steps of five minutes and of hours": house(step_s=(300,) * 12 + (3600,) * 23),
    "a step of a day": house(step_s=(86_400,)),
    "a history of one quarter hour": house(history=past(1, 300.0)[-1:]),
    "a history with holes": house(history=past(12, 300.0, 100.0)[::7]),
    "a history of long ago": house(
        history=tuple(
            replace(row, start_utc=row.start_utc - timedelta(days=300)) for row in past(3, 300.0)
        )
    ),
    "a stay that began in the future": house(stays=(stayed(-5.0, None),)),
    "stays that overlap": house(stays=(stayed(30.0, 20.0, 5000.0), stayed(20.0, 25.0, 9000.0))),
    "a stay that ended before it began": house(stays=(stayed(20.0, -5.0, 5000.0),)),
    "a car away that nobody expects": house(plugged_in=False),
    "a car away of known habits": house(
        plugged_in=False, stays=tuple(stayed(24.0 * n, 12.0, 8000.0) for n in range(40, 0, -1))
    ),
}


@pytest.mark.parametrize("problem", ODD.values(), ids=ODD.keys())
def test_it_is_planned_within_all_bounds(problem: PlanProblem) -> None:
    plan, store = solve(problem), problem.store
    assert isfinite(plan.expected_cost)
    assert plan.missed_wh >= 0.0
    assert all(isfinite(value) for row in plan.value.rows for value in row)
    assert plan.summary
    for slot in plan.slots:
        assert isfinite(slot.soc)
        assert -store.max_discharge_w <= slot.power_w <= store.max_charge_w
        if slot.power_w > 0.0:
            assert slot.net_load_w + slot.power_w <= problem.import_limit_w + 0.01
        if slot.power_w < 0.0:
            assert slot.soc >= store.soc_floor - 1e-5


@pytest.mark.parametrize("problem", ODD.values(), ids=ODD.keys())
def test_what_dispatch_gets_is_the_value_function_of_the_plan(problem: PlanProblem) -> None:
    plan, advice = solve(problem), advise(problem)
    assert advice.value == plan.value
    assert advice.export_shadow_per_kwh == plan.export_shadow_per_kwh


@pytest.mark.parametrize("step_s", [(), (900, 0), (900, -900)])
def test_without_steps_that_last_there_is_nothing_to_plan(step_s: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="at least one step, and each must last"):
        house(step_s=step_s)
