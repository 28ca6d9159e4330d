"""The house: recorded or constant load and PV, split over the phases, with overrides."""

from __future__ import annotations

from dataclasses import dataclass

from simulators.recorded import StepSeries

PHASES = 3


def constant(value: float) -> StepSeries:
    """Return a series that never changes."""
    return StepSeries(times_s=(0.0,), values=(value,))


@dataclass(frozen=True, slots=True, kw_only=True)
class HousePower:
    """Load and PV at one instant; PV is generation and never negative."""

    load_w: float
    pv_w: float
    net_w_per_phase: tuple[float, ...]


@dataclass(slots=True, kw_only=True)
class House:
    """Everything behind the meter but the chargers."""

    load: StepSeries
    pv: StepSeries
    load_shares: tuple[float, ...]
    pv_shares: tuple[float, ...]
    load_override_w: tuple[float, ...] | None = None
    pv_override_w: float | None = None

    def at(self, at_s: float) -> HousePower:
        """Return the power in force; PV is never curtailed."""
        load_w_per_phase = self._load_w_per_phase(at_s)
        pv_w = self.pv.at(at_s) if self.pv_override_w is None else self.pv_override_w
        net_w = tuple(
            load_w - pv_w * share
            for load_w, share in zip(load_w_per_phase, self.pv_shares, strict=True)
        )
        return HousePower(load_w=sum(load_w_per_phase), pv_w=pv_w, net_w_per_phase=net_w)

    def next_change_s(self, at_s: float) -> float | None:
        """Return the next stamp of either record."""
        changes = (self.load.next_change_s(at_s), self.pv.next_change_s(at_s))
        return min((change for change in changes if change is not None), default=None)

    def override(
        self,
        *,
        load_w: float | None,
        pv_w: float | None,
        load_w_per_phase: tuple[float, ...] | None,
    ) -> None:
        """Replace what is given; what is None follows the scenario again."""
        self.pv_override_w = pv_w
        self.load_override_w = load_w_per_phase
        if load_w is not None:
            self.load_override_w = tuple(load_w * share for share in self.load_shares)

    def _load_w_per_phase(self, at_s: float) -> tuple[float, ...]:
        if self.load_override_w is not None:
            return self.load_override_w
        load_w = self.load.at(at_s)
        return tuple(load_w * share for share in self.load_shares)
