"""Two cars behind one grid connection as a mixed-integer programme: the optimum to be judged by.

A pair is a fixed case whose `ev` is a list, `evs`. Both packs share import and export limits and,
where there is one, the demand charge. Room made by one's discharge is never lent to the other's
charge, and while one charges the other serves no more than the house's own load: no pack is filled
from another's. It shares no code with the planner.
"""

from __future__ import annotations

from dataclasses import dataclass

import highspy

from tests.benchmarks.milp import INF, Programme
from tests.benchmarks.milp_plan import PackColumns
from tests.benchmarks.score_plan import BenchCase

GAP = 5e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class Joint:
    """Both cars' signed setpoints, and what no plan costs less than."""

    setpoints_kw: list[list[float]]
    bound: float


def joint_optimum(pair: BenchCase, *, seconds: float) -> Joint | None:
    """The best found in so much time; None if that is nothing."""
    model = _Pair(pair, seconds)
    model.solver.run()
    values = list(model.solver.getSolution().col_value)
    if not values or model.solver.getInfo().primal_solution_status != FEASIBLE:
        return None
    setpoints_kw = [
        [pack.power_kw(values, step) for step in range(pair["n"])] for pack in model.packs
    ]
    return Joint(setpoints_kw=setpoints_kw, bound=float(model.solver.getInfo().mip_dual_bound))


FEASIBLE = int(highspy.SolutionStatus.kSolutionStatusFeasible)


class _Pair(Programme):
    def __init__(self, pair: BenchCase, seconds: float) -> None:
        super().__init__()
        self.pair = pair
        self.end_at(gap=GAP, seconds=seconds)
        demand = pair.get("demand")
        self.peak = None if demand is None else self.column(demand["per_kw"], 0.0, INF)
        self.packs = [PackColumns(self, pair, ev) for ev in pair["evs"]]
        for step in range(pair["n"]):
            self._connection(step)
            self._apart(step)

    def _connection(self, step: int) -> None:
        """One PCC for all; its limits hold for the charges alone, and for the discharges alone."""
        pair, site, dt = self.pair, self.pair["site"], self.pair["dt"]
        load_kw, pv_kw = pair["load"][step], pair["pv"][step]
        net_kw = load_kw - pv_kw
        imported = self.column(pair["imp"][step] * dt, 0.0, max(site["imp_max"], load_kw))
        exported = self.column(-pair["exp"][step] * dt, 0.0, site["exp_max"])
        throttled = self.column(0.0, 0.0, max(pv_kw, 0.0))
        charges = {pack.charge[step]: 1.0 for pack in self.packs}
        drawn = {pack.discharge[step]: 1.0 for pack in self.packs}
        balance = {imported: 1.0, exported: -1.0, throttled: -1.0}
        balance |= dict.fromkeys(charges, -1.0) | drawn
        self.row(net_kw, net_kw, balance)
        self.row(-INF, max(site["imp_max"] - net_kw, 0.0), charges)
        self.row(-INF, max(site["exp_max"] + net_kw, 0.0), drawn)
        if pair["imp"][step] < 0.0 and net_kw < 0.0:
            # Sun is throttled where it cannot be exported, never to be paid for an import.
            importing = self.column(0.0, 0.0, 1.0, whole=True)
            self.row(-INF, pv_kw, {throttled: 1.0, importing: pv_kw})
            self.row(-INF, 0.0, {imported: 1.0, importing: -site["imp_max"]})
        if self.peak is not None:
            self.row(-INF, pair["demand"]["billed_kw"], {imported: 1.0, self.peak: -1.0})

    def _apart(self, step: int) -> None:
        """While one charges the others serve at most the load."""
        own_load_kw = max(self.pair["load"][step] - self.pair["pv"][step], 0.0)
        for pack in self.packs:
            others = [other for other in self.packs if other is not pack]
            most_kw = sum(ev["pd"] for ev in self.pair["evs"])
            terms = {other.discharge[step]: 1.0 for other in others}
            terms[pack.charge_on[step]] = most_kw
            self.row(-INF, most_kw + own_load_kw, terms)
