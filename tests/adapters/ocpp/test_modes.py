"""The operation modes of 2.1: each only where offered, asked for, and within what is permitted."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from tests.adapters.ocpp.conftest import EVSE, Bench, Benches
from tests.adapters.ocpp.scripted_station import (
    NEEDS_BPT,
    Json,
    ScriptedStation,
    sample,
    station,
)
from v2g_daemon.adapters.ocpp.config import (
    EvseConfig,
    FrequencyPoint,
    LocalFrequency,
    LocalLoadBalancing,
    ProfileDialect,
)
from v2g_daemon.domain.power import PowerRange

ALL_MODES = "ChargingOnly,CentralSetpoint,Idle,LocalFrequency,LocalLoadBalancing"
CURVE = LocalFrequency(
    points=(
        FrequencyPoint(frequency_hz=49.8, power_w=-2000.0),
        FrequencyPoint(frequency_hz=50.2, power_w=2000.0),
    )
)
BALANCE = LocalLoadBalancing(upper_threshold_w=200.0, lower_threshold_w=-100.0)


def speaking(**dialect: Any) -> EvseConfig:
    return replace(EVSE, dialect=ProfileDialect(**dialect))


async def session(car: ScriptedStation, modes: str = ALL_MODES) -> None:
    car.device_model[("V2XChargingCtrlr", "SupportedOperationModes")] = modes
    await car.configured()
    await car.event("Started", "CablePluggedIn", evse={"id": 1})
    await car.call("NotifyEVChargingNeeds", NEEDS_BPT)


def last_period(car: ScriptedStation) -> Json:
    period: Json = car.profiles()[-1]["chargingSchedule"][0]["chargingSchedulePeriod"][0]
    return period


async def told(bench: Bench, target_w: float, **more: Any) -> None:
    bench.setpoint(target_w, **more)
    await bench.until(lambda s: s.outcome is not None and s.outcome.target_w == target_w)


async def resting(bench: Bench, for_s: float) -> None:
    """0 W commanded every two minutes, as long as that."""
    for _ in range(round(for_s / 120.0)):
        bench.clock.elapsed_s += 120.0
        bench.setpoint(0.0, lease_s=1800)
        await asyncio.sleep(0.01)


async def measured(car: ScriptedStation, power_w: float) -> None:
    entry = {
        "timestamp": "2024-12-11T17:00:00Z",
        "sampledValue": [sample("Power.Active.Import", power_w, "W")],
    }
    await car.event("Updated", "MeterValuePeriodic", meterValue=[entry])


async def test_half_an_hour_of_0_w_becomes_idling_and_any_command_wakes_it(bench: Bench) -> None:
    async with station(bench.central) as car:
        await session(car)
        await told(bench, 0.0, lease_s=1800)
        assert last_period(car)["operationMode"] == "CentralSetpoint"
        await resting(bench, 1680.0)
        assert last_period(car)["operationMode"] == "CentralSetpoint"
        await resting(bench, 240.0)
        assert last_period(car) == {"startPeriod": 0, "operationMode": "Idle", "numberPhases": 1}
        await told(bench, 3000.0)
        assert last_period(car)["operationMode"] == "CentralSetpoint"
        assert car.profiles()[-1]["chargingProfileKind"] == "Dynamic"
        assert car.broken == []


@pytest.mark.parametrize(
    ("dialect", "modes"),
    [({"idle_after_s": 0.0}, ALL_MODES), ({}, "ChargingOnly,CentralSetpoint")],
)
async def test_nobody_idles_who_does_not_offer_it_or_shall_not(
    benches: Benches, dialect: dict[str, Any], modes: str
) -> None:
    async with benches(evse=speaking(**dialect)) as bench, station(bench.central) as car:
        await session(car, modes)
        await told(bench, 0.0, lease_s=1800)
        await resting(bench, 3600.0)
        said = {
            one["chargingSchedule"][0]["chargingSchedulePeriod"][0]["operationMode"]
            for one in car.profiles()
        }
        assert "Idle" not in said


async def test_a_car_that_does_not_wake_is_not_sent_to_sleep_again(bench: Bench) -> None:
    async with station(bench.central) as car:
        await session(car)
        await told(bench, 0.0, lease_s=1800)
        await resting(bench, 1920.0)
        assert last_period(car)["operationMode"] == "Idle"
        await told(bench, 3000.0, lease_s=1800)
        bench.clock.elapsed_s += 301.0
        await measured(car, 0.0)
        await bench.until(
            lambda s: s.outcome is not None and s.outcome.detail.startswith("the car did not wake")
        )
        await told(bench, 0.0, lease_s=1800)
        await resting(bench, 3600.0)
        assert last_period(car)["operationMode"] != "Idle"


async def test_the_electronics_sleep_only_where_offered_and_asked_for(benches: Benches) -> None:
    async with benches(evse=speaking(evse_sleep=True)) as bench, station(bench.central) as car:
        await session(car)
        await told(bench, 0.0, lease_s=1800)
        await resting(bench, 1920.0)
        assert last_period(car)["evseSleep"] is True


async def test_a_frequency_curve_is_followed_only_while_all_of_it_is_permitted(
    benches: Benches,
) -> None:
    async with benches(evse=speaking(local=CURVE)) as bench, station(bench.central) as car:
        await session(car)
        await told(bench, -1000.0, lowest_w=-3000.0)
        assert last_period(car) == {
            "startPeriod": 0,
            "operationMode": "LocalFrequency",
            "v2xBaseline": -1000.0,
            "v2xFreqWattCurve": [
                {"frequency": 49.8, "power": -2000.0},
                {"frequency": 50.2, "power": 2000.0},
            ],
            "numberPhases": 1,
        }
        assert car.profiles()[-1]["chargingSchedule"][0]["duration"] == 100  # a lease
        status = bench.status
        assert status.outcome is not None
        assert status.outcome.left_to_device == PowerRange(lowest_w=-3000.0, highest_w=1000.0)
        # A bound narrows: the same target, but the station may no longer choose. At once.
        bench.clock.elapsed_s += 1.0
        bench.setpoint(-1000.0, lowest_w=-2900.0)
        await car.asked("SetChargingProfile", count=3)
        assert last_period(car)["operationMode"] == "CentralSetpoint"
        assert last_period(car)["setpoint"] == -1000.0
        assert car.broken == []


async def test_a_station_balances_the_load_only_with_all_its_power_permitted(
    benches: Benches,
) -> None:
    async with benches(evse=speaking(local=BALANCE)) as bench, station(bench.central) as car:
        car.device_model[("V2XChargingCtrlr", "LocalLoadBalancing")] = "0"
        await session(car)
        await told(bench, -1600.0, lowest_w=-4000.0)  # it could discharge 5000 W
        assert last_period(car)["operationMode"] == "CentralSetpoint"
        await told(bench, -1700.0, lowest_w=-5000.0)
        assert last_period(car) == {
            "startPeriod": 0,
            "operationMode": "LocalLoadBalancing",
            "numberPhases": 1,
        }
        await told(bench, 2000.0, lowest_w=-5000.0)  # charging is ours to say
        assert last_period(car)["operationMode"] == "CentralSetpoint"
        written = [
            one
            for call in car.of("SetVariables")
            for one in call["setVariableData"]
            if one["variable"]["name"] == "LocalLoadBalancing"
        ]
        values = {
            one["variable"]["instance"]: one["attributeValue"]
            for one in written
            if "evse" in one["component"]
        }
        # Offsets of 0 W stood there already.
        assert values == {"UpperThreshold": "200", "LowerThreshold": "-100"}
        assert car.broken == []


@pytest.mark.parametrize("local", [CURVE, BALANCE])
async def test_no_mode_is_told_that_the_station_does_not_offer(
    benches: Benches, local: LocalFrequency | LocalLoadBalancing
) -> None:
    async with benches(evse=speaking(local=local)) as bench, station(bench.central) as car:
        await session(car, "ChargingOnly,CentralSetpoint")
        await told(bench, -1600.0)
        assert last_period(car)["operationMode"] == "CentralSetpoint"


async def test_bounds_stand_beside_a_setpoint_only_for_a_model_that_wants_them(
    benches: Benches,
) -> None:
    made = benches(evse=speaking(setpoint_bounds=True))
    async with made as bench, station(bench.central) as car:
        await session(car)
        await told(bench, -3000.0)
        period = last_period(car)
        assert (period["setpoint"], period["limit"], period["dischargeLimit"]) == (
            -3000.0,
            7000.0,
            -5000.0,
        )
        await told(bench, -2000.0)
        update = (await car.asked("UpdateDynamicSchedule"))["scheduleUpdate"]
        assert update == {"setpoint": -2000.0, "limit": 7000.0, "dischargeLimit": -5000.0}


@pytest.mark.parametrize(
    ("points", "says"),
    [
        (((50.0, 0.0),), "two points"),
        (((50.2, 0.0), (49.8, 0.0)), "rising"),
    ],
)
def test_a_curve_that_is_none_is_refused(
    points: tuple[tuple[float, float], ...], says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        LocalFrequency(
            points=tuple(FrequencyPoint(frequency_hz=hz, power_w=watts) for hz, watts in points)
        )


def test_thresholds_that_cross_are_refused() -> None:
    with pytest.raises(ValueError, match="above"):
        LocalLoadBalancing(upper_threshold_w=0.0, lower_threshold_w=0.0)
