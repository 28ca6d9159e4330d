"""A market that tells each price only once its interval has begun: what may be done until then."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.builders import (
    NOW,
    a_memory,
    a_meter,
    a_plan,
    a_policy,
    a_price_curve,
    a_snapshot,
    decided,
    target_of,
)
from v2g_daemon.control.decide import decide
from v2g_daemon.domain.decision import EvseDecision
from v2g_daemon.domain.faults import FaultCode
from v2g_daemon.domain.prices import PriceCurve

SPIKE = 17.5


def told(*per_kwh: float, ended_s_ago: float) -> PriceCurve:
    """Prices of five minutes each, the last of which ended so long ago (negative: still runs)."""
    end_utc = NOW.utc - timedelta(seconds=ended_s_ago)
    start_utc = end_utc - len(per_kwh) * timedelta(minutes=5)
    curve = a_price_curve(per_kwh, per_kwh, hours=1 / 12, start_utc=start_utc)
    return replace(curve, real_time_s=300)


def decide_at(curve: PriceCurve, *, last_w: float, worth: float = 0.2, **changes: Any) -> Any:
    return decided(
        a_snapshot(prices=curve, plans=(a_plan(worth),), **changes),
        memory=a_memory(last_w),
    )


def exported_w(decision: EvseDecision, *, net_load_w: float = 500.0) -> float:
    return max(-(target_of(decision) + net_load_w), 0.0)


def test_a_spike_is_sold_into_in_the_tick_in_which_it_is_told() -> None:
    decision = decide_at(told(0.1, SPIKE, ended_s_ago=-270.0), last_w=0.0)
    # 4 kW may be exported, less a margin of 100 W, and the house draws 500 W.
    assert (decision.desired_w, decision.desire.rule) == (-4400.0, "plan_discharge")
    assert exported_w(decision) == 3900.0


def test_an_export_ends_with_the_interval_of_its_price_and_the_house_is_served_on() -> None:
    decision = decide_at(
        told(SPIKE, ended_s_ago=1.0), last_w=-4400.0, meter=a_meter(500.0 - 5400.0)
    )
    assert "price_known" in {limit.reason.rule for limit in decision.limits}
    assert exported_w(decision) == 0.0
    assert decision.desire.rule == "price_awaited"


@pytest.mark.parametrize("ended_s_ago", [0.0, 40.0, 599.0])
def test_a_charge_goes_on_until_the_price_is_told(ended_s_ago: float) -> None:
    decision = decide_at(told(0.01, ended_s_ago=ended_s_ago), last_w=7400.0, worth=0.5)
    assert (target_of(decision), decision.desire.rule) == (7400.0, "price_awaited")


def test_a_price_two_intervals_late_is_an_outage_and_the_ladder_goes_on_below_the_plan() -> None:
    snapshot = a_snapshot(prices=told(SPIKE, ended_s_ago=600.0), plans=(a_plan(0.0),))
    decision = decide(a_memory(), snapshot, a_policy())[1]
    assert decision.evses[0].desire.rule == "charge_at_once"
    assert target_of(decision.evses[0]) >= 0.0
    assert FaultCode.PRICES_MISSING in {fault.code for fault in decision.faults}


def test_a_price_that_is_only_late_is_no_fault() -> None:
    snapshot = a_snapshot(prices=told(0.1, ended_s_ago=40.0), plans=(a_plan(0.2),))
    decision = decide(a_memory(), snapshot, a_policy())[1]
    assert FaultCode.PRICES_MISSING not in {fault.code for fault in decision.faults}


def test_without_a_plan_nothing_goes_on() -> None:
    snapshot = a_snapshot(prices=told(SPIKE, ended_s_ago=40.0))
    assert target_of(decided(snapshot, memory=a_memory(-4400.0))) >= 0.0


def test_where_prices_are_published_ahead_the_rule_binds_nothing() -> None:
    gone = replace(told(SPIKE, ended_s_ago=1.0), real_time_s=None)
    decision = decide_at(gone, last_w=-4400.0)
    assert "price_known" not in {limit.reason.rule for limit in decision.limits}
    assert target_of(decision) >= 0.0
