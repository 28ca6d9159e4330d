"""Combinations ranked: a table for the terminal, the page for people, and JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence

from v2g_daemon.adapters.reports import charts
from v2g_daemon.adapters.reports.backtest_text import aligned
from v2g_daemon.adapters.reports.charts import RangedBar
from v2g_daemon.adapters.reports.html import (
    document,
    figure,
    paragraph,
    section,
    table,
    tag,
    text,
)
from v2g_daemon.rehearsal.ranking import Combination, Ranked

PARTS = ("tariff", "car", "charger", "driver")
HEADS = ("plain", "V1G", "V2G", "by wear", "V2G adds", "by wear", "met")
EXPLAINED = (
    "Money a year, all of the house's load included: a negative one is earned. A rank is open "
    "(2–3) where the ranges by battery wear overlap. V2G adds so much to smart charging (V1G)."
)
FOOTER = "Made by v2g compare; v2g backtest with --html shows one of them in full."


def ranking_text(found: Sequence[Ranked]) -> str:
    """The table, each column as wide as it has to be."""
    rows = [("", *_varied(found), *HEADS), *(_row(one, found) for one in found)]
    lines = aligned(rows, names=1 + len(_varied(found)))
    currency = found[0].compared.currency if found else ""
    return "\n".join([*lines, "", f"{currency}. {EXPLAINED}", *_shared(found)]) + "\n"


def ranking_json(found: Sequence[Ranked]) -> str:
    """The ranking for programs, money a year."""
    return json.dumps([_object(one) for one in found], indent=1, ensure_ascii=False) + "\n"


def ranking_page(found: Sequence[Ranked]) -> str:
    """The ranking for people; it needs nothing else."""
    currency = found[0].compared.currency
    heads = ("rank", *_varied(found), *HEADS)
    bars = [_bar(one, found) for one in found]
    said = "; ".join(f"{bar.name}: {bar.label}" for bar in bars)
    return document(
        "Which one is cheapest?",
        tag(
            "div",
            tag("h1", text("Which one is cheapest?")),
            paragraph(_answer(found), "answer"),
            paragraph(_surely(found[0]), "lead"),
            class_="card",
        ),
        section(
            "A year with V2G",
            figure(
                charts.ranged_bars(bars, width=charts.NARROW, said=said),
                charts.ranged_bars(bars, width=charts.ROOMY, said=said),
                f"{currency} a year; the thin lines show the range by battery wear.",
            ),
        ),
        section(
            "All of them",
            table(heads, [_row(one, found) for one in found], names=len(heads) - len(HEADS)),
            paragraph(EXPLAINED, "note"),
            *(paragraph(line, "note") for line in _shared(found)),
        ),
        footer=FOOTER,
    )


def _bar(one: Ranked, found: Sequence[Ranked]) -> RangedBar:
    case = one.compared
    return RangedBar(
        name=_label(case.combination, found),
        value=case.v2g,
        low=case.v2g_low,
        high=case.v2g_high,
        label=f"{case.v2g:,.0f} {case.currency}",
        kind="give" if one.rank == 1 else "plain",
    )


def _answer(found: Sequence[Ranked]) -> str:
    best = found[0].compared
    costs = f"{best.v2g:,.0f} {best.currency} a year"
    return f"{_label(best.combination, found)}: {costs}."


def _surely(best: Ranked) -> str:
    extra = best.compared.extra
    rank = (
        "It stays the cheapest, whatever a kWh through the battery costs"
        if best.worst_rank == 1
        else f"With other battery wear it may be place {best.worst_rank}"
    )
    return (
        f"{rank}. V2G adds {extra.default:,.0f} {best.compared.currency} a year to smart charging "
        f"there ({extra.low:,.0f} to {extra.high:,.0f} by wear)."
    )


def _varied(found: Sequence[Ranked]) -> tuple[str, ...]:
    """The parts in which the combinations differ."""
    return tuple(part for part in PARTS if len(_values(part, found)) > 1)


def _shared(found: Sequence[Ranked]) -> tuple[str, ...]:
    """What all have in common: how many days were rehearsed, and the parts that do not differ."""
    counts = sorted({one.compared.days_count for one in found})
    days = " to ".join(map(str, dict.fromkeys((counts[0], counts[-1]))))
    rehearsed = f"Rehearsed over {days} days, whose money is scaled to a year."
    same = [f"{part} {next(iter(_values(part, found)))}" for part in PARTS
            if len(_values(part, found)) == 1]  # fmt: skip
    return (rehearsed, f"The same for all: {', '.join(same)}.") if same else (rehearsed,)


def _values(part: str, found: Sequence[Ranked]) -> set[str]:
    return {str(getattr(one.compared.combination, part)) for one in found}


def _label(one: Combination, found: Sequence[Ranked]) -> str:
    varied = _varied(found) or PARTS[:1]
    return ", ".join(str(getattr(one, part)) for part in varied)


def _row(one: Ranked, found: Sequence[Ranked]) -> tuple[str, ...]:
    case = one.compared
    return (
        f"{one.rank}" if one.best_rank == one.worst_rank else f"{one.best_rank}–{one.worst_rank}",
        *(str(getattr(case.combination, part)) for part in _varied(found)),
        f"{case.plain:.0f}",
        f"{case.v1g:.0f}",
        f"{case.v2g:.0f}",
        f"{case.v2g_low:.0f} to {case.v2g_high:.0f}",
        f"{case.extra.default:.0f}",
        f"{case.extra.low:.0f} to {case.extra.high:.0f}",
        f"{case.departures_met_count}/{case.departures_count}",
    )


def _object(one: Ranked) -> dict[str, object]:
    case = one.compared
    return {
        "rank": one.rank,
        "best_rank": one.best_rank,
        "worst_rank": one.worst_rank,
        **{part: getattr(case.combination, part) for part in PARTS},
        "currency": case.currency,
        "days": case.days_count,
        "plain": round(case.plain, 2),
        "v1g": round(case.v1g, 2),
        "v2g": round(case.v2g, 2),
        "v2g_low": round(case.v2g_low, 2),
        "v2g_high": round(case.v2g_high, 2),
        "v2g_adds": round(case.extra.default, 2),
        "v2g_adds_low": round(case.extra.low, 2),
        "v2g_adds_high": round(case.extra.high, 2),
        "v2g_adds_by_chance": case.extra.by_chance,
        "missed_kwh": round(case.missed_kwh, 3),
        "departures": case.departures_count,
        "departures_met": case.departures_met_count,
    }
