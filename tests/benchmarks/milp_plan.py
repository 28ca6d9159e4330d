"""The same fixed case as a mixed-integer programme: a second opinion on the planner's cost.

Per step: charge c and discharge d (kW AC) with an on/off binary each, import m, export x, throttled
PV u, energy s, missed target; with a `demand`, one column for the peak that all imports stay under
beyond what is billed already; with a `commitment`, the share of it that a step's first energy does
not sustain. Charger losses are chords of the loss curve: into the pack at most, out of it at least.
Below the floor it charges as the house does, whatever that costs. It shares no code with the
planner.
"""

from __future__ import annotations

import highspy
import numpy as np

from tests.benchmarks.milp import INF, Programme
from tests.benchmarks.score_plan import BenchCase, ac_kw, pack_kw

GAP = 2e-4
TIME_LIMIT_S = 60.0
CHORDS = 8


def milp_setpoints_kw(bench: BenchCase) -> list[float] | None:
    """Signed setpoints of the best plan found; None if the solver found none in its time."""
    model = _Model(bench)
    solver = model.solver
    solver.run()
    status = solver.getModelStatus()
    if status not in {highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kTimeLimit}:
        return None
    values = solver.getSolution().col_value
    return [model.pack.power_kw(values, step) for step in range(bench["n"])]


class PackColumns:
    """The columns of one pack behind a charger, step by step; it pays wear, targets and the end."""

    def __init__(self, model: Programme, bench: BenchCase, ev: BenchCase) -> None:
        self._model, self._bench, self._ev = model, bench, ev
        self.charge: list[int] = []
        self.discharge: list[int] = []
        self.charge_on: list[int] = []
        self.discharge_on: list[int] = []
        self.energy: list[int] = []
        self._targets = {int(step): float(kwh) for step, kwh in ev["targets"]}
        for step in range(bench["n"]):
            self._add(step)

    def power_kw(self, values: list[float], step: int) -> float:
        """What a solution does in a step, charge positive."""
        power_kw = values[self.charge[step]] - values[self.discharge[step]]
        return 0.0 if abs(power_kw) < 1e-6 else power_kw

    def _add(self, step: int) -> None:
        model, bench, ev, dt = self._model, self._bench, self._ev, self._bench["dt"]
        last, trip_kwh = step == bench["n"] - 1, ev["trip"][step]
        into, out = self._charger(step)
        energy = model.column(-bench["tv"] if last else 0.0, 0.0, max(ev["smax"], ev["s0"]))
        terms: dict[int, float] = {energy: 1.0, into: -dt, out: dt}
        start_kwh = 0.0 if self.energy else ev["s0"]
        if self.energy:
            terms[self.energy[-1]] = -1.0
        model.row(start_kwh - trip_kwh, start_kwh - trip_kwh, terms)
        # No discharge may end below the floor (before the step's trip); a trip may.
        model.row(-trip_kwh, INF, {energy: 1.0, self.discharge_on[step]: -ev["smin"]})
        self._rise_to_the_floor(step, energy)
        if step in self._targets:
            missed = model.column(ev["pen"], 0.0, INF)
            model.row(self._targets[step], INF, {energy: 1.0, missed: 1.0})
        self.energy.append(energy)

    def _rise_to_the_floor(self, step: int, energy: int) -> None:
        """Who begins a step below the floor charges fully, or ends on it (before its trip)."""
        model, bench, ev = self._model, self._bench, self._ev
        fuse_kw = bench["site"]["imp_max"] - bench["load"][step] + bench["pv"][step]
        full_kw = min(ev["pc"], fuse_kw)
        if not ev["avail"][step] or full_kw < ev["pmin"]:
            return
        below = model.column(0.0, 0.0, 1.0, whole=True)
        risen = model.column(0.0, 0.0, 1.0, whole=True)
        if self.energy:
            model.row(ev["smin"], INF, {self.energy[-1]: 1.0, below: ev["smin"]})
        else:
            model.row(ev["smin"] - ev["s0"], INF, {below: ev["smin"]})
        model.row(-ev["trip"][step], INF, {energy: 1.0, risen: -ev["smin"]})
        model.row(0.0, INF, {self.charge[step]: 1.0, below: -full_kw, risen: full_kw})

    def _charger(self, step: int) -> tuple[int, int]:
        model, ev = self._model, self._ev
        here = float(ev["avail"][step])
        charge = model.column(0.0, 0.0, ev["pc"] * here)
        discharge = model.column(0.0, 0.0, ev["pd"] * here)
        charging = model.column(0.0, 0.0, here, whole=True)
        discharging = model.column(0.0, 0.0, here, whole=True)
        self.charge.append(charge)
        self.discharge.append(discharge)
        self.charge_on.append(charging)
        self.discharge_on.append(discharging)
        model.row(-INF, 1.0, {charging: 1.0, discharging: 1.0})
        for power, on, most in ((charge, charging, ev["pc"]), (discharge, discharging, ev["pd"])):
            model.row(-INF, 0.0, {power: 1.0, on: -most})
            model.row(0.0, INF, {power: 1.0, on: -ev["pmin"]})
        into = model.column(0.0, 0.0, INF)
        out = model.column(self._bench["wear"] * self._bench["dt"], 0.0, INF)
        for slope, offset in _chords(ev, charging=True):
            model.row(-INF, 0.0, {into: 1.0, charge: -slope, charging: -offset})
        for slope, offset in _chords(ev, charging=False):
            model.row(0.0, INF, {out: 1.0, discharge: -slope, discharging: -offset})
        return into, out


