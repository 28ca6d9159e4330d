"""What the car may transfer is granted late and withdrawn; what it plans is heard."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from tests.adapters.ocpp.conftest import REASON, Bench
from tests.adapters.ocpp.scripted_station import NEEDS_BPT, Json, ScriptedStation, station
from v2g_daemon.domain.power import PowerRange
from v2g_daemon.domain.readings import PowerControl
from v2g_daemon.domain.setpoint import Setpoint

ONE_WAY: Json = json.loads(json.dumps(NEEDS_BPT))
ONE_WAY["chargingNeeds"]["requestedEnergyTransfer"] = "AC_single_phase"
AMPERES = {"energyAmount": 10_000, "evMinCurrent": 6, "evMaxCurrent": 16, "evMaxVoltage": 230}


def command(bench: Bench, *, barred: bool) -> None:
    now = bench.clock.now()
    bench.port.command(
        Setpoint(
            target_w=0.0,
            permitted=PowerRange(lowest_w=0.0 if barred else -5000.0, highest_w=7400.0),
            reason=REASON,
            issued_at=now,
            expires_at=now.later(1800.0),
            discharge_barred=barred,
        )
    )


async def commanded(bench: Bench, *, barred: bool, for_s: float) -> None:
    """Command it every minute or so, as long as that."""
    end_s = bench.clock.elapsed_s + for_s
    while bench.clock.elapsed_s <= end_s:
        command(bench, barred=barred)
        await asyncio.sleep(0.01)
        bench.clock.elapsed_s += 60.0
    command(bench, barred=barred)
    await asyncio.sleep(0.05)


async def session(car: ScriptedStation, needs: Json = NEEDS_BPT) -> None:
    await car.configured()
    await car.event("Started", "CablePluggedIn", evse={"id": 1})
    await car.call("NotifyEVChargingNeeds", needs)


def transfers(car: ScriptedStation) -> list[bool]:
    """Of each message, whether it allowed both ways."""
    return [
        "AC_BPT" in one["allowedEnergyTransfer"] for one in car.of("NotifyAllowedEnergyTransfer")
    ]


def control(bench: Bench) -> PowerControl | None:
    capability = bench.status.capability
    return None if capability is None else capability.control


async def test_a_permission_that_is_gone_for_long_is_withdrawn_and_given_again(
    bench: Bench,
) -> None:
    async with station(bench.central) as car:
        await session(car)
        await commanded(bench, barred=False, for_s=60.0)
        await commanded(bench, barred=True, for_s=300.0)
        assert transfers(car) == []  # not for long yet
        await commanded(bench, barred=True, for_s=400.0)
        assert transfers(car) == [False]
        await car.call("NotifyEVChargingNeeds", ONE_WAY)
        assert control(bench) is PowerControl.CHARGE_LIMIT
        await commanded(bench, barred=False, for_s=700.0)
        assert transfers(car) == [False, True]
        await car.call("NotifyEVChargingNeeds", NEEDS_BPT)
        assert control(bench) is PowerControl.SIGNED
        assert car.broken == []


async def test_a_house_that_never_discharges_withdraws_nothing(bench: Bench) -> None:
    async with station(bench.central) as car:
        await session(car)
        await commanded(bench, barred=True, for_s=1500.0)
        assert transfers(car) == []


async def test_a_car_that_could_but_did_not_ask_is_granted_it_once(bench: Bench) -> None:
    needs: dict[str, Any] = json.loads(json.dumps(ONE_WAY))
    needs["chargingNeeds"]["availableEnergyTransfer"] = ["AC_single_phase", "AC_BPT"]
    async with station(bench.central) as car:
        await session(car, needs)
        await commanded(bench, barred=False, for_s=60.0)
        assert transfers(car) == [True]
        await commanded(bench, barred=False, for_s=3000.0)
        assert transfers(car) == [True]  # its own choice


async def test_a_car_that_cannot_is_not_asked_to(bench: Bench) -> None:
    async with station(bench.central) as car:
        await session(car, ONE_WAY)
        await commanded(bench, barred=False, for_s=700.0)
        assert transfers(car) == []


async def test_the_first_profile_follows_the_needs_and_not_the_start(bench: Bench) -> None:
    async with station(bench.central) as car:
        await car.configured()
        await car.event("Started", "CablePluggedIn", evse={"id": 1})
        bench.setpoint(-3000.0)
        await asyncio.sleep(0.05)
        assert car.profiles() == []  # K18.FR.17
        answer = await car.call("NotifyEVChargingNeeds", NEEDS_BPT)
        assert answer["status"] == "Accepted"
        await bench.until(lambda s: s.outcome is not None)  # within 60 s: at once
        assert len(car.profiles()) == 1


def plans(*limits_w: tuple[int, float], unit: str = "W", start: str | None = None) -> Json:
    schedule: Json = {
        "id": 1,
        "chargingRateUnit": unit,
        "duration": 7200,
        "chargingSchedulePeriod": [
            {"startPeriod": start_s, "limit": limit} for start_s, limit in limits_w
        ],
    }
    if start is not None:
        schedule["startSchedule"] = start
    return {"timeBase": "2024-12-11T17:00:00Z", "evseId": 1, "chargingSchedule": schedule}


def planned_w(bench: Bench) -> float | None:
    return bench.status.car_plans_w


async def test_what_the_car_plans_is_shown_as_of_now(bench: Bench) -> None:
    async with station(bench.central) as car:
        await session(car)
        answer = await car.call("NotifyEVChargingSchedule", plans((0, 3000.0), (3600, 0.0)))
        assert answer["status"] == "Accepted"
        assert planned_w(bench) == 3000.0
        bench.clock.elapsed_s += 3601.0
        await car.event("Updated", "MeterValuePeriodic")
        assert planned_w(bench) == 0.0
        bench.clock.elapsed_s += 3600.0
        await car.event("Updated", "MeterValuePeriodic")
        assert planned_w(bench) is None
        amperes = plans((0, 10.0), unit="A", start="2024-12-11T19:00:00Z")
        await car.call("NotifyEVChargingSchedule", amperes)
        assert planned_w(bench) == 2300.0
        await car.event("Ended", "EVDeparted", info={"stoppedReason": "EVDisconnected"})
        assert planned_w(bench) is None


async def test_a_car_of_2_0_1_tells_what_it_takes_and_plans(bench: Bench) -> None:
    async with station(bench.central, versions=("ocpp2.0.1",)) as car:
        await car.configured()
        await car.event("Started", "CablePluggedIn", evse={"id": 1})
        takes = {"requestedEnergyTransfer": "AC_single_phase", "acChargingParameters": AMPERES}
        await car.call("NotifyEVChargingNeeds", {"evseId": 1, "chargingNeeds": takes})
        capability = bench.status.capability
        assert capability is not None
        assert capability.power.highest_w == 16 * 230.0
        await car.call("NotifyEVChargingSchedule", plans((0, 2000.0)))
        assert planned_w(bench) == 2000.0


async def test_a_plan_beyond_the_command_is_refused_and_the_command_repeated(
    bench: Bench,
) -> None:
    async with station(bench.central) as car:
        await session(car)
        bench.setpoint(3000.0)
        await bench.until(lambda s: s.outcome is not None)
        assert (await car.call("NotifyEVChargingSchedule", plans((0, 3000.0))))[
            "status"
        ] == "Accepted"
        answer = await car.call("NotifyEVChargingSchedule", plans((0, 6000.0)))
        assert answer["status"] == "Rejected"  # K15.FR.12, FR.13
        bench.setpoint(3000.0)
        await car.asked("SetChargingProfile", count=3)
        assert [one["id"] for one in car.profiles()] == [1012, 1012]
