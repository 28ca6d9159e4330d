"""Accepted is not power: the station's own schedule, mode and state are compared with the lease."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.adapters.ocpp.conftest import Bench
from tests.adapters.ocpp.scripted_station import (
    NEEDS_BPT,
    Json,
    ScriptedStation,
    sample,
    station,
)
from v2g_daemon.adapters.ocpp.smart_charging.composite import objection
from v2g_daemon.adapters.ocpp.smart_charging.ladder import RateUnit
from v2g_daemon.adapters.ocpp.smart_charging.profiles import Outlet
from v2g_daemon.adapters.ocpp.smart_charging.telling import (
    CentralSetpoint,
    ChargeLimit,
    Idle,
    NegativeLimit,
    Told,
)
from v2g_daemon.domain.readings import OutcomeKind

OUTLET = Outlet(evse_number=1, phases=3, nominal_voltage_v=230.0)
ELSEWHERE = "look for another profile in it: its app, a vendor's cloud, the installer's setting"


def composite(*periods: Json, unit: str = "W") -> Json:
    return {
        "status": "Accepted",
        "schedule": {
            "evseId": 1,
            "duration": 60,
            "scheduleStart": "2024-12-11T17:00:00Z",
            "chargingRateUnit": unit,
            "chargingSchedulePeriod": [{"startPeriod": 0, **one} for one in periods],
        },
    }


@pytest.mark.parametrize(
    ("told", "period", "unit", "says"),
    [
        (CentralSetpoint(target_w=-3000.0), {"setpoint": -3000.0}, "W", None),
        (CentralSetpoint(target_w=-3000.0), {"setpoint": -2900.0}, "W", None),
        (CentralSetpoint(target_w=-3000.0), {"setpoint": -1000.0}, "W", "-1000 W"),
        (CentralSetpoint(target_w=-3000.0), {"limit": 11000.0}, "W", "charging of at most 11000 W"),
        (CentralSetpoint(target_w=-3450.0), {"setpoint": -5.0}, "A", None),
        (
            CentralSetpoint(target_w=-1150.0),
            {"setpoint": -5.0, "numberPhases": 1},
            "A",
            None,
        ),
        (ChargeLimit(limit_w=6900.0), {"limit": 10.0}, "A", None),
        (ChargeLimit(limit_w=6900.0), {"limit": 16.0}, "A", "11040 W"),
        (ChargeLimit(limit_w=3000.0), {"limit": 0.0}, "W", "0 W"),
        (Idle(), {"operationMode": "ChargingOnly", "limit": 9.0}, "W", "the mode ChargingOnly"),
        (Idle(), {"operationMode": "Idle"}, "W", None),
        (NegativeLimit(target_w=-1500.0), {"limit": 11000.0}, "W", "charging of at most 11000 W"),
        (NegativeLimit(target_w=-1500.0), {"limit": -1500.0}, "W", None),
    ],
)
def test_the_stations_own_schedule_is_compared(
    told: Told, period: Json, unit: str, says: str | None
) -> None:
    expected = None if says is None else f"the station's own schedule says {says}; {ELSEWHERE}"
    assert objection(composite(period, unit=unit), told, OUTLET, RateUnit.WATT) == expected


@pytest.mark.parametrize(
    "answer",
    [
        {"status": "Rejected"},
        {"status": "Accepted"},
        composite(),
        composite({"startPeriod": 5, "limit": 11000.0}),
        {**composite(), "schedule": {**composite()["schedule"], "duration": 8638204624965}},
    ],
)
def test_an_answer_that_says_nothing_is_no_objection(answer: Json) -> None:
    assert objection(answer, CentralSetpoint(target_w=-3000.0), OUTLET, RateUnit.WATT) is None


async def session(car: ScriptedStation) -> None:
    await car.configured()
    await car.event("Started", "CablePluggedIn", evse={"id": 1})
    await car.call("NotifyEVChargingNeeds", NEEDS_BPT)


async def measured(car: ScriptedStation, power_w: float, **info: Any) -> None:
    values = [
        sample("Power.Active.Import", max(power_w, 0.0), "W"),
        sample("Power.Active.Export", max(-power_w, 0.0), "W"),
    ]
    entry = {"timestamp": "2024-12-11T17:00:00Z", "sampledValue": values}
    await car.event("Updated", "MeterValuePeriodic", meterValue=[entry], info=info)


async def applied(bench: Bench, target_w: float) -> None:
    await bench.until(lambda s: s.outcome is not None and s.outcome.target_w == target_w)


async def test_each_new_form_is_asked_for_once(bench: Bench) -> None:
    async with station(bench.central) as car:
        await session(car)
        for target_w in (-3000.0, -2500.0, -2000.0):
            bench.setpoint(target_w)
            await applied(bench, target_w)
            await asyncio.sleep(0.02)
        asked = await car.asked("GetCompositeSchedule")
        assert asked == {"evseId": 1, "duration": 60, "chargingRateUnit": "W"}
        assert len(car.of("GetCompositeSchedule")) == 1
        bench.clock.elapsed_s += 700.0
        bench.setpoint(2000.0, lowest_w=0.0)  # another form: a limit
        await car.asked("GetCompositeSchedule", count=2)


async def test_a_schedule_that_says_otherwise_becomes_part_of_the_outcome(bench: Bench) -> None:
    async with station(bench.central) as car:
        car.answers["GetCompositeSchedule"] = lambda _: composite({"limit": 11000.0})
        await session(car)
        bench.setpoint(-3000.0)
        status = await bench.until(lambda s: s.outcome is not None and s.outcome.detail != "")
        assert status.outcome is not None
        assert status.outcome.kind is OutcomeKind.APPLIED
        assert status.outcome.detail == (
            f"the station's own schedule says charging of at most 11000 W; {ELSEWHERE}"
        )


async def test_a_station_that_does_not_know_the_question_is_not_asked_again(
    bench: Bench,
) -> None:
    async with station(bench.central) as car:
        car.answers["GetCompositeSchedule"] = lambda _: {"error": "NotImplemented"}
        await session(car)
        bench.setpoint(-3000.0)
        await car.asked("GetCompositeSchedule")
        bench.clock.elapsed_s += 700.0
        bench.setpoint(2000.0, lowest_w=0.0)
        await bench.until(lambda s: s.outcome is not None and s.outcome.target_w == 2000.0)
        await asyncio.sleep(0.05)
        assert len(car.of("GetCompositeSchedule")) == 1
        assert bench.status.outcome is not None
        assert bench.status.outcome.detail == ""


async def test_power_that_stays_apart_is_asked_about_once_in_ten_minutes(bench: Bench) -> None:
    async with station(bench.central) as car:
        await session(car)
        bench.setpoint(-3000.0)
        await car.asked("GetCompositeSchedule")
        for _ in range(9):
            bench.clock.elapsed_s += 80.0
            bench.setpoint(-3000.0)
            await measured(car, 0.0)
            await asyncio.sleep(0.02)
        assert len(car.of("GetCompositeSchedule")) == 2


async def test_a_mode_that_is_not_the_commanded_one_is_told(bench: Bench) -> None:
    async with station(bench.central) as car:
        await session(car)
        bench.setpoint(-3000.0)
        await bench.until(lambda s: s.outcome is not None)
        await measured(car, 0.0, operationMode="ChargingOnly")
        await asyncio.sleep(0.05)
        assert bench.status.outcome is not None
        assert bench.status.outcome.detail == ""  # it may speak of before
        bench.clock.elapsed_s += 11.0
        await measured(car, 0.0, operationMode="ChargingOnly")
        await bench.until(
            lambda s: (
                s.outcome is not None
                and s.outcome.detail
                == "the station says it runs in ChargingOnly, not in CentralSetpoint"
            )
        )
        await measured(car, -3000.0, operationMode="CentralSetpoint")
        await bench.until(lambda s: s.outcome is not None and s.outcome.detail == "")


async def test_a_station_that_holds_the_power_back_is_named(bench: Bench) -> None:
    async with station(bench.central) as car:
        await session(car)
        bench.setpoint(-3000.0)
        await bench.until(lambda s: s.outcome is not None)
        bench.clock.elapsed_s += 11.0
        await measured(car, 0.0, chargingState="SuspendedEVSE")
        await bench.until(
            lambda s: s.outcome is not None and "holds the power back" in s.outcome.detail
        )


async def test_a_2_0_1_station_is_asked_what_will_govern_too(bench: Bench) -> None:
    async with station(bench.central, versions=("ocpp2.0.1",)) as car:
        car.answers["GetCompositeSchedule"] = lambda _: composite({"limit": 0.0})
        await car.configured()
        await car.event("Started", "CablePluggedIn", evse={"id": 1})
        bench.setpoint(4000.0)
        status = await bench.until(lambda s: s.outcome is not None and s.outcome.detail != "")
        assert status.outcome is not None
        assert status.outcome.kind is OutcomeKind.APPLIED
        assert status.outcome.detail == f"the station's own schedule says 0 W; {ELSEWHERE}"
        assert car.broken == []
