"""Two cars in the houses of the fixed cases, and what their setpoints come to together."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import cache

import numpy as np

from tests.benchmarks.milp_plan import plain_setpoints_kw
from tests.benchmarks.planner_vs_milp import fixed_cases, perturbed
from tests.benchmarks.score_plan import BenchCase, pack_kw

# Whose house it is, and whose cars stand there.
HOUSES = (
    ("real48h_15m", "real48h_15m", "weekend48h_15m"),
    ("sunny48h_15m", "sunny48h_15m", "real48h_15m"),
    ("weekend48h_15m", "weekend48h_15m", "sunny48h_15m"),
    ("basic48h_15m", "real48h_15m", "sunny48h_15m"),
)


def pair_of(house: str, first: str, second: str, *, seed: int | None, merge: int = 2) -> BenchCase:
    """A house with two cars, perturbed by the seed, in steps of `merge` quarter hours.

    Without a daily depth, which is each car's own matter.
    """
    base, cars = _named(house), [_named(first), _named(second)]
    if seed is not None:
        base = perturbed(base, seed)
        cars = [perturbed(car, seed + 1000 * (number + 1)) for number, car in enumerate(cars)]
    pair = {key: copy.deepcopy(value) for key, value in base.items() if key != "ev"}
    pair |= {"name": f"{house} {first[:4]}+{second[:4]}", "daycap": 0.0}
    for key in ("imp", "exp", "load", "pv"):
        pair[key] = np.array(base[key]).reshape(-1, merge).mean(axis=1).tolist()
    pair |= {"dt": base["dt"] * merge, "n": base["n"] // merge}
    pair["evs"] = [_merged(car["ev"], merge) for car in cars]
    return pair


@cache
def _fixed() -> dict[str, BenchCase]:
    return {bench["name"]: bench for bench in fixed_cases()}


def _named(name: str) -> BenchCase:
    return _fixed()[name]


def _merged(ev: BenchCase, merge: int) -> BenchCase:
    """The car in longer steps: there only where it is there all the time, and a target by then."""
    here = np.array(ev["avail"]).reshape(-1, merge).min(axis=1)
    targets = [
        [int(np.flatnonzero(here[: int(step) // merge + 1])[-1]), kwh]
        for step, kwh in ev["targets"]
    ]
    return ev | {
        "avail": here.tolist(),
        "trip": np.array(ev["trip"]).reshape(-1, merge).sum(axis=1).tolist(),
        "targets": targets,
    }


def alone(pair: BenchCase, number: int, others_kw: list[float] | None = None) -> BenchCase:
    """The case of one of the cars; what others take is load."""
    bench = {key: value for key, value in pair.items() if key != "evs"}
    if others_kw is not None:
        bench["load"] = (np.array(pair["load"]) + np.array(others_kw)).tolist()
    return bench | {"ev": pair["evs"][number]}


def plain_pair_kw(pair: BenchCase) -> list[list[float]]:
    """Each at full power from plug-in on, the second within what the first leaves of the fuse."""
    first_kw = plain_setpoints_kw(alone(pair, 0))
    return [first_kw, plain_setpoints_kw(alone(pair, 1, first_kw))]


@dataclass(frozen=True, slots=True, kw_only=True)
class PairScore:
    """What two cars' setpoints come to; energies in kWh, `peak_kw` is of the import.

    `over_kwh`: beyond import or export limit, none being lent by the other car. `shuffled_kwh`:
    given by one while the other charged, beyond the house's own load.
    """

    cost: float
    missed_kwh: tuple[float, ...]
    over_kwh: float
    shuffled_kwh: float
    bounds_kwh: float
    peak_kw: float


def scored(pair: BenchCase, setpoints_kw: list[list[float]]) -> PairScore:
    """The setpoints as they stand, in the plant of score_plan; nothing is clipped, but counted."""
    dt, site = pair["dt"], pair["site"]
    powers_kw = np.array(setpoints_kw)
    net_kw = np.array(pair["load"]) - np.array(pair["pv"])
    charge_kw = np.maximum(powers_kw, 0.0).sum(axis=0)
    drawn_kw = np.maximum(-powers_kw, 0.0).sum(axis=0)
    flow_kw = np.maximum(net_kw + charge_kw - drawn_kw, -site["exp_max"])
    paid_to_take = (np.array(pair["exp"]) < 0.0) & (flow_kw < 0.0)
    flow_kw = np.where(paid_to_take, np.maximum(flow_kw, -drawn_kw), flow_kw)
    import_kw, export_kw = np.maximum(flow_kw, 0.0), np.maximum(-flow_kw, 0.0)
    cost = dt * float(import_kw @ np.array(pair["imp"]) - export_kw @ np.array(pair["exp"]))
    packs = [_Pack.of(pair, ev, own) for ev, own in zip(pair["evs"], setpoints_kw, strict=True)]
    demand = pair.get("demand")
    if demand is not None:
        cost += demand["per_kw"] * max(float(import_kw.max()) - demand["billed_kw"], 0.0)
    over_kw = np.maximum(charge_kw - np.maximum(site["imp_max"] - net_kw, 0.0), 0.0)
    over_kw += np.maximum(drawn_kw - np.maximum(site["exp_max"] + net_kw, 0.0), 0.0)
    unexplained_kw = np.maximum(drawn_kw - np.maximum(net_kw, 0.0), 0.0)
    return PairScore(
        cost=cost + sum(pack.cost for pack in packs),
        missed_kwh=tuple(pack.missed_kwh for pack in packs),
        over_kwh=dt * float(over_kw.sum()),
        shuffled_kwh=dt * float(np.minimum(charge_kw, unexplained_kw).sum()),
        bounds_kwh=max(pack.bounds_kwh for pack in packs),
        peak_kw=float(import_kw.max()),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pack:
    """Wear, missed targets and the end of one pack, and by how much it leaves its bounds."""

    cost: float
    missed_kwh: float
    bounds_kwh: float

    @staticmethod
    def of(pair: BenchCase, ev: BenchCase, setpoints_kw: list[float]) -> _Pack:
        soc_kwh, cost, missed_kwh, bounds_kwh = float(ev["s0"]), 0.0, 0.0, 0.0
        targets = {int(step): float(kwh) for step, kwh in ev["targets"]}
        for step, power_kw in enumerate(setpoints_kw):
            moved_kwh = pack_kw(power_kw, ev) * pair["dt"]
            cost += pair["wear"] * max(-moved_kwh, 0.0)
            soc_kwh += moved_kwh
            if power_kw > 0.0:
                bounds_kwh = max(bounds_kwh, soc_kwh - ev["smax"])
            if power_kw < 0.0:
                bounds_kwh = max(bounds_kwh, ev["smin"] - soc_kwh)
            soc_kwh = max(soc_kwh - ev["trip"][step], 0.0)
            missed_kwh += max(targets.get(step, 0.0) - soc_kwh, 0.0)
        cost += ev["pen"] * missed_kwh - pair["tv"] * soc_kwh
        return _Pack(cost=cost, missed_kwh=missed_kwh, bounds_kwh=bounds_kwh)
