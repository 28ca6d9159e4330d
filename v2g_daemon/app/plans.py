"""What the running daemon tells when asked: the house now, and its plans."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from v2g_daemon.accounting.forecasting import forecast_errors
from v2g_daemon.adapters.web.translate import plan_json, status_json
from v2g_daemon.battery.budgets import warranty_budgets
from v2g_daemon.control.departures import told_sentences
from v2g_daemon.control.hints import hints_of
from v2g_daemon.control.prospect import prospects
from v2g_daemon.control.readiness import readiness_of
from v2g_daemon.control.situation import assess
from v2g_daemon.domain.budget import DischargeBudget
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.prospect import Hint, Readiness
from v2g_daemon.step.house import Outcome


class PlanDesk:
    """The status and the plans of one running daemon; `see` keeps it up to date."""

    def __init__(self, *, policy: Policy) -> None:
        self._policy = policy
        self._outcome: Outcome | None = None

    def see(self, outcome: Outcome) -> None:
        """The newest tick."""
        self._outcome = outcome

    def plan(self) -> dict[str, Any] | None:
        """All that can be told, None before the first tick; may be called from any thread."""
        outcome = self._outcome
        if outcome is None:
            return None
        snapshot, decisions = outcome.snapshot, outcome.decision.evses
        return plan_json(
            snapshot,
            decisions,
            prospects(outcome.memory_before, snapshot, decisions, self._policy),
            currency=self._policy.economics.currency,
            timezone=self._policy.timezone,
            errors=forecast_errors(
                (row for day in outcome.past.history for row in day),
                outcome.past.foretold,
                snapshot.now.utc,
            ),
        )

    def hints(self, outcome: Outcome) -> tuple[Hint, ...]:
        """What only a person can do for the plans."""
        snapshot = outcome.snapshot
        return tuple(
            hint
            for status, decision in zip(snapshot.evses, outcome.decision.evses, strict=True)
            for hint in hints_of(status, decision.vehicle_id, snapshot, self._policy)
        )

    def readiness(self, outcome: Outcome) -> dict[str, Readiness | None]:
        """Whether the next trip of each EVSE's car will be covered."""
        memory, snapshot, policy = outcome.memory_before, outcome.snapshot, self._policy
        return {
            status.evse_id: readiness_of(
                assess(status, memory.of(status.evse_id), snapshot, policy, memory.latches),
                snapshot,
                policy,
            )
            for status in snapshot.evses
        }

    def budgets(self, outcome: Outcome) -> dict[str, tuple[DischargeBudget, ...]]:
        """How far the warranty's budgets of each EVSE's car are used."""
        snapshot = outcome.snapshot
        found: dict[str, tuple[DischargeBudget, ...]] = {}
        for decision in outcome.decision.evses:
            for counters in snapshot.counters:
                if counters.vehicle_id == decision.vehicle_id:
                    vehicle = self._policy.vehicle(counters.vehicle_id)
                    budgets = warranty_budgets(vehicle, counters, snapshot.now.utc)
                    found[decision.evse_id] = budgets
        return found

    def status(self) -> dict[str, Any] | None:
        """The house now, as `/api/v1/status` shows it; None before the first tick."""
        outcome = self._outcome
        if outcome is None:
            return None
        return status_json(
            outcome.snapshot,
            outcome.decision.evses,
            outcome.faults,
            self.hints(outcome),
            self.readiness(outcome),
            self.budgets(outcome),
            told_sentences(
                outcome.snapshot, outcome.decision.evses, ZoneInfo(self._policy.timezone)
            ),
        )
