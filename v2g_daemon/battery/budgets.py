"""The budgets of a car's discharge: what is open of them by now, and what is saved up.

A pace opens a budget evenly over its time, with an advance. What is not used stays open, and no
more than the whole ever is: what a warranty allows for its life it does not allow again after it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta

from v2g_daemon.domain.budget import DischargeBudget
from v2g_daemon.domain.interval import Interval
from v2g_daemon.domain.snapshot import DischargeCounters
from v2g_daemon.domain.vehicle import Vehicle, WarrantyTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How a budget opens and how much of it may be saved up, in shares of its time.

    `advance_share` is open from the start on. `saving_share` is the most that is worth saving; in
    the end no more is than the time left would open, so that all of it goes.
    """

    advance_share: float
    saving_share: float

    def open_share(self, elapsed_share: float) -> float:
        """What may be used by now; nothing before the start."""
        if elapsed_share < 0.0:
            return 0.0
        return min(elapsed_share + self.advance_share, 1.0)

    def saved_share(self, elapsed_share: float, used_share: float) -> float:
        """What is open and unused, of the most that is worth saving: 0..1."""
        saved = self.open_share(elapsed_share) - used_share
        if saved <= 0.0:
            return 0.0
        most = min(self.saving_share, max(1.0 - elapsed_share, 0.0))
        return 1.0 if saved >= most else saved / most


# Of eight years: nine months open at once, and a year, with all its seasons, may be saved up.
WARRANTY_PACE = Pace(advance_share=3.0 / 32.0, saving_share=1.0 / 8.0)
# A month that is used no faster than it passes, give or take two days, has enough saved up.
MONTH_PACE = Pace(advance_share=1.0 / 3.0, saving_share=1.0 / 4.0)


def warranty_budgets(
    vehicle: Vehicle, counters: DischargeCounters, now_utc: datetime
) -> tuple[DischargeBudget, ...]:
    """Those that the terms of its warranty name, over the life of the car."""
    terms = vehicle.warranty
    if terms is None:
        return ()
    cycles = terms.equivalent_cycles
    used_wh, used_s = counters.discharged_life_wh, counters.discharging_life_s
    energies = (
        ("energy", terms.discharge_wh),
        ("cycles", None if cycles is None else cycles * vehicle.capacity_wh),
    )
    elapsed_share = _elapsed_share(terms, now_utc)
    found = [
        _budget(f"warranty {name}", WARRANTY_PACE, elapsed_share, used_wh, whole_wh=whole_wh)
        for name, whole_wh in energies
        if whole_wh is not None
    ]
    if terms.discharge_s is not None:
        whole_s = terms.discharge_s
        found.append(
            _budget("warranty hours", WARRANTY_PACE, elapsed_share, used_s, whole_s=whole_s)
        )
    return tuple(found)


def month_budget(
    whole_wh: float, counters: DischargeCounters, month: Interval, now_utc: datetime
) -> DischargeBudget:
    """What may be discharged in a month: all of it is open, and yet it is spread over the month."""
    elapsed_s = (now_utc - month.start_utc).total_seconds()
    used_wh = counters.discharged_month_wh
    spread = _budget("month", MONTH_PACE, elapsed_s / month.seconds_s, used_wh, whole_wh=whole_wh)
    return replace(spread, open_share=1.0)


def _elapsed_share(terms: WarrantyTerms, now_utc: datetime) -> float:
    """How much of the term is over: below 0 before it, above 1 after it."""
    start_utc = datetime.combine(terms.start_date, time(0), tzinfo=UTC)
    term = timedelta(days=365.25 * terms.years)
    return (now_utc - start_utc) / term if term > timedelta(0) else -1.0


def _budget(
    name: str,
    pace: Pace,
    elapsed_share: float,
    used: float | None,
    *,
    whole_wh: float | None = None,
    whole_s: float | None = None,
) -> DischargeBudget:
    whole = whole_wh if whole_s is None else whole_s
    used_share = None
    if used is not None and whole is not None:
        used_share = used / whole if whole > 0.0 else 1.0
    return DischargeBudget(
        name=name,
        whole_wh=whole_wh,
        whole_s=whole_s,
        used_share=used_share,
        open_share=pace.open_share(elapsed_share),
        saved_share=0.0 if used_share is None else pace.saved_share(elapsed_share, used_share),
    )
