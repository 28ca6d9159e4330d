"""Which car is plugged in, where only its owner knows: his word holds for this plug-in."""

from __future__ import annotations

from typing import Any

from v2g_daemon.control.identity import excludes
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.readings import EvseStatus
from v2g_daemon.domain.vehicle import GUEST, CarAnswer
from v2g_daemon.ports import ObservationSink
from v2g_daemon.step.house import Outcome


class CarDesk:
    """The desk of one running daemon where cars are named; `see` keeps it up to date."""

    def __init__(self, *, policy: Policy, sink: ObservationSink) -> None:
        self._policy = policy
        self._sink = sink
        self._outcome: Outcome | None = None

    def see(self, outcome: Outcome) -> None:
        """The newest tick."""
        self._outcome = outcome

    def name(self, *, evse_id: str, vehicle_id: str) -> dict[str, Any]:
        """Raises ValueError with a text for the user where the answer cannot be."""
        if self._outcome is None:
            raise ValueError("the daemon has not decided anything yet")
        status = self._plugged_in(evse_id, self._outcome)
        self._check(status, vehicle_id)
        self._sink.put_car_answer(
            CarAnswer(
                answered_at_utc=self._outcome.snapshot.now.utc,
                evse_id=evse_id,
                session_id=status.session_id or "",
                vehicle_id=None if vehicle_id == GUEST else vehicle_id,
            )
        )
        who = "a guest: it only charges" if vehicle_id == GUEST else vehicle_id
        return {"evse_id": evse_id, "vehicle_id": vehicle_id, "detail": f"{who}, until unplugged"}

    def _plugged_in(self, evse_id: str, outcome: Outcome) -> EvseStatus:
        known = {status.evse_id: status for status in outcome.snapshot.evses}
        status = known.get(evse_id)
        if status is None:
            raise ValueError(f"there is no EVSE {evse_id!r}; name one of: {', '.join(known)}")
        if not status.plugged_in or status.session_id is None:
            raise ValueError(f"no car is plugged in at {evse_id!r} whose session has begun")
        return status

    def _check(self, status: EvseStatus, vehicle_id: str) -> None:
        if vehicle_id == GUEST:
            return
        known = {vehicle.vehicle_id: vehicle for vehicle in self._policy.vehicles}
        if vehicle_id not in known:
            names = ", ".join((*known, GUEST))
            raise ValueError(f"there is no vehicle {vehicle_id!r}; name one of: {names}")
        named = status.identity
        if named is not None and excludes(named, known[vehicle_id]):
            raise ValueError(
                f"the car says that it is {named.evccid}, and {vehicle_id!r} is "
                f"{known[vehicle_id].evccid}; correct vehicle.evccid if that is wrong"
            )
