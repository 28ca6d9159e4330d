"""Price curves by hand: what control and planning see of a tariff."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.unit.market.contracts import (
    FLAT_30,
    FLAT_EXPORT_8,
    HOUR,
    QUARTER,
    contract,
    curve,
    day_of,
    local,
    prices,
)
from v2g_daemon.domain.interval import Interval
from v2g_daemon.domain.prices import PriceCurve, PriceSlot
from v2g_daemon.market.curve import Standing
from v2g_daemon.market.tariff import TariffBook

MIDNIGHT = local("2026-01-15T00:00")
DAY = day_of("2026-01-15")
DUTCH = """\
[tariff.import.energy]
kind = "series"
source = "spot"
adder = "0.02"
[[tariff.import.component]]
name = "energy_tax"
kind = "flat"
value = "0.1088"
[tariff.export]
kind = "series"
source = "spot"
adder = "-0.005"
"""


def dutch() -> TariffBook:
    return contract(DUTCH, head='vat = "0.21"')


def span(start: timedelta, end: timedelta) -> Interval:
    return Interval(start_utc=MIDNIGHT + start, end_utc=MIDNIGHT + end)


@pytest.mark.parametrize(
    ("spot", "bought", "sold"),
    [
        ("0", 0.155848, -0.005),  # 0.1288 × 1.21
        ("0.10", 0.276848, 0.095),  # 0.2288 × 1.21
        ("0.873", 1.212178, 0.868),  # 1.0018 × 1.21
        ("-0.1", 0.034848, -0.105),  # 0.0288 × 1.21
        ("-0.5", -0.449152, -0.505),  # (−0.5 + 0.1288) × 1.21
        ("0.09841", 0.274924, 0.09341),  # 0.22721 × 1.21 = 0.2749241
    ],
)
def test_the_dutch_tariff_equals_a_hand_calculation(spot: str, bought: float, sold: float) -> None:
    (slot,) = curve(dutch(), DAY, {"spot": prices(MIDNIGHT, spot)}).slots
    assert (slot.import_per_kwh, slot.export_per_kwh) == (bought, sold)


def test_a_curve_keeps_the_slots_and_the_gaps_of_its_series() -> None:
    found = curve(dutch(), DAY, {"spot": prices(MIDNIGHT, "0", None, "0.873")})
    assert found == PriceCurve(
        currency="EUR",
        slots=(
            PriceSlot(
                interval=span(HOUR * 0, HOUR), import_per_kwh=0.155848, export_per_kwh=-0.005
            ),
            PriceSlot(
                interval=span(HOUR * 2, HOUR * 3), import_per_kwh=1.212178, export_per_kwh=0.868
            ),
        ),
    )
    assert found.at(MIDNIGHT + HOUR * 1.5) is None


def test_without_the_prices_of_its_source_a_curve_is_all_gap() -> None:
    assert curve(dutch(), DAY).slots == ()


def test_a_flat_tariff_is_one_slot_and_never_ends() -> None:
    (slot,) = curve(contract(FLAT_30 + FLAT_EXPORT_8), DAY).slots
    assert slot == PriceSlot(interval=DAY, import_per_kwh=0.30, export_per_kwh=0.08)


def test_without_an_export_section_exports_earn_nothing() -> None:
    (slot,) = curve(contract(FLAT_30), DAY).slots
    assert slot.export_per_kwh == 0.0


def test_quarter_hours_and_hours_make_quarter_hours() -> None:
    body = DUTCH.replace('kind = "flat"\nvalue = "0.1088"', 'kind = "series"\nsource = "grid"')
    series = {
        "spot": prices(MIDNIGHT, "0.10"),
        "grid": prices(MIDNIGHT, "0.01", "0.02", "0.03", "0.04", length=QUARTER),
    }
    found = curve(contract(body), DAY, series)
    assert [slot.import_per_kwh for slot in found.slots] == [0.13, 0.14, 0.15, 0.16]
    assert [slot.interval.seconds_s for slot in found.slots] == [900.0] * 4


def test_an_export_price_that_is_unknown_makes_the_slot_unknown() -> None:
    body = FLAT_30 + '[tariff.export]\nkind = "series"\nsource = "spot"\n'
    found = curve(contract(body), DAY, {"spot": prices(MIDNIGHT, "0.10")})
    assert [slot.interval for slot in found.slots] == [span(HOUR * 0, HOUR)]


GRID_FEE = """\
[tariff.import.energy]
kind = "tou"
default = "0.30"
periods = [{ from = "00:00", to = "06:00", value = "0.10" }]
"""


@pytest.mark.parametrize(("day", "night_hours"), [("2026-03-29", 5.0), ("2026-10-25", 7.0)])
def test_the_night_of_a_day_on_which_the_clock_changes(day: str, night_hours: float) -> None:
    night, rest = curve(contract(GRID_FEE), day_of(day)).slots
    assert night.interval.seconds_s == night_hours * 3600.0
    assert (night.import_per_kwh, rest.import_per_kwh) == (0.10, 0.30)


def test_a_cap_and_a_floor_hold_for_the_curve_too() -> None:
    body = (
        '[tariff.import]\nfloor = "0"\ncap = "1.00"\n'
        + DUTCH.split("[tariff.export]", maxsplit=1)[0]
    )
    found = curve(contract(body), DAY, {"spot": prices(MIDNIGHT, "-0.40", "1.50")})
    assert [slot.import_per_kwh for slot in found.slots] == [0.0, 1.0]


TIERS = '[tariff.import.tiers]\nsteps = [["500", "0"], ["", "0.05"]]\n'


def standing(bought: int, sold: int = 0) -> Standing:
    month = Interval(start_utc=local("2026-01-01T00:00"), end_utc=local("2026-02-01T00:00"))
    return Standing(month=month, import_milliwh=bought * 1_000_000, export_milliwh=sold * 1_000_000)


def test_the_next_kwh_costs_what_its_tier_costs() -> None:
    rules = contract(FLAT_30 + TIERS)
    assert curve(rules, DAY).slots[0].import_per_kwh == 0.30
    assert curve(rules, DAY, standing=standing(499)).slots[0].import_per_kwh == 0.30
    assert curve(rules, DAY, standing=standing(500)).slots[0].import_per_kwh == 0.35


def test_the_next_bill_month_begins_with_the_first_tier() -> None:
    both = Interval(start_utc=local("2026-01-31T00:00"), end_utc=local("2026-02-02T00:00"))
    january, february = curve(contract(FLAT_30 + TIERS), both, standing=standing(600)).slots
    assert february.interval.start_utc == local("2026-02-01T00:00")
    assert (january.import_per_kwh, february.import_per_kwh) == (0.35, 0.30)


NETTING = FLAT_EXPORT_8 + 'settles = "netting"\n'


def test_netted_exports_are_worth_the_import_price_until_they_are_a_surplus() -> None:
    rules = contract(FLAT_30 + NETTING)
    worth = [
        curve(rules, DAY, standing=one).slots[0].export_per_kwh
        for one in (None, standing(10, 10), standing(10, 11))
    ]
    assert worth == [0.30, 0.30, 0.08]


def test_netted_exports_come_back_through_the_tiers() -> None:
    rules = contract(FLAT_30 + TIERS + NETTING)
    assert curve(rules, DAY, standing=standing(510, 20)).slots[0].import_per_kwh == 0.30


def export_curve(rule: str, more: str = "") -> list[float]:
    body = FLAT_30 + '[tariff.export]\nkind = "series"\nsource = "spot"\n'
    rules = contract(body + f'negative_price_rule = "{rule}"\n{more}')
    found = curve(rules, DAY, {"spot": prices(MIDNIGHT, "0.10", "-0.50")})
    return [slot.export_per_kwh for slot in found.slots]


def test_negative_export_prices_are_never_clamped_but_by_rule() -> None:
    assert export_curve("pay") == [0.10, -0.50]
    assert export_curve("zero") == [0.10, 0.0]
    assert export_curve("pay", 'floor = "-0.20"\n') == [0.10, -0.20]


def test_where_export_is_forbidden_the_price_stays_negative_to_decide_by() -> None:
    assert export_curve("no_export") == [0.10, -0.50]


def test_a_fixed_payment_is_negative_to_decide_by_while_its_market_forbids_export() -> None:
    rules = contract(
        FLAT_30
        + FLAT_EXPORT_8
        + 'negative_price_rule = "no_export"\nnegative_price_source = "spot"\n'
    )
    found = curve(rules, DAY, {"spot": prices(MIDNIGHT, "0.10", "-0.01")})
    assert [slot.export_per_kwh for slot in found.slots] == [0.08, -0.01]


def test_no_curve_without_a_valid_version() -> None:
    with pytest.raises(ValueError, match="no version of the tariff is valid"):
        curve(contract(FLAT_30, head="valid_from = 2027-01-01"), DAY)
    assert contract(FLAT_30, head="valid_from = 2027-01-01").at(MIDNIGHT) is None


def test_a_book_knows_its_version_its_currency_and_its_sources() -> None:
    rules = dutch()
    version = rules.at(MIDNIGHT)
    assert version is not None
    assert (version.id, rules.currency, rules.timezone) == ("test", "EUR", "Europe/Amsterdam")
    assert rules.sources() == ("spot",)
    assert (version.nets, version.depends_on_month) == (False, False)
