"""Ten years under a warranty's budgets: a recorded year again and again, by the daemon's own step.

    python -m tests.benchmarks.decade [YEAR] [--laps 10] [--years 8] [--scale 1] [--stop-only]

The budgets are those of a cap that is told of some cars and that no document confirms: 10,000 kWh
and 4,000 h, paced over eight years; `--scale` shrinks both. `--stop-only` hides them from the
planner, so that nothing but the limit keeps them. Prints Markdown, a row for each lap of 52 weeks.
"""

from __future__ import annotations

import argparse
import gc
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace

for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

from tests.benchmarks.score_year import YEARS  # noqa: E402 - see above
from v2g_daemon.accounting.metering import discharge_counters  # noqa: E402
from v2g_daemon.adapters.series.folder import read_pairing  # noqa: E402
from v2g_daemon.app.backtest.pairing_case import case_of_pairing  # noqa: E402
from v2g_daemon.battery.budgets import warranty_budgets  # noqa: E402
from v2g_daemon.domain.budget import DischargeBudget  # noqa: E402
from v2g_daemon.domain.instant import Instant  # noqa: E402
from v2g_daemon.domain.plan import Plan, PlanProblem  # noqa: E402
from v2g_daemon.domain.policy import Stage  # noqa: E402
from v2g_daemon.domain.vehicle import WarrantyTerms  # noqa: E402
from v2g_daemon.planning.budgets import BudgetTerms, budget_terms  # noqa: E402
from v2g_daemon.planning.plan import advise  # noqa: E402
from v2g_daemon.rehearsal.contest import Case  # noqa: E402
from v2g_daemon.rehearsal.course import Done, begun, course  # noqa: E402
from v2g_daemon.rehearsal.days import Days, Stay  # noqa: E402
from v2g_daemon.rehearsal.knowledge import Knowledge, known_prices  # noqa: E402
from v2g_daemon.rehearsal.virtual_house import (  # noqa: E402
    HouseState,
    VirtualHouse,
    capable,
    commissioned,
)

# Told of the ID. family and never seen in a document: a template, and nobody's terms.
UNVERIFIED_WH = 10_000_000.0
UNVERIFIED_S = 4000.0 * 3600.0
UNVERIFIED_YEARS = 8.0
SLOTS_A_DAY = 96


@dataclass(frozen=True, slots=True, kw_only=True)
class Lap:
    """What one lap came to; the budgets and their price are those at its end."""

    number: int
    drawn_kwh: float
    discharging_h: float
    net_cost: float
    missed_kwh: float
    budgets: tuple[DischargeBudget, ...]
    price: BudgetTerms


def repeated(days: Days, laps: int) -> Days:
    """The same days again and again; they must be whole weeks, so that weekdays agree."""
    if days.count % (7 * SLOTS_A_DAY) != 0:
        raise ValueError(f"{days.count} slots are not whole weeks")
    stays = [
        Stay(
            first=stay.first + lap * days.count,
            end=stay.end + lap * days.count,
            trip_wh=stay.trip_wh,
            target_wh=stay.target_wh,
        )
        for lap in range(laps)
        for stay in days.stays
    ]
    return replace(
        days,
        load_w=days.load_w * laps,
        pv_w=days.pv_w * laps,
        import_per_kwh=days.import_per_kwh * laps,
        export_per_kwh=days.export_per_kwh * laps,
        stays=tuple(stays),
    )


def under(case: Case, *, scale: float, years: float) -> Case:
    """The case with a car under the unverified terms, from its first day on."""
    terms = WarrantyTerms(
        acknowledged=True,
        years=years,
        start_date=case.days.start_utc.date(),
        discharge_wh=scale * UNVERIFIED_WH,
        discharge_s=scale * UNVERIFIED_S,
    )
    car = replace(case.policy.vehicles[0], warranty=terms)
    return replace(case, policy=replace(case.policy, vehicles=(car,)))


