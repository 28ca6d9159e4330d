"""The days that are rehearsed: load, PV, prices and stays of one house, slot by slot."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from v2g_daemon.domain.interval import QUARTER_HOUR_S

DAY_S = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """The car is plugged in during the slots [first, end).

    `trip_wh` left the pack before it came; `target_wh` is what it should hold when it goes (None:
    nobody knows of a trip after it).
    """

    first: int
    end: int
    trip_wh: float
    target_wh: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """One value per slot from `start_utc` on; prices are what a kWh more costs or earns.

    A slot is a quarter hour, or a shorter part of one in a market that settles so. `stays` are in
    time order and apart. `carbon_per_kwh` is what a house adds to both prices to decide by, and
    nobody pays (None: nothing).
    """

    start_utc: datetime
    timezone: str
    currency: str
    load_w: tuple[float, ...]
    pv_w: tuple[float, ...]
    import_per_kwh: tuple[float, ...]
    export_per_kwh: tuple[float, ...]
    stays: tuple[Stay, ...]
    slot_s: int = QUARTER_HOUR_S
    carbon_per_kwh: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if self.slot_s <= 0 or QUARTER_HOUR_S % self.slot_s != 0:
            raise ValueError(f"slots of {self.slot_s} s do not fill a quarter hour")
        lengths = {len(self.pv_w), len(self.import_per_kwh), len(self.export_per_kwh)}
        if self.carbon_per_kwh is not None:
            lengths.add(len(self.carbon_per_kwh))
        if lengths != {len(self.load_w)}:
            raise ValueError(f"series of {len(self.load_w)} and of {sorted(lengths)} slots")
        free = 0
        for stay in self.stays:
            if not free <= stay.first < stay.end <= self.count:
                raise ValueError(f"a stay in slots {stay.first}–{stay.end} overlaps or is empty")
            free = stay.end

    @property
    def count(self) -> int:
        """The number of slots."""
        return len(self.load_w)

    def utc(self, slot: int) -> datetime:
        """The start of a slot, which is the end of the one before."""
        return self.start_utc + timedelta(seconds=slot * self.slot_s)

    @property
    def end_utc(self) -> datetime:
        """The end of the last slot."""
        return self.utc(self.count)

    def slot_at(self, moment_utc: datetime) -> int:
        """The slot that contains a moment; may lie outside the days."""
        return (moment_utc - self.start_utc) // timedelta(seconds=self.slot_s)

    @property
    def slot_h(self) -> float:
        """The length of a slot in hours."""
        return self.slot_s / 3600.0

    @property
    def slots_a_day(self) -> int:
        """The slots of a day of 24 hours."""
        return DAY_S // self.slot_s

    def hours(self) -> float:
        """Their length in hours."""
        return (self.end_utc - self.start_utc) / timedelta(hours=1)
