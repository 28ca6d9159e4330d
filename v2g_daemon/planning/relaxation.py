"""A lower bound that no strategy can pass, as a linear programme (extra `milp`: HiGHS).

It forgets the least power, lets a charger pulse at its best efficiency and lose more than it has
to, so it cannot be reached; and where a kWh earns more than it costs, it buys and sells at once,
which no meter would count.

The solver's memory goes by rows and columns. So imports are no column but what the others leave,
and a way of the charger is one column for each piece of its line of best efficiency.
"""

from __future__ import annotations

from math import sqrt

import highspy
import numpy as np

from v2g_daemon.battery.losses import active_loss_w
from v2g_daemon.domain.loss import LossCurve
from v2g_daemon.planning.case import Floats, Ints
from v2g_daemon.planning.foresight import KnownDays

# What a second piece has to tell, of full power, to be worth a column.
TELLING = 1e-3


def net_cost(days: KnownDays) -> float | None:
    """What all days cost in the relaxation, what it misses left out; None without an optimum.

    The energy left at the end is credited beyond that at the start.
    """
    every = slice(0, len(days.net_load_w))
    if not days.stays:
        return _idle_cost(days, every)
    lp, slots, missed = _model(days)
    solver = highspy.Highs()  # type: ignore[no-untyped-call]
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", 1)
    solver.setOptionValue("presolve", "off")
    solver.passModel(lp)
    # The solver has its own copy, and is large enough.
    del lp
    solver.run()
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None
    values = np.array(solver.getSolution().col_value)
    missed_kwh = float(values[missed].sum()) / 1000.0
    paid = float(solver.getObjectiveValue()) - days.terms.unmet_per_kwh * missed_kwh
    at_start = days.terms.terminal_per_kwh * days.pack.start_wh / 1000.0
    return paid + at_start + _idle_cost(days, every) - _idle_cost(days, slots)


def _idle_cost(days: KnownDays, slots: slice | Ints) -> float:
    """What some slots cost with an idle car, PV throttled where it should be."""
    net_w, export_price = days.net_load_w[slots], days.export_per_kwh[slots]
    export_w = np.minimum(np.maximum(-net_w, 0.0), days.terms.export_limit_w)
    export_w = np.where(export_price < 0.0, 0.0, export_w)
    bought = np.maximum(net_w, 0.0) * days.import_per_kwh[slots]
    return float((bought - export_w * export_price).sum()) * (days.slot_h / 1000.0)


def _model(days: KnownDays) -> tuple[highspy.HighsLp, Ints, Ints]:
    """The programme, the slots it covers, and the columns of what stays miss."""
    model = _Model(days)
    return model.as_lp(), model.slots, model.missed


class _Sparse:
    """A programme as it grows, by columns (all ≥ 0) and rows."""

    def __init__(self) -> None:
        self._cost: list[Floats] = []
        self._upper: list[Floats] = []
        self._columns = 0
        self._entries: list[tuple[Ints, Ints, Floats]] = []
        self._row_lower: list[Floats] = []
        self._row_upper: list[Floats] = []
        self._rows = 0

    def columns(self, cost: Floats, upper: Floats | float) -> Ints:
        """A column for each cost; their numbers."""
        columns = self._columns + np.arange(len(cost))
        self._cost.append(cost)
        self._upper.append(np.broadcast_to(upper, cost.shape))
        self._columns += len(cost)
        return columns

    def rows(self, terms: list[tuple[Ints, float]], lower: Floats, upper: Floats) -> Ints:
        """A row for each element of the columns; their numbers."""
        rows = self._rows + np.arange(len(lower))
        for columns, factor in terms:
            self.enter(rows, columns, factor)
        self._row_lower.append(lower)
        self._row_upper.append(upper)
        self._rows += len(lower)
        return rows

    def enter(self, rows: Ints, columns: Ints, factor: float) -> None:
        """More terms of rows that are there."""
        self._entries.append((rows, columns, np.full(len(rows), factor)))

    def passed(self, offset: float) -> highspy.HighsLp:
        """The whole of it; `offset` is what it costs anyway."""
        columns = np.concatenate([one[1] for one in self._entries])
        order = np.argsort(columns, kind="stable")
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_, lp.offset_ = self._columns, self._rows, offset
        lp.col_cost_, lp.col_upper_ = np.concatenate(self._cost), np.concatenate(self._upper)
        lp.col_lower_ = np.zeros(self._columns)
        lp.row_lower_ = np.concatenate(self._row_lower)
        lp.row_upper_ = np.concatenate(self._row_upper)
        lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        entries = np.bincount(columns, minlength=self._columns)
        lp.a_matrix_.start_ = np.concatenate([[0], np.cumsum(entries)])
        lp.a_matrix_.index_ = np.concatenate([one[0] for one in self._entries])[order]
        lp.a_matrix_.value_ = np.concatenate([one[2] for one in self._entries])[order]
        return lp


