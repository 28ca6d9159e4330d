"""`decide` alone, on a normal V2G moment with a plan of 48 hours: one line of JSON.

python tests/benchmarks/decide_case.py [TICKS]
"""

from __future__ import annotations

import gc
import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from statistics import median, quantiles

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.builders import (
    LOSSY,
    NOW,
    a_goal,
    a_meter,
    a_plan,
    a_policy,
    a_price_curve,
    a_snapshot,
    an_evse,
    an_evse_status,
    goals,
)
from v2g_daemon.control.decide import decide
from v2g_daemon.domain.memory import Memory
from v2g_daemon.domain.snapshot import Snapshot

WARM_UP_TICKS = 200
TICKS = 3000


def moments(count: int) -> list[Snapshot]:
    """Seconds of an evening: the car sells, the house's load wanders."""
    plan, prices = a_plan(0.1), a_price_curve([0.40] * 48)
    quiet = a_snapshot(plans=(plan,), prices=prices, goals=goals(a_goal(14.0, 0.6)))
    found = []
    for second in range(count):
        now = NOW.later(float(second))
        meter = replace(a_meter(-3500.0 + 37.0 * (second % 11)), observed_at=now)
        status = an_evse_status(
            power_w=-4000.0, power_observed_at=now, soc_observed_at=now, registers_observed_at=now
        )
        recording = replace(quiet.recording, last_durable_at=now)
        found.append(replace(quiet, now=now, meter=meter, evses=(status,), recording=recording))
    return found


def measure(ticks: int) -> dict[str, float]:
    """Median and 99th percentile of one call, in microseconds."""
    policy = a_policy(evses=(an_evse(loss=LOSSY),))
    memory = Memory(meter_good_since=NOW.later(-60.0))
    taken_us: list[float] = []
    snapshots = moments(WARM_UP_TICKS + ticks)
    gc.collect()
    for index, snapshot in enumerate(snapshots):
        began_ns = time.perf_counter_ns()
        memory, decision = decide(memory, snapshot, policy)
        if index >= WARM_UP_TICKS:
            taken_us.append((time.perf_counter_ns() - began_ns) / 1000.0)
        if decision.evses[0].desire.rule != "plan_discharge":
            raise SystemExit(f"not the moment meant: {decision.evses[0].desire}")
    return {
        "median_us": round(median(taken_us), 1),
        "p99_us": round(quantiles(taken_us, n=100)[98], 1),
    }


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]) if len(sys.argv) > 1 else TICKS)))
