"""What prices may be in a market that tells them only as they hold: what they were of late.

Each step may cost whatever the same wall time cost on the last days. Ranked and put together in
equal shares these are the scenarios, so that a rare high price stays high. How far the present
price lies from the usual one is added to all of them, and fades; of a spike no more than its usual
part, for the next interval knows nothing of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np

from v2g_daemon.domain.prices import PriceSlot
from v2g_daemon.planning.case import Floats, Ints, PriceBand
from v2g_daemon.planning.price_tail import TERMINAL_QUANTILE, StepPrices
from v2g_daemon.planning.wall import QUARTER_S, Steps, posix_seconds, same_wall_time

SCENARIOS = 8
DAYS_BACK = 28
PERSISTENCE_HOURS = 3.0
USUAL = (0.1, 0.9)


def banded_prices(
    past: Sequence[PriceSlot], present: PriceSlot | None, steps: Steps, *, timezone_name: str
) -> tuple[StepPrices, PriceBand]:
    """The prices expected of each step, and their band; without a past the present one, or 0."""
    line = _Line.of(past, present)
    band = _band(line, present, steps, ZoneInfo(timezone_name))
    expected = StepPrices(
        import_per_kwh=band.import_per_kwh.mean(axis=0),
        export_per_kwh=band.export_per_kwh.mean(axis=0),
        is_forecast=np.arange(len(steps.hours)) > (-1 if present is None else 0),
        terminal_per_kwh=max(float(np.quantile(line.every[0], TERMINAL_QUANTILE)), 0.0),
    )
    return expected, band


def _band(line: _Line, present: PriceSlot | None, steps: Steps, zone: ZoneInfo) -> PriceBand:
    """The present price in the first step, and its usual part in those after it."""
    quarters_s = steps.quarters_s - steps.quarters_s % QUARTER_S
    days_back = np.arange(1, DAYS_BACK + 1)[:, None]
    seen = line.at(same_wall_time(quarters_s, zone, days_back=days_back))
    counts = np.diff(np.append(steps.first, len(quarters_s)))
    found = np.empty((2, SCENARIOS, len(counts)))
    for count in np.unique(counts).tolist():
        alike = np.flatnonzero(counts == count)
        held = steps.first[alike] + np.arange(count)[:, None]
        samples = seen[:, :, held].reshape(2, -1, len(alike))
        found[:, :, alike] = _ranked(samples)
    never = np.isnan(found[0, 0])
    found[:, :, never] = _ranked(line.every[:, :, None])
    if present is not None:
        now = np.array([present.import_per_kwh, present.export_per_kwh])
        fades = np.exp((steps.starts_s[0] - steps.starts_s) / 3600.0 / PERSISTENCE_HOURS)
        known = seen[:, ~np.isnan(seen[0, :, 0]), 0]
        apart = _usual_part(now, known if known.shape[1] > 0 else line.every)
        found = found + apart[:, None, None] * fades
        found[:, :, 0] = now[:, None]
    return PriceBand(import_per_kwh=found[0], export_per_kwh=found[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """Import and export price of every quarter hour since `first`; NaN where it is unknown."""

    first: int
    prices: Floats
    every: Floats

    @staticmethod
    def of(past: Sequence[PriceSlot], present: PriceSlot | None) -> _Line:
        """A quarter hour of several slots has the price of the last of them."""
        known = [*past] if past or present is None else [present]
        if not known:
            return _Line(first=0, prices=np.full((2, 1), np.nan), every=np.zeros((2, 1)))
        quarters = posix_seconds([slot.interval.start_utc for slot in known]) // QUARTER_S
        prices = np.full((2, int(quarters[-1] - quarters[0]) + 1), np.nan)
        prices[0, quarters - quarters[0]] = [slot.import_per_kwh for slot in known]
        prices[1, quarters - quarters[0]] = [slot.export_per_kwh for slot in known]
        every = prices[:, ~np.isnan(prices[0])]
        return _Line(first=int(quarters[0]), prices=prices, every=every)

    def at(self, moments_s: Ints) -> Floats:
        """Both prices at the moments, of shape (2, ...)."""
        place = moments_s // QUARTER_S - self.first
        inside = (place >= 0) & (place < self.prices.shape[1])
        found: Floats = np.where(inside, self.prices[:, np.where(inside, place, 0)], np.nan)
        return found


def _ranked(prices: Floats) -> Floats:
    """Pairs of shape (2, n, steps) from low to high, as the means of equal shares of each step's.

    NaN is not known and does not count; a step without a known price is NaN.
    """
    unknown = np.isnan(prices[0])
    order = np.argsort(np.where(unknown, np.inf, prices.sum(axis=0)), axis=0, kind="stable")
    ranked = np.take_along_axis(np.where(unknown, 0.0, prices), order[None], axis=1)
    reached = np.concatenate([np.zeros_like(ranked[:, :1]), np.cumsum(ranked, axis=1)], axis=1)
    counts = prices.shape[1] - unknown.sum(axis=0)
    edges = np.linspace(0.0, 1.0, SCENARIOS + 1)[:, None] * counts
    below = np.minimum(edges.astype(np.int64), prices.shape[1] - 1)
    low, high = (np.take_along_axis(reached, place[None], axis=1) for place in (below, below + 1))
    at_edges = low + (edges - below) * (high - low)
    with np.errstate(invalid="ignore"):
        means: Floats = np.diff(at_edges, axis=1) * SCENARIOS / np.where(counts > 0, counts, np.nan)
    return means


def _usual_part(now: Floats, seen: Floats) -> Floats:
    """How far both present prices lie from the median of those seen, within their usual spread."""
    low, high = np.quantile(seen, USUAL, axis=1)
    return np.clip(now, low, high) - np.median(seen, axis=1)
