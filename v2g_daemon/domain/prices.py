"""Price curves: what a kWh costs to import and earns when exported, per interval."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import datetime

from v2g_daemon.domain.interval import Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceSlot:
    """One price interval; per kWh in the curve's currency, taxes and adders included."""

    interval: Interval
    import_per_kwh: float
    export_per_kwh: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceCurve:
    """Slots in time order without overlaps; gaps are allowed and mean "unknown"."""

    currency: str
    slots: tuple[PriceSlot, ...]
    _starts: tuple[datetime, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for earlier, later in zip(self.slots, self.slots[1:], strict=False):
            if later.interval.start_utc < earlier.interval.end_utc:
                raise ValueError(f"price slots overlap at {later.interval.start_utc}")
        object.__setattr__(self, "_starts", tuple(slot.interval.start_utc for slot in self.slots))

    def at(self, moment_utc: datetime) -> PriceSlot | None:
        """The slot that contains the moment, or None where the price is unknown."""
        index = bisect_right(self._starts, moment_utc) - 1
        if index < 0 or not self.slots[index].interval.contains(moment_utc):
            return None
        return self.slots[index]

    def known_until(self, moment_utc: datetime) -> datetime:
        """The end of the unbroken run of known prices from the moment (the moment if unknown)."""
        index = bisect_right(self._starts, moment_utc) - 1
        end = moment_utc
        for slot in self.slots[max(index, 0) :]:
            if not slot.interval.start_utc <= end < slot.interval.end_utc:
                break
            end = slot.interval.end_utc
        return end
