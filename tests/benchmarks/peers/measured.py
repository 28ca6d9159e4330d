"""One program on one case, in that program's own environment; imports nothing of this project.

    python -P measured.py ADAPTER.py RUNS EFFICIENCY… < CASE.json

An adapter has `VERSION` and `planner(case, efficiency)`, which returns a function that makes a plan
from nothing but the case: signed kW per step. One plan warms up; RUNS with each efficiency are
timed. Prints one JSON line; whatever the program itself prints goes to stderr.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Took:
    """CPU seconds of this process in all its threads, and seconds by the clock."""

    cpu_s: float
    wall_s: float


def timed(work: Callable[[], T]) -> tuple[T, Took]:
    """What the work returns, and what it took."""
    cpu_s, wall_s = time.process_time(), time.perf_counter()
    found = work()
    took = Took(cpu_s=time.process_time() - cpu_s, wall_s=time.perf_counter() - wall_s)
    return found, took


def main(adapter: Path, runs: int, efficiencies: list[float]) -> dict[str, object]:
    """The plans, and what they took."""
    case = json.load(sys.stdin)
    program, imported = timed(lambda: loaded(adapter))
    program.planner(case, efficiencies[0])()
    return {
        "version": program.VERSION,
        "import_cpu_s": round(imported.cpu_s, 3),
        "plans": [
            planned(program.planner(case, efficiency), runs) | {"efficiency": efficiency}
            for efficiency in efficiencies
        ],
        "rss_mib": round(highest_rss_mib(), 1),
    }


def planned(plan: Callable[[], list[float]], runs: int) -> dict[str, object]:
    """The plan, and the median of what it took each time."""
    plans = [timed(plan) for _ in range(runs)]
    return {
        "setpoints_kw": [round(float(power_kw), 6) for power_kw in plans[-1][0]],
        "cpu_ms": round(statistics.median(took.cpu_s for _, took in plans) * 1000.0, 1),
        "wall_ms": round(statistics.median(took.wall_s for _, took in plans) * 1000.0, 1),
    }


def loaded(adapter: Path) -> ModuleType:
    """The adapter as a module, with all that it imports."""
    spec = importlib.util.spec_from_file_location(adapter.stem, adapter)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{adapter}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def highest_rss_mib() -> float:
    """The kernel's high-water mark of this very process (getrusage keeps the parent's)."""
    held = re.search(r"^VmHWM:\s+(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
    return int(held[1]) / 1024.0 if held else 0.0


if __name__ == "__main__":
    answers = os.dup(1)
    os.dup2(2, 1)
    line = main(Path(sys.argv[1]), int(sys.argv[2]), [float(one) for one in sys.argv[3:]])
    os.write(answers, (json.dumps(line) + "\n").encode())
