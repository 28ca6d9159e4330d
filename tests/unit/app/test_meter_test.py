"""The guided test of the meters: its course, what it records, and what interrupts it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.adapters.ocpp.scripted_station import MemoryJournal
from tests.builders import (
    NOW,
    a_capability,
    a_meter,
    a_policy,
    an_evse_status,
    commissioning,
    some_counters,
)
from tests.unit.step.news import some_news
from v2g_daemon.accounting.metering import resume
from v2g_daemon.app.meter_test.desk import MeterTestDesk
from v2g_daemon.domain.goals import OverrideKind
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.readings import MeterRole, MeterStatus
from v2g_daemon.domain.setpoint import Setpoint
from v2g_daemon.domain.snapshot import CommissioningRecord, CommissioningStep, RecordingHealth
from v2g_daemon.runtime.latest_values import LatestValues
from v2g_daemon.step.house import House, advance
from v2g_daemon.step.news import News

UNPROVED = tuple(one for one in commissioning() if one.step is not CommissioningStep.SIGN_TEST)
NOT_PERMITTED = tuple(one for one in UNPROVED if one.step is CommissioningStep.OWNER_CONSENT)
NO_STEPS: tuple[float, float, float] = (1.0, 1.0, 1.0)


class Bench:
    """The desk beside a house whose charger does what it is told by the next second."""

    def __init__(
        self,
        *,
        records: tuple[CommissioningRecord, ...] = UNPROVED,
        signs: tuple[float, float, float] = NO_STEPS,
        journal: MemoryJournal | None = None,
    ) -> None:
        self.policy = a_policy()
        self.latest = LatestValues(evse_ids=["carport"])
        self.journal = MemoryJournal() if journal is None else journal
        self.recorded: list[CommissioningRecord] = []
        self.serial: str | None = "METER-A"
        self.plugged_in = True
        self.load_w = 4000.0
        self._records, self._signs = records, signs
        self.desk = self._desk()
        self._house = House(
            metering=resume(
                pcc=None,
                evses=(),
                sessions=(),
                soc_days=(),
                counters_read=(some_counters(),),
                decisions=(),
                now_utc=NOW.utc,
                timezone=self.policy.timezone,
            )
        )
        self._elapsed_s, self._power_w = 0.0, 0.0
        self.tick(watched=False)

    def _desk(self) -> MeterTestDesk:
        return MeterTestDesk(
            policy=self.policy,
            sink=self.latest,
            commissioning=self.latest,
            journal=self.journal,
            record=self.recorded.append,
        )

    @property
    def now(self) -> Instant:
        return NOW.later(self._elapsed_s)

    @property
    def _health(self) -> RecordingHealth:
        return RecordingHealth(last_durable_at=self.now, queue_full=False, records_lost=0)

    @property
    def wishes(self) -> tuple[OverrideKind, ...]:
        frozen = self.latest.freeze(now=self.now, clock_trusted=True, recording=self._health)
        return tuple(one.kind for one in frozen.overrides)

    def tick(self, count: int = 1, *, watched: bool = True) -> None:
        """Seconds of the house; somebody asks after the test in each of them."""
        for _ in range(count):
            self._elapsed_s += 1.0
            self._house, outcome = advance(self._house, self._told(), self.policy)
            self.desk.see(outcome)
            command = outcome.decision.evses[0].command
            self._power_w = command.target_w if isinstance(command, Setpoint) else 0.0
            if watched:
                self.desk.progress()

    def until(self, phase: str, *, within: int = 200) -> dict[str, Any]:
        for _ in range(within):
            told = self.desk.progress()
            if told["phase"] == phase:
                return told
            self.tick()
        raise AssertionError(f"not {phase}: {self.desk.progress()}")

    def _told(self) -> News:
        frozen = self.latest.freeze(now=self.now, clock_trusted=True, recording=self._health)
        each_w = (self.load_w + self._power_w) / 3.0
        phases = tuple(each_w * sign for sign in self._signs)
        status = an_evse_status(
            capability=a_capability(),
            power_w=self._power_w,
            power_observed_at=self.now,
            registers_observed_at=self.now,
            soc_observed_at=self.now,
            plugged_in=self.plugged_in,
        )
        meter = MeterStatus(meter_id="grid", role=MeterRole.GRID, power_w=sum(phases))
        news = some_news(
            now=self.now,
            meter=a_meter(power_w=sum(phases), observed_at=self.now, phase_power_w=phases),
            evses=(status,),
            overrides=frozen.overrides,
        )
        return replace(
            news,
            commissioning=(*self._records, *frozen.commissioning),
            meters=(replace(meter, serial=self.serial),),
        )


def started(**how: Any) -> Bench:
    bench = Bench(**how)
    bench.desk.start(name="carport", by="A. Fitter")
    return bench


def test_it_rests_asks_for_a_load_charges_discharges_and_records_the_meters_serial() -> None:
    bench = started()
    bench.until("load")
    bench.load_w += 2000.0
    bench.until("charging")
    bench.until("discharging")
    over = bench.until("over", within=300)
    assert over["verdict"] == "passed", over["detail"]
    (record,) = bench.recorded
    assert (record.step, record.meter_serial) == (CommissioningStep.SIGN_TEST, "METER-A")
    assert (record.recorded_by, record.simulated) == ("A. Fitter", True)
    for said in ("load: a load of 2000 W", "charge: of", "discharge: of"):
        assert said in record.evidence
    assert bench.wishes == ()


def test_without_a_permit_nothing_is_discharged_and_the_charge_is_enough() -> None:
    bench = started(records=NOT_PERMITTED)
    bench.until("load")
    bench.load_w += 2000.0
    over = bench.until("over", within=300)
    assert over["verdict"] == "passed"
    assert "discharge" not in bench.recorded[0].evidence


def test_a_reversed_transformer_is_named_and_nothing_recorded() -> None:
    bench = started(signs=(1.0, -1.0, 1.0))
    bench.until("load")
    bench.load_w += 3000.0
    over = bench.until("over")
    assert over["verdict"] == "failed"
    assert "the current transformer on L2 is reversed" in over["detail"]
    assert bench.recorded == []
    assert bench.wishes == ()


def test_what_passed_is_kept_for_the_same_meter_only() -> None:
    bench = started()
    bench.until("load")
    bench.load_w += 2000.0
    bench.until("charging")
    assert bench.desk.cancel()["verdict"] == "failed"
    same = started(journal=bench.journal)
    same.until("charging")
    other = Bench(journal=bench.journal)
    other.serial = "METER-B"
    other.tick(watched=False)
    other.desk.start(name="carport", by="A. Fitter")
    other.until("load")


def test_a_test_that_nobody_watches_ends_at_rest() -> None:
    bench = started()
    bench.until("load")
    bench.tick(20, watched=False)
    assert bench.wishes == ()
    assert "nobody watched" in bench.desk.progress()["detail"]


def test_a_car_that_leaves_ends_it() -> None:
    bench = started()
    bench.until("load")
    bench.plugged_in = False
    assert "went away" in bench.until("over")["detail"]


def test_a_load_that_nobody_switches_on_is_said_after_three_minutes() -> None:
    bench = started()
    bench.until("load")
    assert "shows nothing of a load" in bench.until("over", within=300)["detail"]


@pytest.mark.parametrize(
    ("name", "plugged_in", "said"),
    [("shed", True, "no charger is called 'shed'"), ("carport", False, "plug a car in first")],
)
def test_what_stands_in_the_way_is_said(name: str, plugged_in: bool, said: str) -> None:
    bench = Bench()
    bench.plugged_in = plugged_in
    bench.tick(watched=False)
    with pytest.raises(ValueError, match=said):
        bench.desk.start(name=name, by="A. Fitter")


def test_one_test_at_a_time() -> None:
    bench = started()
    with pytest.raises(ValueError, match="is running already"):
        bench.desk.start(name="carport", by="B. Other")
    bench.desk.cancel()
    bench.tick()
    bench.desk.start(name="carport", by="B. Other")
