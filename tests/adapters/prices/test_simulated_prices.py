"""The simulated price service's answers, in every mood, through our translation."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from simulators.clock import ScaledClock
from simulators.faults import Fault, FaultBoard
from simulators.prices import GARBAGE, PriceService
from simulators.scenario import PricesTable
from v2g_daemon.adapters.prices.energy_charts import EnergyCharts
from v2g_daemon.domain.errors import PriceSourceError
from v2g_daemon.market.series import SeriesPrice

DUTCH = EnergyCharts(bzn="NL", currency="EUR")
START_S = datetime(2024, 12, 11, 16, 30, tzinfo=UTC).timestamp()


def series(*moods: str) -> tuple[SeriesPrice, ...]:
    """11 and 12 December as the service gives them at 17:30 on the 11th."""
    service = PriceService(
        table=PricesTable(),
        base=Path(),
        clock=ScaledClock(start_s=START_S, speed=1.0, anchor_monotonic_s=time.monotonic()),
        faults=FaultBoard(
            faults=[
                Fault(device="prices", kind=mood, from_s=START_S - 60.0, until_s=None)
                for mood in moods
            ]
        ),
    )
    answer = service.answer(zone="NL", start="2024-12-11", end="2024-12-12")
    return DUTCH.series(json.dumps(answer).encode())


def test_two_recorded_days_come_through_with_their_peak() -> None:
    prices = series()
    assert len(prices) == 48
    assert prices[0].interval.start_utc == datetime(2024, 12, 10, 23, tzinfo=UTC)
    assert prices[-1].interval.end_utc == datetime(2024, 12, 12, 23, tzinfo=UTC)
    peak = max(prices, key=lambda price: price.per_kwh)
    assert peak.per_kwh.quantize(Decimal("0.001")) == Decimal("0.873")


def test_unpublished_and_partial_days_are_shorter_and_nulls_are_gaps() -> None:
    assert len(series("unpublished")) == 24
    assert len(series("partial")) == 24
    assert len(series("nulls")) == 36


def test_its_garbage_is_refused() -> None:
    with pytest.raises(PriceSourceError, match="not JSON"):
        DUTCH.series(GARBAGE.encode())
