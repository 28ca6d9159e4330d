"""The peers' section of docs/benchmarks.md, from measured rows; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.benchmarks.page import Machine, machine_table
from tests.benchmarks.peers.programs import PROGRAMS

HEADING = "## Peers side by side"

METHOD = """\
Written by `make bench-peers`. Each program plans the fixed cases of `tests/benchmarks/cases` in a
process and an environment of its own, numeric libraries on one thread (the solver of FlexMeasures
takes two), and `tests/benchmarks/score_plan.py` replays every plan in the same plant: a charger
with a least power and a loss curve, trips, an export limit.
The two last cases were cut from real years by `tests/benchmarks/cut_cases.py`. *Cost* is energy
and wear, 2 for each kWh missed at a departure, less the worth of what is left in the pack; lower is
better. *Not followed* is what the charger could not do of the plan. *Time* is the median of {runs}
plans after a first one, from the case to the setpoints, in CPU time of the process (a busy
machine stretches the clock's, which stands in brackets). *Memory* is the highest the kernel
saw. *Import* is CPU time until the program can be called. Three plans after a first are too few
to be compared with the medians of 30 above. A program that knows only one efficiency is tried
with several in place of the loss curve; the plan that turned out best counts, which favours it.
So does that nobody pays for passing the daily export depth of `real48h_15m`, which we keep. A
plan is made once and followed blindly; who plans again on the way loses less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One program on one case; without a cost it was not run."""

    program: str
    version: str | None = None
    efficiency: float | None = None
    cost: float | None = None
    missed_kwh: float = 0.0
    not_followed_kwh: float = 0.0
    plan_cpu_ms: float | None = None
    plan_wall_ms: float | None = None
    rss_mib: float | None = None
    import_cpu_s: float | None = None


def section(machine: Machine, rows: Mapping[str, Sequence[Row]], *, runs: int) -> str:
    """Heading, method, one table per case, and what each program cannot be told."""
    parts = [HEADING, METHOD.format(runs=runs), machine_table(machine)]
    for name, found in rows.items():
        parts += [f"### {name}", _table(found)]
    parts += ["### What was asked of each", _asked()]
    return "\n\n".join(parts) + "\n"


def section_of(page: str) -> str:
    """The section as it stands at the end of the page; empty where there is none."""
    _, heading, rest = page.partition(HEADING)
    return heading + rest


def with_section(page: str, text: str) -> str:
    """The page with this section at its end, in place of the one it had."""
    parts = [page.partition(HEADING)[0].rstrip("\n"), text.rstrip("\n")]
    return "\n\n".join(part for part in parts if part) + "\n"


def _table(rows: Sequence[Row]) -> str:
    head = ("program", "efficiency", "cost", "missed kWh", "not followed kWh", "time", "memory")
    lines = [_line((*head, "import")), _line(["---"] * (len(head) + 1))]
    return "\n".join([*lines, *(_line(_cells(row)) for row in rows)])


def _cells(row: Row) -> list[str]:
    if row.cost is None:
        return [row.program, "", "not run", "", "", "", "", ""]
    figures = [
        f"{row.program} {row.version}".strip(),
        "" if row.efficiency is None else f"{row.efficiency:g}",
        f"{row.cost:.3f}",
        f"{row.missed_kwh:.2f}",
        f"{row.not_followed_kwh:.2f}",
    ]
    if row.plan_cpu_ms is None or row.rss_mib is None:
        return [*figures, "", "", ""]
    return [
        *figures,
        f"{row.plan_cpu_ms:.0f} ms ({row.plan_wall_ms:.0f})",
        f"{row.rss_mib:.0f} MiB",
        f"{row.import_cpu_s:.2f} s",
    ]


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _asked() -> str:
    lines = ["| program | how it is driven | what it cannot be told |", "| --- | --- | --- |"]
    for program in PROGRAMS:
        lines.append(_line((program.name, program.driven, program.cannot)))
    return "\n".join(lines)
