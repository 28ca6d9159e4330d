from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pytest

from tests.unit.planning.problems import REAL_LOSS, START_UTC, STORE, plan_problem
from v2g_daemon.domain.goals import DepartureGoal
from v2g_daemon.planning.case import Presence, Trips
from v2g_daemon.planning.presence import Chances, presence
from v2g_daemon.planning.problem import outlook_of

HOURS = 8


def at(hour: float) -> datetime:
    return START_UTC + timedelta(hours=hour)


def present(*goals: DepartureGoal, plugged_in: bool = True) -> Presence:
    """Eight hours in hour-long steps."""
    starts = tuple(at(hour) for hour in range(HOURS))
    seen, _ = presence(
        starts_utc=starts, end_utc=at(HOURS), plugged_in=plugged_in, store=STORE, goals=goals
    )
    return seen


def leaving(hour: float, back: float | None, **changes: object) -> DepartureGoal:
    values = {"soc": 0.6, "trip_wh": 2000.0, **changes}
    returns = None if back is None else at(back)
    return DepartureGoal(ready_by_utc=at(hour), returns_at_utc=returns, **values)  # type: ignore[arg-type]


def test_the_car_is_away_from_departure_to_return_and_the_trip_leaves_at_return() -> None:
    seen = present(leaving(2, 5))
    assert seen.plugged.tolist() == [True, True, False, False, False, True, True, True]
    assert seen.trip_wh.tolist() == [0.0, 0.0, 0.0, 0.0, 2000.0, 0.0, 0.0, 0.0]
    assert seen.target_wh[1] == 6000.0
    assert np.isnan(np.delete(seen.target_wh, 1)).all()


def test_a_step_that_is_partly_away_counts_as_away() -> None:
    seen = present(leaving(2.5, 4.5))
    assert seen.plugged.tolist() == [True, True, False, False, False, True, True, True]


def test_an_unknown_return_keeps_the_car_away_for_the_rest() -> None:
    assert present(leaving(3, None)).plugged.tolist() == [True] * 3 + [False] * 5


def test_of_a_trip_that_begins_as_the_horizon_ends_habits_say_what_it_takes() -> None:
    starts = tuple(at(hour) for hour in range(HOURS))
    chances = Chances(
        leaves=np.zeros(HOURS),
        returns=np.zeros(HOURS),
        trips=Trips(energy_wh=np.array([1500.0]), weight=np.array([1.0])),
    )
    for leaves, unknown in ((HOURS, True), (HOURS - 1, False)):
        seen, _ = presence(
            starts_utc=starts,
            end_utc=at(HOURS),
            plugged_in=True,
            store=STORE,
            goals=(leaving(leaves, HOURS + 4),),
            chances=chances,
        )
        assert bool(seen.unknown_trip[leaves - 1]) is unknown


def test_a_car_that_is_at_home_for_less_than_a_step_does_not_come_back_in_between() -> None:
    seen = present(leaving(2, 3.5), leaving(4.5, 6))
    assert seen.plugged.tolist() == [True] * 2 + [False] * 4 + [True] * 2
    assert seen.trip_wh.tolist() == [0.0, 0.0, 0.0, 2000.0, 0.0, 2000.0, 0.0, 0.0]
    assert np.isnan(np.delete(seen.target_wh, 1)).all()


def test_a_trip_within_another_changes_nothing_but_its_energy() -> None:
    seen = present(leaving(1, 6), leaving(2, 4))
    assert seen.plugged.tolist() == [True] + [False] * 5 + [True] * 2
    assert seen.trip_wh.tolist() == [0.0] * 5 + [4000.0, 0.0, 0.0]


def test_a_departure_within_the_running_step_is_at_its_end() -> None:
    seen = present(leaving(0.5, 3))
    assert seen.plugged.tolist() == [True] + [False] * 2 + [True] * 5
    assert seen.target_wh[0] == 6000.0
    assert seen.trip_wh[2] == 2000.0


