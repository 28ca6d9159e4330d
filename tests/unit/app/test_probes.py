"""The test desk: what stands in the way of a test, who watches it, and what becomes of its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from tests.builders import (
    NOW,
    a_capability,
    a_meter,
    a_policy,
    a_vehicle,
    an_evse_status,
    an_override,
    commissioning,
    some_counters,
)
from tests.unit.step.news import some_news
from v2g_daemon.accounting.metering import resume
from v2g_daemon.app.probes import ProbeDesk
from v2g_daemon.domain.goals import OverrideKind
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.power import PowerRange
from v2g_daemon.domain.readings import EvseStatus, PowerControl
from v2g_daemon.domain.setpoint import Setpoint
from v2g_daemon.domain.snapshot import CommissioningStep, RecordingHealth
from v2g_daemon.runtime.latest_values import LatestValues
from v2g_daemon.step.house import House, advance
from v2g_daemon.step.news import News

HEALTH = RecordingHealth(last_durable_at=NOW, queue_full=False, records_lost=0)
UNTRIED = a_capability(
    power=PowerRange(lowest_w=0.0, highest_w=7400.0),
    control=PowerControl.CHARGE_LIMIT,
    untried_discharge_w=7400.0,
)
PERMIT = tuple(one for one in commissioning() if one.step is CommissioningStep.TEST_PERMIT)

HOUSE = House(
    metering=resume(
        pcc=None,
        evses=(),
        sessions=(),
        soc_days=(),
        counters_read=(some_counters(),),
        decisions=(),
        now_utc=NOW.utc,
        timezone="Europe/Amsterdam",
    )
)


@dataclass(slots=True, kw_only=True)
class Stations:
    """One station `S1` with the EVSE `carport`; keeps the verdicts it is told."""

    obstacle: str | None = None
    verdicts: list[tuple[str, bool, str]] = field(default_factory=list)

    def evse_of(self, name: str) -> str | None:
        return "carport" if name in ("carport", "S1") else None

    def untestable(self, evse_id: str) -> str | None:
        del evse_id
        return self.obstacle

    def probed(self, evse_id: str, *, passed: bool, detail: str) -> None:
        self.verdicts.append((evse_id, passed, detail))


class Bench:
    """The desk beside a house whose station does what it is told by the next second."""

    def __init__(
        self,
        *,
        policy: Policy | None = None,
        obeys: Callable[[float], float] = lambda target_w: target_w,
        house_w: float = 4000.0,
        **news: Any,
    ) -> None:
        self.policy = a_policy() if policy is None else policy
        self.latest = LatestValues(evse_ids=["carport"])
        self.stations = Stations()
        self.desk = ProbeDesk(policy=self.policy, sink=self.latest, stations=self.stations)
        self.changes: dict[str, Any] = {}
        self.news: dict[str, Any] = {"commissioning": PERMIT, **news}
        self._obeys, self._house_w = obeys, house_w
        self._house, self._elapsed_s, self._power_w = HOUSE, 0.0, 0.0

    @property
    def now(self) -> Instant:
        return NOW.later(self._elapsed_s)

    @property
    def overrides(self) -> tuple[OverrideKind, ...]:
        frozen = self.latest.freeze(now=self.now, clock_trusted=True, recording=HEALTH)
        return tuple(one.kind for one in frozen.overrides)

    def tick(self, count: int = 1, *, watched: bool = True) -> float:
        """Seconds of the house; somebody asks after the test in each of them. The last target."""
        target_w = 0.0
        for _ in range(count):
            self._elapsed_s += 1.0
            self._house, outcome = advance(self._house, self._told(), self.policy)
            self.desk.see(outcome)
            command = outcome.decision.evses[0].command
            target_w = command.target_w if isinstance(command, Setpoint) else 0.0
            self._power_w = self._obeys(target_w)
            if watched and self.stations.verdicts == []:
                self.desk.progress(evse_id="carport")
        return target_w

    def seen(self) -> None:
        """One tick before anybody asked for anything."""
        self.tick(watched=False)

    def _told(self) -> News:
        frozen = self.latest.freeze(now=self.now, clock_trusted=True, recording=HEALTH)
        news = some_news(
            now=self.now,
            meter=a_meter(power_w=self._house_w + self._power_w, observed_at=self.now),
            evses=(self._status(),),
            overrides=frozen.overrides,
        )
        return replace(news, **self.news)

    def _status(self) -> EvseStatus:
        status = an_evse_status(
            capability=UNTRIED,
            power_w=self._power_w,
            power_observed_at=self.now,
            registers_observed_at=self.now,
            soc_observed_at=self.now,
        )
        return replace(status, **self.changes)


def test_a_watched_test_of_an_obedient_station_passes_and_is_kept() -> None:
    bench = Bench()
    bench.seen()
    begun = bench.desk.start(name="S1")
    assert begun == {
        "evse_id": "carport",
        "phase": "asked",
        "verdict": None,
        "detail": "asked for",
    }
    bench.tick(35)
    now = bench.desk.progress(evse_id="carport")
    assert (now["phase"], now["target_w"], now["power_w"]) == ("discharging", -1400.0, -1400.0)
    assert now["grid_w"] == 2600.0
    bench.tick(70)
    detail = "of 1400 W the grid meter saw 1400 W and the station says 1400 W"
    assert bench.stations.verdicts == [("carport", True, detail)]
    assert bench.overrides == ()
    over = bench.desk.progress(evse_id="carport")
    assert (over["phase"], over["verdict"], over["detail"]) == ("over", "passed", detail)


def test_a_test_that_nobody_watches_ends_at_0_w_and_is_no_proof() -> None:
    bench = Bench()
    bench.seen()
    bench.desk.start(name="carport")
    assert bench.tick(35) < 0.0
    bench.tick(8, watched=False)
    assert bench.tick(watched=False) >= 0.0
    bench.tick(40, watched=False)
    assert [(one, passed) for one, passed, _ in bench.stations.verdicts] == [("carport", False)]
    assert bench.overrides == ()


def test_ctrl_c_ends_it_and_is_no_proof() -> None:
    bench = Bench()
    bench.seen()
    bench.desk.start(name="carport")
    assert bench.tick(35) < 0.0
    bench.desk.cancel(evse_id="carport")
    assert bench.tick() == 0.0
    assert bench.desk.progress(evse_id="carport")["target_w"] == 0.0
    bench.tick(40)
    assert bench.stations.verdicts == [("carport", False, "cancelled")]


def test_a_station_that_charges_instead_is_stopped_in_the_next_tick_and_kept_as_failed() -> None:
    bench = Bench(obeys=lambda target_w: 7400.0 if target_w < 0.0 else target_w)
    bench.seen()
    bench.desk.start(name="carport")
    assert sum(bench.tick() < 0.0 for _ in range(60)) == 1
    ((_, passed, detail),) = bench.stations.verdicts
    assert not passed
    assert "the car charges" in detail


def test_a_car_that_leaves_ends_its_test() -> None:
    bench = Bench()
    bench.seen()
    bench.desk.start(name="carport")
    assert bench.tick(35) < 0.0
    bench.changes = {"plugged_in": False, "session_id": None, "capability": None}
    bench.tick(40)
    assert [passed for _, passed, _ in bench.stations.verdicts] == [False]
    assert bench.overrides == ()


def test_a_newer_wish_of_the_owner_ends_the_test_and_stays() -> None:
    bench = Bench()
    bench.seen()
    bench.desk.start(name="carport")
    assert bench.tick(35) < 0.0
    stop = an_override(kind=OverrideKind.STOP, set_at_utc=bench.now.utc)
    bench.latest.put_override(replace(stop, until_utc=bench.now.later(3600.0).utc))
    bench.tick(40)
    assert bench.stations.verdicts == [("carport", False, "cancelled")]
    assert bench.overrides == (OverrideKind.STOP,)


def test_a_wish_that_displaces_it_at_once_leaves_no_verdict_on_the_station() -> None:
    bench = Bench()
    bench.seen()
    bench.desk.start(name="carport")
    bench.latest.cancel_overrides("carport")
    bench.tick(20)
    over = bench.desk.progress(evse_id="carport")
    assert (over["phase"], over["detail"]) == (
        "over",
        "it did not begin: another wish took its place",
    )
    assert bench.stations.verdicts == []


def test_what_a_resting_test_waits_for_is_said() -> None:
    bench = Bench(house_w=-4000.0)
    bench.seen()
    bench.desk.start(name="carport")
    bench.tick(15)
    now = bench.desk.progress(evse_id="carport")
    assert now["phase"] == "resting"
    assert now["detail"] != ""


@pytest.mark.parametrize(
    ("bench", "why"),
    [
        (Bench(commissioning=()), "neither a permission to operate nor a test permit is recorded"),
        (
            Bench(policy=a_policy(grid=replace(a_policy().grid, has_meter=False))),
            "none is configured",
        ),
    ],
    ids=["permit", "meter"],
)
def test_a_house_that_is_not_ready_is_told_why(bench: Bench, why: str) -> None:
    bench.seen()
    with pytest.raises(ValueError, match=why):
        bench.desk.start(name="carport")
    assert bench.overrides == ()


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"plugged_in": False}, "no car is plugged in"),
        ({"connected": False}, "the station is away"),
        ({"serial": "ANOTHER"}, "for the charger with the serial number ANOTHER"),
        ({"capability": a_capability()}, "can be told to discharge already"),
        ({"capability": replace(UNTRIED, untried_discharge_w=0.0)}, "offers no discharge to try"),
    ],
)
def test_an_evse_that_is_not_ready_is_told_why(changes: dict[str, Any], why: str) -> None:
    bench = Bench()
    bench.changes = changes
    bench.seen()
    with pytest.raises(ValueError, match=why):
        bench.desk.start(name="carport")


def test_what_the_station_says_against_it_comes_first() -> None:
    bench = Bench()
    bench.seen()
    bench.stations.obstacle = "it takes setpoints"
    with pytest.raises(ValueError, match="it takes setpoints"):
        bench.desk.start(name="carport")


def test_a_standing_wish_is_to_be_ended_first() -> None:
    bench = Bench()
    bench.latest.put_override(an_override(until_utc=NOW.later(3600.0).utc))
    bench.seen()
    with pytest.raises(ValueError, match="a wish of yours stands"):
        bench.desk.start(name="carport")


def test_one_test_at_a_time_and_none_of_the_unknown() -> None:
    bench = Bench()
    with pytest.raises(ValueError, match="has not decided anything yet"):
        bench.desk.start(name="carport")
    bench.seen()
    with pytest.raises(ValueError, match="is named 'yard'"):
        bench.desk.start(name="yard")
    with pytest.raises(ValueError, match="no test of 'carport' was begun"):
        bench.desk.progress(evse_id="carport")
    bench.desk.start(name="carport")
    with pytest.raises(ValueError, match="is running already"):
        bench.desk.start(name="carport")


def test_the_vehicles_own_limits_hold_for_a_test() -> None:
    policy = a_policy(vehicles=(a_vehicle(soc_floor=0.7),))
    bench = Bench(policy=policy)
    bench.seen()
    bench.desk.start(name="carport")
    assert all(bench.tick() >= 0.0 for _ in range(130))
    bench.tick(40)
    ((_, passed, detail),) = bench.stations.verdicts
    assert (passed, detail) == (False, "the limits do not permit it")
