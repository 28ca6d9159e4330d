"""The truth as JSON."""

from __future__ import annotations

from typing import Any

from simulators.chargers.service import SimulatedCharger
from simulators.clock import iso_from_s
from simulators.faults import METER, PRICES, FaultBoard
from simulators.station.profiles import InstalledProfile
from simulators.station.station import Station
from simulators.truth import Departure, IntervalEnergy, Truth
from simulators.world import World

Json = dict[str, Any]


def world_report(
    world: World, faults: FaultBoard, stations: list[Station], chargers: list[SimulatedCharger]
) -> Json:
    """Return everything that is true now; the world has been advanced."""
    first = next(iter(world.outlets.values()), None)
    vehicle = None if first is None else first.vehicle
    house = world.house.at(world.now_s)
    return {
        "now_utc": iso_from_s(world.now_s),
        "soc": None if vehicle is None else vehicle.soc,
        "connected": vehicle is not None,
        "evse_power_w": 0.0 if first is None else first.power_w,
        "pcc_power_w": list(world.pcc_w_per_phase()),
        "house": {"load_w": house.load_w, "pv_w": house.pv_w},
        "registers": _registers(world),
        "max_phase_current_a": world.truth.max_phase_current_a,
        "export_watch": _watch(world.truth),
        "departures": [_departure(departure) for departure in world.truth.departures],
        "stations": {station.table.id: _station(station, world.now_s) for station in stations},
        "chargers": {charger.table.id: _charger(charger) for charger in chargers},
        "vehicles": {name: _vehicle(world, name) for name in world.vehicles},
        "faults": {
            device: sorted(faults.active(device, world.now_s)) for device in (METER, PRICES)
        },
    }


def intervals_report(world: World) -> Json:
    """Return the energies of all quarter hours so far."""
    return {"intervals": [_interval(interval) for interval in world.truth.intervals]}


def _registers(world: World) -> Json:
    truth, outlets = world.truth, world.outlets.values()
    return {
        "pcc_import_wh": truth.pcc_import_wh,
        "pcc_export_wh": truth.pcc_export_wh,
        "pcc_import_wh_per_phase": truth.pcc_import_wh_per_phase,
        "pcc_export_wh_per_phase": truth.pcc_export_wh_per_phase,
        "evse_charge_wh": sum(outlet.charge_wh for outlet in outlets),
        "evse_discharge_wh": sum(outlet.discharge_wh for outlet in outlets),
        "load_wh": truth.load_wh,
        "pv_wh": truth.pv_wh,
        "loss_wh": truth.loss_wh,
        "trip_wh": truth.trip_wh,
    }


def _watch(truth: Truth) -> Json:
    return {
        "limit_w": truth.export_limit_w,
        "seconds_over": truth.export_watch.seconds_over,
        "worst_over_w": truth.export_watch.worst_over_w,
        "longest_episode_s": truth.export_watch.longest_episode_s,
        "seconds_over_by_discharge": truth.discharge_watch.seconds_over,
        "worst_over_by_discharge_w": truth.discharge_watch.worst_over_w,
        "longest_episode_by_discharge_s": truth.discharge_watch.longest_episode_s,
    }


def _departure(departure: Departure) -> Json:
    return {
        "vehicle": departure.vehicle,
        "planned_utc": iso_from_s(departure.planned_s),
        "soc": departure.soc,
        "needed_soc": departure.needed_soc,
        "met": departure.met,
        "trip_wh": departure.trip_wh,
        "driven": departure.driven,
    }


def _station(station: Station, now_s: float) -> Json:
    transaction, vehicle = station.transaction, station.outlet.vehicle
    governing = station.governing(now_s)
    return {
        "online": station.online,
        "booted": station.accepted,
        "version": station.version,
        "vehicle": None if vehicle is None else vehicle.name,
        "transaction_id": None if transaction is None else transaction.id,
        "charging_state": None if transaction is None else transaction.charging_state,
        "authorized": station.authorized,
        "bidirectional": station.bidirectional_service,
        "evse_power_w": station.outlet.power_w,
        "target_w": station.demand_w(now_s),
        "charge_wh": station.outlet.charge_wh,
        "discharge_wh": station.outlet.discharge_wh,
        "active_profile": _profile(governing.profile, governing.operation_mode),
        "profiles": sorted(station.store.installed),
        "connections": station.counts.connections,
        "boots": station.counts.boots,
        "calls_received": dict(station.counts.calls_received),
        "protocol_errors": list(station.counts.protocol_errors),
        "faults": sorted(station.faults.active(station.table.id, now_s)),
    }


def _charger(charger: SimulatedCharger) -> Json:
    device = charger.device
    return {
        "vehicle": None if device.vehicle is None else device.vehicle.name,
        "evse_power_w": device.power_w,
        "setpoint_w": device.setpoint_w,
        "timeout_s": device.timeout_s,
        "ended_by_itself": device.ended_by_itself,
        "charge_wh": device.outlet.charge_wh,
        "discharge_wh": device.outlet.discharge_wh,
        "writes": {str(address): count for address, count in device.writes.items()},
        "connections": charger.server.connections,
        "faults": sorted(charger.shown()),
    }


def _profile(profile: InstalledProfile | None, operation_mode: str) -> Json | None:
    if profile is None:
        return None
    return {
        "id": profile.id,
        "purpose": profile.purpose,
        "kind": profile.kind,
        "stack_level": profile.stack_level,
        "operation_mode": operation_mode,
    }


def _vehicle(world: World, name: str) -> Json:
    vehicle = world.vehicles[name]
    outlet = world.outlet_of(vehicle)
    return {
        "soc": vehicle.soc,
        "energy_wh": vehicle.energy_wh,
        "station": None if outlet is None else outlet.station,
    }


def _interval(interval: IntervalEnergy) -> Json:
    return {
        "start_utc": iso_from_s(interval.start_s),
        "end_utc": iso_from_s(interval.end_s),
        "pcc_import_wh": interval.pcc_import_wh,
        "pcc_export_wh": interval.pcc_export_wh,
        "evse_charge_wh": interval.evse_charge_wh,
        "evse_discharge_wh": interval.evse_discharge_wh,
        "load_wh": interval.load_wh,
        "pv_wh": interval.pv_wh,
    }
