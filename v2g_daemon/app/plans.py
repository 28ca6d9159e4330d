"""What the running daemon tells of its plans: hints with every status, all of them when asked."""

from __future__ import annotations

from typing import Any

from v2g_daemon.adapters.web.translate import plan_json
from v2g_daemon.control.hints import hints_of
from v2g_daemon.control.prospect import prospects
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.prospect import Hint
from v2g_daemon.step.house import Outcome


class PlanDesk:
    """The plans of one running daemon; `see` keeps it up to date."""

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
        )

    def hints(self, outcome: Outcome) -> tuple[Hint, ...]:
        """What only a person can do for the plans."""
        snapshot = outcome.snapshot
        return tuple(
            hint
            for status, decision in zip(snapshot.evses, outcome.decision.evses, strict=True)
            for hint in hints_of(status, decision.vehicle_id, snapshot, self._policy)
        )
