"""Our V2G through the six real years, by the rehearsal's own step, scored by score_year.

    python -m tests.benchmarks.rehearsed_years [--knowledge b] [--set NAME=VALUE] [YEAR ...]

One line of JSON for each year. `--set` changes a constant for the run where it is read, such as
`planning.habits.TRIPS_HALF_LIFE=30`; `--unmet-later` is the owner's setting.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import json
import os
import time
from dataclasses import replace

for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

from tests.benchmarks.score_year import YEARS, read_year, score, share  # noqa: E402 - see above
from v2g_daemon.adapters.series.folder import read_pairing  # noqa: E402
from v2g_daemon.app.backtest.pairing_case import case_of_pairing  # noqa: E402
from v2g_daemon.battery.wear import HIGH_WEAR_FACTOR  # noqa: E402
from v2g_daemon.domain.goals import UNMET_LATER_PER_KWH  # noqa: E402
from v2g_daemon.domain.plan import Plan, PlanProblem  # noqa: E402
from v2g_daemon.domain.policy import ExportDepth, Policy  # noqa: E402
from v2g_daemon.planning.plan import advise  # noqa: E402
from v2g_daemon.rehearsal.job import Job, run  # noqa: E402
from v2g_daemon.rehearsal.knowledge import Knowledge  # noqa: E402
from v2g_daemon.rehearsal.strategies import Strategy  # noqa: E402
from v2g_daemon.settings.sections import EconomicsSection, Export  # noqa: E402

NAMES = ("nl2024", "nl2023pv", "agile2020", "pge2025", "ercot2022", "nl2024pv")


def job_of(
    name: str,
    knowledge: Knowledge,
    *,
    strategy: Strategy,
    unmet_later: float,
    wear: float | None = None,
    house_rules: bool = False,
) -> Job:
    """A year as the rehearsal does it, at one price of a missed later trip, and at that of wear."""
    case = case_of_pairing(read_pairing(YEARS / name), None)
    job = case.job(strategy, knowledge)
    economics = replace(job.policy.economics, unmet_later_per_kwh=unmet_later)
    policy = replace(job.policy, economics=economics)
    if wear is not None:
        worn = (replace(car, wear_cost_per_kwh_discharged=wear) for car in policy.vehicles)
        policy = replace(policy, vehicles=tuple(worn))
    return replace(job, policy=with_house_rules(policy) if house_rules else policy)


def with_house_rules(policy: Policy) -> Policy:
    """With a house's own margin, depth and wear of exports, unless its owner says otherwise."""
    economics, export = EconomicsSection(), Export()
    return replace(
        policy,
        economics=replace(
            policy.economics,
            margin_per_kwh=economics.margin_per_kwh,
            export_wear_factor=HIGH_WEAR_FACTOR,
        ),
        export_depth=ExportDepth(
            energy_wh=export.energy_wh,
            share_of_pack=export.share_of_pack,
            cycles_per_month=export.cycles_per_month,
        ),
    )


def measured(name: str, job: Job, wear: float | None = None) -> dict[str, object]:
    """The figures of a year; the seconds are of this process alone."""
    spent: list[float] = []

    def planner(problem: PlanProblem) -> Plan:
        begun_s = time.process_time()
        plan = advise(problem)
        spent.append(time.process_time() - begun_s)
        return plan

    begun_s = time.process_time()
    ran = run(job, planner=planner, foresight=lambda job: (), progress=lambda slots: None)
    seconds_s = time.process_time() - begun_s
    year = read_year(name)
    plain = json.loads((YEARS / "reference.json").read_text())[name]["policies"]["plain"]
    scored = score(year, [setpoint_w / 1000.0 for setpoint_w in ran.setpoint_w], wear)
    nights = sum(1 for slot, here in enumerate(year.plugged) if here) / 96.0
    return {
        "year": name,
        "share": round(100.0 * share(name, scored), 2),
        "net_cost": round(scored["net_cost"], 2),
        "avoidable_kwh": round(max(scored["missed_kwh"] - plain["missed_kwh"], 0.0), 2),
        "missed_kwh": round(scored["missed_kwh"], 2),
        "starts": scored["starts"],
        "starts_a_day": round(scored["starts"] / nights, 2),
        "discharged_kwh": round(scored["discharged_kwh"], 1),
        "plans": len(spent),
        "plan_ms": round(1000.0 * sum(spent) / max(len(spent), 1), 2),
        "seconds": round(seconds_s, 1),
    }


def change(setting: str) -> None:
    """Set a constant in the module that reads it; one that imported it keeps what it was."""
    name, _, value = setting.partition("=")
    module, _, constant = name.rpartition(".")
    found = importlib.import_module(f"v2g_daemon.{module}")
    setattr(found, constant, type(getattr(found, constant))(float(value)))


def main() -> None:
    """Run the years one after another."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("years", nargs="*", default=list(NAMES))
    parser.add_argument("--knowledge", default="a", choices=["a", "b"])
    parser.add_argument("--strategy", default="v2g", choices=["v1g", "v2h", "v2g"])
    parser.add_argument("--unmet-later", type=float, default=UNMET_LATER_PER_KWH)
    parser.add_argument("--wear", type=float, help="money per DC kWh discharged")
    parser.add_argument("--house-rules", action="store_true", help="the defaults of a house")
    parser.add_argument("--set", action="append", default=[], dest="changes")
    options = parser.parse_args()
    for setting in options.changes:
        change(setting)
    gc.disable()
    for name in options.years:
        job = job_of(
            name,
            Knowledge(options.knowledge),
            strategy=Strategy(options.strategy),
            unmet_later=options.unmet_later,
            wear=options.wear,
            house_rules=options.house_rules,
        )
        print(json.dumps(measured(name, job, options.wear)), flush=True)


if __name__ == "__main__":
    main()
