"""What an action of the moment is worth: its money, and by the value function what comes after it.

The arithmetic of loss and money is the optimiser's own (battery.losses, market.money).
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime

from v2g_daemon.battery.losses import pack_power_w
from v2g_daemon.domain.loss import LossCurve
from v2g_daemon.domain.plan import PeakCap, Plan, ValueFunction
from v2g_daemon.domain.quick import quick, replace
from v2g_daemon.market.money import net_cost

LEAST_AHEAD_S = 300.0
SWITCHING_COST = 0.001
# Values are told to so much money. A charge at full power is preferred by no more, and begins for
# nothing: of moments that cost the same it takes the first, and who leaves early has a full car.
EARLY_MONEY = 1e-4


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What the actions are priced by; powers in AC W, prices per kWh, soc of the store."""

    now_utc: datetime
    net_load_w: float
    import_per_kwh: float
    export_per_kwh: float
    soc: float
    capacity_wh: float
    soc_floor: float
    soc_ceiling: float
    max_charge_w: float
    max_discharge_w: float
    min_charge_w: float
    min_discharge_w: float
    loss: LossCurve
    wear_and_margin_per_kwh: float
    last_target_w: float
    pv_throttled_above_w: float | None = None
    export_wear_per_kwh: float = 0.0
    import_beside_w: float = 0.0


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """What is left of a moment's step, and the row of values that its actions lead to.

    `shadow_per_kwh` is paid on exports of the car; the budgets' prices on all that it gives.
    """

    index: int
    hours_h: float
    row: tuple[float, ...]
    shadow_per_kwh: float
    budget_per_kwh: float
    budget_per_h: float
    caps: tuple[PeakCap, ...] = ()

    def peaks_money(self, import_w: float) -> float:
        """What an import costs beyond the caps of the demand charges that count now."""
        money = 0.0
        for cap in self.caps:
            money += self.hours_h / 1000.0 * max(import_w - cap.cap_w, 0.0) * cap.over_per_kwh
        return money

    def budgets_money(self, power_w: float) -> float:
        """What a discharge at this power takes out of the budgets."""
        return self.hours_h * (-power_w / 1000.0 * self.budget_per_kwh + self.budget_per_h)


def ahead_of(plan: Plan, moment: Moment) -> Ahead | None:
    """The rest of the step that holds the moment; None outside the plan's horizon."""
    step = step_at(plan.value, moment.now_utc)
    if step is None:
        return None
    index, end_utc = step
    if index >= len(plan.export_shadow_per_kwh):
        return None
    return Ahead(
        index=index,
        hours_h=max((end_utc - moment.now_utc).total_seconds(), LEAST_AHEAD_S) / 3600.0,
        row=plan.value.rows[index + 1],
        shadow_per_kwh=plan.export_shadow_per_kwh[index],
        budget_per_kwh=plan.budget_per_kwh,
        budget_per_h=plan.budget_per_h,
        caps=tuple(
            cap if moment.import_beside_w == 0.0 else _left_of(cap, moment.import_beside_w)
            for cap in plan.peak_caps
            if cap.counts[index]
        ),
    )


def _left_of(cap: PeakCap, import_w: float) -> PeakCap:
    """The cap beside an import of others; who finds it used up imports nothing on top."""
    return replace(cap, cap_w=max(cap.cap_w - import_w, 0.0))


def worth(
    power_w: float, moment: Moment, soc_grid: tuple[float, ...], ahead: Ahead
) -> float | None:
    """Money of the rest of the step plus what is left to gain after it; None if impossible.

    No discharge goes below the floor; a charge ends at the ceiling.
    """
    pack_w = pack_power_w(power_w, moment.loss)
    soc_after = moment.soc + pack_w * ahead.hours_h / moment.capacity_wh
    if power_w < 0.0 and soc_after < moment.soc_floor:
        return None
    if power_w > 0.0:
        soc_after = min(soc_after, max(moment.soc_ceiling, moment.soc))
    import_w, export_w = at_pcc_w(power_w, moment)
    gained = value_at(soc_grid, ahead.row, soc_after) - net_cost(
        import_w=import_w,
        export_w=export_w,
        hours=ahead.hours_h,
        import_per_kwh=moment.import_per_kwh,
        export_per_kwh=moment.export_per_kwh,
    )
    if ahead.caps:
        gained -= ahead.peaks_money(import_w)
    if power_w < 0.0:
        exported_w = min(-power_w, export_w)
        wear_per_kwh = exported_w / -power_w * moment.export_wear_per_kwh
        wear_per_kwh += moment.wear_and_margin_per_kwh
        gained -= -pack_w * ahead.hours_h / 1000.0 * wear_per_kwh
        gained -= exported_w * ahead.hours_h / 1000.0 * ahead.shadow_per_kwh
        gained -= ahead.budgets_money(power_w)
    if power_w > 0.0 and power_w == moment.max_charge_w:
        gained += EARLY_MONEY
        if moment.last_target_w >= 0.0:
            return gained
    return gained if _same_way(power_w, moment.last_target_w) else gained - SWITCHING_COST


def at_pcc_w(power_w: float, moment: Moment) -> tuple[float, float]:
    """Import and export that an action leads to, both >= 0, once PV is throttled."""
    pcc_w = moment.net_load_w + power_w
    if pcc_w > 0.0:
        return pcc_w, 0.0
    export_w = -pcc_w
    if moment.pv_throttled_above_w is not None:
        export_w = min(export_w, moment.pv_throttled_above_w)
        if moment.export_per_kwh < 0.0:
            export_w = min(export_w, max(-power_w, 0.0))
    return 0.0, export_w


def step_at(value: ValueFunction, now_utc: datetime) -> tuple[int, datetime] | None:
    """The index and end of the step that contains the moment; None outside the horizon."""
    elapsed_s = (now_utc - value.start_utc).total_seconds()
    if elapsed_s < 0.0:
        return None
    end_s = 0.0
    for index, length_s in enumerate(value.step_s):
        end_s += length_s
        if elapsed_s < end_s:
            return index, datetime.fromtimestamp(
                value.start_utc.timestamp() + end_s, tz=value.start_utc.tzinfo
            )
    return None


def value_at(soc_grid: tuple[float, ...], row: tuple[float, ...], soc: float) -> float:
    """The row interpolated at `soc`; flat beyond the grid's ends."""
    upper = bisect_right(soc_grid, soc)
    if upper == 0:
        return row[0]
    if upper == len(soc_grid):
        return row[-1]
    left, right = soc_grid[upper - 1], soc_grid[upper]
    weight = (soc - left) / (right - left)
    if weight == 0.0:
        return row[upper - 1]
    return row[upper - 1] * (1.0 - weight) + row[upper] * weight


def _same_way(power_w: float, last_w: float) -> bool:
    if power_w == 0.0 or last_w == 0.0:
        return power_w == last_w
    return power_w * last_w > 0.0
