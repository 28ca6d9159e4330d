"""All fixed cases and fifty perturbations of each: the planner against a MILP."""

from __future__ import annotations

import pytest

from tests.benchmarks.planner_vs_milp import fixed_cases, matched, perturbed
from tests.benchmarks.score_plan import BenchCase

SEEDS: list[int | None] = [None, *range(50)]


@pytest.mark.parametrize("bench", fixed_cases(), ids=lambda bench: bench["name"])
def test_no_case_is_worse_by_more_than_its_share_of_the_gain(bench: BenchCase) -> None:
    failed = []
    for seed in SEEDS:
        match = matched(bench if seed is None else perturbed(bench, seed), seed)
        if match is None or not match.passed:
            failed.append((seed, match))
    assert failed == []
