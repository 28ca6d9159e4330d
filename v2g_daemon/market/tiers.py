"""Tiers: what a kWh costs more the more of them a bill month has seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from v2g_daemon.market.tariff import TierStep


@dataclass(frozen=True, slots=True, kw_only=True)
class TierState:
    """Where a bill month stands: used so far, the adder of the next kWh, and how far it holds.

    `left_milliwh` None: to the end of the month.
    """

    used_milliwh: int
    adder: Decimal
    left_milliwh: int | None


def state(tiers: Sequence[TierStep], used_milliwh: int) -> TierState | None:
    """The tier of the next kWh; None where there are no tiers."""
    for step in tiers:
        if step.upper_milliwh is None:
            return TierState(used_milliwh=used_milliwh, adder=step.adder, left_milliwh=None)
        if used_milliwh < step.upper_milliwh:
            left_milliwh = step.upper_milliwh - used_milliwh
            return TierState(used_milliwh=used_milliwh, adder=step.adder, left_milliwh=left_milliwh)
    return None


def between(tiers: Sequence[TierStep], from_milliwh: int, to_milliwh: int) -> Decimal:
    """Adders × milliwatt-hours from one sum of the month to another; negative backwards.

    Below 0 (more exported than imported, where the meter nets) the first tier holds.
    """
    if to_milliwh < from_milliwh:
        return -between(tiers, to_milliwh, from_milliwh)
    total, at = Decimal(0), from_milliwh
    for step in tiers:
        until = to_milliwh if step.upper_milliwh is None else min(step.upper_milliwh, to_milliwh)
        if until > at:
            total += (until - at) * step.adder
            at = until
    return total
