"""What a distance takes from the pack, and what the pack must hold for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from v2g_daemon.domain.goals import DepartureGoal
from v2g_daemon.domain.needs import Distance, Drive, Energy, Need, Share
from v2g_daemon.domain.vehicle import Vehicle


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What the pack must hold: as a SoC, and (no SoC) as energy to charge; None: what is usual."""

    soc: float
    energy_wh: float | None


def driven_wh(drive: Drive, vehicle: Vehicle) -> float:
    """What a drive is expected to take; ValueError for a distance of unknown consumption."""
    match drive:
        case Energy():
            return drive.energy_wh
        case Distance():
            if vehicle.consumption_wh_per_km is None:
                raise ValueError(
                    f"how much car {vehicle.vehicle_id!r} takes per km is not known; add "
                    "consumption_wh_per_km to its [[vehicle]], or say the need in kWh or %"
                )
            return drive.distance_km * vehicle.consumption_wh_per_km
        case _ as unreachable:
            assert_never(unreachable)


def provided_wh(drive: Drive, vehicle: Vehicle) -> float:
    """What is kept ready for a drive: for a distance more than expected, by the car's margin."""
    expected_wh = driven_wh(drive, vehicle)
    if isinstance(drive, Energy):
        return expected_wh
    return expected_wh * (1.0 + vehicle.consumption_margin_fraction)


def held(need: Need | None, vehicle: Vehicle) -> Held:
    """What a need asks of the pack; a drive lies above the floor, which stays its owner's reserve.

    Nobody's need is the ceiling. More than a full pack cannot be asked for.
    """
    match need:
        case None:
            return Held(soc=vehicle.soc_ceiling, energy_wh=None)
        case Share():
            return Held(soc=need.soc, energy_wh=None)
        case Distance() | Energy():
            energy_wh = provided_wh(need, vehicle)
            soc = min(vehicle.soc_floor + energy_wh / vehicle.capacity_wh, 1.0)
            return Held(soc=soc, energy_wh=energy_wh)
        case _ as unreachable:
            assert_never(unreachable)


def missing_km(need: Need | None, vehicle: Vehicle) -> float:
    """By how much a distance asked for exceeds a full pack less its floor; 0 for any other need."""
    if not isinstance(need, Distance):
        return 0.0
    room_wh = (1.0 - vehicle.soc_floor) * vehicle.capacity_wh
    lacking_wh = provided_wh(need, vehicle) - room_wh
    return max(lacking_wh, 0.0) / provided_wh(need, vehicle) * need.distance_km


def departure_goal(
    need: Need | None,
    trip: Drive | None,
    vehicle: Vehicle,
    *,
    leaves_utc: datetime,
    returns_at_utc: datetime | None,
) -> DepartureGoal:
    """One departure of a car; a trip without a need of its own is what is needed.

    Raises ValueError for a distance of unknown consumption.
    """
    wanted = held(trip if need is None else need, vehicle)
    return DepartureGoal(
        ready_by_utc=leaves_utc,
        soc=wanted.soc,
        energy_wh=wanted.energy_wh,
        returns_at_utc=returns_at_utc,
        trip_wh=0.0 if trip is None else driven_wh(trip, vehicle),
    )
