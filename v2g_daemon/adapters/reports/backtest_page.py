"""The page of a rehearsal: the answer first, then the money, two days of it, and all figures."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from zoneinfo import ZoneInfo

from v2g_daemon.adapters.reports import charts
from v2g_daemon.adapters.reports.charts import Group, RangedBar
from v2g_daemon.adapters.reports.day_chart import day_figure, shown_days
from v2g_daemon.adapters.reports.html import (
    Html,
    bullets,
    document,
    figure,
    folded,
    joined,
    paragraph,
    section,
    table,
    tag,
    text,
)
from v2g_daemon.adapters.reports.verdict_words import gain_between, money, verdict
from v2g_daemon.rehearsal.contest import Contest
from v2g_daemon.rehearsal.score import Score
from v2g_daemon.rehearsal.strategies import EXPLAINED, OURS, TITLES, Strategy
from v2g_daemon.rehearsal.verdict import cost_by_month, share_of_attainable

FOOTER = (
    "Made by v2g backtest. The strategies of ours are the daemon's own decisions, taken every "
    "quarter hour on what was known then. Car, charger and grid are a model: what really comes "
    "depends on yours."
)
KINDS = {Strategy.V1G: "charge", Strategy.V2H: "charge", Strategy.V2G: "give"}


def backtest_page(contest: Contest, *, hardware_price: float | None) -> str:
    """The whole page as one text."""
    title = f"Is V2G worth it? {contest.case.name}"
    return document(
        title,
        _head(contest),
        _answer(contest, hardware_price),
        *_gains(contest),
        *_months(contest),
        *_days(contest),
        _strategies(contest),
        _basis(contest),
        _figures(contest),
        footer=FOOTER,
    )


def _head(contest: Contest) -> Html:
    days = contest.case.days
    zone = ZoneInfo(days.timezone)
    first, last = days.start_utc.astimezone(zone), days.utc(days.count - 1).astimezone(zone)
    words = (
        f" · {days.count // days.slots_a_day} days, {first:%-d %B %Y} to {last:%-d %B %Y} · "
        "rehearsed with the daemon's own decisions"
    )
    return tag("header", tag("strong", text(contest.case.name)), text(words))


def _answer(contest: Contest, hardware_price: float | None) -> Html:
    found = verdict(contest, hardware_price=hardware_price)
    broken = () if contest.complete else (_partial(contest),)
    if found is None:
        stopped = "The rehearsal was stopped before it could say."
        return tag("div", *broken, paragraph(stopped, "answer"), class_="card")
    return tag(
        "div",
        *broken,
        tag("h1", text("Is V2G worth it for me?")),
        paragraph(found.answer, "answer"),
        *(paragraph(reason, "lead") for reason in found.reasons),
        tag(
            "div",
            tag("h3", text("How sure is that?")),
            paragraph(found.sureness, "lead"),
            bullets(found.doubts),
            class_="sure",
        ),
        class_="card",
    )


def _partial(contest: Contest) -> Html:
    names = ", ".join(TITLES[one] for one in contest.unfinished)
    words = f"Stopped before the end: these are partial results. Broken off: {names}."
    return tag("div", paragraph(words), class_="warn")


def _gains(contest: Contest) -> Iterator[Html]:
    if Strategy.PLAIN not in contest.entries or len(contest.entries) < 2:
        return
    bars = [_bar(one, contest) for one in contest.scores if one is not Strategy.PLAIN]
    said = "; ".join(f"{bar.name}: {bar.label}" for bar in bars)
    yield section(
        "What each way of charging saves in a year",
        figure(
            charts.ranged_bars(bars, width=charts.NARROW, said=said),
            charts.ranged_bars(bars, width=charts.ROOMY, said=said),
            f"{contest.case.days.currency} a year less than plain charging. The thin lines show "
            "the range if a kWh through the battery wears it less or more than assumed.",
        ),
    )


def _bar(strategy: Strategy, contest: Contest) -> RangedBar:
    gain = gain_between(contest, strategy, Strategy.PLAIN)
    wears = contest.entries[strategy].score.discharged_wh > 0.0
    return RangedBar(
        name=f"{TITLES[strategy][4:]}, our plan" if strategy in OURS else _upper(strategy),
        value=gain.default,
        low=gain.low if wears else None,
        high=gain.high if wears else None,
        label=money(gain.default, contest),
        kind=KINDS.get(strategy, "plain"),
    )


def _upper(strategy: Strategy) -> str:
    """Its title at the start of a line."""
    return TITLES[strategy][0].upper() + TITLES[strategy][1:]


def _months(contest: Contest) -> Iterator[Html]:
    shown = [one for one in (Strategy.V1G, Strategy.V2G) if one in contest.entries]
    if Strategy.PLAIN not in contest.entries or len(shown) < 2:
        return
    plain = _by_month(contest, Strategy.PLAIN)
    if len(plain) < 2:
        return
    by_strategy = [_by_month(contest, one) for one in shown]
    groups = [
        Group(
            name=f"{month:%b}"[:1] if len(plain) > 6 else f"{month:%b}",
            values=tuple(plain[month] - one[month] for one in by_strategy),
        )
        for month in plain
    ]
    kinds = [KINDS[one] for one in shown]
    said = "; ".join(
        f"{month:%B}: " + ", ".join(f"{value:.0f}" for value in group.values)
        for month, group in zip(plain, groups, strict=True)
    )
    yield section(
        "When it comes in",
        figure(
            charts.grouped_bars(groups, kinds, width=charts.NARROW, said=said),
            charts.grouped_bars(groups, kinds, width=charts.ROOMY, said=said),
            f"{contest.case.days.currency} saved over plain charging month by month: smart "
            "charging (blue) and V2G (orange), at the prices per kWh.",
        ),
    )


def _by_month(contest: Contest, strategy: Strategy) -> dict[date, float]:
    job = contest.case.job(strategy, contest.knowledge)
    return cost_by_month(job, contest.entries[strategy].ran)


def _days(contest: Contest) -> Iterator[Html]:
    figures = [day_figure(contest, day) for day in shown_days(contest)]
    if figures:
        yield section("Two days of it" if len(figures) > 1 else "A day of it", *figures)


def _strategies(contest: Contest) -> Html:
    heads = ["", "net cost", "of the attainable", "wear", "out of the pack, kWh", "cycles",
             "departures met", "missed, kWh", "switches a night"]  # fmt: skip
    carbon = any(score.carbon is not None for score in contest.scores.values())
    if carbon:
        heads.append("emitted, kg CO2")
    rows = [
        [_upper(strategy), *_cells(strategy, score, contest)]
        for strategy, score in contest.scores.items()
    ]
    explained = (
        joined((tag("dt", text(_upper(one))), tag("dd", text(EXPLAINED[one]))))
        for one in contest.scores
    )
    return section(
        "All strategies",
        table(heads, rows),
        paragraph(
            f"Money in {contest.case.days.currency} for the days rehearsed, energy left in the car "
            f"credited at {contest.case.market.end_per_kwh} per kWh.",
            "note",
        ),
        folded("What each of them does", tag("dl", *explained)),
    )


def _cells(strategy: Strategy, score: Score, contest: Contest) -> Iterator[str]:
    share = share_of_attainable(strategy, contest.scores, miss_per_kwh=contest.case.miss_per_kwh)
    yield f"{score.net_cost:.2f}"
    yield "" if share is None else f"{share:.1%}"
    yield f"{score.wear.default:.2f} ({score.wear.low:.2f}–{score.wear.high:.2f})"
    yield f"{score.discharged_wh / 1000.0:.0f}"
    yield f"{score.cycles:.1f}"
    yield f"{score.departures_met_count} of {score.departures_count}"
    yield f"{score.missed_wh / 1000.0:.2f}"
    yield f"{score.switches_per_night:.2f}"
    if score.carbon is not None:
        yield f"{score.carbon.import_kg:.0f}"


def _basis(contest: Contest) -> Html:
    case, plant = contest.case, contest.case.plant
    facts = [
        f"The car: {plant.pack_wh / 1000.0:g} kWh, kept between {plant.floor_wh / 1000.0:g} and "
        f"{plant.ceiling_wh / 1000.0:g} kWh; {plant.max_charge_w / 1000.0:g} kW in, "
        f"{plant.max_discharge_w / 1000.0:g} kW out, at least {plant.min_charge_w / 1000.0:g} kW.",
        f"Losses of charger and pack: {plant.loss.constant_w:g} W, {plant.loss.linear:.1%} of the "
        f"power, and {plant.loss.quadratic_per_w * 1000.0:g} W per kW squared and kW.",
        f"The connection: {plant.import_limit_w / 1000.0:g} kW in, "
        f"{plant.export_limit_w / 1000.0:g} kW out.",
        _prices_known(contest),
        "Perfect foresight is what a programme finds that knows all of it in advance: it can be "
        "done, and nothing is better by more than its lattice of 0.1 kWh leaves open.",
    ]
    if contest.relaxed_net_cost is not None:
        facts.append(
            f"The linear relaxation, a bound that no charger can reach: a net cost of "
            f"{contest.relaxed_net_cost:.2f} {case.days.currency}."
        )
    return section("What it rests on", bullets((*facts, *case.notes)))


def _prices_known(contest: Contest) -> str:
    published = contest.case.published
    if published is None:
        return "Prices hold for good, so every plan knows them."
    return f"Tomorrow's prices are known from {published:%H:%M} on; no plan knows later ones."


def _figures(contest: Contest) -> Html:
    names = [line.name for score in contest.scores.values() for line in score.lines]
    names = list(dict.fromkeys(names))
    heads = ["", *names, "wear", "energy left", "net cost", "imported, kWh", "exported, kWh",
             "charged, kWh", "discharging, h"]  # fmt: skip
    rows = []
    for strategy, score in contest.scores.items():
        amounts = {line.name: line.amount for line in score.lines}
        rows.append(
            [
                _upper(strategy),
                *(f"{amounts.get(name, 0):.2f}" for name in names),
                f"{score.wear.default:.2f}",
                f"{-score.end_credit:.2f}",
                f"{score.net_cost:.2f}",
                f"{score.import_milliwh / 1e6:.0f}",
                f"{score.export_milliwh / 1e6:.0f}",
                f"{score.charge_milliwh / 1e6:.0f}",
                f"{score.discharging_h:.0f}",
            ]
        )
    return folded("Money by component", table(heads, rows))
