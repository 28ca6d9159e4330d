"""A few of the matches of tests/benchmarks/planner_vs_milp.py; the rest run in make bench."""

from __future__ import annotations

import pytest

from tests.benchmarks.planner_vs_milp import fixed_cases, matched, perturbed


@pytest.mark.parametrize("case", [0, 1], ids=["basic48h", "real48h"])
@pytest.mark.parametrize("seed", [None, 2, 5])
def test_the_planner_is_as_good_as_the_milp_within_its_share_of_the_gain(
    case: int, seed: int | None
) -> None:
    bench = fixed_cases()[case]
    match = matched(bench if seed is None else perturbed(bench, seed), seed)
    assert match is not None
    assert match.worse_share <= (0.002 if match.linear else 0.004)
    assert match.missed_kwh == 0.0
    assert match.daycap_over == 0.0
    assert match.planner < match.plain
