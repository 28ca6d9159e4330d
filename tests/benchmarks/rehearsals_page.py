"""docs/rehearsals.md from six contests; pure, so that it can be read without rehearsing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.benchmarks.page import Machine
from v2g_daemon.adapters.reports.backtest_text import rendered
from v2g_daemon.adapters.reports.verdict_words import gain_between
from v2g_daemon.rehearsal.contest import Contest
from v2g_daemon.rehearsal.strategies import Strategy
from v2g_daemon.rehearsal.verdict import share_of_attainable

# Our contestants by the names that the reference has for its own.
THEIRS = {
    Strategy.CHEAPEST: "v1g_cheapest80_a",
    Strategy.THRESHOLD: "v2g_threshold_a",
    Strategy.V1G: "v1g_dp_a",
    Strategy.V2H: "v2h_dp_a",
    Strategy.V2G: "v2g_dp_a",
}
SHORT = {
    Strategy.CHEAPEST: "cheapest hours",
    Strategy.THRESHOLD: "threshold",
    Strategy.V1G: "our V1G",
    Strategy.V2H: "our V2H",
    Strategy.V2G: "our V2G",
}

INTRODUCTION = """\
# Rehearsals of six real years

Written by `make rehearsals`; do not edit. Six years of prices, load, sun and plug-in sessions
(tests/benchmarks/years says where they come from) go through every strategy of `v2g backtest`, with
knowledge a: the departure and need of a stay are known at plug-in, later stays are not. Series come
from different places and years and were moved by whole weeks so that weekdays agree; tariffs are
plausible assumptions. No figure here is anybody's bill."""

SHARES = """\
## What each strategy gains

The share of the attainable gain: what perfect foresight gains over plain charging is 100 %. A kWh
missed at a departure, beyond what plain charging misses, is taken off at 1. In brackets the same
from the reference, programmes of their own in the same plant. V2G − V1G is money a year.

The planner is alone here, without what a house is installed with: a margin, an export depth and the
high end of the wear. With them our V2G gains 87 % in the mean of the six years instead of 91 %
(docs/tuning.md)."""

BOUND = """\
## The bound

*Perfect foresight* is the best course of a dynamic programme on the true plant that knows every
price, load, sun and trip in advance, on a lattice of 0.1 kWh and 24 levels each way. It can be
done; that nothing is better holds up to its lattice, and a mixed-integer programme that shares no
code with it agrees within 0.5 % on a month (tests/system). No strategy of any year is better. *The
linear relaxation* is a bound proper, for it lies below whatever a charger can do: it forgets the
least power, pulses at the best efficiency and, where a kWh sells for more than it is bought at,
buys and sells at once. It is no figure to be measured by. *Apart* is the distance to the reference
in parts of the attainable gain. *Replayed* is what `tests/benchmarks/score_year.py`, which shares
no code with the daemon, finds for the setpoints of our V2G."""

METHOD = """\
## Time and memory

Seconds of each strategy's process from start to answer, one at a time on the machine below."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """A year, what others reached in it, and our V2G's net cost as another programme counts it."""

    contest: Contest
    reference: Mapping[str, Mapping[str, float]]
    replayed_net_cost: float


def rehearsals_page(machine: Machine, years: Sequence[Rehearsed], *, highest_mib: float) -> str:
    """The whole page."""
    parts = [INTRODUCTION, SHARES, *_table(_share_heads(), (_shares(one) for one in years))]
    parts += [BOUND, *_table(_bound_heads(), (_bounds(one) for one in years))]
    parts += [METHOD, *_table(["year", *(one.value for one in Strategy)], map(_seconds, years))]
    parts.append(_on(machine, highest_mib))
    parts.append("## Year by year")
    for one in years:
        parts.append(f"### {one.contest.case.name}")
        parts.append(f"```text\n{rendered(one.contest, hardware_price=None)}```")
    return "\n\n".join(parts) + "\n"


def _table(heads: Sequence[str], rows: Iterator[list[str]]) -> list[str]:
    lines = ["| " + " | ".join(heads) + " |", "| --- |" + " ---: |" * (len(heads) - 1)]
    lines += ["| " + " | ".join(cells) + " |" for cells in rows]
    return ["\n".join(lines)]


def _share_heads() -> list[str]:
    return ["year", *SHORT.values(), "missed, kWh", "V2G − V1G", "by wear"]


def _shares(one: Rehearsed) -> list[str]:
    contest = one.contest
    cells = [contest.case.name]
    for strategy in SHORT:
        share = share_of_attainable(
            strategy, contest.scores, miss_per_kwh=contest.case.miss_per_kwh
        )
        theirs = one.reference[THEIRS[strategy]]["percent_of_attainable"]
        cells.append("" if share is None else f"{100.0 * share:.1f} ({theirs:.1f})")
    extra = gain_between(contest, Strategy.V2G, Strategy.V1G)
    missed_wh = contest.scores[Strategy.V2G].missed_wh
    currency = contest.case.days.currency
    cells += [f"{missed_wh / 1000.0:.1f}", f"{extra.default:.0f} {currency}"]
    return [*cells, f"{extra.low:.0f} to {extra.high:.0f}"]


def _bound_heads() -> list[str]:
    return ["year", "plain", "reference", "apart", "perfect foresight", "reference", "apart",
            "linear relaxation", "our V2G", "replayed"]  # fmt: skip


def _bounds(one: Rehearsed) -> list[str]:
    contest = one.contest
    theirs_plain = one.reference["plain"]["net_cost"]
    theirs_best = one.reference["perfect_v2g"]["net_cost"]
    gain = theirs_plain - theirs_best
    plain = float(contest.scores[Strategy.PLAIN].net_cost)
    best = float(contest.scores[Strategy.PERFECT].net_cost)
    relaxed = contest.relaxed_net_cost
    return [
        contest.case.name,
        f"{plain:.2f}",
        f"{theirs_plain:.2f}",
        f"{(plain - theirs_plain) / gain:+.2%}",
        f"{best:.2f}",
        f"{theirs_best:.2f}",
        f"{(best - theirs_best) / gain:+.2%}",
        "" if relaxed is None else f"{relaxed:.2f}",
        f"{contest.scores[Strategy.V2G].net_cost:.2f}",
        f"{one.replayed_net_cost:.2f}",
    ]


def _seconds(one: Rehearsed) -> list[str]:
    entries = one.contest.entries
    return [one.contest.case.name, *(f"{entries[each].seconds_s:.1f}" for each in Strategy)]


def _on(machine: Machine, highest_mib: float) -> str:
    return (
        f"The largest of all these processes, a linear relaxation's, held {highest_mib:.0f} MiB. "
        f"Measured on {machine.system}, {machine.processor}, {machine.cores} cores, "
        f"{machine.memory_gib:.1f} GiB, Python {machine.python}, load average "
        f"{machine.load_average:.1f}, {machine.date}, v2g-daemon {machine.version}."
    )
