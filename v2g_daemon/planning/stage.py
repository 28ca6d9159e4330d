"""What one step costs under an action: the same money and losses as dispatch, on arrays."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from v2g_daemon.market.money import net_cost
from v2g_daemon.planning.case import SLACK_W, Bools, Case, Floats, Ints

FORBIDDEN = 1e9  # money; finite, so that interpolation and addition stay finite


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


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTerms:
    """The price-relevant columns of some steps, each of shape (steps, 1).

    Loads may have one more axis in front, of the members of a scenario.
    """

    hours: Floats
    net_load_w: Floats
    import_per_kwh: Floats
    export_per_kwh: Floats
    export_left: Bools

    @staticmethod
    def of(case: Case, rows: Ints) -> StepTerms:
        """The columns of the given steps, at the load expected."""
        return StepTerms._at(case, rows, case.horizon.net_load_w[rows])

    @staticmethod
    def of_scenarios(case: Case) -> StepTerms:
        """The columns of every step at each scenario's mean; those of a step stand together."""
        mean_w = case.horizon.scenarios_w.mean(axis=1)
        scenarios, steps = mean_w.shape
        rows = np.repeat(np.arange(steps), scenarios)
        return StepTerms._at(case, rows, mean_w.T.ravel())

    def of_members(self, scenarios_w: Floats) -> StepTerms:
        """The columns of all scenarios at the load of each of their members."""
        members_w = scenarios_w.transpose(1, 2, 0).reshape(scenarios_w.shape[1], -1, 1)
        return replace(self, net_load_w=members_w)

    @staticmethod
    def _at(case: Case, rows: Ints, net_load_w: Floats) -> StepTerms:
        horizon = case.horizon
        left_wh = case.export_left_wh()
        export_left = np.array([left_wh[day] > 0.0 for day in horizon.export_day.tolist()])
        return StepTerms(
            hours=horizon.hours[rows, None],
            net_load_w=net_load_w[:, None],
            import_per_kwh=horizon.import_per_kwh[rows, None],
            export_per_kwh=horizon.export_per_kwh[rows, None],
            export_left=export_left[rows, None],
        )

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
        )


def priced(case: Case, steps: StepTerms, power_w: Floats) -> Priced:
    """Price signed AC powers of shape (steps, actions) or (1, actions)."""
    terms = case.terms
    flow_w = steps.net_load_w + power_w
    import_w = np.maximum(flow_w, 0.0)
    offered_w = np.maximum(-flow_w, 0.0)
    drawn_w = np.maximum(-power_w, 0.0)
    export_w = _exported_w(case, steps, offered_w, drawn_w)
    exported_w = np.minimum(export_w, drawn_w)
    money = steps.hours * net_cost(
        import_w=import_w,
        export_w=export_w,
        hours=1.0,
        import_per_kwh=steps.import_per_kwh,
        export_per_kwh=steps.export_per_kwh,
    )
    out_wh = np.maximum(-case.pack.delta_w(power_w), 0.0) * steps.hours
    hurdle = (terms.wear_per_kwh + terms.margin_per_kwh) / 1000.0
    charge_fits = (power_w <= 0.0) | (flow_w <= terms.import_limit_w + SLACK_W)
    discharge_fits = (power_w >= 0.0) | (offered_w <= terms.export_limit_w + SLACK_W)
    may_export = steps.export_left if terms.may_export else np.zeros_like(steps.export_left)
    cost = money + hurdle * out_wh
    if terms.budget_per_kwh > 0.0 or terms.budget_per_h > 0.0:
        cost = cost + steps.hours * _budgets_per_h(case, drawn_w)
    return Priced(
        cost=cost,
        exported_wh=exported_w * steps.hours,
        feasible=charge_fits & discharge_fits & (may_export | (exported_w <= SLACK_W)),
    )


def _budgets_per_h(case: Case, drawn_w: Floats) -> Floats:
    """What an hour of these discharges takes out of the budgets, in money."""
    active = np.where(drawn_w > 0.0, case.terms.budget_per_h, 0.0)
    return active + case.terms.budget_per_kwh / 1000.0 * drawn_w


def _exported_w(case: Case, steps: StepTerms, offered_w: Floats, drawn_w: Floats) -> Floats:
    """What crosses the PCC outwards, after PV has been throttled where it can be."""
    if case.terms.throttled_above_w is None:
        return offered_w
    export_w = np.minimum(offered_w, case.terms.throttled_above_w)
    paid_to_take = np.minimum(export_w, drawn_w)
    return np.where(steps.export_per_kwh < 0.0, paid_to_take, export_w)
