"""Score a plan on one fixed case, in the plant that all planners are judged by.

    python tests/benchmarks/score_plan.py CASE.json PLAN.json

PLAN.json holds {"setpoints_kw": [...]}: signed AC power per step, + charges the EV. Prints one JSON
line: cost (lower is better), short (missed target kWh; read it beside cost), daycap_over, clip
(energy the charger could not follow).

Case: energies kWh, AC powers kW, money EUR.
 dt, n, imp[], exp[], load[], pv[]   step hours, steps, EUR/kWh, kW averages
 ev: cap s0 smin smax pc pd pmin eta_c eta_d loss|null avail[] trip[] targets[[step, kWh]..] pen
     loss = [a, b, c]: charger loss kW = a + b*P + c*P^2 while P > 0, both directions; null: eta
     trip[t]: kWh that leave the pack in step t; a target is wanted at the END of its step
 site: imp_max exp_max               kW at the PCC
 wear                                EUR per DC kWh discharged
 tv, final                           EUR/kWh credited for energy at the end; `final` is not scored
 daycap                              kWh exported from the EV per day from step 0 (0 = none)
"""

from __future__ import annotations

import json
import math
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

BenchCase = dict[str, Any]


def pack_kw(power_kw: float, ev: BenchCase) -> float:
    """Power into (+) or out of (-) the pack for a signed AC power."""
    if power_kw == 0.0:
        return 0.0
    if ev["loss"] is None:
        return float(power_kw * ev["eta_c"] if power_kw > 0 else power_kw / ev["eta_d"])
    a, b, c = ev["loss"]
    size_kw = abs(power_kw)
    return float(power_kw - (a + b * size_kw + c * size_kw * size_kw))


def ac_kw(into_kw: float, ev: BenchCase) -> float:
    """The AC power behind a pack power, on each side of zero."""
    if abs(into_kw) < 1e-12:
        return 0.0
    if ev["loss"] is None:
        return float(into_kw / ev["eta_c"] if into_kw > 0 else into_kw * ev["eta_d"])
    a, b, c = ev["loss"]
    if into_kw > 0:
        return _root(-c, 1.0 - b, -(a + into_kw))
    return -max(_root(c, 1.0 + b, a + into_kw), 0.0)


def _root(square: float, linear: float, constant: float) -> float:
    if square == 0.0:
        return -constant / linear
    inside = max(linear * linear - 4.0 * square * constant, 0.0)
    return (-linear + math.sqrt(inside)) / (2.0 * square)


@dataclass
class Score:
    """What a plan came to; kWh and EUR."""

    net: float = 0.0
    wear: float = 0.0
    short: float = 0.0
    clip: float = 0.0
    imp_over: float = 0.0
    imp_kwh: float = 0.0
    exp_kwh: float = 0.0
    dis_kwh: float = 0.0
    daycap_over: float = 0.0
    cost: float = 0.0
    soc_kwh: list[float] = field(default_factory=list)

    def line(self) -> dict[str, float]:
        """The JSON line."""
        kept = {key: value for key, value in vars(self).items() if key != "soc_kwh"}
        return {key: round(value, 5) for key, value in kept.items()} | {
            "s_end": round(self.soc_kwh[-1], 5)
        }


def simulate(case: BenchCase, setpoints_kw: list[float]) -> Score:
    """Replay setpoints through the plant, which does what a charger would."""
    ev, dt = case["ev"], case["dt"]
    targets = {int(step): float(kwh) for step, kwh in ev["targets"]}
    score, soc_kwh, day_kwh = Score(), float(ev["s0"]), dict[int, float]()
    for step in range(case["n"]):
        wanted_kw = float(setpoints_kw[step]) if ev["avail"][step] else 0.0
        power_kw, moved_kwh = _followed(case, step, wanted_kw, soc_kwh)
        score.clip += abs(power_kw - wanted_kw) * dt
        exported_kwh = _settle(case, step, power_kw, score)
        if power_kw < 0:
            day = step // round(24 / dt)
            day_kwh[day] = day_kwh.get(day, 0.0) + min(exported_kwh, -power_kw * dt)
        score.wear += case["wear"] * max(-moved_kwh, 0.0)
        score.dis_kwh += max(-moved_kwh, 0.0)
        soc_kwh = max(soc_kwh + moved_kwh - ev["trip"][step], 0.0)
        score.soc_kwh.append(soc_kwh)
        score.short += max(targets.get(step, 0.0) - soc_kwh, 0.0)
    if case["daycap"]:
        score.daycap_over = sum(max(kwh - case["daycap"], 0.0) for kwh in day_kwh.values())
    score.cost = score.net + score.wear + ev["pen"] * score.short - case["tv"] * soc_kwh
    return score


def _followed(case: BenchCase, step: int, wanted_kw: float, soc_kwh: float) -> tuple[float, float]:
    """What the charger makes of a setpoint: AC power, and energy into the pack."""
    ev, site, dt = case["ev"], case["site"], case["dt"]
    power_kw = min(max(wanted_kw, -ev["pd"]), ev["pc"])
    if 0 < abs(power_kw) < ev["pmin"]:
        half = abs(power_kw) >= 0.5 * ev["pmin"]
        power_kw = math.copysign(ev["pmin"], power_kw) if half else 0.0
    flow_kw = case["load"][step] - case["pv"][step] + power_kw
    if flow_kw > site["imp_max"] and power_kw > 0:
        power_kw = max(power_kw - (flow_kw - site["imp_max"]), 0.0)
    if -flow_kw > site["exp_max"] and power_kw < 0:
        power_kw = min(power_kw + (-flow_kw - site["exp_max"]), 0.0)
    if 0 < abs(power_kw) < ev["pmin"] - 1e-6:
        power_kw = 0.0
    moved_kwh = pack_kw(power_kw, ev) * dt
    if power_kw > 0 and soc_kwh + moved_kwh > ev["smax"] + 1e-6:
        moved_kwh = max(ev["smax"] - soc_kwh, 0.0)
        power_kw = max(ac_kw(moved_kwh / dt, ev), 0.0)
    if power_kw < 0 and soc_kwh + moved_kwh < ev["smin"] - 1e-6:
        moved_kwh = -max(soc_kwh - ev["smin"], 0.0)
        power_kw = min(ac_kw(moved_kwh / dt, ev), 0.0)
    return (power_kw, moved_kwh) if moved_kwh != 0.0 else (0.0, 0.0)


def _settle(case: BenchCase, step: int, power_kw: float, score: Score) -> float:
    """Book the step's money; PV is throttled at the limit and where export costs. Exported kWh."""
    dt, site = float(case["dt"]), case["site"]
    flow_kw: float = max(case["load"][step] - case["pv"][step] + power_kw, -site["exp_max"])
    if flow_kw < 0 and case["exp"][step] < 0:
        flow_kw = 0.0 if power_kw >= 0 else max(flow_kw, power_kw)
    imported_kwh, exported_kwh = max(flow_kw, 0.0) * dt, max(-flow_kw, 0.0) * dt
    score.imp_over += max(flow_kw - site["imp_max"], 0.0) * dt
    score.net += imported_kwh * case["imp"][step] - exported_kwh * case["exp"][step]
    score.imp_kwh += imported_kwh
    score.exp_kwh += exported_kwh
    return exported_kwh


if __name__ == "__main__":
    bench_case, plan = (json.loads(Path(name).read_text()) for name in sys.argv[1:3])
    print(json.dumps(simulate(bench_case, plan["setpoints_kw"]).line()))
