"""Plan one fixed case with the daemon's own programme and time it.

    python tests/benchmarks/plan_case.py CASE.json [RUNS]

Prints one JSON line {"setpoints_kw", "median_ms", "p95_ms", "rss_mb"}. The case format stands in
score_plan.py; `final` is not scored and not planned for.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from pathlib import Path

for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

import numpy as np  # noqa: E402 - the thread count is read at import

from tests.benchmarks.score_plan import BenchCase  # noqa: E402
from v2g_daemon.domain.loss import LossCurve  # noqa: E402
from v2g_daemon.planning.case import Case, Horizon, Pack, Terms, sure  # noqa: E402
from v2g_daemon.planning.depth import optimise  # noqa: E402

RUNS = 30
LARGEST_BLOCK_BYTES = 16 * 2**20


def case_of(bench: BenchCase) -> Case:
    """A fixed case in the planner's terms."""
    return Case(horizon=_horizon(bench), pack=_pack(bench["ev"]), terms=_terms(bench))


def _horizon(bench: BenchCase) -> Horizon:
    ev, steps = bench["ev"], bench["n"]
    target_wh = np.full(steps, np.nan)
    for step, kwh in ev["targets"]:
        target_wh[step] = kwh * 1000.0
    return Horizon(
        hours=np.full(steps, bench["dt"]),
        import_per_kwh=np.array(bench["imp"]),
        export_per_kwh=np.array(bench["exp"]),
        scenarios_w=(np.array(bench["load"]) - np.array(bench["pv"]))[None, None, :] * 1000.0,
        presence=sure(
            np.array(ev["avail"], dtype=np.bool_), np.array(ev["trip"]) * 1000.0, target_wh
        ),
        ceiling_wh=np.full(steps, ev["smax"] * 1000.0),
        export_day=np.arange(steps) // round(24 / bench["dt"]),
    )


def _pack(ev: BenchCase) -> Pack:
    charge_loss, discharge_loss = _losses(ev)
    return Pack(
        start_wh=ev["s0"] * 1000.0,
        floor_wh=ev["smin"] * 1000.0,
        capacity_wh=ev["cap"] * 1000.0,
        taper_above_wh=ev["cap"] * 1000.0,
        max_charge_w=ev["pc"] * 1000.0,
        max_discharge_w=ev["pd"] * 1000.0,
        min_charge_w=ev["pmin"] * 1000.0,
        min_discharge_w=ev["pmin"] * 1000.0,
        charge_loss=charge_loss,
        discharge_loss=discharge_loss,
    )


def _losses(ev: BenchCase) -> tuple[LossCurve, LossCurve]:
    if ev["loss"] is None:
        charge, discharge = 1.0 - ev["eta_c"], 1.0 / ev["eta_d"] - 1.0
        return (
            LossCurve(constant_w=0.0, linear=charge, quadratic_per_w=0.0),
            LossCurve(constant_w=0.0, linear=discharge, quadratic_per_w=0.0),
        )
    a, b, c = ev["loss"]
    curve = LossCurve(constant_w=a * 1000.0, linear=b, quadratic_per_w=c / 1000.0)
    return curve, curve


def _terms(bench: BenchCase) -> Terms:
    return Terms(
        import_limit_w=bench["site"]["imp_max"] * 1000.0,
        export_limit_w=bench["site"]["exp_max"] * 1000.0,
        may_export=True,
        throttled_above_w=bench["site"]["exp_max"] * 1000.0,
        wear_per_kwh=bench["wear"],
        margin_per_kwh=0.0,
        unmet_per_kwh=bench["ev"]["pen"],
        unmet_later_per_kwh=bench["ev"]["pen"],
        terminal_per_kwh=bench["tv"],
        daily_export_wh=bench["daycap"] * 1000.0 if bench["daycap"] > 0 else float("inf"),
        exported_today_wh=0.0,
    )


def planned_kw(bench: BenchCase) -> list[float]:
    """The planner's setpoints for a fixed case."""
    return [float(power_w) / 1000.0 for power_w in optimise(case_of(bench)).path.power_w]


def keep_memory() -> None:
    """Let the allocator keep what is freed: glibc does up to twice the largest block so far.

    A process that lives on, as a rehearsal's does, comes to that by itself. One that does nothing
    but plan gives its pages back after each plan, and a seventh of the next goes into asking for
    them again.
    """
    np.empty(LARGEST_BLOCK_BYTES, dtype=np.uint8)


def main(name: str, runs: int) -> None:
    """Plan the case `runs` times and print the line."""
    keep_memory()
    bench = json.loads(Path(name).read_text())
    setpoints_kw = planned_kw(bench)
    times_ms = []
    for _ in range(runs):
        started_s = time.perf_counter()
        planned_kw(bench)
        times_ms.append((time.perf_counter() - started_s) * 1000.0)
    line = {
        "setpoints_kw": [round(power_kw, 6) for power_kw in setpoints_kw],
        "median_ms": round(float(np.median(times_ms)), 2),
        "p95_ms": round(float(np.percentile(times_ms, 95)), 2),
        "rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0, 1),
    }
    print(json.dumps(line))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else RUNS)
