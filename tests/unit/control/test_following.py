"""Accepted is not power: what an EVSE does is judged by what is measured."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.builders import (
    NOW,
    a_capability,
    a_memory,
    a_meter,
    a_plan,
    a_policy,
    a_setpoint,
    a_situation,
    a_snapshot,
    a_timing,
    ago,
    an_evse,
    an_evse_memory,
    an_evse_status,
    an_override,
    long_told,
    target_of,
)
from v2g_daemon.control.decide import decide
from v2g_daemon.control.direction import watch_direction
from v2g_daemon.control.following import car_state_of, deviation_detail, follow, settle_s
from v2g_daemon.control.situation import Situation
from v2g_daemon.domain.decision import CarState, Decision, Following
from v2g_daemon.domain.faults import FaultCode
from v2g_daemon.domain.goals import OverrideKind
from v2g_daemon.domain.memory import EvseMemory
from v2g_daemon.domain.policy import Policy
from v2g_daemon.domain.power import PowerRange
from v2g_daemon.domain.readings import CommandOutcome, OutcomeKind, PowerControl
from v2g_daemon.domain.setpoint import Setpoint
from v2g_daemon.domain.snapshot import RecordingHealth


def followed(
    target_w: float | None,
    power_w: float | None,
    *,
    apart_s: float | None = None,
    memory_changes: dict[str, Any] | None = None,
    **changes: Any,
) -> Situation:
    """The carport, told `target_w` ten minutes ago and apart from it for `apart_s`."""
    memory = an_evse_memory(
        target_w,
        apart_since=None if apart_s is None else ago(apart_s),
        changed_at=ago(600.0),
        direction=long_told(600.0),
        **({} if memory_changes is None else memory_changes),
    )
    status = an_evse_status(power_w=power_w, **changes)
    snapshot = a_snapshot(evses=(status,))
    situation, _ = watch_direction(a_situation(status=status, memory=memory), snapshot, a_policy())
    return follow(situation, snapshot, a_policy())


@pytest.mark.parametrize(
    ("target_w", "power_w", "apart_s", "following"),
    [
        (3000.0, 2600.0, None, Following.FOLLOWING),
        (7000.0, 6350.0, None, Following.FOLLOWING),  # within a tenth
        (3000.0, 2400.0, None, Following.SETTLING),
        (3000.0, 2400.0, 59.0, Following.SETTLING),
        (3000.0, 2400.0, 60.0, Following.DEVIATING),
        (3000.0, 3600.0, 9.0, Following.SETTLING),
        (3000.0, 3600.0, 10.0, Following.DEVIATING),
        (-3000.0, -2400.0, 60.0, Following.DEVIATING),
        (-3000.0, 600.0, 10.0, Following.WRONG_DIRECTION),
        (0.0, -600.0, 10.0, Following.WRONG_DIRECTION),
        (None, 3000.0, None, None),
        (3000.0, None, None, Following.UNKNOWN),
    ],
)
def test_the_measured_power_judges(
    target_w: float | None, power_w: float | None, apart_s: float | None, following: Following
) -> None:
    assert followed(target_w, power_w, apart_s=apart_s).following is following


def test_old_samples_judge_nothing() -> None:
    assert followed(3000.0, 3000.0, power_observed_at=ago(31.0)).following is Following.UNKNOWN


def test_an_empty_outlet_follows_nothing() -> None:
    assert followed(3000.0, 0.0, plugged_in=False).following is None


def test_a_refusal_is_no_following_even_where_the_power_fits() -> None:
    outcome = CommandOutcome(kind=OutcomeKind.REJECTED, target_w=0.0, answered_at=NOW)
    assert followed(0.0, 0.0, outcome=outcome).following is Following.REFUSED


@pytest.mark.parametrize(
    "changes",
    [
        {"capability": a_capability(control=PowerControl.CHARGE_LIMIT)},
        {"car_stopped": True},
        {"soc": 0.95},
    ],
)
def test_less_than_offered_is_the_cars_right(changes: dict[str, Any]) -> None:
    assert followed(3000.0, 0.0, apart_s=900.0, **changes).following is Following.FOLLOWING


def test_a_discharge_that_does_not_come_is_said_even_of_a_car_that_stopped() -> None:
    situation = followed(-3000.0, 0.0, apart_s=60.0, car_stopped=True)
    assert situation.following is Following.DEVIATING


def test_the_detail_names_the_numbers_and_the_next_step() -> None:
    more, less = followed(3000.0, 3600.0), followed(3000.0, 1000.0)
    assert deviation_detail(more) == (
        "3600 W flow where 3000 W are commanded: look for the station's own schedule, or another"
        " app that commands it"
    )
    assert deviation_detail(less).endswith(
        "a limit set in the car or its app, a cold battery, or a cable"
    )


# The lag.


@pytest.mark.parametrize(
    ("known_s", "seen_s", "lag_s"),
    [(None, 14.0, 14.0), (8.0, 14.0, 14.0), (20.0, 10.0, 18.0), (20.0, 61.0, 20.0)],
)
def test_the_lag_is_learned_when_power_and_command_meet(
    known_s: float | None, seen_s: float, lag_s: float
) -> None:
    met = followed(3000.0, 3000.0, apart_s=seen_s, memory_changes={"lag_s": known_s})
    assert met.memory.lag_s == pytest.approx(lag_s)
    assert met.memory.apart_since is None


@pytest.mark.parametrize(
    ("lag_s", "patience_s"), [(None, 10.0), (4.0, 10.0), (14.0, 21.0), (60.0, 60.0)]
)
def test_a_slow_charger_is_given_the_time_it_needs_and_a_minute_at_most(
    lag_s: float | None, patience_s: float
) -> None:
    assert settle_s(EvseMemory(evse_id="carport", lag_s=lag_s), a_timing()) == patience_s


def test_the_lag_of_a_charger_outlives_the_session() -> None:
    memory = a_memory(lag_s=14.0, car_full=True)
    status = an_evse_status(plugged_in=False, session_id=None)
    after, _ = decide(memory, a_snapshot(evses=(status,)), a_policy())
    assert (after.evses[0].lag_s, after.evses[0].car_full) == (14.0, False)


# The car's own states.


@pytest.mark.parametrize(
    ("target_w", "charge_milliwh", "stopped", "state"),
    [
        (3000.0, 5_000_000, True, CarState.TIMER_ACTIVE),
        (3000.0, 6_000_000, True, CarState.STOPPED_AT_ITS_LIMIT),
        (3000.0, 6_000_000, False, None),
        (0.0, 6_000_000, True, None),
    ],
)
def test_why_a_car_takes_nothing_has_a_name(
    target_w: float, charge_milliwh: int, *, stopped: bool, state: CarState | None
) -> None:
    situation = followed(target_w, 0.0, charge_milliwh=charge_milliwh, car_stopped=stopped)
    assert car_state_of(situation) is state


# The first discharge.


def first_discharge(
    seconds: int, *, obeys: bool, policy: Policy | None = None
) -> tuple[list[float], Decision]:
    """A car whose kWh are worth nothing from NOW on, in a session that has not discharged yet."""
    memory, power_w, targets = a_memory(discharge_shown=False, discharge_proven=False), 0.0, []
    decision = None
    for second in range(seconds):
        now = NOW.later(second)
        snapshot = a_snapshot(
            now=now,
            meter=replace(a_meter(2000.0 + power_w), observed_at=now),
            evses=(an_evse_status(power_w=power_w, power_observed_at=now),),
            plans=(a_plan(0.0),),
            recording=RecordingHealth(last_durable_at=now, queue_full=False, records_lost=0),
        )
        memory, decision = decide(memory, snapshot, a_policy() if policy is None else policy)
        targets.append(target_of(decision.evses[0]))
        power_w = targets[-1] if obeys else 0.0
    assert decision is not None
    return targets, decision


def test_the_first_discharge_of_a_session_is_the_least_for_30_s() -> None:
    targets, _ = first_discharge(32, obeys=True)
    assert set(targets[:31]) == {-1400.0}
    assert targets[31] < -4000.0


def test_where_a_first_discharge_is_believed_at_once_it_starts_at_what_pays() -> None:
    policy = a_policy(timing=a_timing(first_discharge_s=0.0))
    targets, _ = first_discharge(1, obeys=True, policy=policy)
    assert targets[0] < -4000.0


def test_a_discharge_that_never_flows_stays_the_least_and_is_a_fault() -> None:
    targets, decision = first_discharge(120, obeys=False)
    assert min(targets) == -1400.0
    assert decision.evses[0].following is Following.DEVIATING
    assert FaultCode.NOT_FOLLOWING in {fault.code for fault in decision.faults}


def applied(detail: str = "", left_to_device: PowerRange | None = None) -> CommandOutcome:
    return CommandOutcome(
        kind=OutcomeKind.APPLIED,
        target_w=-1000.0,
        answered_at=NOW,
        detail=detail,
        left_to_device=left_to_device,
    )


@pytest.mark.parametrize(
    ("power_w", "following"),
    [
        (1500.0, Following.FOLLOWING),  # the station's own curve, within what it was given
        (-2900.0, Following.FOLLOWING),
        (2600.0, Following.WRONG_DIRECTION),
        (-3600.0, Following.DEVIATING),
    ],
)
def test_what_is_left_to_the_device_is_no_deviation(power_w: float, following: Following) -> None:
    outcome = applied(left_to_device=PowerRange(lowest_w=-3000.0, highest_w=2000.0))
    found = followed(-1000.0, power_w, apart_s=20.0, outcome=outcome)
    assert found.following is following


def test_what_the_device_says_against_a_command_becomes_the_detail() -> None:
    outcome = applied("the station's own schedule says 0 W; look for another profile")
    found = followed(-1000.0, 0.0, apart_s=60.0, outcome=outcome)
    assert found.following is Following.DEVIATING
    assert deviation_detail(found) == (
        "0 W flow where -1000 W are commanded: "
        "the station's own schedule says 0 W; look for another profile"
    )


def test_where_nothing_is_measured_the_devices_own_doubt_is_a_deviation() -> None:
    found = followed(-1000.0, None, outcome=applied("the station says it runs in ChargingOnly"))
    assert found.following is Following.DEVIATING
    assert deviation_detail(found) == "the station says it runs in ChargingOnly"
    assert followed(-1000.0, None, outcome=applied()).following is Following.UNKNOWN


@pytest.mark.parametrize(
    ("planned_w", "following"),
    [(2000.0, Following.FOLLOWING), (3500.0, Following.DEVIATING), (None, Following.DEVIATING)],
)
def test_a_car_that_takes_what_it_planned_is_no_deviation(
    planned_w: float | None, following: Following
) -> None:
    found = followed(6000.0, 2000.0, apart_s=60.0, car_plans_w=planned_w)
    assert found.following is following


# Bounds that are passed.


def beyond(power_w: float, *, for_s: float, **changes: Any) -> EvseMemory:
    """Told 3000 W with 3000 W permitted, and measured at `power_w` for so long."""
    bound = replace(a_setpoint(3000.0), permitted=PowerRange(lowest_w=0.0, highest_w=3000.0))
    memory = an_evse_memory(breached_since=ago(for_s), **changes)
    status = an_evse_status(power_w=power_w)
    situation = a_situation(status=status, memory=replace(memory, last=bound))
    return follow(situation, a_snapshot(evses=(status,)), a_policy()).memory


@pytest.mark.parametrize(
    ("power_w", "for_s", "distrusted"),
    [(3600.0, 69.0, False), (3600.0, 70.0, True), (3500.0, 70.0, False), (-600.0, 70.0, True)],
)
def test_a_charger_that_stays_beyond_its_bound_is_trusted_no_more(
    power_w: float, for_s: float, *, distrusted: bool
) -> None:
    assert beyond(power_w, for_s=for_s).distrusted is distrusted


def test_more_than_asked_for_but_permitted_is_no_breach() -> None:
    assert followed(3000.0, 7000.0, apart_s=900.0).memory.breached_since is None


def test_distrust_lasts_until_the_car_is_unplugged() -> None:
    assert beyond(3000.0, for_s=0.0, distrusted=True).distrusted
    memory, decision = decide(
        a_memory(3000.0, distrusted=True), a_snapshot(plans=(a_plan(0.0),)), a_policy()
    )
    # 6 A on three phases.
    permitted = decision.evses[0].command.permitted
    assert (permitted.lowest_w, permitted.highest_w) == (0.0, 4140.0)
    empty = an_evse_status(plugged_in=False, session_id=None)
    memory, _ = decide(memory, a_snapshot(evses=(empty,)), a_policy())
    assert not memory.evses[0].distrusted


@pytest.mark.parametrize(("power_w", "lease_s"), [(3000.0, 1800.0), (3600.0, 90.0), (0.0, 1800.0)])
def test_a_charge_that_is_more_than_told_is_told_anew_on_a_short_lease(
    power_w: float, lease_s: float
) -> None:
    memory = a_memory(3000.0, apart_since=ago(60.0), changed_at=ago(60.0))
    override = an_override(OverrideKind.CHARGE)
    policy = a_policy(evses=(an_evse(max_charge_w=3000.0),))
    snapshot = a_snapshot(evses=(an_evse_status(power_w=power_w),), overrides=(override,))
    command = decide(memory, snapshot, policy)[1].evses[0].command
    assert isinstance(command, Setpoint)
    assert command.expires_at.seconds_since(NOW) == lease_s
