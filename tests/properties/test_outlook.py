"""Whatever happens, an outlook only charges, safely, and it is written rarely."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import (
    NOW,
    a_goal,
    a_memory,
    a_meter,
    a_plan,
    a_policy,
    a_snapshot,
    an_evse_status,
    goals,
)
from tests.properties.houses import commanded, days, run
from v2g_daemon.control.decide import decide
from v2g_daemon.domain.plan import Plan
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.snapshot import Snapshot


@settings(max_examples=120)
@given(days())
def test_an_outlook_never_passes_the_static_safe_power_and_belongs_to_a_command(
    day: tuple[Policy, tuple[Snapshot, ...]],
) -> None:
    policy, some = day
    for _, snapshot, decision in run(policy, some):
        for evse in decision.evses:
            assert (evse.outlook is not None) is (commanded(evse) is not None)
            if evse.outlook is None:
                continue
            installed = policy.evse(evse.evse_id)
            safe_w = installed.static_safe_current_a * policy.grid.nominal_voltage_v
            for step in evse.outlook.steps:
                assert 0.0 <= step.limit_w <= safe_w * installed.phases
                assert step.starts_at_utc.minute % 15 == 0
            assert evse.outlook.ends_at_utc > snapshot.now.utc


@settings(max_examples=15)
@given(st.integers(min_value=0, max_value=2**32))
def test_an_evening_of_noise_writes_an_outlook_only_for_a_new_plan_goal_or_band(seed: int) -> None:
    """Ten hours in steps of two minutes: the SoC wanders and falls, plans come by the hour."""
    rng, memory, policy = Random(seed), a_memory(), a_policy()
    soc, plan, band = 0.75, a_slotted_plan(rng), None
    news, written, newest = 0, 0, None
    for step in range(300):
        now = NOW.later(120.0 * step)
        if step % 30 == 0 and step > 0:
            plan, news = a_slotted_plan(rng), news + 1
        soc = min(max(soc + rng.uniform(-0.004, 0.003), 0.35), 0.79)
        told_soc = round(soc, 2)
        status = an_evse_status(
            soc=told_soc, soc_observed_at=now, power_observed_at=now, power_w=0.0
        )
        snapshot = a_snapshot(
            now=now,
            meter=replace(a_meter(rng.uniform(-3000.0, 9000.0)), observed_at=now),
            plans=(replace(plan, made_at=now),),
            goals=goals(a_goal(12.0, 0.6)),
            evses=(status,),
        )
        memory, decision = decide(memory, snapshot, policy)
        outlook, remembered = decision.evses[0].outlook, memory.evses[0]
        news += 1 if remembered.outlook_soc != band else 0
        written += 1 if outlook is not newest else 0
        newest, band = outlook, remembered.outlook_soc
    assert written <= news
    assert news <= 40


def a_slotted_plan(rng: Random) -> Plan:
    """Charges in some hours of the night."""
    plan, hours = a_plan(), {rng.randrange(48) for _ in range(6)}
    slots = tuple(
        replace(slot, power_w=7400.0 if index // 4 in hours else 0.0)
        for index, slot in enumerate(plan.slots)
    )
    return replace(plan, slots=slots)
