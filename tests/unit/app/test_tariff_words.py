"""A tariff is said in sentences that its owner can hold against the contract."""

from __future__ import annotations

import pytest

from tests.unit.market.contracts import FLAT_30, contract
from v2g_daemon.app.tariff_words import sentences

FLAT = "Tariff test, in EUR per kWh: import = 0.30, export = "
EXPORT = '[tariff.export]\nkind = "series"\nsource = "spot"\n'


@pytest.mark.parametrize(
    ("export", "said"),
    [
        ("", "nothing."),
        (EXPORT + 'mult = "0.9"\nadder = "-0.005"\n', "spot × 0.9 − 0.005, paid in cash."),
        (EXPORT + 'floor = "0"\n', "spot, at least 0, paid in cash."),
        (EXPORT + 'settles = "netting"\n', "spot, netted against imports of the bill month."),
        (EXPORT + 'settles = "bill_credit"\n', "spot, as a credit on the bill."),
        (
            EXPORT + 'settles = "bill_credit"\ncredit_expiry = "annual:04"\n',
            "spot, as a credit on the bill that is lost each April.",
        ),
        (
            EXPORT + 'negative_price_rule = "zero"\n',
            "spot, nothing while the price is negative, paid in cash.",
        ),
        (
            EXPORT + 'negative_price_rule = "no_export"\n',
            "spot, no export while the price is negative, paid in cash.",
        ),
    ],
)
def test_what_exports_earn_is_said(export: str, said: str) -> None:
    (tariff,) = contract(FLAT_30 + export).versions
    assert list(sentences(tariff)) == [FLAT + said]


def test_every_other_charge_has_a_sentence_of_its_own() -> None:
    body = """\
[tariff.import]
cap = "1.00"
[tariff.import.energy]
kind = "tou"
default = "0.30"
periods = [{ from = "00:00", to = "06:00", value = "0.10" }]
[[tariff.import.component]]
name = "grid_fee"
kind = "flat"
value = "0.08"
[tariff.import.tiers]
steps = [["500", "0"], ["", "0.05"]]
[[tariff.import.demand]]
rate_per_kw_month = "10.00"
ratchet_pct = "50"
[[tariff.import.demand]]
name = "evening"
rate_per_kw_month = "15.00"
interval_s = 1800
windows = [["16:00", "21:00"]]
[tariff.relief]
components = ["grid_fee"]
"""
    head = 'vat = "0.19"\nvalid_from = 2026-01-01\nfixed_per_day = "0.35"\nfixed_per_month = "2"\n'
    (tariff,) = contract(body, head=head).versions
    assert list(sentences(tariff)) == [
        "Tariff test from 2026-01-01, in EUR per kWh: import = (0.10 to 0.30 by time of use + "
        "grid_fee 0.08) × 1.19, at most 1.00, export = nothing.",
        "In a bill month each kWh costs more: up to 500 kWh 0, above that 0.05.",
        "Demand charge: 10.00 EUR a month for each kW of the highest 15 minutes, and no month "
        "less than 50 % of the highest of the 11 before.",
        "Demand charge evening: 15.00 EUR a month for each kW of the highest 30 minutes in its "
        "windows.",
        "Fixed: 0.35 EUR a day and 2 EUR a month, before VAT.",
        "Not charged on kWh later returned to the grid: grid_fee.",
    ]
