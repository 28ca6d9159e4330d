"""The simple strategies, on days short enough to see what they should do."""

from __future__ import annotations

from datetime import time
from typing import TypeVar

from tests.unit.rehearsal.toys import a_plant, days_of, stay
from v2g_daemon.rehearsal.course import Driver, Moment, Registers, begun, course
from v2g_daemon.rehearsal.days import Days
from v2g_daemon.rehearsal.knowledge import known_prices
from v2g_daemon.rehearsal.plant import Plant, Surroundings
from v2g_daemon.rehearsal.rules import BreakEven, CheapestHours, Plain

S = TypeVar("S")
DAY = 96
PLANT = a_plant(max_charge_w=8000.0, max_discharge_w=4000.0)  # 2 kWh in a quarter hour


def powers_w(
    days: Days, driver: Driver[S], *, energy_wh: float, plant: Plant = PLANT
) -> list[float]:
    _, done = course(days, plant, driver, begun(driver, energy_wh=energy_wh), until=days.count)
    return [one.flow.power_w * one.flow.share for one in done]


def cheapest(days: Days, plant: Plant = PLANT) -> CheapestHours:
    known = known_prices(days, published=time(13))
    return CheapestHours(days=days, plant=plant, until=known.until)


def break_even(days: Days, wear_per_kwh: float, plant: Plant = PLANT) -> BreakEven:
    known = known_prices(days, published=time(13))
    return BreakEven(days=days, plant=plant, until=known.until, wear_per_kwh=wear_per_kwh)


def test_plain_charging_starts_at_plug_in_and_ends_at_the_ceiling() -> None:
    days = days_of([0.30] * 8, stays=(stay(2, 8),))
    assert powers_w(days, Plain(plant=PLANT), energy_wh=51_000.0) == [0, 0, 8000, 4000, 0, 0, 0, 0]


def test_the_cheapest_quarter_hours_that_reach_80_percent_are_taken() -> None:
    # 42 of 60 kWh; 80 % are 48: three quarter hours of 2 kWh.
    prices = [0.4, 0.1, 0.3, 0.2, 0.5, 0.15, 0.6, 0.7]
    days = days_of(prices, stays=(stay(0, 8),))
    assert powers_w(days, cheapest(days), energy_wh=42_000.0) == [0, 8e3, 0, 8e3, 0, 8e3, 0, 0]


def test_of_equal_prices_the_first_is_taken() -> None:
    days = days_of([0.3] * 6, stays=(stay(0, 6),))
    assert powers_w(days, cheapest(days), energy_wh=46_000.0) == [8000, 0, 0, 0, 0, 0]


def test_a_target_above_80_percent_is_charged_for() -> None:
    days = days_of([0.4, 0.1, 0.3, 0.2], stays=(stay(0, 4, target_wh=52_000.0),))
    assert powers_w(days, cheapest(days), energy_wh=48_000.0) == [0, 8000, 0, 8000]


def test_the_sun_that_is_left_over_is_taken_up_to_the_ceiling() -> None:
    days = days_of([0.3] * 4, stays=(stay(0, 4),), pv_w=[0.0, 3000.0, 1300.0, 9000.0])
    # Above 80 % nothing is bought; 1300 W are less than the charger can hold.
    assert powers_w(days, cheapest(days), energy_wh=49_000.0) == [0, 3000, 0, 8000]


def test_an_unpublished_price_is_expected_to_be_what_it_was_on_average() -> None:
    # Two days alike but for 03:00, which cost 0.1 and 0.3: 0.2 are expected for the third.
    one = [0.5] * DAY
    first, second, third = list(one), list(one), [0.25] * DAY
    first[12], second[12] = 0.1, 0.3
    days = days_of(first + second + third, stays=(stay(2 * DAY - 60, 2 * DAY + 16),))
    driver = cheapest(days)
    state = driver.start()
    expected = driver.drive(state, _moment_at(days, 2 * DAY - 60))[0]
    assert expected is not None
    # The stay begins at 09:00; tomorrow is not out yet.
    assert expected.prices[60 + 12] == 0.2
    assert expected.prices[60 + 13] == 0.5


def test_a_kwh_is_given_back_only_for_more_than_its_refill_and_wear() -> None:
    # 48 kWh are there; a refill costs 0.10 in the last quarter hour, wear 0.04.
    prices, sold = [0.3, 0.3, 0.3, 0.1, 0.1], [0.13, 0.15, 0.0, 0.0, 0.0]
    days = days_of(prices, sold=sold, stays=(stay(0, 5),), load_w=0.0)
    assert powers_w(days, break_even(days, 0.04), energy_wh=48_000.0)[:3] == [0, -4000, 0]


def test_the_own_load_is_covered_where_export_does_not_pay() -> None:
    days = days_of([0.3, 0.3, 0.1, 0.1], stays=(stay(0, 4),), load_w=2500.0)
    assert powers_w(days, break_even(days, 0.04), energy_wh=48_000.0)[0] == -2500.0
    assert powers_w(days, break_even(days, 0.25), energy_wh=48_000.0)[0] == 0.0


def test_what_the_next_trip_needs_is_not_given_back() -> None:
    # Two quarter hours after this one can bring 4 of the 48 kWh back.
    days = days_of([0.9, 0.1, 0.1], stays=(stay(0, 3, target_wh=48_000.0),), load_w=4000.0)
    assert powers_w(days, break_even(days, 0.0), energy_wh=44_000.0)[0] == 0.0
    assert powers_w(days, break_even(days, 0.0), energy_wh=48_000.0)[0] == -4000.0


def _moment_at(days: Days, slot: int) -> Moment:
    here = next(one for one in days.stays if one.first <= slot < one.end)
    around = Surroundings(load_w=0.0, pv_w=0.0, export_per_kwh=0.0)
    return Moment(
        slot=slot, stay=here, around=around, energy_wh=40e3, power_w=0.0, registers=Registers()
    )
