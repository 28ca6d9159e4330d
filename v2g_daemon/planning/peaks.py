"""Demand charges in a plan: for each the import to keep to, where all that it costs is least.

A peak is billed once, however often it is reached, so no price per kWh says it, and to carry it as
a state would multiply the programme. Instead the whole programme is solved under caps, and the caps
are searched: what the way through then costs, and what its peaks add to the bill.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf, sqrt

import numpy as np

from v2g_daemon.domain.plan import PeakCap
from v2g_daemon.domain.prices import PeakCharge
from v2g_daemon.planning.backward import values
from v2g_daemon.planning.case import Bools, Cap, Case, Floats
from v2g_daemon.planning.forward import Path, walk
from v2g_daemon.planning.presence import reachable_targets_wh
from v2g_daemon.planning.stage import StepTerms, priced
from v2g_daemon.planning.tables import fine_actions, tables_of
from v2g_daemon.planning.wall import Steps, posix_seconds

GOLDEN = (sqrt(5.0) - 1.0) / 2.0
CUTS = 10
# Where charges hang together, they are weighed once more, this near to what was found.
AGAIN_FROM, AGAIN_CUTS = 0.75, 6
# A kWh beyond a cap costs so many times what one lacking for a trip does, so that no price spread
# and no least power of a charger creeps over it; beside caps, one lacking costs twice that.
OVER_OF_UNMET, UNMET_OF_OVER = 4.0, 2.0
# A search ends where so little is left to be found.
SAME_W = 50.0
# A trip that lacks no more than this lacks nothing.
MISSED_WH = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trial:
    """Caps, and the way through under them: its cost with the peaks it adds, in W, to the bill."""

    caps_w: tuple[float, ...]
    peaks_w: tuple[float, ...]
    cost: float
    missed_wh: float

    def better_than(self, other: _Trial) -> bool:
        """Whether it costs less without leaving more of a trip uncharged."""
        if abs(self.missed_wh - other.missed_wh) > MISSED_WH:
            return self.missed_wh < other.missed_wh
        return self.cost < other.cost


def capped(case: Case, charges: Sequence[PeakCharge], steps: Steps) -> Case:
    """The case with the caps under which it costs least; no goal is missed for any of them."""
    search = _Search(case, charges, steps)
    return search.under(search.best().caps_w)


def due_early(case: Case, early_s: float) -> Case:
    """The case with its targets wanted so much earlier too, where the car is there by then.

    What is charged slowly, for a low peak, would else be unfinished when the house no longer waits.
    """
    horizon, here = case.horizon, case.horizon.presence
    ends_s, target_wh = np.cumsum(horizon.hours) * 3600.0, here.target_wh.copy()
    for step in np.flatnonzero(~np.isnan(here.target_wh)).tolist():
        earlier = int(np.searchsorted(ends_s, ends_s[step] - early_s, side="right")) - 1
        stays = earlier >= 0 and not here.leaves[earlier:step].any()
        if stays and here.plugged[earlier] and np.isnan(target_wh[earlier]):
            target_wh[earlier] = here.target_wh[step] + here.trip_wh[step]
    wanted = replace(case, horizon=replace(horizon, presence=replace(here, target_wh=target_wh)))
    reachable = replace(here, target_wh=reachable_targets_wh(wanted))
    return replace(case, horizon=replace(horizon, presence=reachable))


def told_caps(case: Case) -> tuple[PeakCap, ...]:
    """The caps as dispatch works with them."""
    return tuple(
        PeakCap(
            name=cap.name,
            cap_w=round(cap.pcc_w, 3),
            over_per_kwh=cap.over_per_kwh,
            counts=tuple(np.isfinite(cap.cap_w).tolist()),
        )
        for cap in case.caps
        if cap.name is not None and np.isfinite(cap.cap_w).any()
    )


class _Search:
    """Tries caps on a case, one demand charge after the other."""

    def __init__(self, case: Case, charges: Sequence[PeakCharge], steps: Steps) -> None:
        self._case, self._charges = case, charges
        others, rest_w = case.horizon.others, np.zeros(case.horizon.steps)
        self._others_w = rest_w if others is None else others.import_w
        self._taken_w = rest_w if others is None else others.room_w
        self._counts = [_counting(charge, steps) for charge in charges]
        self._over_per_kwh = OVER_OF_UNMET * case.terms.unmet_per_kwh
        unmet_per_kwh = UNMET_OF_OVER * self._over_per_kwh * len(charges)
        self._terms = replace(case.terms, unmet_per_kwh=unmet_per_kwh)

    def under(self, caps_w: Sequence[float]) -> Case:
        """The case under caps, each where its charge counts; goals come first.

        What others take of it is theirs; who finds a cap used up imports nothing on top.
        """
        own_w = np.maximum(self._case.horizon.net_load_w, 0.0)
        caps = tuple(
            Cap(
                name=charge.name,
                pcc_w=cap_w,
                cap_w=np.where(
                    counts, np.maximum(cap_w - self._taken_w, np.minimum(own_w, cap_w)), inf
                ),
                over_per_kwh=self._over_per_kwh,
            )
            for charge, cap_w, counts in zip(self._charges, caps_w, self._counts, strict=True)
        )
        return replace(self._case, caps=(*caps, *self._case.caps), terms=self._terms)

    def best(self) -> _Trial:
        """The best caps found: never below what is billed already, nor above what they bring."""
        best = self._tried((inf,) * len(self._charges))
        for number, charge in enumerate(self._charges):
            best = self._cut(best, number, charge.billed_w, CUTS)
        if len(self._charges) > 1:
            for number, charge in enumerate(self._charges):
                from_w = max(charge.billed_w, AGAIN_FROM * best.peaks_w[number])
                best = self._cut(best, number, from_w, AGAIN_CUTS)
        billed_w = [charge.billed_w for charge in self._charges]
        caps_w = tuple(max(pair) for pair in zip(billed_w, best.peaks_w, strict=True))
        return replace(best, caps_w=caps_w)

    def _cut(self, best: _Trial, number: int, low_w: float, cuts: int) -> _Trial:
        """The best of some caps of one charge from a lowest one on, by golden section."""
        high_w = best.peaks_w[number]
        if high_w - low_w <= SAME_W:
            return best

        def at(cap_w: float) -> _Trial:
            caps_w = list(best.caps_w)
            caps_w[number] = cap_w
            return self._tried(tuple(caps_w))

        best = _better_of(best, at(low_w))
        left_w, right_w = _golden(low_w, high_w)
        left, right = at(left_w), at(right_w)
        for _ in range(cuts - 3):
            best = _better_of(best, _better_of(left, right))
            if not right.better_than(left):
                high_w, right_w, right = right_w, left_w, left
                left_w = _golden(low_w, high_w)[0]
                left = at(left_w)
            else:
                low_w, left_w, left = left_w, right_w, right
                right_w = _golden(low_w, high_w)[1]
                right = at(right_w)
        return _better_of(best, _better_of(left, right))

    def _tried(self, caps_w: tuple[float, ...]) -> _Trial:
        case = self.under(caps_w)
        tables, free = tables_of(case), np.zeros(case.horizon.steps)
        path = walk(tables, fine_actions(tables), values(tables, free), free, keep_budget=True)
        import_w = np.maximum(case.horizon.net_load_w + path.power_w, 0.0) + self._others_w
        cost, peaks_w = path.objective - float(path.cost.sum()) + self._money(path), []
        for charge, counts in zip(self._charges, self._counts, strict=True):
            peak_w = float(import_w[counts].max(initial=0.0))
            cost += charge.per_kw / 1000.0 * max(peak_w - charge.billed_w, 0.0)
            peaks_w.append(peak_w)
        cost += _likely_missed_cost(case, path.energy_wh)
        missed_wh = _missed_wh(case, path.energy_wh)
        return _Trial(caps_w=caps_w, peaks_w=tuple(peaks_w), cost=cost, missed_wh=missed_wh)

    def _money(self, path: Path) -> float:
        """What the way costs without any cap of a demand charge."""
        steps = StepTerms.of(self._case)
        return float(priced(self._case, steps, path.power_w[:, None]).cost.sum())


def _better_of(one: _Trial, other: _Trial) -> _Trial:
    """The better trial; the first of equals."""
    return other if other.better_than(one) else one


def _golden(low_w: float, high_w: float) -> tuple[float, float]:
    part_w = GOLDEN * (high_w - low_w)
    return high_w - part_w, low_w + part_w


def _missed_wh(case: Case, energy_wh: Floats) -> float:
    missed_wh = np.maximum(case.horizon.presence.target_wh - energy_wh, 0.0)
    return float(np.nansum(missed_wh))


def _likely_missed_cost(case: Case, energy_wh: Floats) -> float:
    """What is likely missing of the first trip that nobody told of, at its price."""
    here = case.horizon.presence
    if here.trips is None:
        return 0.0
    stays = np.append(1.0, np.cumprod(1.0 - here.leaves)[:-1])
    leaves = np.where(here.unknown_trip & np.isnan(here.target_wh), stays * here.leaves, 0.0)
    wanted_wh = here.trips.energy_wh[:, None] + case.pack.floor_wh
    missed_wh = here.trips.weight @ np.maximum(wanted_wh - (energy_wh + here.likely_trip_wh), 0.0)
    return float(leaves @ missed_wh) * case.terms.unmet_later_per_kwh / 1000.0


def _counting(charge: PeakCharge, steps: Steps) -> Bools:
    """The steps of which any part counts.

    Those of the next bill month count as if its peak were this one's: months are alike.
    """
    starts_s = steps.starts_s
    ends_s = starts_s + np.round(steps.hours * 3600.0).astype(np.int64)
    if charge.windows is None:
        return np.ones(len(starts_s), dtype=np.bool_)
    counts = np.zeros(len(starts_s), dtype=np.bool_)
    begins_s = posix_seconds([window.start_utc for window in charge.windows])
    stops_s = posix_seconds([window.end_utc for window in charge.windows])
    for begin_s, stop_s in zip(begins_s.tolist(), stops_s.tolist(), strict=True):
        counts |= (starts_s < stop_s) & (ends_s > begin_s)
    return counts