def test_a_car_that_is_out_does_not_leave_within_the_running_step() -> None:
    seen = present(leaving(-3, None), leaving(0.5, 3), plugged_in=False)
    assert seen.plugged.tolist() == [False] * 3 + [True] * 5
    assert np.isnan(seen.target_wh).all()


def test_after_an_unknown_return_habits_bring_the_car_back_for_the_next_departure() -> None:
    starts = tuple(at(hour) for hour in range(HOURS))
    trips = Trips(energy_wh=np.array([1500.0]), weight=np.array([1.0]))
    seen, _ = presence(
        starts_utc=starts,
        end_utc=at(HOURS),
        plugged_in=True,
        store=STORE,
        goals=(leaving(1, None), leaving(5, None, soc=0.9)),
        chances=Chances(leaves=np.full(HOURS, 0.1), returns=np.full(HOURS, 0.6), trips=trips),
    )
    assert seen.plugged.tolist() == [True, False, True, True, True, False, True, True]
    assert seen.leaves.tolist() == [1.0, 0.0, 0.0, 0.0, 1.0, 0.1, 0.1, 0.1]
    assert seen.target_wh[4] == 9000.0


def test_a_goal_at_the_very_end_of_the_horizon_counts() -> None:
    seen = present(leaving(8, 12))
    assert seen.plugged.all()
    assert seen.target_wh[7] == 6000.0
    assert seen.trip_wh.sum() == 0.0


def test_a_car_that_is_out_comes_back_with_its_trip_when_that_is_known() -> None:
    seen = present(leaving(-3, 2), plugged_in=False)
    assert seen.plugged.tolist() == [False, False] + [True] * 6
    assert seen.trip_wh[1] == 2000.0


def test_what_is_told_is_surer_than_any_habit_from_leaving_to_return() -> None:
    starts = tuple(at(hour) for hour in range(HOURS))
    trips = Trips(energy_wh=np.array([1500.0]), weight=np.array([1.0]))
    half = np.full(HOURS, 0.5)
    seen, _ = presence(
        starts_utc=starts,
        end_utc=at(HOURS),
        plugged_in=True,
        store=STORE,
        goals=(leaving(2, 6),),
        chances=Chances(leaves=half, returns=half, trips=trips),
    )
    assert seen.leaves.tolist() == [0.0, 1.0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]
    assert seen.returns.tolist() == [0.5, 0.5, 0.0, 0.0, 0.0, 1.0, 0.5, 0.5]


def test_a_car_that_is_out_without_a_known_return_stays_out() -> None:
    assert not present(plugged_in=False).plugged.any()


def test_a_car_that_never_left_is_on_no_trip() -> None:
    seen = present(leaving(-3, 2))
    assert seen.plugged.all()
    assert seen.trip_wh.sum() == 0.0


def test_a_goal_above_the_ceiling_lifts_it_until_that_departure_only() -> None:
    problem = plan_problem(
        step_s=(3600,) * 8, soc_ceiling=0.8, goals=(leaving(3, 5, soc=1.0), leaving(7, 9))
    )
    ceiling_wh = outlook_of(problem).case.horizon.ceiling_wh
    assert ceiling_wh.tolist() == [10_000.0] * 3 + [8000.0] * 5


def test_a_goal_in_energy_is_a_target_in_the_store() -> None:
    seen = present(leaving(2, None, soc=None, energy_wh=4000.0))
    assert seen.target_wh[1] == 4000.0


def test_an_unreachable_target_is_clamped_to_what_full_power_reaches() -> None:
    problem = plan_problem(
        step_s=(3600,) * 8, loss=REAL_LOSS, max_charge_w=2000.0, goals=(leaving(2, 5, soc=1.0),)
    )
    outlook = outlook_of(problem)
    # 2000 W lose 150 + 60 + 12 W: 1778 W for two hours on top of 5 kWh.
    assert outlook.case.horizon.presence.target_wh[1] == pytest.approx(8556.0)
    assert outlook.asked_wh[1] == 10_000.0
