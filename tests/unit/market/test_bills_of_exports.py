"""Bills worked by hand: cash, credit, netting, negative prices, export tables and relief."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.unit.market.contracts import (
    FLAT_30,
    FLAT_EXPORT_8,
    HOUR,
    billed,
    contract,
    lines,
    local,
    prices,
    step,
)
from v2g_daemon.app.tariffs import load_book
from v2g_daemon.market.bill import Carried
from v2g_daemon.market.metered import MeteredStep
from v2g_daemon.market.settlement import LineKind
from v2g_daemon.market.tariff import TariffBook

NOON = "2026-01-15T12:00"
SPOT_EXPORT = '[tariff.export]\nkind = "series"\nsource = "spot"\n'


def test_export_in_cash_may_make_a_bill_negative() -> None:
    # 2 × 0.30 − 20 × 0.08 = 0.60 − 1.60
    found = billed(contract(FLAT_30 + FLAT_EXPORT_8), [step(local(NOON), bought="2", sold="20")])
    assert lines(found) == {"energy": "0.60", "export_energy": "-1.60"}
    assert found.total == Decimal("-1.00")
    assert found.months[0].lines[-1].kind is LineKind.ENERGY_SALE


def test_exports_that_nobody_pays_are_worth_nothing() -> None:
    found = billed(contract(FLAT_30), [step(local(NOON), bought="2", sold="20")])
    assert lines(found) == {"energy": "0.60"}
    assert found.months[0].export_milliwh == 20_000_000


def test_export_has_vat_only_where_it_is_said() -> None:
    # 10 × 0.08 = 0.80; 21 % of it 0.168
    head = 'vat = "0.21"'
    sold = [step(local(NOON), sold="10")]
    assert billed(contract(FLAT_30 + FLAT_EXPORT_8, head=head), sold).total == Decimal("-0.80")
    with_vat = contract(FLAT_30 + FLAT_EXPORT_8 + 'vat = "0.21"\n', head=head)
    assert lines(billed(with_vat, sold)) == {
        "energy": "0.00",
        "export_energy": "-0.80",
        "export_vat": "-0.17",
    }


def test_export_of_several_components() -> None:
    # Generation 10 × 0.05 and delivery 10 × 0.0131
    body = (
        FLAT_30
        + FLAT_EXPORT_8.replace("0.08", "0.05")
        + """\
