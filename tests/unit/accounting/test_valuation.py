"""Money by hand: quarter hours, wear, and amounts that floats cannot hold."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.unit.accounting.house import interval
from v2g_daemon.accounting.valuation import (
    energy_cost,
    exact,
    pack_out_milliwh,
    wear_cost,
    wear_range,
)
from v2g_daemon.domain.ledger import PccInterval
from v2g_daemon.domain.loss import LossCurve

LOSS = LossCurve(constant_w=150.0, linear=0.03, quadratic_per_w=0.000003)


def row(imported: int, exported: int, buy: str | None, sell: str | None) -> PccInterval:
    return PccInterval(
        interval=interval(0.0, 900.0),
        import_milliwh=imported,
        export_milliwh=exported,
        pv_milliwh=None,
        import_register_milliwh=None,
        export_register_milliwh=None,
        estimated=False,
        import_per_kwh=None if buy is None else Decimal(buy),
        export_per_kwh=None if sell is None else Decimal(sell),
        currency="EUR",
    )


@pytest.mark.parametrize(
    ("imported", "exported", "buy", "sell", "cost"),
    [
        # 1.234567 kWh × 0.873 = 1.077776991
        (1_234_567, 0, "0.873", "0.1", "1.077776991"),
        # 0.5 × 0.30 − 2 × 0.25 = −0.35
        (500_000, 2_000_000, "0.30", "0.25", "-0.35"),
        # a negative price pays for import and charges for export
        (1_000_000, 1_000_000, "-0.5", "-0.505", "0.005"),
        (0, 1_000_000, None, "0.2", "-0.2"),
        (0, 0, None, None, "0"),
    ],
)
def test_import_is_paid_and_export_earned(
    imported: int, exported: int, buy: str | None, sell: str | None, cost: str
) -> None:
    assert energy_cost(row(imported, exported, buy, sell)) == Decimal(cost)


def test_energy_without_a_price_has_no_cost() -> None:
    assert energy_cost(row(1, 0, None, "0.2")) is None
    assert energy_cost(row(0, 1, "0.2", None)) is None


def test_a_quoted_price_is_rounded_once_to_six_places() -> None:
    assert exact(0.1 + 0.2) == Decimal("0.300000")
    assert exact(0.8730005) == Decimal("0.873000")


def test_what_leaves_the_pack_includes_the_loss_at_the_mean_power() -> None:
    # 2 kW for 1800 s: 1 kWh; loss 150 + 60 + 12 = 222 W, 111 Wh.
    assert pack_out_milliwh(1_000_000, discharging_s=1800.0, loss=LOSS) == 1_111_000
    assert wear_cost(1_000_000, discharging_s=1800.0, loss=LOSS, per_kwh=0.05) == Decimal(
        "0.055550"
    )


def test_no_discharge_wears_nothing() -> None:
    assert wear_cost(0, discharging_s=0.0, loss=LOSS, per_kwh=0.05) == 0


def test_wear_of_four_cents_lies_between_one_and_nine() -> None:
    band = wear_range(Decimal("0.04"))
    assert (band.low, band.default, band.high) == (
        Decimal("0.0100"),
        Decimal("0.04"),
        Decimal("0.0900"),
    )
