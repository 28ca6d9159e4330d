"""FlexMeasures on a fixed case: the function that its StorageScheduler ends in, with HiGHS.

Database, queue and sensors of its server only bring the numbers that are handed over here. Flows
are kW and stocks kW × steps, relative to the start. The house is a device that may throttle its PV;
wear, missed targets and the worth of what is left are commitments.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import flask
import numpy as np
import pandas as pd
from flexmeasures.data.models.planning import FlowCommitment, StockCommitment
from flexmeasures.data.models.planning.linear_optimization import device_scheduler

VERSION = version("flexmeasures")
CAR, HOUSE = 0, 1
NO_LIMIT = np.nan
SLACK_KWH = 1e-6

Case = dict[str, Any]


def planner(case: Case, efficiency: float) -> Callable[[], list[float]]:
    """Plans the case with one efficiency per direction."""
    # What the server's defaults say; INFO is the level at which it silences the solver.
    app = flask.Flask("peer")
    app.config.update(FLEXMEASURES_LP_SOLVER="highspy", LOGGING_LEVEL="INFO")

    def plan() -> list[float]:
        with app.app_context():
            return planned_kw(case, efficiency)

    return plan


def planned_kw(case: Case, efficiency: float) -> list[float]:
    """Signed kW of the car; an error if the solver found no plan."""
    steps, site, ev = case["n"], case["site"], case["ev"]
    index = pd.date_range(
        "2024-01-01", periods=steps, freq=pd.Timedelta(hours=case["dt"]), tz="UTC"
    )
    load_kw = np.array(case["load"])
    connection = pd.DataFrame(
        {
            "derivative min": np.full(steps, -site["exp_max"]),
            "derivative max": np.maximum(site["imp_max"], load_kw),
        },
        index=index,
    )
    bands = [(-ev["pd"], -ev["pmin"]), (0.0, 0.0), (ev["pmin"], ev["pc"])]
    schedule, _, results, _ = device_scheduler(
        device_constraints=[car(case, index, efficiency), house(case, index)],
        ems_constraints=connection,
        commitments=commitments(case, index, efficiency),
        initial_stock=[ev["s0"] / case["dt"], 0.0],
        device_power_bands=[bands if ev["pmin"] > 0.0 else None, None],
    )
    if "optimal" not in str(results.solver.termination_condition):
        raise SystemExit(f"no plan: {results.solver.termination_condition}")
    return [float(power_kw) for power_kw in schedule[CAR]]


def car(case: Case, index: pd.DatetimeIndex, efficiency: float) -> pd.DataFrame:
    """The pack: no flow while away, trips as given changes of stock, the floor while plugged in."""
    ev, dt = case["ev"], case["dt"]
    here = np.array(ev["avail"], dtype=float)
    floor_kwh = np.where(here > 0.0, ev["smin"] - SLACK_KWH, 0.0)
    return pd.DataFrame(
        {
            "min": (floor_kwh - ev["s0"]) / dt,
            "max": (ev["smax"] - ev["s0"]) / dt,
            "equals": NO_LIMIT,
            "derivative min": -ev["pd"] * here,
            "derivative max": ev["pc"] * here,
            "derivative equals": NO_LIMIT,
            "derivative up efficiency": efficiency,
            "derivative down efficiency": efficiency,
            "stock delta": -np.array(ev["trip"]) / dt,
        },
        index=index,
    )


def house(case: Case, index: pd.DatetimeIndex) -> pd.DataFrame:
    """Load less PV, of which any part may be throttled."""
    load_kw, pv_kw = np.array(case["load"]), np.array(case["pv"])
    return pd.DataFrame(
        {
            "min": NO_LIMIT,
            "max": NO_LIMIT,
            "equals": NO_LIMIT,
            "derivative min": load_kw - pv_kw,
            "derivative max": load_kw,
            "derivative equals": NO_LIMIT,
        },
        index=index,
    )


def commitments(case: Case, index: pd.DatetimeIndex, efficiency: float) -> list[Any]:
    """The money: energy at the connection, wear, what is left at the end, missed targets."""
    ev, dt, steps = case["ev"], case["dt"], case["n"]
    last = np.zeros(steps)
    last[-1] = case["tv"] * dt
    wanted_kwh, missed = np.zeros(steps), np.zeros(steps)
    for step, kwh in ev["targets"]:
        wanted_kwh[step], missed[step] = kwh, ev["pen"] * dt
    of_car = pd.Series(CAR, index=index)
    return [
        FlowCommitment(
            name="energy",
            index=index,
            quantity=0.0,
            upwards_deviation_price=pd.Series(np.array(case["imp"]) * dt, index=index),
            downwards_deviation_price=pd.Series(np.array(case["exp"]) * dt, index=index),
        ),
        FlowCommitment(
            name="wear",
            index=index,
            quantity=0.0,
            downwards_deviation_price=-case["wear"] * dt / efficiency,
            device=of_car,
        ),
        StockCommitment(
            name="left",
            index=index,
            quantity=(ev["smax"] - ev["s0"]) / dt,
            downwards_deviation_price=pd.Series(-last, index=index),
            device=of_car,
        ),
        StockCommitment(
            name="missed",
            index=index,
            quantity=pd.Series((wanted_kwh - ev["s0"]) / dt, index=index),
            downwards_deviation_price=pd.Series(-missed, index=index),
            device=of_car,
        ),
    ]
