"""Bills worked by hand: hours of the wall clock, seasons, weekdays, holidays and mixed series."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from tests.unit.market.contracts import (
    FLAT_30,
    HOUR,
    QUARTER,
    billed,
    contract,
    day_of,
    even,
    lines,
    local,
    prices,
    step,
)
from v2g_daemon.market.metered import MeteredStep

NIGHT_AND_DAY = """\
[tariff.import.energy]
kind = "tou"
default = "0.30"
periods = [{ from = "00:00", to = "06:00", value = "0.10" }]
"""
SPOT = '[tariff.import.energy]\nkind = "series"\nsource = "spot"\n'
NOON = "2026-01-15T12:00"


def test_a_flat_price() -> None:
    # 10 kWh × 0.30
    found = billed(contract(FLAT_30), [step(local(NOON), bought="10")])
    assert lines(found) == {"energy": "3.00"}
    assert found.total == Decimal("3.00")


def test_vat_is_a_line_of_its_own() -> None:
    # 10 × 0.30 = 3.00; 21 % of it 0.63
    found = billed(contract(FLAT_30, head='vat = "0.21"'), [step(local(NOON), bought="10")])
    assert lines(found) == {"energy": "3.00", "vat": "0.63"}


def test_time_of_use_over_a_day() -> None:
    # 1 kWh an hour: 6 × 0.10 + 18 × 0.30 = 0.60 + 5.40
    found = billed(contract(NIGHT_AND_DAY), even(day_of("2026-01-15"), bought="0.25"))
    assert found.total == Decimal("6.00")


@pytest.mark.parametrize(
    ("zone", "day", "quarters", "total"),
    [
        # A night of 5 hours: 5 × 0.10 + 18 × 0.30
        ("Europe/Amsterdam", "2026-03-29", 92, "5.90"),
        ("Europe/London", "2026-03-29", 92, "5.90"),
        ("America/Los_Angeles", "2026-03-08", 92, "5.90"),
        ("Australia/Adelaide", "2026-10-04", 92, "5.90"),
        # A night of 7 hours: 7 × 0.10 + 18 × 0.30
        ("Europe/Amsterdam", "2026-10-25", 100, "6.10"),
        ("Europe/London", "2026-10-25", 100, "6.10"),
        ("America/Los_Angeles", "2026-11-01", 100, "6.10"),
        ("Australia/Adelaide", "2026-04-05", 100, "6.10"),
        # No change of the clock: 6 × 0.10 + 18 × 0.30
        ("Australia/Brisbane", "2026-04-05", 96, "6.00"),
    ],
)
def test_days_on_which_the_clock_changes(zone: str, day: str, quarters: int, total: str) -> None:
    steps = even(day_of(day, zone), bought="0.25")
    assert len(steps) == quarters
    assert billed(contract(NIGHT_AND_DAY, zone=zone), steps).total == Decimal(total)


TWO_TO_THREE = """\
[tariff.import.energy]
kind = "tou"
default = "0"
periods = [{ from = "02:00", to = "03:00", value = "1.00" }]
"""


def test_a_repeated_hour_is_charged_twice_and_a_skipped_one_never() -> None:
    # 1 kWh an hour; 02:00–03:00 happens twice on 25 October and not at all on 29 March.
    autumn = billed(contract(TWO_TO_THREE), even(day_of("2026-10-25"), bought="0.25"))
    spring = billed(contract(TWO_TO_THREE), even(day_of("2026-03-29"), bought="0.25"))
    assert (autumn.total, spring.total) == (Decimal("2.00"), Decimal("0.00"))


def test_a_season_begins_at_local_midnight() -> None:
    body = """\
[tariff.import.energy]
kind = "tou"
default = "0.20"
periods = [{ months = [6, 7, 8, 9], value = "0.50" }]
"""
    # 23:00–24:00 of 31 May at 0.20, 00:00–01:00 of 1 June at 0.50
    steps = even_hours("2026-05-31T23:00", 2)
    assert billed(contract(body), steps).total == Decimal("0.70")


def even_hours(start: str, count: int) -> list[MeteredStep]:
    return [step(local(start) + HOUR * number, bought="1") for number in range(count)]


WORKDAYS = """\
[tariff.import.energy]
kind = "tou"
periods = [
  { days = "weekday", value = "0.40" },
  { days = "weekend_holiday", value = "0.10" },
]
[tariff.holidays]
dates = [2026-01-01]
"""


def test_a_weekend_begins_on_saturday_at_local_midnight() -> None:
    # Friday 16 January 23:00 at 0.40, Saturday 00:00 at 0.10
    assert billed(contract(WORKDAYS), even_hours("2026-01-16T23:00", 2)).total == Decimal("0.50")


def test_a_holiday_counts_as_weekend() -> None:
    # Thursday 1 January: 10 × 0.10; Friday 2 January: 10 × 0.40
    steps = [step(local(f"2026-01-0{day}T12:00"), bought="10") for day in (1, 2)]
    assert billed(contract(WORKDAYS), steps).total == Decimal("5.00")


def test_a_weekday_called_by_its_name_holds_on_a_holiday_too() -> None:
    body = WORKDAYS.replace('days = "weekday"', 'days = ["thu", "fri"]')
    # Thursday 1 January is a holiday and a Thursday; the first period holds.
    assert billed(contract(body), [step(local("2026-01-01T12:00"), bought="10")]).total == Decimal(
        "4.00"
    )


def test_a_period_over_midnight_is_two_pieces_of_its_own_day() -> None:
    body = """\
