"""Is V2G worth it for me, and how sure is that? The answer of a contest in plain words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from v2g_daemon.rehearsal.contest import Contest
from v2g_daemon.rehearsal.strategies import Strategy
from v2g_daemon.rehearsal.verdict import (
    DAYS_A_YEAR,
    Gain,
    Payback,
    gain_over,
    payback,
    share_of_attainable,
)

# Of what the house pays for a year with plain charging: less is hardly worth a second thought.
HARDLY_SHARE, LITTLE_SHARE = 0.015, 0.05
WHOLE_YEAR_DAYS = 330
SURE_YEARS, LIKELY_YEARS, LUCKY_YEARS = 10.0, 12.0, 15.0
LONGEST_YEARS = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The answer, what it says in money, how sure that is, and what it might be wrong by."""

    answer: str
    reasons: tuple[str, ...]
    sureness: str
    doubts: tuple[str, ...]


def verdict(contest: Contest, *, hardware_price: float | None) -> Verdict | None:
    """None where plain charging, our V1G or our V2G is missing."""
    if not {Strategy.PLAIN, Strategy.V1G, Strategy.V2G} <= contest.entries.keys():
        return None
    extra = gain_between(contest, Strategy.V2G, Strategy.V1G)
    if hardware_price is None:
        answer = _by_share(extra, contest)
    else:
        answer = _by_payback(payback(extra, price=hardware_price), hardware_price, contest)
    return Verdict(
        answer=answer,
        reasons=tuple(_reasons(contest, extra)),
        sureness=_sureness(contest, extra, hardware_price),
        doubts=tuple(_doubts(contest, extra)),
    )


def gain_between(contest: Contest, better: Strategy, worse: Strategy) -> Gain:
    """What one strategy gains over another in a year."""
    job = contest.case.job(better, contest.knowledge)
    one, other = contest.entries[better], contest.entries[worse]
    return gain_over(job, (one.score, one.ran), (other.score, other.ran))


def money(amount: float, contest: Contest) -> str:
    """An amount without digits that nobody can be sure of."""
    return f"{amount:,.0f} {contest.case.days.currency}"


def best_days_words(share: float) -> str:
    """What the ten best days are to the whole."""
    if share >= 1.0:
        return "without the ten best days nothing would be left of it"
    return f"the ten best days bring {share:.0%} of it"


def years_words(years: float | None) -> str:
    """A number of years that somebody may live to see."""
    if years is None:
        return "never"
    return f"{years:.0f}" if years <= LONGEST_YEARS else f"over {LONGEST_YEARS:.0f}"


def plain_a_year(contest: Contest) -> float:
    """What the house pays for a year with plain charging, all its load included."""
    whole = float(contest.entries[Strategy.PLAIN].score.net_cost)
    return whole * (DAYS_A_YEAR * contest.case.days.slots_a_day) / contest.case.days.count


def _by_share(extra: Gain, contest: Contest) -> str:
    added = money(abs(extra.default), contest)
    share = extra.default / max(abs(plain_a_year(contest)), 1.0)
    if extra.default <= 0.0:
        return f"No: it would cost about {added} a year."
    if share < HARDLY_SHARE or extra.low <= 0.0:
        return f"Hardly: about {added} a year."
    return (
        f"A little: about {added} a year."
        if share < LITTLE_SHARE
        else (f"Yes: about {added} a year.")
    )


def _by_payback(found: Payback, price: float, contest: Contest) -> str:
    costs = money(price, contest)
    if found.default_years is None:
        return f"No: it never earns back {costs}."
    about = "" if found.default_years > LONGEST_YEARS else "about "
    years = f"{about}{years_words(found.default_years)} years"
    if found.latest_years is not None and found.latest_years <= SURE_YEARS:
        return f"Yes: it earns back {costs} in {years}."
    if found.default_years <= LIKELY_YEARS:
        return f"Probably: it earns back {costs} in {years}."
    if found.soonest_years is not None and found.soonest_years <= LUCKY_YEARS:
        return f"Only with luck: it earns back {costs} in {years}."
    return f"Not at this price: it takes {years} to earn back {costs}."


