"""What can be used and looks wrong is said."""

from __future__ import annotations

import tomllib
from datetime import date

import pytest

from v2g_daemon.settings.tariff_file import tariff_versions
from v2g_daemon.settings.tariff_lints import doubts, lints
from v2g_daemon.settings.tariff_sections import TariffSection

TODAY = date(2026, 7, 1)
HEAD = """\
[tariff]
id = "x"
currency = "{currency}"
timezone = "Europe/Berlin"
verified = true
source = "contract"
source_date = 2026-01-01
"""
FLAT = '[tariff.import.energy]\nkind = "flat"\nvalue = "{value}"\n'


def loaded(text: str) -> tuple[TariffSection, ...]:
    versions, complaints = tariff_versions(tomllib.loads(text)["tariff"])
    assert complaints == []
    return versions


def said(body: str, *, currency: str = "EUR", head: str = "") -> tuple[str, ...]:
    return lints(loaded(HEAD.format(currency=currency) + head + body), today=TODAY)


def flat(value: str) -> str:
    return FLAT.format(value=value)


def tou(*periods: str, more: str = 'default = "0.2"') -> str:
    return f'[tariff.import.energy]\nkind = "tou"\n{more}\nperiods = [{", ".join(periods)}]\n'


def test_a_verified_tariff_without_fault_raises_no_doubt() -> None:
    assert said(flat("0.30")) == ()


def test_amounts_that_nobody_stands_for_are_named() -> None:
    text = HEAD.format(currency="EUR").replace("verified = true\n", "") + flat("0.30")
    assert lints(loaded(text), today=TODAY) == (
        "x: its amounts are not verified against a contract (taken on 2026-01-01 from: contract)",
    )
    assert doubts(loaded(text), today=TODAY) == ()
    bare = '[tariff]\nid = "x"\ncurrency = "EUR"\ntimezone = "Europe/Berlin"\n' + flat("0.30")
    assert (
        "x: it does not say where its amounts are from, and when"
        in lints(loaded(bare), today=TODAY)[1]
    )


@pytest.mark.parametrize(
    ("currency", "value"), [("EUR", "30"), ("EUR", "-2.01"), ("SEK", "30"), ("GBP", "24.5")]
)
def test_an_amount_in_another_unit_is_suspected(currency: str, value: str) -> None:
    (lint,) = said(flat(value), currency=currency)
    assert lint == (
        f"x: import.energy: value = {value} {currency} per kWh is a lot; "
        "is it in hundredths (ct, p) or per MWh?"
    )


@pytest.mark.parametrize(("currency", "value"), [("EUR", "0.95"), ("SEK", "3.50"), ("JPY", "32")])
def test_a_usual_amount_is_not_suspected(currency: str, value: str) -> None:
    assert said(flat(value), currency=currency) == ()


def test_a_table_in_hundredths_is_suspected_by_its_median() -> None:
    hours = ", ".join(["6.1"] * 24)
    table = ", ".join([f"[[{hours}], [{hours}]]"] * 12)
    (lint,) = said(flat("0.30") + f'[tariff.export]\nkind = "table576"\nvalues = [{table}]\n')
    assert "export: values (median) = 6.1 EUR per kWh is a lot" in lint


def test_a_multiplier_that_changes_the_unit_is_suspected() -> None:
    body = '[tariff.import.energy]\nkind = "series"\nsource = "energy-charts:NL"\nmult = "0.001"\n'
    (lint,) = said(body)
    assert "mult = 0.001 is unusual; series are in EUR per kWh already" in lint


def test_a_source_that_is_asked_in_no_known_way_is_named() -> None:
    body = '[tariff.import.energy]\nkind = "series"\nsource = "my-supplier"\n'
    export = body.replace("import.energy", "export")
    assert said(body + export) == (
        "source 'my-supplier' needs a [[prices.source]] of that name in the house",
    )
    # A house that does not say how it is asked is refused, so that its check need not doubt.
    assert doubts(loaded(HEAD.format(currency="EUR") + body), today=TODAY) == ()


