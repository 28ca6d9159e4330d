"""A trip that can still be made is never missed, whatever the plan says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import (
    LOSSLESS,
    LOSSY,
    NOW,
    a_plan,
    a_policy,
    a_snapshot,
    a_timing,
    an_evse,
)
from tests.properties.houses import commanded
from v2g_daemon.control.decide import decide
from v2g_daemon.domain.goals import DepartureGoal
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.loss import LossCurve
from v2g_daemon.domain.memory import Memory
from v2g_daemon.domain.plan import Plan
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.readings import (
    MeterReading,
)
from v2g_daemon.domain.snapshot import (
    RecordingHealth,
    Snapshot,
    VehicleGoals,
)

TICK_S = 120.0


@st.composite
def adversarial_plans(draw: st.DrawFn) -> Plan:
    """Plans that would empty the car, idle, or change their mind every quarter of an hour."""
    steps = 192
    worths = draw(
        st.sampled_from(
            [
                [0.0] * (steps + 1),
                [0.25] * (steps + 1),
                [0.0, 1.0] * 96 + [0.0],
                [1.0] * (steps + 1),
            ]
        )
    )
    plan = a_plan()
    rows = tuple((0.0, 30.0 * worth, 60.0 * worth) for worth in worths)
    return replace(plan, value=replace(plan.value, rows=rows))


@dataclass(frozen=True, slots=True, kw_only=True)
class Trip:
    """A car plugged in with `soc` that is wanted with `goal_soc` after `hours`."""

    soc: float
    goal_soc: float
    hours: float


def soc_at_departure(trip: Trip, plan: Plan, policy: Policy) -> tuple[float, float]:
    """Where an ideal charger ends that obeys every setpoint, and one that charges throughout."""
    vehicle, evse = policy.vehicles[0], policy.evses[0]
    goal = DepartureGoal(ready_by_utc=NOW.utc + timedelta(hours=trip.hours), soc=trip.goal_soc)
    snapshot = a_snapshot(plans=(plan,), goals=(VehicleGoals(vehicle_id="car", goals=(goal,)),))
    memory, now = Memory(meter_good_since=NOW.later(-60.0)), NOW
    soc, plain_soc, power_w, charged_wh, discharged_wh = trip.soc, trip.soc, 0.0, 0.0, 0.0
    hours = TICK_S / 3600.0
    for _ in range(int(trip.hours / hours)):
        snapshot = _observed(snapshot, now, soc, power_w, (charged_wh, discharged_wh))
        memory, decision = decide(memory, snapshot, policy)
        setpoint = commanded(decision.evses[0])
        assert setpoint is not None
        power_w = setpoint.target_w
        soc += _into_pack_w(power_w, evse.loss) * hours / vehicle.capacity_wh
        plain_w = 7400.0 * (1.0 if plain_soc <= 0.9 else 1.0 - 7.5 * (plain_soc - 0.9))
        plain_soc += _into_pack_w(plain_w, evse.loss) * hours / vehicle.capacity_wh
        charged_wh += max(power_w, 0.0) * hours
        discharged_wh += max(-power_w, 0.0) * hours
        now = now.later(TICK_S)
    return soc, min(plain_soc, 1.0)


def _observed(
    snapshot: Snapshot, now: Instant, soc: float, power_w: float, registers_wh: tuple[float, float]
) -> Snapshot:
    status = replace(
        snapshot.evses[0],
        power_w=power_w,
        power_observed_at=now,
        soc=min(soc, 1.0),
        soc_observed_at=now,
        charge_milliwh=round(registers_wh[0] * 1000.0),
        discharge_milliwh=round(registers_wh[1] * 1000.0),
    )
    return replace(
        snapshot,
        now=now,
        evses=(status,),
        meter=MeterReading(observed_at=now, power_w=300.0 + power_w),
        recording=RecordingHealth(last_durable_at=now, queue_full=False, records_lost=0),
    )


def _into_pack_w(power_w: float, loss: LossCurve) -> float:
    if power_w == 0.0:
        return 0.0
    magnitude_w = abs(power_w)
    lost_w = loss.constant_w + loss.linear * magnitude_w + loss.quadratic_per_w * magnitude_w**2
    return power_w - lost_w


@settings(max_examples=50)
@given(
    st.builds(
        Trip,
        soc=st.floats(0.05, 0.95),
        goal_soc=st.sampled_from([0.35, 0.6, 0.8, 0.9, 1.0]),
        hours=st.sampled_from([0.5, 1.0, 2.0, 4.0, 8.0, 14.0]),
    ),
    adversarial_plans(),
    st.sampled_from([LOSSLESS, LOSSY]),
)
def test_a_trip_that_can_still_be_made_is_never_missed_whatever_the_plan_says(
    trip: Trip, plan: Plan, loss: LossCurve
) -> None:
    policy = a_policy(evses=(an_evse(loss=loss),), timing=a_timing(tick_s=TICK_S))
    soc, plain_soc = soc_at_departure(trip, plan, policy)
    first_tick_soc = 7400.0 * TICK_S / 3600.0 / 60_000.0
    assert soc >= min(trip.goal_soc, plain_soc - first_tick_soc)
    assert soc >= min(0.3, trip.soc)


def test_the_adversary_is_worth_its_name() -> None:
    plan = a_plan()
    emptying = replace(
        plan, value=replace(plan.value, rows=((0.0, 0.0, 0.0),) * len(plan.value.rows))
    )
    policy = a_policy(timing=a_timing(tick_s=TICK_S))
    trip = Trip(soc=0.7, goal_soc=0.35, hours=8.0)
    soc, _ = soc_at_departure(trip, emptying, policy)
    assert 0.35 <= soc < 0.45
