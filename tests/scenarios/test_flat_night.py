"""A night at one price: of charging now and later at the same cost, the house charges now."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.unit.rehearsal.toys import LOSSLESS, ZONE, a_plant, days_of, stay
from v2g_daemon.domain.policy import LossCurve
from v2g_daemon.planning.plan import advise
from v2g_daemon.rehearsal.job import Job, run
from v2g_daemon.rehearsal.knowledge import Knowledge
from v2g_daemon.rehearsal.policies import Terms, of_a_plant
from v2g_daemon.rehearsal.strategies import Strategy

REAL_LOSS = LossCurve(constant_w=150.0, linear=0.03, quadratic_per_w=3e-6)
# Plugged in from 18:00 to 07:00, with 20 of 40 kWh.
FROM, TO = 72, 124
FLAT = [0.25] * 192


def charged(prices: Sequence[float], *, strategy: Strategy, loss: LossCurve) -> list[float]:
    """The power of each quarter hour of the stay."""
    plant = a_plant(loss=loss)
    job = Job(
        strategy=strategy,
        knowledge=Knowledge.TOLD,
        days=days_of(prices, stays=[stay(FROM, TO, target_wh=40_000.0)], load_w=400.0),
        plant=plant,
        policy=of_a_plant(
            plant, Terms(currency="EUR", timezone=ZONE, wear_per_kwh=0.05, unmet_goal_per_kwh=5.0)
        ),
        published=None,
        start_wh=20_000.0,
        end_per_kwh=0.2,
    )
    ran = run(job, planner=advise, foresight=lambda job: (), progress=lambda slots: None)
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
