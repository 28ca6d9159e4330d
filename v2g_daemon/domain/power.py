"""PowerRange: what is permitted. Layers may only narrow it.

Load convention: positive W flows into the thing named (EVSE: charge +, discharge −).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf, isnan

from v2g_daemon.domain.quick import quick


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class PowerRange:
    """lowest_w <= highest_w; infinities mean "no bound"."""

    lowest_w: float
    highest_w: float

    def __post_init__(self) -> None:
        if isnan(self.lowest_w) or isnan(self.highest_w) or self.lowest_w > self.highest_w:
            raise ValueError(f"not a range: {self.lowest_w}..{self.highest_w} W")

    def contains(self, power_w: float) -> bool:
        """Whether the power lies in the closed range; never true for NaN."""
        return self.lowest_w <= power_w <= self.highest_w

    def clamp(self, power_w: float) -> float:
        """The permitted power nearest to `power_w`."""
        return min(max(power_w, self.lowest_w), self.highest_w)

    def narrowed_by(self, other: PowerRange) -> PowerRange:
        """The intersection; never empty among limits, since each contains 0 W."""
        if other.lowest_w <= self.lowest_w and self.highest_w <= other.highest_w:
            return self
        return PowerRange(
            lowest_w=max(self.lowest_w, other.lowest_w),
            highest_w=min(self.highest_w, other.highest_w),
        )


def total_w(powers_w: Iterable[float]) -> float:
    """The left fold of the powers: the same bits on every machine and Python version."""
    total = 0.0
    for power_w in powers_w:
        total += power_w
    return total


def load_beside(load_w: float, power_w: float) -> float:
    """What is left of a net load to serve, or of a surplus to take, beside an EVSE at this power.

    Beside one that charges no load is served, and beside one that discharges no surplus is taken:
    no pack is filled from another's.
    """
    if power_w > 0.0:
        return min(load_w + power_w, 0.0)
    return max(load_w + power_w, 0.0) if power_w < 0.0 else load_w


UNBOUNDED = PowerRange(lowest_w=-inf, highest_w=inf)
NO_DISCHARGE = PowerRange(lowest_w=0.0, highest_w=inf)
NO_CHARGE = PowerRange(lowest_w=-inf, highest_w=0.0)
ONLY_ZERO = PowerRange(lowest_w=0.0, highest_w=0.0)
