"""Two months of five-minute prices without pre-dispatch: the gain, the spikes, and the figures."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

import pytest

from v2g_daemon.adapters.series.folder import read_pairing
from v2g_daemon.adapters.system.rehearsal_child import RehearsalChild
from v2g_daemon.app.backtest.pairing_case import case_of_pairing
from v2g_daemon.rehearsal.contest import Case
from v2g_daemon.rehearsal.job import Ran
from v2g_daemon.rehearsal.knowledge import Knowledge
from v2g_daemon.rehearsal.score import Score, scored
from v2g_daemon.rehearsal.strategies import Strategy
from v2g_daemon.rehearsal.verdict import share_of_attainable

FOLDER = Path(__file__).resolve().parents[1] / "benchmarks/real_time"
CAP = 17.5
SPIKE = 5.0
STRATEGIES = (Strategy.PLAIN, Strategy.V2G, Strategy.PERFECT)
# What five minutes take out of the pack at full power, with the losses.
FIVE_MINUTES_WH = 700.0

pytestmark = pytest.mark.timeout(1800)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A case and what came of it."""

    case: Case
    ran: dict[Strategy, Ran]
    scores: dict[Strategy, Score]

    @property
    def share(self) -> float:
        """The part of the attainable gain that our V2G has."""
        share = share_of_attainable(Strategy.V2G, self.scores, miss_per_kwh=self.case.miss_per_kwh)
        assert share is not None
        return share

    def plugged(self) -> set[int]:
        """The slots with the car plugged in."""
        return {slot for stay in self.case.days.stays for slot in range(stay.first, stay.end)}


def found(name: str) -> Found:
    case = case_of_pairing(read_pairing(FOLDER / name), None)
    jobs = {one: case.job(one, Knowledge.TOLD) for one in STRATEGIES}
    ran = {one: asyncio.run(RehearsalChild().run(job, lambda _: None)) for one, job in jobs.items()}
    scores = {one: scored(jobs[one], done, case.market) for one, done in ran.items()}
    return Found(case=case, ran=ran, scores=scores)


@pytest.fixture(scope="module")
def at_home() -> Found:
    return found("nsw2025")


def spikes(case: Case, least: float) -> list[int]:
    """The slots in which an exported kWh earns so much."""
    return [slot for slot, price in enumerate(case.days.export_per_kwh) if price >= least]


def told(one: Found, slot: int, strategy: Strategy = Strategy.V2G) -> str:
    ran, days = one.ran[strategy], one.case.days
    earned = ran.export_milliwh[slot] / 1e6 * days.export_per_kwh[slot]
    return (
        f"{days.utc(slot):%d %b %H:%M}Z {days.export_per_kwh[slot]:6.2f}: "
        f"{ran.setpoint_w[slot]:7.0f} W, {ran.energy_wh[slot - 1] / 1000.0:4.1f} kWh, {earned:5.2f}"
    )


def test_at_least_three_quarters_of_the_attainable_gain_are_had(at_home: Found) -> None:
    for strategy, score in at_home.scores.items():
        print(
            f"{strategy.value}: {score.net_cost:.2f}, missed {score.missed_wh / 1000.0:.1f} kWh, "
            f"out {score.discharged_wh / 1000.0:.0f} kWh, {score.switches_per_night:.1f} a night"
        )
    print(f"share {at_home.share:.1%}")
    assert at_home.share >= 0.75
    assert at_home.scores[Strategy.V2G].missed_wh <= at_home.scores[Strategy.PLAIN].missed_wh + 1.0


def test_every_spike_is_sold_into_in_its_own_interval_where_the_car_is_plugged_in(
    at_home: Found,
) -> None:
    case, ran, plugged = at_home.case, at_home.ran[Strategy.V2G], at_home.plugged()
    kept_wh = case.plant.floor_wh + FIVE_MINUTES_WH
    caught = [slot for slot in spikes(case, SPIKE) if slot in plugged]
    assert [slot for slot in caught if case.days.export_per_kwh[slot] == CAP]
    for slot in caught:
        print(told(at_home, slot))
        print(told(at_home, slot, Strategy.PERFECT))
    for slot in caught:
        if ran.energy_wh[slot - 1] > kept_wh:
            assert ran.export_milliwh[slot] > 0.9 * case.plant.export_limit_w / 12.0 * 1000.0


def test_a_spike_that_falls_into_an_absence_leaves_the_rest_of_the_gain() -> None:
    away = found("nsw2025away")
    plugged = away.plugged()
    assert not [slot for slot in spikes(away.case, SPIKE) if slot in plugged]
    print(f"share {away.share:.1%}")
    for strategy, score in away.scores.items():
        print(f"{strategy.value}: {score.net_cost:.2f}, missed {score.missed_wh / 1000.0:.1f} kWh")
    assert away.share >= 0.5
