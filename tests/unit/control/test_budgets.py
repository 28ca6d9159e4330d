"""What a used-up budget does to the whole decision, and what it says to people."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders import (
    a_cadence,
    a_goal,
    a_meter,
    a_plan,
    a_policy,
    a_situation,
    a_snapshot,
    an_evse,
    an_evse_memory,
    an_evse_status,
    goals,
    in_hours,
    target_of,
)
from v2g_daemon.control.decide import decide
from v2g_daemon.domain.decision import DailyUse, Decision
from v2g_daemon.domain.faults import FaultCode
from v2g_daemon.domain.memory import Memory
from v2g_daemon.domain.policy import FailState, Policy
from v2g_daemon.domain.setpoint import HandsOff
from v2g_daemon.domain.snapshot import CommandCounters

URGENT = goals(a_goal(1.0, 0.6))


def a_policy_with(*, fail_state: FailState = FailState.CHARGES, wears: bool = True) -> Policy:
    cadence = a_cadence(writes_wear_flash=wears, dwell_on_s=0.0, dwell_off_s=0.0)
    return a_policy(evses=(an_evse(cadence=cadence, fail_state=fail_state),))


def spent(
    *,
    changes: int = 0,
    closings: int = 0,
    last_w: float | None = 0.0,
    policy: Policy | None = None,
    **snapshot: Any,
) -> Decision:
    """A decision of a day in which the carport was told so much."""
    told = CommandCounters(
        evse_id="carport",
        day_ends_utc=in_hours(5.0),
        changes_today=changes,
        closings_today=closings,
    )
    memory = Memory(evses=(an_evse_memory(last_w),))
    whole = a_snapshot(**{"command_counters": (told,), **snapshot})
    return decide(memory, whole, a_policy_with() if policy is None else policy)[1]


def faults_of(decision: Decision) -> dict[FaultCode, str]:
    return {fault.code: fault.detail for fault in decision.faults}


def test_the_use_of_the_day_stands_in_each_decision() -> None:
    assert spent(changes=41, closings=3).evses[0].use == DailyUse(
        writes_today=41, writes_per_day=300, closings_today=3, closings_per_day=12
    )
    bold = spent(changes=41, policy=a_policy_with(wears=False)).evses[0].use
    assert bold is not None
    assert bold.writes_per_day is None


def test_used_up_writes_leave_what_is_safe_without_another() -> None:
    decision = spent(changes=300, last_w=7400.0, plans=(a_plan(0.6),))
    # A decrease to 6 A on three phases is one write more, and no budget delays it.
    assert target_of(decision.evses[0]) == 4140.0
    assert decision.evses[0].command.reason.rule == "write_budget"
    discharging = an_evse_status(power_w=-3000.0)
    ended = spent(changes=300, last_w=-3000.0, plans=(a_plan(0.0),), evses=(discharging,))
    assert target_of(ended.evses[0]) == 0.0


@pytest.mark.parametrize("used", [{"changes": 300}, {"closings": 12}])
def test_a_car_that_may_not_be_started_any_more_is_left_to_the_stations_default(
    used: dict[str, Any],
) -> None:
    decision = spent(**used, goals=URGENT)
    command = decision.evses[0].command
    assert isinstance(command, HandsOff)
    assert (command.permitted.lowest_w, command.permitted.highest_w) == (0.0, 4140.0)
    assert "of today are used" in command.reason.detail
    assert "6.3 kWh are missing for the trip at 20:00" in command.reason.detail


@pytest.mark.parametrize(
    ("changes", "policy"),
    [
        ({"meter": a_meter(14_000.0)}, None),  # the fuse leaves less than the default takes
        ({}, a_policy_with(fail_state=FailState.IDLES)),
        ({}, a_policy_with(fail_state=FailState.UNKNOWN)),
    ],
)
def test_where_the_default_would_be_wrong_or_nothing_the_car_rests(
    changes: dict[str, Any], policy: Policy | None
) -> None:
    decision = spent(closings=12, goals=URGENT, policy=policy, **changes)
    assert target_of(decision.evses[0]) == 0.0


def test_a_wish_to_rest_is_told_whatever_was_used_up() -> None:
    idle = a_plan()
    decision = spent(changes=400, closings=20, last_w=3000.0, plans=(idle,))
    assert target_of(decision.evses[0]) == 0.0


def test_the_plan_leaves_a_quarter_to_the_trip() -> None:
    waiting = spent(closings=9, plans=(a_plan(0.6),))
    assert target_of(waiting.evses[0]) == 0.0
    reason = waiting.evses[0].command.reason
    assert reason.rule == "closing_budget"
    assert reason.detail.startswith("9 of 12 closings of today are used; the rest is kept for the")
    assert target_of(spent(closings=9, goals=URGENT).evses[0]) == 7400.0


@pytest.mark.parametrize(
    ("used", "start"),
    [
        ({"changes": 300}, "all 300 writes of today are used: until midnight the car charges at"),
        ({"closings": 12}, "all 12 closings of today are used: until midnight nothing is started"),
        ({"changes": 225}, "the plan has used its part of today's writes"),
        ({"closings": 9}, "the plan has used its part of today's closings"),
    ],
)
def test_a_used_up_budget_is_a_fault_that_says_what_it_means(
    used: dict[str, Any], start: str
) -> None:
    assert faults_of(spent(**used))[FaultCode.BUDGET_EXHAUSTED].startswith(start)


def test_a_budget_that_lasts_is_no_fault() -> None:
    assert FaultCode.BUDGET_EXHAUSTED not in faults_of(spent(changes=224, closings=8))


@pytest.mark.parametrize(
    ("used", "memory", "latest_start"),
    [
        # 6.3 kWh at nine tenths of 7400 W with the margin are 1 h 10 min ...
        ({}, {}, "04:49"),
        # ... and of the 4140 W that are safe 2 h 2 min.
        ({"changes": 300}, {}, "03:58"),
        ({}, {"distrusted": True}, "03:58"),
    ],
)
def test_a_trip_counts_on_no_more_than_what_is_left(
    used: dict[str, int], memory: dict[str, Any], latest_start: str
) -> None:
    told = CommandCounters(
        evse_id="carport",
        day_ends_utc=in_hours(5.0),
        changes_today=used.get("changes", 0),
        closings_today=0,
    )
    situation = a_situation(
        snapshot=a_snapshot(command_counters=(told,), goals=goals(a_goal(12.0, 0.6))),
        memory=an_evse_memory(**memory),
        policy=a_policy_with(),
    )
    assert situation.commute is not None
    assert f"{situation.commute.latest_start_utc:%H:%M}" == latest_start
