"""Guided tests of discharge: asked for by a person, watched by that person, and recorded."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Protocol

from v2g_daemon.control.identity import may_test
from v2g_daemon.domain.decision import EvseDecision
from v2g_daemon.domain.goals import OverrideKind, UserOverride
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.probe import ProbePhase, ProbeRun, ProbeVerdict
from v2g_daemon.domain.readings import EvseStatus, PowerControl
from v2g_daemon.ports import ObservationSink
from v2g_daemon.step.house import Outcome

LONGEST = timedelta(minutes=5)
UNATTENDED_S = 5.0
TICKS = 3.0
BEGINS_WITHIN_TICKS = 2


class ProbedStations(Protocol):
    """The stations as far as a test concerns them."""

    def evse_of(self, name: str) -> str | None:
        """The EVSE of that name, or the only one of the station of that name."""
        ...

    def untestable(self, evse_id: str) -> str | None:
        """Why a discharge cannot be tested there, with the next step; None: it can."""
        ...

    def probed(self, evse_id: str, *, passed: bool, detail: str) -> None:
        """Keep the verdict."""
        ...


class ProbeDesk:
    """The test desk of one running daemon; `see` keeps it up to date.

    A test that nobody asks after any more is ended.
    """

    def __init__(self, *, policy: Policy, sink: ObservationSink, stations: ProbedStations) -> None:
        self._policy = policy
        self._sink = sink
        self._stations = stations
        self._outcome: Outcome | None = None
        self._runs: dict[str, ProbeRun] = {}
        self._asked_at: dict[str, Instant] = {}

    def see(self, outcome: Outcome) -> None:
        """The newest tick: keep its tests, record what ended, end what nobody watches."""
        self._outcome = outcome
        now = outcome.snapshot.now
        for decided in outcome.decision.evses:
            self._follow(decided)
        unattended_s = max(UNATTENDED_S, TICKS * self._policy.timing.tick_s)
        for evse_id, asked_at in list(self._asked_at.items()):
            if now.seconds_since(asked_at) > unattended_s:
                self._leave(evse_id)

    def start(self, *, name: str) -> dict[str, Any]:
        """Begin a test; raises ValueError with a text for the user where it cannot be."""
        outcome = self._outcome
        if outcome is None:
            raise ValueError("the daemon has not decided anything yet")
        evse_id = self._stations.evse_of(name)
        if evse_id is None:
            raise ValueError(f"no EVSE and no station with a single EVSE is named {name!r}")
        if evse_id in self._asked_at:
            raise ValueError("a test of it is running already")
        obstacle = self._stations.untestable(evse_id) or self._obstacle(outcome, evse_id)
        if obstacle is not None:
            raise ValueError(obstacle)
        now = outcome.snapshot.now
        self._runs.pop(evse_id, None)
        self._asked_at[evse_id] = now
        self._sink.put_override(
            UserOverride(
                evse_id=evse_id,
                kind=OverrideKind.PROBE,
                set_at_utc=now.utc,
                until_utc=now.utc + LONGEST,
            )
        )
        return {"evse_id": evse_id, "phase": "asked", "verdict": None, "detail": "asked for"}

    def progress(self, *, evse_id: str) -> dict[str, Any]:
        """How far the test has come; whoever asks, watches."""
        if evse_id in self._asked_at and self._outcome is not None:
            self._asked_at[evse_id] = self._outcome.snapshot.now
        run = self._runs.get(evse_id)
        if run is None:
            return {"evse_id": evse_id, "phase": "asked", "verdict": None, "detail": "asked for"}
        status = self._status(evse_id)
        return {
            "evse_id": evse_id,
            "phase": run.phase.value,
            "verdict": None if run.verdict is None else run.verdict.value,
            "detail": run.detail or self._waiting_for(run, evse_id),
            "target_w": run.target_w if run.phase is ProbePhase.DISCHARGING else 0.0,
            "power_w": None if status is None else status.power_w,
            "grid_w": self._grid_w(),
        }

    def cancel(self, *, evse_id: str) -> dict[str, Any]:
        """End it at 0 W; the test itself still sees to that."""
        self._sink.cancel_overrides(evse_id)
        return self.progress(evse_id=evse_id)

    def _follow(self, decided: EvseDecision) -> None:
        """Keep the newest run of a test of ours; one that ended, or went with its car, is over."""
        evse_id, run = decided.evse_id, decided.probe
        if evse_id not in self._asked_at:
            return
        before = self._runs.get(evse_id)
        if run is not None:
            self._runs[evse_id] = run
        elif before is not None:
            self._runs[evse_id] = run = _lost(before)
        if run is not None and run.phase is ProbePhase.OVER:
            self._stations.probed(
                evse_id, passed=run.verdict is ProbeVerdict.PASSED, detail=run.detail
            )
            self._leave(evse_id)

    def _leave(self, evse_id: str) -> None:
        del self._asked_at[evse_id]
        self._sink.cancel_overrides(evse_id)

    def _obstacle(self, outcome: Outcome, evse_id: str) -> str | None:
        status = self._status(evse_id)
        if status is None or not status.connected or not status.plugged_in:
            return "no car is plugged in, or the station is away"
        if not may_test(outcome.snapshot.commissioning, status.serial):
            return (
                "neither a permission to operate nor a test permit is recorded for the charger"
                f" with the serial number {status.serial}"
            )
        if not self._policy.grid.has_meter:
            return "a test is watched at the grid meter, and none is configured ([meter])"
        capability = status.capability
        if capability is not None and capability.control is PowerControl.SIGNED:
            return "this EVSE can be told to discharge already"
        if capability is None or capability.untried_discharge_w <= 0.0:
            return "this EVSE offers no discharge to try; look at max_discharge_w"
        return None

    def _waiting_for(self, run: ProbeRun, evse_id: str) -> str:
        """What keeps a resting test from going on: the limits that forbid the discharge."""
        if run.phase is not ProbePhase.RESTING or self._outcome is None:
            return ""
        decided = [one for one in self._outcome.decision.evses if one.evse_id == evse_id]
        forbidding = [
            limit.reason.detail
            for one in decided
            for limit in one.limits
            if limit.permitted.lowest_w > run.target_w
        ]
        return "; ".join(forbidding)

    def _status(self, evse_id: str) -> EvseStatus | None:
        if self._outcome is None:
            return None
        found = [one for one in self._outcome.snapshot.evses if one.evse_id == evse_id]
        return found[0] if found else None

    def _grid_w(self) -> float | None:
        meter = None if self._outcome is None else self._outcome.snapshot.meter
        return None if meter is None else meter.power_w


def _lost(run: ProbeRun) -> ProbeRun:
    """The memory of the test went with its session."""
    return ProbeRun(
        asked_at_utc=run.asked_at_utc,
        target_w=run.target_w,
        phase=ProbePhase.OVER,
        since=run.since,
        verdict=ProbeVerdict.FAILED,
        detail=run.detail or "the car went away",
    )
