"""Perfect foresight: the best way through days that are known to the last slot.

A dynamic programme over every stay, the last one first, on the true plant: the charger holds a
power for a slot, and stops where the pack meets ceiling or floor. Each stay has a lattice
of its own, with its target on it. Costs to come are kept at the start of stays only, and worked
out again on the way forth, so that a year needs little memory. What it finds can be done; that
nothing is better holds up to the lattice (docs/rehearsals.md).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from v2g_daemon.planning.actions import landing, level_powers, match_powers
from v2g_daemon.planning.case import Case, Floats, Horizon, Ints, Pack, Terms, sure
from v2g_daemon.planning.stage import StepTerms, priced

LATTICE_WH = 100.0
LEVELS = 24
LONGEST_STEPS = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownStay:
    """A stay in the slots [first, end): `trip_wh` left before it, `target_wh` is wanted at its end.

    `ceiling_wh`: what it may be charged to.
    """

    first: int
    end: int
    trip_wh: float
    target_wh: float | None
    ceiling_wh: float


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownDays:
    """Everything, known in advance; one value per slot. `terms` say what is scored."""

    import_per_kwh: Floats
    export_per_kwh: Floats
    net_load_w: Floats
    stays: tuple[KnownStay, ...]
    pack: Pack
    terms: Terms
    slot_h: float = 0.25


def best_setpoints_w(days: KnownDays) -> Floats:
    """The power to hold in each slot."""
    setpoint_w = np.zeros(len(days.net_load_w))
    stays = _in_pieces(days.stays)
    ends: list[_Row] = []
    after = _at_the_end(days)
    for stay in reversed(stays):
        ends.append(after)
        programme = _Programme(days, stay)
        after = programme.before(programme.back(after))
    energy_wh = days.pack.start_wh
    for stay, after in zip(stays, reversed(ends), strict=True):
        programme = _Programme(days, stay)
        energy_wh = max(energy_wh - stay.trip_wh, 0.0)
        power_w, energy_wh = programme.forth(programme.back(after), after, energy_wh)
        setpoint_w[stay.first : stay.end] = power_w
    return setpoint_w


def _at_the_end(days: KnownDays) -> _Row:
    """What is left in the pack is worth the same per kWh at any energy."""
    full_wh = days.pack.capacity_wh
    cost = -days.terms.terminal_per_kwh * full_wh / 1000.0
    return _Row(energy_wh=np.array([0.0, full_wh]), cost=np.array([0.0, cost]))


def _in_pieces(stays: tuple[KnownStay, ...]) -> list[KnownStay]:
    """Long stays in parts, so that the costs to come of one fit into little memory."""
    pieces: list[KnownStay] = []
    for stay in stays:
        rest = stay
        while rest.end - rest.first > LONGEST_STEPS:
            cut = rest.first + LONGEST_STEPS
            pieces.append(replace(rest, end=cut, target_wh=None))
            rest = replace(rest, first=cut, trip_wh=0.0)
        pieces.append(rest)
    return pieces


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """Costs to come over energy, linear between."""

    energy_wh: Floats
    cost: Floats

    def at(self, energy_wh: Floats) -> Floats:
        """The costs at any energy."""
        return np.interp(energy_wh, self.energy_wh, self.cost)


class _Programme:
    """One stay: its lattice, its actions, and what each costs more than idling."""

    def __init__(self, days: KnownDays, stay: KnownStay) -> None:
        self._days, self._stay = days, stay
        self._pack, self._terms = days.pack, days.terms
        self._slot_h = days.slot_h
        case = _case_of(days, stay)
        self._level_w = level_powers(days.pack, LEVELS)
        limits_w = case.terms.import_limit_w, case.terms.export_limit_w
        self._match_w = match_powers(case.pack, limits_w, case.horizon.net_load_w)
        steps = StepTerms.of(case)
        idle = priced(case, steps, np.zeros((1, 1))).cost
        free = np.zeros(case.horizon.steps)
        self._level_cost = priced(case, steps, self._level_w[None, :]).under(free) - idle
        self._match_cost = priced(case, steps, self._match_w).under(free) - idle
        self._level_wh = days.pack.delta_w(self._level_w) * self._slot_h
        self._match_wh = days.pack.delta_w(self._match_w) * self._slot_h
        self._case, self._steps, self._idle = case, steps, idle
        top_wh = max(stay.ceiling_wh, days.pack.start_wh)
        target_wh = 0.0 if stay.target_wh is None else stay.target_wh
        offset_wh = target_wh % LATTICE_WH - LATTICE_WH
        points = int(np.ceil((top_wh - offset_wh) / LATTICE_WH)) + 1
        self.energy_wh: Floats = offset_wh + LATTICE_WH * np.arange(points, dtype=np.float64)
        level_wh = self._level_wh[:, None]
        self._level_share = self._share(level_wh, self.energy_wh)
        self._level_place = self._place(self.energy_wh + self._level_share * level_wh)

    def back(self, after: _Row) -> Floats:
        """Costs to come before each step, at each lattice point; the last row is after the stay."""
        steps = len(self._level_cost)
        rows = np.empty((steps + 1, len(self.energy_wh)))
        rows[steps] = after.at(self.energy_wh) + self._missed(self.energy_wh)
        low, share = self._level_place
        for step in range(steps - 1, -1, -1):
            row = rows[step + 1]
            rise = np.diff(row)
            total = row[low]
            total += share * rise[low]
            total += self._level_share * self._level_cost[step][:, None]
            best = total.min(axis=0)
            delta_wh = self._match_wh[step][:, None]
            ran = self._share(delta_wh, self.energy_wh)
            match_low, match_share = self._place(self.energy_wh + ran * delta_wh)
            matched = row[match_low] + match_share * rise[match_low]
            matched += ran * self._match_cost[step][:, None]
            np.minimum(best, matched.min(axis=0), out=rows[step])
        return rows

    def before(self, rows: Floats) -> _Row:
        """Costs to come before the stay's trip has left."""
        inside = _Row(energy_wh=self.energy_wh, cost=rows[0])
        if self._stay.trip_wh == 0.0:
            return inside
        trip_wh = self._stay.trip_wh
        points_wh = np.concatenate([np.array([0.0, trip_wh]), trip_wh + self.energy_wh[1:]])
        points_wh = np.unique(points_wh)
        return _Row(energy_wh=points_wh, cost=inside.at(np.maximum(points_wh - trip_wh, 0.0)))

    def forth(self, rows: Floats, after: _Row, energy_wh: float) -> tuple[Floats, float]:
        """Follow the costs from an energy: the powers, and the energy at the end."""
        powers_w = np.zeros(len(self._level_cost))
        for step in range(len(powers_w)):
            power_w, cost = self._candidates(step, energy_wh)
            delta_wh = self._pack.delta_w(power_w) * self._slot_h
            ran = self._share(delta_wh, energy_wh)
            after_wh = energy_wh + ran * delta_wh
            if step + 1 < len(powers_w):
                to_come = np.interp(after_wh, self.energy_wh, rows[step + 1])
            else:
                to_come = after.at(after_wh) + self._missed(after_wh)
            best = int((ran * cost + to_come).argmin())
            powers_w[step], energy_wh = power_w[best], float(after_wh[best])
        return powers_w, energy_wh

    def _candidates(self, step: int, energy_wh: float) -> tuple[Floats, Floats]:
        """Levels, matches, and what ends exactly on the target."""
        power_w = np.concatenate([self._level_w, self._match_w[step]])
        cost = np.concatenate([self._level_cost[step], self._match_cost[step]])
        target_wh = self._stay.target_wh
        if target_wh is None:
            return power_w, cost
        exact_w = landing(self._pack, energy_wh, target_wh, self._slot_h, self._stay.ceiling_wh)
        if exact_w is None:
            return power_w, cost
        one = priced(self._case, self._steps.row(step), np.array([[exact_w]])).under(np.zeros(1))
        return np.append(power_w, exact_w), np.append(cost, one - self._idle[step])

    def _missed(self, energy_wh: Floats) -> Floats:
        if self._stay.target_wh is None:
            return np.zeros(len(energy_wh))
        missing_wh: Floats = np.maximum(self._stay.target_wh - energy_wh, 0.0)
        return missing_wh * (self._terms.unmet_per_kwh / 1000.0)

    def _share(self, delta_wh: Floats, energy_wh: Floats | float) -> Floats:
        """The part of a slot until the pack meets ceiling or floor."""
        room_wh = np.maximum(self._stay.ceiling_wh - energy_wh, 0.0)
        spare_wh = np.maximum(energy_wh - self._pack.floor_wh, 0.0)
        bound_wh = np.where(delta_wh > 0.0, room_wh, spare_wh)
        moved_wh = np.abs(delta_wh)
        return np.where(moved_wh > bound_wh, bound_wh / np.maximum(moved_wh, 1e-9), 1.0)

    def _place(self, energy_wh: Floats) -> tuple[Ints, Floats]:
        """The lattice point below and the way to the next one."""
        place = (energy_wh - self.energy_wh[0]) / LATTICE_WH
        low = np.clip(place.astype(np.int64), 0, len(self.energy_wh) - 2)
        return low, place - low


def _case_of(days: KnownDays, stay: KnownStay) -> Case:
    slots = slice(stay.first, stay.end)
    count = stay.end - stay.first
    horizon = Horizon(
        hours=np.full(count, days.slot_h),
        import_per_kwh=days.import_per_kwh[slots],
        export_per_kwh=days.export_per_kwh[slots],
        scenarios_w=days.net_load_w[None, None, slots],
        presence=sure(np.ones(count, dtype=np.bool_), np.zeros(count), np.full(count, np.nan)),
        ceiling_wh=np.full(count, stay.ceiling_wh),
        export_day=np.zeros(count, dtype=np.int64),
    )
    return Case(horizon=horizon, pack=days.pack, terms=days.terms)
