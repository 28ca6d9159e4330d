"""A budget of discharge: what a car may give over a span of time, and how it is being spent."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class DischargeBudget:
    """So much energy out of the EVSE (`whole_wh`), or so long a discharge (`whole_s`).

    Shares are of the whole: `used_share` (None: its counter cannot be read) of which `open_share`
    may be used by now. `saved_share` says how much has been saved up for better prices, of what may
    be: from 0 (the pace has caught up) to 1 (nothing is gained by saving more).
    """

    name: str
    whole_wh: float | None
    whole_s: float | None
    used_share: float | None
    open_share: float
    saved_share: float

    @property
    def spent(self) -> bool:
        """Whether nothing more may be used for now."""
        return self.used_share is None or self.used_share >= self.open_share

    @property
    def left_wh(self) -> float | None:
        """The energy that may be used by now and is not; None where it counts time."""
        return None if self.whole_wh is None else self.whole_wh * self._left_share()

    @property
    def left_s(self) -> float | None:
        """The time that may be used by now and is not; None where it counts energy."""
        return None if self.whole_s is None else self.whole_s * self._left_share()

    def holds(self, energy_wh: float, length_s: float) -> bool:
        """Whether a discharge of so much and so long fits into what is left by now."""
        left_wh, left_s = self.left_wh, self.left_s
        if left_wh is not None and energy_wh > left_wh:
            return False
        return left_s is None or length_s <= left_s

    def _left_share(self) -> float:
        return 0.0 if self.used_share is None else max(self.open_share - self.used_share, 0.0)
