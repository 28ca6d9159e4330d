"""What one step costs under an action: the same money and losses as dispatch, on arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from v2g_daemon.domain.quick import quick, replace
from v2g_daemon.market.money import net_cost
from v2g_daemon.planning.case import (
    COLUMN,
    SLACK_W,
    Bools,
    Cap,
    Case,
    Floats,
    Ints,
    Others,
    PriceBand,
    Terms,
)

FORBIDDEN = 1e9  # money; finite, so that interpolation and addition stay finite


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Priced:
    """Actions priced, shape (steps, actions): money with wear, margin, budgets; energy exported."""

    cost: Floats
    exported_wh: Floats
    feasible: Bools

    def under(self, shadow_per_kwh: Floats) -> Floats:
        """The cost with the shadow price of each step on exports; forbidden where infeasible."""
        cost = self.cost + shadow_per_kwh[:, None] * (self.exported_wh / 1000.0)
        return np.where(self.feasible, cost, FORBIDDEN)


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class StepTerms:
    """The price-relevant columns of some steps, each of shape (steps, 1).

    Loads may have one more axis in front, of the members of a scenario. Each of `caps`, and what
    `others` take, holds one value per step in its column.
    """

    hours: Floats
    net_load_w: Floats
    import_per_kwh: Floats
    export_per_kwh: Floats
    export_left: Bools
    caps: tuple[Cap, ...] = ()
    others: Others | None = None

    @staticmethod
    def of(case: Case) -> StepTerms:
        """The columns of every step, at the load expected."""
        horizon, left_wh = case.horizon, case.export_left_wh()
        return StepTerms(
            hours=horizon.hours[:, None],
            net_load_w=horizon.net_load_w[:, None],
            import_per_kwh=horizon.import_per_kwh[:, None],
            export_per_kwh=horizon.export_per_kwh[:, None],
            export_left=np.array([left_wh[day] > 0.0 for day in horizon.export_day.tolist()])[
                :, None
            ],
            caps=tuple(replace(cap, cap_w=cap.cap_w[:, None]) for cap in case.caps),
            others=None if horizon.others is None else horizon.others.rows(COLUMN),
        )

    def of_scenarios(self, scenarios_w: Floats, band: PriceBand | None = None) -> StepTerms:
        """The columns at each scenario's mean and price; those of a step stand together."""
        mean_w = scenarios_w.mean(axis=1)
        scenarios, steps = mean_w.shape
        repeated = self.rows(np.repeat(np.arange(steps), scenarios))
        loaded = replace(repeated, net_load_w=mean_w.T.reshape(-1, 1))
        if band is None:
            return loaded
        return replace(
            loaded,
            import_per_kwh=band.import_per_kwh.T.reshape(-1, 1),
            export_per_kwh=band.export_per_kwh.T.reshape(-1, 1),
        )

    def of_members(self, scenarios_w: Floats) -> StepTerms:
        """The columns of all scenarios at the load of each of their members."""
        members_w = scenarios_w.transpose(1, 2, 0).reshape(scenarios_w.shape[1], -1, 1)
        return replace(self, net_load_w=members_w)

    def row(self, step: int) -> StepTerms:
        """The columns of one step, still two-dimensional."""
        return self.rows(slice(step, step + 1))

    def rows(self, chosen: slice | Ints) -> StepTerms:
        """The columns of some of these steps, still two-dimensional."""
        return StepTerms(
            hours=self.hours[chosen],
            net_load_w=self.net_load_w[chosen],
            import_per_kwh=self.import_per_kwh[chosen],
            export_per_kwh=self.export_per_kwh[chosen],
            export_left=self.export_left[chosen],
            caps=tuple(replace(cap, cap_w=cap.cap_w[chosen]) for cap in self.caps),
            others=None if self.others is None else self.others.rows(chosen),
        )


def priced(case: Case, steps: StepTerms, power_w: Floats) -> Priced:
    """Price signed AC powers of shape (steps, actions) or (1, actions)."""
    return priced_moves(case, steps, power_w, case.pack.delta_w(power_w))


