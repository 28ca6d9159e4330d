"""A user's wish becomes an observation: it ends by itself, and a stop says what it will cost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from v2g_daemon.adapters.web.translate import override_json, stamp
from v2g_daemon.app.choice import chosen
from v2g_daemon.battery.losses import pack_power_w
from v2g_daemon.control.commute import DERATING, energy_wanted_wh
from v2g_daemon.control.session import charged_wh
from v2g_daemon.domain.decision import EvseDecision
from v2g_daemon.domain.goals import DepartureGoal, OverrideKind, UserOverride
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.readings import EvseStatus
from v2g_daemon.domain.vehicle import Vehicle
from v2g_daemon.ports import ObservationSink
from v2g_daemon.step.house import Outcome

LONGEST = timedelta(hours=12)
LEAST_TOLD_KWH = 0.05


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
        detail = self._detail(outcome, override, goal)
        if until is not None and ends_utc < until:
            detail += "; no wish outlasts the next departure or 12 h"
        return {**override_json(override), "detail": detail}

    def _chosen(self, evse_id: str | None) -> str:
        known = [evse.evse_id for evse in self._policy.evses]
        return chosen(evse_id, known, of="EVSEs")

    def _detail(self, outcome: Outcome, override: UserOverride, goal: DepartureGoal | None) -> str:
        until = f"until {self._wall(override.until_utc)}"
        if override.kind is OverrideKind.CHARGE:
            return f"charging {until}"
        missed = self._missed(outcome, override, goal)
        if missed is None or goal is None:
            return f"stopped {until}"
        trip = f"the trip at {self._wall(goal.ready_by_utc)}"
        if override.confirmed:
            return f"stopped {until}; {missed} for {trip}"
        return (
            f"stopped {until}, but {trip} comes first: otherwise {missed};"
            " repeat with confirmation to stop all the same"
        )

    def _missed(
        self, outcome: Outcome, override: UserOverride, goal: DepartureGoal | None
    ) -> str | None:
        """What the trip will lack if nothing is charged until the override ends."""
        status, decided = _of(outcome, override.evse_id)
        if goal is None or decided is None or decided.vehicle_id is None or status is None:
            return None
        vehicle = self._policy.vehicle(decided.vehicle_id)
        if decided.soc is None or goal.soc is None:
            memory = outcome.memory_after.of(override.evse_id)
            needed_wh = energy_wanted_wh(goal, vehicle) - charged_wh(memory, status)
            word = "may"
        else:
            needed_wh = (goal.soc - decided.soc) * vehicle.capacity_wh
            word = "will"
        left_h = max((goal.ready_by_utc - override.until_utc).total_seconds(), 0.0) / 3600.0
        missing_kwh = (needed_wh - left_h * self._into_pack_w(override.evse_id, vehicle)) / 1000.0
        return None if missing_kwh < LEAST_TOLD_KWH else f"{missing_kwh:.1f} kWh {word} be missing"

    def _into_pack_w(self, evse_id: str, vehicle: Vehicle) -> float:
        """What the pack gains while charging with the power that a trip may count on."""
        evse = self._policy.evse(evse_id)
        return pack_power_w(DERATING * min(evse.max_charge_w, vehicle.max_charge_w), evse.loss)

    def _wall(self, moment_utc: datetime) -> str:
        """The house's wall time."""
        return f"{moment_utc.astimezone(ZoneInfo(self._policy.timezone)):%a %H:%M}"


def _end(until: datetime | None, goal: DepartureGoal | None, now_utc: datetime) -> datetime:
    """At the latest the next departure or 12 h from now, whatever was asked."""
    latest_utc = now_utc + LONGEST
    if goal is not None:
        latest_utc = min(latest_utc, goal.ready_by_utc)
    # Compared before it is converted: the ends of the calendar have no UTC in every zone.
    if until is None or until >= latest_utc:
        return latest_utc
    if until <= now_utc:
        asked = until.isoformat(timespec="seconds").replace("+00:00", "Z")
        raise ValueError(f"{asked} has passed; it is {stamp(now_utc)}")
    return until.astimezone(UTC)


def _next_goal(outcome: Outcome, evse_id: str) -> DepartureGoal | None:
    _, decided = _of(outcome, evse_id)
    if decided is None or decided.vehicle_id is None:
        return None
    now_utc = outcome.snapshot.now.utc
    for entry in outcome.snapshot.goals:
        if entry.vehicle_id == decided.vehicle_id:
            return next((goal for goal in entry.goals if goal.ready_by_utc > now_utc), None)
    return None


def _of(outcome: Outcome, evse_id: str) -> tuple[EvseStatus | None, EvseDecision | None]:
    """The EVSE as the newest tick saw and decided it."""
    return (
        next((one for one in outcome.snapshot.evses if one.evse_id == evse_id), None),
        next((one for one in outcome.decision.evses if one.evse_id == evse_id), None),
    )
