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
    a_snapshot,
    ago,
    an_evse,
    an_evse_memory,
    an_evse_status,
    in_hours,
)
from v2g_daemon.control.shape import remember_change, shape
from v2g_daemon.control.wish import Wish
from v2g_daemon.domain.instant import Instant
from v2g_daemon.domain.memory import EvseMemory
from v2g_daemon.domain.power import PowerRange
from v2g_daemon.domain.readings import PowerControl
from v2g_daemon.domain.setpoint import Authority, Reason
from v2g_daemon.domain.snapshot import CommandCounters

FREE = PowerRange(lowest_w=-7400.0, highest_w=7400.0)
LONG_AGO = ago(3600.0)


def wish(target_w: float, authority: Authority = Authority.PLAN) -> Wish:
    return Wish(target_w=target_w, reason=Reason(authority=authority, rule="wish", detail="so"))


def shaped(
    wanted: Wish,
    *,
    permitted: PowerRange = FREE,
    last_w: float | None = 0.0,
    cadence: dict[str, Any] | None = None,
    least_w: float = 1400.0,
    offer: dict[str, Any] | None = None,
    told: CommandCounters | None = None,
    status: dict[str, Any] | None = None,
    **memory: Any,
) -> float:
    """The command; unless told otherwise the wish has been standing for an hour."""
    capability = a_capability(**{"min_charge_w": 0.0, "min_discharge_w": 0.0, **(offer or {})})
    evse = an_evse(
        cadence=a_cadence(**(cadence or {})), min_charge_w=least_w, min_discharge_w=least_w
    )
    standing: dict[str, Any] = {"raised_since": LONG_AGO, "raised_w": wanted.target_w}
    policy = a_policy(evses=(evse,))
    situation = a_situation(
        status=an_evse_status(capability=capability, **(status or {})),
        memory=an_evse_memory(last_w, **{**standing, **memory}),
        snapshot=a_snapshot(command_counters=() if told is None else (told,)),
        policy=policy,
    )
    return shape(wanted, permitted, situation, NOW, policy)


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


@pytest.mark.parametrize(("since_s", "commanded_w"), [(29.0, 2000.0), (30.0, 7000.0)])
def test_an_increase_waits_30_s_for_the_one_before(since_s: float, commanded_w: float) -> None:
    user, increased_at = wish(7000.0, Authority.USER), ago(since_s)
    assert shaped(wish(7000.0), last_w=2000.0, increased_at=increased_at) == commanded_w
    at_once = shaped(user, last_w=2000.0, increased_at=increased_at, raised_since=None)
    assert at_once == commanded_w


@pytest.mark.parametrize(
    ("since_s", "least_w", "commanded_w"),
    [(9.0, 5000.0, 2000.0), (10.0, 5000.0, 5000.0), (10.0, 9000.0, 7000.0)],
)
def test_a_plan_gets_more_once_it_was_wanted_for_10_s_and_only_what_was_wanted_all_along(
    since_s: float, least_w: float, commanded_w: float
) -> None:
    standing: dict[str, Any] = {"raised_since": ago(since_s), "raised_w": least_w}
    assert shaped(wish(7000.0), last_w=2000.0, **standing) == commanded_w
    mirrored: dict[str, Any] = {"raised_since": ago(since_s), "raised_w": -least_w}
    assert shaped(wish(-7000.0), last_w=-2000.0, **mirrored) == -commanded_w


def test_a_plan_that_wanted_no_more_a_moment_ago_waits() -> None:
    assert shaped(wish(7000.0), last_w=2000.0, raised_since=None, raised_w=None) == 2000.0


@pytest.mark.parametrize(("since_s", "commanded_w"), [(59.0, 2000.0), (60.0, 7000.0)])
def test_where_each_change_renegotiates_with_the_car_a_minute_passes(
    since_s: float, commanded_w: float
) -> None:
    offer = {"renegotiates": True}
    more = shaped(wish(7000.0), last_w=2000.0, increased_at=ago(since_s), offer=offer)
    assert more == commanded_w


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
    policy = a_policy(evses=(an_evse(cadence=a_cadence(ramp_up_w_per_s=50.0)),))
    situation = a_situation(memory=memory, policy=policy)
    user = wish(7400.0, Authority.USER)
    assert shape(user, FREE, situation, NOW, policy) == 6000.0