def priced_moves(case: Case, steps: StepTerms, power_w: Floats, delta_w: Floats) -> Priced:
    """The same of powers whose effect on the pack is known."""
    terms, flow_w = case.terms, steps.net_load_w + power_w
    offered_w, drawn_w = np.maximum(-flow_w, 0.0), np.maximum(-power_w, 0.0)
    export_w = _exported_w(case, steps, offered_w, drawn_w)
    exported_w = np.minimum(export_w, drawn_w)
    import_limit_w, export_limit_w = limits_w(terms, steps.others)
    charge_fits = (power_w <= 0.0) | (flow_w <= import_limit_w + SLACK_W)
    discharge_fits = (power_w >= 0.0) | (offered_w <= export_limit_w + SLACK_W)
    may_export = steps.export_left if terms.may_export else np.zeros_like(steps.export_left)
    return Priced(
        cost=_cost(case, steps, (flow_w, export_w, drawn_w), delta_w),
        exported_wh=exported_w * steps.hours,
        feasible=charge_fits & discharge_fits & (may_export | (exported_w <= SLACK_W)),
    )


def limits_w(terms: Terms, others: Others | None) -> tuple[Floats | float, Floats | float]:
    """Import and export limit as far as house and others leave them; a charge may push one aside.

    What is kept free of it is a cap (`beside.yielding`).
    """
    if others is None:
        return terms.import_limit_w, terms.export_limit_w
    export_limit_w = np.maximum(terms.export_limit_w - others.export_w, 0.0)
    return terms.import_limit_w - others.load_w, export_limit_w


def cost_of_moves(case: Case, steps: StepTerms, power_w: Floats, delta_w: Floats) -> Floats:
    """What powers cost, whether permitted or not; the shape is that of loads and powers."""
    flow_w = steps.net_load_w + power_w
    offered_w, drawn_w = np.maximum(-flow_w, 0.0), np.maximum(-power_w, 0.0)
    export_w = _exported_w(case, steps, offered_w, drawn_w)
    return _cost(case, steps, (flow_w, export_w, drawn_w), delta_w)


def _cost(
    case: Case, steps: StepTerms, flows_w: tuple[Floats, Floats, Floats], delta_w: Floats
) -> Floats:
    """Money at the PCC with wear, margin and budgets; the flows are its net one, what is exported
    of it, and what the EVSE gives.
    """
    flow_w, export_w, drawn_w = flows_w
    money = steps.hours * net_cost(
        import_w=np.maximum(flow_w, 0.0),
        export_w=export_w,
        hours=1.0,
        import_per_kwh=steps.import_per_kwh,
        export_per_kwh=steps.export_per_kwh,
    )
    out_wh = np.maximum(-delta_w, 0.0) * steps.hours
    hurdle = (case.terms.wear_per_kwh + case.terms.margin_per_kwh) / 1000.0
    cost: Floats = money + hurdle * out_wh
    if case.terms.export_wear_per_kwh > 0.0:
        exported = np.minimum(export_w, drawn_w) / np.maximum(drawn_w, SLACK_W)
        cost = cost + case.terms.export_wear_per_kwh / 1000.0 * exported * out_wh
    if case.terms.budget_per_kwh > 0.0 or case.terms.budget_per_h > 0.0:
        cost = cost + steps.hours * _budgets_per_h(case, drawn_w)
    for cap in steps.caps:
        over_w = np.maximum(flow_w - cap.cap_w, 0.0)
        cost = cost + steps.hours * (cap.over_per_kwh / 1000.0 * over_w)
    return cost


def _budgets_per_h(case: Case, drawn_w: Floats) -> Floats:
    """What an hour of these discharges takes out of the budgets, in money."""
    active = np.where(drawn_w > 0.0, case.terms.budget_per_h, 0.0)
    return active + case.terms.budget_per_kwh / 1000.0 * drawn_w


def _exported_w(case: Case, steps: StepTerms, offered_w: Floats, drawn_w: Floats) -> Floats:
    """What crosses the PCC outwards, after PV has been throttled where it can be."""
    if case.terms.throttled_above_w is None:
        return offered_w
    export_w = np.minimum(offered_w, case.terms.throttled_above_w)
    paid_to_take = steps.export_per_kwh < 0.0
    if not paid_to_take.any():
        return export_w
    return np.where(paid_to_take, np.minimum(export_w, drawn_w), export_w)