[[tariff.export.component]]
name = "delivery"
kind = "flat"
value = "0.0131"
"""
    )
    found = lines(billed(contract(body), [step(local(NOON), sold="10")]))
    assert (found["export_energy"], found["export_delivery"]) == ("-0.50", "-0.13")


def by_rule(rule: str, *spot: str) -> dict[str, str]:
    """10 kWh exported in each hour of spot prices."""
    body = FLAT_30 + SPOT_EXPORT + f'adder = "-0.01"\nnegative_price_rule = "{rule}"\n'
    steps = [step(local(NOON) + HOUR * number, sold="10") for number in range(len(spot))]
    return lines(billed(contract(body), steps, {"spot": prices(local(NOON), *spot)}))


def test_a_negative_price_is_paid_by_who_exports() -> None:
    # 10 × 0.09 − 10 × 0.51 = 0.90 − 5.10
    assert by_rule("pay", "0.10", "-0.50") == {"energy": "0.00", "export_energy": "4.20"}


@pytest.mark.parametrize("rule", ["zero", "no_export"])
def test_a_rule_may_make_negative_prices_nothing(rule: str) -> None:
    # The −5.10 of the second hour are taken back.
    found = by_rule(rule, "0.10", "-0.50")
    assert found == {"energy": "0.00", "export_energy": "4.20", "export_bounds": "-5.10"}
    assert sum(Decimal(amount) for amount in found.values()) == Decimal("-0.90")


PAUSES = 'negative_price_rule = "zero"\nnegative_price_source = "spot"\n'


def test_a_feed_in_payment_pauses_while_the_market_is_negative() -> None:
    # 8 ct in two hours, the second of which has a negative spot price
    body = (
        FLAT_30 + FLAT_EXPORT_8 + 'negative_price_rule = "zero"\nnegative_price_source = "spot"\n'
    )
    steps = [step(local(NOON) + HOUR * number, sold="10") for number in range(2)]
    found = billed(contract(body), steps, {"spot": prices(local(NOON), "0.10", "-0.01")})
    assert lines(found) == {"energy": "0.00", "export_energy": "-1.60", "export_bounds": "0.80"}


def test_while_the_asked_market_is_unknown_so_is_the_payment() -> None:
    body = (
        FLAT_30 + FLAT_EXPORT_8 + 'negative_price_rule = "zero"\nnegative_price_source = "spot"\n'
    )
    found = billed(contract(body), [step(local(NOON), sold="10")])
    assert (found.total, found.months[0].unpriced_milliwh) == (Decimal("0.00"), 10_000_000)


def test_a_floor_of_the_export_price() -> None:
    # max(0.03, 0.01) × 10
    found = billed(
        contract(FLAT_30 + SPOT_EXPORT + 'floor = "0.03"\n'),
        [step(local(NOON), sold="10")],
        {"spot": prices(local(NOON), "0.01")},
    )
    assert found.total == Decimal("-0.30")


CREDIT = FLAT_EXPORT_8 + 'settles = "bill_credit"\n'


def in_months(*months: tuple[str, str, str]) -> list[MeteredStep]:
    """(first of a month, kWh bought, kWh sold)."""
    return [step(local(f"{day}T12:00"), bought=bought, sold=sold) for day, bought, sold in months]


def test_credit_lowers_bills_to_zero_and_the_rest_is_carried_over() -> None:
    # | month | charges      | credit earned | used | left |
    # | Jan   | 10 × 0.30 = 3 | 100 × 0.08 = 8 | 3    | 5    |
    # | Feb   | 10 × 0.30 = 3 | 0             | 3    | 2    |
    # | Mar   | 10 × 0.30 = 3 | 0             | 2    | 0    |
    steps = in_months(
        ("2026-01-10", "10", "100"), ("2026-02-10", "10", "0"), ("2026-03-10", "10", "0")
    )
    found = billed(contract(FLAT_30 + CREDIT), steps)
    assert [str(month.total) for month in found.months] == ["0.00", "0.00", "1.00"]
    assert [str(month.credit.left) for month in found.months] == ["5.00", "2.00", "0.00"]
    assert found.carried.credit == 0


def test_credit_covers_fixed_charges_and_vat_too() -> None:
    # 10 × 0.30 + 12.90 = 15.90, VAT 3.339: 19.24 due, 300 × 0.08 = 24.00 earned
    steps = even_april()
    rules = contract(FLAT_30 + CREDIT, head='vat = "0.21"\nfixed_per_month = "12.90"')
    found = billed(rules, steps)
    assert lines(found) == {
        "energy": "3.00",
        "fixed_per_month": "12.90",
        "vat": "3.34",
        "credit": "-19.24",
    }
    assert found.carried.credit == Decimal("4.76")


def even_april() -> list[MeteredStep]:
    """The first and the last hour of April, so that the bill holds all of it."""
    return [
        step(local("2026-04-01T00:00"), bought="10"),
        step(local("2026-04-30T23:00"), sold="300"),
    ]


def test_what_the_exports_were_worth_is_told_beside_the_credit() -> None:
    found = billed(contract(FLAT_30 + CREDIT), [step(local(NOON), sold="100")]).months[0]
    assert [(one.name, str(one.amount)) for one in found.export_lines] == [
        ("export_energy", "-8.00")
    ]
    assert (found.total, found.credit.earned) == (Decimal("0.00"), Decimal("8.00"))


def test_expiring_credit_is_lost_when_its_month_begins() -> None:
    # 8.00 earned in March; April begins the year anew: its 3.00 are due
    steps = in_months(("2026-03-10", "0", "100"), ("2026-04-10", "10", "0"))
    found = billed(contract(FLAT_30 + CREDIT + 'credit_expiry = "annual:04"\n'), steps)
    april = found.months[1]
    assert (april.credit.before, april.credit.expired) == (Decimal("8.00"), Decimal("8.00"))
    assert april.total == Decimal("3.00")


def test_credit_that_does_not_expire_is_used_in_april() -> None:
    steps = in_months(("2026-03-10", "0", "100"), ("2026-04-10", "10", "0"))
    assert billed(contract(FLAT_30 + CREDIT), steps).months[1].total == Decimal("0.00")


def test_exports_at_negative_prices_are_no_negative_credit() -> None:
    # 10 × −0.50 is paid with the bill: 3.00 + 5.00, less the credit of 6.00 from before
    body = FLAT_30 + SPOT_EXPORT + 'settles = "bill_credit"\n'
    found = billed(
        contract(body),
        [step(local(NOON), bought="10", sold="10")],
        {"spot": prices(local(NOON), "-0.50")},
        Carried(credit=Decimal("6.00")),
    )
    assert lines(found) == {
        "energy": "3.00",
        "export_at_negative_prices": "5.00",
        "credit": "-6.00",
    }


NETTING = FLAT_EXPORT_8 + 'settles = "netting"\n'


def test_netting_offsets_kwh_at_the_import_price() -> None:
    # (100 − 60) × 0.30
    found = billed(contract(FLAT_30 + NETTING), [step(local(NOON), bought="100", sold="60")])
    assert lines(found) == {"energy": "30.00", "netted": "-18.00", "export_surplus": "0.00"}
    assert found.total == Decimal("12.00")
    assert found.months[0].lines[-2].kind is LineKind.RETAIL_SAVING


def test_a_surplus_over_the_month_earns_the_export_price() -> None:
    # 50 bought and offset; the other 30 of 80 at 0.08
    found = billed(contract(FLAT_30 + NETTING), [step(local(NOON), bought="50", sold="80")])
    assert lines(found) == {"energy": "15.00", "netted": "-15.00", "export_surplus": "-2.40"}


def test_netting_values_each_kwh_at_its_own_hour_with_vat() -> None:
    body = """\