# The clocks.


def test_only_what_changes_moves_the_clocks() -> None:
    def clocks(target_w: float, last_w: float) -> tuple[bool, bool, bool]:
        before = an_evse_memory(
            last_w, changed_at=LONG_AGO, increased_at=LONG_AGO, switched_at=LONG_AGO
        )
        after = remembered(before, target_w, wanted_w=target_w)
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
    assert remembered(an_evse_memory(), 0.0, wanted_w=0.0).changed_at == NOW


def remembered(before: EvseMemory, target_w: float, *, wanted_w: float) -> EvseMemory:
    return remember_change(
        before, a_setpoint(target_w, age_s=0.0), NOW, wanted_w=wanted_w, smallest_w=100.0
    )


@pytest.mark.parametrize(
    ("wanted_w", "since", "least_w"),
    [
        (5000.0, LONG_AGO, 4000.0),
        (3500.0, LONG_AGO, 3500.0),
        (3099.0, None, None),  # not worth writing: the wait begins anew
        (-5000.0, None, None),
        (0.0, None, None),
    ],
)
def test_what_is_wanted_beyond_the_command_is_followed_without_a_break(
    wanted_w: float, since: Instant | None, least_w: float | None
) -> None:
    before = an_evse_memory(3000.0, changed_at=LONG_AGO, raised_since=LONG_AGO, raised_w=4000.0)
    after = remembered(before, 3000.0, wanted_w=wanted_w)
    assert (after.raised_since, after.raised_w) == (since, least_w)


def test_a_change_begins_the_wait_anew() -> None:
    before = an_evse_memory(3000.0, changed_at=LONG_AGO, raised_since=LONG_AGO, raised_w=4000.0)
    after = remembered(before, 4000.0, wanted_w=5000.0)
    assert (after.raised_since, after.raised_w) == (None, None)
    again = remembered(after, 4000.0, wanted_w=5000.0)
    assert (again.raised_since, again.raised_w) == (NOW, 5000.0)


# Half an ampere.


@pytest.mark.parametrize(
    ("control", "wanted_w", "commanded_w"),
    [
        (PowerControl.SIGNED, 2899.0, 2899.0),
        (PowerControl.CHARGE_LIMIT, 2656.0, 3000.0),  # 345 W on three phases
        (PowerControl.CHARGE_LIMIT, 2655.0, 2655.0),
    ],
)
def test_where_the_car_is_told_a_current_half_an_ampere_is_the_smallest_change(
    control: PowerControl, wanted_w: float, commanded_w: float
) -> None:
    assert shaped(wish(wanted_w), last_w=3000.0, offer={"control": control}) == commanded_w


# Budgets.


def used(*, changes: int = 0, closings: int = 0, hours_left: float = 6.0) -> CommandCounters:
    """What the carport was told today."""
    return CommandCounters(
        evse_id="carport",
        day_ends_utc=in_hours(hours_left),
        changes_today=changes,
        closings_today=closings,
    )


@pytest.mark.parametrize(
    ("closings", "authority", "commanded_w"),
    [
        (8, Authority.PLAN, 3000.0),
        (9, Authority.PLAN, 0.0),  # a quarter of 12 is kept
        (11, Authority.COMMUTE, 3000.0),
        (12, Authority.COMMUTE, 0.0),
        (12, Authority.USER, 0.0),
    ],
)
def test_a_start_needs_a_closing_that_is_left(
    closings: int, authority: Authority, commanded_w: float
) -> None:
    assert shaped(wish(3000.0, authority), told=used(closings=closings)) == commanded_w


def test_used_up_closings_end_nothing_and_hinder_no_change_while_the_contactor_is_closed() -> None:
    spent = used(closings=12)
    assert shaped(wish(5000.0), last_w=3000.0, told=spent) == 5000.0
    assert shaped(wish(-5000.0, Authority.USER), last_w=3000.0, told=spent) == -5000.0
    assert shaped(wish(0.0), last_w=3000.0, told=spent) == 0.0


