"""Strategies side by side: what each gains, how sure that is, and when a price is paid back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from math import sqrt
from zoneinfo import ZoneInfo

from v2g_daemon.rehearsal.job import Job, Ran
from v2g_daemon.rehearsal.score import Score
from v2g_daemon.rehearsal.strategies import Strategy

DAYS_A_YEAR = 365
BEST_DAYS = 10
# Eight of ten years lie within so many standard deviations, if weeks come and go by chance.
EIGHT_OF_TEN = 1.28
WEEKS_A_YEAR = 365.0 / 7.0
LEAST_WEEKS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """Money a year more than another strategy leaves: with default wear, and over the wear band.

    `by_chance`: half the span in which eight of ten such years lie, drawn from these weeks (None:
    too few). `best_days_share`: what part of it the ten best days bring.
    """

    default: float
    low: float
    high: float
    by_chance: float | None
    best_days_share: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Payback:
    """Years until a price is earned: soonest, by default, latest; None: never."""

    soonest_years: float | None
    default_years: float | None
    latest_years: float | None


def attainable(scores: Mapping[Strategy, Score]) -> Decimal | None:
    """What perfect foresight gains over plain charging."""
    plain, perfect = scores.get(Strategy.PLAIN), scores.get(Strategy.PERFECT)
    return None if plain is None or perfect is None else plain.net_cost - perfect.net_cost


def share_of_attainable(
    strategy: Strategy, scores: Mapping[Strategy, Score], *, miss_per_kwh: float
) -> float | None:
    """The part of it that a strategy gains; what it misses beyond plain charging is taken off."""
    whole = attainable(scores)
    if whole is None or whole <= 0 or strategy not in scores:
        return None
    plain, score = scores[Strategy.PLAIN], scores[strategy]
    avoidable_wh = max(score.missed_wh - plain.missed_wh, 0.0)
    gained = float(plain.net_cost - score.net_cost) - miss_per_kwh * avoidable_wh / 1000.0
    return gained / float(whole)


def gain_over(job: Job, better: tuple[Score, Ran], worse: tuple[Score, Ran]) -> Gain:
    """What one strategy gains over another in a year like these days."""
    (score, ran), (base, base_ran) = better, worse
    years = job.days.count / (DAYS_A_YEAR * job.days.slots_a_day)
    by_wear = (
        float(base.net_cost_at(base.wear.high) - score.net_cost_at(score.wear.high)) / years,
        float(base.net_cost_at(base.wear.low) - score.net_cost_at(score.wear.low)) / years,
    )
    daily = [
        was - now
        for was, now in zip(
            cost_by(job, base_ran, job.days.slots_a_day),
            cost_by(job, ran, job.days.slots_a_day),
            strict=True,
        )
    ]
    return Gain(
        default=float(base.net_cost - score.net_cost) / years,
        low=min(by_wear),
        high=max(by_wear),
        by_chance=_by_chance(daily),
        best_days_share=_best_days_share(daily),
    )


def payback(gain: Gain, *, price: float) -> Payback:
    """How long a gain takes to earn a price, over the wear band and chance."""
    chance = 0.0 if gain.by_chance is None else gain.by_chance
    return Payback(
        soonest_years=_years(price, gain.high + chance),
        default_years=_years(price, gain.default),
        latest_years=_years(price, gain.low - chance),
    )


def cost_by(job: Job, ran: Ran, slots: int) -> list[float]:
    """Money of every so many slots: at the prices per kWh, with wear, less what was stored."""
    blocks = range(0, job.days.count, slots)
    return [_cost(job, ran, first, min(first + slots, job.days.count)) for first in blocks]


def cost_by_month(job: Job, ran: Ran) -> dict[date, float]:
    """The same by the local calendar month, under its first day."""
    days = job.days
    zone = ZoneInfo(days.timezone)
    firsts: dict[date, int] = {}
    for slot in range(0, days.count, days.slots_a_day // 24):
        firsts.setdefault(days.utc(slot).astimezone(zone).date().replace(day=1), slot)
    ends = [*firsts.values(), days.count][1:]
    return {
        month: _cost(job, ran, first, end)
        for (month, first), end in zip(firsts.items(), ends, strict=True)
    }


def _cost(job: Job, ran: Ran, first: int, end: int) -> float:
    days = job.days
    wear_per_kwh = job.policy.vehicles[0].wear_cost_per_kwh_discharged
    paid, out_wh = 0.0, 0.0
    for slot in range(first, end):
        paid += ran.import_milliwh[slot] / 1e6 * days.import_per_kwh[slot]
        paid -= ran.export_milliwh[slot] / 1e6 * days.export_per_kwh[slot]
        out_wh += max(-ran.pack_wh[slot], 0.0)
    before_wh = job.start_wh if first == 0 else ran.energy_wh[first - 1]
    stored_wh = ran.energy_wh[end - 1] - before_wh
    return paid + out_wh / 1000.0 * wear_per_kwh - stored_wh / 1000.0 * job.end_per_kwh


def _by_chance(daily: list[float]) -> float | None:
    weeks = [_total(daily[first : first + 7]) for first in range(0, len(daily) - 6, 7)]
    if len(weeks) < LEAST_WEEKS:
        return None
    mean = _total(weeks) / len(weeks)
    variance = _total([(week - mean) * (week - mean) for week in weeks]) / (len(weeks) - 1)
    return EIGHT_OF_TEN * sqrt(variance * WEEKS_A_YEAR)


def _best_days_share(daily: list[float]) -> float | None:
    """None where there is nothing to share, or too few days."""
    whole = _total(daily)
    if whole <= 0.0 or len(daily) < 7 * LEAST_WEEKS:
        return None
    return _total(sorted(daily)[-BEST_DAYS:]) / whole


def _years(price: float, per_year: float) -> float | None:
    return price / per_year if per_year > 0.0 else None


def _total(values: list[float]) -> float:
    total = 0.0
    for value in values:
        total += value
    return total
