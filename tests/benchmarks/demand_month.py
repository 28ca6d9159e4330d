"""A month under a commercial tariff with demand charges: the bill with peaks planned for, and not.

    python -m tests.benchmarks.demand_month [--month 2025-07] [--load 5] [--knowledge a]

The load, sun and stays are those of tests/benchmarks/years/pge2025, the load times a factor to be a
small depot's; the tariff is config/tariffs/us-fleet-demand.toml. Prints Markdown.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, time
from zoneinfo import ZoneInfo

from tests.benchmarks.score_year import YEARS
from v2g_daemon.adapters.series.folder import read_pairing
from v2g_daemon.app.backtest.contract import contract
from v2g_daemon.app.backtest.pairing_case import case_of_pairing
from v2g_daemon.app.tariffs import load_book
from v2g_daemon.domain.interval import Interval, at_local
from v2g_daemon.market.bill import bill
from v2g_daemon.market.metered import settled
from v2g_daemon.planning.plan import advise
from v2g_daemon.rehearsal.contest import Case
from v2g_daemon.rehearsal.job import Job, Ran, run
from v2g_daemon.rehearsal.knowledge import Knowledge
from v2g_daemon.rehearsal.score import Score, metered, scored
from v2g_daemon.rehearsal.strategies import TITLES, Strategy

ZONE = ZoneInfo("America/Los_Angeles")
TARIFF = "us-fleet-demand"


def month_case(first: date, end: date, *, load: float) -> Case:
    """The local days [first, end) of the recorded year under the fleet's tariff."""
    interval = Interval(
        start_utc=at_local(first, time(0), ZONE), end_utc=at_local(end, time(0), ZONE)
    )
    case, terms = (
        case_of_pairing(read_pairing(YEARS / "pge2025"), interval),
        contract(load_book(TARIFF), {}, interval),
    )
    return replace(
        case,
        days=replace(
            case.days,
            load_w=tuple(load * power_w for power_w in case.days.load_w),
            import_per_kwh=terms.import_per_kwh,
            export_per_kwh=terms.export_per_kwh,
        ),
        published=terms.published,
        market=replace(case.market, versions=terms.versions),
    )


def ran(job: Job) -> Ran:
    """The job, done in this process."""
    return run(job, planner=advise, foresight=lambda job: (), progress=lambda slots: None)


def rows(case: Case, knowledge: Knowledge) -> Iterator[str]:
    """A row for each way to treat the car."""
    for strategy in (Strategy.PLAIN, Strategy.V1G, Strategy.V2G):
        job = case.job(strategy, knowledge)
        yield _row(
            case, job, TITLES[strategy] + ("" if strategy is Strategy.PLAIN else ", unaware")
        )
        if strategy is not Strategy.PLAIN:
            yield _row(case, case.job(strategy, knowledge), f"{TITLES[strategy]}, under demand")


def _row(case: Case, job: Job, name: str) -> str:
    if name.endswith("unaware"):
        job = replace(job, demands=())
    done = ran(job)
    score: Score = scored(job, done, case.market)
    found = bill(case.market.versions, settled(tuple(metered(job.days, done)), case.market.meter))
    peaks = ", ".join(
        f"{peak.name} {peak.billed_kw:.2f} kW" for month in found.months for peak in month.peaks
    )
    money = {line.name: line.amount for line in score.lines}
    demand = sum(amount for line, amount in money.items() if "demand" in line)
    return (
        f"| {name} | {score.net_cost:.2f} | {demand:.2f} | {score.wear.default:.2f} | {peaks} | "
        f"{score.missed_wh / 1000.0:.2f} |"
    )


def main() -> None:
    """Print the table of a month."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--month", default="2025-07")
    parser.add_argument("--load", type=float, default=5.0)
    parser.add_argument("--knowledge", default="a", choices=["a", "b"])
    options = parser.parse_args()
    first = date.fromisoformat(f"{options.month}-01")
    end = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    print("| strategy | net cost | demand | wear | peaks billed | missed kWh |")
    print("| --- | --- | --- | --- | --- | --- |")
    for row in rows(month_case(first, end, load=options.load), Knowledge(options.knowledge)):
        print(row, flush=True)


if __name__ == "__main__":
    main()
