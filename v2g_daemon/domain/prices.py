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

    def mean_over(self, interval: Interval) -> PriceSlot | None:
        """Both prices over an interval, weighted by time; None where any part is unknown."""
        import_money, export_money, at = 0.0, 0.0, interval.start_utc
        while at < interval.end_utc:
            slot = self.at(at)
            if slot is None:
                return None
            until = min(slot.interval.end_utc, interval.end_utc)
            if at == interval.start_utc and until == interval.end_utc:
                return slot
            share = (until - at).total_seconds() / interval.seconds_s
            import_money += slot.import_per_kwh * share
            export_money += slot.export_per_kwh * share
            at = until
        return PriceSlot(
            interval=interval, import_per_kwh=import_money, export_per_kwh=export_money
        )

    def known_until(self, moment_utc: datetime) -> datetime:
        """The end of the unbroken run of known prices from the moment (the moment if unknown)."""
        index = bisect_right(self._starts, moment_utc) - 1
        end = moment_utc
        for slot in self.slots[max(index, 0) :]:
            if not slot.interval.start_utc <= end < slot.interval.end_utc:
                break
            end = slot.interval.end_utc
        return end
