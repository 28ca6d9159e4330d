"""What was known when: prices as they were published, departures as somebody told them."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import time, timedelta
from enum import Enum
from itertools import pairwise
from zoneinfo import ZoneInfo

from v2g_daemon.domain.goals import DepartureGoal
from v2g_daemon.domain.interval import Interval, at_local
from v2g_daemon.domain.prices import PriceCurve, PriceSlot
from v2g_daemon.rehearsal.days import Days, Stay

# A daemon that has run for a while knows the last days' prices too.
LOOKED_BACK = timedelta(days=8)
# Prices that hold for good are told so far ahead; no plan looks further.
TOLD_AHEAD_DAYS = 3


class Knowledge(Enum):
    """What a strategy knows of presence; prices are known as published, load and PV as measured."""

    TOLD = "a"  # departure and need of this stay, from plug-in on
    LEARNED = "b"  # nothing but what the past teaches


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPrices:
    """Prices and, for each slot, the slot up to which they are published (`until`).

    `runs[k]` holds from slot `firsts[k]` on: one price, within one local day.
    """

    currency: str
    firsts: tuple[int, ...]
    runs: tuple[PriceSlot, ...]
    until: tuple[int, ...]

    def curve(self, slot: int) -> PriceCurve:
        """What is known in a slot, with the days before."""
        from_utc = self.runs[bisect_right(self.firsts, slot) - 1].interval.start_utc - LOOKED_BACK
        end = bisect_right(self.firsts, self.until[slot] - 1)
        ahead = self.runs[:end]
        return PriceCurve(
            currency=self.currency,
            slots=tuple(one for one in ahead if one.interval.end_utc > from_utc),
        )


def known_prices(days: Days, *, published: time | None) -> KnownPrices:
    """Prices as a house gets to know them.

    Until the wall time `published` they are known to midnight, from then on to the next one; None:
    they hold for good, and are known for days.
    """
    midnights = _midnights(days)
    firsts: list[int] = []
    for first, end in pairwise(midnights):
        for slot in range(max(first, 0), min(end, days.count)):
            if slot == max(first, 0) or _price(days, slot) != _price(days, slot - 1):
                firsts.append(slot)
    ends = [*firsts[1:], days.count]
    return KnownPrices(
        currency=days.currency,
        firsts=tuple(firsts),
        runs=tuple(_run(days, first, end) for first, end in zip(firsts, ends, strict=True)),
        until=_published_until(days, midnights, published),
    )


def told_goal(days: Days, stay: Stay, *, pack_wh: float, floor_wh: float) -> DepartureGoal:
    """The goal of a stay; without a trip known after it, no more than the floor."""
    target_wh = floor_wh if stay.target_wh is None else stay.target_wh
    return DepartureGoal(ready_by_utc=days.utc(stay.end), soc=target_wh / pack_wh)


def _price(days: Days, slot: int) -> tuple[float, float]:
    return days.import_per_kwh[slot], days.export_per_kwh[slot]


def _run(days: Days, first: int, end: int) -> PriceSlot:
    import_per_kwh, export_per_kwh = _price(days, first)
    return PriceSlot(
        interval=Interval(start_utc=days.utc(first), end_utc=days.utc(end)),
        import_per_kwh=import_per_kwh,
        export_per_kwh=export_per_kwh,
    )


def _midnights(days: Days) -> list[int]:
    """The slots at which local days begin, from the first day's to those after the last."""
    zone = ZoneInfo(days.timezone)
    day = days.start_utc.astimezone(zone).date()
    found = [days.slot_at(at_local(day, time(0), zone))]
    while found[-1] < days.count:
        day += timedelta(days=1)
        found.append(days.slot_at(at_local(day, time(0), zone)))
    return found


def _published_until(days: Days, midnights: list[int], published: time | None) -> tuple[int, ...]:
    until: list[int] = []
    zone = ZoneInfo(days.timezone)
    last = len(midnights) - 1
    for number, (first, end) in enumerate(pairwise(midnights)):
        day = days.utc(max(first, 0)).astimezone(zone).date()
        news = end if published is None else days.slot_at(at_local(day, published, zone))
        ahead = TOLD_AHEAD_DAYS if published is None else 1
        today, later = midnights[number + 1], midnights[min(number + 1 + ahead, last)]
        for slot in range(max(first, 0), min(end, days.count)):
            known = later if published is None or slot >= news else today
            until.append(min(known, days.count))
    return tuple(until)
