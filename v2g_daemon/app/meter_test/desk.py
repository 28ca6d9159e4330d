"""The guided test of meters: rest, a load, a small charge, and where permitted a small discharge.

Each step that passed is kept, so that an interrupted test goes on where it stopped. Somebody must
ask after it all the time; a test that nobody watches ends.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Protocol

from v2g_daemon.app.meter_test import judging
from v2g_daemon.app.meter_test.judging import Powers, Verdict
from v2g_daemon.control.identity import SIMULATED_SERIAL_PREFIX, may_test
from v2g_daemon.domain.goals import OverrideKind, UserOverride
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.ledger import StationEvent, StationEventKind
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.probe import ProbePhase, ProbeVerdict
from v2g_daemon.domain.readings import EvseStatus, PowerControl
from v2g_daemon.domain.snapshot import CommissioningRecord, CommissioningStep
from v2g_daemon.ports import ObservationSink, StationJournal
from v2g_daemon.step.house import Outcome

KEPT_AS = "meter_test"
KEPT_FOR = timedelta(hours=24)
LONGEST = timedelta(minutes=5)
UNATTENDED_S = 15.0
REST_S = 10.0
LONGEST_REST_S = 180.0
LONGEST_LOAD_S = 180.0
LONGEST_CHARGE_S = 120.0
LOOK_S = 5.0
AT_REST_W = 100.0
FLOWS_SHARE = 0.8
TICKS = 3.0


class Step(Enum):
    """What is proved, in this order."""

    LOAD = "load"
    CHARGE = "charge"
    DISCHARGE = "discharge"


class Phase(Enum):
    """What happens now."""

    RESTING = "resting"  # 0 W at the car, to know what the house draws
    LOAD = "load"  # somebody switches a load on
    CHARGING = "charging"
    DISCHARGING = "discharging"
    OVER = "over"


class CommissioningSink(Protocol):
    """Where a new record becomes part of the next snapshot."""

    def put_commissioning(self, record: CommissioningRecord) -> None: ...


@dataclass(slots=True, kw_only=True)
class _Test:
    """One test; `rest` is the house without load and car, `samples` those of this phase."""

    evse_id: str
    by: str
    begun_utc: datetime
    asked_at: Instant
    since: Instant
    phase: Phase = Phase.RESTING
    passed: dict[Step, str] = field(default_factory=dict)
    rest: Powers | None = None
    samples: list[tuple[Instant, Powers]] = field(default_factory=list)
    wished_utc: datetime | None = None
    verdict: Verdict | None = None


class MeterTestDesk:
    """The desk of one running daemon; `see` keeps it up to date."""

    def __init__(
        self,
        *,
        policy: Policy,
        sink: ObservationSink,
        commissioning: CommissioningSink,
        journal: StationJournal,
        record: Callable[[CommissioningRecord], None],
    ) -> None:
        self._policy = policy
        self._sink = sink
        self._commissioning = commissioning
        self._journal = journal
        self._record = record
        self._outcome: Outcome | None = None
        self._test: _Test | None = None

    def see(self, outcome: Outcome) -> None:
        """The newest tick: one step further, or ended because nobody watches."""
        self._outcome = outcome
        test, now = self._test, outcome.snapshot.now
        if test is None or test.phase is Phase.OVER:
            return
        if now.seconds_since(test.asked_at) > self._patience_s(UNATTENDED_S):
            self._end(test, Verdict(passed=False, detail="nobody watched it any more"))
            return
        self._step(test, outcome)

    def start(self, *, name: str, by: str) -> dict[str, Any]:
        """Begin, or go on where an earlier one stopped; ValueError says why it cannot be."""
        outcome = self._outcome
        if outcome is None:
            raise ValueError("the daemon has not decided anything yet")
        if self._test is not None and self._test.phase is not Phase.OVER:
            raise ValueError(f"a test with charger {self._test.evse_id} is running already")
        obstacle = self._obstacle(outcome, name)
        if obstacle is not None:
            raise ValueError(obstacle)
        now = outcome.snapshot.now
        self._test = _Test(
            evse_id=name,
            by=by,
            begun_utc=now.utc,
            asked_at=now,
            since=now,
            passed=self._passed_before(name, outcome),
        )
        self._wish(self._test, OverrideKind.STOP, now)
        return self._shown(self._test)

    def progress(self) -> dict[str, Any]:
        """How far it has come; whoever asks, watches."""
        test, outcome = self._test, self._outcome
        if test is None or outcome is None:
            raise ValueError("no test of the meters was begun")
        test.asked_at = outcome.snapshot.now
        return self._shown(test)

    def cancel(self) -> dict[str, Any]:
        """End it; what passed is kept for a day."""
        test = self._test
        if test is None:
            raise ValueError("no test of the meters was begun")
        if test.phase is not Phase.OVER:
            self._end(
                test, Verdict(passed=False, detail="cancelled; what passed is kept for a day")
            )
        return self._shown(test)

    def _step(self, test: _Test, outcome: Outcome) -> None:
        status = _status(outcome, test.evse_id)
        powers = judging.powers_of(outcome.snapshot)
        if status is None or not status.connected or not status.plugged_in:
            self._end(test, Verdict(passed=False, detail="the charger or the car went away"))
            return
        now = outcome.snapshot.now
        if powers is not None:
            test.samples.append((now, powers))
        match test.phase:
            case Phase.RESTING:
                self._resting(test, status, now)
            case Phase.LOAD:
                self._loading(test, now)
            case Phase.CHARGING:
                self._charging(test, status, now)
            case Phase.DISCHARGING:
                self._discharging(test, outcome)
            case Phase.OVER:
                return

    def _resting(self, test: _Test, status: EvseStatus, now: Instant) -> None:
        """Until the car rests and the house stood still for a while."""
        power_w = status.power_w
        if power_w is None or abs(power_w) > AT_REST_W:
            test.samples.clear()
        still = self._newest(test, now, REST_S)
        if still is not None and judging.is_still(still):
            test.rest = judging.mean_of(still)
            self._next(test, now)
        elif now.seconds_since(test.since) > self._patience_s(LONGEST_REST_S):
            self._end(
                test,
                Verdict(
                    passed=False,
                    detail="the car or the house does not come to rest: switch off what cycles",
                ),
            )

    def _next(self, test: _Test, now: Instant) -> None:
        """The first step that has not passed yet."""
        if Step.LOAD not in test.passed:
            self._turn(test, Phase.LOAD, now)
        elif Step.CHARGE not in test.passed:
            self._turn(test, Phase.CHARGING, now)
            self._wish(test, OverrideKind.CHARGE_LEAST, now)
        elif Step.DISCHARGE not in test.passed and self._may_discharge(test):
            self._turn(test, Phase.DISCHARGING, now)
            self._wish(test, OverrideKind.PROBE, now)
        else:
            self._finish(test, now)

    def _loading(self, test: _Test, now: Instant) -> None:
        """Until a load shows and stays, or nobody waits any longer."""
        newest = self._newest(test, now, LOOK_S)
        if newest is None or test.rest is None:
            return
        step = judging.moved(test.rest, judging.mean_of(newest))
        if judging.load_moved(step) and judging.is_still(newest):
            self._judged(test, Step.LOAD, judging.load_verdict(step), now)
        elif now.seconds_since(test.since) > self._patience_s(LONGEST_LOAD_S):
            self._end(test, judging.unseen_load(step, self._roles()))

    def _charging(self, test: _Test, status: EvseStatus, now: Instant) -> None:
        """Until the charge flows and the meters stand still on it."""
        evse, power_w = self._policy.evse(test.evse_id), status.power_w
        if power_w is None or power_w < FLOWS_SHARE * max(evse.min_charge_w, AT_REST_W):
            test.samples.clear()
        newest = self._newest(test, now, REST_S)
        if newest is not None and judging.is_still(newest) and test.rest is not None:
            step = judging.moved(test.rest, judging.mean_of(newest))
            verdict = judging.car_verdict(
                step,
                power_w=0.0 if power_w is None else power_w,
                phases=evse.phases,
                connected_phase=evse.connected_phase,
                roles=self._roles(),
            )
            self._judged(test, Step.CHARGE, verdict, now)
        elif now.seconds_since(test.since) > self._patience_s(LONGEST_CHARGE_S):
            why = self._held_back(test) or "the car does not charge"
            self._end(test, Verdict(passed=False, detail=why))

    def _discharging(self, test: _Test, outcome: Outcome) -> None:
        """The guided test of discharge, which judges by itself."""
        found = [one for one in outcome.decision.evses if one.evse_id == test.evse_id]
        run = found[0].probe if found else None
        now = outcome.snapshot.now
        if run is None or run.asked_at_utc != test.wished_utc:
            if now.seconds_since(test.since) > self._patience_s(LOOK_S * TICKS):
                self._end(test, Verdict(passed=False, detail="the discharge did not begin"))
            return
        if run.phase is ProbePhase.OVER:
            passed = run.verdict is ProbeVerdict.PASSED
            self._judged(test, Step.DISCHARGE, Verdict(passed=passed, detail=run.detail), now)

    def _judged(self, test: _Test, step: Step, verdict: Verdict, now: Instant) -> None:
        if not verdict.passed:
            self._end(test, verdict)
            return
        test.passed[step] = verdict.detail
        self._keep(test, now)
        test.rest = None
        self._turn(test, Phase.RESTING, now)
        self._wish(test, OverrideKind.STOP, now)

    def _finish(self, test: _Test, now: Instant) -> None:
        """All that can be proved is: put it on record."""
        outcome = self._outcome
        status = None if outcome is None else _status(outcome, test.evse_id)
        if outcome is None or status is None or status.serial is None:
            self._end(test, Verdict(passed=False, detail="the charger tells no serial number"))
            return
        evidence = "; ".join(f"{step.value}: {said}" for step, said in test.passed.items())
        record = CommissioningRecord(
            step=CommissioningStep.SIGN_TEST,
            evse_serial=status.serial,
            recorded_at_utc=now.utc,
            recorded_by=test.by,
            evidence=evidence,
            simulated=status.serial.startswith(SIMULATED_SERIAL_PREFIX),
            meter_serial=outcome.snapshot.grid_meter_serial,
        )
        self._record(record)
        self._commissioning.put_commissioning(record)
        test.passed.clear()
        self._keep(test, now)
        self._end(test, Verdict(passed=True, detail=evidence))

    def _end(self, test: _Test, verdict: Verdict) -> None:
        test.phase, test.verdict = Phase.OVER, verdict
        self._sink.cancel_overrides(test.evse_id)

    def _turn(self, test: _Test, phase: Phase, now: Instant) -> None:
        test.phase, test.since = phase, now
        test.samples.clear()

    def _wish(self, test: _Test, kind: OverrideKind, now: Instant) -> None:
        test.wished_utc = now.utc
        self._sink.put_override(
            UserOverride(
                evse_id=test.evse_id,
                kind=kind,
                set_at_utc=now.utc,
                until_utc=now.utc + LONGEST,
                confirmed=True,
            )
        )

    def _newest(self, test: _Test, now: Instant, seconds_s: float) -> tuple[Powers, ...] | None:
        """The samples of the last seconds, once there are as many; older ones are dropped."""
        wanted_s = self._patience_s(seconds_s)
        begun = any(now.seconds_since(at) >= wanted_s for at, _ in test.samples)
        if not begun:
            return None
        test.samples[:] = [one for one in test.samples if now.seconds_since(one[0]) <= wanted_s]
        return tuple(powers for _, powers in test.samples)

    def _patience_s(self, least_s: float) -> float:
        return max(least_s, TICKS * self._policy.timing.tick_s)

    def _roles(self) -> dict[str, Any]:
        statuses = () if self._outcome is None else self._outcome.snapshot.meters
        return {one.meter_id: one.role for one in statuses}

    def _may_discharge(self, test: _Test) -> bool:
        """Whether the charger can, and somebody has permitted it."""
        outcome = self._outcome
        status = None if outcome is None else _status(outcome, test.evse_id)
        if outcome is None or status is None or status.capability is None:
            return False
        can = (
            status.capability.control is PowerControl.SIGNED
            and status.capability.power.lowest_w < 0.0
        )
        return can and may_test(outcome.snapshot.commissioning, status.serial)

    def _held_back(self, test: _Test) -> str | None:
        outcome = self._outcome
        found = () if outcome is None else outcome.decision.evses
        said = [one.command.reason.detail for one in found if one.evse_id == test.evse_id]
        return f"the car does not charge: {said[0]}" if said else None

    def _obstacle(self, outcome: Outcome, name: str) -> str | None:
        status = _status(outcome, name)
        if status is None:
            known = ", ".join(evse.evse_id for evse in self._policy.evses)
            return f"no charger is called {name!r}; name one of {known}"
        if not self._policy.grid.has_meter:
            return 'no [[meter]] with role = "grid" is configured'
        if not status.connected or not status.plugged_in:
            return "plug a car in first; without one nothing can be tested"
        if any(
            one.evse_id == name and one.until_utc > outcome.snapshot.now.utc
            for one in outcome.snapshot.overrides
        ):
            return "a wish of yours stands; end it first: v2g auto"
        return None

    def _passed_before(self, evse_id: str, outcome: Outcome) -> dict[Step, str]:
        """What an earlier test proved of the same meter within a day."""
        event = self._journal.newest(evse_id, StationEventKind.LEARNED, KEPT_AS)
        if event is None or outcome.snapshot.now.utc - event.at_utc > KEPT_FOR:
            return {}
        told = json.loads(event.detail)
        if told["meter_serial"] != outcome.snapshot.grid_meter_serial:
            return {}
        return {Step(name): said for name, said in told["passed"].items()}

    def _keep(self, test: _Test, now: Instant) -> None:
        outcome = self._outcome
        serial = None if outcome is None else outcome.snapshot.grid_meter_serial
        told = {
            "meter_serial": serial,
            "passed": {step.value: said for step, said in test.passed.items()},
        }
        self._journal.note(
            StationEvent(
                at_utc=now.utc,
                station_id=test.evse_id,
                kind=StationEventKind.LEARNED,
                name=KEPT_AS,
                detail=json.dumps(told),
            )
        )

    def _shown(self, test: _Test) -> dict[str, Any]:
        powers = None if self._outcome is None else judging.powers_of(self._outcome.snapshot)
        verdict = test.verdict
        return {
            "evse_id": test.evse_id,
            "phase": test.phase.value,
            "passed": {step.value: said for step, said in test.passed.items()},
            "verdict": None if verdict is None else ("passed" if verdict.passed else "failed"),
            "detail": "" if verdict is None else verdict.detail,
            "grid_w": None if powers is None else powers.grid_w,
            "phase_w": [] if powers is None else list(powers.phase_w),
        }


def _status(outcome: Outcome, evse_id: str) -> EvseStatus | None:
    return next((one for one in outcome.snapshot.evses if one.evse_id == evse_id), None)
