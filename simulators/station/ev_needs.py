"""What the EV tells over ISO 15118: what it wants, what it can, and what it intends."""

from __future__ import annotations

from simulators.station.device_model import energy_transfers
from simulators.station.station import Station
from simulators.station.targets import NOMINAL_VOLTAGE_V
from simulators.station.wire import JsonDict

DC_VOLTAGE_V = 400.0


def wants_bidirectional(station: Station) -> bool:
    """Say whether the EV asks for bidirectional service, within what is allowed."""
    vehicle = station.outlet.vehicle
    able = vehicle is not None and vehicle.v2x and not station.shows("needs_rejected")
    enabled = station.model.get("V2XChargingCtrlr", "Enabled") == "true"
    _, both_ways = energy_transfers(station.table)
    allowed = both_ways in station.allowed_transfer and not station.shows("permission_withdrawn")
    return able and enabled and allowed


def charging_needs(station: Station) -> JsonDict:
    """Return NotifyEVChargingNeeds."""
    vehicle = station.outlet.vehicle
    one_way, both_ways = energy_transfers(station.table)
    able = vehicle is not None and vehicle.v2x and not station.shows("needs_rejected")
    wanted = wants_bidirectional(station)
    station.remembered.requested_bidirectional = wanted
    scheduled = station.shows("renegotiation")
    needs: JsonDict = {
        "requestedEnergyTransfer": both_ways if wanted else one_way,
        "availableEnergyTransfer": [one_way, both_ways] if able else [one_way],
        "controlMode": "ScheduledControl" if scheduled else "DynamicControl",
        "mobilityNeedsMode": "EVCC",
    }
    if able:
        needs["v2xChargingParameters"] = _v2x_parameters(station)
    elif not station.table.direct_current:
        needs["acChargingParameters"] = _ac_parameters(station)
    if station.table.direct_current:
        needs["dcChargingParameters"] = _dc_parameters(station)
    return {"evseId": 1, "timestamp": station.stamp(), "chargingNeeds": needs}


def _v2x_parameters(station: Station) -> JsonDict:
    electronics = station.outlet.electronics
    powers: JsonDict = {
        "minChargePower": electronics.min_power_w,
        "maxChargePower": electronics.max_charge_w,
        "minDischargePower": electronics.min_power_w,
        "maxDischargePower": electronics.max_discharge_w,
    }
    # With L2 and L3 the name without a suffix is L1's (2.1, ChargingSchedulePeriodType).
    for name in station.table.ev_phases:
        base = name.rpartition("_")[0]
        powers[name] = powers[base] = round(powers[base] / electronics.phases, 1)
    return powers


def _ac_parameters(station: Station) -> JsonDict:
    electronics = station.outlet.electronics
    volt_phases = NOMINAL_VOLTAGE_V * electronics.phases
    return {
        "energyAmount": 0,
        "evMinCurrent": round(electronics.min_power_w / volt_phases, 1),
        "evMaxCurrent": round(electronics.max_charge_w / volt_phases, 1),
        "evMaxVoltage": 400,
    }


def _dc_parameters(station: Station) -> JsonDict:
    vehicle, electronics = station.outlet.vehicle, station.outlet.electronics
    told: JsonDict = {
        "evMaxCurrent": round(electronics.max_charge_w / DC_VOLTAGE_V, 1),
        "evMaxVoltage": DC_VOLTAGE_V,
        "evMaxPower": electronics.max_charge_w,
    }
    if vehicle is not None and station.reports_soc:
        told["stateOfCharge"] = round(vehicle.soc * 100.0)
    return told


def ev_schedule(station: Station) -> JsonDict:
    """K18: what the EV intends, once it has agreed to a schedule."""
    target_w = station.governing(station.world.now_s).target_w
    period: JsonDict = {
        "startPeriod": 0,
        "operationMode": "CentralSetpoint",
        "setpoint": round(target_w, 1),
    }
    schedule = {"id": 1, "chargingRateUnit": "W", "chargingSchedulePeriod": [period]}
    return {"timeBase": station.stamp(), "evseId": 1, "chargingSchedule": schedule}