class _Model:
    """Columns and rows of all plugged-in slots and their stays.

    Of a slot, in W: AC charge and discharge, export, and the PV not produced; in Wh the energy at
    its end. Of a stay, in Wh: missed at its end, missing to the floor in it, missing to the trip
    before it. A column costs what it has the house import.
    """

    def __init__(self, days: KnownDays) -> None:
        stays, pack, terms = days.stays, days.pack, days.terms
        self._days, self._lp = days, _Sparse()
        self.slots = np.concatenate([np.arange(one.first, one.end) for one in stays])
        lengths = np.array([one.end - one.first for one in stays])
        self._stay_of = np.repeat(np.arange(len(stays)), lengths)
        self._last = np.cumsum(lengths) - 1
        self._net_w = days.net_load_w[self.slots]
        kwh_per_w = days.slot_h / 1000.0
        self._bought = days.import_per_kwh[self.slots] * kwh_per_w
        self._charge = [
            (self._lp.columns(self._bought, width_w), kept)
            for width_w, kept in _pieces(
                pack.charge_loss, pack.min_charge_w, pack.max_charge_w, sign=-1.0
            )
        ]
        self._discharge = [
            (
                self._lp.columns(drawn * terms.wear_per_kwh * kwh_per_w - self._bought, width_w),
                drawn,
            )
            for width_w, drawn in _pieces(
                pack.discharge_loss, pack.min_discharge_w, pack.max_discharge_w, sign=1.0
            )
        ]
        sold = days.export_per_kwh[self.slots] * kwh_per_w
        self._export = self._lp.columns(self._bought - sold, terms.export_limit_w)
        # Only what the sun leaves over can be throttled.
        self._sunny = np.flatnonzero(self._net_w < 0.0)
        self._throttled = self._lp.columns(self._bought[self._sunny], -self._net_w[self._sunny])
        self._energy = self._energies()
        free, start_wh = np.zeros(len(stays)), pack.start_wh - stays[0].trip_wh
        self.missed = self._lp.columns(free + terms.unmet_per_kwh / 1000.0, highspy.kHighsInf)
        self._below = self._lp.columns(free, _first(pack.floor_wh - start_wh, free + pack.floor_wh))
        self._stranded = self._lp.columns(free, _first(-start_wh, free + highspy.kHighsInf))

    def _energies(self) -> Ints:
        """What is left at the end is worth something."""
        worth, pack = np.zeros(len(self.slots)), self._days.pack
        worth[-1] = -self._days.terms.terminal_per_kwh / 1000.0
        ceilings_wh = np.array([one.ceiling_wh for one in self._days.stays])
        return self._lp.columns(worth, np.maximum(ceilings_wh[self._stay_of], pack.start_wh))

    def as_lp(self) -> highspy.HighsLp:
        """The whole model."""
        self._imported()
        self._stored()
        self._wanted()
        return self._lp.passed(float(self._bought @ self._net_w))

    def _imported(self) -> None:
        """What the columns leave to be imported: nothing negative, and no more than the limit."""
        most_w = np.maximum(self._days.terms.import_limit_w, self._net_w)
        terms = [(columns, 1.0) for columns, _ in self._charge]
        terms += [(columns, -1.0) for columns, _ in self._discharge]
        rows = self._lp.rows([*terms, (self._export, 1.0)], -self._net_w, most_w - self._net_w)
        self._lp.enter(rows[self._sunny], self._throttled, 1.0)

    def _stored(self) -> None:
        """Each slot goes on from the one before, or from less: a charger may lose all it likes.

        A trip leaves before a stay's first slot.
        """
        first = np.concatenate([[0], self._last[:-1] + 1])
        moved_wh, endless = np.zeros(len(self.slots)), np.full(len(self.slots), highspy.kHighsInf)
        moved_wh[first] = [-one.trip_wh for one in self._days.stays]
        moved_wh[0] += self._days.pack.start_wh
        terms = [(columns, -kept * self._days.slot_h) for columns, kept in self._charge]
        terms += [(columns, drawn * self._days.slot_h) for columns, drawn in self._discharge]
        rows = self._lp.rows([*terms, (self._energy, 1.0)], -endless, moved_wh)
        self._lp.enter(rows[1:], self._energy[:-1], -1.0)
        self._lp.enter(rows[first], self._stranded, -1.0)
        floor_wh = np.full(len(self.slots), self._days.pack.floor_wh)
        below = self._below[self._stay_of]
        self._lp.rows([(self._energy, 1.0), (below, 1.0)], floor_wh, endless)

    def _wanted(self) -> None:
        """Targets; and what a trip may leave missing: no more than was missed before it."""
        stays = self._days.stays
        targets_wh = np.array([0.0 if one.target_wh is None else one.target_wh for one in stays])
        endless = np.full(len(stays), highspy.kHighsInf)
        self._lp.rows([(self._energy[self._last], 1.0), (self.missed, 1.0)], targets_wh, endless)
        trips_wh = np.array([one.trip_wh for one in stays[1:]])
        short_wh = trips_wh - targets_wh[:-1]
        for column, needed_wh in (
            (self._below, short_wh + self._days.pack.floor_wh),
            (self._stranded, short_wh),
        ):
            terms = [(column[1:], 1.0), (self.missed[:-1], -1.0)]
            self._lp.rows(terms, -endless[1:], np.maximum(needed_wh, 0.0))


