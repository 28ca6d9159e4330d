"""Two of the fixed cases, cut from the real years: cases/sunny48h_15m.json and weekend48h_15m.json.

    python -m tests.benchmarks.cut_cases

Prices, load, PV, plug-ins and trips are as they were on those days (years/README.md names the
sources: Ember by way of ev2gym, CC BY 4.0; the houses of Sceaux and of emhass; NREL PVDAQ; Sørensen
et al., CC BY 4.0). The plant is the pairing's. What no series tells is assumed here: the SoC at the
start, the price of a missed kWh, and on the sunny weekend the departure goal, 70 % of the pack.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.benchmarks.score_plan import BenchCase
from tests.benchmarks.score_year import STEP_S, Year, read_year

CASES = Path(__file__).parent / "cases"
STEPS = 192


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """48 hours of a year, and what is assumed; `goal_kwh` takes the place of the driver's needs."""

    year: str
    start_utc: datetime
    start_kwh: float
    goal_kwh: float | None


CUTS = {
    # A car at home from Saturday to Monday noon, sun of 6 kW, four hours that pay for import.
    "sunny48h_15m": Cut(
        year="nl2024pv",
        start_utc=datetime(2024, 5, 11, 13, 45, tzinfo=UTC),
        start_kwh=18.0,
        goal_kwh=42.0,
    ),
    # Five trips between Saturday and Sunday night, the longest stay at home nine hours.
    "weekend48h_15m": Cut(
        year="nl2023pv",
        start_utc=datetime(2023, 8, 11, 22, 0, tzinfo=UTC),
        start_kwh=24.0,
        goal_kwh=None,
    ),
}


def case_of(name: str) -> BenchCase:
    """The case as the file holds it."""
    cut = CUTS[name]
    year = read_year(cut.year)
    first = (int(cut.start_utc.timestamp()) - year.start_s) // STEP_S
    window = slice(first, first + STEPS)
    plant = year.facts["plant"]
    return {
        "name": name,
        "dt": STEP_S / 3600.0,
        "n": STEPS,
        "imp": year.bought[window],
        "exp": year.sold[window],
        "load": year.load[window],
        "pv": year.pv[window],
        "ev": _car(year, cut, first),
        "site": {"imp_max": plant["import_limit_kw"], "exp_max": plant["export_limit_kw"]},
        "wear": plant["wear_per_kwh_discharged"],
        "daycap": 0.0,
        "tv": year.facts["end_energy_price"],
        "final": None,
    }


def _car(year: Year, cut: Cut, first: int) -> BenchCase:
    plant = year.facts["plant"]
    steps = range(first, first + STEPS)
    wanted = {step - first: year.target[step] for step in steps if year.target[step] > 0.0}
    if cut.goal_kwh is not None:
        wanted = dict.fromkeys(wanted, cut.goal_kwh)
    return {
        "cap": plant["pack_kwh"],
        "s0": cut.start_kwh,
        "smin": plant["soc_floor_kwh"],
        "smax": plant["soc_ceiling_kwh"],
        "pc": plant["charge_max_kw"],
        "pd": plant["discharge_max_kw"],
        "pmin": plant["power_min_kw"],
        "eta_c": 0.93,
        "eta_d": 0.93,
        "loss": plant["loss_kw"],
        "pen": 2.0,
        "avail": [int(year.plugged[step]) for step in steps],
        # A year books a trip where the car is plugged in again; a case, in the step before.
        "trip": [year.trip[step + 1] for step in steps],
        "targets": [[step, kwh] for step, kwh in sorted(wanted.items())],
    }


def main() -> None:
    """Write both files."""
    for name in CUTS:
        (CASES / f"{name}.json").write_text(json.dumps(case_of(name)) + "\n", encoding="utf-8")
        print(f"wrote {name}")


if __name__ == "__main__":
    main()
