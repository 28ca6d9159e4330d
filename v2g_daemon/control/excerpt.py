"""What of a snapshot concerns one EVSE or one car; pure."""

from __future__ import annotations

from v2g_daemon.domain.goals import DepartureGoal, UserOverride
from v2g_daemon.domain.plan import Plan
from v2g_daemon.domain.snapshot import CommandCounters, DischargeCounters, Snapshot
from v2g_daemon.domain.vehicle import Vehicle


def goals_of(vehicle: Vehicle | None, snapshot: Snapshot) -> tuple[DepartureGoal, ...]:
    """The goals of a car that are still to come."""
    wanted = None if vehicle is None else vehicle.vehicle_id
    for entry in snapshot.goals:
        if entry.vehicle_id == wanted:
            return tuple(g for g in entry.goals if g.ready_by_utc > snapshot.now.utc)
    return ()


def override_of(evse_id: str, snapshot: Snapshot) -> UserOverride | None:
    """The newest wish of its owner that is in force."""
    live = [
        override
        for override in snapshot.overrides
        if override.evse_id == evse_id
        and override.set_at_utc <= snapshot.now.utc < override.until_utc
    ]
    return max(live, key=lambda override: override.set_at_utc, default=None)


def plan_of(evse_id: str, vehicle: Vehicle | None, snapshot: Snapshot) -> Plan | None:
    """The plan for this car at this EVSE."""
    vehicle_id = None if vehicle is None else vehicle.vehicle_id
    for plan in snapshot.plans:
        if plan.evse_id == evse_id and plan.vehicle_id == vehicle_id:
            return plan
    return None


def counters_of(vehicle: Vehicle | None, snapshot: Snapshot) -> DischargeCounters | None:
    """What a car has discharged over its life and today."""
    wanted = None if vehicle is None else vehicle.vehicle_id
    return next((one for one in snapshot.counters if one.vehicle_id == wanted), None)


def told_of(evse_id: str, snapshot: Snapshot) -> CommandCounters | None:
    """What an EVSE was told today."""
    return next((one for one in snapshot.command_counters if one.evse_id == evse_id), None)
