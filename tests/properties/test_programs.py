"""Plans under commitments and availability pay keep every bound, and what is dear enough."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from math import inf, isfinite

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.properties.test_planning import HOURS, SLACK, problems
from tests.unit.planning.odd_problems import available
from tests.unit.planning.problems import START_UTC, hourly_curve
from v2g_daemon.battery.losses import pack_power_w
from v2g_daemon.domain.interval import Interval
from v2g_daemon.domain.plan import PlanProblem
from v2g_daemon.domain.programs import AvailabilityPay, Commitment
from v2g_daemon.planning.plan import solve
from v2g_daemon.planning.problem import outlook_of

DEARER_THAN_ANYTHING_PER_KWH = 1000.0


@st.composite
def commitments(draw: st.DrawFn, per_kwh: float | None = None) -> tuple[Commitment, ...]:
    """Up to two, inside the horizon of four hours or not, over each other or not."""
    found = []
    for _ in range(draw(st.integers(1, 2))):
        starts_utc = START_UTC + timedelta(minutes=draw(st.integers(-60, 260)))
        length = timedelta(minutes=draw(st.integers(1, 180)))
        price = st.floats(0.0, 20.0) if per_kwh is None else st.just(per_kwh)
        found.append(
            Commitment(
                name="reserve",
                interval=Interval(start_utc=starts_utc, end_utc=starts_utc + length),
                discharge_w=draw(st.floats(0.0, 9000.0)),
                sustained_s=draw(st.none() | st.floats(1.0, 7200.0)),
                shortfall_per_kwh=draw(price),
            )
        )
    return tuple(found)


@st.composite
def paid(draw: st.DrawFn) -> tuple[AvailabilityPay, ...]:
    terms = available(
        per_plugged_h=draw(st.floats(0.0, 2.0)),
        cap_h=draw(st.none() | st.floats(1.0, 700.0)),
        bonus_money=draw(st.floats(0.0, 60.0)),
        threshold_h=draw(st.floats(0.0, 700.0)),
        soc_at_least=draw(st.floats(0.0, 1.0)),
    )
    return (terms,)


@given(problem=problems(goals=()), promised=commitments(), pay=paid())
@settings(max_examples=40)
def test_no_promise_and_no_pay_takes_a_plan_out_of_its_bounds(
    problem: PlanProblem, promised: tuple[Commitment, ...], pay: tuple[AvailabilityPay, ...]
) -> None:
    plan = solve(replace(problem, commitments=promised, availability=pay))
    store, soc = problem.store, max(problem.store.soc, 0.0)
    assert all(isfinite(value) for row in plan.value.rows for value in row)
    exported_wh = 0.0
    for slot in plan.slots:
        flow_w = slot.net_load_w + slot.power_w
        if slot.power_w > 0.0:
            assert flow_w <= problem.import_limit_w + SLACK
            assert slot.soc <= max(store.soc_ceiling, soc) + 1e-5
        if slot.power_w < 0.0:
            assert slot.soc >= store.soc_floor - 1e-5
            assert -flow_w <= problem.export_limit_w + SLACK
            exported_wh += min(max(-flow_w, 0.0), -slot.power_w) / 4.0
        moved_wh = pack_power_w(slot.power_w, store.loss) / 4.0
        assert slot.soc * store.capacity_wh == pytest.approx(
            max(soc * store.capacity_wh + moved_wh, 0.0), abs=0.15 + 1e-6 * store.capacity_wh
        )
        soc = slot.soc
    assert exported_wh <= max(problem.daily_export_wh - problem.exported_today_wh, 0.0) + 0.1


@given(
    problem=problems(
        plugged_in=True,
        goals=(),
        budgets=(),
        capacity_wh=60_000.0,
        soc_ceiling=1.0,
        max_discharge_w=7400.0,
        may_export=True,
        export_limit_w=inf,
        daily_export_wh=1e9,
    ),
    promised=commitments(DEARER_THAN_ANYTHING_PER_KWH),
    prices=st.lists(st.floats(0.0, 0.8), min_size=HOURS, max_size=HOURS),
)
@settings(max_examples=40)
def test_what_is_there_and_promised_at_any_price_stays(
    problem: PlanProblem, promised: tuple[Commitment, ...], prices: list[float]
) -> None:
    asked = replace(
        problem, commitments=promised, prices=hourly_curve(prices, [p / 2.0 for p in prices])
    )
    helds = outlook_of(asked).case.held
    most_wh = max((float(held.least_wh.max()) for held in helds), default=30_000.0)
    asked = replace(asked, store=replace(problem.store, soc=min(most_wh / 60_000.0, 1.0)))
    begins_wh = [asked.store.soc * 60_000.0]
    begins_wh += [slot.soc * 60_000.0 for slot in solve(asked).slots[:-1]]
    for held in helds:
        for energy_wh, least_wh, money in zip(
            begins_wh, held.least_wh.tolist(), held.lacking_money.tolist(), strict=True
        ):
            if money > 0.0:
                assert energy_wh >= min(least_wh, begins_wh[0]) - 0.1


@given(problem=problems(), promised=commitments())
@settings(max_examples=20)
def test_a_promise_of_nothing_changes_no_bit_of_a_plan(
    problem: PlanProblem, promised: tuple[Commitment, ...]
) -> None:
    nothing = tuple(replace(one, discharge_w=0.0) for one in promised)
    assert solve(replace(problem, commitments=nothing)) == solve(problem)