[tariff.import.energy]
kind = "tou"
default = "0.20"
periods = [{ from = "17:00", to = "21:00", value = "0.40" }]
"""
    # Bought at 18:00: 10 × 0.40 × 1.21 = 4.84; sold at 12:00: 10 × 0.20 × 1.21 = 2.42
    steps = [
        step(local(NOON), sold="10"),
        step(local("2026-01-15T18:00"), bought="10"),
    ]
    found = billed(contract(body + NETTING, head='vat = "0.21"'), steps)
    assert found.total == Decimal("2.42")


def test_netting_counts_exports_back_through_the_tiers() -> None:
    # 520 bought, 40 sold back: 480 are left, below the step of 500; 480 × 0.20
    body = '[tariff.import.energy]\nkind = "flat"\nvalue = "0.20"\n'
    tiers = '[tariff.import.tiers]\nsteps = [["500", "0"], ["", "0.05"]]\n'
    steps = [step(local(NOON), bought="520"), step(local(NOON) + HOUR, sold="40")]
    found = billed(contract(body + tiers + NETTING), steps)
    assert found.total == Decimal("96.00")
    assert found.months[0].tier is not None
    assert found.months[0].tier.left_milliwh == 20_000_000


def test_netting_without_an_import_price_is_counted_as_unpriced() -> None:
    body = '[tariff.import.energy]\nkind = "series"\nsource = "spot"\n'
    steps = [step(local(NOON), bought="10"), step(local(NOON) + HOUR, sold="4")]
    found = billed(contract(body + NETTING), steps, {"spot": prices(local(NOON), "0.30")})
    assert (found.total, found.months[0].unpriced_milliwh) == (Decimal("3.00"), 4_000_000)


def nbt() -> TariffBook:
    return load_book("us-pge-ev2a-nbt")


LA = "America/Los_Angeles"


@pytest.mark.parametrize(
    ("moment", "worth"),
    [
        # 100 kWh each; what PG&E published for that hour of UTC.
        ("2025-07-03T19:00", "41.32"),  # a Thursday: 0.41323 at 2025-07-04T02:00Z
        ("2025-07-04T19:00", "62.39"),  # a Friday and a holiday: 0.62394
        ("2025-07-05T19:00", "62.39"),  # a Saturday: 0.62394
        ("2025-09-01T18:00", "238.69"),  # Labor Day, a Monday: 2.38688
        ("2025-09-02T18:00", "276.25"),  # the Tuesday after: 2.76251
        ("2024-12-31T23:00", "0.00"),  # not valid yet
    ],
)
def test_an_export_table_knows_weekdays_from_holidays(moment: str, worth: str) -> None:
    found = billed(nbt(), [step(local(moment, LA), sold="100")])
    earned = [-one.amount for month in found.months for one in month.export_lines]
    assert str(sum(earned, start=Decimal("0.00"))) == worth


def test_a_september_evening_pays_for_a_month_of_nights() -> None:
    # | 300 kWh at 03:00 | 300 × 0.34578 | 103.734 |
    # | 40 kWh sold on Tuesday 2 September, 18–20 h | 20 × 2.76251 + 20 × 3.11066 | 117.4634 |
    # 103.73 are due and paid by credit; 117.46 − 103.73 = 13.73 are left.
    evening = local("2025-09-02T18:00", LA)
    steps = [
        step(evening, sold="20"),
        step(evening + HOUR, sold="20"),
        step(local("2025-09-03T03:00", LA), bought="300"),
    ]
    found = billed(nbt(), steps)
    assert lines(found) == {"energy": "103.73", "credit": "-103.73"}
    assert found.months[0].credit.left == Decimal("13.73")


@pytest.mark.parametrize(
    ("moment", "cost"),
    [
        # 10 kWh each: off peak, part peak, peak, part peak; summer and winter.
        ("2025-07-15T14:00", "3.46"),
        ("2025-07-15T15:00", "5.48"),
        ("2025-07-15T20:00", "6.58"),
        ("2025-07-15T21:00", "5.48"),
        ("2025-01-15T15:00", "5.14"),
        ("2025-01-15T16:00", "5.31"),
        ("2025-01-15T00:00", "3.46"),
        # Summer begins on 1 June, local.
        ("2025-05-31T20:00", "5.31"),
        ("2025-06-01T20:00", "6.58"),
    ],
)
def test_the_hours_of_ev2_a(moment: str, cost: str) -> None:
    assert str(billed(nbt(), [step(local(moment, LA), bought="10")]).total) == cost


RELIEF = """\
[tariff.import.energy]
kind = "flat"
value = "0.10"
[[tariff.import.component]]
name = "grid_fee"
kind = "tou"
default = "0.0812"
periods = [
  { from = "17:00", to = "21:00", value = "0.1390" },
  { from = "00:00", to = "05:00", value = "0.0201" },
]
[tariff.export]
kind = "flat"
value = "0.15"
[tariff.relief]
components = ["grid_fee"]
"""


def relief_of(*steps: MeteredStep, carried: Carried | None = None):
    return billed(contract(RELIEF, head='vat = "0.19"'), steps, carried=carried)


def test_returned_energy_gets_its_grid_fee_back_with_vat() -> None:
    # 10 kWh stored at noon, 8 of them returned at 18:00: 8 × 0.0812 × 1.19 = 0.773024
    found = relief_of(
        step(local(NOON), bought="10", charged="10"),
        step(local("2026-01-15T18:00"), sold="8", returned="8"),
    )
    assert lines(found) == {
        "energy": "1.00",
        "grid_fee": "0.81",
        "relief": "-0.77",
        "vat": "0.34",  # 0.19 × 1.812 = 0.34428
        "export_energy": "-1.20",
    }


def test_the_earliest_bought_energy_is_returned_first() -> None:
    # Stored 4 kWh at 0.0201 and 4 at 0.1390, returned 5: (4 × 0.0201 + 0.1390) × 1.19 = 0.261086
    found = relief_of(
        step(local("2026-01-15T03:00"), bought="4", charged="4"),
        step(local("2026-01-15T18:00"), bought="4", charged="4"),
        step(local("2026-01-15T21:00"), sold="5", returned="5"),
    )
    assert lines(found)["relief"] == "-0.26"
    (lot,) = found.carried.lots
    assert (lot.milliwh, str(lot.per_kwh)) == (3_000_000, "0.165410")


def test_stored_energy_is_remembered_over_the_end_of_the_month() -> None:
    january = relief_of(step(local("2026-01-31T12:00"), bought="10", charged="10"))
    february = relief_of(
        step(local("2026-02-01T18:00"), sold="8", returned="8"), carried=january.carried
    )
    assert lines(february)["relief"] == "-0.77"


def test_no_more_is_relieved_than_was_bought() -> None:
    # The sun charged the rest: 10 kWh charged while 2 were imported, 9 returned, 2 of them bought:
    # 2 × 0.0812 × 1.19 = 0.193256
    found = relief_of(
        step(local(NOON), bought="2", charged="10"),
        step(local("2026-01-15T18:00"), sold="9", returned="9"),
    )
    assert lines(found)["relief"] == "-0.19"


def test_what_the_house_itself_used_is_not_returned() -> None:
    # 5 kWh leave the car, 1 kWh is exported: 1 × 0.0812 × 1.19 = 0.096628
    found = relief_of(
        step(local(NOON), bought="10", charged="10"),
        step(local("2026-01-15T18:00"), sold="1", returned="5"),
    )
    assert lines(found)["relief"] == "-0.10"


def test_an_unknown_price_gives_nothing_back() -> None:
    body = RELIEF.replace('kind = "flat"\nvalue = "0.10"', 'kind = "series"\nsource = "spot"', 1)
    body = body.replace('"grid_fee"]', '"energy"]')
    found = billed(
        contract(body),
        [
            step(local(NOON), bought="10", charged="10"),
            step(local("2026-01-15T18:00"), sold="8", returned="8"),
        ],
    )
    assert "relief" not in lines(found)
