"""The HTTP side: prices for the daemon, the truth and the faults for tests."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import FastAPI, HTTPException, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from simulators.car_cloud import CarCloud, NoSuchCar, NotServed
from simulators.chargers.service import SimulatedCharger
from simulators.clock import ScaledClock
from simulators.faults import CARS, METER, PRICES, FaultBoard, cloud_of, fault_of, mistake
from simulators.prices import GARBAGE, HANG_S, BadRequest, NotPublished, PriceService
from simulators.report import intervals_report, world_report
from simulators.scenario import FaultWords
from simulators.station.station import Station
from simulators.switches import Switches
from simulators.vehicle import Vehicle
from simulators.world import World

NotNegative = Annotated[FiniteFloat, Field(ge=0)]


class Body(BaseModel):
    """A request body; unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class FaultOrder(FaultWords):
    """Start a fault now, or clear a device with kind "none"."""


class VehicleOrder(Body):
    """Move a car by hand."""

    action: Literal["plug", "unplug", "arrive"]
    name: str | None = None
    soc: Annotated[FiniteFloat, Field(ge=0, le=1)] | None = None
    evccid: str | None = None
    id_token: str | None = None
    station: str | None = None


class HouseOrder(Body):
    """Replace the house's power; what is absent follows the scenario."""

    load_w: NotNegative | None = None
    pv_w: NotNegative | None = None
    load_w_per_phase: tuple[NotNegative, NotNegative, NotNegative] | None = None


class GridOrder(Body):
    """Set the grid's frequency."""

    frequency_hz: Annotated[FiniteFloat, Field(gt=0, lt=100)]


class Control:
    """Everything the HTTP interface reaches."""

    def __init__(
        self,
        *,
        world: World,
        clock: ScaledClock,
        faults: FaultBoard,
        stations: list[Station],
        chargers: list[SimulatedCharger],
        prices: PriceService | None,
        switches: Mapping[str, Switches],
    ) -> None:
        """Keep the parts."""
        self.world = world
        self.clock = clock
        self.faults = faults
        self.stations = {station.table.id: station for station in stations}
        self.chargers = {charger.table.id: charger for charger in chargers}
        self.prices = prices
        self.car_cloud = CarCloud(world=world, clock=clock, faults=faults)
        self._switches = switches

    def now_s(self) -> float:
        """Advance the world to this moment and return it."""
        now_s = self.clock.now_s()
        self.world.advance_to(now_s)
        return now_s

    def set_fault(self, order: FaultOrder) -> None:
        """Start or clear faults of a device."""
        now_s = self.now_s()
        clouds = [CARS, *(cloud_of(name) for name in self.world.vehicles)]
        if order.device not in {METER, PRICES, *clouds, *self.stations, *self.chargers}:
            raise HTTPException(400, f"no device {order.device!r}")
        if order.kind == "none":
            self.faults.clear(order.device)
        else:
            wrong = mistake(order.device, order.kind, order.given(), known=self._switches)
            if wrong is not None:
                raise HTTPException(400, wrong)
            fault = fault_of(
                order.device,
                order.kind,
                order.given(),
                from_s=now_s,
                for_s=order.for_s,
                known=self._switches,
            )
            self.faults.add(fault)
        self._wake()

    def move_vehicle(self, order: VehicleOrder) -> None:
        """Plug, unplug, or let a car arrive as a new plug-in."""
        self.now_s()
        vehicle = self._vehicle(order.name)
        if order.action != "plug":
            self.world.unplug(vehicle)
        if order.action == "unplug":
            self._wake()
            return
        if order.soc is not None:
            vehicle.energy_wh = order.soc * vehicle.capacity_wh
        vehicle.evccid = order.evccid if order.evccid is not None else vehicle.evccid
        vehicle.id_token = order.id_token if order.id_token is not None else vehicle.id_token
        station = order.station if order.station is not None else vehicle.home_station
        if station not in self.world.outlets:
            raise HTTPException(400, f"no station {station!r}")
        self.world.plug(vehicle, station)
        self._wake()

    def set_house(self, order: HouseOrder) -> None:
        """Override load and PV from now on."""
        self.now_s()
        self.world.house.override(
            load_w=order.load_w, pv_w=order.pv_w, load_w_per_phase=order.load_w_per_phase
        )

    def set_grid(self, order: GridOrder) -> None:
        """Change the grid's frequency from now on."""
        self.now_s()
        self.world.frequency_hz = order.frequency_hz
        self._wake()

    def _vehicle(self, name: str | None) -> Vehicle:
        vehicles = self.world.vehicles
        if not vehicles or (name is not None and name not in vehicles):
            raise HTTPException(400, f"no vehicle {name!r}; there are {sorted(vehicles)}")
        return next(iter(vehicles.values())) if name is None else vehicles[name]

    def _wake(self) -> None:
        for station in self.stations.values():
            station.wake.set()


def build_app(control: Control) -> FastAPI:
    """Return the HTTP application."""
    app = FastAPI(title="v2g-daemon simulators", docs_url=None, redoc_url=None)

    @app.get("/world")
    async def world() -> dict[str, Any]:
        control.now_s()
        stations, chargers = list(control.stations.values()), list(control.chargers.values())
        return world_report(control.world, control.faults, stations, chargers)

    @app.get("/world/intervals")
    async def intervals() -> dict[str, Any]:
        control.now_s()
        return intervals_report(control.world)

    @app.post("/faults")
    async def faults(order: FaultOrder) -> dict[str, Any]:
        control.set_fault(order)
        return {"ok": True}

    @app.post("/vehicle")
    async def vehicle(order: VehicleOrder) -> dict[str, Any]:
        control.move_vehicle(order)
        return {"ok": True}

    @app.post("/house")
    async def house(order: HouseOrder) -> dict[str, Any]:
        control.set_house(order)
        return {"ok": True}

    @app.post("/grid")
    async def grid(order: GridOrder) -> dict[str, Any]:
        control.set_grid(order)
        return {"ok": True}

    if control.prices is not None:
        _add_prices(app, control.prices)
    _add_cars(app, control.car_cloud)
    return app


def _add_cars(app: FastAPI, cloud: CarCloud) -> None:
    @app.get("/cars/{name}", response_model=None)
    async def car(name: str) -> Response | dict[str, object]:
        faults = cloud.faults_of(name)
        if "hangs" in faults:
            await asyncio.sleep(HANG_S)
        if "garbage" in faults:
            return HTMLResponse(GARBAGE)
        try:
            return cloud.answer(name)
        except NoSuchCar as error:
            raise HTTPException(404, str(error)) from error
        except NotServed as error:
            rest_s = error.retry_after_s
            headers = {} if rest_s is None else {"Retry-After": f"{rest_s:.0f}"}
            raise HTTPException(error.status, str(error), headers=headers) from error


def _add_prices(app: FastAPI, prices: PriceService) -> None:
    @app.get("/price", response_model=None)
    async def price(bzn: str, start: str, end: str) -> Response | dict[str, object]:
        if prices.shows("hangs"):
            await asyncio.sleep(HANG_S)
        if prices.shows("outage"):
            raise HTTPException(503, "service unavailable")
        if prices.shows("garbage"):
            return HTMLResponse(GARBAGE)
        try:
            return prices.answer(zone=bzn, start=start, end=end)
        except NotPublished as error:
            raise HTTPException(404, str(error)) from error
        except BadRequest as error:
            raise HTTPException(400, str(error)) from error
