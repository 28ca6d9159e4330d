"""Plan or refuse every odd problem of tests/unit/planning/odd_problems.py and time the answers.

    python -m tests.benchmarks.odd_case [RUNS]

Prints one JSON line: how many, and the slowest median with its problem, in milliseconds.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from contextlib import suppress
from copy import deepcopy

for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

from tests.unit.planning.odd_problems import ODD, REFUSED  # noqa: E402 - numpy reads the count once
from v2g_daemon.domain.errors import ProblemRefused  # noqa: E402
from v2g_daemon.domain.plan import PlanProblem  # noqa: E402
from v2g_daemon.planning.plan import solve  # noqa: E402

RUNS = 5


def answer_ms(problem: PlanProblem) -> float:
    """How long the planner takes to say what it says to a problem that it has never seen."""
    unseen = deepcopy(problem)
    started_s = time.perf_counter()
    with suppress(ProblemRefused):
        solve(unseen)
    return (time.perf_counter() - started_s) * 1000.0


def main(runs: int) -> None:
    """Ask everything `runs` times and print the line."""
    asked = ODD | REFUSED
    medians_ms = {
        name: statistics.median(answer_ms(problem) for _ in range(runs))
        for name, problem in asked.items()
    }
    slowest = max(medians_ms, key=lambda name: medians_ms[name])
    line = {
        "planned": len(ODD),
        "refused": len(REFUSED),
        "slowest": slowest,
        "slowest_ms": round(medians_ms[slowest], 1),
    }
    print(json.dumps(line))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else RUNS)
