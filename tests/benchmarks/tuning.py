"""`make tuning`: what each feature of the planner is worth on the six years, and docs/tuning.md.

    python -m tests.benchmarks.tuning [--only TABLE ...] [--kept FILE]

`ablation` switches features off one by one; `frontier` walks along the owner's price of missing a
later trip; `folds` chooses that price and other constants on all years but one and scores them on
the one left out; `wear` holds our V2G against our own V1G at three costs of wear; `readiness` what
was told of trips against what came. A run whose sources have not changed is not done again, but for
those of readiness.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.benchmarks.__main__ import machine_here
from tests.benchmarks.frontier_chart import Course, frontier_chart
from tests.benchmarks.page import machine_table
from tests.benchmarks.rehearsed_years import NAMES
from v2g_daemon.domain.goals import UNMET_LATER_PER_KWH

ROOT = Path(__file__).resolve().parents[2]
PAGE, CHART = ROOT / "docs" / "tuning.md", ROOT / "docs" / "tuning-frontier.svg"
PRICES = (2.0, UNMET_LATER_PER_KWH, 5.0)
WEARS = (0.02, 0.04, 0.09)
PLANT_WEAR = 0.04


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A name for people, and the options of `rehearsed_years` that make it."""

    name: str
    settings: tuple[str, ...] = ()
    unmet_later: float = UNMET_LATER_PER_KWH
    knowledge: str = "a"
    strategy: str = "v2g"
    wear: float | None = None
    house_rules: bool = False

    def arguments(self) -> list[str]:
        """The same for the command line."""
        found = [f"--unmet-later={self.unmet_later}", "--knowledge", self.knowledge]
        found += ["--strategy", self.strategy]
        found += [] if self.wear is None else [f"--wear={self.wear}"]
        found += ["--house-rules"] if self.house_rules else []
        for setting in self.settings:
            found += ["--set", setting]
        return found


