"""A guided test of discharge, tick by tick: what it permits, and how soon it ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from tests.builders import (
    NOW,
    a_capability,
    a_meter,
    a_policy,
    a_snapshot,
    an_evse_status,
    an_override,
    commissioning,
)
from v2g_daemon.control.decide import decide
from v2g_daemon.domain.decision import EvseDecision
from v2g_daemon.domain.goals import OverrideKind
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.memory import Memory
from v2g_daemon.domain.power import PowerRange
from v2g_daemon.domain.probe import ProbePhase, ProbeRun, ProbeVerdict
from v2g_daemon.domain.readings import CommandOutcome, EvseStatus, OutcomeKind, PowerControl
from v2g_daemon.domain.setpoint import Setpoint
from v2g_daemon.domain.snapshot import CommissioningRecord, CommissioningStep, Snapshot

UNTRIED = a_capability(
    power=PowerRange(lowest_w=0.0, highest_w=7400.0),
    control=PowerControl.CHARGE_LIMIT,
    untried_discharge_w=7400.0,
)
LAG_S = 2.0


def permit(step: CommissioningStep) -> tuple[CommissioningRecord, ...]:
    return tuple(record for record in commissioning() if record.step is step)


@dataclass(slots=True, kw_only=True)
class Bench:
    """A house of 4 kW whose station does with each command what `obeys` says, 2 s later."""

    obeys: Callable[[float], float] = lambda target_w: target_w
    records: tuple[CommissioningRecord, ...] = permit(CommissioningStep.TEST_PERMIT)
    house_w: float = 4000.0
    asked: bool = True
    changes: dict[str, object] = field(default_factory=dict)
    silent_meter: bool = False
    outcome: CommandOutcome | None = None
    elapsed_s: float = 0.0
    power_w: float = 0.0
    told: list[tuple[float, float]] = field(default_factory=list)
    memory: Memory = field(default_factory=Memory)
    decisions: list[EvseDecision] = field(default_factory=list)

    @property
    def now(self) -> Instant:
        return NOW.later(self.elapsed_s)

    @property
    def target_w(self) -> float:
        command = self.decisions[-1].command
        assert isinstance(command, Setpoint)
        return command.target_w

    @property
    def run(self) -> ProbeRun:
        found = self.decisions[-1].probe
        assert found is not None
        return found

    def snapshot(self) -> Snapshot:
        status = an_evse_status(
            capability=UNTRIED,
            power_w=self.power_w,
            power_observed_at=self.now,
            soc_observed_at=self.now,
            registers_observed_at=self.now,
            outcome=self.outcome,
        )
        meter = a_meter(self.house_w + self.power_w)
        override = an_override(
            OverrideKind.PROBE, set_at_utc=NOW.utc, until_utc=NOW.later(300.0).utc
        )
        return a_snapshot(
            now=self.now,
            meter=replace(meter, observed_at=NOW if self.silent_meter else self.now),
            evses=(replace(status, **self.changes),),  # type: ignore[arg-type]
            overrides=(override,) if self.asked else (),
            commissioning=self.records,
            recording=replace(a_snapshot().recording, last_durable_at=self.now),
        )

    def tick(self) -> None:
        self.memory, decision = decide(self.memory, self.snapshot(), a_policy())
        self.decisions.append(decision.evses[0])
        self.told.append((self.elapsed_s, self.target_w))
        self.elapsed_s += 1.0
        effective = [w for at_s, w in self.told if at_s <= self.elapsed_s - LAG_S]
        if effective:
            self.power_w = self.obeys(effective[-1])

    def until(self, phase: ProbePhase, *, within_s: int = 200) -> None:
        for _ in range(within_s):
            self.tick()
            if self.run.phase is phase:
                return
        raise AssertionError(f"never {phase}: {self.run}")

    def commanded(self) -> list[float]:
        """The commands in order, each once."""
        return [
            target_w
            for i, (_, target_w) in enumerate(self.told)
            if i == 0 or self.told[i - 1][1] != target_w
        ]


def test_a_station_that_discharges_as_told_passes_and_is_at_rest_afterwards() -> None:
    bench = Bench()
    bench.until(ProbePhase.OVER)
    assert bench.run.verdict is ProbeVerdict.PASSED
    assert bench.run.detail == ("of 1400 W the grid meter saw 1400 W and the station says 1400 W")
    assert bench.commanded() == [0.0, -1400.0, 0.0]
    discharging_s = sum(target_w < 0.0 for _, target_w in bench.told)
    assert discharging_s == 60
    assert all(
        decision.command.probe
        for decision in bench.decisions[:-1]
        if isinstance(decision.command, Setpoint)
    )
    leases_s = {
        decision.command.expires_at.seconds_since(decision.command.issued_at)
        for decision in bench.decisions[:-1]
        if isinstance(decision.command, Setpoint)
    }
    assert leases_s == {15.0}


@pytest.mark.parametrize(
    ("obeys", "says"),
    [
        (lambda w: 7400.0 if w < 0.0 else w, "the grid meter rose by 7400 W"),
        (lambda w: -7400.0 if w < 0.0 else w, "the grid meter fell by 7400 W"),
        (lambda w: -w, "the grid meter rose by 1400 W"),
    ],
)
def test_a_surprise_ends_it_in_the_tick_that_sees_it(
    obeys: Callable[[float], float], says: str
) -> None:
    bench = Bench(obeys=obeys)
    bench.until(ProbePhase.DISCHARGING)
    began_s = bench.elapsed_s
    bench.until(ProbePhase.ENDING)
    assert bench.elapsed_s - began_s <= LAG_S + 1.0  # 2 s of lag, and the tick that sees it
    assert bench.target_w == 0.0
    bench.until(ProbePhase.OVER)
    assert bench.run.verdict is ProbeVerdict.FAILED
    assert bench.run.detail.startswith(says)
    assert [w for w in bench.commanded() if w < 0.0] == [-1400.0]


def test_a_station_that_does_nothing_fails_after_its_minute() -> None:
    bench = Bench(obeys=lambda w: max(w, 0.0))
    bench.until(ProbePhase.OVER)
    assert bench.run.verdict is ProbeVerdict.FAILED
    assert "the grid meter saw 0 W" in bench.run.detail.replace("-0 W", "0 W")


def test_a_station_that_stays_in_discharge_after_0_w_fails() -> None:
    stuck = {"on": False}

    def obeys(target_w: float) -> float:
        stuck["on"] = stuck["on"] or target_w < 0.0
        return -1400.0 if stuck["on"] else target_w

    bench = Bench(obeys=obeys)
    bench.until(ProbePhase.OVER)
    assert bench.run.verdict is ProbeVerdict.FAILED
    assert bench.run.detail.endswith("it did not come back to 0 W within 30 s")


def refused(bench: Bench) -> None:
    bench.outcome = CommandOutcome(
        kind=OutcomeKind.REJECTED, target_w=-1400.0, answered_at=bench.now, detail="no"
    )


def unplugged(bench: Bench) -> None:
    bench.changes = {"connected": False}


def silent(bench: Bench) -> None:
    bench.silent_meter = True


def kettle(bench: Bench) -> None:
    bench.house_w += 2000.0


@pytest.mark.parametrize(
    ("happens", "says"),
    [
        (refused, "the station did not take the command: no"),
        (silent, "the grid meter fell silent"),
        (kettle, "the grid meter rose by"),
    ],
)
def test_whatever_happens_meanwhile_ends_it_at_0_w(
    happens: Callable[[Bench], None], says: str
) -> None:
    bench = Bench()
    bench.until(ProbePhase.DISCHARGING)
    for _ in range(5):
        bench.tick()
    happens(bench)
    bench.tick()
    assert bench.run.phase is ProbePhase.ENDING
    assert bench.run.detail.startswith(says)
    assert bench.target_w == 0.0


def test_a_station_that_goes_away_ends_it_though_nobody_can_be_told() -> None:
    bench = Bench()
    bench.until(ProbePhase.DISCHARGING)
    unplugged(bench)
    bench.memory, decision = decide(bench.memory, bench.snapshot(), a_policy())
    run = decision.evses[0].probe
    assert run is not None
    assert (run.phase, run.verdict) == (ProbePhase.ENDING, ProbeVerdict.FAILED)
    assert not isinstance(decision.evses[0].command, Setpoint)


def test_cancelled_it_ends_at_0_w_whatever_else_is_wanted() -> None:
    bench = Bench()
    bench.until(ProbePhase.DISCHARGING)
    for _ in range(5):
        bench.tick()
    bench.asked = False
    bench.tick()
    assert (bench.run.phase, bench.target_w) == (ProbePhase.ENDING, 0.0)
    bench.until(ProbePhase.OVER)
    assert bench.run.verdict is ProbeVerdict.CANCELLED
    assert bench.commanded() == [0.0, -1400.0, 0.0]


@pytest.mark.parametrize(
    ("step", "passes"),
    [
        (CommissioningStep.TEST_PERMIT, True),
        (CommissioningStep.PERMISSION_TO_OPERATE, True),
        (CommissioningStep.OWNER_CONSENT, False),
        (None, False),
    ],
)
def test_it_needs_a_permit_and_no_more_than_that(
    step: CommissioningStep | None, passes: bool
) -> None:
    bench = Bench(records=() if step is None else permit(step))
    bench.until(ProbePhase.OVER)
    expected = ProbeVerdict.PASSED if passes else ProbeVerdict.FAILED
    assert bench.run.verdict is expected
    if not passes:
        assert bench.run.detail == "the limits do not permit it"
        assert all(target_w >= 0.0 for _, target_w in bench.told)


@pytest.mark.parametrize(
    "changes",
    [
        {"soc": 0.25},  # below the floor
        {"soc": None, "soc_observed_at": None},
        {"identity": None, "session_id": None},
        {"capability": replace(UNTRIED, untried_discharge_w=0.0)},
    ],
)
def test_every_other_limit_applies(changes: dict[str, object]) -> None:
    bench = Bench(changes=changes)
    bench.until(ProbePhase.OVER)
    assert bench.run.verdict is ProbeVerdict.FAILED
    assert all(target_w >= 0.0 for _, target_w in bench.told)


def test_it_does_not_export_what_may_not_be_exported() -> None:
    bench = Bench(house_w=900.0)
    bench.until(ProbePhase.OVER)
    assert bench.run.detail == "the limits do not permit it"
    assert all(target_w >= 0.0 for _, target_w in bench.told)


def test_a_load_that_ends_meanwhile_ends_it() -> None:
    bench = Bench()
    bench.until(ProbePhase.DISCHARGING)
    for _ in range(5):
        bench.tick()
    bench.house_w = 1500.0
    bench.tick()
    assert bench.target_w >= -1400.0
    bench.until(ProbePhase.OVER)
    assert bench.run.verdict is ProbeVerdict.FAILED


def test_an_old_wish_begins_no_test() -> None:
    bench = Bench(elapsed_s=11.0)
    bench.tick()
    assert bench.decisions[-1].probe is None


def test_one_wish_is_one_test() -> None:
    bench = Bench()
    bench.until(ProbePhase.OVER)
    ended = bench.run
    for _ in range(5):
        bench.tick()
    assert bench.run == ended


def test_no_wish_but_a_test_may_discharge_what_is_not_proved() -> None:
    status: EvseStatus = an_evse_status(capability=UNTRIED)
    for kind in (OverrideKind.CHARGE, OverrideKind.STOP):
        snapshot = a_snapshot(evses=(status,), overrides=(an_override(kind),))
        decision = decide(Memory(), snapshot, a_policy())[1].evses[0]
        assert isinstance(decision.command, Setpoint)
        assert decision.command.permitted.lowest_w == 0.0
        assert not decision.command.probe
