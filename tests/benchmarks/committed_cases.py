"""The fixed cases under a commitment: the energy that the planner holds against the MILP's.

    python -m tests.benchmarks.committed_cases

Prints a line for each case and price of a shortfall. The yardstick is the gain over plain charging,
shortfalls included, as in planner_vs_milp.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from tests.benchmarks.four_ways import START_UTC, FourWays, steps_of
from tests.benchmarks.milp_plan import milp_setpoints_kw, plain_setpoints_kw
from tests.benchmarks.plan_case import case_of
from tests.benchmarks.planner_vs_milp import fixed_cases
from tests.benchmarks.score_plan import BenchCase, pack_kw, simulate
from v2g_daemon.domain.interval import Interval
from v2g_daemon.domain.programs import Commitment
from v2g_daemon.planning.depth import optimise
from v2g_daemon.planning.programs import reserves

WINDOWS = ((24, 40), (112, 128))
PRICES_PER_KWH = (0.1, 0.5, 5.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Match(FourWays):
    """Money with what the shortfalls cost, and that alone."""

    milp_shortfall: float
    planner_shortfall: float


def committed(bench: BenchCase, *, power_kw: float, per_kwh: float) -> BenchCase:
    """The case with a commitment, and without the daily depth: that is another matter."""
    commitment = {"windows": WINDOWS, "kw": power_kw, "per_kwh": per_kwh}
    return bench | {"commitment": commitment, "daycap": 0}


def matched(bench: BenchCase) -> Match | None:
    """Plan one case and score it; None if the MILP found nothing in its time."""
    ours_kw, theirs_kw = _powers_kw(bench, aware=True), milp_setpoints_kw(bench)
    if theirs_kw is None:
        return None
    return Match(
        plain=_cost(bench, plain_setpoints_kw(bench)),
        unaware=_cost(bench, _powers_kw(bench, aware=False)),
        milp=_cost(bench, theirs_kw),
        planner=_cost(bench, ours_kw),
        milp_shortfall=_shortfall(bench, theirs_kw),
        planner_shortfall=_shortfall(bench, ours_kw),
        missed_kwh=simulate(bench, ours_kw).short,
    )


def _powers_kw(bench: BenchCase, *, aware: bool) -> list[float]:
    case = case_of(bench)
    if aware:
        case = replace(case, held=tuple(reserves(_commitments(bench), case, steps_of(bench))))
    return [float(power_w) / 1000.0 for power_w in optimise(case).path.power_w]


def _commitments(bench: BenchCase) -> list[Commitment]:
    commitment, step = bench["commitment"], timedelta(hours=bench["dt"])
    return [
        Commitment(
            name="reserve",
            interval=Interval(
                start_utc=START_UTC + first * step,
                end_utc=START_UTC + end * step,
            ),
            discharge_w=commitment["kw"] * 1000.0,
            sustained_s=None,
            shortfall_per_kwh=commitment["per_kwh"],
        )
        for first, end in commitment["windows"]
    ]


def _shortfall(bench: BenchCase, setpoints_kw: list[float]) -> float:
    """What the energy at the start of each step cannot sustain, at its price."""
    ev, commitment, money = bench["ev"], bench["commitment"], 0.0
    begins_kwh = [ev["s0"], *simulate(bench, setpoints_kw).soc_kwh[:-1]]
    for first, end in commitment["windows"]:
        for step in range(first, end):
            span_kwh = -pack_kw(-commitment["kw"], ev) * (end - step) * bench["dt"]
            missing = (ev["smin"] + span_kwh - begins_kwh[step]) / span_kwh
            share = min(max(missing, 0.0), 1.0) * ev["avail"][step]
            money += share * commitment["kw"] * bench["dt"] * commitment["per_kwh"]
    return money


def _cost(bench: BenchCase, setpoints_kw: list[float]) -> float:
    return simulate(bench, setpoints_kw).cost + _shortfall(bench, setpoints_kw)


def main() -> None:
    """All cases under all prices."""
    for bench in fixed_cases():
        for per_kwh in PRICES_PER_KWH:
            match = matched(committed(bench, power_kw=4.0, per_kwh=per_kwh))
            if match is None:
                print(f"{bench['name']:18}{per_kwh:>6g}  no answer of the MILP")
                continue
            print(
                f"{bench['name']:18}{per_kwh:>6g}{match.plain:>9.3f}"
                f"{match.unaware:>9.3f}{match.planner:>9.3f}{match.milp:>9.3f}"
                f"{match.planner_shortfall:>8.3f}{match.milp_shortfall:>8.3f}"
                f"{100.0 * match.worse_share:>8.3f} %{match.missed_kwh:>7.3f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
