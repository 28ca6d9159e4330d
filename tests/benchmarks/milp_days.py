"""Days known in advance as a mixed-integer programme: a second opinion on perfect foresight.

Per plugged-in quarter hour: charge c and discharge d (kW AC) with an on/off binary each, import m,
export x, sun not produced u, and the energy s at its end. Losses are chords of the loss curve: into
the pack at most, out of it at least. It shares no code with the programme it is compared to.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from tests.benchmarks.milp import INF, Programme
from v2g_daemon.rehearsal.contest import Case

CHORDS = 6
HOURS = 0.25
MISSED_PER_KWH = 50.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Net cost of the best course found, and what none can pass."""

    found: float
    lowest: float


def solved(case: Case, *, gap: float, limit_s: float) -> Bounds:
    """Solve to an absolute gap in money, or as far as it comes in its time."""
    model = _Model(case)
    solver = model.solver
    solver.setOptionValue("mip_abs_gap", gap)
    solver.setOptionValue("mip_rel_gap", 0.0)
    solver.setOptionValue("time_limit", limit_s)
    solver.run()
    info = solver.getInfo()
    return Bounds(
        found=info.objective_function_value + model.constant,
        lowest=info.mip_dual_bound + model.constant,
    )


class _Model(Programme):
    def __init__(self, case: Case) -> None:
        super().__init__()
        self.case, self.days, self.plant = case, case.days, case.plant
        self.constant = 0.0
        self._build()

    def _build(self) -> None:
        plugged: set[int] = set()
        before: int | None = None
        worth = float(self.case.market.end_per_kwh)
        last = self.days.stays[-1].end - 1
        for stay in self.days.stays:
            ceiling_kwh = self.plant.ceiling_of(stay.target_wh) / 1000.0
            for slot in range(stay.first, stay.end):
                plugged.add(slot)
                trip_kwh = stay.trip_wh / 1000.0 if slot == stay.first else 0.0
                into, out = self._slot(slot)
                energy = self.column(-worth if slot == last else 0.0, 0.0, ceiling_kwh)
                terms = {energy: 1.0, into: -HOURS, out: HOURS}
                start_kwh = self.case.start_wh / 1000.0 if before is None else 0.0
                if before is not None:
                    terms[before] = -1.0
                self.row(start_kwh - trip_kwh, start_kwh - trip_kwh, terms)
                self.row(self.plant.floor_wh / 1000.0, INF, {energy: 1.0, self._below(): 1.0})
                before = energy
            if before is not None and stay.target_wh is not None:
                missed = self.column(MISSED_PER_KWH, 0.0, INF)
                self.row(stay.target_wh / 1000.0, INF, {before: 1.0, missed: 1.0})
        idle = (self._idle(slot) for slot in range(self.days.count) if slot not in plugged)
        for cost in idle:
            self.constant += cost
        self.constant += worth * self.case.start_wh / 1000.0

    def _below(self) -> int:
        """Energy below the floor, so dear that only a trip leads there."""
        return self.column(MISSED_PER_KWH, 0.0, INF)

    def _slot(self, slot: int) -> tuple[int, int]:
        """The columns of the power into the pack and out of it, kW."""
        plant, days = self.plant, self.days
        net_kw = (days.load_w[slot] - days.pv_w[slot]) / 1000.0
        charge, into, charging = self._way(plant.min_charge_w, plant.max_charge_w, out=False)
        discharge, out, giving = self._way(plant.min_discharge_w, plant.max_discharge_w, out=True)
        self.row(-INF, 1.0, {charging: 1.0, giving: 1.0})
        bought, sold = days.import_per_kwh[slot], days.export_per_kwh[slot]
        limit_kw = max(plant.import_limit_w / 1000.0, net_kw)
        imported = self.column(bought * HOURS, 0.0, limit_kw)
        exported = self.column(-sold * HOURS, 0.0, plant.export_limit_w / 1000.0)
        throttled = self.column(0.0, 0.0, max(-net_kw, 0.0) if plant.curtails else 0.0)
        terms = {imported: 1.0, exported: -1.0, throttled: -1.0, charge: -1.0, discharge: 1.0}
        self.row(net_kw, net_kw, terms)
        if sold > bought:
            # Nobody imports and exports at once.
            importing = self.column(0.0, 0.0, 1.0, whole=True)
            self.row(-INF, 0.0, {imported: 1.0, importing: -limit_kw})
            most_kw = plant.export_limit_w / 1000.0
            self.row(-INF, most_kw, {exported: 1.0, importing: most_kw})
        return into, out

    def _way(self, least_w: float, most_w: float, *, out: bool) -> tuple[int, int, int]:
        """AC power in one direction, its power at the pack, and whether it is on at all."""
        loss = self.plant.loss
        most_kw, least_kw = most_w / 1000.0, least_w / 1000.0
        wear = self.case.wear_per_kwh * HOURS if out else 0.0
        on = self.column(0.0, 0.0, 1.0, whole=True)
        power = self.column(0.0, 0.0, most_kw)
        at_pack = self.column(wear, 0.0, INF)
        self.row(-INF, 0.0, {power: 1.0, on: -most_kw})
        self.row(0.0, INF, {power: 1.0, on: -least_kw})

        def pack_kw(ac_kw: float) -> float:
            lost_w = loss.constant_w + loss.linear * ac_kw * 1000.0
            lost_w += loss.quadratic_per_w * (ac_kw * 1000.0) ** 2
            return ac_kw + lost_w / 1000.0 if out else ac_kw - lost_w / 1000.0

        for one_kw, other_kw in pairwise(np.linspace(least_kw, most_kw, CHORDS + 1).tolist()):
            slope = (pack_kw(other_kw) - pack_kw(one_kw)) / (other_kw - one_kw)
            offset = pack_kw(one_kw) - slope * one_kw
            terms = {at_pack: 1.0, power: -slope, on: -offset}
            self.row(0.0, INF, terms) if out else self.row(-INF, 0.0, terms)
        return power, at_pack, on

    def _idle(self, slot: int) -> float:
        """Money of a quarter hour without a car."""
        net_kw = (self.days.load_w[slot] - self.days.pv_w[slot]) / 1000.0
        if net_kw >= 0.0:
            return HOURS * net_kw * self.days.import_per_kwh[slot]
        sold = self.days.export_per_kwh[slot]
        out_kw = min(-net_kw, self.plant.export_limit_w / 1000.0)
        return 0.0 if sold < 0.0 else -HOURS * out_kw * sold
