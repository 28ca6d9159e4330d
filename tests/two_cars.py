"""A house with two outlets, a car at each."""

from __future__ import annotations

from typing import Any

from tests.builders import a_policy, a_vehicle, an_evse, an_evse_status
from v2g_daemon.domain.readings import EvseStatus, VehicleIdentity

YARD = "yard"
POLICY = a_policy(
    evses=(an_evse(), an_evse(evse_id=YARD)),
    vehicles=(a_vehicle(), a_vehicle(vehicle_id="van", evccid="VAN")),
)


def a_van_in_the_yard(**changes: Any) -> EvseStatus:
    """The second outlet, with the second car at it."""
    usual = {"evse_id": YARD, "serial": "SIM-2", "session_id": "s2"}
    return an_evse_status(**(usual | {"identity": VehicleIdentity(evccid="VAN")} | changes))
