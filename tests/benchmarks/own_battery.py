"""A car beside a home battery with a controller of its own, which only shows in the net load.

    python -m tests.benchmarks.own_battery [--seeds 3] [--seconds 60]

The battery fills itself from the house's surplus and serves its load; the car is planned for on
what that leaves, as the house meters it. Compared with the optimum of the car alone under the same
battery, and with that of both, were the battery ours to command; shares are of the gain over plain
charging. `into`: what the car gives while the battery charges, beyond what the house alone draws.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np

from tests.benchmarks.milp_pair import joint_optimum
from tests.benchmarks.milp_plan import plain_setpoints_kw
from tests.benchmarks.pair_cases import HOUSES, alone, pair_of, scored
from tests.benchmarks.score_plan import BenchCase, ac_kw, pack_kw
from tests.benchmarks.two_cars import planned_kw


@dataclass(frozen=True, slots=True, kw_only=True)
class BatteryMatch:
    """Money and kWh, as in two_cars; `ours_share` is what is lost by not commanding the battery."""

    worse_share: float
    ours_share: float
    missed_more_kwh: float
    over_kwh: float
    into_kwh: float


def beside_battery(pair: BenchCase) -> tuple[BenchCase, list[float]]:
    """The first car's house with a battery for its second pack, and what that does by itself."""
    battery: BenchCase = {
        "cap": 10.0,
        "s0": 5.0,
        "smin": 0.5,
        "smax": 10.0,
        "pc": 4.0,
        "pd": 4.0,
        "pmin": 0.0,
        "eta_c": 0.95,
        "eta_d": 0.95,
        "loss": None,
        "pen": 0.0,
        "avail": [1] * pair["n"],
        "trip": [0.0] * pair["n"],
        "targets": [],
    }
    soc_kwh, powers_kw, dt = float(battery["s0"]), list[float](), float(pair["dt"])
    for load_kw, pv_kw in zip(pair["load"], pair["pv"], strict=True):
        most_kw = min(battery["pc"], ac_kw((battery["smax"] - soc_kwh) / dt, battery))
        least_kw = -min(battery["pd"], -ac_kw((battery["smin"] - soc_kwh) / dt, battery))
        power_kw = float(np.clip(pv_kw - load_kw, least_kw, most_kw))
        soc_kwh += pack_kw(power_kw, battery) * dt
        powers_kw.append(power_kw)
    return pair | {"evs": [pair["evs"][0], battery]}, powers_kw


def matched(pair: BenchCase, *, seconds: float) -> BatteryMatch | None:
    """Plan the car and score it; None if the solver found nothing in its time."""
    both, battery_kw = beside_battery(pair)
    seen = alone(both, 0, battery_kw)
    under_it = joint_optimum(seen | {"evs": [seen["ev"]]}, seconds=seconds)
    joint = joint_optimum(both, seconds=seconds)
    if under_it is None or joint is None:
        return None
    ours_kw = planned_kw(seen | {"evs": [seen["ev"]]}, 0, ())
    plain, best, commanded, ours = (
        scored(both, setpoints_kw)
        for setpoints_kw in (
            [plain_setpoints_kw(seen), battery_kw],
            [under_it.setpoints_kw[0], battery_kw],
            joint.setpoints_kw,
            [ours_kw, battery_kw],
        )
    )
    gain = max(plain.cost - min(best.cost, ours.cost), 1e-9)
    return BatteryMatch(
        worse_share=(ours.cost - best.cost) / gain,
        ours_share=(best.cost - commanded.cost) / gain,
        missed_more_kwh=max(sum(ours.missed_kwh) - sum(best.missed_kwh), 0.0),
        over_kwh=ours.over_kwh - best.over_kwh,
        into_kwh=ours.shuffled_kwh,
    )


def main() -> None:
    """A line for each house and seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=60.0, help="of the solver, for each")
    options = parser.parse_args()
    for house in HOUSES:
        for seed in (None, *range(options.seeds)):
            pair = pair_of(*house, seed=seed)
            match = matched(pair, seconds=options.seconds)
            if match is None:
                parser.exit(1, f"{pair['name']} {seed}: no answer of the solver\n")
            print(
                f"{house[0]:16}{'-' if seed is None else seed:>3}"
                f"{100.0 * match.worse_share:>8.2f} %{100.0 * match.ours_share:>8.2f} %"
                f"{match.missed_more_kwh:>7.2f}{match.over_kwh:>7.2f}{match.into_kwh:>7.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
