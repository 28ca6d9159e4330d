"""Small simulated worlds for tests."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from simulators.charger import LossCurve, PowerElectronics
from simulators.household import House, constant
from simulators.vehicle import Event, Vehicle
from simulators.world import Outlet, World

START_S = 1_733_934_600.0  # 2024-12-11T16:30:00Z, a full quarter hour
EVEN = (1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0)


class Demand:
    """A controller that wants one power, or one after another."""

    def __init__(self, *steps: tuple[float, float]) -> None:
        """Each step is (from this instant on, this power in W)."""
        self.steps = steps

    def demand_w(self, at_s: float) -> float:
        return next((power_w for from_s, power_w in reversed(self.steps) if from_s <= at_s), 0.0)

    def car_takes_w(self, at_s: float, demand_w: float) -> float:
        del at_s
        return demand_w

    def next_change_s(self, at_s: float) -> float | None:
        return next((from_s for from_s, _ in self.steps if from_s > at_s), None)


def vehicle(*, soc: float = 0.5, events: Iterable[Event] = (), **fields: Any) -> Vehicle:
    """A 60 kWh car."""
    values: dict[str, Any] = {
        "name": "car",
        "home_station": "S1",
        "evccid": "EVCC",
        "id_token": "TOKEN",
        "capacity_wh": 60_000.0,
        "energy_wh": soc * 60_000.0,
        "upper_limit_soc": 1.0,
        "minimum_discharge_soc": 0.1,
        "taper_from_soc": 0.95,
        "taper_to_share": 0.25,
        "v2x": True,
        **fields,
    }
    return Vehicle(events=iter(events), **values)


def electronics(**fields: Any) -> PowerElectronics:
    """A 7.4 kW charger that ramps almost at once."""
    values: dict[str, Any] = {
        "phases": 3,
        "max_charge_w": 7400.0,
        "max_discharge_w": 7400.0,
        "min_power_w": 1400.0,
        "ramp_up_w_per_s": 500.0,
        "ramp_down_w_per_s": 3700.0,
        "loss": LossCurve(constant_w=150.0, linear=0.03, square_per_kw=0.003),
        **fields,
    }
    return PowerElectronics(**values)


def house(*, load_w: float = 600.0, pv_w: float = 0.0, **fields: Any) -> House:
    """A house with constant power."""
    values: dict[str, Any] = {
        "load": constant(load_w),
        "pv": constant(pv_w),
        "load_shares": EVEN,
        "pv_shares": EVEN,
        **fields,
    }
    return House(**values)


def world(
    demand: Demand,
    *,
    car: Vehicle | None = None,
    home: House | None = None,
    charger: PowerElectronics | None = None,
    export_limit_w: float | None = None,
) -> World:
    """A world with one outlet and one car plugged in."""
    car = vehicle() if car is None else car
    outlet = Outlet(
        station="S1",
        electronics=electronics() if charger is None else charger,
        controller=demand,
    )
    made = World(
        start_s=START_S,
        house=house() if home is None else home,
        outlets=[outlet],
        vehicles=[car],
        export_limit_w=export_limit_w,
    )
    made.plug(car, "S1")
    return made
