"""A latch is cleared by a person with a reason, as an observation like any other."""

from __future__ import annotations

from typing import Any

from v2g_daemon.domain.memory import LatchClearance
from v2g_daemon.ports import ObservationSink
from v2g_daemon.step.house import Outcome


class LatchDesk:
    """The latch desk of one running daemon; `see` keeps it up to date."""

    def __init__(self, *, sink: ObservationSink) -> None:
        self._sink = sink
        self._outcome: Outcome | None = None

    def see(self, outcome: Outcome) -> None:
        """The newest tick."""
        self._outcome = outcome

    def clear(self, *, evse_id: str, because: str) -> dict[str, Any]:
        """Raises ValueError with a text for the user where nothing can be cleared."""
        if self._outcome is None:
            raise ValueError("the daemon has not decided anything yet")
        memory = self._outcome.memory_after
        latch = next((one for one in memory.latches if one.evse_id == evse_id), None)
        if latch is None:
            raise ValueError(f"no latch is set at {evse_id!r}")
        if memory.of(evse_id).direction.evidence is not None:
            raise ValueError("the charger still moves against its command; find the cause first")
        self._sink.clear_latch(LatchClearance(evse_id=evse_id, because=because))
        return {
            "evse_id": evse_id,
            "rule": latch.rule,
            "detail": f"cleared: {latch.detail} (since {latch.since_utc:%Y-%m-%d %H:%M} UTC)",
        }
