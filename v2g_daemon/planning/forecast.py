"""What the house will draw: a trailing profile of load and PV, and decaying persistence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from v2g_daemon.domain.plan import HistoryRow
from v2g_daemon.planning.case import Floats, Ints

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
    metered = [row for row in history if row.pv_w is not None]
    if 2 * len(metered) < len(history):
        net_w, pv_w = _load_profile(_Past.net(history), starts_utc, zone), None
    else:
        load_w = _load_profile(_Past.load(metered), starts_utc, zone)
        pv_w = np.maximum(_pv_profile(_Past.pv(metered), starts_utc), 0.0)
        net_w = load_w - pv_w
    if current_net_load_w is not None:
        net_w = net_w + (current_net_load_w - net_w[0]) * _persistence(starts_utc)
    return NetLoadForecast(net_load_w=net_w, pv_w=pv_w)


def _persistence(starts_utc: Sequence[datetime]) -> Floats:
    """How much of the present deviation is left in each step: 1 now, 1/e after an hour."""
    ahead_h = np.array([(start - starts_utc[0]).total_seconds() / 3600.0 for start in starts_utc])
    return np.exp(-ahead_h / PERSISTENCE_HOURS)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Past:
    starts_utc: tuple[datetime, ...]
    power_w: Floats

    @staticmethod
    def of(pairs: Sequence[tuple[datetime, float]]) -> _Past:
        return _Past(
            starts_utc=tuple(start for start, _ in pairs),
            power_w=np.array([power_w for _, power_w in pairs]),
        )

    @staticmethod
    def net(history: Sequence[HistoryRow]) -> _Past:
        return _Past.of([(row.start_utc, row.net_load_w) for row in history])

    @staticmethod
    def load(history: Sequence[HistoryRow]) -> _Past:
        pairs = [(row.start_utc, row.net_load_w, row.pv_w) for row in history]
        return _Past.of([(start, net_w + pv_w) for start, net_w, pv_w in pairs if pv_w is not None])

    @staticmethod
    def pv(history: Sequence[HistoryRow]) -> _Past:
        return _Past.of([(row.start_utc, row.pv_w) for row in history if row.pv_w is not None])

    def weights(self, now_utc: datetime, half_life_days: float) -> Floats:
        """Newer days count more."""
        age_days = [(now_utc - start).total_seconds() / 86400.0 for start in self.starts_utc]
        weight: Floats = np.exp2(-np.maximum(np.array(age_days), 0.0) / half_life_days)
        return weight


def _load_profile(past: _Past, starts_utc: Sequence[datetime], zone: ZoneInfo) -> Floats:
    """Load by local quarter hour; weekdays and weekends apart, the other kind filling in."""
    weight = past.weights(starts_utc[0], LOAD_HALF_LIFE_DAYS)
    kind, quarter = _local_slots(past.starts_utc, zone)
    total, count = np.zeros((2, QUARTERS)), np.zeros((2, QUARTERS))
    np.add.at(total, (kind, quarter), weight * past.power_w)
    np.add.at(count, (kind, quarter), weight)
    total, count = _smoothed(total), _smoothed(count)
    total = total + OTHER_DAY_TYPE_WEIGHT * total[::-1]
    count = count + OTHER_DAY_TYPE_WEIGHT * count[::-1]
    overall_w = float(np.average(past.power_w, weights=weight))
    profile = np.where(count > 0.0, total / np.where(count > 0.0, count, 1.0), overall_w)
    wanted_kind, wanted_quarter = _local_slots(starts_utc, zone)
    return profile[wanted_kind, wanted_quarter]


def _pv_profile(past: _Past, starts_utc: Sequence[datetime]) -> Floats:
    """PV by UTC quarter hour, the last days; an hour never seen yields nothing."""
    weight = past.weights(starts_utc[0], PV_HALF_LIFE_DAYS)
    total, count = np.zeros(QUARTERS), np.zeros(QUARTERS)
    quarter = _utc_quarters(past.starts_utc)
    np.add.at(total, quarter, weight * past.power_w)
    np.add.at(count, quarter, weight)
    profile = _smoothed(total) / np.maximum(_smoothed(count), 1e-12)
    return profile[_utc_quarters(starts_utc)]


def _smoothed(rows: Floats) -> Floats:
    """Each quarter hour with its neighbours, around midnight too."""
    before, here, after = KERNEL
    return before * np.roll(rows, 1, axis=-1) + here * rows + after * np.roll(rows, -1, axis=-1)


def _local_slots(starts_utc: Sequence[datetime], zone: ZoneInfo) -> tuple[Ints, Ints]:
    local = [start.astimezone(zone) for start in starts_utc]
    kinds = np.array([int(moment.weekday() >= 5) for moment in local], dtype=np.int64)
    quarters = [moment.hour * 4 + moment.minute // 15 for moment in local]
    return kinds, np.array(quarters, dtype=np.int64)


def _utc_quarters(starts_utc: Sequence[datetime]) -> Ints:
    return np.array([start.hour * 4 + start.minute // 15 for start in starts_utc], dtype=np.int64)
