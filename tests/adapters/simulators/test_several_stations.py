"""Many stations in one process, each with its own version, car and faults."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from simulators.assembly import Assembly, assemble
from simulators.control import VehicleOrder
from simulators.scenario import Scenario
from simulators.station.connection import run_station
from tests.adapters.simulators.central import Central, default_answers, listening

VERSIONS = ("ocpp2.1", "ocpp2.0.1", "ocpp1.6")
DEADLINE_S = 30.0
OLD_ANSWERS: dict[str, dict[str, Any]] = {
    "StartTransaction": {"transactionId": 7, "idTagInfo": {"status": "Accepted"}},
    "StopTransaction": {},
    "StatusNotification": {},
    "MeterValues": {},
}


def scenario(port: int, count: int, **tables: Any) -> Scenario:
    """So many stations, the versions in turn, each with a car but the last."""
    stations = [
        {
            "id": f"S{number}",
            "url": f"ws://127.0.0.1:{port}",
            "versions": [VERSIONS[number % 3]],
            "serial": f"SIM-{number}",
            "max_charge_w": 2000.0 + 100.0 * number,
            "ramp_up_w_per_s": 3700.0,
            "sample_interval_s": 10,
            "reconnect_min_s": 0.1,
        }
        for number in range(count)
    ]
    vehicles = [
        {"name": f"car {number}", "station": f"S{number}", "evccid": f"EVCC{number}"}
        for number in range(count)
    ]
    vehicles[-1]["plugged_in"] = False  # type: ignore[assignment]
    return Scenario.model_validate(
        {
            "clock": {"start": "2024-12-11T17:30:00+01:00", "speed": 10.0},
            "house": {"load_w": 500.0},
            "station": stations,
            "vehicle": vehicles,
            **tables,
        }
    )


@asynccontextmanager
async def running(central: Central, count: int, **tables: Any) -> AsyncIterator[Assembly]:
    """The stations, connected to one central system, for as long as the block lasts."""
    async with listening(central, list(VERSIONS)):
        made = assemble(scenario(central.port, count, **tables), Path())
        async with asyncio.TaskGroup() as tasks:
            devices = [tasks.create_task(run_station(station)) for station in made.stations]
            yield made
            for device in devices:
                device.cancel()


async def until(made: Assembly, condition: Callable[[], bool]) -> None:
    """Wait for something of the simulated world to come true."""
    async with asyncio.timeout(DEADLINE_S):
        while not condition():
            made.stations[0].now_s()
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("count", [2, 20])
async def test_every_station_charges_its_own_car_in_its_own_version(count: int) -> None:
    central = Central(answers={**default_answers(), **OLD_ANSWERS})
    async with running(central, count) as made:
        outlets = list(made.world.outlets.values())
        full_w = [2000.0 + 100.0 * number for number in range(count - 1)]
        await until(made, lambda: [outlet.power_w for outlet in outlets[:-1]] == full_w)
        assert outlets[-1].power_w == 0.0
        assert sum(made.world.pcc_w_per_phase()) == pytest.approx(500.0 + sum(full_w))
        spoken = [station.wire_version for station in made.stations]
        assert spoken == [VERSIONS[number % 3] for number in range(count)]
        assert len(
            {station.transaction.id for station in made.stations if station.transaction}
        ) == (count - 1)
        assert [station.counts.protocol_errors for station in made.stations] == [[]] * count


async def test_a_fault_meets_its_own_station_alone() -> None:
    central = Central(answers={**default_answers(), **OLD_ANSWERS})
    planned = [
        {"device": "S0", "kind": "never_boots"},
        {"device": "S1", "kind": "car_timer"},
    ]
    async with running(central, 4, fault=planned) as made:
        outlets = list(made.world.outlets.values())
        await until(made, lambda: outlets[2].power_w == 2200.0)
        assert [outlet.power_w for outlet in outlets] == [0.0, 0.0, 2200.0, 0.0]
        assert [station.accepted for station in made.stations] == [False, True, True, True]


async def test_a_guest_comes_where_another_car_left() -> None:
    central = Central(answers={**default_answers(), **OLD_ANSWERS})
    async with running(central, 3) as made:
        await until(made, made.stations[0].energy_allowed)
        first = made.stations[0].transaction
        guest = VehicleOrder(
            action="arrive", name="car 2", station="S0", evccid="GUEST", id_token="GUEST", soc=0.3
        )
        made.control.move_vehicle(guest)
        await until(made, lambda: made.stations[0].transaction not in (None, first))
        transaction = made.stations[0].transaction
        assert transaction is not None
        assert transaction.id_token["idToken"] == "GUEST"
        assert made.world.vehicles["car 0"].soc >= 0.5
        assert made.world.outlet_of(made.world.vehicles["car 0"]) is None
        assert made.world.outlet_of(made.world.vehicles["car 2"]) is made.world.outlets["S0"]
