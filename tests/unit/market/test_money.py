"""The money of one step, for a float and for an array alike."""

from __future__ import annotations

import numpy as np
import pytest

from v2g_daemon.market.money import net_cost


def test_import_costs_and_export_earns() -> None:
    # 2 kW for a quarter of an hour at 0.30; 4 kW at 0.25
    bought = net_cost(
        import_w=2000.0, export_w=0.0, hours=0.25, import_per_kwh=0.30, export_per_kwh=0.25
    )
    sold = net_cost(
        import_w=0.0, export_w=4000.0, hours=0.25, import_per_kwh=0.30, export_per_kwh=0.25
    )
    assert bought == pytest.approx(0.15)
    assert sold == pytest.approx(-0.25)


def test_at_a_negative_price_import_earns_and_export_costs() -> None:
    def cost(import_w: float, export_w: float) -> float:
        return net_cost(
            import_w=import_w,
            export_w=export_w,
            hours=1.0,
            import_per_kwh=-0.10,
            export_per_kwh=-0.20,
        )

    assert cost(1000.0, 0.0) == pytest.approx(-0.10)
    assert cost(0.0, 1000.0) == pytest.approx(0.20)


def test_an_array_costs_what_its_elements_cost() -> None:
    costs = net_cost(
        import_w=np.array([2000.0, 0.0]),
        export_w=np.array([0.0, 4000.0]),
        hours=0.25,
        import_per_kwh=np.array([0.30, 0.30]),
        export_per_kwh=np.array([0.25, 0.25]),
    )
    assert costs.tolist() == pytest.approx([0.15, -0.25])
