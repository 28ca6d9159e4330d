"""`make bench`: run every measurement, one after the other, and write docs/benchmarks.md.

    python -m tests.benchmarks [--seconds 180] [--seeds 50] [--ticks 3600] [--output FILE]

Each measurement is a child process, so that none shares its memory or its warm caches. The section
of the peers, which `make bench-peers` writes, is kept.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.benchmarks.page import Machine, page
from tests.benchmarks.peers.section import section_of, with_section
from tests.benchmarks.planner_vs_milp import SEEDS
from v2g_daemon import __version__

ROOT = Path(__file__).resolve().parents[2]
FIXED = sorted((Path(__file__).parent / "cases").glob("*.json"))
ODD = "odd_case"
LONGEST_S = 600.0


def main() -> None:
    """Measure, write, and name the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=180.0, help="window of the process")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="perturbations of a case")
    parser.add_argument("--ticks", type=int, default=3600)
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "benchmarks.md")
    options = parser.parse_args()
    machine = machine_here()
    tick = _measured("tick_case", str(options.ticks))
    decide = _measured("decide_case")
    moments = [_plans()]
    matches = _measured("planner_vs_milp", "--seeds", str(options.seeds), "--json", may_fail=True)
    pairs = _measured("two_cars", "--seeds", "2", "--seconds", "40", "--json", may_fail=True)
    moments.append(_plans())
    processes = _measured("process_case", str(options.seconds))
    ocpp = _measured("ocpp_case")
    meter = _measured("meter_case")
    moments.append(_plans())
    text = page(
        machine,
        tick=tick,
        decide=decide,
        processes=processes,
        cases={
            path.stem: _middle([one[path.stem] for one in moments], "median_ms") for path in FIXED
        },
        matches=matches["matches"],
        pairs=pairs["matches"],
        ocpp=ocpp,
        meter=meter,
        odd=_middle([one[ODD] for one in moments], "slowest_ms"),
    )
    before = options.output.read_text(encoding="utf-8") if options.output.exists() else ""
    options.output.write_text(with_section(text, section_of(before)), encoding="utf-8")
    print(f"wrote {options.output}")


def _plans() -> dict[str, dict[str, Any]]:
    """What is over in a second and at the mercy of that second: measured at three moments."""
    return {path.stem: _measured("plan_case", str(path)) for path in FIXED} | {ODD: _measured(ODD)}


def _middle(moments: list[dict[str, Any]], figure: str) -> dict[str, Any]:
    """The moment whose figure is in the middle, and how far the others lie apart."""
    by_figure = sorted(moments, key=lambda one: float(one[figure]))
    lowest, highest = by_figure[0][figure], by_figure[-1][figure]
    return {**by_figure[len(by_figure) // 2], "lowest_ms": lowest, "highest_ms": highest}


def _measured(name: str, *arguments: str, may_fail: bool = False) -> dict[str, Any]:
    """The JSON line of one measurement; `may_fail`: its exit status is a verdict, not an error."""
    print(f"measuring: {name} {' '.join(Path(one).name for one in arguments)}", flush=True)
    done = subprocess.run(
        [sys.executable, "-m", f"tests.benchmarks.{name}", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        timeout=LONGEST_S,
        check=not may_fail,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def machine_here() -> Machine:
    memory = re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())
    return Machine(
        system=f"{platform.system()} {platform.release()}, {platform.machine()}",
        processor=_processor(),
        cores=os.cpu_count() or 1,
        memory_gib=int(memory[1]) / 2**20 if memory else 0.0,
        python=platform.python_version(),
        version=__version__,
        load_average=os.getloadavg()[0],
        date=datetime.now(UTC).date().isoformat(),
    )


def _processor() -> str:
    """The name on x86 and on a Pi; the architecture where the kernel tells none."""
    names = re.search(
        r"^(?:model name|Model)\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE
    )
    return names[1] if names else platform.machine()


if __name__ == "__main__":
    main()
