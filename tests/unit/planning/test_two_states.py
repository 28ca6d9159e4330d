"""The two programmes of a car that may leave and return, against a recursion in plain Python."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from math import inf, isnan
from typing import Any

import numpy as np
import pytest

from tests.unit.planning.problems import toy_case
from v2g_daemon.planning import tables as tables_module
from v2g_daemon.planning.backward import Values, values
from v2g_daemon.planning.case import Case, Presence, Trips
from v2g_daemon.planning.tables import tables_of

STEPS = 5
NAN = float("nan")


@pytest.fixture(autouse=True)
def a_level_for_each_whole_kw(monkeypatch: pytest.MonkeyPatch) -> None:
    """The recursion moves whole kW of the toy's 12, so the programme must be able to."""
    monkeypatch.setattr(tables_module, "LEVELS", 12)


def presence(**changes: Any) -> Presence:
    """It leaves with a chance of one in four, returns with one in two; trips of 3 or 6 kWh."""
    nothing = np.zeros(STEPS)
    return replace(
        Presence(
            leaves=np.full(STEPS, 0.25),
            returns=np.full(STEPS, 0.5),
            plugged=np.ones(STEPS, dtype=np.bool_),
            trip_wh=nothing,
            likely_trip_wh=nothing,
            target_wh=np.full(STEPS, NAN),
            unknown_trip=np.ones(STEPS, dtype=np.bool_),
            trips=Trips(energy_wh=np.array([3000.0, 6000.0]), weight=np.array([0.75, 0.25])),
        ),
        **changes,
    )


def doubtful(here: Presence, scenarios_kw: list[list[float]]) -> Case:
    case = toy_case(
        imports=[0.10, 0.40, 0.20, 0.30, 0.15],
        exports=[0.05, 0.35, 0.10, 0.20, 0.12],
        net_load_w=scenarios_kw[0],
        unmet_per_kwh=5.0,
        unmet_later_per_kwh=0.5,
    )
    scenarios_w = np.array(scenarios_kw)[:, None, :] * 1000.0
    return replace(
        case,
        horizon=replace(case.horizon, scenarios_w=scenarios_w, presence=here),
        pack=replace(case.pack, floor_wh=0.0),
    )


def by_hand(case: Case) -> dict[tuple[str, int, int], float]:
    """The least expected cost to come, in whole kWh and kW, for (state, step, kWh)."""
    horizon, terms, here = case.horizon, case.terms, case.horizon.presence
    loads_kw = horizon.scenarios_w[:, 0] / 1000.0
    assert here.trips is not None
    trips = list(zip(here.trips.energy_wh / 1000.0, here.trips.weight, strict=True))

    def money(step: int, load_kw: float, power_kw: float) -> float | None:
        flow_kw = load_kw + power_kw
        if (power_kw > 0.0 and flow_kw > 10.0) or (power_kw < 0.0 and flow_kw < -5.0):
            return None
        price = horizon.import_per_kwh[step] if flow_kw > 0.0 else horizon.export_per_kwh[step]
        return float(flow_kw * price + 0.03 * max(-power_kw, 0.0))

    @cache
    def plugged(step: int, soc: int) -> float:
        if step == STEPS:
            return -terms.terminal_per_kwh * soc
        total = 0.0
        for load_kw in loads_kw[:, step]:
            options = [
                (power_kw, cost)
                for power_kw in range(-12, 13)
                if (cost := money(step, load_kw, float(power_kw))) is not None
            ]
            total += min(
                cost + later(step, soc + power_kw)
                for power_kw, cost in options
                if power_kw == 0 or 0 <= soc + power_kw <= 12
            ) / len(loads_kw)
        return total

    def later(step: int, soc: int) -> float:
        wanted = here.target_wh[step] / 1000.0
        missed = 0.0 if isnan(wanted) else 5.0 * max(wanted - soc, 0.0)
        leaves = here.leaves[step]
        gone = 0.0
        for trip_kwh, weight in trips:
            short = max(trip_kwh - soc, 0.0) if isnan(wanted) else 0.0
            back = max(soc - int(trip_kwh), 0)
            gone += weight * (away(step + 1, back) + 0.5 * short)
        stays = plugged(step + 1, soc) if leaves < 1.0 else 0.0
        return float(missed + (1.0 - leaves) * stays + leaves * gone)

    @cache
    def away(step: int, soc: int) -> float:
        if step == STEPS:
            return -terms.terminal_per_kwh * soc
        idle = np.mean([money(step, load_kw, 0.0) for load_kw in loads_kw[:, step]])
        returns = here.returns[step]
        return float(
            idle + (1.0 - returns) * away(step + 1, soc) + returns * plugged(step + 1, soc)
        )

    found = {("plugged", step, soc): plugged(step, soc) for step in range(STEPS)
             for soc in range(13)}  # fmt: skip
    return found | {("away", step, soc): away(step, soc) for step in range(STEPS)
                    for soc in range(13)}  # fmt: skip