class _Model(Programme):
    def __init__(self, bench: BenchCase) -> None:
        super().__init__()
        self.bench = bench
        self.end_at(gap=GAP, seconds=TIME_LIMIT_S)
        demand = bench.get("demand")
        self.peak = None if demand is None else self.column(demand["per_kw"], 0.0, INF)
        self.pack = PackColumns(self, bench, bench["ev"])
        depth: dict[int, list[int]] = {}
        for step in range(bench["n"]):
            day = step // round(24 / bench["dt"])
            depth.setdefault(day, []).append(self._connection(step, bench["site"]))
        if bench["daycap"] > 0:
            for columns in depth.values():
                self.row(-INF, bench["daycap"], dict.fromkeys(columns, float(bench["dt"])))
        for first, end in bench.get("commitment", {"windows": ()})["windows"]:
            for step in range(max(first, 1), end):
                self._committed(step, end)

    def _committed(self, step: int, end: int) -> None:
        """What the energy before a step would lack of the promise up to `end`."""
        ev, dt, promised = self.bench["ev"], self.bench["dt"], self.bench["commitment"]
        if ev["avail"][step]:
            span_kwh = -pack_kw(-promised["kw"], ev) * (end - step) * dt
            missing = self.column(promised["per_kwh"] * promised["kw"] * dt, 0.0, INF)
            held = {self.pack.energy[step - 1]: 1.0, missing: span_kwh}
            self.row(ev["smin"] + span_kwh, INF, held)

    def _connection(self, step: int, site: dict[str, float]) -> int:
        """The PCC in a step; the column of what the car exports."""
        bench, dt = self.bench, self.bench["dt"]
        charge, discharge = self.pack.charge[step], self.pack.discharge[step]
        load_kw, pv_kw = bench["load"][step], bench["pv"][step]
        imported = self.column(bench["imp"][step] * dt, 0.0, max(site["imp_max"], load_kw))
        exported = self.column(-bench["exp"][step] * dt, 0.0, site["exp_max"])
        throttled = self.column(0.0, 0.0, max(pv_kw, 0.0))
        net_kw = load_kw - pv_kw
        self.row(
            net_kw,
            net_kw,
            {imported: 1.0, exported: -1.0, throttled: -1.0, charge: -1.0, discharge: 1.0},
        )
        if self.peak is not None:
            self.row(-INF, bench["demand"]["billed_kw"], {imported: 1.0, self.peak: -1.0})
        # The discharge itself must fit under the export limit, throttled PV or not.
        self.row(-INF, max(site["exp_max"] + net_kw, 0.0), {discharge: 1.0})
        depth = self.column(0.0, 0.0, INF)
        self.row(-max(net_kw, 0.0), INF, {depth: 1.0, discharge: -1.0})
        return depth


def _chords(ev: BenchCase, *, charging: bool) -> list[tuple[float, float]]:
    """Lines (slope, offset) through neighbouring points of the curve from minimum to maximum."""
    most_kw = ev["pc"] if charging else ev["pd"]
    sign = 1.0 if charging else -1.0
    least_kw = ev["pmin"] if ev["pmin"] > 0 else 1e-6
    points = np.linspace(least_kw, most_kw, 2 if ev["loss"] is None else CHORDS + 1)
    moved = [abs(pack_kw(sign * float(power_kw), ev)) for power_kw in points]
    lines = []
    for left in range(len(points) - 1):
        slope = (moved[left + 1] - moved[left]) / float(points[left + 1] - points[left])
        lines.append((slope, moved[left] - slope * float(points[left])))
    return lines


def plain_setpoints_kw(bench: BenchCase) -> list[float]:
    """Full power from plug-in to the charge target in force: the next goal, else the ceiling."""
    ev, dt = bench["ev"], bench["dt"]
    targets = sorted((int(step), float(kwh)) for step, kwh in ev["targets"])
    soc_kwh, setpoints_kw = float(ev["s0"]), []
    for step in range(bench["n"]):
        goal_kwh = next((kwh for at, kwh in targets if at >= step), float(ev["smax"]))
        room_kwh = goal_kwh - soc_kwh
        power_kw = 0.0
        if ev["avail"][step] and room_kwh > 1e-9:
            fuse_kw = bench["site"]["imp_max"] - (bench["load"][step] - bench["pv"][step])
            power_kw = min(ev["pc"], ac_kw(room_kwh / dt, ev), fuse_kw)
            power_kw = max(power_kw, 0.0) if power_kw >= ev["pmin"] else 0.0
        soc_kwh = max(soc_kwh + pack_kw(power_kw, ev) * dt - ev["trip"][step], 0.0)
        setpoints_kw.append(power_kw)
    return setpoints_kw
