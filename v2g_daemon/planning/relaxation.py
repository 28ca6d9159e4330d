"""A lower bound that no strategy can pass, as a linear programme (extra `milp`: HiGHS).

It forgets the least power and lets a charger pulse at its best efficiency, so it cannot be reached;
and where a kWh earns more than it costs, it buys and sells at once, which no meter would count.
"""

from __future__ import annotations

from math import sqrt

import highspy
import numpy as np

from v2g_daemon.battery.losses import active_loss_w
from v2g_daemon.domain.policy import LossCurve
from v2g_daemon.planning.case import Floats, Ints
from v2g_daemon.planning.foresight import SLOT_H, KnownDays

TANGENTS = 1
# Columns of a plugged-in slot, in W but for the last, which is Wh: AC charge and discharge, into
# and out of the pack, import, export, PV not produced, and the energy at its end.
CHARGE, DISCHARGE, INTO, OUT_OF, IMPORT, EXPORT, THROTTLED, ENERGY = range(8)
WIDTH = 8
# Columns of a stay, in Wh: missed at its end, missing to the floor, missing to the trip before it.
MISSED, BELOW, STRANDED = range(3)
STAY_WIDTH = 3


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
    return float((bought - export_w * export_price).sum()) * SLOT_H / 1000.0


def _model(days: KnownDays) -> tuple[highspy.HighsLp, Ints, Ints]:
    """The programme, the slots it covers, and the columns of what stays miss."""
    model = _Model(days)
    return model.as_lp(), model.slots, model.of_stays(MISSED)


