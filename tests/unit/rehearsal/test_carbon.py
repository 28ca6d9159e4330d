"""Carbon at a price: known from the past alone, on both sides of the PCC, and in no bill."""

from __future__ import annotations

import pytest

from tests.unit.rehearsal.toys import a_job, days_of, planned, stay
from v2g_daemon.rehearsal.carbon import with_carbon
from v2g_daemon.rehearsal.days import Days
from v2g_daemon.rehearsal.job import Ran
from v2g_daemon.rehearsal.knowledge import known_prices

DAY = 96
# 400 g, but for the hours from 3 to 6 of each day: 100 g.
FACTORS = [100.0 if 12 <= slot % DAY < 24 else 400.0 for slot in range(4 * DAY)]


def flat_days() -> Days:
    night = stay(3 * DAY - 24, 3 * DAY + 28, target_wh=40_000.0)
    return days_of([0.20] * 4 * DAY, sold=[0.05] * 4 * DAY, stays=[night], load_w=400.0)


def test_what_is_added_is_the_mean_of_the_same_hour_of_days_that_are_over() -> None:
    factors = [float(slot // DAY * 100) for slot in range(4 * DAY)]
    found = with_carbon(flat_days(), factors, price_per_t=50.0).carbon_per_kwh
    assert found is not None
    # Nothing is known of the first two days; then the first one, then the first two.
    assert found[: 2 * DAY] == (0.0,) * 2 * DAY
    assert found[2 * DAY] == 0.0
    assert found[3 * DAY] == pytest.approx(50.0 * 50.0 / 1e6)


def test_what_comes_later_changes_nothing_that_is_added() -> None:
    late = FACTORS[: 2 * DAY] + [999.0] * 2 * DAY
    as_it_was = with_carbon(flat_days(), FACTORS, price_per_t=50.0)
    assert with_carbon(flat_days(), late, price_per_t=50.0) == as_it_was


def test_a_house_decides_by_it_on_both_sides() -> None:
    days = with_carbon(flat_days(), FACTORS, price_per_t=100.0)
    slot = known_prices(days, published=None).curve(3 * DAY).at(days.utc(3 * DAY))
    assert slot is not None
    assert (slot.import_per_kwh, slot.export_per_kwh) == pytest.approx((0.24, 0.09))
    # What is paid and earned stays what it was.
    assert days.import_per_kwh == flat_days().import_per_kwh


def test_at_no_price_the_days_are_what_they_were() -> None:
    assert with_carbon(flat_days(), FACTORS, price_per_t=0.0) == flat_days()


def test_factors_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match="slots"):
        days_of([0.20] * DAY, carbon_per_kwh=(0.1,))


def g_per_kwh(done: Ran) -> float:
    """The mean factor of what the car was charged with."""
    pairs = zip(done.charge_milliwh, FACTORS, strict=True)
    return sum(milliwh * factor for milliwh, factor in pairs) / sum(done.charge_milliwh)


def test_at_one_price_of_energy_the_cleaner_hours_are_taken() -> None:
    dirty, clean = (
        planned(a_job(flat_days())),
        planned(a_job(with_carbon(flat_days(), FACTORS, price_per_t=50.0))),
    )
    assert clean.missing_wh == dirty.missing_wh == (0.0,)
    assert g_per_kwh(dirty) > 350.0
    assert g_per_kwh(clean) < 150.0
