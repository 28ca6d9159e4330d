"""Two cars in one house: programmes that alternate, as the house asks for them.

    python -m tests.benchmarks.two_cars [--seeds 3] [--seconds 120] [--only sunny] [--demand]

`step.turns` says whose turn it is and when no plan is news any more. The yardstick is the gain over
plain charging that a mixed-integer programme of both cars finds (milp_pair): of it the settled
plans may give away 2 %, within the limits of the connection, without a missed kWh that the optimum
makes and with nothing shuffled from car to car. `alone`: both planned as if there were no other.
`--demand` adds a demand charge of 10 per kW, of which 4 kW are billed.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import timedelta

import numpy as np

from tests.benchmarks.milp_pair import joint_optimum
from tests.benchmarks.pair_cases import HOUSES, alone, pair_of, plain_pair_kw, scored
from tests.benchmarks.plan_case import case_of
from tests.benchmarks.score_plan import BenchCase
from tests.builders import NOW, a_goal, a_plan, a_policy, a_snapshot, an_evse_status, in_hours
from v2g_daemon.domain.interval import Interval
from v2g_daemon.domain.plan import Plan
from v2g_daemon.domain.policy import Stage
from v2g_daemon.domain.prices import PeakCharge
from v2g_daemon.planning.beside import left_beside, taken_beside, yielding
from v2g_daemon.planning.case import Case
from v2g_daemon.planning.depth import optimise
from v2g_daemon.planning.peaks import capped
from v2g_daemon.planning.wall import Steps
from v2g_daemon.step.beside import Courses
from v2g_daemon.step.questions import Answer, Question
from v2g_daemon.step.turns import in_turn_key, taken

ALLOWED_SHARE = 0.02
DEMAND = {"per_kw": 10.0, "billed_kw": 4.0}
EVSES = ("carport", "yard")
POLICY = a_policy()


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """One pair, four plans of it; money, kWh, and shares of the gain over plain charging.

    `gap_share`: how far below the optimum found a better one might still lie. `plans` were asked
    for until both cars had settled.
    """

    case: str
    seed: int | None
    plain: float
    optimum: float
    gap_share: float
    alone_share: float
    alone_over_kwh: float
    worse_share: float
    plans: int
    missed_more_kwh: float
    over_kwh: float
    shuffled_kwh: float
    bounds_kwh: float
    peak_kw: float
    optimum_peak_kw: float

    @property
    def passed(self) -> bool:
        """Near the optimum, no goal missed for the other, and every bound kept."""
        kept = max(self.missed_more_kwh, self.over_kwh, self.shuffled_kwh, self.bounds_kwh)
        return self.worse_share <= ALLOWED_SHARE and kept <= 0.01


def matched(pair: BenchCase, seed: int | None, *, seconds: float) -> Match | None:
    """Plan one pair and score it; None if the solver found nothing in its time."""
    joint = joint_optimum(pair, seconds=seconds)
    if joint is None:
        return None
    plain, best = scored(pair, plain_pair_kw(pair)), scored(pair, joint.setpoints_kw)
    apart = scored(pair, [planned_kw(pair, number, ()) for number in range(2)])
    settled_kw, plans = settled(pair)
    ours = scored(pair, settled_kw)
    gain = max(plain.cost - min(best.cost, ours.cost), 1e-9)
    missed_more_kwh = sum(ours.missed_kwh) - sum(best.missed_kwh)
    return Match(
        case=pair["name"],
        seed=seed,
        plain=round(plain.cost, 5),
        optimum=round(best.cost, 5),
        gap_share=round((best.cost - joint.bound) / gain, 5),
        alone_share=round((apart.cost - best.cost) / gain, 5),
        alone_over_kwh=round(apart.over_kwh, 3),
        worse_share=round((ours.cost - best.cost) / gain, 5),
        plans=plans,
        missed_more_kwh=round(max(missed_more_kwh, 0.0), 4),
        over_kwh=round(ours.over_kwh, 4),
        shuffled_kwh=round(ours.shuffled_kwh, 4),
        bounds_kwh=round(max(ours.bounds_kwh, 0.0), 4),
        peak_kw=round(ours.peak_kw, 3),
        optimum_peak_kw=round(best.peak_kw, 3),
    )


def settled(pair: BenchCase) -> tuple[list[list[float]], int]:
    """Both cars' setpoints once the house asks no more, and how many plans it asked for."""
    plans, standing, asked = dict[str, Plan](), dict[str, Question](), 0
    while True:
        question = _next(pair, plans, standing)
        if question is None:
            return [_powers_kw(plans[evse_id]) for evse_id in EVSES], asked
        asked += 1
        number = EVSES.index(question.evse_id)
        powers_kw = planned_kw(pair, number, question.turn.courses)
        plans[question.evse_id] = _plan(pair, question.evse_id, powers_kw, f"plan {asked}")
        standing[question.evse_id] = replace(question, answer=Answer.PLANNED)


