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
LOOKED_BACK = timedelta(days=15)
# Of prices that hold for good a house holds so many days; no plan looks further.
HELD_AHEAD_DAYS = 3
# Of a real-time market's: what settles the quarter hour that has just ended.
LOOKED_BACK_IN_REAL_TIME = timedelta(hours=1)


class Knowledge(Enum):
    """What a strategy knows of presence; prices are known as published, load and PV as measured."""

    TOLD = "a"  # departure and need of this stay, from plug-in on
    LEARNED = "b"  # nothing but what the past teaches


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPrices:
    """Prices and, for each slot, the slot up to which they are published (`until`).

    `held[slot]`: up to where a house holds them. `runs[k]` is the price from slot `firsts[k]` on,
    within one local day, or within one interval of a real-time market.
    """

    currency: str
    firsts: tuple[int, ...]
    runs: tuple[PriceSlot, ...]
    until: tuple[int, ...]
    held: tuple[int, ...]
    real_time_s: int | None = None

    def curve(self, slot: int) -> PriceCurve:
        """What a house holds in a slot, with the days before."""
        behind = LOOKED_BACK if self.real_time_s is None else LOOKED_BACK_IN_REAL_TIME
        from_utc = self.runs[bisect_right(self.firsts, slot) - 1].interval.start_utc - behind
        end = bisect_right(self.firsts, self.held[slot] - 1)
        first = bisect_right(self.runs, from_utc, hi=end, key=lambda one: one.interval.end_utc)
        return PriceCurve(
            currency=self.currency, slots=self.runs[first:end], real_time_s=self.real_time_s
        )


def known_prices(
    days: Days,
    *,
    published: time | None,
    real_time_s: int | None = None,
    told_after_s: int = 0,
) -> KnownPrices:
    """Prices as a house gets to know them.

    Until the wall time `published` they are known to midnight, from then on to the next one; None:
    they hold for good. In a real-time market they are known while their own interval runs, from
    `told_after_s` on.
    """
    if real_time_s is not None:
        return _in_real_time(days, real_time_s, told_after_s)
    midnights = _midnights(days)
    firsts: list[int] = []
    for first, end in pairwise(midnights):
        for slot in range(max(first, 0), min(end, days.count)):
            if slot == max(first, 0) or _price(days, slot) != _price(days, slot - 1):
                firsts.append(slot)
    ends = [*firsts[1:], days.count]
    until = _published_until(days, midnights, published)
    ahead = _in_days(days, midnights, HELD_AHEAD_DAYS)
    return KnownPrices(
        currency=days.currency,
        firsts=tuple(firsts),
        runs=tuple(_run(days, first, end) for first, end in zip(firsts, ends, strict=True)),
        until=until,
        held=tuple(min(one, other) for one, other in zip(until, ahead, strict=True)),
    )


def _in_real_time(days: Days, real_time_s: int, told_after_s: int) -> KnownPrices:
    each, late = real_time_s // days.slot_s, -(-told_after_s // days.slot_s)
    firsts = tuple(range(0, days.count, each))
    ends = (*firsts[1:], days.count)
    until = tuple(
        ends[slot // each] if slot % each >= late else firsts[slot // each]
        for slot in range(days.count)
    )
    return KnownPrices(
        currency=days.currency,
        firsts=firsts,
        runs=tuple(_run(days, first, end) for first, end in zip(firsts, ends, strict=True)),
        until=until,
        held=until,
        real_time_s=real_time_s,
    )


def told_goal(days: Days, stay: Stay, *, pack_wh: float, floor_wh: float) -> DepartureGoal:
    """The goal of a stay; without a trip known after it, no more than the floor."""
    target_wh = floor_wh if stay.target_wh is None else stay.target_wh
    return DepartureGoal(ready_by_utc=days.utc(stay.end), soc=target_wh / pack_wh)


def _price(days: Days, slot: int) -> tuple[float, float]:
    """What a house decides by."""
    bought, sold = days.import_per_kwh[slot], days.export_per_kwh[slot]
    if days.carbon_per_kwh is None:
        return bought, sold
    return bought + days.carbon_per_kwh[slot], sold + days.carbon_per_kwh[slot]


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
    if published is None:
        return (days.count,) * days.count
    today, tomorrow = _in_days(days, midnights, 0), _in_days(days, midnights, 1)
    zone = ZoneInfo(days.timezone)
    until: list[int] = []
    for first, end in pairwise(midnights):
        day = days.utc(max(first, 0)).astimezone(zone).date()
        news = days.slot_at(at_local(day, published, zone))
        for slot in range(max(first, 0), min(end, days.count)):
            until.append(tomorrow[slot] if slot >= news else today[slot])
    return tuple(until)


def _in_days(days: Days, midnights: list[int], ahead: int) -> tuple[int, ...]:
    """For each slot the midnight that ends its local day, or a day so far ahead."""
    last = len(midnights) - 1
    ends: list[int] = []
    for number, (first, end) in enumerate(pairwise(midnights)):
        midnight = min(midnights[min(number + 1 + ahead, last)], days.count)
        ends += [midnight] * (min(end, days.count) - max(first, 0))
    return tuple(ends)
