"""The fixed cases under a demand charge: the planner's caps against the mixed-integer programme.

    python -m tests.benchmarks.demand_cases

Prints a line for each case, rate and peak billed already. The yardstick is the gain over plain
charging, the demand charge included, as in planner_vs_milp.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.benchmarks.four_ways import FourWays, steps_of
from tests.benchmarks.milp_plan import milp_setpoints_kw, plain_setpoints_kw
from tests.benchmarks.plan_case import case_of
from tests.benchmarks.planner_vs_milp import fixed_cases
from tests.benchmarks.score_plan import BenchCase, simulate
from v2g_daemon.domain.prices import PeakCharge
from v2g_daemon.planning.depth import optimise
from v2g_daemon.planning.peaks import capped

# Money per kW of a month's peak, and the kW that are billed already.
DEMANDS = ((1.0, 0.0), (10.0, 0.0), (10.0, 4.0), (25.0, 2.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Match(FourWays):
    """Money with the demand charge; the peaks in kW."""

    milp_peak_kw: float
    planner_peak_kw: float


def under_demand(bench: BenchCase, *, per_kw: float, billed_kw: float) -> BenchCase:
    """The case with a demand charge, and without the daily depth: that is another matter."""
    return bench | {"demand": {"per_kw": per_kw, "billed_kw": billed_kw}, "daycap": 0}


def matched(bench: BenchCase) -> Match | None:
    """Plan one case and score it; None if the MILP found nothing in its time."""
    ours_kw, theirs_kw = planned_kw(bench), milp_setpoints_kw(bench)
    if theirs_kw is None:
        return None
    unaware_kw = _powers_kw(bench, aware=False)
    return Match(
        plain=_cost(bench, plain_setpoints_kw(bench)),
        unaware=_cost(bench, unaware_kw),
        milp=_cost(bench, theirs_kw),
        planner=_cost(bench, ours_kw),
        milp_peak_kw=_peak_kw(bench, theirs_kw),
        planner_peak_kw=_peak_kw(bench, ours_kw),
        missed_kwh=simulate(bench, ours_kw).short,
    )


def planned_kw(bench: BenchCase) -> list[float]:
    """The planner's setpoints under the demand charge of the case."""
    return _powers_kw(bench, aware=True)


def _powers_kw(bench: BenchCase, *, aware: bool) -> list[float]:
    case = case_of(bench)
    if aware:
        demand = bench["demand"]
        charge = PeakCharge(
            name="demand",
            per_kw=demand["per_kw"],
            billed_w=demand["billed_kw"] * 1000.0,
            windows=None,
        )
        case = capped(case, (charge,), steps_of(bench))
    return [float(power_w) / 1000.0 for power_w in optimise(case).path.power_w]


def _peak_kw(bench: BenchCase, setpoints_kw: list[float]) -> float:
    flows = zip(bench["load"], bench["pv"], setpoints_kw, strict=True)
    return float(max(load_kw - pv_kw + power_kw for load_kw, pv_kw, power_kw in flows))


def _cost(bench: BenchCase, setpoints_kw: list[float]) -> float:
    demand = bench["demand"]
    over_kw = max(_peak_kw(bench, setpoints_kw) - demand["billed_kw"], 0.0)
    return float(simulate(bench, setpoints_kw).cost + demand["per_kw"] * over_kw)


def main() -> None:
    """All cases under all demands."""
    for bench in fixed_cases():
        for per_kw, billed_kw in DEMANDS:
            match = matched(under_demand(bench, per_kw=per_kw, billed_kw=billed_kw))
            if match is None:
                print(f"{bench['name']:18}{per_kw:>5g}{billed_kw:>4g}  no answer of the MILP")
                continue
            print(
                f"{bench['name']:18}{per_kw:>5g}{billed_kw:>4g}{match.plain:>9.3f}"
                f"{match.unaware:>9.3f}{match.planner:>9.3f}{match.milp:>9.3f}"
                f"{match.planner_peak_kw:>7.2f}{match.milp_peak_kw:>7.2f}"
                f"{100.0 * match.worse_share:>8.3f} %{match.missed_kwh:>7.3f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