def _next(
    pair: BenchCase, plans: dict[str, Plan], standing: dict[str, Question]
) -> Question | None:
    """The question that the house puts to the planner now."""
    evses = tuple(an_evse_status(evse_id=evse_id) for evse_id in EVSES)
    snapshot = a_snapshot(evses=evses, plans=tuple(plans.values()))
    for question in sorted(_questions(pair), key=in_turn_key):
        now = taken(question, standing, snapshot, POLICY)
        if now.question is not None and now.posed:
            return now.question
        if now.question is not None:
            standing[question.evse_id] = now.question
    return None


def _questions(pair: BenchCase) -> Iterator[Question]:
    for evse_id, ev in zip(EVSES, pair["evs"], strict=True):
        hours = [(step + 1) * pair["dt"] for step, _ in ev["targets"]]
        yield Question(
            evse_id=evse_id,
            session_id=evse_id,
            vehicle_id=evse_id,
            stage=Stage.V2G,
            soc_reported=True,
            prices_until_utc=in_hours(48.0),
            goals=tuple(a_goal(hour) for hour in hours),
            asked_at=NOW,
        )


def _plan(pair: BenchCase, evse_id: str, powers_kw: list[float], plan_id: str) -> Plan:
    length, slot = timedelta(hours=pair["dt"]), a_plan().slots[0]
    starts_utc = [NOW.utc + length * step for step in range(pair["n"])]
    slots = tuple(
        replace(
            slot,
            interval=Interval(start_utc=start_utc, end_utc=start_utc + length),
            power_w=power_kw * 1000.0,
        )
        for start_utc, power_kw in zip(starts_utc, powers_kw, strict=True)
    )
    return a_plan(evse_id=evse_id, vehicle_id=evse_id, plan_id=plan_id, slots=slots)


def _powers_kw(plan: Plan) -> list[float]:
    return [slot.power_w / 1000.0 for slot in plan.slots]


def planned_kw(pair: BenchCase, number: int, courses: Courses) -> list[float]:
    """The planner's setpoints for one of the cars beside what the other means to do."""
    path = optimise(_case(pair, number, courses)).path
    return [float(power_w) / 1000.0 for power_w in path.power_w]


def _case(pair: BenchCase, number: int, courses: Courses) -> Case:
    case, length_s = case_of(alone(pair, number)), round(pair["dt"] * 3600.0)
    starts_utc = [NOW.utc + timedelta(seconds=length_s * step) for step in range(pair["n"])]
    steps, load_w = Steps.of(starts_utc, [length_s] * pair["n"]), case.horizon.scenarios_w
    horizon = replace(
        case.horizon,
        scenarios_w=left_beside(courses, steps, load_w),
        others=taken_beside(courses, steps, load_w[0]),
    )
    case, demand = yielding(replace(case, horizon=horizon)), pair.get("demand")
    if demand is None:
        return case
    charge = PeakCharge(
        name="demand",
        per_kw=demand["per_kw"],
        billed_w=demand["billed_kw"] * 1000.0,
        windows=None,
    )
    return capped(case, (charge,), steps)


def main() -> None:
    """Run all matches; print a table, or one JSON object, and whether all passed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=120.0, help="of the solver, for each")
    parser.add_argument("--only", help="this house, by the first letters of its name")
    parser.add_argument("--demand", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    matches: list[Match] = []
    for house in [one for one in HOUSES if one[0].startswith(options.only or "")]:
        for seed in (None, *range(options.seeds)):
            pair = pair_of(*house, seed=seed)
            pair |= {"demand": DEMAND} if options.demand else {}
            match = matched(pair, seed, seconds=options.seconds)
            if match is None:
                parser.exit(1, f"{pair['name']} {seed}: no answer of the solver\n")
            matches.append(match)
            if not options.json:
                print(_row(match), flush=True)
    passed = all(match.passed for match in matches)
    if options.json:
        lines = [{**asdict(match), "passed": match.passed} for match in matches]
        print(json.dumps({"passed": passed, "matches": lines}))
    else:
        shares = [100.0 * match.worse_share for match in matches]
        print(f"passed: {passed}; median {np.median(shares):.2f} %, worst {max(shares):.2f} %")
    raise SystemExit(0 if passed else 1)


def _row(match: Match) -> str:
    seed = "-" if match.seed is None else str(match.seed)
    return (
        f"{match.case:24}{seed:>3}{match.plain:>8.2f}{match.optimum:>8.2f}"
        f"{100.0 * match.gap_share:>7.2f}{100.0 * match.alone_share:>8.2f}"
        f"{match.alone_over_kwh:>7.1f}{100.0 * match.worse_share:>8.2f} %{match.plans:>3}"
        f"{match.missed_more_kwh:>7.2f}{match.over_kwh:>7.2f}{match.shuffled_kwh:>7.2f}"
        f"{match.peak_kw:>7.2f}{match.optimum_peak_kw:>7.2f}"
        f"{'' if match.passed else '  NOT PASSED'}"
    )


if __name__ == "__main__":
    main()
