"""A contest of strategies as tables for the terminal, with what it rests on below."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from textwrap import wrap
from zoneinfo import ZoneInfo

from v2g_daemon.adapters.reports.verdict_words import best_days_words, gain_between, years_words
from v2g_daemon.rehearsal.contest import Contest
from v2g_daemon.rehearsal.score import Score
from v2g_daemon.rehearsal.strategies import TITLES, Strategy
from v2g_daemon.rehearsal.verdict import (
    Gain,
    Payback,
    attainable,
    payback,
    share_of_attainable,
)

COLUMNS = 100
CENT = Decimal("0.01")
KNOWN = {
    "a": "departure and need of each stay are known at plug-in, later stays are not",
    "b": "nothing is known of presence but what the past teaches",
}


def rendered(contest: Contest, *, hardware_price: float | None) -> str:
    """The whole text."""
    lines = [*_head(contest), "", *_money(contest), "", *_energy(contest), ""]
    lines += _conclusions(contest, hardware_price)
    if not contest.complete:
        broken = ", ".join(
            f"{TITLES[one]} after {slots // contest.case.days.slots_a_day} days"
            for one, slots in contest.unfinished.items()
        )
        lines += ["", f"Stopped before the end; these are partial results. Broken off: {broken}."]
    notes = [line for note in contest.case.notes for line in wrap(f"- {note}", COLUMNS)]
    if notes:
        lines += ["", "What to know:", *notes]
    return "\n".join(lines) + "\n"


def _head(contest: Contest) -> Iterator[str]:
    days, case = contest.case.days, contest.case
    zone = ZoneInfo(days.timezone)
    first, last = days.start_utc.astimezone(zone), days.utc(days.count - 1).astimezone(zone)
    count = days.count // days.slots_a_day
    length = "1 day" if count == 1 else f"{count} days"
    yield f"{case.name}: {first:%-d %B %Y} to {last:%-d %B %Y}, {length}, {zone.key}"
    yield f"Knowledge {contest.knowledge.value}: {KNOWN[contest.knowledge.value]}."
    yield (
        f"Money in {days.currency}; energy left in the car at {case.market.end_per_kwh} per kWh, "
        f"wear {case.wear_per_kwh:g} per kWh out of the pack."
    )


def _money(contest: Contest) -> Iterator[str]:
    names = [line.name for score in contest.scores.values() for line in score.lines]
    names = list(dict.fromkeys(names))
    rows = [["", *names, "wear", "end energy", "net", "wear low–high", "share"]]
    for strategy, score in contest.scores.items():
        amounts = {line.name: line.amount for line in score.lines}
        cells = [_amount(amounts.get(name, Decimal(0))) for name in names]
        cells += [_amount(score.wear.default), _amount(-score.end_credit), _amount(score.net_cost)]
        cells.append(f"{_amount(score.wear.low)}–{_amount(score.wear.high)}")
        rows.append([TITLES[strategy], *cells, _share(strategy, contest)])
    if contest.relaxed_net_cost is not None:
        before = [""] * (len(names) + 2)
        rows.append(["linear relaxation", *before, f"{contest.relaxed_net_cost:.2f}", "", ""])
    yield from aligned(rows)


def _energy(contest: Contest) -> Iterator[str]:
    carbon = any(score.carbon is not None for score in contest.scores.values())
    heads = ["imported", "exported", "charged", "discharged", "cycles", "departures", "missed",
             "switches"]  # fmt: skip
    units = ["kWh", "kWh", "kWh", "kWh", "", "met", "kWh", "a night"]
    if carbon:
        heads, units = [*heads, "emitted"], [*units, "kg CO2"]
    rows = [["", *heads], ["", *units]]
    rows += [[TITLES[strategy], *_cells(score)] for strategy, score in contest.scores.items()]
    yield from aligned(rows)


def _cells(score: Score) -> Iterator[str]:
    yield f"{score.import_milliwh / 1e6:.0f}"
    yield f"{score.export_milliwh / 1e6:.0f}"
    yield f"{score.charge_milliwh / 1e6:.0f}"
    yield f"{score.discharged_wh / 1000.0:.1f}"
    yield f"{score.cycles:.1f}"
    yield f"{score.departures_met_count}/{score.departures_count}"
    yield f"{score.missed_wh / 1000.0:.2f}"
    yield f"{score.switches_per_night:.2f}"
    if score.carbon is not None:
        yield f"{score.carbon.import_kg:.0f}"


def _conclusions(contest: Contest, hardware_price: float | None) -> Iterator[str]:
    whole = attainable(contest.scores)
    if whole is not None:
        yield (
            f"Perfect foresight gains {_amount(whole)} over plain charging: shares are of that, "
            f"less {contest.case.miss_per_kwh:g} for each kWh missed beyond plain charging's."
        )
    for better, worse in ((Strategy.V2G, Strategy.PLAIN), (Strategy.V2G, Strategy.V1G)):
        if better not in contest.entries or worse not in contest.entries:
            continue
        gain = gain_between(contest, better, worse)
        yield f"{TITLES[better]} over {TITLES[worse]}: {gain_words(gain, contest)}."
        if hardware_price is not None:
            found = payback(gain, price=hardware_price)
            yield f"  {payback_words(found, hardware_price, contest)}."
    yield from _warranty(contest)


def aligned(rows: Sequence[Sequence[str]], *, names: int = 1) -> Iterator[str]:
    """Lines whose columns are as wide as they have to be; the first `names` are set to the left."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = zip(row[names:], widths[names:], strict=True)
        left = [cell.ljust(width) for cell, width in zip(row[:names], widths[:names], strict=True)]
        yield "  ".join([*left, *(cell.rjust(width) for cell, width in cells)]).rstrip()


def gain_words(gain: Gain, contest: Contest) -> str:
    """The gain with its range."""
    currency = contest.case.days.currency
    said = f"{gain.default:.0f} {currency} a year ({gain.low:.0f} to {gain.high:.0f} by wear"
    if gain.by_chance is not None:
        said += f", ±{gain.by_chance:.0f} by the luck of the weeks"
    said += ")"
    if gain.best_days_share is not None:
        said += f"; {best_days_words(gain.best_days_share)}"
    return said


def payback_words(found: Payback, price: float, contest: Contest) -> str:
    """When a price is paid back, from soonest to latest."""
    priced = f"{price:.0f} {contest.case.days.currency}"
    if found.soonest_years is None:
        return f"{priced} are never paid back"
    years = (found.soonest_years, found.default_years, found.latest_years)
    soonest, usual, latest = (years_words(one) for one in years)
    when = "never" if found.default_years is None else f"in {usual} years"
    return f"{priced} are paid back {when} ({soonest} to {latest})"


def _warranty(contest: Contest) -> Iterator[str]:
    entry = contest.entries.get(Strategy.V2G)
    use = None if entry is None else entry.score.warranty
    if use is None:
        return
    shares = (
        ("energy", use.energy_share),
        ("hours", use.hours_share),
        ("cycles", use.cycles_share),
    )
    told = [f"{share:.0%} of its {name}" for name, share in shares if share is not None]
    if told:
        yield f"Our V2G uses {', '.join(told)} that the warranty's terms allow for these days."


def _share(strategy: Strategy, contest: Contest) -> str:
    share = share_of_attainable(strategy, contest.scores, miss_per_kwh=contest.case.miss_per_kwh)
    return "" if share is None else f"{share:.1%}"


def _amount(money: Decimal) -> str:
    return str(money.quantize(CENT))