def without(name: str, *settings: str) -> Variant:
    """One feature off."""
    return Variant(name=name, settings=settings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Knob:
    """A constant of the planner, and what else it might be; `setting` None: the owner's price."""

    name: str
    setting: str | None
    others: tuple[float, ...]

    @property
    def shipped(self) -> float:
        """What it is."""
        if self.setting is None:
            return UNMET_LATER_PER_KWH
        module, constant = self.setting.rsplit(".", 1)
        return float(getattr(import_module(f"v2g_daemon.{module}"), constant))

    @property
    def values(self) -> tuple[float, ...]:
        """What it is and might be."""
        return tuple(sorted((self.shipped, *self.others)))

    def variant(self, value: float, knowledge: str) -> Variant:
        """The planner with another value of it."""
        if self.setting is None:
            return Variant(name="", unmet_later=value, knowledge=knowledge)
        settings = () if value == self.shipped else (f"{self.setting}={value:g}",)
        return Variant(name="", settings=settings, knowledge=knowledge)


KNOBS = (
    Knob(name="the price of missing a later trip", setting=None, others=(2.0, 5.0)),
    Knob(
        name="trips after which one counts half",
        setting="planning.habits.TRIPS_HALF_LIFE",
        others=(7.0, 15.0),
    ),
    Knob(
        name="hours in which today's load and sun fade",
        setting="planning.forecast.PERSISTENCE_HOURS",
        others=(2.0, 5.0),
    ),
    Knob(
        name="days that the price tail is the mean of",
        setting="planning.price_tail.DAYS_BACK",
        others=(10.0, 21.0),
    ),
    Knob(
        name="cheapest share of hours that a refill costs",
        setting="planning.price_tail.REFILL_SHARE",
        others=(0.05, 0.1),
    ),
    Knob(
        name="the price of switching",
        setting="control.pricing.SWITCHING_COST",
        others=(0.0003, 0.0006),
    ),
)

ABLATION = (
    Variant(name="the planner alone"),
    without("one scenario of load and sun instead of four", "planning.problem.GROUPS=1"),
    without(
        "a trip is always the usual one",
        "planning.habits.QUANTILES=1",
        "planning.habits.TRIPS_HALF_LIFE=1000",
    ),
    without("price tail: the last known day", "planning.price_tail.DAYS_BACK=1"),
    without(
        "energy left at the end: as if always plugged in",
        "planning.price_tail.LEAST_PLUGGED_SHARE=1",
    ),
    without("no persistence of load and sun", "planning.forecast.PERSISTENCE_HOURS=0.01"),
    without("no price on switching", "control.pricing.SWITCHING_COST=0"),
    Variant(
        name="as installed: with the house's margin, export depth and high wear", house_rules=True
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a year of a variant came to: share in per cent, money, kWh missed beyond plain's."""

    share: float
    net_cost: float
    avoidable_kwh: float
    starts_a_day: float


class Desk:
    """Runs years in processes of their own, one on each core, and remembers what they found."""

    def __init__(self, kept: Path) -> None:
        self._path, self._lock, self._planner = kept, threading.Lock(), planner_digest()
        self._kept: dict[str, dict[str, float]] = (
            json.loads(kept.read_text()) if kept.exists() else {}
        )

    def run(self, variants: Iterable[Variant]) -> None:
        """Every year of these variants that is not known yet."""
        wanted = [(variant, year) for variant in variants for year in NAMES]
        missing = {self._key(*one): one for one in wanted if self._key(*one) not in self._kept}
        with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as cores:
            for number, _ in enumerate(cores.map(self._rehearse, missing.values()), start=1):
                print(f"\r{number} of {len(missing)} years", end="", flush=True)
        print()

    def found(self, variant: Variant, year: str) -> Found:
        """One year of a variant that has been run."""
        line = self._kept[self._key(variant, year)]
        return Found(**{name: line[name] for name in Found.__slots__})

    def _key(self, variant: Variant, year: str) -> str:
        said = " ".join([self._planner, *variant.arguments(), year])
        return hashlib.sha256(said.encode()).hexdigest()[:16]

    def _rehearse(self, wanted: tuple[Variant, str]) -> None:
        variant, year = wanted
        command = [sys.executable, "-m", "tests.benchmarks.rehearsed_years"]
        out = subprocess.run(
            [*command, *variant.arguments(), year],
            capture_output=True,
            check=True,
            cwd=ROOT,
            text=True,
        )
        with self._lock:
            self._kept[self._key(variant, year)] = json.loads(out.stdout)
            self._path.write_text(json.dumps(self._kept, indent=1))


def planner_digest() -> str:
    """The planner that a run is of: a changed source makes a new one."""
    digest = hashlib.sha256()
    for package in ("planning", "control", "rehearsal", "step"):
        for path in sorted((ROOT / "v2g_daemon" / package).glob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def ablation(desk: Desk) -> Iterable[str]:
    """A feature a line, departures told: shares, their mean, and what is missed."""
    desk.run(ABLATION)
    yield "| | " + " | ".join(NAMES) + " | mean | starts a night, most |"
    yield "| --- " + "| ---: " * (len(NAMES) + 2) + "|"
    for variant in ABLATION:
        years = [desk.found(variant, year) for year in NAMES]
        starts = max(year.starts_a_day for year in years)
        yield f"| {variant.name} | {_shares(years)} | {_mean_share(years):.2f} | {starts:.1f} |"


def frontier(desk: Desk) -> Iterable[str]:
    """A price a line, for each kind of knowledge; and the picture of it."""
    told, learned = _by_price("a"), _by_price("b")
    desk.run([*told, *learned])
    courses = []
    yield "| price | departures | " + " | ".join(NAMES) + " | mean | kWh missed a year |"
    yield "| ---: | --- " + "| ---: " * (len(NAMES) + 2) + "|"
    for said, variants in (("told", told), ("learned", learned)):
        points = []
        for variant in variants:
            years = [desk.found(variant, year) for year in NAMES]
            missed = " / ".join(f"{year.avoidable_kwh:.1f}" for year in years)
            cells = f"{_shares(years)} | {_mean_share(years):.2f} | {missed}"
            yield f"| {variant.unmet_later:g} | {said} | {cells} |"
            missed_kwh = sum(year.avoidable_kwh for year in years)
            points.append((missed_kwh, _mean_share(years), variant.unmet_later))
        courses.append(Course(name=f"departures {said}", points=tuple(points)))
    CHART.write_text(frontier_chart(courses), encoding="utf-8")


def folds(desk: Desk) -> Iterable[str]:
    """A constant a line: what it would be without each year, and what that does to the years."""
    desk.run(
        knob.variant(value, knowledge)
        for knob in KNOBS
        for value in knob.values
        for knowledge in "ab"
    )
    yield "| constant | tried | without " + " | ".join(NAMES) + " | share so | shipped | share so |"
    yield "| --- | --- " + "| ---: " * (len(NAMES) + 3) + "|"
    for knob in KNOBS:
        chosen = [_best_without(desk, knob, year) for year in NAMES]
        so = [_share(desk, knob, value, year) for value, year in zip(chosen, NAMES, strict=True)]
        shipped = [_share(desk, knob, knob.shipped, year) for year in NAMES]
        tried = ", ".join(f"{value:g}" for value in knob.values)
        cells = " | ".join(f"{value:g}" for value in chosen)
        means = f"{_mean(so):.2f} | {knob.shipped:g} | {_mean(shipped):.2f}"
        yield f"| {knob.name} | {tried} | {cells} | {means} |"


def _best_without(desk: Desk, knob: Knob, left_out: str) -> float:
    """The value that is best for the other years."""
    others = [year for year in NAMES if year != left_out]
    return max(
        knob.values, key=lambda value: _mean([_share(desk, knob, value, year) for year in others])
    )


def _share(desk: Desk, knob: Knob, value: float, year: str) -> float:
    """The share of a year in the mean of both kinds of knowledge."""
    return _mean([desk.found(knob.variant(value, knowledge), year).share for knowledge in "ab"])


def wear(desk: Desk) -> Iterable[str]:
    """What our V2G earns a year beyond our own V1G, each planned with the wear that it pays."""
    variants = {
        (strategy, cost): Variant(
            name="", strategy=strategy, wear=None if cost == PLANT_WEAR else cost
        )
        for strategy in ("v1g", "v2g")
        for cost in WEARS
    }
    desk.run(variants.values())
    yield "| wear per kWh | " + " | ".join(NAMES) + " |"
    yield "| ---: " * (len(NAMES) + 1) + "|"
    for cost in WEARS:
        gains = (
            desk.found(variants["v1g", cost], year).net_cost
            - desk.found(variants["v2g", cost], year).net_cost
            for year in NAMES
        )
        yield f"| {cost:.2f} | " + " | ".join(f"{gain:.1f}" for gain in gains) + " |"


def readiness(desk: Desk) -> Iterable[str]:
    """A year a line: the chance told at plug-in, in bands, against how often it came about."""
    del desk  # It makes every plan whole, which is a run of its own.
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as cores:
        years = list(cores.map(_readiness_of, NAMES))
    bands = {"red": "from 0", "amber": "from 0.9", "green": "from 0.98"}
    yield "| year | stays | told | came | apart | " + " | ".join(bands) + " |"
    yield "| --- " + "| ---: " * (4 + len(bands)) + "|"
    for year in years:
        cells = " | ".join(_band(year["bands"].get(key)) for key in bands.values())
        shares = f"{year['told_percent']:.1f} | {year['came_percent']:.1f}"
        apart = f"{year['apart_points']:+.1f}"
        yield f"| {year['year']} | {year['stays']} | {shares} | {apart} | {cells} |"


def _readiness_of(year: str) -> Any:
    command = [sys.executable, "-m", "tests.benchmarks.readiness", year]
    out = subprocess.run(command, capture_output=True, check=True, cwd=ROOT, text=True)
    return json.loads(out.stdout)


def _band(band: dict[str, float] | None) -> str:
    if band is None:
        return "–"
    return f"{band['told_percent']:.0f} / {band['came_percent']:.0f} ({band['stays']})"


FRONTIER = """\
The owner's one setting, `economics.unmet_later_per_kwh`. Shares of the attainable gain in per cent,
and the kWh a year that were missing at departures beyond plain charging's, in the order of the
years. Told: need and departure of a stay are known at plug-in; learned: nothing is.

![Share of the gain against missed energy](tuning-frontier.svg)"""

FOLDS = """\
Each constant is chosen, among three values, as what does best on five years, and scored on the
sixth: shares of the attainable gain in the mean of the six years and of both kinds of knowledge, as
chosen and as shipped. One is changed at a time, and the other constants stay as all six years had
them chosen (docs/decisions/0010), so this tells how much luck is in each, not in all together."""

ABLATED = """\
One thing changed at a time, departures told: shares in per cent. A tenth of a point is noise. What
the last line says is what an installed house earns, for it keeps a margin, an export depth and the
high end of the wear as long as its owner does not change them."""

WORN = """\
Money a year, departures told, at three costs of wear per DC kWh discharged, each plan made with the
wear that it then pays."""

READY = """\
Nothing is told of departures. The chance that the next trip is covered, as the first plan of a stay
told it, and how many trips then found what they needed, in per cent; by colour with the number of
stays in brackets. The first ten stays of a year are left out: nothing is learned yet."""

TABLES: dict[str, tuple[str, str, Callable[[Desk], Iterable[str]]]] = {
    "frontier": ("The price of missing a later trip", FRONTIER, frontier),
    "folds": ("Chosen without the year that is scored", FOLDS, folds),
    "wear": ("V2G beyond V1G", WORN, wear),
    "readiness": ("Whether readiness holds what it says", READY, readiness),
    "ablation": ("What each feature is worth", ABLATED, ablation),
}


def _by_price(knowledge: str) -> tuple[Variant, ...]:
    return tuple(Variant(name="", unmet_later=price, knowledge=knowledge) for price in PRICES)


def _shares(years: Iterable[Found]) -> str:
    return " | ".join(f"{year.share:.1f}" for year in years)


def _mean_share(years: list[Found]) -> float:
    return _mean([year.share for year in years])


def _mean(shares: list[float]) -> float:
    return sum(shares) / len(shares)


def main() -> None:
    """Run what is missing, write the page of the tables asked for, and name it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", choices=list(TABLES))
    parser.add_argument("--kept", type=Path, default=ROOT / "build" / "tuning.json")
    options = parser.parse_args()
    options.kept.parent.mkdir(exist_ok=True)
    desk = Desk(options.kept)
    parts = ["# Tuning", "Written by `make tuning`; do not edit.", machine_table(machine_here())]
    for name in options.only or TABLES:
        title, method, table = TABLES[name]
        print(title, flush=True)
        parts += [f"## {title}", method, "\n".join(table(desk))]
    text = "\n\n".join(parts) + "\n"
    PAGE.write_text(text, encoding="utf-8")
    print(f"wrote {PAGE.relative_to(ROOT)} and {CHART.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
