"""A station's own clock as a witness of ours: only until it knows our time."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.adapters.ocpp.conftest import Bench
from tests.adapters.ocpp.scripted_station import ScriptedStation, connector, event, station
from v2g_daemon.domain.clock import WitnessSource

FIVE = datetime(2024, 12, 11, 17, 0, tzinfo=UTC)  # what connector() and event() say


async def test_a_stamp_before_our_first_answer_with_a_time_is_a_witness(bench: Bench) -> None:
    async with station(bench.central) as car:
        await car.call("StatusNotification", connector("Available"))
    (witness,) = bench.sink.witnesses
    assert witness.source is WitnessSource.STATION
    assert witness.told_utc == FIVE
    assert witness.observed_at == bench.clock.now()


@pytest.mark.parametrize("trusted", [True, False])
@pytest.mark.parametrize("question", ["BootNotification", "Heartbeat"])
async def test_a_stamp_after_an_answer_with_our_time_is_no_witness(
    bench: Bench, question: str, trusted: bool
) -> None:
    bench.clock.is_trusted = trusted
    async with station(bench.central) as car:
        await (car.boot() if question == "BootNotification" else car.call("Heartbeat", {}))
        await car.call("StatusNotification", connector("Available"))
    assert bench.sink.witnesses == []


async def test_a_station_that_once_had_our_time_is_no_witness_on_its_next_connection(
    bench: Bench,
) -> None:
    async with station(bench.central) as car:
        await car.boot()
    async with station(bench.central) as car:
        await car.call("StatusNotification", connector("Available"))
    assert bench.sink.witnesses == []


async def test_a_message_kept_while_the_link_was_down_is_no_witness(bench: Bench) -> None:
    async with station(bench.central) as car:
        kept = event("Updated", "MeterValuePeriodic", evse={"id": 1}, offline=True)
        await car.call("TransactionEvent", kept)
        assert bench.sink.witnesses == []
        live = event("Updated", "MeterValuePeriodic", evse={"id": 1}, offline=False)
        await car.call("TransactionEvent", live)
    assert [one.told_utc for one in bench.sink.witnesses] == [FIVE]


async def test_a_message_without_a_readable_stamp_is_no_witness(bench: Bench) -> None:
    token = {"idToken": {"idToken": "T", "type": "Central"}}
    async with station(bench.central) as car:
        await car.call("Authorize", token)
        await car.call("StatusNotification", connector("Available") | {"timestamp": "soon"})
    assert bench.sink.witnesses == []


async def first_triggers(car: ScriptedStation, count: int) -> list[str]:
    asked = [await car.asked("TriggerMessage", count=number + 1) for number in range(count)]
    return [one["requestedMessage"] for one in asked]


@pytest.mark.parametrize(
    ("trusted", "expected"),
    [(True, ["BootNotification"]), (False, ["StatusNotification", "BootNotification"])],
)
async def test_while_we_doubt_our_clock_a_silent_station_is_asked_for_its_time_first(
    bench: Bench, trusted: bool, expected: list[str]
) -> None:
    bench.clock.is_trusted = trusted
    async with station(bench.central) as car:
        assert await first_triggers(car, len(expected)) == expected
