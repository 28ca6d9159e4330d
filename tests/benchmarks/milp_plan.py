"""The same fixed case as a mixed-integer programme: a second opinion on the planner's cost.

Per step: charge c and discharge d (kW AC) with an on/off binary each, import m, export x, throttled
PV u, energy s, missed target; with a `demand`, one column for the peak that all imports stay under
beyond what is billed already; with a `commitment`, the share of it that a step's first energy does
not sustain. Charger losses are chords of the loss curve: into the pack at most, out of it at least.
It shares no code with the planner.
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
    return [model.power_kw(values, step) for step in range(bench["n"])]


class _Model(Programme):
    def __init__(self, bench: BenchCase) -> None:
        super().__init__()
        self.bench = bench
        self.solver.setOptionValue("mip_rel_gap", GAP)
        self.solver.setOptionValue("mip_abs_gap", 1e-4)
        self.solver.setOptionValue("time_limit", TIME_LIMIT_S)
        self.charge: list[int] = []
        self.discharge: list[int] = []
        self.discharge_on: list[int] = []
        self.depth: dict[int, list[int]] = {}
        demand = bench.get("demand")
        self.peak = None if demand is None else self.column(demand["per_kw"], 0.0, INF)
        self._build()

    def power_kw(self, values: list[float], step: int) -> float:
        power_kw = values[self.charge[step]] - values[self.discharge[step]]
        return 0.0 if abs(power_kw) < 1e-6 else power_kw

    def _build(self) -> None:
        bench, ev = self.bench, self.bench["ev"]
        targets = {int(step): float(kwh) for step, kwh in ev["targets"]}
        before: int | None = None
        for step in range(bench["n"]):
            last = step == bench["n"] - 1
            self._commitment(step, before)
            into, out = self._charger(step)
            energy = self.column(-bench["tv"] if last else 0.0, 0.0, max(ev["smax"], ev["s0"]))
            dt = bench["dt"]
            terms: dict[int, float] = {energy: 1.0, into: -dt, out: dt}
            start_kwh = ev["s0"] if before is None else 0.0
            if before is not None:
                terms[before] = -1.0
            self.row(start_kwh - ev["trip"][step], start_kwh - ev["trip"][step], terms)
            # No discharge may end below the floor (before the step's trip); a trip may.
            discharging = self.discharge_on[step]
            self.row(-ev["trip"][step], INF, {energy: 1.0, discharging: -ev["smin"]})
            if step in targets:
                missed = self.column(ev["pen"], 0.0, INF)
                self.row(targets[step], INF, {energy: 1.0, missed: 1.0})
            before = energy
        if bench["daycap"] > 0:
            for columns in self.depth.values():
                self.row(-INF, bench["daycap"], dict.fromkeys(columns, float(bench["dt"])))

    def _commitment(self, step: int, before: int | None) -> None:
        bench, ev, dt = self.bench, self.bench["ev"], self.bench["dt"]
        commitment = bench.get("commitment")
        if commitment is None or before is None or not ev["avail"][step]:
            return
        for first, end in commitment["windows"]:
            if first <= step < end:
                span_kwh = -pack_kw(-commitment["kw"], ev) * (end - step) * dt
                missing = self.column(commitment["per_kwh"] * commitment["kw"] * dt, 0.0, INF)
                self.row(ev["smin"] + span_kwh, INF, {before: 1.0, missing: span_kwh})

    def _charger(self, step: int) -> tuple[int, int]:
        bench, ev, site, dt = self.bench, self.bench["ev"], self.bench["site"], self.bench["dt"]
        here = float(ev["avail"][step])
        charge = self.column(0.0, 0.0, ev["pc"] * here)
        discharge = self.column(0.0, 0.0, ev["pd"] * here)
        charging = self.column(0.0, 0.0, here, whole=True)
        discharging = self.column(0.0, 0.0, here, whole=True)
        self.charge.append(charge)
        self.discharge.append(discharge)
        self.discharge_on.append(discharging)
        self.row(-INF, 1.0, {charging: 1.0, discharging: 1.0})
        for power, on, most in ((charge, charging, ev["pc"]), (discharge, discharging, ev["pd"])):
            self.row(-INF, 0.0, {power: 1.0, on: -most})
            self.row(0.0, INF, {power: 1.0, on: -ev["pmin"]})
        into = self.column(0.0, 0.0, INF)
        out = self.column(bench["wear"] * dt, 0.0, INF)
        for slope, offset in _chords(ev, charging=True):
            self.row(-INF, 0.0, {into: 1.0, charge: -slope, charging: -offset})
        for slope, offset in _chords(ev, charging=False):
            self.row(0.0, INF, {out: 1.0, discharge: -slope, discharging: -offset})
        self._connection(step, charge, discharge, site)
        return into, out

    def _connection(self, step: int, charge: int, discharge: int, site: dict[str, float]) -> None:
        bench, dt = self.bench, self.bench["dt"]
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
        self.depth.setdefault(step // round(24 / dt), []).append(depth)


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
