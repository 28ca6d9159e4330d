"""The planner against a mixed-integer programme, on the fixed cases and seeded perturbations.

    python -m tests.benchmarks.planner_vs_milp [--seeds 70] [--json]

Even seeds scale prices, load and PV by one factor each; odd seeds draw a factor for every step.
Both plans are replayed by score_plan.simulate. The yardstick is the gain over plain charging: the
planner may be worse than the MILP by at most 0.4 % of it, and by 0.2 % where the charger is linear,
with no missed kWh that the MILP makes. Of so much sun that the solver needs minutes there are no
perturbations.
"""

from __future__ import annotations

import argparse
import copy
import json
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from tests.benchmarks.milp_plan import milp_setpoints_kw, plain_setpoints_kw
from tests.benchmarks.plan_case import planned_kw
from tests.benchmarks.score_plan import BenchCase, simulate

CASES = Path(__file__).parent / "cases"
SEEDS = 70
ONCE = {"sunny48h_15m"}
ALLOWED_SHARE, ALLOWED_SHARE_LINEAR = 0.004, 0.002


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """One case, three plans; money, kWh and milliseconds."""

    case: str
    linear: bool
    seed: int | None
    plain: float
    milp: float
    planner: float
    worse_share: float
    missed_kwh: float
    milp_missed_kwh: float
    daycap_over: float
    planner_ms: float
    milp_ms: float

    @property
    def passed(self) -> bool:
        """Within the allowed share, nothing missed that can be met, the depth kept."""
        missed_more = self.missed_kwh > self.milp_missed_kwh + 1e-6
        allowed = ALLOWED_SHARE_LINEAR if self.linear else ALLOWED_SHARE
        return self.worse_share <= allowed and not missed_more and self.daycap_over <= 1e-6


def fixed_cases() -> list[BenchCase]:
    """The fixed cases."""
    return [json.loads(path.read_text()) for path in sorted(CASES.glob("*.json"))]


def perturbed(bench: BenchCase, seed: int) -> BenchCase:
    """The case with prices x U(0.8, 1.2), load and PV x U(0.7, 1.3), start +-6, targets +-4 kWh."""
    rng = np.random.default_rng(seed)
    size = None if seed % 2 == 0 else bench["n"]
    case = copy.deepcopy(bench)
    price = rng.uniform(0.8, 1.2, size)
    case["imp"] = (np.array(bench["imp"]) * price).tolist()
    case["exp"] = (np.array(bench["exp"]) * price).tolist()
    case["load"] = (np.array(bench["load"]) * rng.uniform(0.7, 1.3, size)).tolist()
    case["pv"] = (np.array(bench["pv"]) * rng.uniform(0.7, 1.3, size)).tolist()
    ev = case["ev"]
    ev["s0"] = float(np.clip(ev["s0"] + rng.uniform(-6.0, 6.0), 0.0, ev["smax"]))
    shift_kwh = rng.uniform(-4.0, 4.0, len(ev["targets"]))
    ev["targets"] = [
        [step, kwh + float(by)] for (step, kwh), by in zip(ev["targets"], shift_kwh, strict=True)
    ]
    return case


def matched(bench: BenchCase, seed: int | None) -> Match | None:
    """Plan one case three ways and score them; None if the MILP found nothing in its time."""
    started_s = time.perf_counter()
    ours = simulate(bench, planned_kw(bench))
    planned_s = time.perf_counter()
    setpoints_kw = milp_setpoints_kw(bench)
    if setpoints_kw is None:
        return None
    theirs = simulate(bench, setpoints_kw)
    milp_s = time.perf_counter()
    plain = simulate(bench, plain_setpoints_kw(bench))
    gain = plain.cost - min(theirs.cost, ours.cost)
    return Match(
        case=bench["name"],
        linear=bench["ev"]["loss"] is None and bench["ev"]["pmin"] == 0,
        seed=seed,
        plain=round(plain.cost, 5),
        milp=round(theirs.cost, 5),
        planner=round(ours.cost, 5),
        worse_share=round((ours.cost - theirs.cost) / max(gain, 1e-9), 5),
        missed_kwh=round(ours.short, 6),
        milp_missed_kwh=round(theirs.short, 6),
        daycap_over=round(ours.daycap_over, 6),
        planner_ms=round((planned_s - started_s) * 1000.0, 1),
        milp_ms=round((milp_s - planned_s) * 1000.0, 1),
    )


def all_matched(seeds: int, *, workers: int) -> list[Match | None]:
    """The fixed cases and so many perturbations of each, but for `ONCE`."""
    jobs: list[tuple[BenchCase, int | None]] = []
    for bench in fixed_cases():
        jobs.append((bench, None))
        jobs += [
            (perturbed(bench, seed), seed) for seed in range(0 if bench["name"] in ONCE else seeds)
        ]
    with ProcessPoolExecutor(workers) as pool:
        return list(pool.map(_job, jobs))


def _job(job: tuple[BenchCase, int | None]) -> Match | None:
    return matched(*job)


def main() -> None:
    """Run all matches; print a table, or one JSON object, and whether all passed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = all_matched(options.seeds, workers=options.workers)
    matches = [match for match in found if match is not None]
    passed = len(matches) == len(found) and all(match.passed for match in matches)
    if options.json:
        print(json.dumps({"passed": passed, "matches": [_line(match) for match in matches]}))
    else:
        _print_table(matches, unsolved=len(found) - len(matches))
    raise SystemExit(0 if passed else 1)


def _line(match: Match) -> dict[str, object]:
    return {**asdict(match), "passed": match.passed}


def _print_table(matches: list[Match], *, unsolved: int) -> None:
    head = ("passed", "median %", "worst %", "plan ms", "milp ms")
    print(f"{'case':16}{'n':>4}" + "".join(f"{title:>10}" for title in head))
    for name in sorted({match.case for match in matches}):
        group = [match for match in matches if match.case == name]
        shares = [match.worse_share * 100.0 for match in group]
        plan_ms = float(np.median([match.planner_ms for match in group]))
        milp_ms = float(np.median([match.milp_ms for match in group]))
        good = sum(match.passed for match in group)
        print(
            f"{name:16}{len(group):>4}{good:>10}{np.median(shares):>10.3f}{max(shares):>10.3f}"
            f"{plan_ms:>10.1f}{milp_ms:>10.0f}"
        )
    for match in matches:
        if not match.passed:
            print("not passed:", match)
    if unsolved:
        print(f"{unsolved} cases without a MILP answer")


if __name__ == "__main__":
    main()
