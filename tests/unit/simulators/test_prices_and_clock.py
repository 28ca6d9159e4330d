"""The simulated price service publishes tomorrow in the afternoon; the scaled clock."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from simulators.clock import ScaledClock, iso_from_s
from simulators.faults import Fault, FaultBoard
from simulators.prices import BadRequest, NotPublished, PriceService
from simulators.scenario import PricesTable


def service(local: str, *faults: str, **fields: Any) -> PriceService:
    """The service at a standing local time in Amsterdam."""
    now_s = datetime.fromisoformat(f"2024-12-11T{local}+01:00").timestamp()
    clock = ScaledClock(start_s=now_s, speed=1e-9, anchor_monotonic_s=time.monotonic())
    board = FaultBoard(
        [Fault(device="prices", kind=kind, from_s=0.0, until_s=None) for kind in faults]
    )
    table = PricesTable.model_validate(fields)
    return PriceService(table=table, base=Path(), clock=clock, faults=board)


def ask(prices: PriceService, start: str, end: str) -> tuple[list[int], list[float | None]]:
    """The stamps and prices of an answer."""
    answer: Any = prices.answer(zone="NL", start=start, end=end)
    assert answer["unit"] == "EUR / MWh"
    return answer["unix_seconds"], answer["price"]


def test_tomorrow_appears_at_13_o_clock_local_time() -> None:
    stamps, _ = ask(service("12:59:59"), "2024-12-11", "2024-12-12")
    assert len(stamps) == 24
    stamps, prices = ask(service("13:00:00"), "2024-12-11", "2024-12-12")
    assert len(stamps) == 48
    assert iso_from_s(stamps[0]) == "2024-12-10T23:00:00.000Z"
    assert max(price for price in prices if price is not None) == 872.96


def test_a_late_auction_and_an_unpublished_day_are_not_there_yet() -> None:
    late = service("13:59:59", late_s=3600.0)
    with pytest.raises(NotPublished):
        ask(late, "2024-12-12", "2024-12-12")
    assert len(ask(service("14:00:00", late_s=3600.0), "2024-12-12", "2024-12-12")[0]) == 24
    with pytest.raises(NotPublished):
        ask(service("18:00:00", "unpublished"), "2024-12-12", "2024-12-12")


def test_a_missing_hour_is_left_out_and_faults_thin_the_answer() -> None:
    gap = service("14:00:00", missing_hours=("2024-12-12T16:00:00Z",))
    assert len(ask(gap, "2024-12-12", "2024-12-12")[0]) == 23
    assert len(ask(service("14:00:00", "partial"), "2024-12-12", "2024-12-12")[0]) == 12
    _, prices = ask(service("14:00:00", "nulls"), "2024-12-12", "2024-12-12")
    assert [index for index, price in enumerate(prices) if price is None] == [3, 7, 11, 15, 19, 23]


def test_a_day_of_the_clock_change_has_25_hours() -> None:
    assert len(ask(service("14:00:00"), "2024-10-27", "2024-10-27")[0]) == 25


@pytest.mark.parametrize(
    ("zone", "start", "end"),
    [
        ("DE", "2024-12-11", "2024-12-11"),
        ("NL", "today", "2024-12-11"),
        ("NL", "2024-12-12", "2024-12-11"),
    ],
)
def test_nonsense_is_refused(zone: str, start: str, end: str) -> None:
    with pytest.raises(BadRequest):
        service("14:00:00").answer(zone=zone, start=start, end=end)


def test_simulated_time_runs_with_the_shared_monotonic_clock() -> None:
    clock = ScaledClock(start_s=1000.0, speed=360.0, anchor_monotonic_s=time.monotonic() - 10.0)
    assert 4600.0 <= clock.now_s() < 4600.0 + 360.0
    assert clock.real_s(36.0) == pytest.approx(0.1)


def test_a_fault_lasts_as_long_as_it_was_set_for() -> None:
    board = FaultBoard([Fault(device="meter", kind="silent", from_s=10.0, until_s=20.0)])
    seen = [bool(board.active("meter", at_s)) for at_s in (9.9, 10.0, 19.9, 20.0)]
    assert seen == [False, True, True, False]
    board.add(Fault(device="S1", kind="reboot", from_s=0.0, until_s=None))
    assert board.take("S1", "reboot", 5.0)
    assert not board.take("S1", "reboot", 5.0)


def test_until_its_anchor_simulated_time_stands_at_its_start() -> None:
    clock = ScaledClock(start_s=1000.0, speed=360.0, anchor_monotonic_s=time.monotonic() + 60.0)
    assert clock.now_s() == 1000.0
