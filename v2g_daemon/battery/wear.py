"""Wear as a range: what a kWh out of the pack may cost beyond its default."""

from __future__ import annotations

from v2g_daemon.domain.policy import Economics
from v2g_daemon.domain.vehicle import Vehicle

# What studies of cycling find spans 1 to 9 ct per kWh out of the pack around a default of 4.
LOW_WEAR_FACTOR, HIGH_WEAR_FACTOR = 0.25, 2.25


def export_wear_per_kwh(vehicle: Vehicle, economics: Economics) -> float:
    """What a kWh out of the pack that crosses the PCC must earn on top of its default wear."""
    return (economics.export_wear_factor - 1.0) * vehicle.wear_cost_per_kwh_discharged
