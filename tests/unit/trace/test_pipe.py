"""Problems and plans over the planning child's pipe."""

from __future__ import annotations

import json
from math import inf

import pytest

from tests.builders import LOSSY
from tests.unit.trace.house import START, House, recorded_house
from v2g_daemon.domain.plan import HistoryRow, PlanProblem, Store
from v2g_daemon.trace.pipe import decode_plan, decode_problem, encode_plan, encode_problem


@pytest.fixture
def house() -> House:
    return recorded_house()


def test_a_plan_crosses_the_pipe_unchanged(house: House) -> None:
    plan = house.snapshot.plans[0]
    text = encode_plan(plan)
    assert b"\n" not in text
    assert b'"rows":[[0.0,1.25,2.5],["-inf",0.0,0.1]]' in text
    assert decode_plan(text) == plan


def test_a_plan_from_before_there_were_hints_is_read(house: House) -> None:
    plan = house.snapshot.plans[0]
    old = json.loads(encode_plan(plan))
    for name in ("told_money", "largest_trip_wh"):
        old.pop(name, None)
    for slot in old["slots"]:
        for name in ("plugged_in", "stay"):
            slot.pop(name, None)
    assert decode_plan(json.dumps(old).encode()) == plan


def test_a_problem_crosses_the_pipe_unchanged(house: House) -> None:
    store = Store(
        soc=0.5, capacity_wh=60_000.0, soc_floor=0.3, soc_ceiling=0.8, taper_above_soc=0.9,
        max_charge_w=7400.0, max_discharge_w=7400.0, min_charge_w=1400.0, min_discharge_w=1400.0,
        loss=LOSSY, wear_cost_per_kwh_discharged=0.04,
    )  # fmt: skip
    assert house.snapshot.prices is not None
    quarters = (HistoryRow(start_utc=START.utc, net_load_w=412.5),)
    problem = PlanProblem(
        asked_at=START, evse_id="garage", vehicle_id=None, timezone="Europe/Amsterdam",
        start_utc=START.utc, step_s=(900, 900), plugged_in=True, store=store,
        goals=house.snapshot.goals[0].goals, prices=house.snapshot.prices,
        history=(quarters,), current_net_load_w=None,
        import_limit_w=17_250.0, export_limit_w=inf, daily_export_wh=15_000.0,
        exported_today_wh=0.0, cycle_margin_per_kwh=0.02, unmet_goal_per_kwh=5.0, may_export=True,
    )  # fmt: skip
    text = encode_problem(problem)
    assert b'"export_limit_w":"inf"' in text
    read = decode_problem(text)
    assert read == problem
    assert read.prices.at(START.utc) == house.snapshot.prices.slots[0]
