"""Power electronics of a charger: limits, minimum power, ramps and losses."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LossCurve:
    """Loss of the conversion, in both directions, while AC power flows."""

    constant_w: float
    linear: float
    square_per_kw: float

    def loss_w(self, power_w: float) -> float:
        """Return the loss at a steady AC power; 0 W at 0 W."""
        return 0.0 if power_w == 0.0 else self._running_loss_w(power_w)

    def mean_loss_w(self, start_w: float, end_w: float) -> float:
        """Return the mean loss along a linear ramp; Simpson's rule is exact for a square law."""
        if start_w == 0.0 and end_w == 0.0:
            return 0.0
        middle_w = (start_w + end_w) / 2.0
        ends_w = self._running_loss_w(start_w) + self._running_loss_w(end_w)
        return (ends_w + 4.0 * self._running_loss_w(middle_w)) / 6.0

    def _running_loss_w(self, power_w: float) -> float:
        magnitude_w = abs(power_w)
        square_w = self.square_per_kw * magnitude_w * magnitude_w / 1000.0
        return self.constant_w + self.linear * magnitude_w + square_w


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A stretch of linear power."""

    start_w: float
    end_w: float
    duration_s: float

    def cut(self, duration_s: float) -> Piece:
        """Return the first part of this piece."""
        if duration_s >= self.duration_s:
            return self
        share = duration_s / self.duration_s
        end_w = self.start_w + (self.end_w - self.start_w) * share
        return Piece(start_w=self.start_w, end_w=end_w, duration_s=duration_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerElectronics:
    """What a charger can do between grid and car; charge +, discharge -."""

    phases: int
    max_charge_w: float
    max_discharge_w: float
    min_power_w: float
    ramp_up_w_per_s: float
    ramp_down_w_per_s: float
    loss: LossCurve

    def realisable_w(self, target_w: float) -> float:
        """Return the power the charger would settle at: clipped, and 0 W below its minimum."""
        clipped_w = max(-self.max_discharge_w, min(self.max_charge_w, target_w))
        return 0.0 if abs(clipped_w) < self.min_power_w else clipped_w

    def piece(self, power_w: float, target_w: float, longest_s: float) -> Piece:
        """Return the next linear piece from power_w on the way to a realisable target."""
        start_w = self._start_w(power_w, target_w)
        if start_w == target_w:
            return Piece(start_w=start_w, end_w=target_w, duration_s=longest_s)
        opposite = start_w != 0.0 and start_w * target_w <= 0.0
        falling = opposite or abs(target_w) < abs(start_w)
        # A current that must end or turn around is ramped to the minimum and then cut.
        goal_w = math.copysign(self.min_power_w, start_w) if opposite else target_w
        rate_w_per_s = self.ramp_down_w_per_s if falling else self.ramp_up_w_per_s
        needed_s = abs(goal_w - start_w) / rate_w_per_s
        whole = Piece(start_w=start_w, end_w=goal_w, duration_s=needed_s)
        return whole if needed_s <= longest_s else whole.cut(longest_s)

    def _start_w(self, power_w: float, target_w: float) -> float:
        """Return the power after the jump between 0 W and the minimum, if one is due."""
        turning = power_w * target_w <= 0.0 and power_w != target_w
        at_rest = abs(power_w) <= self.min_power_w
        if not (turning and at_rest):
            return power_w
        return math.copysign(min(self.min_power_w, abs(target_w)), target_w) if target_w else 0.0
