"""`make bench-peers`: peers and v2g-daemon on the fixed cases, into docs/benchmarks.md.

    python -m tests.benchmarks.peers [--runs 3] [--only CASE …] [--output FILE]

Each peer is installed by its name and version into an environment of its own below build/peers;
each measurement is a process of its own. A peer that cannot be installed or gives no plan stands in
the table as not run, and its reason is printed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.__main__ import FIXED, ROOT, machine_here
from tests.benchmarks.milp_plan import plain_setpoints_kw
from tests.benchmarks.peers.programs import PROGRAMS, Program
from tests.benchmarks.peers.section import Row, section, with_section
from tests.benchmarks.score_plan import BenchCase, simulate

HERE = Path(__file__).parent
ENVIRONMENTS = ROOT / "build" / "peers"
INSTALL_S, PLAN_S = 3600.0, 1800.0
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Unable:
    """Why a program was not run, in one line."""

    reason: str


def main() -> None:
    """Install, measure, write, and name the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="plans that are timed, after the first")
    parser.add_argument("--only", nargs="*", help="the names of some cases")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "benchmarks.md")
    options = parser.parse_args()
    machine = machine_here()
    pythons = {program.name: interpreter(program) for program in PROGRAMS}
    rows: dict[str, list[Row]] = {}
    for path in FIXED:
        if not options.only or path.stem in options.only:
            case = json.loads(path.read_text())
            rows[path.stem] = [
                measured(program, pythons[program.name], case, options.runs) for program in PROGRAMS
            ]
            rows[path.stem].append(plain(case))
    text = section(machine, rows, runs=options.runs)
    before = options.output.read_text(encoding="utf-8") if options.output.exists() else ""
    options.output.write_text(with_section(before, text), encoding="utf-8")
    print(f"wrote {options.output}")


def interpreter(program: Program) -> Path | Unable:
    """The Python of the program's environment, which is made where it is missing."""
    if program.requirement is None:
        return Path(sys.executable)
    folder = ENVIRONMENTS / program.folder
    python, stamp = folder / "bin" / "python", folder / f".{program.requirement}"
    if stamp.exists():
        return python
    print(f"installing: {program.requirement}", flush=True)
    for command in (
        [sys.executable, "-m", "venv", "--clear", str(folder)],
        [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
         program.requirement],
    ):  # fmt: skip
        failed = failure(command, timeout_s=INSTALL_S)
        if failed is not None:
            return told(program, f"could not be installed: {failed}")
    stamp.touch()
    return python


def failure(command: list[str], *, timeout_s: float) -> str | None:
    """The last line of complaint of a command that failed."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return None if done.returncode == 0 else last_words(done)


def last_words(done: subprocess.CompletedProcess[str]) -> str:
    return next(iter(done.stderr.strip().splitlines()[-1:]), f"status {done.returncode}")


def told(program: Program, reason: str) -> Unable:
    print(f"not run: {program.name} {reason}", flush=True)
    return Unable(reason=reason)


def measured(program: Program, python: Path | Unable, case: BenchCase, runs: int) -> Row:
    """The best of the program's plans for a case, as the plant scores it."""
    if isinstance(python, Unable):
        return Row(program=program.name)
    linear = case["ev"]["loss"] is None
    efficiencies = (case["ev"]["eta_c"],) if linear else program.efficiencies
    print(f"planning: {case['name']} with {program.name}", flush=True)
    line = answer(program, python, case, runs, efficiencies)
    if isinstance(line, Unable):
        return Row(program=program.name)
    rows = [
        Row(
            program=program.name,
            version=line["version"],
            efficiency=plan["efficiency"] if len(program.efficiencies) > 1 else None,
            cost=score.cost,
            missed_kwh=score.short,
            not_followed_kwh=score.clip,
            plan_cpu_ms=plan["cpu_ms"],
            plan_wall_ms=plan["wall_ms"],
            rss_mib=line["rss_mib"],
            import_cpu_s=line["import_cpu_s"],
        )
        for plan in line["plans"]
        for score in [simulate(case, plan["setpoints_kw"])]
    ]
    return min(rows, key=lambda row: row.cost or 0.0)


def answer(
    program: Program, python: Path, case: BenchCase, runs: int, efficiencies: tuple[float, ...]
) -> dict[str, Any] | Unable:
    """The line of `measured.py` in the program's environment."""
    command = [str(python), "-P", str(HERE / "measured.py"), str(HERE / program.adapter)]
    # A peer must not see this project: packages of the same name would take each other's place.
    path = {"PYTHONPATH": str(ROOT)} if program.requirement is None else {}
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    try:
        done = subprocess.run(
            [*command, str(runs), *map(str, efficiencies)],
            input=json.dumps(case),
            capture_output=True,
            text=True,
            timeout=PLAN_S,
            env=kept | ONE_THREAD | path,
        )
    except subprocess.TimeoutExpired:
        return told(program, f"gave no plan for {case['name']} within {PLAN_S:.0f} s")
    if done.returncode != 0:
        return told(program, f"gave no plan for {case['name']}: {last_words(done)}")
    line: dict[str, Any] = json.loads(done.stdout)
    return line


def plain(case: BenchCase) -> Row:
    """What plain charging comes to."""
    score = simulate(case, plain_setpoints_kw(case))
    return Row(
        program="plain charging",
        version="",
        cost=score.cost,
        missed_kwh=score.short,
        not_followed_kwh=score.clip,
    )


if __name__ == "__main__":
    main()