class _Model:
    """Columns and rows of all plugged-in slots."""

    def __init__(self, days: KnownDays) -> None:
        self._days = days
        stays = days.stays
        self.slots = np.concatenate([np.arange(one.first, one.end) for one in stays])
        lengths = np.array([one.end - one.first for one in stays])
        self._stay_of = np.repeat(np.arange(len(stays)), lengths)
        self._last = np.cumsum(lengths) - 1
        self._net_w = days.net_load_w[self.slots]
        self._import_price = days.import_per_kwh[self.slots]
        self._export_price = days.export_per_kwh[self.slots]
        self._columns = WIDTH * len(self.slots) + STAY_WIDTH * len(stays)
        self._cost, self._lower = np.zeros(self._columns), np.zeros(self._columns)
        self._upper = np.full(self._columns, highspy.kHighsInf)
        self._entries: list[tuple[Ints, Ints, Floats]] = []
        self._row_lower: list[Floats] = []
        self._row_upper: list[Floats] = []
        self._rows = 0

    def of_slots(self, column: int) -> Ints:
        """That column of every slot."""
        return WIDTH * np.arange(len(self.slots)) + column

    def of_stays(self, column: int) -> Ints:
        """That column of every stay."""
        count = len(self._days.stays)
        return WIDTH * len(self.slots) + STAY_WIDTH * np.arange(count) + column

    def as_lp(self) -> highspy.HighsLp:
        """The whole model."""
        self._price()
        self._bound()
        self._connect()
        self._charger()
        self._energy()
        self._stays()
        return self._passed()

    def _price(self) -> None:
        per_w = SLOT_H / 1000.0
        self._cost[self.of_slots(IMPORT)] = self._import_price * per_w
        self._cost[self.of_slots(EXPORT)] = -self._export_price * per_w
        self._cost[self.of_slots(OUT_OF)] = self._days.terms.wear_per_kwh * per_w
        self._cost[self.of_slots(ENERGY)[-1]] = -self._days.terms.terminal_per_kwh / 1000.0
        self._cost[self.of_stays(MISSED)] = self._days.terms.unmet_per_kwh / 1000.0

    def _bound(self) -> None:
        pack, terms = self._days.pack, self._days.terms
        ceilings_wh = np.array([one.ceiling_wh for one in self._days.stays])
        self._upper[self.of_slots(CHARGE)] = pack.max_charge_w
        self._upper[self.of_slots(DISCHARGE)] = pack.max_discharge_w
        self._upper[self.of_slots(IMPORT)] = np.maximum(terms.import_limit_w, self._net_w)
        self._upper[self.of_slots(EXPORT)] = terms.export_limit_w
        # Only what the sun leaves over can be throttled.
        self._upper[self.of_slots(THROTTLED)] = np.maximum(-self._net_w, 0.0)
        top_wh = np.maximum(ceilings_wh[self._stay_of], pack.start_wh)
        self._upper[self.of_slots(ENERGY)] = top_wh
        self._upper[self.of_stays(BELOW)] = pack.floor_wh

    def _connect(self) -> None:
        columns = (IMPORT, EXPORT, THROTTLED, CHARGE, DISCHARGE)
        signs = (1.0, -1.0, -1.0, -1.0, 1.0)
        terms = [(self.of_slots(one), sign) for one, sign in zip(columns, signs, strict=True)]
        self._add(terms, self._net_w, self._net_w)

    def _charger(self) -> None:
        """Into the pack at most, and out of it at least, what any pulsing of the charger moves."""
        pack, endless = self._days.pack, np.full(len(self.slots), highspy.kHighsInf)
        into = _tangents(pack.charge_loss, pack.min_charge_w, pack.max_charge_w, sign=-1.0)
        for slope, offset_w in into:
            terms = [(self.of_slots(INTO), 1.0), (self.of_slots(CHARGE), -slope)]
            self._add(terms, -endless, np.full(len(self.slots), offset_w))
        out_of = _tangents(
            pack.discharge_loss, pack.min_discharge_w, pack.max_discharge_w, sign=1.0
        )
        for slope, offset_w in out_of:
            terms = [(self.of_slots(OUT_OF), 1.0), (self.of_slots(DISCHARGE), -slope)]
            self._add(terms, np.full(len(self.slots), offset_w), endless)

    def _energy(self) -> None:
        """Each slot goes on from the one before; a trip leaves before a stay's first slot."""
        energy = self.of_slots(ENERGY)
        first = np.concatenate([[0], self._last[:-1] + 1])
        moved_wh = np.zeros(len(self.slots))
        moved_wh[first] = [-one.trip_wh for one in self._days.stays]
        moved_wh[0] += self._days.pack.start_wh
        rows = self._add(
            [
                (energy, 1.0),
                (self.of_slots(INTO), -SLOT_H),
                (self.of_slots(OUT_OF), SLOT_H),
            ],
            moved_wh,
            moved_wh,
        )
        self._entries.append((rows[1:], energy[:-1], np.full(len(energy) - 1, -1.0)))
        self._entries.append((rows[first], self.of_stays(STRANDED), np.full(len(first), -1.0)))
        below = self.of_stays(BELOW)[self._stay_of]
        floor_wh = np.full(len(energy), self._days.pack.floor_wh)
        self._add([(energy, 1.0), (below, 1.0)], floor_wh, np.full(len(energy), highspy.kHighsInf))

    def _stays(self) -> None:
        """Targets; and what a trip may leave missing: no more than was missed before it."""
        stays = self._days.stays
        targets_wh = np.array([0.0 if one.target_wh is None else one.target_wh for one in stays])
        endless = np.full(len(stays), highspy.kHighsInf)
        missed, below = self.of_stays(MISSED), self.of_stays(BELOW)
        self._add([(self.of_slots(ENERGY)[self._last], 1.0), (missed, 1.0)], targets_wh, endless)
        trips_wh = np.array([one.trip_wh for one in stays[1:]])
        short_wh = trips_wh - targets_wh[:-1]
        for column, needed_wh in ((below, short_wh + self._days.pack.floor_wh),
                                  (self.of_stays(STRANDED), short_wh)):  # fmt: skip
            self._add(
                [(column[1:], 1.0), (missed[:-1], -1.0)], -endless[1:], np.maximum(needed_wh, 0.0)
            )
        start_wh = self._days.pack.start_wh - stays[0].trip_wh
        self._upper[below[0]] = max(self._days.pack.floor_wh - start_wh, 0.0)
        self._upper[self.of_stays(STRANDED)[0]] = max(-start_wh, 0.0)

    def _add(self, terms: list[tuple[Ints, float]], lower: Floats, upper: Floats) -> Ints:
        """One row for each element of the columns; their numbers."""
        count = len(lower)
        rows = self._rows + np.arange(count)
        for columns, factor in terms:
            self._entries.append((rows, columns, np.full(count, factor)))
        self._row_lower.append(lower)
        self._row_upper.append(upper)
        self._rows += count
        return rows

    def _passed(self) -> highspy.HighsLp:
        rows = np.concatenate([one[0] for one in self._entries])
        order = np.argsort(rows, kind="stable")
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = self._columns, self._rows
        lp.col_cost_, lp.col_lower_, lp.col_upper_ = self._cost, self._lower, self._upper
        lp.row_lower_ = np.concatenate(self._row_lower)
        lp.row_upper_ = np.concatenate(self._row_upper)
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        lp.a_matrix_.start_ = np.concatenate([[0], np.cumsum(np.bincount(rows))])
        lp.a_matrix_.index_ = np.concatenate([one[1] for one in self._entries])[order]
        lp.a_matrix_.value_ = np.concatenate([one[2] for one in self._entries])[order]
        return lp


def _tangents(
    curve: LossCurve, least_w: float, most_w: float, *, sign: float
) -> list[tuple[float, float]]:
    """Lines (slope, offset W) of pack over AC power: from rest to the best power, and beyond.

    Losses are taken off a charge (`sign` −1) and come on top of a discharge (+1).
    """
    if most_w <= 0.0:
        return [(1.0, 0.0)]
    best_w = most_w
    if curve.quadratic_per_w > 0.0:
        best_w = sqrt(curve.constant_w / curve.quadratic_per_w)
    best_w = min(max(best_w, least_w, 1.0), most_w)
    lines = [(1.0 + sign * active_loss_w(best_w, curve) / best_w, 0.0)]
    # The first of these is the line from rest.
    for power_w in np.linspace(best_w, most_w, TANGENTS + 1)[1:].tolist():
        slope = 1.0 + sign * (curve.linear + 2.0 * curve.quadratic_per_w * power_w)
        moved_w = power_w + sign * active_loss_w(power_w, curve)
        lines.append((slope, moved_w - slope * power_w))
    return lines
