"""The trip: what it needs, from when on it must charge, and what it keeps; worked by hand."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.builders import (
    LOSSY,
    a_capability,
    a_goal,
    a_grid,
    a_policy,
    a_situation,
    a_snapshot,
    a_timing,
    a_vehicle,
    an_evse,
    an_evse_memory,
    an_evse_status,
    goals,
    in_hours,
)
from v2g_daemon.control.commute import Commute, energy_wanted_wh
from v2g_daemon.control.dependable import dependable_charge_w
from v2g_daemon.control.situation import Situation
from v2g_daemon.domain.goals import DepartureGoal
from v2g_daemon.domain.policy import FailState, GridConnection, Policy
from v2g_daemon.domain.power import PowerRange
from v2g_daemon.domain.readings import VehicleIdentity


def situation_for(
    goal: DepartureGoal, *, policy: Policy | None = None, must_charge: bool = False, **status: Any
) -> Situation:
    snapshot = a_snapshot(goals=goals(goal))
    return a_situation(
        status=an_evse_status(**status),
        memory=an_evse_memory(must_charge=must_charge),
        snapshot=snapshot,
        policy=policy,
    )


def commute_for(goal: DepartureGoal, **changes: Any) -> Commute:
    commute = situation_for(goal, **changes).commute
    assert commute is not None
    return commute


def test_the_latest_safe_start_is_reckoned_with_derated_power_and_a_margin() -> None:
    # 60 % - (50 % - 0.5 points) = 10.5 points = 6300 Wh at 0.9 x 7400 = 6660 W: 3405.4 s;
    # margin 0.15 x 3405.4 + 300 + 2 s: together 4218.2 s.
    commute = commute_for(a_goal(12.0, 0.6))
    assert commute.needed_wh == pytest.approx(6300.0)
    assert commute.charge_time_s == pytest.approx(3405.4, abs=0.1)
    assert commute.latest_start_utc == in_hours(12.0) - timedelta(
        seconds=commute.charge_time_s * 1.15 + 302
    )
    assert commute.slack_s == pytest.approx(12 * 3600 - 4218.2, abs=0.1)
    assert commute.unmet
    assert not commute.urgent


def test_from_the_latest_safe_start_on_the_trip_is_urgent() -> None:
    assert not commute_for(a_goal(4219.0 / 3600.0, 0.6)).urgent
    assert commute_for(a_goal(4218.0 / 3600.0, 0.6)).urgent


def test_losses_and_the_cars_own_limit_lengthen_the_charge() -> None:
    # 0.9 x 4000 W, less 150 + 108 + 38.88 W of loss: 3303.12 W reach the pack.
    policy = a_policy(evses=(an_evse(loss=LOSSY),), vehicles=(a_vehicle(max_charge_w=4000.0),))
    commute = commute_for(a_goal(12.0, 0.6), policy=policy)
    assert commute.charge_time_s == pytest.approx(6300.0 / 3303.12 * 3600.0)


@pytest.mark.parametrize(
    ("grid", "power_w"),
    [
        (a_grid(), 7400.0),
        (a_grid(has_meter=False), 4140.0),  # 6 A on three phases
        (a_grid(import_limit_w=3100.0), 3000.0),
        (a_grid(grid_operator_import_w=0.0), 4200.0),
        (a_grid(main_fuse_a=10.0), 6600.0),  # 2300 W a phase less 100 W
        (a_grid(import_limit_w=50.0), 0.0),
    ],
)
def test_the_start_is_reckoned_with_the_power_that_can_be_counted_on(
    grid: GridConnection, power_w: float
) -> None:
    evse = an_evse()
    assert dependable_charge_w(7400.0, evse, a_policy(grid=grid)) == power_w
    commute = commute_for(a_goal(12.0, 0.6), policy=a_policy(grid=grid))
    assert commute.charge_time_s == pytest.approx(
        min(6300.0 / max(0.9 * power_w, 1.0) * 3600.0, 30 * 86_400.0)
    )


def test_two_evses_count_on_half_of_what_the_site_has() -> None:
    policy = a_policy(evses=(an_evse(), an_evse(evse_id="b")), grid=a_grid(import_limit_w=6100.0))
    assert dependable_charge_w(7400.0, an_evse(), policy) == pytest.approx(2989.0)
    dimmed = a_policy(evses=policy.evses, grid=a_grid(grid_operator_import_w=10_000.0))
    assert dependable_charge_w(7400.0, an_evse(), dimmed) == 5000.0


def test_a_charger_that_idles_without_us_is_done_two_hours_earlier() -> None:
    idles = a_policy(evses=(an_evse(fail_state=FailState.IDLES),))
    plain, early = commute_for(a_goal(12.0, 0.6)), commute_for(a_goal(12.0, 0.6), policy=idles)
    assert plain.slack_s - early.slack_s == pytest.approx(7200.0)


def test_above_the_taper_charging_takes_its_time() -> None:
    # From 90 % the six slices to 100 % charge at 87.5, 75, 62.5, 50, 37.5 and 25 % of 6660 W,
    # 1000 Wh each: 540.5 s x (1.143 + 1.333 + 1.6 + 2 + 2.667 + 4) = 6889 s after 40.5 points.
    commute = commute_for(a_goal(24.0, 1.0))
    assert commute.charge_time_s == pytest.approx(24_300.0 / 6660.0 * 3600.0 + 6889.0, abs=1.0)


def test_a_car_that_is_full_enough_for_sure_has_met_its_goal() -> None:
    assert not commute_for(a_goal(12.0, 0.6), soc=0.605).unmet
    assert commute_for(a_goal(12.0, 0.6), soc=0.604).unmet


def test_a_full_car_has_met_a_goal_of_100_percent() -> None:
    assert not commute_for(a_goal(12.0, 1.0), soc=1.0).unmet


def test_without_a_soc_the_goal_is_an_energy_and_the_worst_is_assumed() -> None:
    commute = commute_for(a_goal(12.0, 0.6, energy_wh=8000.0), soc=None, charge_milliwh=6_500_000)
    assert commute.needed_wh == 6500.0  # 1.5 kWh of the 8 are in
    assert commute.unmet
    met = commute_for(a_goal(12.0, 0.6, energy_wh=8000.0), soc=None, charge_milliwh=13_000_000)
    assert not met.unmet


def test_without_a_soc_or_an_energy_the_driver_takes_what_is_usual() -> None:
    assert commute_for(a_goal(12.0, 0.6), soc=None).needed_wh == 10_000.0
    assert energy_wanted_wh(None, a_vehicle(usual_energy_wh=7000.0)) == 7000.0


def test_a_shortfall_is_said_against_full_power() -> None:
    # In half an hour 0.5 h x 6660 / 0.9 = 3700 Wh of the 6300 can be charged.
    commute = commute_for(a_goal(0.5, 0.6))
    assert commute.shortfall_wh == pytest.approx(2600.0)
    assert commute_for(a_goal(1.0, 0.6)).shortfall_wh == 0.0


def test_a_charger_that_offers_no_power_makes_the_trip_urgent_at_once() -> None:
    nothing = a_capability(power=PowerRange(lowest_w=0.0, highest_w=0.0))
    commute = commute_for(a_goal(40.0, 0.6), capability=nothing)
    assert commute.urgent
    assert commute.charge_time_s == 30 * 86_400.0
    assert commute.shortfall_wh > 6200.0


def test_an_absurd_goal_has_a_finite_answer() -> None:
    assert commute_for(a_goal(12.0, None, energy_wh=1e12)).charge_time_s == 30 * 86_400.0


def test_a_goal_in_the_past_is_nobodys_goal() -> None:
    assert situation_for(a_goal(-0.1, 0.6)).commute is None
    assert situation_for(a_goal(12.0, 0.6), identity=None).commute is None


# Two hystereses.


def test_once_begun_the_trip_is_charged_for_until_its_goal_is_met() -> None:
    assert not situation_for(a_goal(2.0, 0.6)).memory.must_charge
    assert situation_for(a_goal(1.0, 0.6)).memory.must_charge
    assert situation_for(a_goal(2.0, 0.6), must_charge=True).memory.must_charge
    assert not situation_for(a_goal(2.0, 0.6), must_charge=True, soc=0.61).memory.must_charge


def test_a_goal_that_moved_to_tomorrow_is_left_to_the_plan_again() -> None:
    assert not situation_for(a_goal(14.0, 0.6), must_charge=True).memory.must_charge


def test_while_the_clock_is_not_trusted_the_trip_is_charged_for_at_once() -> None:
    snapshot = a_snapshot(goals=goals(a_goal(14.0, 0.6)), clock_trusted=False)
    assert a_situation(snapshot=snapshot).memory.must_charge


@pytest.mark.parametrize(
    ("soc", "before", "after"),
    [(0.30, False, False), (0.299, False, True), (0.309, True, True), (0.31, True, False)],
)
def test_below_the_floor_lasts_until_a_soc_step_above_it(
    soc: float, *, before: bool, after: bool
) -> None:
    memory = an_evse_memory(below_floor=before)
    assert a_situation(status=an_evse_status(soc=soc), memory=memory).memory.below_floor is after


def test_a_trip_at_the_ceiling_may_go_up_by_sigma_to_be_sure() -> None:
    assert situation_for(a_goal(20.0, 0.8)).soc_ceiling == 0.8
    assert situation_for(a_goal(1.0, 0.8)).soc_ceiling == pytest.approx(0.805)
    assert situation_for(a_goal(1.0, 1.0)).soc_ceiling == 1.0
    assert situation_for(a_goal(1.0, 0.5), soc=0.4).soc_ceiling == 0.8


def test_a_guest_is_charged_to_the_full() -> None:
    assert a_situation(status=an_evse_status(identity=None)).soc_ceiling == 1.0


# What belongs to a plug-in.


def test_the_energy_of_a_session_counts_from_its_plug_in() -> None:
    fresh_start = an_evse_memory(session_id=None, session_base_milliwh=None)
    first = a_situation(status=an_evse_status(charge_milliwh=7_000_000), memory=fresh_start)
    assert first.charged_wh == 0.0
    later = a_situation(status=an_evse_status(charge_milliwh=8_500_000), memory=first.memory)
    assert later.charged_wh == 1500.0
    reset = a_situation(status=an_evse_status(charge_milliwh=0), memory=first.memory)
    assert reset.charged_wh == 0.0
    unread = a_situation(status=an_evse_status(charge_milliwh=None), memory=first.memory)
    assert unread.charged_wh == 0.0


def test_another_session_or_none_forgets_the_car() -> None:
    knowing = a_situation(memory=an_evse_memory(-4000.0, below_floor=True)).memory
    assert knowing.anchor is not None
    other = a_situation(status=an_evse_status(session_id="s2", soc=None), memory=knowing)
    assert (other.estimate, other.memory.last) == (None, None)
    gone = a_situation(status=an_evse_status(plugged_in=False), memory=knowing)
    assert (gone.vehicle, gone.memory.anchor, gone.memory.session_id) == (None, None, None)


def test_a_car_that_named_itself_stays_known_while_the_station_is_silent_about_it() -> None:
    knowing = a_situation().memory
    silent = a_situation(status=an_evse_status(identity=None), memory=knowing)
    assert silent.vehicle is not None
    assert silent.vehicle.vehicle_id == "car"
    forgotten = a_situation(
        status=an_evse_status(identity=None), memory=knowing, policy=a_policy(vehicles=())
    )
    assert forgotten.vehicle is None


def test_a_car_is_not_known_by_another_plug_in_or_one_without_a_name() -> None:
    knowing = a_situation().memory
    other = a_situation(status=an_evse_status(identity=None, session_id="s2"), memory=knowing)
    assert other.vehicle is None
    nameless = a_situation(
        status=an_evse_status(session_id=None), memory=an_evse_memory(session_id=None)
    ).memory
    assert (
        a_situation(status=an_evse_status(identity=None, session_id=None), memory=nameless).vehicle
        is None
    )
    guest = VehicleIdentity(evccid="0200000000FF")
    assert a_situation(status=an_evse_status(identity=guest), memory=knowing).vehicle is None


def test_the_timing_of_the_tick_is_part_of_the_margin() -> None:
    slow = a_policy(timing=a_timing(tick_s=36.0))
    assert commute_for(a_goal(12.0, 0.6)).slack_s - commute_for(
        a_goal(12.0, 0.6), policy=slow
    ).slack_s == pytest.approx(70.0)
