"""Calm and realisable: deadband, dwell, ramp and minimum power; none of them delays a limit."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders import (
    NOW,
    a_cadence,
    a_capability,
    a_policy,
    a_setpoint,
    a_situation,
    a_timing,
    ago,
    an_evse,
    an_evse_memory,
    an_evse_status,
)
from v2g_daemon.control.shape import remember_change, shape
from v2g_daemon.control.wish import Wish
from v2g_daemon.domain.memory import EvseMemory
from v2g_daemon.domain.power import PowerRange
from v2g_daemon.domain.setpoint import Authority, Reason

FREE = PowerRange(lowest_w=-7400.0, highest_w=7400.0)
LONG_AGO = ago(3600.0)


def wish(target_w: float, authority: Authority = Authority.PLAN) -> Wish:
    return Wish(target_w=target_w, reason=Reason(authority=authority, rule="wish", detail="so"))


def shaped(
    wanted: Wish,
    *,
    permitted: PowerRange = FREE,
    last_w: float | None = 0.0,
    cadence: dict[str, float] | None = None,
    least_w: float = 1400.0,
    **memory: Any,
) -> float:
    offer = a_capability(min_charge_w=0.0, min_discharge_w=0.0)
    evse = an_evse(
        cadence=a_cadence(**(cadence or {})), min_charge_w=least_w, min_discharge_w=least_w
    )
    situation = a_situation(
        status=an_evse_status(capability=offer),
        memory=an_evse_memory(last_w, **memory),
        policy=a_policy(evses=(evse,)),
    )
    return shape(wanted, permitted, situation, NOW, a_timing())


def test_a_permitted_wish_passes() -> None:
    assert shaped(wish(3000.0)) == 3000.0
    assert shaped(wish(-3000.0)) == -3000.0
    assert shaped(wish(0.0)) == 0.0


def test_a_wish_is_cut_to_what_is_permitted() -> None:
    assert shaped(wish(9000.0)) == 7400.0
    assert shaped(wish(-9000.0), permitted=PowerRange(lowest_w=-2000.0, highest_w=0.0)) == -2000.0


# Minimum power.


@pytest.mark.parametrize("power_w", [1399.0, -1399.0, 1.0, -1.0])
def test_below_the_chargers_minimum_it_rests(power_w: float) -> None:
    assert shaped(wish(power_w)) == 0.0


@pytest.mark.parametrize("power_w", [1400.0, -1400.0])
def test_the_minimum_itself_is_realisable(power_w: float) -> None:
    assert shaped(wish(power_w)) == power_w


def test_values_are_rounded_towards_0_w_and_never_past_a_bound() -> None:
    tight = PowerRange(lowest_w=-1000.0, highest_w=1000.0)
    assert shaped(wish(7400.0), permitted=tight) == 0.0
    assert shaped(wish(-7400.0), permitted=tight) == 0.0


def test_a_charger_without_a_minimum_realises_everything() -> None:
    assert [shaped(wish(power_w), least_w=0.0) for power_w in (1.0, -1.0, 0.0)] == [1.0, -1.0, 0.0]


# Deadband.


def test_a_change_under_100_w_is_not_worth_writing() -> None:
    assert shaped(wish(3099.0), last_w=3000.0) == 3000.0
    assert shaped(wish(2901.0), last_w=3000.0) == 3000.0
    assert shaped(wish(2900.0), last_w=3000.0) == 2900.0


def test_the_deadband_never_keeps_what_a_limit_forbids() -> None:
    assert shaped(
        wish(3000.0), last_w=3000.0, permitted=PowerRange(lowest_w=0, highest_w=2950)
    ) == (2950.0)
    assert (
        shaped(wish(-3000.0), last_w=-3000.0, permitted=PowerRange(lowest_w=-2999, highest_w=0))
        == -2999.0
    )


@pytest.mark.parametrize(("last_w", "target_w"), [(60.0, 0.0), (-60.0, 0.0), (-40.0, 40.0)])
def test_the_deadband_never_hides_a_stop_or_a_reversal(last_w: float, target_w: float) -> None:
    assert shaped(wish(target_w, Authority.USER), last_w=last_w, least_w=0.0) == target_w


# Dwell.


@pytest.mark.parametrize(
    ("last_w", "wanted_w", "since_s", "commanded_w"),
    [
        (-3000.0, 3000.0, 599.0, -3000.0),
        (-3000.0, 3000.0, 600.0, 3000.0),
        (3000.0, 0.0, 599.0, 3000.0),
        (3000.0, 0.0, 600.0, 0.0),
        (0.0, 3000.0, 299.0, 0.0),
        (0.0, 3000.0, 300.0, 3000.0),
    ],
)
def test_a_plan_changes_direction_only_after_10_minutes_on_and_5_off(
    last_w: float, wanted_w: float, since_s: float, commanded_w: float
) -> None:
    assert shaped(wish(wanted_w), last_w=last_w, switched_at=ago(since_s)) == commanded_w


def test_within_one_direction_a_plan_may_change_at_any_time() -> None:
    assert shaped(wish(-2000.0), last_w=-3000.0, switched_at=ago(1.0)) == -2000.0


@pytest.mark.parametrize("authority", [Authority.COMMUTE, Authority.USER, Authority.SITE])
def test_people_and_the_trip_need_not_wait(authority: Authority) -> None:
    assert shaped(wish(3000.0, authority), last_w=-3000.0, switched_at=ago(1.0)) == 3000.0


def test_a_dwell_never_keeps_what_a_limit_forbids() -> None:
    nothing_out = PowerRange(lowest_w=0.0, highest_w=7400.0)
    assert shaped(wish(0.0), last_w=-3000.0, permitted=nothing_out, switched_at=ago(1.0)) == 0.0
    forbidden = shaped(wish(-3000.0), last_w=-3000.0, permitted=nothing_out, switched_at=ago(1.0))
    assert forbidden == 0.0


def test_a_limit_that_ends_what_was_wished_is_not_mistaken_for_the_plans_change() -> None:
    # -1000 W are permitted and too little for the charger: it rests at once.
    tight = PowerRange(lowest_w=-1000.0, highest_w=7400.0)
    assert shaped(wish(-3000.0), last_w=-3000.0, permitted=tight, switched_at=ago(1.0)) == 0.0


def test_a_plan_that_turns_round_waits_even_where_a_limit_cuts_what_it_turns_to() -> None:
    nothing_out = PowerRange(lowest_w=0.0, highest_w=7400.0)
    turning = wish(-3000.0)
    assert shaped(turning, last_w=3000.0, permitted=nothing_out, switched_at=ago(1.0)) == 3000.0


def test_the_first_change_of_a_session_waits_for_nothing() -> None:
    assert shaped(wish(3000.0), last_w=None, switched_at=None) == 3000.0


def test_without_a_plan_no_discharge_is_kept_to_be_calm() -> None:
    waiting = wish(0.0, Authority.FALLBACK)
    assert shaped(waiting, last_w=-3000.0, switched_at=ago(1.0)) == 0.0
    assert shaped(waiting, last_w=3000.0, switched_at=ago(1.0)) == 3000.0


# Ramp.


def test_power_is_raised_no_faster_than_the_ramp_between_two_increases() -> None:
    # 50 W/s over the 30 s between increases
    slow = {"ramp_up_w_per_s": 50.0}
    assert shaped(wish(7000.0), last_w=2000.0, cadence=slow) == 3500.0
    assert shaped(wish(-7000.0), last_w=-2000.0, cadence=slow) == -3500.0


def test_an_increase_waits_30_s_for_the_one_before() -> None:
    assert shaped(wish(7000.0), last_w=2000.0, increased_at=ago(29.0)) == 2000.0
    assert shaped(wish(7000.0), last_w=2000.0, increased_at=ago(30.0)) == 7000.0


def test_a_decrease_waits_for_nothing() -> None:
    slow = {"ramp_up_w_per_s": 50.0}
    assert shaped(wish(2000.0), last_w=7000.0, cadence=slow, increased_at=ago(1.0)) == 2000.0
    assert shaped(wish(-2000.0), last_w=-7000.0, cadence=slow, increased_at=ago(1.0)) == -2000.0


def test_a_reversal_starts_from_0_w() -> None:
    slow = {"ramp_up_w_per_s": 50.0}
    user = wish(7000.0, Authority.USER)
    assert shaped(user, last_w=-7000.0, cadence=slow) == 1500.0


@pytest.mark.parametrize(("wanted_w", "first_w"), [(7000.0, 1400.0), (-7000.0, -1400.0)])
def test_even_the_slowest_ramp_starts_at_the_chargers_minimum(
    wanted_w: float, first_w: float
) -> None:
    assert shaped(wish(wanted_w), cadence={"ramp_up_w_per_s": 1.0}) == first_w


def test_a_ramp_never_delays_a_limit() -> None:
    tight = PowerRange(lowest_w=-2000.0, highest_w=2000.0)
    slow = {"ramp_up_w_per_s": 1.0}
    assert shaped(wish(7000.0), last_w=7000.0, permitted=tight, cadence=slow) == 2000.0
    assert shaped(wish(-7000.0), last_w=-7000.0, permitted=tight, cadence=slow) == -2000.0


def test_after_a_long_pause_the_ramp_has_had_its_time() -> None:
    memory = EvseMemory(evse_id="carport", session_id="s1", last=a_setpoint(2000.0, age_s=80.0))
    situation = a_situation(
        memory=memory, policy=a_policy(evses=(an_evse(cadence=a_cadence(ramp_up_w_per_s=50.0)),))
    )
    assert shape(wish(7400.0), FREE, situation, NOW, a_timing()) == 6000.0


# The clocks.


def test_only_what_changes_moves_the_clocks() -> None:
    def clocks(target_w: float, last_w: float) -> tuple[bool, bool, bool]:
        before = an_evse_memory(
            last_w, changed_at=LONG_AGO, increased_at=LONG_AGO, switched_at=LONG_AGO
        )
        after = remember_change(before, a_setpoint(target_w, age_s=0.0), NOW)
        assert after.last is not None
        assert after.last.target_w == target_w
        moved = (after.changed_at, after.increased_at, after.switched_at)
        return moved[0] == NOW, moved[1] == NOW, moved[2] == NOW

    assert clocks(3000.0, 3000.0) == (False, False, False)
    assert clocks(2000.0, 3000.0) == (True, False, False)
    assert clocks(4000.0, 3000.0) == (True, True, False)
    assert clocks(0.0, 3000.0) == (True, False, True)
    assert clocks(-4000.0, 3000.0) == (True, True, True)


def test_the_first_command_starts_the_clock() -> None:
    assert remember_change(an_evse_memory(), a_setpoint(0.0), NOW).changed_at == NOW
