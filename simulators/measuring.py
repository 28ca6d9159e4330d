"""What a meter at the grid connection measures of the world at this moment."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import sin, tau

from simulators.clock import ScaledClock
from simulators.faults import METER, FaultBoard
from simulators.household import PHASES
from simulators.meters.table import MeterTable
from simulators.modbus.maps import MAPS, MeterSample
from simulators.truth import NOMINAL_VOLTAGE_V
from simulators.world import World

WRONG_WAY = -1.0
SWAY_PERIOD_S = 47.0


@dataclass(slots=True, kw_only=True)
class Measuring:
    """The transformers and counters behind a meter, whatever it speaks."""

    table: MeterTable
    world: World
    clock: ScaledClock
    faults: FaultBoard
    _told: MeterSample | None = field(default=None, init=False)

    def shown(self) -> frozenset[str]:
        """Return the faults in force."""
        return self.faults.active(METER, self.clock.now_s())

    def told(self) -> MeterSample | None:
        """Return what a meter without registers tells; None: it tells no power."""
        kinds = self.shown()
        if "not_implemented" in kinds:
            return None
        if self._told is None or "frozen" not in kinds:
            self._told = self.sample()
        return self._told

    def pause_s(self) -> float:
        """Return how long it waits before it tells, in real seconds."""
        return self.table.slow_s if "slow" in self.shown() else 0.0

    def sample(self) -> MeterSample:
        """Return what the meter measures at this moment."""
        self.world.advance_to(self.clock.now_s())
        table, truth = self.table, self.world.truth
        phases_w = self.world.pcc_w_per_phase()
        imported = self._counters(
            table.start_import_wh, truth.pcc_import_wh, truth.pcc_import_wh_per_phase
        )
        exported = self._counters(
            table.start_export_wh, truth.pcc_export_wh, truth.pcc_export_wh_per_phase
        )
        if table.inverted_sign:
            imported, exported = exported, imported
        shown_w = [self._way * phase_w for phase_w in phases_w[: table.phases]]
        currents_a = [abs(phase_w) / NOMINAL_VOLTAGE_V for phase_w in shown_w]
        return MeterSample(
            power_w=(self._way * sum(phases_w), *shown_w),
            current_a=(sum(currents_a), *currents_a),
            voltage_v=(NOMINAL_VOLTAGE_V,) * (1 + len(shown_w)),
            import_wh=imported,
            export_wh=exported,
            frequency_hz=self._frequency_hz(),
        )

    def _frequency_hz(self) -> float:
        """The grid's frequency, swaying about its mean."""
        turns = self.world.now_s / SWAY_PERIOD_S
        return self.world.frequency_hz + self.world.frequency_sway_hz * sin(tau * turns)

    @property
    def _way(self) -> float:
        """Which way is positive: the table's, the map's, and a mistake each turn it round."""
        the_map = MAPS.get(self.table.map)
        turns = [
            self.table.inverted_sign,
            the_map is not None and the_map.exports_positive,
            "sign" in self.shown(),
        ]
        return WRONG_WAY ** turns.count(True)

    def _counters(
        self, start_wh: float, total_wh: float, per_phase: list[float]
    ) -> tuple[float, ...]:
        shown = per_phase[: self.table.phases]
        return (start_wh + total_wh, *(start_wh / PHASES + phase_wh for phase_wh in shown))

    def sample_pv(self) -> MeterSample:
        """Return what the PV meter measures: production counts as export."""
        return self._production(way=WRONG_WAY * self._way, exchanged=self.table.inverted_sign)

    def sample_inverter(self) -> MeterSample:
        """Return what the inverter measures: production is positive."""
        is_wrong = "sign" in self.shown()
        return self._production(way=WRONG_WAY if is_wrong else 1.0, exchanged=False)

    def _production(self, *, way: float, exchanged: bool) -> MeterSample:
        self.world.advance_to(self.clock.now_s())
        table = self.table
        flow_w = way * self.world.house.at(self.world.now_s).pv_w
        phase_w = flow_w / table.phases
        totals = (self.world.truth.pv_wh,) + (self.world.truth.pv_wh / table.phases,) * table.phases
        nothing = (0.0,) * (1 + table.phases)
        return MeterSample(
            power_w=(flow_w,) + (phase_w,) * table.phases,
            current_a=tuple(
                abs(one_w) / NOMINAL_VOLTAGE_V for one_w in (flow_w, *(phase_w,) * table.phases)
            ),
            voltage_v=(NOMINAL_VOLTAGE_V,) * (1 + table.phases),
            import_wh=totals if exchanged else nothing,
            export_wh=nothing if exchanged else totals,
            frequency_hz=self._frequency_hz(),
        )
