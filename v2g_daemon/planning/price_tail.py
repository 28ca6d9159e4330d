"""Prices over the horizon: the known ones, then the same wall time of the last known day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from v2g_daemon.domain.prices import PriceCurve, PriceSlot
from v2g_daemon.planning.case import Bools, Floats

DAYS_BACK = 8
TERMINAL_QUANTILE = 0.2
# Fewer known hours than this may all lie in one evening; the tail then speaks too.
ENOUGH_KNOWN_HOURS = 12.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StepPrices:
    """One price pair per step; `is_forecast` marks what no source has published."""

    import_per_kwh: Floats
    export_per_kwh: Floats
    is_forecast: Bools

    def terminal_per_kwh(self, hours: Floats) -> float:
        """What a kWh in the pack is worth at the end of the horizon.

        A flat 20 % quantile of the import prices: what refilling it in a cheap hour would cost.
        The charging loss that a refill would add and the discharging loss that a use would take
        lie on either side of it, so neither is applied; never negative.
        """
        known = ~self.is_forecast
        enough = float(hours[known].sum()) >= ENOUGH_KNOWN_HOURS
        prices = self.import_per_kwh[known] if enough else self.import_per_kwh
        return max(float(np.quantile(prices, TERMINAL_QUANTILE)), 0.0)


def step_prices(
    curve: PriceCurve, starts_utc: Sequence[datetime], *, timezone_name: str
) -> StepPrices:
    """The prices of the steps; with no known price at all, 0 for both."""
    zone = ZoneInfo(timezone_name)
    known = [curve.at(start) for start in starts_utc]
    slots = [
        slot if slot is not None else _day_before(curve, start, zone)
        for slot, start in zip(known, starts_utc, strict=True)
    ]
    any_import, any_export = _typical(curve)
    return StepPrices(
        import_per_kwh=np.array([any_import if s is None else s.import_per_kwh for s in slots]),
        export_per_kwh=np.array([any_export if s is None else s.export_per_kwh for s in slots]),
        is_forecast=np.array([slot is None for slot in known], dtype=np.bool_),
    )


def _day_before(curve: PriceCurve, start_utc: datetime, zone: ZoneInfo) -> PriceSlot | None:
    local = start_utc.astimezone(zone)
    for days in range(1, DAYS_BACK):
        slot = curve.at((local - timedelta(days=days)).astimezone(UTC))
        if slot is not None:
            return slot
    return None


def _typical(curve: PriceCurve) -> tuple[float, float]:
    if not curve.slots:
        return 0.0, 0.0
    imports = [slot.import_per_kwh for slot in curve.slots]
    exports = [slot.export_per_kwh for slot in curve.slots]
    return float(np.median(imports)), float(np.median(exports))
