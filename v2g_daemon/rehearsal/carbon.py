"""Carbon at a price: what a house adds to a kWh to decide by, from what it could know.

An import emits what the grid's factor says, and an export stands against as much, as in the score.
The factor of an hour ahead is not known: it is taken to be that of the same hour of late.
"""

from __future__ import annotations

from collections.abc import Sequence

from v2g_daemon.domain.quick import replace
from v2g_daemon.rehearsal.days import Days

# Tomorrow's prices are out while today is not over: the days that are, and a week of them.
DAYS_BACK = range(2, 9)
G_PER_T = 1e6


def with_carbon(days: Days, g_per_kwh: Sequence[float], *, price_per_t: float) -> Days:
    """The days with what carbon counts per kWh; at no price they are what they were."""
    if price_per_t == 0.0:
        return days
    added = (
        price_per_t / G_PER_T * _of_late(g_per_kwh, slot, days.slots_a_day)
        for slot in range(days.count)
    )
    return replace(days, carbon_per_kwh=tuple(added))


def _of_late(factors: Sequence[float], slot: int, slots_a_day: int) -> float:
    """The mean of the same slot of the last days; 0 where no day is known."""
    places = [slot - back * slots_a_day for back in DAYS_BACK]
    seen = [factors[place] for place in places if place >= 0]
    total = 0.0
    for factor in seen:
        total += factor
    return total / len(seen) if seen else 0.0
