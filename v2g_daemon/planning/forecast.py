"""What the house will draw: days like the last ones, each as likely as the others.

Load and PV of each of the last days are shifted by how today deviates from them now, which fades.
Where the house says where it is, its PV counts as a share of a clear sky meanwhile; and a weather
service moves the PV of all days to what it lets expect. A house with too short a past has one
scenario: a trailing profile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

import numpy as np

from v2g_daemon.domain.plan import HistoryDay
from v2g_daemon.domain.sun import SunForecast
from v2g_daemon.planning.case import Floats, Ints
from v2g_daemon.planning.past_powers import PastPowers, past_powers
from v2g_daemon.planning.site_response import ToldPv, told_pv
from v2g_daemon.planning.sun import clear_w_per_m2
from v2g_daemon.planning.wall import (
    DAY_S,
    QUARTER_S,
    QUARTERS,
    Steps,
    local_quarters,
    local_seconds,
    same_wall_time,
    summed,
)

LOAD_HALF_LIFE_DAYS = 7.0
PV_HALF_LIFE_DAYS = 3.0
OTHER_DAY_TYPE_WEIGHT = 0.25
PERSISTENCE_HOURS = 3.5
SCENARIOS = 8
FEWEST_SCENARIOS = 2
OTHER_KIND_DAYS = 14
DAYS_BACK = 28
NEVER_DAYS = 1000
KERNEL = (0.25, 0.5, 0.25)


@dataclass(frozen=True, slots=True, kw_only=True)
class NetLoadForecast:
    """Mean powers per step: `scenarios_w` are rows of load − PV that are equally likely.

    `pv_w` is expected; None where no PV is metered.
    """

    scenarios_w: Floats
    pv_w: Floats | None


def forecast_net_load(
    history: Sequence[HistoryDay],
    steps: Steps,
    *,
    current_net_load_w: float | None,
    timezone_name: str,
    current_pv_w: float | None = None,
    sun: SunForecast | None = None,
) -> NetLoadForecast:
    """Forecast the steps from past quarter hours; without any, the present power goes on (or 0).

    `sun` moves the expected PV where PV is metered; the days stay as far from each other.
    """
    if not any(history):
        flat_w = 0.0 if current_net_load_w is None else current_net_load_w
        return NetLoadForecast(scenarios_w=np.full((1, len(steps.hours)), flat_w), pv_w=None)
    zone = ZoneInfo(timezone_name)
    whole, pv_known = past_powers(history)
    metered = 2 * int(pv_known.sum()) >= len(pv_known)
    past = whole.where(pv_known) if metered else replace(whole, pv_w=np.zeros(len(whole.pv_w)))
    now = _Now(net_load_w=current_net_load_w, pv_w=current_pv_w if metered else None)
    told = _told(sun, past, steps) if metered else None
    days = _last_days(past, steps, zone, now, told, sun if metered else None)
    if days is None:
        return _by_profile(past, steps, current_net_load_w, zone, told, metered=metered)
    load_w, pv_w = days
    return NetLoadForecast(scenarios_w=load_w - pv_w, pv_w=pv_w.mean(axis=0) if metered else None)


def _told(sun: SunForecast | None, past: PastPowers, steps: Steps) -> ToldPv | None:
    """What a weather service lets expect of the quarter hours of the steps."""
    if sun is None or sun.told_utc is None:
        return None
    quarters_s = _quarters(steps)
    return told_pv(sun, past.start_s, past.pv_w, quarters_s, now_s=int(quarters_s[0]))


def _quarters(steps: Steps) -> Ints:
    return steps.quarters_s - steps.quarters_s % QUARTER_S


def _last_days(
    past: PastPowers,
    steps: Steps,
    zone: ZoneInfo,
    now: _Now,
    told: ToldPv | None,
    sun: SunForecast | None,
) -> tuple[Floats, Floats] | None:
    """Load and PV of the steps as on each of the last days; None with fewer than two of them."""
    line = _Line.of(past)
    quarters_s = _quarters(steps)
    days_known = int(quarters_s[0] // QUARTER_S - line.first) // QUARTERS
    if days_known < FEWEST_SCENARIOS:
        return None
    days_known = min(days_known, DAYS_BACK)
    load_s = _days_like(quarters_s, zone, days_known, other_kind_days=OTHER_KIND_DAYS)
    pv_s = _days_like(quarters_s, zone, days_known, other_kind_days=0)
    load_w, clear = line.at(line.load_w, load_s), None
    if sun is None:
        pv_w = line.at(line.pv_w, pv_s)
    else:
        ahead = clear_w_per_m2(sun, quarters_s)
        pv_w = line.at(line.pv_w / clear_w_per_m2(sun, line.quarters_s), pv_s) * ahead
        clear = steps.mean(ahead)
    pv_w = pv_w if told is None else told.moved(pv_w)
    return _from_now_on(steps.mean(load_w), steps.mean(pv_w), line, steps, now, clear)


def _days_like(quarters_s: Ints, zone: ZoneInfo, days_known: int, *, other_kind_days: int) -> Ints:
    """For each quarter hour the same wall time of the last days, newest first (scenarios, n).

    A weekend day counts as so many days older for a weekday, and the other way round.
    """
    back = np.arange(1, days_known + 1)[:, None]
    day = local_seconds(quarters_s, zone) // DAY_S
    days_ahead = (quarters_s - quarters_s[0]) // DAY_S
    # Which days are like it depends on the day alone, and on how far that is ahead.
    turns = np.flatnonzero(np.diff(day, prepend=-1) | np.diff(days_ahead, prepend=-1))
    other_kind = (day[turns] % 7 >= 5) != ((day[turns] - back) % 7 >= 5)
    future = back <= days_ahead[turns]
    age_days = back + other_kind_days * other_kind + NEVER_DAYS * future
    newest = np.argsort(age_days, axis=0, kind="stable")[: min(SCENARIOS, days_known - 1)] + 1
    lengths = np.diff(turns, append=len(quarters_s))
    return same_wall_time(quarters_s, zone, days_back=np.repeat(newest, lengths, axis=1))


def _from_now_on(
    load_w: Floats, pv_w: Floats, line: _Line, steps: Steps, now: _Now, clear: Floats | None
) -> tuple[Floats, Floats]:
    """Each day shifted to what is measured now; without a PV meter to the newest that was.

    PV by the same share of a clear sky, where that is known.
    """
    if now.net_load_w is None:
        return load_w, pv_w
    left = _persistence(steps.starts_s)
    shining_w = line.newest_pv_w if now.pv_w is None else now.pv_w
    drawn_w = now.net_load_w + shining_w
    brighter_w = shining_w - pv_w[:, :1]
    if clear is not None:
        brighter_w = brighter_w / clear[0] * clear
    return (
        load_w + (drawn_w - load_w[:, :1]) * left,
        np.maximum(pv_w + brighter_w * left, 0.0),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Now:
    """What is measured now; None where it is not."""

    net_load_w: float | None
    pv_w: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """Load and PV of every quarter hour from number `first` on; NaN where unknown."""

    first: int
    load_w: Floats
    pv_w: Floats

    @staticmethod
    def of(past: PastPowers) -> _Line:
        quarter = past.start_s // QUARTER_S
        first = int(quarter.min())
        load_w = np.full(int(quarter.max()) - first + 1, np.nan)
        pv_w = load_w.copy()
        load_w[quarter - first] = past.net_load_w + past.pv_w
        pv_w[quarter - first] = past.pv_w
        return _Line(first=first, load_w=load_w, pv_w=pv_w)

    @property
    def quarters_s(self) -> Ints:
        """When each quarter hour began."""
        return (self.first + np.arange(len(self.pv_w), dtype=np.int64)) * QUARTER_S

    @property
    def newest_pv_w(self) -> float:
        """What the sun gave last."""
        return float(self.pv_w[-1])

    def at(self, values: Floats, moments_s: Ints) -> Floats:
        """Values at moments of shape (scenarios, n); what is unknown is as on the other days."""
        place = np.clip(moments_s // QUARTER_S - self.first, 0, len(values) - 1)
        found = values[place]
        gaps = np.isnan(found)
        if gaps.any():
            seen = np.maximum((~gaps).sum(axis=0), 1)
            mean = np.where(gaps, 0.0, found).sum(axis=0) / seen
            found = np.where(gaps, mean, found)
        return found


def _by_profile(
    past: PastPowers,
    steps: Steps,
    current_net_load_w: float | None,
    zone: ZoneInfo,
    told: ToldPv | None,
    *,
    metered: bool,
) -> NetLoadForecast:
    """One scenario: what the same quarter hours drew so far, newer days first."""
    net_w = _load_profile(past.start_s, past.net_load_w + past.pv_w, steps.starts_s, zone)
    pv_w = None
    if metered:
        pv_w = np.maximum(_pv_profile(past.start_s, past.pv_w, steps.starts_s), 0.0)
        if told is not None:
            quarters_w = _pv_profile(past.start_s, past.pv_w, _quarters(steps))
            pv_w = steps.mean(told.moved(np.maximum(quarters_w, 0.0)[None, :])[0])
        net_w = net_w - pv_w
    if current_net_load_w is not None:
        net_w = net_w + (current_net_load_w - net_w[0]) * _persistence(steps.starts_s)
    return NetLoadForecast(scenarios_w=net_w[None, :], pv_w=pv_w)


def _persistence(steps_s: Ints) -> Floats:
    """How much of the present deviation is left in each step: 1 now, 1/e after its hours."""
    ahead_h = (steps_s - steps_s[0]) / 3600.0
    left: Floats = np.exp(-ahead_h / PERSISTENCE_HOURS)
    return left


def _weights(start_s: Ints, now_s: int, half_life_days: float) -> Floats:
    """Newer days count more."""
    age_days = (now_s - start_s) / DAY_S
    weight: Floats = np.exp2(-np.maximum(age_days, 0.0) / half_life_days)
    return weight


def _load_profile(start_s: Ints, power_w: Floats, steps_s: Ints, zone: ZoneInfo) -> Floats:
    """Load by local quarter hour; weekdays and weekends apart, the other kind filling in."""
    weight = _weights(start_s, int(steps_s[0]), LOAD_HALF_LIFE_DAYS)
    weekday, quarter = local_quarters(start_s, zone)
    place = (weekday >= 5) * QUARTERS + quarter
    kinds = (2, QUARTERS)
    total = _smoothed(summed(place, weight * power_w, 2 * QUARTERS).reshape(kinds))
    count = _smoothed(summed(place, weight, 2 * QUARTERS).reshape(kinds))
    total = total + OTHER_DAY_TYPE_WEIGHT * total[::-1]
    count = count + OTHER_DAY_TYPE_WEIGHT * count[::-1]
    overall_w = float(np.average(power_w, weights=weight))
    profile = np.where(count > 0.0, total / np.where(count > 0.0, count, 1.0), overall_w)
    wanted_day, wanted_quarter = local_quarters(steps_s, zone)
    return profile[(wanted_day >= 5).astype(np.int64), wanted_quarter]


def _pv_profile(start_s: Ints, power_w: Floats, steps_s: Ints) -> Floats:
    """PV by UTC quarter hour, the last days; an hour never seen yields nothing."""
    weight = _weights(start_s, int(steps_s[0]), PV_HALF_LIFE_DAYS)
    quarter = _utc_quarters(start_s)
    total = summed(quarter, weight * power_w, QUARTERS)
    count = summed(quarter, weight, QUARTERS)
    profile = _smoothed(total) / np.maximum(_smoothed(count), 1e-12)
    return profile[_utc_quarters(steps_s)]


def _smoothed(rows: Floats) -> Floats:
    """Each quarter hour with its neighbours, around midnight too."""
    before, here, after = KERNEL
    return before * np.roll(rows, 1, axis=-1) + here * rows + after * np.roll(rows, -1, axis=-1)


def _utc_quarters(start_s: Ints) -> Ints:
    return start_s % DAY_S // QUARTER_S
