"""Prices over the horizon: the known ones, then what the same wall time has cost of late."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from v2g_daemon.domain.prices import PriceCurve
from v2g_daemon.domain.same import Same
from v2g_daemon.planning.case import Bools, Floats, Ints
from v2g_daemon.planning.wall import DAY_S, Steps, posix_seconds, same_wall_time

DAYS_BACK = 14
# A car is refilled in about so many of all hours, and finds them among those it is plugged in.
REFILL_SHARE = 0.07
LEAST_PLUGGED_SHARE = 2.0 * REFILL_SHARE
USUAL_PLUGGED_SHARE = 0.35


@dataclass(frozen=True, slots=True, kw_only=True)
class StepPrices:
    """One price pair per step; `is_forecast` marks what no source has published.

    `terminal_per_kwh`: what a kWh in the pack is worth at the end of the horizon.
    """

    import_per_kwh: Floats
    export_per_kwh: Floats
    is_forecast: Bools
    terminal_per_kwh: float


def step_prices(
    curve: PriceCurve, steps: Steps, zone: ZoneInfo, *, plugged_share: float
) -> StepPrices:
    """The mean prices of the steps; with no known price at all, 0 for both.

    `plugged_share`: for how much of the time the car is plugged in.
    """
    known = _known(Same(curve))
    prices, unknown = known.at(steps.quarters_s)
    later = np.flatnonzero(unknown)
    if len(later) > 0:
        prices[:, later] = _as_of_late(known, steps.quarters_s[later], zone)
    import_per_kwh, export_per_kwh = steps.mean(prices)
    return StepPrices(
        import_per_kwh=import_per_kwh,
        export_per_kwh=export_per_kwh,
        is_forecast=steps.mean(unknown.astype(np.float64)) > 0.0,
        terminal_per_kwh=_terminal_per_kwh(known, int(steps.starts_s[0]), plugged_share),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """The slots of a curve as columns; `prices` has a row for import and one for export."""

    start_s: Ints
    end_s: Ints
    prices: Floats

    def at(self, moments_s: Ints) -> tuple[Floats, Bools]:
        """Both prices at the moments, and where they are unknown (0 there)."""
        if len(self.start_s) == 0:
            return np.zeros((2, *moments_s.shape)), np.ones(moments_s.shape, dtype=np.bool_)
        place = np.searchsorted(self.start_s, moments_s, side="right") - 1
        unknown = (place < 0) | (moments_s >= self.end_s[place])
        return np.where(unknown, 0.0, self.prices[:, place]), unknown


@lru_cache(maxsize=1)
def _known(same: Same[PriceCurve]) -> _Known:
    slots, spans = same.value.slots, [slot.interval for slot in same.value.slots]
    starts_utc, ends_utc = [span.start_utc for span in spans], [span.end_utc for span in spans]
    start_s = posix_seconds(starts_utc)
    gapless = starts_utc[1:] == ends_utc[:-1]
    return _Known(
        start_s=start_s,
        end_s=np.append(start_s[1:], posix_seconds(ends_utc[-1:]))
        if gapless
        else posix_seconds(ends_utc),
        prices=np.array(
            [[slot.import_per_kwh for slot in slots], [slot.export_per_kwh for slot in slots]]
        ),
    )


def _as_of_late(known: _Known, moments_s: Ints, zone: ZoneInfo) -> Floats:
    """The mean at the same wall time of the last known days; else the median of all slots."""
    days = np.arange(1, DAYS_BACK + 3)[:, None]
    before_s = same_wall_time(moments_s, zone, days_back=days)
    prices, unknown = known.at(before_s)
    counts = ~unknown & (np.cumsum(~unknown, axis=0) <= DAYS_BACK)
    seen = counts.sum(axis=0)
    mean: Floats = (prices * counts).sum(axis=1) / np.maximum(seen, 1)
    if seen.all():
        return mean
    typical = np.zeros(2) if len(known.start_s) == 0 else np.median(known.prices, axis=1)
    return np.where(seen > 0, mean, typical[:, None])


def _terminal_per_kwh(known: _Known, now_s: int, plugged_share: float) -> float:
    """What a kWh left over is worth by the import prices of late."""
    recent = known.end_s > now_s - DAYS_BACK * DAY_S
    if not recent.any():
        return 0.0
    lengths_s = (known.end_s - known.start_s)[recent]
    even = np.repeat(known.prices[0, recent], lengths_s // lengths_s.min())
    return refill_per_kwh(even, plugged_share)


def refill_per_kwh(import_per_kwh: Floats, plugged_share: float) -> float:
    """What refilling in a cheap hour would cost: a low quantile, never negative.

    The less of the time a car is plugged in, the less choosy it can be. The loss of a refill and
    that of a use lie on either side of it, so neither is applied.
    """
    level = REFILL_SHARE / max(plugged_share, LEAST_PLUGGED_SHARE)
    ranked = np.sort(import_per_kwh)
    return max(float(np.interp(level * (len(ranked) - 1), np.arange(len(ranked)), ranked)), 0.0)
