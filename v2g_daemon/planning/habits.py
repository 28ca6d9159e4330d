"""What past stays teach: when this car leaves and returns in a week, and what its trips take.

Two hazards per quarter hour of the local week: that a car plugged in leaves at its end, and that
one away is back. Neighbouring quarter hours and like weekdays lend each other what they saw.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from v2g_daemon.domain.plan import PastStay
from v2g_daemon.domain.same import Same
from v2g_daemon.planning.case import Bools, Floats, Ints, Trips
from v2g_daemon.planning.wall import (
    QUARTER_S,
    QUARTERS,
    Steps,
    local_seconds,
    posix_seconds,
    quarters_of_the_week,
)

DAYS = 7
WEEK = DAYS * QUARTERS
REACH_QUARTERS = 6
SPREAD_QUARTERS = 2.5
SAME_DAY, SAME_KIND, OTHER_KIND = 1.0, 0.4, 0.1
# Before anything was seen: a change every other day, as if seen for five quarters.
PRIOR_CHANCE = 0.5 / QUARTERS
PRIOR_QUARTERS = 5.0

TRIPS_KEPT = 400
TRIPS_HALF_LIFE = 10.0
QUANTILES = 5
# What a trip takes of the pack until one was seen.
FIRST_TRIPS_OF_PACK = (0.13, 0.27)


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """Chances per quarter hour of the local week (Monday 0:00 first), and what a trip takes.

    `plugged_share`: for how much of the time seen the car was plugged in.
    """

    leaves: Floats
    returns: Floats
    trips: Trips
    plugged_share: float

    def over(self, steps: Steps, zone: ZoneInfo) -> tuple[Floats, Floats]:
        """The chances of leaving and of returning by the end of each step."""
        week = quarters_of_the_week(steps.quarters_s, zone)
        quarters = steps.hours * (3600.0 / QUARTER_S)
        return (
            1.0 - (1.0 - steps.mean(self.leaves[week])) ** quarters,
            1.0 - (1.0 - steps.mean(self.returns[week])) ** quarters,
        )


def habits_of(
    stays: Sequence[PastStay], *, now_utc: datetime, timezone_name: str, capacity_wh: float
) -> Habits | None:
    """The habits of the car; None without a single stay."""
    if not stays:
        return None
    seen = _seen(Same(stays))
    came, went, now = _quarters(seen, int(now_utc.timestamp()), ZoneInfo(timezone_name))
    out_until = np.append(came[1:], now if seen.gone[-1] else went[-1])
    leaves = _hazard(events=went[seen.gone] - 1, first=came, end=went)
    returns = _hazard(events=came[1:] - 1, first=went, end=np.maximum(out_until, went))
    return Habits(
        leaves=leaves,
        returns=returns,
        trips=_trips(seen.trips_wh, capacity_wh),
        plugged_share=min(float((went - came).sum()) / max(now - int(came[0]), 1), 1.0),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """The stays as columns, in order of time; `went_s` counts where the car is `gone`."""

    came_s: Ints
    went_s: Ints
    gone: Bools
    trips_wh: tuple[float, ...]


@lru_cache(maxsize=1)
def _seen(stays: Same[Sequence[PastStay]]) -> _Seen:
    ordered = sorted(stays.value, key=lambda stay: stay.plugged_in_utc)
    went_utc = [stay.plugged_out_utc for stay in ordered]
    came_s = posix_seconds([stay.plugged_in_utc for stay in ordered])
    went_s = posix_seconds([one or ordered[0].plugged_in_utc for one in went_utc])
    return _Seen(
        came_s=came_s,
        went_s=went_s,
        gone=np.array([one is not None for one in went_utc], dtype=np.bool_),
        trips_wh=tuple(stay.trip_wh for stay in ordered if stay.trip_wh is not None),
    )


def _quarters(seen: _Seen, now_s: int, zone: ZoneInfo) -> tuple[Ints, Ints, int]:
    """Whole quarter hours since a Monday by the wall clock: those in which a car came, those before
    which it was gone, and that of now.
    """
    went_s, stays = np.where(seen.gone, seen.went_s, now_s), len(seen.came_s)
    local_s = local_seconds(np.concatenate([seen.came_s, went_s, [now_s]]), zone)
    came, went = local_s[:stays] // QUARTER_S, -(-local_s[stays:-1] // QUARTER_S)
    return came, np.maximum(went, came), int(local_s[-1]) // QUARTER_S


def _hazard(*, events: Ints, first: Ints, end: Ints) -> Floats:
    """Events per quarter hour at risk; the spans [first, end) were at risk."""
    happened = _pooled(np.bincount(events % WEEK, minlength=WEEK).astype(np.float64))
    at_risk = _pooled(_covered(first, end))
    hazard = (happened + PRIOR_CHANCE * PRIOR_QUARTERS) / (at_risk + PRIOR_QUARTERS)
    return np.clip(hazard, 0.0, 1.0)


def _covered(first: Ints, end: Ints) -> Floats:
    """How often the spans cover each quarter hour of the week."""
    length = end - first
    rises = np.zeros(2 * WEEK + 1)
    begin = first % WEEK
    np.add.at(rises, begin, 1.0)
    np.add.at(rises, begin + length % WEEK, -1.0)
    twice = np.cumsum(rises)[: 2 * WEEK].reshape(2, WEEK).sum(axis=0)
    covered: Floats = twice + float((length // WEEK).sum())
    return covered


def _pooled(week: Floats) -> Floats:
    """Spread over neighbouring quarter hours, and lent between weekdays."""
    kernel, lent = _lending()
    around = np.concatenate([week[-REACH_QUARTERS:], week, week[:REACH_QUARTERS]])
    spread = np.convolve(around, kernel, "valid")
    pooled: Floats = (lent @ spread.reshape(DAYS, QUARTERS)).reshape(WEEK)
    return pooled


@cache
def _lending() -> tuple[Floats, Floats]:
    """How much a quarter hour counts for each near it, and a weekday for each other (7, 7)."""
    away = np.arange(-REACH_QUARTERS, REACH_QUARTERS + 1)
    weekend = np.arange(DAYS) >= 5
    lent = np.where(weekend[:, None] == weekend, SAME_KIND, OTHER_KIND)
    np.fill_diagonal(lent, SAME_DAY)
    return np.exp(-0.5 * (away / SPREAD_QUARTERS) ** 2), lent


def _trips(trips_wh: Sequence[float], capacity_wh: float) -> Trips:
    """Quantiles, as likely as each other, in which new trips count most; none exceeds the pack."""
    if len(trips_wh) == 0:
        share = np.array(FIRST_TRIPS_OF_PACK)
        return Trips(energy_wh=share * capacity_wh, weight=np.full(len(share), 1.0 / len(share)))
    seen_wh = np.clip(trips_wh[-TRIPS_KEPT:], 0.0, capacity_wh)
    weight = np.exp2(-np.arange(len(seen_wh))[::-1] / TRIPS_HALF_LIFE)
    order = np.argsort(seen_wh, kind="stable")
    middle = (np.cumsum(weight[order]) - weight[order] / 2.0) / weight.sum()
    levels = (np.arange(QUANTILES) + 0.5) / QUANTILES
    return Trips(
        energy_wh=np.interp(levels, middle, seen_wh[order]),
        weight=np.full(QUANTILES, 1.0 / QUANTILES),
    )
