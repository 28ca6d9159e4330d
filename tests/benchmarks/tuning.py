"""What each feature of the planner is worth: one constant changed at a time, over the six years.

    python -m tests.benchmarks.tuning ablation|frontier|folds [--knowledge a] [YEAR ...]

`ablation` switches features off one by one; `frontier` walks along the owner's price of missing a
later trip; `folds` chooses that price on all years but one and scores it on the one left out.
Prints Markdown. A run that the sources have not changed since is not done again.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.rehearsed_years import NAMES

ROOT = Path(__file__).resolve().parents[2]
PRICES = (1.0, 2.0, 3.0, 4.0, 6.0)
SHIPPED_PRICE = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A name for people, and the settings that make it."""

    name: str
    settings: tuple[str, ...] = ()
    unmet_later: float = SHIPPED_PRICE

    def arguments(self) -> list[str]:
        """The same for the command line."""
        found = [f"--unmet-later={self.unmet_later}"]
        for setting in self.settings:
            found += ["--set", setting]
        return found


ABLATION = (
    Variant(name="as shipped"),
    Variant(name="one scenario instead of four", settings=("planning.problem.GROUPS=1",)),
    Variant(name="eight scenarios", settings=("planning.problem.GROUPS=8",)),
    Variant(
        name="a trip is always the usual one",
        settings=("planning.habits.QUANTILES=1", "planning.habits.TRIPS_HALF_LIFE=1000"),
    ),
    Variant(name="habits of all days alike", settings=("planning.habits.OTHER_KIND=1",)),
    Variant(name="price tail: the last known day", settings=("planning.price_tail.DAYS_BACK=1",)),
    Variant(
        name="energy left at the end: as if always plugged in",
        settings=("planning.price_tail.LEAST_PLUGGED_SHARE=1",),
    ),
    Variant(
        name="no persistence of load and sun",
        settings=("planning.forecast.PERSISTENCE_HOURS=0.01",),
    ),
    Variant(name="weekdays like weekends", settings=("planning.forecast.OTHER_KIND_DAYS=0",)),
    Variant(name="no price on switching", settings=("control.dispatch.SWITCHING_COST=0",)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a year of a variant came to."""

    share: float
    avoidable_kwh: float


class Desk:
    """Runs years in processes of their own, and remembers what they found."""

    def __init__(self, knowledge: str, kept: Path) -> None:
        self._knowledge, self._path = knowledge, kept
        self._kept: dict[str, dict[str, float]] = (
            json.loads(kept.read_text()) if kept.exists() else {}
        )

    def found(self, variant: Variant, year: str) -> Found:
        """One year of a variant."""
        arguments = ["--knowledge", self._knowledge, *variant.arguments(), year]
        key = hashlib.sha256(" ".join([_planner(), *arguments]).encode()).hexdigest()[:16]
        if key not in self._kept:
            command = [sys.executable, "-m", "tests.benchmarks.rehearsed_years", *arguments]
            out = subprocess.run(command, capture_output=True, check=True, cwd=ROOT, text=True)
            self._kept[key] = json.loads(out.stdout)
            self._path.write_text(json.dumps(self._kept, indent=1))
        line = self._kept[key]
        return Found(share=line["share"], avoidable_kwh=line["avoidable_kwh"])


def _planner() -> str:
    """The planner that a run is of: a changed source makes a new one."""
    digest = hashlib.sha256()
    for package in ("planning", "control", "rehearsal", "step"):
        for path in sorted((ROOT / "v2g_daemon" / package).glob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def rows(desk: Desk, variants: Iterable[Variant], years: Sequence[str]) -> Iterable[str]:
    """A line of Markdown for each variant: shares, their mean, and what is missed."""
    yield "| | " + " | ".join(years) + " | mean | missed, kWh |"
    yield "| --- " * (len(years) + 3) + "|"
    for variant in variants:
        one = [desk.found(variant, year) for year in years]
        shares = [each.share for each in one]
        missed = " / ".join(f"{each.avoidable_kwh:.1f}" for each in one)
        cells = " | ".join(f"{share:.1f}" for share in shares)
        yield f"| {variant.name} | {cells} | {_mean(shares):.1f} | {missed} |"


def folds(desk: Desk, years: Sequence[str]) -> Iterable[str]:
    """For each year the price that is best for the others, and what it does to this one."""
    yield "| left out | best for the others | its share at that | at the shipped price |"
    yield "| --- | ---: | ---: | ---: |"
    shares = {
        price: {year: desk.found(Variant(name="", unmet_later=price), year).share for year in years}
        for price in PRICES
    }
    for left_out in years:
        others = {
            price: _mean([share for year, share in found.items() if year != left_out])
            for price, found in shares.items()
        }
        best = max(others, key=others.__getitem__)
        at_best, shipped = shares[best][left_out], shares[SHIPPED_PRICE][left_out]
        yield f"| {left_out} | {best:g} | {at_best:.1f} | {shipped:.1f} |"


def _mean(values: Sequence[float]) -> float:
    total = 0.0
    for value in values:
        total += value
    return total / len(values)


def main() -> None:
    """Print the table asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", choices=["ablation", "frontier", "folds"])
    parser.add_argument("years", nargs="*", default=list(NAMES))
    parser.add_argument("--knowledge", default="a", choices=["a", "b"])
    parser.add_argument("--kept", type=Path, default=ROOT / "build" / "tuning.json")
    options = parser.parse_args()
    options.kept.parent.mkdir(exist_ok=True)
    desk = Desk(options.knowledge, options.kept)
    if options.table == "folds":
        lines = folds(desk, options.years)
    else:
        frontier = [Variant(name=f"{price:g} per kWh", unmet_later=price) for price in PRICES]
        variants = ABLATION if options.table == "ablation" else frontier
        lines = rows(desk, variants, options.years)
    for line in lines:
        print(line, flush=True)


if __name__ == "__main__":
    main()
