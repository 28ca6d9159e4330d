"""Price curves: what a kWh costs to import and earns when exported, per interval."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import datetime

from v2g_daemon.domain.interval import Interval
from v2g_daemon.domain.quick import quick

# A real-time price that is later than so many of its intervals does not come: it is an outage.
AWAITED_INTERVALS = 2


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class PriceSlot:
    """One price interval; per kWh in the curve's currency, taxes and adders included."""

    interval: Interval
    import_per_kwh: float
    export_per_kwh: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PeakCharge:
    """A demand charge as it stands: what each kW of import beyond `billed_w` adds to the month.

    Import counts within `windows`, as far as the curve reaches (None: at all times).
    """

    name: str
    per_kw: float
    billed_w: float
    windows: tuple[Interval, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceCurve:
    """Slots in time order without overlaps; gaps are allowed and mean "unknown".

    `real_time_s`: the market's interval, where a price is known only while its own one runs (None:
    prices are published ahead). `peak_charges` are those of the running bill month.
    """

    currency: str
    slots: tuple[PriceSlot, ...]
    real_time_s: int | None = None
    peak_charges: tuple[PeakCharge, ...] = ()
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

    def awaited_at(self, moment_utc: datetime) -> bool:
        """Whether a real-time market has yet to tell the price, and told the last one of late."""
        if self.real_time_s is None or not self.slots:
            return False
        late_s = (moment_utc - self.slots[-1].interval.end_utc).total_seconds()
        return 0.0 <= late_s < AWAITED_INTERVALS * self.real_time_s

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
