"""An honest charger is never latched, whatever the house does; one that is not always is, in time.

The houses are harsher than life: every half minute a load of up to 4 kW comes or goes, and clouds
take the sun from a roof. Each safety stands beside what is still discharged.
"""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.properties.chargers import (
    BUY,
    KEEP,
    SELL,
    Charger,
    Nature,
    Seen,
    a_load,
    lived,
)
from v2g_daemon.domain.decision import Following

SEEDS = st.integers(min_value=0, max_value=2**32)
SECONDS = 420
SETTLES_S = 60.0  # at most: half as long again as the longest lag that is learned
ALONE_S = 20.0


@st.composite
def chargers(draw: st.DrawFn, nature: Nature) -> Charger:
    """Lags, ramps and reports as they are met in the field."""
    return Charger(
        nature=nature,
        lag_s=draw(st.integers(0, 20)),
        ramp_w_per_s=draw(st.sampled_from([200.0, 500.0, 1000.0, 4000.0])),
        sample_s=draw(st.integers(1, 10)),
        turns_at_s=draw(st.sampled_from([0, 0, 100])),
    )


def lived_restlessly(charger: Charger, seed: int) -> list[Seen]:
    """Seven minutes of a plan that changes its mind, in a house whose loads come and go."""
    rng = Random(seed)
    load = a_load(rng, SECONDS, every_s=60.0)
    wishes = rng.choice([(SELL, KEEP), (SELL, BUY), (SELL, KEEP, SELL, BUY), (SELL,)])
    period_s = rng.choice([45, 90, 150])
    return lived(
        charger,
        lambda at_s: load[at_s],
        lambda at_s: wishes[at_s // period_s % len(wishes)],
        seconds=SECONDS,
    )


def against_s(seen: list[Seen]) -> int:
    """The longest that power was drawn before a latch, in s, where it was to be given."""
    longest_s = running_s = 0
    for one in seen:
        against = one.target_w < -500.0 and one.true_w > 500.0 and not one.memory.latches
        running_s = running_s + 1 if against else 0
        longest_s = max(longest_s, running_s)
    return longest_s


@settings(max_examples=8)
@given(chargers(Nature.HONEST), SEEDS)
def test_an_honest_charger_is_never_latched(charger: Charger, seed: int) -> None:
    seen = lived_restlessly(charger, seed)
    assert seen[-1].memory.latches == ()
    following = {one.decision.evses[0].following for one in seen}
    assert Following.WRONG_DIRECTION not in following


@settings(max_examples=6)
@given(chargers(Nature.TURNED), SEEDS)
def test_a_charger_that_turns_its_command_round_is_latched_in_time(
    charger: Charger, seed: int
) -> None:
    seen = lived_restlessly(charger, seed)
    sampled_s = 2.0 * charger.sample_s
    assert against_s(seen) <= SETTLES_S + ALONE_S + sampled_s


@settings(max_examples=6)
@given(chargers(Nature.NEVER_ENDING), SEEDS)
def test_a_charger_that_does_not_end_its_discharge_is_latched_in_time(
    charger: Charger, seed: int
) -> None:
    seen = lived_restlessly(charger, seed)
    running_s, told_s = 0, 0
    for one in seen:
        if one.memory.latches:
            break
        told_s = told_s + 1 if one.target_w >= 0.0 else 0
        running_s = max(running_s, told_s if one.true_w < -500.0 else 0)
    assert running_s <= SETTLES_S + ALONE_S + 2.0 * charger.sample_s


@settings(max_examples=6)
@given(chargers(Nature.TURNED_AND_LYING), SEEDS)
def test_a_charger_that_lies_about_it_is_latched_by_the_grid_meter(
    charger: Charger, seed: int
) -> None:
    """In a house whose other loads stand still: at the third look, at the least power."""
    rng = Random(seed)
    seen = lived(charger, lambda _: 900.0 + rng.gauss(0.0, 60.0), lambda _: SELL, seconds=SECONDS)
    looking_s = charger.lag_s + 7400.0 / charger.ramp_w_per_s + charger.sample_s + 21.0
    assert against_s(seen) <= looking_s + (60.0 if charger.turns_at_s > 0 else 0.0)
    if charger.turns_at_s == 0:
        assert max(one.true_w for one in seen) <= 1400.0
    if charger.turns_at_s + 6.0 * looking_s < SECONDS:
        assert [latch.rule for latch in seen[-1].memory.latches] == ["wrong_direction"]


@pytest.mark.parametrize(
    ("nature", "least_found", "most_wh"),
    [(Nature.TURNED_AND_LYING, 6, 60.0), (Nature.IMPOSTOR, 5, 0.0), (Nature.HONEST, 0, 60.0)],
)
def test_liars_are_found_in_a_house_that_lives(
    nature: Nature, least_found: int, most_wh: float
) -> None:
    """Six evenings of 20 minutes with a load of up to 3 kW every four."""
    found, against_wh, sold_wh = 0, 0.0, 0.0
    for seed in range(6):
        seen = an_evening(nature, seed)
        found += 1 if seen[-1].memory.latches else 0
        against_wh += sum(max(one.true_w, 0.0) for one in seen if one.target_w < 0.0) / 3600.0
        sold_wh += sum(-min(one.true_w, 0.0) for one in seen) / 3600.0
    print(
        f"{nature.name}: {found} of 6 latched, {against_wh / 6:.0f} Wh an evening charged against"
        f" the command, {sold_wh / 6:.0f} Wh sold"
    )
    assert found >= least_found
    assert against_wh / 6 <= most_wh
    if nature is Nature.HONEST:
        assert found == 0
        assert sold_wh / 6 >= 700.0


def an_evening(nature: Nature, seed: int) -> list[Seen]:
    """Two evening hours in small: the plan sells for five minutes of ten."""
    rng = Random(seed)
    load = a_load(rng, 1200, every_s=240.0, largest_w=3000.0, pv=False)
    charger = Charger(
        nature=nature, lag_s=rng.randint(0, 20), ramp_w_per_s=1000.0, sample_s=rng.randint(1, 10)
    )
    return lived(
        charger,
        lambda at_s: load[at_s],
        lambda at_s: SELL if at_s // 300 % 2 == 0 else KEEP,
        seconds=1200,
    )