def _reasons(contest: Contest, extra: Gain) -> Iterator[str]:
    smart = gain_between(contest, Strategy.V1G, Strategy.PLAIN)
    paid = money(plain_a_year(contest), contest)
    low, high = money(extra.low, contest), money(extra.high, contest)
    yield (
        f"So much V2G (the car gives energy back) adds to smart charging in a year: "
        f"{money(extra.default, contest)}, or {low} to {high}, depending on what a kWh through the "
        "battery really costs it."
    )
    yield (
        f"Smart charging alone (V1G: the car charges when power is cheap) saves about "
        f"{money(smart.default, contest)} of the {paid} a year that this house pays if the car "
        "charges as soon as it is plugged in."
    )
    if Strategy.V2H in contest.entries and extra.default > 0.0:
        at_home = gain_between(contest, Strategy.V2H, Strategy.V1G).default / extra.default
        if at_home >= 0.8:
            yield "Nearly all of it comes from covering the house's own load, not from export."
        elif at_home <= 0.3:
            yield "Most of it comes from export: without permission for that, it is not there."
        else:
            yield f"About {at_home:.0%} of it comes from covering the house's own load."


def _sureness(contest: Contest, extra: Gain, hardware_price: float | None) -> str:
    """One sentence over wear and luck together, on the answer that was given."""
    chance = 0.0 if extra.by_chance is None else extra.by_chance
    worst, best = extra.low - chance, extra.high + chance
    if hardware_price is not None and 0.0 < best < hardware_price / LUCKY_YEARS:
        years = years_words(hardware_price / best)
        return f"Quite sure: even with low wear and lucky years it takes {years} years."
    little = LITTLE_SHARE * abs(plain_a_year(contest))
    if hardware_price is None and extra.default > 0.0 and best < little:
        return (
            f"Quite sure that it is little: between {money(worst, contest)} with high wear in an "
            f"unlucky year and {money(best, contest)} with low wear in a lucky one."
        )
    if extra.default <= 0.0:
        return (
            "The plan as it stands loses here; low wear would not save it."
            if best <= 0.0
            else ("It is near the edge: low wear and a lucky year would turn it round.")
        )
    if worst > extra.default / 2.0:
        return f"Quite sure: even high wear and an unlucky year leave {money(worst, contest)}."
    if worst > 0.0:
        return f"Fairly sure: high wear and an unlucky year would leave {money(worst, contest)}."
    return "Not sure: in an unlucky year, or with high wear, nothing may be left of it."


def _doubts(contest: Contest, extra: Gain) -> Iterator[str]:
    wear = contest.case.wear_per_kwh
    yield (
        f"Battery wear is the largest unknown. Counted here: {wear:g} {contest.case.days.currency} "
        "per kWh out of the pack; the range above runs from a quarter of that to a bit over twice."
    )
    days = contest.case.days.count // contest.case.days.slots_a_day
    if days < WHOLE_YEAR_DAYS:
        yield f"Only {days} days were rehearsed and blown up to a year: other seasons differ."
    if extra.by_chance is not None:
        yield (
            f"One year is one draw. If its weeks came and went by chance, eight of ten such years "
            f"would lie within {money(extra.by_chance, contest)} of the figure, either way."
        )
    if extra.best_days_share is not None:
        yield f"Few days count: {best_days_words(extra.best_days_share)}."
    share = share_of_attainable(
        Strategy.V2G, contest.scores, miss_per_kwh=contest.case.miss_per_kwh
    )
    if share is not None:
        most = gain_between(contest, Strategy.PERFECT, Strategy.PLAIN)
        yield (
            f"Nobody could have gained more than {money(most.default, contest)} over plain "
            f"charging, not even with perfect foresight. Our plan reached {share:.0%} of that, "
            "departures that it missed counted against it."
        )
    yield from _about_departures(contest)


def _about_departures(contest: Contest) -> Iterator[str]:
    score = contest.entries[Strategy.V2G].score
    met, all_of_them = score.departures_met_count, score.departures_count
    if met < all_of_them:
        yield (
            f"The car had its energy at {met} of {all_of_them} departures; "
            f"{score.missed_wh / 1000.0:.1f} kWh were missing at the others."
        )
    else:
        yield f"The car had its energy at all {all_of_them} departures."
    if contest.knowledge.value == "a":
        yield "Each departure was told when the car was plugged in; whoever forgets to, earns less."
    else:
        yield "Nobody told a departure: what is known of them was learned."
