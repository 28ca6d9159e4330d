"""All fixed cases and 210 perturbations: the planner against a MILP."""

from __future__ import annotations

import os

import pytest

from tests.benchmarks.planner_vs_milp import SEEDS, all_matched


@pytest.mark.timeout(3600)
def test_no_case_is_worse_by_more_than_its_share_of_the_gain() -> None:
    found = all_matched(SEEDS, workers=len(os.sched_getaffinity(0)))
    assert len(found) == 4 + 3 * SEEDS
    assert [match for match in found if match is None or not match.passed] == []
