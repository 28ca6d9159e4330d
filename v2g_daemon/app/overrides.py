"""A user's wish becomes an observation: it ends by itself, and a stop says what it will cost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from v2g_daemon.adapters.web.translate import override_json, stamp
from v2g_daemon.control.commute import energy_wanted_wh
from v2g_daemon.domain.goals import DepartureGoal, OverrideKind, UserOverride
from v2g_daemon.domain.policy import Policy
from v2g_daemon.ports import ObservationSink
from v2g_daemon.step.house import Outcome

LONGEST = timedelta(hours=12)


class Overrides:
    """The override desk of one running daemon; `see` keeps it up to date."""

    def __init__(self, *, policy: Policy, sink: ObservationSink) -> None:
        self._policy = policy
        self._sink = sink
        self._outcome: Outcome | None = None

    def see(self, outcome: Outcome) -> None:
        """The newest tick."""
        self._outcome = outcome

    def __call__(
        self, *, kind: str, evse_id: str | None, until: datetime | None, confirmed: bool
    ) -> dict[str, Any]:
        """Set or cancel; raises ValueError with a text for the user."""
        outcome = self._outcome
        if outcome is None:
            raise ValueError("the daemon has not decided anything yet")
        evse_id = self._chosen(evse_id)
        if kind == "auto":
            self._sink.cancel_overrides(evse_id)
            return {"evse_id": evse_id, "kind": "auto", "detail": "back to automatic"}
        now_utc = outcome.snapshot.now.utc
        goal = _next_goal(outcome, evse_id)
        ends_utc = _end(until, goal, now_utc)
        override = UserOverride(
            evse_id=evse_id,
            kind=OverrideKind(kind),
            set_at_utc=now_utc,
            until_utc=ends_utc,
            confirmed=confirmed,
        )
        self._sink.put_override(override)
        return {**override_json(override), "detail": self._detail(outcome, override, goal)}

    def _chosen(self, evse_id: str | None) -> str:
        known = [evse.evse_id for evse in self._policy.evses]
        if evse_id is None and len(known) == 1:
            return known[0]
        if evse_id not in known:
            raise ValueError(f"name one of the EVSEs: {', '.join(known)}")
        return evse_id

    def _detail(self, outcome: Outcome, override: UserOverride, goal: DepartureGoal | None) -> str:
        until = f"until {stamp(override.until_utc)}"
        if override.kind is OverrideKind.CHARGE:
            return f"charging {until}"
        missed = self._missed(outcome, override.evse_id, goal)
        if missed is None or goal is None:
            return f"stopped {until}"
        if override.confirmed:
            return f"stopped {until}; {missed} for the trip at {stamp(goal.ready_by_utc)}"
        return (
            f"stopped {until}, but the trip at {stamp(goal.ready_by_utc)} comes first: {missed};"
            " repeat with confirmation to stop all the same"
        )

    def _missed(self, outcome: Outcome, evse_id: str, goal: DepartureGoal | None) -> str | None:
        vehicle_id, soc = _decided(outcome, evse_id)
        if goal is None or vehicle_id is None:
            return None
        vehicle = self._policy.vehicle(vehicle_id)
        if soc is None or goal.soc is None:
            return f"{energy_wanted_wh(goal, vehicle) / 1000.0:.1f} kWh may be missing"
        missing_kwh = (goal.soc - soc) * vehicle.capacity_wh / 1000.0
        return None if missing_kwh <= 0.0 else f"{missing_kwh:.1f} kWh will be missing"


def _end(until: datetime | None, goal: DepartureGoal | None, now_utc: datetime) -> datetime:
    if until is not None:
        ends_utc = until.astimezone(UTC)
        if ends_utc <= now_utc:
            raise ValueError(f"{stamp(ends_utc)} has passed")
        return ends_utc
    latest_utc = now_utc + LONGEST
    return latest_utc if goal is None else min(latest_utc, goal.ready_by_utc)


def _next_goal(outcome: Outcome, evse_id: str) -> DepartureGoal | None:
    vehicle_id = _decided(outcome, evse_id)[0]
    now_utc = outcome.snapshot.now.utc
    for entry in outcome.snapshot.goals:
        if entry.vehicle_id == vehicle_id:
            return next((goal for goal in entry.goals if goal.ready_by_utc > now_utc), None)
    return None


def _decided(outcome: Outcome, evse_id: str) -> tuple[str | None, float | None]:
    """The vehicle and SoC of the newest decision."""
    for decided in outcome.decision.evses:
        if decided.evse_id == evse_id:
            return decided.vehicle_id, decided.soc
    return None, None