def solved(case: Case) -> Values:
    return values(tables_of(case), np.zeros(STEPS))


@pytest.mark.parametrize(
    "scenarios_kw",
    [[[1.0, 2.0, 0.0, 3.0, 1.0]], [[1.0, 2.0, 0.0, 3.0, 1.0], [-2.0, 1.0, -4.0, 5.0, 0.0]]],
    ids=["one load", "two loads"],
)
def test_values_are_the_least_expected_cost_of_a_car_that_may_leave(
    scenarios_kw: list[list[float]],
) -> None:
    case = doubtful(presence(), scenarios_kw)
    found, grid = solved(case), tables_of(case).grid
    for (state, step, soc), cost in by_hand(case).items():
        rows = found.before if state == "plugged" else found.away
        # The lattice is finer than whole kWh, and its powers are not all whole: it may do better.
        assert grid.at(rows[step], soc * 1000.0) <= cost + 1e-9
        assert grid.at(rows[step], soc * 1000.0) == pytest.approx(cost, abs=0.08)


def test_a_told_departure_leaves_no_doubt_before_it() -> None:
    leaves = np.array([0.0, 0.0, 1.0, 0.25, 0.25])
    target_wh = np.array([NAN, NAN, 9000.0, NAN, NAN])
    case = doubtful(presence(leaves=leaves, target_wh=target_wh), [[1.0, 2.0, 0.0, 3.0, 1.0]])
    found, grid = solved(case), tables_of(case).grid
    for (state, step, soc), cost in by_hand(case).items():
        rows = found.before if state == "plugged" else found.away
        assert grid.at(rows[step], soc * 1000.0) == pytest.approx(cost, abs=0.08)


def test_a_car_that_surely_stays_is_worth_what_the_one_programme_says() -> None:
    doubtless = presence(leaves=np.zeros(STEPS))
    case = doubtful(doubtless, [[1.0, 2.0, 0.0, 3.0, 1.0]])
    without = replace(
        case,
        horizon=replace(
            case.horizon,
            presence=replace(doubtless, trips=None, unknown_trip=np.zeros(STEPS, dtype=np.bool_)),
        ),
    )
    assert solved(case).before == pytest.approx(solved(without).before)


def test_the_dearer_a_missed_trip_the_more_the_first_hour_charges() -> None:
    case = doubtful(presence(), [[1.0] * STEPS])
    kept = []
    for price in (0.0, 0.5, 5.0):
        dearer = replace(case, terms=replace(case.terms, unmet_later_per_kwh=price))
        row = solved(dearer).after[0]
        kept.append(float(row[tables_of(dearer).grid.points // 2] - row[-1]))
    assert kept == sorted(kept)
    assert kept[2] > kept[0] + 0.5


def test_what_is_not_told_apart_is_priced_on_average() -> None:
    """Two members of one scenario: discharging 2 kW serves one house and is exported by the other.

    Two scenarios know which house it is, and do no worse.
    """
    apart = doubtful(presence(leaves=np.zeros(STEPS)), [[2.0] * STEPS, [0.0] * STEPS])
    apart = replace(apart, terms=replace(apart.terms, import_limit_w=inf, export_limit_w=inf))
    loads_w = apart.horizon.scenarios_w
    together = replace(
        apart, horizon=replace(apart.horizon, scenarios_w=loads_w.reshape(1, 2, STEPS))
    )
    tables = tables_of(together)
    # At 0.40 in and 0.35 out, wear 0.03: 2 kWh earn 0.80 in one house and 0.70 in the other.
    level = int(np.flatnonzero(np.isclose(tables.level_wh[1], -2000.0))[0])
    assert tables.actions.cost[1, level] == pytest.approx(0.06 - 0.75)
    assert (solved(apart).before <= solved(together).before + 1e-9).all()


@pytest.mark.parametrize("scenarios_kw", [[[1.0] * STEPS], [[1.0] * STEPS, [-2.0] * STEPS]])
@pytest.mark.parametrize("last", [0, 2, STEPS - 1])
def test_what_differs_up_to_a_step_alone_is_solved_from_there_on(
    scenarios_kw: list[list[float]], last: int
) -> None:
    leaves = np.full(STEPS, 0.25)
    doubt = doubtful(presence(), scenarios_kw)
    leaves[: last + 1] = 0.0
    leaves[last] = 1.0
    told = doubtful(presence(leaves=leaves), scenarios_kw)
    tables, free = tables_of(told), np.zeros(STEPS)
    whole, later = values(tables, free), values(tables_of(doubt), free)
    taken_over = values(tables, free, later=later, last=last)
    for name in ("before", "after", "away", "hold"):
        np.testing.assert_allclose(
            getattr(taken_over, name), getattr(whole, name), rtol=0.0, atol=1e-12
        )
