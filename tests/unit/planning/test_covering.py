"""How likely the next trip is covered, worked by hand over its departures and lengths."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from tests.unit.planning.problems import START_UTC, plan_problem
from tests.unit.planning.test_staying import uncertain
from v2g_daemon.domain.goals import DepartureGoal
from v2g_daemon.planning.case import Case, Trips
from v2g_daemon.planning.covering import covered_share
from v2g_daemon.planning.depth import optimise
from v2g_daemon.planning.plan import solve


def with_trips(case: Case, energy_wh: list[float], weight: list[float]) -> Case:
    trips = Trips(energy_wh=np.array(energy_wh), weight=np.array(weight))
    here = replace(case.horizon.presence, trips=trips)
    return replace(case, horizon=replace(case.horizon, presence=here))


def test_an_early_departure_finds_less_than_a_late_one() -> None:
    # It waits for the cheap second hour, so that the 0.4 which leave after the first lack 1 kWh.
    solution = optimise(uncertain([0.4, 1.0]))
    assert covered_share(solution, plugged_in=True) == pytest.approx(0.6)


def test_each_length_of_trip_counts_with_its_weight() -> None:
    # 2 kWh are there from the start; longer trips are dearer to charge for than to miss.
    case = with_trips(uncertain([0.4, 1.0]), [1000.0, 2000.0, 9000.0], [0.5, 0.3, 0.2])
    dear = replace(case, terms=replace(case.terms, unmet_later_per_kwh=0.01))
    assert covered_share(optimise(dear), plugged_in=True) == pytest.approx(0.8)


def test_only_departures_within_the_horizon_count() -> None:
    solution = optimise(uncertain([0.0, 0.25]))
    assert covered_share(solution, plugged_in=True) == pytest.approx(1.0)
    assert covered_share(optimise(uncertain([0.0, 0.0])), plugged_in=True) is None


def test_what_is_told_or_unknown_has_no_chance() -> None:
    goal = DepartureGoal(ready_by_utc=START_UTC + timedelta(hours=1), soc=0.5)
    assert solve(plan_problem(goals=(goal,))).covered_share is None
    assert solve(plan_problem()).covered_share is None
    assert covered_share(optimise(uncertain([0.4, 1.0])), plugged_in=False) is None
