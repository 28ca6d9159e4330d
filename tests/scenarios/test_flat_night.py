"""A night at one price: of charging now and later at the same cost, the house charges now."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.unit.rehearsal.toys import LOSSLESS, a_job, a_plant, days_of, planned, stay
from v2g_daemon.domain.loss import LossCurve
from v2g_daemon.rehearsal.strategies import Strategy

REAL_LOSS = LossCurve(constant_w=150.0, linear=0.03, quadratic_per_w=3e-6)
# Plugged in from 18:00 to 07:00, with 20 of 40 kWh.
FROM, TO = 72, 124
FLAT = [0.25] * 192


def charged(prices: Sequence[float], *, strategy: Strategy, loss: LossCurve) -> list[float]:
    """The power of each quarter hour of the stay."""
    days = days_of(prices, stays=[stay(FROM, TO, target_wh=40_000.0)], load_w=400.0)
    ran = planned(a_job(days, plant=a_plant(loss=loss), strategy=strategy))
    assert ran.missing_wh == (0.0,)
    return list(ran.power_w[FROM:TO])


@pytest.mark.parametrize("strategy", [Strategy.V1G, Strategy.V2G], ids=lambda one: one.value)
@pytest.mark.parametrize("loss", [LOSSLESS, REAL_LOSS], ids=["lossless", "lossy"])
def test_at_one_price_the_car_is_charged_at_once(strategy: Strategy, loss: LossCurve) -> None:
    powers_w = charged(FLAT, strategy=strategy, loss=loss)
    assert powers_w[:8] == [7400.0] * 8
    # 20 kWh take less than three hours; nothing of it waits for the middle of the night.
    assert not any(powers_w[20:40])


def test_a_cheaper_hour_is_still_waited_for() -> None:
    prices = [0.25 if slot < 92 else 0.20 for slot in range(192)]
    powers_w = charged(prices, strategy=Strategy.V1G, loss=REAL_LOSS)
    assert not any(powers_w[:20])
    assert powers_w[20:28] == [7400.0] * 8