def _first(first_wh: float, bounds_wh: Floats) -> Floats:
    """The bounds, with the first stay's own: nobody can have missed anything before it."""
    bounds_wh[0] = max(first_wh, 0.0)
    return bounds_wh


def _pieces(
    curve: LossCurve, least_w: float, most_w: float, *, sign: float
) -> list[tuple[float, float]]:
    """A way of the charger in pieces (width in AC W, pack over AC power): what pulsing achieves.

    The line from rest to the best power, and where full power lies off it the tangent there.
    Losses are taken off a charge (`sign` −1) and come on top of a discharge (+1).
    """
    if most_w <= 0.0:
        return []
    best_w = most_w
    if curve.quadratic_per_w > 0.0:
        best_w = sqrt(curve.constant_w / curve.quadratic_per_w)
    best_w = min(max(best_w, least_w, 1.0), most_w)
    slope = 1.0 + sign * active_loss_w(best_w, curve) / best_w
    at_full_w = most_w + sign * active_loss_w(most_w, curve)
    if abs(slope * most_w - at_full_w) <= TELLING * most_w:
        return [(most_w, slope)]
    tangent = 1.0 + sign * (curve.linear + 2.0 * curve.quadratic_per_w * most_w)
    knee_w = (at_full_w - tangent * most_w) / (slope - tangent)
    return [(knee_w, slope), (most_w - knee_w, tangent)]
