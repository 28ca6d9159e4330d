"""Does readiness hold what it says: over rehearsed years, the chance told against what came.

    python -m tests.benchmarks.readiness [--days 365] [YEAR ...]

Nothing is told of departures (knowledge b). Of each stay before a known trip, the chance by its
first plan, as the car is plugged in, and what was missing when it left. One line of JSON a year.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, replace
from itertools import pairwise

from tests.benchmarks.rehearsed_years import NAMES, job_of
from v2g_daemon.domain.goals import UNMET_LATER_PER_KWH
from v2g_daemon.domain.plan import Plan, PlanProblem
from v2g_daemon.planning.covering import UNNOTICED_WH
from v2g_daemon.planning.plan import solve
from v2g_daemon.rehearsal.days import Days
from v2g_daemon.rehearsal.job import Job, Ran, run
from v2g_daemon.rehearsal.knowledge import Knowledge
from v2g_daemon.rehearsal.strategies import Strategy

LEARNING_STAYS = 10
BANDS = (0.0, 0.9, 0.98, 1.01)  # red, amber, green


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The chance that was told of a trip, and whether it found what it needed."""

    covered_share: float
    covered: bool


def told_in(name: str, *, days: int) -> list[Told]:
    """The stays of a year's first days, once some have been seen."""
    job = job_of(name, Knowledge.LEARNED, strategy=Strategy.V2G, unmet_later=UNMET_LATER_PER_KWH)
    job = replace(job, days=first_of(job.days, days))
    first: dict[int, float] = {}

    def planner(problem: PlanProblem) -> Plan:
        plan = solve(problem)
        if plan.covered_share is not None:
            first[job.days.slot_at(problem.start_utc)] = plan.covered_share
        return plan

    ran = run(job, planner=planner, foresight=lambda job: (), progress=lambda slots: None)
    return _matched(job, ran, first)[LEARNING_STAYS:]


def first_of(days: Days, count: int) -> Days:
    """The first days, without a stay that reaches beyond."""
    end = min(count * 96, days.count)
    return replace(
        days,
        load_w=days.load_w[:end],
        pv_w=days.pv_w[:end],
        import_per_kwh=days.import_per_kwh[:end],
        export_per_kwh=days.export_per_kwh[:end],
        stays=tuple(stay for stay in days.stays if stay.end < end),
    )


def _matched(job: Job, ran: Ran, told: dict[int, float]) -> list[Told]:
    missing_wh = dict(zip(ran.departure_slots, ran.missing_wh, strict=True))
    found: list[Told] = []
    for stay in job.days.stays:
        chances = [share for slot, share in told.items() if stay.first <= slot < stay.end]
        if chances and stay.target_wh is not None:
            missed = missing_wh[stay.end - 1]
            found.append(Told(covered_share=chances[0], covered=missed <= UNNOTICED_WH))
    return found


def figures(name: str, told: list[Told]) -> dict[str, object]:
    """What was told and what came, in points, together and by band."""
    if not told:
        return {"year": name, "stays": 0}
    bands = [
        [one for one in told if low <= one.covered_share < high] for low, high in pairwise(BANDS)
    ]
    return {
        "year": name,
        **_pair(told),
        "bands": {
            f"from {low:g}": _pair(band) for low, band in zip(BANDS, bands, strict=False) if band
        },
    }


def _pair(told: list[Told]) -> dict[str, float]:
    said = 100.0 * sum(one.covered_share for one in told) / len(told)
    came = 100.0 * sum(one.covered for one in told) / len(told)
    return {
        "stays": len(told),
        "told_percent": round(said, 2),
        "came_percent": round(came, 2),
        "apart_points": round(said - came, 2),
    }


def main() -> None:
    """Run the years one after another."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("years", nargs="*", default=list(NAMES))
    parser.add_argument("--days", type=int, default=366)
    options = parser.parse_args()
    for name in options.years:
        print(json.dumps(figures(name, told_in(name, days=options.days))), flush=True)


if __name__ == "__main__":
    main()