def laps_of(case: Case, *, laps: int, priced: bool) -> Iterator[Lap]:
    """Go round and round with the same house."""
    days = repeated(case.days, laps)
    price = BudgetTerms()

    def planner(problem: PlanProblem) -> Plan:
        nonlocal price
        asked = problem if priced else replace(problem, budgets=())
        price = budget_terms(asked)
        return advise(asked)

    house = VirtualHouse(
        days=days,
        plant=case.plant,
        policy=replace(case.policy, stage_wanted=Stage.V2G),
        prices=known_prices(days, published=case.published),
        knowledge=Knowledge.TOLD,
        planner=planner,
        capability=capable(case.plant),
        commissioning=commissioned(days.start_utc),
    )
    standing = begun(house, energy_wh=case.start_wh)
    for number in range(1, laps + 1):
        before = standing
        standing, done = course(days, case.plant, house, standing, until=number * case.days.count)
        drawn_wh = standing.registers.discharge_wh - before.registers.discharge_wh
        yield Lap(
            number=number,
            drawn_kwh=drawn_wh / 1000.0,
            discharging_h=0.25 * sum(1 for one in done if one.flow.power_w < 0.0),
            net_cost=_net_cost(case, days, before.slot, done)
            - (standing.energy_wh - before.energy_wh) / 1000.0 * float(case.market.end_per_kwh),
            missed_kwh=sum(one.missing_wh or 0.0 for one in done) / 1000.0,
            budgets=_budgets(case, days, standing.slot, standing.state),
            price=price,
        )


def _net_cost(case: Case, days: Days, first: int, done: tuple[Done, ...]) -> float:
    paid = 0.0
    for slot, one in enumerate(done, start=first):
        paid += one.import_milliwh / 1e6 * days.import_per_kwh[slot]
        paid -= one.export_milliwh / 1e6 * days.export_per_kwh[slot]
        paid += max(-one.flow.pack_wh, 0.0) / 1000.0 * case.wear_per_kwh
    return paid


def _budgets(case: Case, days: Days, slot: int, state: HouseState) -> tuple[DischargeBudget, ...]:
    """As the daemon's own counters tell."""
    now = Instant(utc=days.utc(slot), monotonic_s=900.0 * slot)
    (counters,) = discharge_counters(state.house.metering, (), now, case.policy)
    return warranty_budgets(case.policy.vehicles[0], counters, now.utc)


HEADS = ("year", "kWh", "hours", "energy used", "open", "hours used", "per kWh", "per hour",
         "net cost", "missed, kWh")  # fmt: skip


def row(lap: Lap) -> list[str]:
    """A lap as cells."""
    energy, hours = lap.budgets
    used = [budget.used_share or 0.0 for budget in (energy, hours)]
    return [
        f"{lap.number}", f"{lap.drawn_kwh:.0f}", f"{lap.discharging_h:.0f}", f"{used[0]:.1%}",
        f"{energy.open_share:.1%}", f"{used[1]:.1%}", f"{lap.price.per_kwh:.3f}",
        f"{lap.price.per_h:.3f}", f"{lap.net_cost:.2f}", f"{lap.missed_kwh:.1f}",
    ]  # fmt: skip


def main() -> None:
    """Print the table, row by row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("year", nargs="?", default="pge2025")
    parser.add_argument("--laps", type=int, default=10)
    parser.add_argument("--years", type=float, default=UNVERIFIED_YEARS)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--stop-only", action="store_true")
    options = parser.parse_args()
    # Frozen values hold no cycles; looking for some costs a third of the time.
    gc.disable()
    whole = case_of_pairing(read_pairing(YEARS / options.year), None)
    case = under(whole, scale=options.scale, years=options.years)
    print("| " + " | ".join(HEADS) + " |")
    print("| ---: " * len(HEADS) + "|")
    total = 0.0
    for lap in laps_of(case, laps=options.laps, priced=not options.stop_only):
        print("| " + " | ".join(row(lap)) + " |", flush=True)
        total += lap.net_cost
    print(f"\n{options.laps} years cost {total:.2f} {case.days.currency}.")


if __name__ == "__main__":
    main()
