"""Guided tests of discharge: asked for by a person, watched by that person, and recorded."""

from __future__ import annotations

from dataclasses import dataclass, replace
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
BEGINS_WITHIN_S = 15.0
TICKS = 3.0


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


@dataclass(slots=True, kw_only=True)
class _Test:
    """One test: since when, when somebody asked after it last, and how far it has come."""

    begun_at: Instant
    asked_at: Instant
    run: ProbeRun | None = None
    withdrawn: bool = False

    @property
    def is_over(self) -> bool:
        """Whether its verdict is final."""
        return self.run is not None and self.run.phase is ProbePhase.OVER


class ProbeDesk:
    """The test desk of one running daemon; `see` keeps it up to date.

    A test that nobody asks after any more is ended.
    """

    def __init__(self, *, policy: Policy, sink: ObservationSink, stations: ProbedStations) -> None:
        self._policy = policy
        self._sink = sink
        self._stations = stations
        self._outcome: Outcome | None = None
        self._tests: dict[str, _Test] = {}

    def see(self, outcome: Outcome) -> None:
        """The newest tick: keep its tests, record what ended, end what nobody watches."""
        self._outcome = outcome
        now = outcome.snapshot.now
        for decided in outcome.decision.evses:
            test = self._tests.get(decided.evse_id)
            if test is not None and not test.is_over:
                self._follow(decided, test, now)
                if now.seconds_since(test.asked_at) > self._patience_s(UNATTENDED_S):
                    self._withdraw(decided.evse_id, test)

    def start(self, *, name: str) -> dict[str, Any]:
        """Begin a test; raises ValueError with a text for the user where it cannot be."""
        outcome = self._outcome
        if outcome is None:
            raise ValueError("the daemon has not decided anything yet")
        evse_id = self._stations.evse_of(name)
        if evse_id is None:
            raise ValueError(f"no EVSE and no station with a single EVSE is named {name!r}")
        test = self._tests.get(evse_id)
        if test is not None and not test.is_over:
            raise ValueError("a test of it is running already")
        obstacle = self._stations.untestable(evse_id) or self._obstacle(outcome, evse_id)
        if obstacle is not None:
            raise ValueError(obstacle)
        now = outcome.snapshot.now
        self._tests[evse_id] = _Test(begun_at=now, asked_at=now)
        self._sink.put_override(
            UserOverride(
                evse_id=evse_id,
                kind=OverrideKind.PROBE,
                set_at_utc=now.utc,
                until_utc=now.utc + LONGEST,
            )
        )
        return _shown(evse_id, None)

    def progress(self, *, evse_id: str) -> dict[str, Any]:
        """How far the test has come; whoever asks, watches."""
        test, outcome = self._known(evse_id), self._outcome
        if outcome is None:
            return _shown(evse_id, None)
        test.asked_at = outcome.snapshot.now
        if test.run is None:
            return _shown(evse_id, None)
        run, status, meter = test.run, self._status(evse_id), outcome.snapshot.meter
        return {
            **_shown(evse_id, run),
            "detail": run.detail or self._waiting_for(run, evse_id),
            "target_w": run.target_w if run.phase is ProbePhase.DISCHARGING else 0.0,
            "power_w": None if status is None else status.power_w,
            "grid_w": None if meter is None else meter.power_w,
        }

    def cancel(self, *, evse_id: str) -> dict[str, Any]:
        """End it at 0 W; the test itself still sees to that."""
        self._withdraw(evse_id, self._known(evse_id))
        return self.progress(evse_id=evse_id)

    def _known(self, evse_id: str) -> _Test:
        if evse_id not in self._tests:
            raise ValueError(f"no test of {evse_id!r} was begun")
        return self._tests[evse_id]

    def _follow(self, decided: EvseDecision, test: _Test, now: Instant) -> None:
        """Keep its newest state; one that ended, or went with its car, is over."""
        evse_id, run = decided.evse_id, decided.probe
        if run is not None and run.asked_at_utc == test.begun_at.utc:
            test.run = run
        elif test.run is not None:
            test.run = _over(test.run, test.run.detail or "the car went away")
        elif now.seconds_since(test.begun_at) > self._patience_s(BEGINS_WITHIN_S):
            test.run = _over(_unbegun(test), "it did not begin: another wish took its place")
            return
        if test.is_over and test.run is not None:
            passed = test.run.verdict is ProbeVerdict.PASSED
            self._stations.probed(evse_id, passed=passed, detail=test.run.detail)
            self._withdraw(evse_id, test)

    def _withdraw(self, evse_id: str, test: _Test) -> None:
        """Take the wish for it back, once; a newer wish stays."""
        if test.withdrawn:
            return
        test.withdrawn = True
        overrides = () if self._outcome is None else self._outcome.snapshot.overrides
        newer = any(
            one.evse_id == evse_id and one.set_at_utc > test.begun_at.utc for one in overrides
        )
        if not newer:
            self._sink.cancel_overrides(evse_id)

    def _patience_s(self, least_s: float) -> float:
        return max(least_s, TICKS * self._policy.timing.tick_s)

    def _obstacle(self, outcome: Outcome, evse_id: str) -> str | None:
        status, now_utc = self._status(evse_id), outcome.snapshot.now.utc
        if status is None or not status.connected or not status.plugged_in:
            return "no car is plugged in, or the station is away"
        if any(
            one.evse_id == evse_id and one.until_utc > now_utc for one in outcome.snapshot.overrides
        ):
            return "a wish of yours stands; end it first: v2g auto"
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


def _shown(evse_id: str, run: ProbeRun | None) -> dict[str, Any]:
    if run is None:
        return {"evse_id": evse_id, "phase": "asked", "verdict": None, "detail": "asked for"}
    verdict = None if run.verdict is None else run.verdict.value
    return {"evse_id": evse_id, "phase": run.phase.value, "verdict": verdict}


def _unbegun(test: _Test) -> ProbeRun:
    return ProbeRun(
        asked_at_utc=test.begun_at.utc,
        target_w=0.0,
        phase=ProbePhase.RESTING,
        since=test.begun_at,
    )


def _over(run: ProbeRun, detail: str) -> ProbeRun:
    """The memory of a test goes with its session."""
    return replace(run, phase=ProbePhase.OVER, verdict=ProbeVerdict.FAILED, detail=detail)
