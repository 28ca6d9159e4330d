"""From days to scenarios, and from a house's question to the programme's arrays."""

from __future__ import annotations

import numpy as np
import pytest

from tests.unit.planning.problems import plan_problem
from v2g_daemon.planning.problem import GROUPS, grouped, outlook_of


def test_days_are_ranked_step_by_step_into_scenarios() -> None:
    days_w = np.array([[8.0], [1.0], [6.0], [2.0], [7.0], [3.0], [5.0], [4.0]])
    days_w = np.concatenate([days_w, days_w[::-1]], axis=1)
    assert grouped(days_w).tolist() == [
        [[1.0, 1.0], [2.0, 2.0]],
        [[3.0, 3.0], [4.0, 4.0]],
        [[5.0, 5.0], [6.0, 6.0]],
        [[7.0, 7.0], [8.0, 8.0]],
    ]


def test_the_oldest_day_that_fills_no_scenario_is_left_out() -> None:
    days_w = np.array([[4.0], [1.0], [3.0], [2.0], [9.0]])
    assert grouped(days_w).tolist() == [[[1.0]], [[2.0]], [[3.0]], [[4.0]]]


@pytest.mark.parametrize("days", [1, 2, 5, 8])
def test_few_days_make_as_many_scenarios_as_they_can(days: int) -> None:
    found = grouped(np.zeros((days, 3)))
    assert found.shape == (min(days, GROUPS), days // min(days, GROUPS), 3)


def test_a_day_of_export_goes_from_noon_to_noon_in_local_time() -> None:
    # 0:00 UTC is 1:00 in Amsterdam; noon comes after eleven hours.
    horizon = outlook_of(plan_problem(step_s=(3600,) * 14)).case.horizon
    assert np.diff(horizon.export_day).tolist() == [0] * 10 + [1, 0, 0]