[tariff.import.energy]
kind = "tou"
default = "0.20"
periods = [{ days = ["sat"], from = "22:00", to = "06:00", value = "0.05" }]
"""
    # Saturday 17 January: 8 h × 0.05 + 16 h × 0.20; Sunday all at 0.20
    saturday = billed(contract(body), even(day_of("2026-01-17"), bought="0.25"))
    sunday = billed(contract(body), even(day_of("2026-01-18"), bought="0.25"))
    assert (saturday.total, sunday.total) == (Decimal("3.60"), Decimal("4.80"))


def test_where_two_periods_hold_the_first_counts() -> None:
    body = """\
[tariff.import.energy]
kind = "tou"
default = "0.20"
periods = [
  { from = "12:00", to = "13:00", value = "0.90" },
  { from = "10:00", to = "16:00", value = "0.05" },
]
"""
    # 10–12 and 13–16: 5 × 0.05; 12–13: 0.90; 18 h × 0.20
    found = billed(contract(body), even(day_of("2026-01-15"), bought="0.25"))
    assert found.total == Decimal("4.75")


def test_a_series_with_multiplier_adder_and_vat() -> None:
    # 0.10 × 1.1 + 0.02 = 0.13; 10 kWh: 1.30, 21 % of it 0.273
    body = SPOT + 'mult = "1.1"\nadder = "0.02"\n'
    found = billed(
        contract(body, head='vat = "0.21"'),
        [step(local(NOON), bought="10")],
        {"spot": prices(local(NOON), "0.10")},
    )
    assert lines(found) == {"energy": "1.30", "vat": "0.27"}


def test_a_negative_price_pays_the_household() -> None:
    # −0.40 + 0.02 = −0.38; 10 kWh: −3.80, 21 % of it −0.798
    found = billed(
        contract(SPOT + 'adder = "0.02"\n', head='vat = "0.21"'),
        [step(local(NOON), bought="10")],
        {"spot": prices(local(NOON), "-0.40")},
    )
    assert lines(found) == {"energy": "-3.80", "vat": "-0.80"}


def test_an_hour_of_quarter_hourly_prices_settles_at_their_mean() -> None:
    # (0.10 + 0.20 + 0.30 + 0.40) / 4 = 0.25; 2 kWh
    found = billed(
        contract(SPOT),
        [step(local(NOON), bought="2")],
        {"spot": prices(local(NOON), "0.10", "0.20", "0.30", "0.40", length=QUARTER)},
    )
    assert found.total == Decimal("0.50")


def test_quarter_hours_under_an_hourly_price_all_have_it() -> None:
    # 0.3 + 0.5 + 0.2 + 1.0 = 2 kWh at 0.25
    steps = [
        step(local(NOON) + QUARTER * number, bought=kwh, length=QUARTER)
        for number, kwh in enumerate(("0.3", "0.5", "0.2", "1.0"))
    ]
    found = billed(contract(SPOT), steps, {"spot": prices(local(NOON), "0.25")})
    assert found.total == Decimal("0.50")


def test_half_an_hour_of_five_minute_prices() -> None:
    # Five times 0.06 and a spike of 17.50: 17.80 / 6 = 2.9666…; 0.3 kWh: 0.89
    spike = prices(local(NOON), *["0.06"] * 5, "17.50", length=timedelta(minutes=5))
    found = billed(
        contract(SPOT), [step(local(NOON), bought="0.3", length=2 * QUARTER)], {"spot": spike}
    )
    assert found.total == Decimal("0.89")


def test_an_hourly_series_and_a_quarter_hourly_one_add_up_step_by_step() -> None:
    body = SPOT + '[[tariff.import.component]]\nname = "grid"\nkind = "series"\nsource = "grid"\n'
    # Energy 4 × 0.5 × 0.20; grid 0.5 × (0.02 + 0.04 + 0.06 + 0.08) = 0.10
    steps = [
        step(local(NOON) + QUARTER * number, bought="0.5", length=QUARTER) for number in range(4)
    ]
    series = {
        "spot": prices(local(NOON), "0.20"),
        "grid": prices(local(NOON), "0.02", "0.04", "0.06", "0.08", length=QUARTER),
    }
    assert lines(billed(contract(body), steps, series)) == {"energy": "0.40", "grid": "0.10"}


def test_energy_without_a_price_stands_in_no_line_and_is_counted() -> None:
    # The second of three hours has no price: 1 × 0.10 + 1 × 0.30
    found = billed(
        contract(SPOT),
        even_hours(NOON, 3),
        {"spot": prices(local(NOON), "0.10", None, "0.30")},
    )
    assert found.total == Decimal("0.40")
    assert found.months[0].unpriced_milliwh == 1_000_000


def test_a_price_that_is_known_for_half_a_step_is_unknown() -> None:
    known = {"spot": prices(local(NOON), "0.10", length=2 * QUARTER)}
    found = billed(contract(SPOT), [step(local(NOON), bought="1")], known)
    assert (found.total, found.months[0].unpriced_milliwh) == (Decimal("0.00"), 1_000_000)


AGILE = '[tariff.import]\ncap = "1.00"\n' + SPOT


def test_a_cap_bounds_the_price_with_vat_last() -> None:
    # 1.50 × 1.05 = 1.575, capped at 1.00: 2 kWh cost 3.00 + 0.15 − 1.15
    found = billed(
        contract(AGILE, head='vat = "0.05"'),
        [step(local(NOON), bought="2")],
        {"spot": prices(local(NOON), "1.50")},
    )
    assert lines(found) == {"energy": "3.00", "vat": "0.15", "bounds": "-1.15"}
    assert found.total == Decimal("2.00")


def test_a_cap_that_is_not_reached_changes_nothing() -> None:
    # 0.20 × 1.05 × 2
    found = billed(
        contract(AGILE, head='vat = "0.05"'),
        [step(local(NOON), bought="2")],
        {"spot": prices(local(NOON), "0.20")},
    )
    assert lines(found) == {"energy": "0.40", "vat": "0.02"}


def test_a_floor_takes_negative_prices_away() -> None:
    # −0.40 floored at 0: 1 kWh costs −0.40 + 0.40
    found = billed(
        contract('[tariff.import]\nfloor = "0"\n' + SPOT),
        [step(local(NOON), bought="1")],
        {"spot": prices(local(NOON), "-0.40")},
    )
    assert lines(found) == {"energy": "-0.40", "bounds": "0.40"}


def test_a_rates_own_floor_and_cap_bound_it_before_vat() -> None:
    # 0.01 → 0.05 and 0.90 → 0.50: (0.05 + 0.50) × 1.21 = 0.6655
    found = billed(
        contract(SPOT + 'floor = "0.05"\ncap = "0.50"\n', head='vat = "0.21"'),
        even_hours(NOON, 2),
        {"spot": prices(local(NOON), "0.01", "0.90")},
    )
    assert lines(found) == {"energy": "0.55", "vat": "0.12"}


MODUL_3 = """\
[tariff.import.energy]
kind = "series"
source = "spot"
adder = "0.018"
[[tariff.import.component]]
name = "grid_fee"
kind = "tou"
default = "0.0812"
periods = [
  { months = [1, 2, 3, 10, 11, 12], from = "17:00", to = "21:00", value = "0.1390" },
  { months = [1, 2, 3], from = "00:00", to = "05:00", value = "0.0201" },
]
"""
MODUL_3_HEAD = 'vat = "0.19"\nfixed_per_day = "0.35"\nfixed_per_month = "12.90"'


def test_a_winter_day_with_three_levels_of_grid_fee() -> None:
    # | energy   | 24 × 0.118                                     | 2.8320 |
    # | grid fee | 5 × 0.0201 + 4 × 0.1390 + 15 × 0.0812           | 1.8745 |
    # | day      |                                                | 0.35   |
    # | month    | 12.90 / 31                                     | 0.4161 |
    # | VAT      | 0.19 × 5.4726                                  | 1.0398 |
    rules = contract(MODUL_3, head=MODUL_3_HEAD, zone="Europe/Berlin")
    day = day_of("2026-01-15", "Europe/Berlin")
    found = billed(rules, even(day, bought="0.25"), {"spot": prices(day.start_utc, *["0.10"] * 24)})
    assert lines(found) == {
        "energy": "2.83",
        "grid_fee": "1.87",
        "fixed_per_day": "0.35",
        "fixed_per_month": "0.42",
        "vat": "1.04",
    }


def test_a_summer_day_has_the_standard_grid_fee_only() -> None:
    # 24 × 0.0812 = 1.9488
    rules = contract(MODUL_3, head=MODUL_3_HEAD, zone="Europe/Berlin")
    day = day_of("2026-07-15", "Europe/Berlin")
    found = billed(rules, even(day, bought="0.25"), {"spot": prices(day.start_utc, *["0.10"] * 24)})
    assert lines(found)["grid_fee"] == "1.95"


def test_the_night_level_on_the_spring_day_has_an_hour_less() -> None:
    # 29 March, 23 hours: 4 × 0.0201 + 4 × 0.1390 + 15 × 0.0812 = 1.8544
    rules = contract(MODUL_3, head=MODUL_3_HEAD, zone="Europe/Berlin")
    day = day_of("2026-03-29", "Europe/Berlin")
    found = billed(rules, even(day, bought="0.25"), {"spot": prices(day.start_utc, *["0.10"] * 23)})
    assert lines(found)["grid_fee"] == "1.85"
    assert lines(found)["fixed_per_day"] == "0.35"
