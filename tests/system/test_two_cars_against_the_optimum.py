"""A few of the matches of tests/benchmarks/two_cars.py and own_battery.py; the rest by hand."""

from __future__ import annotations

import pytest

from tests.benchmarks import own_battery
from tests.benchmarks.pair_cases import HOUSES, pair_of
from tests.benchmarks.two_cars import DEMAND, matched

SECONDS = 60.0


@pytest.mark.parametrize("seed", [None, 2])
@pytest.mark.parametrize("house", [HOUSES[0], HOUSES[2]], ids=lambda house: house[0])
def test_two_cars_settle_near_the_optimum_of_both(
    house: tuple[str, str, str], seed: int | None
) -> None:
    match = matched(pair_of(*house, seed=seed), seed, seconds=SECONDS)
    assert match is not None
    assert match.passed
    assert match.worse_share < match.alone_share or match.alone_over_kwh > 1.0


def test_two_cars_share_the_room_under_a_demand_charge() -> None:
    pair = pair_of(*HOUSES[0], seed=None) | {"demand": DEMAND}
    match = matched(pair, None, seconds=SECONDS)
    assert match is not None
    assert match.worse_share < match.alone_share
    assert match.missed_more_kwh == match.over_kwh == match.shuffled_kwh == 0.0


def test_a_car_is_planned_for_beside_a_battery_that_is_not_ours() -> None:
    match = own_battery.matched(pair_of(*HOUSES[0], seed=None), seconds=SECONDS)
    assert match is not None
    assert match.worse_share <= 0.004
    assert match.missed_more_kwh == 0.0
    assert match.over_kwh <= 0.0
    assert match.into_kwh <= 0.001