@pytest.mark.parametrize(("amount", "doubted"), [("53.35", True), ("-21", True), ("19.90", False)])
def test_a_standing_charge_in_pence_is_suspected(amount: str, doubted: bool) -> None:
    found = said(flat("0.30"), currency="GBP", head=f'fixed_per_day = "{amount}"\n')
    text = (
        f"x: fixed_per_day = {amount} GBP is a lot; "
        "is it in hundredths (ct, p), per month or per year?"
    )
    assert found == ((text,) if doubted else ())


def test_a_gap_between_versions_is_told() -> None:
    one = (HEAD + "valid_to = 2026-06-30\n" + FLAT).replace("[tariff]", "[[tariff]]", 1)
    other = (HEAD + "valid_from = 2026-07-05\n" + FLAT).replace("[tariff]", "[[tariff]]", 1)
    text = (one + other).format(currency="EUR", value="0.30")
    assert lints(loaded(text), today=TODAY) == (
        "no version is valid from 2026-07-01 to 2026-07-04",
    )


@pytest.mark.parametrize(
    ("head", "lint"),
    [
        ("valid_to = 2026-06-30\n", ("it expired on 2026-06-30: from then on no price is known",)),
        ("valid_to = 2026-08-30\n", ("it expires on 2026-08-30; add the next version",)),
        ("valid_to = 2026-08-31\n", ()),
        ("valid_from = 2026-07-02\n", ("nothing is valid before 2026-07-02",)),
    ],
)
def test_expiry_is_told_in_time(head: str, lint: tuple[str, ...]) -> None:
    assert said(flat("0.30"), head=head) == lint


def test_hours_without_a_price_are_told() -> None:
    night = '{ from = "22:00", to = "06:00", value = "0.1" }'
    day = '{ days = "weekday", from = "06:00", to = "22:00", value = "0.3" }'
    assert said(tou(night, day, more="")) == (
        "x: import.energy: no price at 06:00 on a Sat in Jan; add a period or a default",
    )


def test_overlapping_periods_are_told() -> None:
    first = '{ from = "10:00", to = "16:00", value = "0.1" }'
    second = '{ days = "weekday", from = "15:00", to = "20:00", value = "0.3" }'
    assert said(tou(first, second)) == (
        "x: import.energy: periods[1] overlaps an earlier one, which counts, "
        "at 15:00 on a Mon in Jan",
    )


def test_a_period_that_an_earlier_one_hides_is_told() -> None:
    whole, part = '{ value = "0.1" }', '{ from = "10:00", to = "16:00", value = "0.3" }'
    assert said(tou(whole, part)) == (
        "x: import.energy: periods[1] never occurs: earlier ones hold all of it",
    )


def test_a_period_of_holidays_without_holidays_never_occurs() -> None:
    period = '{ days = "holiday", value = "0.1" }'
    assert said(tou(period)) == (
        "x: import.energy: periods[0] never occurs: there are no [tariff.holidays]",
    )
    assert said(tou(period) + "[tariff.holidays]\ndates = [2026-12-25]\n") == ()


def test_a_hole_on_holidays_is_told_as_such() -> None:
    periods = ('{ days = "weekday", value = "0.3" }', '{ days = "weekend", value = "0.1" }')
    assert said(tou(*periods, more="")) == ()
    assert said(tou(*periods, more="") + "[tariff.holidays]\ndates = [2026-12-25]\n") == (
        "x: import.energy: no price at 00:00 on a Mon that is a holiday in Jan; "
        "add a period or a default",
    )


def test_a_window_outside_the_validity_never_occurs() -> None:
    demand = """\
[tariff.import.demand]
rate_per_kw_month = "5"
windows = [{ months = [12], from = "16:00", to = "21:00" }]
"""
    head = "valid_from = 2026-05-01\nvalid_to = 2026-09-30\n"
    assert said(flat("0.30") + demand, head=head) == (
        "x: demand demand: windows[0] never occurs: the version is not valid in its months",
    )
    assert said(flat("0.30") + demand) == ()


def test_charges_and_reliefs_of_nothing_are_told() -> None:
    body = flat("0.30") + '[tariff.import.demand]\nrate_per_kw_month = "0"\n'
    body += '[tariff.import.tiers]\nsteps = [["", "0"]]\n[tariff.relief]\ncomponents = ["energy"]\n'
    assert said(body) == (
        "x: demand demand costs nothing",
        "x: relief is for returned kWh, and exports earn nothing",
        "x: tiers have one step only: write it as a component",
    )