def test_a_charger_that_rests_with_its_contactor_closed_has_no_closings_to_count() -> None:
    told = used(closings=500)
    assert shaped(wish(3000.0), told=told, cadence={"rests_closed": True}) == 3000.0


FLASH: dict[str, Any] = {"writes_wear_flash": True}


@pytest.mark.parametrize(
    ("changes", "authority", "commanded_w"),
    [
        (224, Authority.PLAN, 5000.0),
        (225, Authority.PLAN, 3000.0),  # a quarter of 300 is kept
        (299, Authority.COMMUTE, 5000.0),
        (300, Authority.COMMUTE, 3000.0),
    ],
)
def test_more_power_needs_a_write_that_is_left(
    changes: int, authority: Authority, commanded_w: float
) -> None:
    told = used(changes=changes, hours_left=0.001)
    more = shaped(wish(5000.0, authority), last_w=3000.0, told=told, cadence=FLASH)
    assert more == commanded_w
    assert shaped(wish(5000.0, authority), told=told, cadence=FLASH) == (
        5000.0 if commanded_w == 5000.0 else 0.0
    )


def test_used_up_writes_block_no_decrease_and_no_limit() -> None:
    spent: dict[str, Any] = {"told": used(changes=300), "cadence": FLASH}
    assert shaped(wish(2000.0), last_w=3000.0, **spent) == 2000.0
    assert shaped(wish(-3000.0), last_w=3000.0, **spent) == 0.0
    tight = PowerRange(lowest_w=0.0, highest_w=2500.0)
    assert shaped(wish(3000.0), last_w=3000.0, permitted=tight, **spent) == 2500.0


def test_writes_that_wear_nothing_have_no_budget() -> None:
    assert shaped(wish(5000.0), last_w=3000.0, told=used(changes=5000)) == 5000.0


@pytest.mark.parametrize(
    ("status", "cadence", "commanded_w"),
    [
        ({"writes_today": 4000, "flash_writes_today": 10}, {}, 5000.0),
        ({"writes_today": 4000, "flash_writes_today": 300}, {}, 3000.0),
        ({"writes_today": 4000}, {}, 5000.0),
        ({"writes_today": 4000}, FLASH, 3000.0),
    ],
)
def test_the_devices_own_count_is_believed_before_ours(
    status: dict[str, Any], cadence: dict[str, Any], commanded_w: float
) -> None:
    told = used(changes=0, hours_left=0.001)
    more = shaped(wish(5000.0), last_w=3000.0, told=told, status=status, cadence=cadence)
    assert more == commanded_w


@pytest.mark.parametrize(
    ("changes", "since_s", "commanded_w"),
    [
        (140, 31.0, 5000.0),  # half of 225 at noon, and an eighth
        (145, 1079.0, 3000.0),
        (145, 1081.0, 5000.0),
    ],
)
def test_a_plan_whose_writes_run_ahead_of_the_day_spreads_the_rest(
    changes: int, since_s: float, commanded_w: float
) -> None:
    """12 h and 80 writes are left to it: two of them, up and down again, every 1080 s."""
    told = used(changes=changes, hours_left=12.0)
    lately = ago(since_s)
    more = shaped(wish(5000.0), last_w=3000.0, told=told, cadence=FLASH, increased_at=lately)
    assert more == commanded_w


def test_a_device_that_is_seldom_written_to_is_not_spared_in_vain() -> None:
    told, lately = used(changes=2000, hours_left=23.9), ago(31.0)
    counting = {"writes_today": 2000, "flash_writes_today": 3}
    more = shaped(wish(5000.0), last_w=3000.0, told=told, status=counting, increased_at=lately)
    assert more == 5000.0


def test_the_trip_waits_for_no_spreading() -> None:
    told, lately = used(changes=145, hours_left=12.0), ago(31.0)
    trip = wish(5000.0, Authority.COMMUTE)
    assert shaped(trip, last_w=3000.0, told=told, cadence=FLASH, increased_at=lately) == 5000.0
