"""What really happened: interval energies, departures, and time over a watched limit."""

from __future__ import annotations

from dataclasses import dataclass, field

from simulators.household import PHASES

INTERVAL_S = 900.0
NOMINAL_VOLTAGE_V = 230.0
NOTICED_EXCESS_W = 1.0  # the resolution of the meter: less is not visible to anyone


@dataclass(slots=True, kw_only=True)
class IntervalEnergy:
    """Energies of one UTC quarter hour, or the part of it that was simulated."""

    start_s: float
    end_s: float
    pcc_import_wh: float = 0.0
    pcc_export_wh: float = 0.0
    evse_charge_wh: float = 0.0
    evse_discharge_wh: float = 0.0
    load_wh: float = 0.0
    pv_wh: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """A car leaving: with what, for how much, and whether that was enough."""

    vehicle: str
    planned_s: float
    soc: float
    needed_soc: float | None
    trip_wh: float
    driven: bool

    @property
    def met(self) -> bool | None:
        """Say whether the needed SoC was there, within half a point; None when none was set."""
        return None if self.needed_soc is None else self.soc >= self.needed_soc - 0.005


@dataclass(slots=True)
class ExcessWatch:
    """Counts how long and how far a power stands over its limit."""

    seconds_over: float = 0.0
    worst_over_w: float = 0.0
    longest_episode_s: float = 0.0
    _episode_s: float = 0.0

    def add(self, start_w: float, end_w: float, duration_s: float) -> None:
        """Add a linear piece of excess; what is not over the limit is 0 or negative."""
        start_w, end_w = start_w - NOTICED_EXCESS_W, end_w - NOTICED_EXCESS_W
        if start_w <= 0.0 and end_w <= 0.0:
            self._episode_s = 0.0
            return
        over_s = duration_s
        if start_w <= 0.0:
            over_s = duration_s * end_w / (end_w - start_w)
            self._episode_s = 0.0
        elif end_w <= 0.0:
            over_s = duration_s * start_w / (start_w - end_w)
        self.seconds_over += over_s
        self._episode_s += over_s
        self.worst_over_w = max(self.worst_over_w, max(start_w, end_w) + NOTICED_EXCESS_W)
        self.longest_episode_s = max(self.longest_episode_s, self._episode_s)
        if end_w <= 0.0:
            self._episode_s = 0.0


@dataclass(slots=True, kw_only=True)
class Truth:
    """Everything a test may want to compare with."""

    export_limit_w: float | None
    pcc_import_wh: float = 0.0
    pcc_export_wh: float = 0.0
    pcc_import_wh_per_phase: list[float] = field(default_factory=lambda: [0.0] * PHASES)
    pcc_export_wh_per_phase: list[float] = field(default_factory=lambda: [0.0] * PHASES)
    load_wh: float = 0.0
    pv_wh: float = 0.0
    loss_wh: float = 0.0
    trip_wh: float = 0.0
    max_phase_current_a: float = 0.0
    intervals: list[IntervalEnergy] = field(default_factory=list)
    departures: list[Departure] = field(default_factory=list)
    export_watch: ExcessWatch = field(default_factory=ExcessWatch)
    discharge_watch: ExcessWatch = field(default_factory=ExcessWatch)

    def interval_at(self, at_s: float) -> IntervalEnergy:
        """Return the running interval, opened at at_s if none is."""
        boundary_s = at_s - at_s % INTERVAL_S
        if not self.intervals or self.intervals[-1].start_s < boundary_s:
            self.intervals.append(IntervalEnergy(start_s=at_s, end_s=at_s))
        return self.intervals[-1]

    def note_export(
        self, pcc_w: tuple[float, float], evse_w: tuple[float, float], duration_s: float
    ) -> None:
        """Book (start, end) power of a piece against the watched export limit."""
        if self.export_limit_w is None:
            return
        over_w = (-pcc_w[0] - self.export_limit_w, -pcc_w[1] - self.export_limit_w)
        self.export_watch.add(*over_w, duration_s)
        # Of an excess only what the cars' discharge adds is theirs; the rest is PV.
        caused_w = (min(over_w[0], -evse_w[0]), min(over_w[1], -evse_w[1]))
        self.discharge_watch.add(*caused_w, duration_s)

    def note_current(self, phase_w: float) -> None:
        """Keep the largest phase current, in either direction."""
        self.max_phase_current_a = max(self.max_phase_current_a, abs(phase_w) / NOMINAL_VOLTAGE_V)
