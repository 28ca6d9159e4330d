"""What a plan is told of a demand charge: its rate, when it counts, and what is billed already."""

from __future__ import annotations

from decimal import Decimal

from tests.unit.market.contracts import FLAT_30, HOUR, QUARTER, contract, curve, day_of, local
from v2g_daemon.domain.interval import Interval
from v2g_daemon.domain.prices import PeakCharge
from v2g_daemon.market.curve import Standing

DAY = day_of("2026-01-15")
MONTH = Interval(start_utc=local("2026-01-01T00:00"), end_utc=local("2026-02-01T00:00"))
DEMAND = (
    FLAT_30
    + """
[[tariff.import.demand]]
name = "any"
rate_per_kw_month = "10.00"
interval_s = 900
[[tariff.import.demand]]
name = "evening"
rate_per_kw_month = "15.00"
interval_s = 900
windows = [["16:00", "18:30"]]
"""
)


def standing(**billed_kw: str) -> Standing:
    return Standing(
        month=MONTH,
        import_milliwh=0,
        export_milliwh=0,
        billed_kw={name: Decimal(kw) for name, kw in billed_kw.items()},
    )


def test_a_curve_tells_the_demand_charges_of_its_month_with_vat() -> None:
    book = contract(DEMAND, head='vat = "0.20"')
    found = curve(book, DAY, standing=standing(any="7.5"))
    four = DAY.start_utc + 16 * HOUR
    window = Interval(start_utc=four, end_utc=four + 10 * QUARTER)
    assert found.peak_charges == (
        PeakCharge(name="any", per_kw=12.0, billed_w=7500.0, windows=None),
        PeakCharge(name="evening", per_kw=18.0, billed_w=0.0, windows=(window,)),
    )


def test_a_curve_of_no_standing_month_or_of_another_one_tells_none() -> None:
    book = contract(DEMAND)
    assert curve(book, DAY).peak_charges == ()
    assert curve(book, day_of("2026-02-15"), standing=standing()).peak_charges == ()


def test_a_tariff_without_demand_has_no_peak_charge() -> None:
    assert curve(contract(FLAT_30), DAY, standing=standing()).peak_charges == ()
