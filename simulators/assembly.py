"""Builds the simulated world and its devices from a scenario."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from simulators.charger import LossCurve, PowerElectronics
from simulators.chargers.service import SimulatedCharger
from simulators.clock import ScaledClock
from simulators.control import Control
from simulators.faults import FaultBoard, fault_of
from simulators.household import House, constant
from simulators.measuring import Measuring
from simulators.meters.choice import MeterDevice, meter_of
from simulators.prices import PriceService
from simulators.recorded import resolve, step_series
from simulators.scenario import (
    WEEKDAYS,
    HouseTable,
    Scenario,
    ScheduleTable,
    Shares,
    StationTable,
    VehicleTable,
)
from simulators.station.station import Station
from simulators.table import ElectronicsTable
from simulators.vehicle import Event, Vehicle, WeeklyTrip, recorded_events, weekly_events
from simulators.world import Outlet, World

EVEN = (1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0)
FIRST_PHASE = (1.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembly:
    """All simulated parts, not yet running."""

    clock: ScaledClock
    world: World
    faults: FaultBoard
    stations: list[Station]
    chargers: list[SimulatedCharger]
    meter: MeterDevice | None
    control: Control


def assemble(scenario: Scenario, base: Path) -> Assembly:
    """Build everything; recorded files are found relative to base."""
    clock = _clock(scenario)
    faults = _faults(scenario, clock)
    world = _world(scenario, base, clock.start_s)
    stations = [
        Station(table=_beside(table, base), clock=clock, world=world, faults=faults)
        for table in scenario.station
    ]
    chargers = [
        SimulatedCharger(table=table, clock=clock, world=world, faults=faults)
        for table in scenario.charger
    ]
    meter, prices = scenario.meter, scenario.prices
    service = (
        None
        if prices is None
        else PriceService(table=prices, base=base, clock=clock, faults=faults)
    )
    return Assembly(
        clock=clock,
        world=world,
        faults=faults,
        stations=stations,
        chargers=chargers,
        meter=None
        if meter is None
        else meter_of(Measuring(table=meter, world=world, clock=clock, faults=faults)),
        control=Control(
            world=world,
            clock=clock,
            faults=faults,
            stations=stations,
            chargers=chargers,
            prices=service,
            switches=scenario.switches,
        ),
    )


def _faults(scenario: Scenario, clock: ScaledClock) -> FaultBoard:
    """Those that are planned."""
    return FaultBoard(
        faults=[
            fault_of(
                fault.device,
                fault.kind,
                fault.given(),
                from_s=clock.start_s + fault.at_s,
                for_s=fault.for_s,
                known=scenario.switches,
            )
            for fault in scenario.fault
        ]
    )


def _beside(table: StationTable, base: Path) -> StationTable:
    """The table with its files found relative to the scenario."""
    named = {
        key: str(base / file)
        for key in ("ca_file", "certificate_file", "key_file")
        if (file := getattr(table, key)) is not None
    }
    return table.model_copy(update=named)


def _clock(scenario: Scenario) -> ScaledClock:
    anchor_s = scenario.clock.anchor_monotonic_s
    return ScaledClock(
        start_s=scenario.start_utc(datetime.now(UTC)).timestamp(),
        speed=scenario.clock.speed,
        anchor_monotonic_s=time.monotonic() if anchor_s is None else anchor_s,
    )


def _world(scenario: Scenario, base: Path, start_s: float) -> World:
    single = scenario.meter is not None and scenario.meter.phases == 1
    outlets = [
        Outlet(station=table.id, electronics=_electronics(table)) for table in scenario.outlets
    ]
    vehicles = [
        _vehicle(table, scenario.outlets[0].id, base, start_s) for table in scenario.vehicle
    ]
    world = World(
        start_s=start_s,
        house=_house(scenario.house, base, FIRST_PHASE if single else EVEN),
        outlets=outlets,
        vehicles=vehicles,
        export_limit_w=scenario.watch.export_limit_w,
        frequency_hz=scenario.grid.frequency_hz,
        frequency_sway_hz=scenario.grid.frequency_sway_hz,
    )
    for table, vehicle in zip(scenario.vehicle, vehicles, strict=True):
        if table.plugged_in:
            world.plug(vehicle, vehicle.home_station)
    return world


def _house(table: HouseTable, base: Path, shares: Shares) -> House:
    if table.file is None:
        load, pv = constant(table.load_w), constant(table.pv_w)
    else:
        path = resolve(table.file, base)
        load = step_series(path, "load_w", shift_s=table.shift_s)
        pv = step_series(path, "pv_w", shift_s=table.shift_s)
    return House(
        load=load,
        pv=pv,
        load_shares=shares if table.load_shares is None else table.load_shares,
        pv_shares=shares if table.pv_shares is None else table.pv_shares,
    )


def _electronics(table: ElectronicsTable) -> PowerElectronics:
    return PowerElectronics(
        phases=table.phases,
        max_charge_w=table.max_charge_w,
        max_discharge_w=table.max_discharge_w,
        min_power_w=table.min_power_w,
        ramp_up_w_per_s=table.ramp_up_w_per_s,
        ramp_down_w_per_s=table.ramp_down_w_per_s,
        loss=LossCurve(
            constant_w=table.loss_constant_w,
            linear=table.loss_linear,
            square_per_kw=table.loss_square_per_kw,
        ),
    )


def _vehicle(table: VehicleTable, first_station: str, base: Path, start_s: float) -> Vehicle:
    return Vehicle(
        name=table.name,
        home_station=first_station if table.station is None else table.station,
        evccid=table.evccid,
        id_token=table.id_token,
        capacity_wh=table.capacity_wh,
        energy_wh=table.soc * table.capacity_wh,
        upper_limit_soc=table.upper_limit_soc,
        minimum_discharge_soc=table.minimum_discharge_soc,
        taper_from_soc=table.taper_from_soc,
        taper_to_share=table.taper_to_share,
        v2x=table.v2x,
        events=_events(table, base, start_s),
    )


def _events(table: VehicleTable, base: Path, start_s: float) -> Iterator[Event]:
    sessions = table.sessions
    if sessions is not None:
        return recorded_events(
            resolve(sessions.file, base),
            user=sessions.user,
            shift_s=sessions.shift_s,
            after_s=start_s,
        )
    return weekly_events([_trip(schedule) for schedule in table.schedule], start_s)


def _trip(table: ScheduleTable) -> WeeklyTrip:
    return WeeklyTrip(
        timezone=ZoneInfo(table.timezone),
        weekdays=frozenset(WEEKDAYS.index(day) for day in table.days),
        departure=table.departure,
        returns=table.returns,
        trip_wh=table.energy_wh,
        needed_soc=table.needed_soc,
    )
