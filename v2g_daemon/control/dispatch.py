"""Value dispatch: of the actions of the moment, the one that is worth most."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from v2g_daemon.battery.losses import ac_power_w
from v2g_daemon.control.pricing import Ahead, Moment, ahead_of, step_at, worth
from v2g_daemon.domain.plan import Plan
from v2g_daemon.domain.quick import quick

LEVELS = 12


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The best action and what it gains over idling, in money for the rest of the step."""

    target_w: float
    gain_money: float


def dispatch(plan: Plan, moment: Moment) -> Choice | None:
    """The action of highest worth; None outside the plan's horizon."""
    ahead = ahead_of(plan, moment)
    if ahead is None:
        return None
    best_w, best_money = 0.0, 0.0
    for power_w, gain_money in gains(plan, moment, ahead):
        if gain_money > best_money:
            best_w, best_money = power_w, gain_money
    return Choice(target_w=best_w, gain_money=best_money)


def planned_w(plan: Plan, now_utc: datetime) -> float:
    """What the plan does now; 0 W outside of it."""
    step = step_at(plan.value, now_utc)
    return 0.0 if step is None or step[0] >= len(plan.slots) else plan.slots[step[0]].power_w


def gains(plan: Plan, moment: Moment, ahead: Ahead) -> Iterator[tuple[float, float]]:
    """Every possible action beside idling, AC W, with the money it gains over idling."""
    grid = plan.value.soc_grid
    idle = worth(0.0, moment, grid, ahead)
    for power_w in _candidates(moment, ahead):
        gained = worth(power_w, moment, grid, ahead)
        if gained is not None and idle is not None:
            yield power_w, gained - idle


def _candidates(moment: Moment, ahead: Ahead) -> list[float]:
    """Evenly spaced levels both ways, and the powers that match the house."""
    found: list[float] = []
    hours = ahead.hours_h
    if moment.max_charge_w >= moment.min_charge_w:
        span_w = moment.max_charge_w - moment.min_charge_w
        found += [moment.min_charge_w + span_w * i / (LEVELS - 1) for i in range(LEVELS)]
    if moment.max_discharge_w >= moment.min_discharge_w:
        span_w = moment.max_discharge_w - moment.min_discharge_w
        found += [-(moment.min_discharge_w + span_w * i / (LEVELS - 1)) for i in range(LEVELS)]
    matches = (
        -moment.net_load_w,
        ac_power_w((moment.soc_ceiling - moment.soc) * moment.capacity_wh / hours, moment.loss),
        ac_power_w((moment.soc_floor - moment.soc) * moment.capacity_wh / hours, moment.loss),
        *(cap.cap_w - moment.net_load_w for cap in ahead.caps),
    )
    for power_w in matches:
        charges = moment.min_charge_w <= power_w <= moment.max_charge_w
        discharges = -moment.max_discharge_w <= power_w <= -moment.min_discharge_w
        if charges or discharges:
            found.append(power_w)
    return found
