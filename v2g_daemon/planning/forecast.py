"""What the house will draw: a trailing profile of load and PV, and decaying persistence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from v2g_daemon.domain.plan import HistoryRow
from v2g_daemon.planning.case import Bools, Floats, Ints
from v2g_daemon.planning.wall import (
    DAY_S,
    QUARTER_S,
    local_quarters,
    posix_seconds,
    quarter_seconds,
)

QUARTERS = 96
LOAD_HALF_LIFE_DAYS = 7.0
PV_HALF_LIFE_DAYS = 3.0
OTHER_DAY_TYPE_WEIGHT = 0.25
PERSISTENCE_HOURS = 1.0
KERNEL = (0.25, 0.5, 0.25)


@dataclass(frozen=True, slots=True, kw_only=True)
class NetLoadForecast:
    """Mean power per step, load − PV; `pv_w` is None where no PV is metered."""

    net_load_w: Floats
    pv_w: Floats | None


def forecast_net_load(
    history: Sequence[HistoryRow],
    starts_utc: Sequence[datetime],
    *,
    current_net_load_w: float | None,
    timezone_name: str,
) -> NetLoadForecast:
    """Forecast the steps from past quarter hours; without any, the present power goes on (or 0)."""
    if not history:
        flat_w = 0.0 if current_net_load_w is None else current_net_load_w
        return NetLoadForecast(net_load_w=np.full(len(starts_utc), flat_w), pv_w=None)
    zone = ZoneInfo(timezone_name)
    steps_s = posix_seconds(starts_utc)
    past, pv_known = _past_of(history)
    if 2 * int(pv_known.sum()) < len(history):
        net_w, pv_w = _load_profile(past.start_s, past.net_load_w, steps_s, zone), None
    else:
        metered = past.where(pv_known)
        load_w = metered.net_load_w + metered.pv_w
        pv_w = np.maximum(_pv_profile(metered.start_s, metered.pv_w, steps_s), 0.0)
        net_w = _load_profile(metered.start_s, load_w, steps_s, zone) - pv_w
    if current_net_load_w is not None:
        net_w = net_w + (current_net_load_w - net_w[0]) * _persistence(steps_s)
    return NetLoadForecast(net_load_w=net_w, pv_w=pv_w)


def _persistence(steps_s: Ints) -> Floats:
    """How much of the present deviation is left in each step: 1 now, 1/e after an hour."""
    ahead_h = (steps_s - steps_s[0]) / 3600.0
    left: Floats = np.exp(-ahead_h / PERSISTENCE_HOURS)
    return left


@dataclass(frozen=True, slots=True, kw_only=True)
class _Past:
    """Past quarter hours as columns."""

    start_s: Ints
    net_load_w: Floats
    pv_w: Floats

    def where(self, chosen: Bools) -> _Past:
        """The chosen rows."""
        if bool(chosen.all()):
            return self
        return _Past(
            start_s=self.start_s[chosen],
            net_load_w=self.net_load_w[chosen],
            pv_w=self.pv_w[chosen],
        )


def _past_of(history: Sequence[HistoryRow]) -> tuple[_Past, Bools]:
    """The rows as columns, and where PV is known (elsewhere it reads 0)."""
    pv = [row.pv_w for row in history]
    past = _Past(
        start_s=quarter_seconds([row.start_utc for row in history]),
        net_load_w=np.array([row.net_load_w for row in history]),
        pv_w=np.array([0.0 if power_w is None else power_w for power_w in pv]),
    )
    return past, np.array([power_w is not None for power_w in pv], dtype=np.bool_)


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
    total = _smoothed(_summed(place, weight * power_w, 2 * QUARTERS).reshape(kinds))
    count = _smoothed(_summed(place, weight, 2 * QUARTERS).reshape(kinds))
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
    total = _summed(quarter, weight * power_w, QUARTERS)
    count = _summed(quarter, weight, QUARTERS)
    profile = _smoothed(total) / np.maximum(_smoothed(count), 1e-12)
    return profile[_utc_quarters(steps_s)]


def _summed(place: Ints, amounts: Floats, places: int) -> Floats:
    """What falls on each place."""
    sums: Floats = np.bincount(place, weights=amounts, minlength=places).astype(np.float64)
    return sums


def _smoothed(rows: Floats) -> Floats:
    """Each quarter hour with its neighbours, around midnight too."""
    before, here, after = KERNEL
    return before * np.roll(rows, 1, axis=-1) + here * rows + after * np.roll(rows, -1, axis=-1)


def _utc_quarters(start_s: Ints) -> Ints:
    return start_s % DAY_S // QUARTER_S
