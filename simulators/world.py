"""The one object that couples house, cars, chargers and grid connection; energy is conserved."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from simulators.charger import Piece, PowerElectronics
from simulators.energy import SECONDS_PER_HOUR, split_energy_wh
from simulators.household import PHASES, House, HousePower
from simulators.truth import INTERVAL_S, Departure, Truth
from simulators.vehicle import Event, Movement, Vehicle

LONGEST_STEP_S = 2.0


class Controller(Protocol):
    """Who tells an outlet what to do: the station's electronics."""

    def demand_w(self, at_s: float) -> float:
        """Return the power asked for at an instant; charge +, discharge -."""

    def car_takes_w(self, at_s: float, demand_w: float) -> float:
        """Return what of a demand the plugged-in car takes, besides its pack's limits."""

    def next_change_s(self, at_s: float) -> float | None:
        """Return the next instant after at_s at which the demand may change by itself."""


class NoController:
    """An outlet that nobody drives."""

    def demand_w(self, at_s: float) -> float:
        """Ask for nothing."""
        return 0.0 * at_s

    def car_takes_w(self, at_s: float, demand_w: float) -> float:
        """Take all of it."""
        del at_s
        return demand_w

    def next_change_s(self, at_s: float) -> float | None:
        """Never change."""
        return None


@dataclass(slots=True, kw_only=True)
class Outlet:
    """An EVSE with its power electronics and, perhaps, a car."""

    station: str
    electronics: PowerElectronics
    controller: Controller = field(default_factory=NoController)
    vehicle: Vehicle | None = None
    power_w: float = 0.0
    charge_wh: float = 0.0
    discharge_wh: float = 0.0
    plug_count: int = 0
    plugged_s: float = 0.0

    def target_w(self, at_s: float) -> float:
        """Return where the power is heading, after what car and electronics refuse."""
        if self.vehicle is None:
            return 0.0
        demand_w = self.controller.demand_w(at_s)
        if demand_w > 0.0:
            demand_w = min(demand_w, self.vehicle.charge_limit_w(self.electronics.max_charge_w))
        elif demand_w < 0.0 and self.vehicle.refuses_discharge():
            demand_w = 0.0
        return self.electronics.realisable_w(self.controller.car_takes_w(at_s, demand_w))

    def flow(self, piece: Piece) -> float:
        """Move a piece's energy between grid and pack and return the loss in Wh."""
        self.power_w = piece.end_w
        if self.vehicle is None or (piece.start_w == 0.0 and piece.end_w == 0.0):
            return 0.0
        charged_wh, discharged_wh = split_energy_wh(piece.start_w, piece.end_w, piece.duration_s)
        mean_loss_w = self.electronics.loss.mean_loss_w(piece.start_w, piece.end_w)
        loss_wh = mean_loss_w * piece.duration_s / SECONDS_PER_HOUR
        self.charge_wh += charged_wh
        self.discharge_wh += discharged_wh
        self.vehicle.energy_wh += charged_wh - discharged_wh - loss_wh
        return loss_wh


