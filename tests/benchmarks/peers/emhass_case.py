"""EMHASS on a fixed case: its Optimization class, as its day-ahead run uses it, with HiGHS.

The car is its battery. Its batteries know no absence, so there is one run per stay from plug-in to
departure, each with the SoC wanted at its end (the floor where none is) and what is above it paid
at the case's worth of energy. Problems are kept between plans, as its server keeps them.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd
from emhass.optimization import Optimization

VERSION = version("emhass")
BOUGHT, SOLD = "unit_load_cost", "unit_prod_price"
GAP = 1e-4

Case = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """Steps [first, end) plugged in; `wanted_kwh` at the end of it."""

    first: int
    end: int
    wanted_kwh: float


def planner(case: Case, efficiency: float) -> Callable[[], list[float]]:
    """Plans the case with one efficiency per direction."""
    kept = {stay: optimisation(case, stay, efficiency) for stay in stays(case)}

    def plan() -> list[float]:
        power_kw, energy_kwh = np.zeros(case["n"]), case["ev"]["s0"]
        gone = 0
        for stay, problem in kept.items():
            energy_kwh -= sum(case["ev"]["trip"][gone : stay.first])
            found = solved(case, stay, problem, energy_kwh)
            power_kw[stay.first : stay.end] = -found["P_batt"].to_numpy() / 1000.0
            energy_kwh = float(found["SOC_opt"].iloc[-1]) * case["ev"]["cap"]
            gone = stay.first
        return [float(one) for one in power_kw]

    return plan


def stays(case: Case) -> Iterator[Stay]:
    """The stays, and what is wanted at their ends."""
    ev, steps = case["ev"], case["n"]
    wanted_kwh = {int(step): float(kwh) for step, kwh in ev["targets"]}
    here = [False, *map(bool, ev["avail"]), False]
    firsts = [step for step in range(steps) if here[step + 1] and not here[step]]
    ends = [step for step in range(1, steps + 1) if here[step] and not here[step + 1]]
    for first, end in zip(firsts, ends, strict=True):
        most = max(wanted_kwh.get(step, ev["smin"]) for step in range(first, end))
        yield Stay(first=first, end=end, wanted_kwh=most)


def optimisation(case: Case, stay: Stay, efficiency: float) -> Optimization:
    """The problem of one stay; energies in Wh, powers in W, limits as EMHASS means them."""
    ev, site = case["ev"], case["site"]
    last_price = case["imp"][stay.end - 1]
    settings = json.loads((files("emhass") / "data" / "config_defaults.json").read_text())
    settings |= {
        "optimization_time_step": pd.Timedelta(hours=case["dt"]),
        "time_zone": "UTC",
        "delta_forecast_daily": pd.Timedelta(hours=case["dt"] * (stay.end - stay.first)),
        "number_of_deferrable_loads": 0,
        "lp_solver": "Highs",
        "lp_solver_mip_rel_gap": GAP,
        "num_threads": 1,
        "set_use_pv": True,
        "compute_curtailment": True,
        "maximum_power_from_grid": site["imp_max"] * 1000.0,
        "maximum_power_to_grid": site["exp_max"] * 1000.0,
        "set_use_battery": True,
        "set_nodischarge_to_grid": False,
        "weight_battery_discharge": case["wear"] / efficiency,
        # Its limits are those of the pack: at the plug they are a loss larger, or smaller.
        "battery_discharge_power_max": ev["pd"] * 1000.0 / efficiency,
        "battery_charge_power_max": ev["pc"] * 1000.0 * efficiency,
        "battery_discharge_efficiency": efficiency,
        "battery_charge_efficiency": efficiency,
        "battery_nominal_energy_capacity": ev["cap"] * 1000.0,
        "battery_minimum_state_of_charge": ev["smin"] / ev["cap"],
        "battery_maximum_state_of_charge": ev["smax"] / ev["cap"],
        "battery_target_state_of_charge": ev["smin"] / ev["cap"],
        # The reward is told as a multiple of the last price of the horizon.
        "battery_soc_final_reward_factor": max(case["tv"] / last_price, 0.0),
    }
    return Optimization(
        settings,
        settings,
        settings,
        BOUGHT,
        SOLD,
        "profit",
        {},
        logging.getLogger("emhass"),
        num_timesteps=stay.end - stay.first,
    )


def solved(case: Case, stay: Stay, problem: Optimization, start_kwh: float) -> pd.DataFrame:
    """The plan of one stay; an error if there is none."""
    window = slice(stay.first, stay.end)
    index = pd.date_range(
        "2024-01-01", periods=stay.end - stay.first, freq=pd.Timedelta(hours=case["dt"]), tz="UTC"
    )
    prices = pd.DataFrame({BOUGHT: case["imp"][window], SOLD: case["exp"][window]}, index=index)
    capacity_kwh = case["ev"]["cap"]
    found = problem.perform_dayahead_forecast_optim(
        prices,
        pd.Series(np.array(case["pv"][window]) * 1000.0, index=index),
        pd.Series(np.array(case["load"][window]) * 1000.0, index=index),
        soc_init=max(start_kwh, 0.0) / capacity_kwh,
        soc_final=stay.wanted_kwh / capacity_kwh,
    )
    if "P_batt" not in found:
        raise SystemExit(f"no plan: {problem.optim_status}")
    return found
