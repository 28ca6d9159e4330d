"""PullDynamicScheduleUpdate: the station asks, and only what is still decided renews its lease."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.adapters.ocpp.conftest import EVSE, Bench, Benches
from tests.adapters.ocpp.scripted_station import (
    NEEDS_BPT,
    Json,
    MemoryJournal,
    ScriptedStation,
    Sink,
    SteppedClock,
    event,
    station,
)
from v2g_daemon.adapters.ocpp.config import OcppVersion, ProfileDialect, StationConfig
from v2g_daemon.adapters.ocpp.provisioning.abilities import abilities
from v2g_daemon.adapters.ocpp.smart_charging.driver import EvseDriver
from v2g_daemon.adapters.ocpp.smart_charging.lease import Lease
from v2g_daemon.adapters.ocpp.station import StationState
from v2g_daemon.domain.power import PowerRange
from v2g_daemon.domain.setpoint import Authority, Reason, Setpoint

PULLING = replace(EVSE, dialect=ProfileDialect(pulls=True))
OURS = {"chargingProfileId": 1012}
REFUSED = {
    "status": "Rejected",
    "statusInfo": {
        "reasonCode": "InvalidProfile",
        "additionalInfo": "no setpoint stands for it",
    },
}


@asynccontextmanager
async def pulling(benches: Benches) -> AsyncIterator[tuple[Bench, ScriptedStation]]:
    """A V2G session whose lease of 67 s was armed for a setpoint of -3000 W and 90 s."""
    async with benches(evse=PULLING) as bench, station(bench.central) as car:
        await car.configured()
        await car.event("Started", "CablePluggedIn", evse={"id": 1})
        await car.call("NotifyEVChargingNeeds", NEEDS_BPT)
        bench.setpoint(-3000.0)
        await bench.until(lambda s: s.outcome is not None)
        yield bench, car


async def pull(car: ScriptedStation, payload: Json = OURS) -> Json:
    return await car.call("PullDynamicScheduleUpdate", payload)


async def test_a_pulled_lease_is_shorter_than_its_command_and_says_how_often(
    benches: Benches,
) -> None:
    async with pulling(benches) as (_, car):
        (lease,) = car.profiles()
        assert lease["dynUpdateInterval"] == 16
        assert lease["chargingSchedule"][0]["duration"] == 67
        assert car.broken == []


async def test_a_pull_is_answered_with_what_is_decided_now(benches: Benches) -> None:
    async with pulling(benches) as (bench, car):
        bench.clock.elapsed_s += 16.0
        bench.setpoint(-3000.0)
        assert await pull(car) == {
            "status": "Accepted",
            "scheduleUpdate": {"setpoint": -3000.0},
        }


async def test_while_it_pulls_the_same_value_is_not_pushed(benches: Benches) -> None:
    async with pulling(benches) as (bench, car):
        for _ in range(8):
            bench.clock.elapsed_s += 16.0
            bench.setpoint(-3000.0)
            assert (await pull(car))["status"] == "Accepted"
        await asyncio.sleep(0.02)
        assert car.of("UpdateDynamicSchedule") == []
        assert len(car.profiles()) == 1


async def test_where_no_pull_comes_the_lease_is_pushed(benches: Benches) -> None:
    async with pulling(benches) as (bench, car):
        bench.clock.elapsed_s += 35.0  # past half of it
        bench.setpoint(-3000.0)
        await car.asked("UpdateDynamicSchedule")


async def test_a_pull_renews_nothing_that_the_control_loop_no_longer_issues(
    benches: Benches,
) -> None:
    async with pulling(benches) as (bench, car):
        bench.clock.elapsed_s += 24.0  # silent for so long: the command is still valid, but old
        assert await pull(car) == REFUSED


async def test_hands_off_a_foreign_id_and_another_transaction_are_refused(
    benches: Benches,
) -> None:
    async with pulling(benches) as (bench, car):
        assert await pull(car, {"chargingProfileId": 7}) == REFUSED
        bench.hands_off()
        assert await pull(car) == REFUSED
        bench.setpoint(-3000.0)
        assert (await pull(car))["status"] == "Accepted"
        await car.event("Ended", "StopAuthorized", info={"stoppedReason": "Local"})
        assert await pull(car) == REFUSED


async def test_a_discharge_that_is_no_longer_permitted_is_not_renewed(benches: Benches) -> None:
    async with pulling(benches) as (bench, car):
        bench.clock.elapsed_s += 601.0  # past the time in which the wire stays signed
        bench.setpoint(2000.0, lowest_w=0.0)
        assert await pull(car) == REFUSED


async def test_after_the_farewell_no_pull_renews_anything(benches: Benches) -> None:
    async with pulling(benches) as (bench, car):
        asked: list[Json] = []

        def answer(payload: Json) -> Json:
            asked.append(payload)
            return {"status": "Accepted"}

        car.answers["SetChargingProfile"] = answer
        bench.serving.cancel()
        await asyncio.wait([bench.serving])
        assert asked[-1]["chargingProfile"]["chargingProfileKind"] == "Absolute"


# The proof: whatever commands and pulls come, no renewed lease ends after the newest command.


def a_driver() -> tuple[EvseDriver, SteppedClock]:
    clock = SteppedClock()
    config = StationConfig(station_id="S1", password="p" * 16, evses=(PULLING,))
    state = StationState(config=config, sink=Sink(), journal=MemoryJournal())
    (evse,) = state.evses
    offered = replace(
        abilities({}, PULLING, OcppVersion.V2_1), central_setpoint=True, dynamic_profiles=True
    )
    evse.learned(offered, state.make, clock.now())
    evse.forms.net_laid(evse.forms.net_rung, clock.now().utc)
    state.transaction_told(event("Started", "CablePluggedIn", evse={"id": 1}), clock.now())
    state.needs_told(NEEDS_BPT, clock.now())
    return EvseDriver(evse=evse, clock=clock, wake=lambda: None), clock


def a_command(target_w: float, clock: SteppedClock, lease_s: float) -> Setpoint:
    now = clock.now()
    return Setpoint(
        target_w=target_w,
        permitted=PowerRange(lowest_w=-7400.0, highest_w=7400.0),
        reason=Reason(authority=Authority.PLAN, rule="test", detail="a test"),
        issued_at=now,
        expires_at=now.later(lease_s),
    )


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.floats(0.0, 60.0)),
        st.tuples(st.just("command"), st.floats(-7400.0, 7400.0)),
        st.tuples(st.just("pull"), st.just(0.0)),
    ),
    max_size=30,
)


@given(steps=STEPS, lease_s=st.sampled_from([15.0, 60.0, 90.0, 216.0]))
@settings(max_examples=300, deadline=None)
def test_no_pull_lets_a_setpoint_outlive_the_newest_command(
    steps: list[tuple[str, float]], lease_s: float
) -> None:
    driver, clock = a_driver()
    command = a_command(-3000.0, clock, lease_s)
    driver.command(command)
    due = driver.due()
    assert due is not None
    driver._armed = due.lease
    ends_s = due.lease.armed_at.monotonic_s + due.lease.length_s
    assert ends_s <= command.expires_at.monotonic_s
    renewed = 0
    for step, value in steps:
        if step == "wait":
            clock.elapsed_s += value
        elif step == "command":
            command = a_command(value, clock, lease_s)
            driver.command(command)
        elif driver.pulled(1012) is not None:
            held: Lease | None = driver._armed
            assert held is not None
            renewed += 1
            ends_s = clock.now().monotonic_s + held.length_s
            assert ends_s <= command.expires_at.monotonic_s
            assert command.permitted.contains(held.told.target_w)
            assert held.told.target_w == pytest.approx(command.target_w, abs=1.0)


def test_the_proof_renews_something() -> None:
    driver, clock = a_driver()
    driver.command(a_command(-3000.0, clock, 90.0))
    due = driver.due()
    assert due is not None
    driver._armed = due.lease
    clock.elapsed_s += 10.0
    driver.command(a_command(-2500.0, clock, 90.0))
    assert driver.pulled(1012) == {"setpoint": -2500.0}