class World:
    """Advances lazily to the instant it is asked about; PCC = load - PV + EVSE."""

    def __init__(
        self,
        *,
        start_s: float,
        house: House,
        outlets: list[Outlet],
        vehicles: list[Vehicle],
        export_limit_w: float | None = None,
        frequency_hz: float = 50.0,
        frequency_sway_hz: float = 0.0,
    ) -> None:
        """Start at an instant; vehicles are plugged in by `plug`."""
        self.now_s = start_s
        self.house = house
        self.outlets = {outlet.station: outlet for outlet in outlets}
        self.vehicles = {vehicle.name: vehicle for vehicle in vehicles}
        self.frequency_hz = frequency_hz
        self.frequency_sway_hz = frequency_sway_hz
        self.truth = Truth(export_limit_w=export_limit_w)

    def advance_to(self, at_s: float) -> None:
        """Simulate up to an instant; one in the past changes nothing."""
        self._move_vehicles()
        while self.now_s < at_s:
            self._step(min(at_s, self._next_boundary_s()))
            self._move_vehicles()

    def pcc_w_per_phase(self) -> tuple[float, ...]:
        """Return the power at the grid connection now; import +, export -."""
        phases_w = list(self.house.at(self.now_s).net_w_per_phase)
        for outlet in self.outlets.values():
            self._add_outlet(phases_w, outlet, outlet.power_w)
        return tuple(phases_w)

    def outlet_of(self, vehicle: Vehicle) -> Outlet | None:
        """Return the outlet a car is plugged into."""
        return next((o for o in self.outlets.values() if o.vehicle is vehicle), None)

    def plug(self, vehicle: Vehicle, station: str) -> None:
        """Plug a car in now; whatever is in the way is unplugged first."""
        outlet = self.outlets[station]
        if outlet.vehicle is vehicle:
            return
        self.unplug(vehicle)
        if outlet.vehicle is not None:
            self.unplug(outlet.vehicle)
        outlet.vehicle = vehicle
        outlet.plug_count += 1
        outlet.plugged_s = self.now_s

    def unplug(self, vehicle: Vehicle) -> None:
        """Unplug a car now; its power is cut."""
        outlet = self.outlet_of(vehicle)
        if outlet is not None:
            outlet.vehicle = None
            outlet.power_w = 0.0

    def _next_boundary_s(self) -> float:
        boundary_s = self.now_s - self.now_s % INTERVAL_S + INTERVAL_S
        changes: list[float | None] = [self.house.next_change_s(self.now_s)]
        changes += [v.next_event.at_s for v in self.vehicles.values() if v.next_event is not None]
        for outlet in self.outlets.values():
            if outlet.vehicle is not None:
                changes.append(outlet.controller.next_change_s(self.now_s))
            if outlet.power_w != 0.0 or outlet.target_w(self.now_s) != 0.0:
                changes.append(self.now_s + LONGEST_STEP_S)
        later = [change for change in changes if change is not None and change > self.now_s]
        return min([boundary_s, *later])

    def _step(self, end_s: float) -> None:
        """Simulate to end_s or to the first end of a ramp, whichever comes first."""
        duration_s = end_s - self.now_s
        pieces = [
            outlet.electronics.piece(outlet.power_w, outlet.target_w(self.now_s), duration_s)
            for outlet in self.outlets.values()
        ]
        shortest_s = min((piece.duration_s for piece in pieces), default=duration_s)
        if shortest_s < duration_s:
            duration_s, end_s = shortest_s, self.now_s + shortest_s
        cut = [piece.cut(duration_s) for piece in pieces]
        self._book(self.house.at(self.now_s), cut, duration_s)
        self.now_s = end_s

    def _book(self, house: HousePower, pieces: list[Piece], duration_s: float) -> None:
        start_w, end_w = list(house.net_w_per_phase), list(house.net_w_per_phase)
        interval = self.truth.interval_at(self.now_s)
        for outlet, piece in zip(self.outlets.values(), pieces, strict=True):
            self._add_outlet(start_w, outlet, piece.start_w)
            self._add_outlet(end_w, outlet, piece.end_w)
            before_wh = (outlet.charge_wh, outlet.discharge_wh)
            self.truth.loss_wh += outlet.flow(piece)
            interval.evse_charge_wh += outlet.charge_wh - before_wh[0]
            interval.evse_discharge_wh += outlet.discharge_wh - before_wh[1]
        self._book_pcc(house, start_w, end_w, duration_s)
        evse_w = (sum(p.start_w for p in pieces), sum(p.end_w for p in pieces))
        self.truth.note_export((sum(start_w), sum(end_w)), evse_w, duration_s)

    def _book_pcc(
        self, house: HousePower, start_w: list[float], end_w: list[float], duration_s: float
    ) -> None:
        truth, interval = self.truth, self.truth.interval_at(self.now_s)
        for phase in range(PHASES):
            imported, exported = split_energy_wh(start_w[phase], end_w[phase], duration_s)
            truth.pcc_import_wh_per_phase[phase] += imported
            truth.pcc_export_wh_per_phase[phase] += exported
            truth.note_current(start_w[phase])
            truth.note_current(end_w[phase])
        imported, exported = split_energy_wh(sum(start_w), sum(end_w), duration_s)
        load_wh = house.load_w * duration_s / SECONDS_PER_HOUR
        pv_wh = house.pv_w * duration_s / SECONDS_PER_HOUR
        truth.pcc_import_wh += imported
        truth.pcc_export_wh += exported
        truth.load_wh += load_wh
        truth.pv_wh += pv_wh
        interval.pcc_import_wh += imported
        interval.pcc_export_wh += exported
        interval.load_wh += load_wh
        interval.pv_wh += pv_wh
        interval.end_s = self.now_s + duration_s

    def _move_vehicles(self) -> None:
        for vehicle in self.vehicles.values():
            while vehicle.next_event is not None and vehicle.next_event.at_s <= self.now_s:
                event = vehicle.pop_event()
                if event is not None:
                    self._move(vehicle, event)

    def _move(self, vehicle: Vehicle, event: Event) -> None:
        if event.movement is Movement.DEPARTS:
            self.truth.departures.append(
                Departure(
                    vehicle=vehicle.name,
                    planned_s=event.at_s,
                    soc=vehicle.soc,
                    needed_soc=event.needed_soc,
                    trip_wh=event.trip_wh,
                    driven=vehicle.energy_wh >= event.trip_wh,
                )
            )
            self.unplug(vehicle)
        elif self.outlet_of(vehicle) is None:
            self.truth.trip_wh += vehicle.drive(event.trip_wh)
            if self.outlets[vehicle.home_station].vehicle is None:
                self.plug(vehicle, vehicle.home_station)

    @staticmethod
    def _add_outlet(phases_w: list[float], outlet: Outlet, power_w: float) -> None:
        for phase in range(outlet.electronics.phases):
            phases_w[phase] += power_w / outlet.electronics.phases
