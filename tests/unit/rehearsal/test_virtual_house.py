"""The daemon's own step in virtual time: nothing is known too early, and its ledger is true."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from tests.unit.rehearsal.weeks import days_from
from v2g_daemon.accounting.valuation import energy_cost
from v2g_daemon.domain.decision import Decision
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.interval import QUARTER_HOUR_S
from v2g_daemon.domain.ledger import EvseInterval, LedgerRow, PccInterval
from v2g_daemon.domain.plan import Plan, PlanProblem
from v2g_daemon.domain.policy import Policy, Stage
from v2g_daemon.planning.plan import ADVICE_HOLDS_S, advise
from v2g_daemon.rehearsal.contest import Case
from v2g_daemon.rehearsal.course import Done, begun, course
from v2g_daemon.rehearsal.days import Days, Stay
from v2g_daemon.rehearsal.job import Job, Ran, columns, run
from v2g_daemon.rehearsal.knowledge import Knowledge, known_prices
from v2g_daemon.rehearsal.policies import RENEW_PLAN_S
from v2g_daemon.rehearsal.score import scored
from v2g_daemon.rehearsal.strategies import Strategy
from v2g_daemon.rehearsal.virtual_house import HouseState, VirtualHouse, capable, commissioned
from v2g_daemon.step import house as steps
from v2g_daemon.step.house import House, Outcome
from v2g_daemon.step.news import News

SUMMER = date(2024, 6, 8)  # sun, negative prices, a weekend
LEARNED = (
    Strategy.PLAIN,
    Strategy.CHEAPEST,
    Strategy.THRESHOLD,
    *(Strategy(one) for one in ("v1g", "v2h", "v2g")),
)


def summer_days(count: int = 3) -> Case:
    return days_from("nl2024pv", SUMMER, count)


def ran(case: Case, strategy: Strategy, days: Days | None = None) -> Ran:
    job = case.job(strategy, Knowledge.TOLD)
    return run(
        job if days is None else replace(job, days=days),
        planner=advise,
        foresight=no_foresight,
        progress=lambda slots: None,
    )


def no_foresight(job: Job) -> tuple[float, ...]:
    raise AssertionError("nobody asked for perfect foresight")


def house_of(case: Case, record: Callable[[tuple[LedgerRow, ...]], None]) -> VirtualHouse:
    return VirtualHouse(
        days=case.days,
        plant=case.plant,
        policy=replace(case.policy, stage_wanted=Stage.V2G),
        prices=known_prices(case.days, published=case.published),
        knowledge=Knowledge.TOLD,
        planner=advise,
        capability=capable(case.plant),
        commissioning=commissioned(case.days.start_utc),
        record=record,
    )


def played(case: Case) -> tuple[tuple[Done, ...], list[LedgerRow], HouseState]:
    rows: list[LedgerRow] = []
    house = house_of(case, rows.extend)
    end, done = course(
        case.days, case.plant, house, begun(house, energy_wh=case.start_wh), until=case.days.count
    )
    rows.extend(steps.closing_rows(end.state.house, house.policy))
    return done, rows, end.state


# --- nothing is known too early


def altered_after(days: Days, slot: int, until: int) -> Days:
    """Everything that nobody could know in slot `slot - 1` changed; prices are known to `until`."""

    def late(values: tuple[float, ...], first: int) -> tuple[float, ...]:
        return values[:first] + tuple(1.7 * value + 0.03 for value in values[first:])

    return replace(
        days,
        load_w=late(days.load_w, slot),
        pv_w=late(days.pv_w, slot),
        import_per_kwh=late(days.import_per_kwh, until),
        export_per_kwh=late(days.export_per_kwh, until),
        stays=tuple(stay if stay.first < slot else _shorter(stay) for stay in days.stays),
    )


def _shorter(stay: Stay) -> Stay:
    end = max(stay.end - 3, stay.first + 1)
    return replace(stay, end=end, trip_wh=stay.trip_wh + 5000.0, target_wh=20_000.0)


@pytest.mark.parametrize("strategy", LEARNED, ids=lambda one: one.value)
@pytest.mark.parametrize("slot", [150, 220])
def test_what_comes_after_an_instant_changes_no_decision_before_it(
    strategy: Strategy, slot: int
) -> None:
    case = summer_days()
    until = known_prices(case.days, published=case.published).until[slot - 1]
    as_it_was = ran(case, strategy)
    otherwise = ran(case, strategy, altered_after(case.days, slot, until))
    assert otherwise.setpoint_w[:slot] == as_it_was.setpoint_w[:slot]
    assert otherwise != as_it_was


# --- the ledger


def test_the_houses_ledger_and_the_plants_books_hold_the_same_energy_and_money() -> None:
    case = summer_days(7)
    done, rows, _ = played(case)
    booked = scored(case.job(Strategy.V2G, Knowledge.TOLD), columns(list(done)), case.market)
    metered = [row for row in rows if isinstance(row, PccInterval)]
    assert sum(row.import_milliwh for row in metered) == _but_the_last(done, "import_milliwh")
    assert sum(row.export_milliwh for row in metered) == _but_the_last(done, "export_milliwh")
    paid = [energy_cost(row) for row in metered]
    assert None not in paid
    # The last slot ends where nobody looks any more.
    last = case.days.import_per_kwh[-1] * done[-1].import_milliwh / 1e6
    last -= case.days.export_per_kwh[-1] * done[-1].export_milliwh / 1e6
    ledger = float(sum((one for one in paid if one is not None), start=Decimal(0))) + last
    assert ledger == pytest.approx(float(booked.energy_cost), abs=0.001)
    worn = sum((row.wear_cost for row in rows if isinstance(row, EvseInterval)), start=Decimal(0))
    assert booked.discharged_wh > 5000.0
    assert float(worn) == pytest.approx(float(booked.wear.default), abs=0.001)


def _but_the_last(done: tuple[Done, ...], energy: str) -> int:
    return sum(getattr(one, energy) for one in done[:-1])


def test_metering_alone_while_the_car_is_away_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    case = summer_days(3)
    assert any(
        b.first - a.end > 8 for a, b in zip(case.days.stays, case.days.stays[1:], strict=False)
    )
    quick = played(case)

    def decided_too(
        house: House, news: News, decision: Decision, policy: Policy
    ) -> tuple[House, tuple[LedgerRow, ...]]:
        after, outcome = steps.advance(house, news, policy)
        return after, outcome.rows

    monkeypatch.setattr("v2g_daemon.rehearsal.virtual_house.counted", decided_too)
    slow = played(case)
    assert quick[0] == slow[0]
    energies = [_energies(rows) for _, rows, _ in (quick, slow)]
    assert energies[0] == energies[1]
    assert quick[2].house.past == slow[2].house.past
    assert quick[2].house.memory == slow[2].house.memory


def test_a_tick_that_asks_for_a_plan_is_booked_once_as_if_it_had_been_taken_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    case, asked = summer_days(2), list[Instant]()
    once = played(case)

    def taken_twice(self: VirtualHouse, house: House, news: News) -> tuple[House, Outcome]:
        after, outcome = steps.advance(house, news, self.policy)
        if outcome.problems == ():
            return after, outcome
        asked.append(news.now)
        plans = tuple(self.planner(problem) for problem in outcome.problems)
        again = replace(house, questions=after.questions)
        return steps.advance(again, replace(news, plans=plans), self.policy)

    monkeypatch.setattr(VirtualHouse, "_ticked", taken_twice)
    assert played(case) == once
    assert len(asked) > 5


def test_an_advice_holds_until_the_next_one_comes_a_tick_late() -> None:
    assert RENEW_PLAN_S + 2 * QUARTER_HOUR_S <= ADVICE_HOLDS_S


def _energies(rows: list[LedgerRow]) -> list[LedgerRow]:
    return [row for row in rows if isinstance(row, PccInterval | EvseInterval)]


# --- the house in virtual time


def test_a_plan_that_is_asked_for_is_there_in_the_same_quarter_hour() -> None:
    case = summer_days(2)
    asked: list[str] = []
    house = house_of(case, lambda rows: None)

    def planner(problem: PlanProblem) -> Plan:
        asked.append(problem.evse_id)
        return advise(problem)

    house = replace(house, planner=planner)
    first = case.days.stays[0].first
    standing, _ = course(
        case.days, case.plant, house, begun(house, energy_wh=case.start_wh), until=first
    )
    assert asked == []
    standing, _ = course(case.days, case.plant, house, standing, until=first + 1)
    assert asked == ["evse"]
    assert [plan.slots for plan in standing.state.house.plans] == [()]


def test_each_stage_goes_as_far_as_it_may() -> None:
    case = summer_days()
    v1g, v2h, v2g = (ran(case, one) for one in (Strategy.V1G, Strategy.V2H, Strategy.V2G))
    assert min(v1g.power_w) == 0.0
    for slot, power_w in enumerate(v2h.power_w):
        net_w = case.days.load_w[slot] - case.days.pv_w[slot]
        assert power_w >= min(-max(net_w, 0.0), 0.0) - 1.0
    assert min(v2g.power_w) < 0.0


def test_no_setpoint_of_ours_has_to_give_way_to_the_plant() -> None:
    case = summer_days()
    done, _, _ = played(case)
    assert [one.setpoint_w for one in done] == [one.flow.power_w for one in done]


def test_with_knowledge_b_no_departure_is_told() -> None:
    case = summer_days(1)
    house = replace(house_of(case, lambda rows: None), knowledge=Knowledge.LEARNED)
    until = case.days.stays[0].first + 1
    standing, _ = course(
        case.days, case.plant, house, begun(house, energy_wh=case.start_wh), until=until
    )
    assert standing.state.house.agenda is not None
    assert [entry.goals for entry in standing.state.house.agenda.goals] == [()]


def test_an_empty_pack_is_known_to_be_empty_and_charges_at_once() -> None:
    case = summer_days(1)
    emptied = Stay(first=20, end=60, trip_wh=case.plant.pack_wh, target_wh=20_000.0)
    done = ran(case, Strategy.V2G, replace(case.days, stays=(emptied,)))
    assert done.energy_wh[19] > 0.0
    assert done.setpoint_w[20] == pytest.approx(case.plant.max_charge_w)
    assert done.energy_wh[59] >= 20_000.0
