"""Limits that bind the sum of all EVSEs: fuse, import, operator, export, depth, imbalance."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import Any

import pytest

from tests.builders import (
    a_grid,
    a_memory,
    a_meter,
    a_policy,
    a_price_curve,
    a_situation,
    a_snapshot,
    a_timing,
    a_vehicle,
    ago,
    an_evse,
    an_evse_memory,
    an_evse_status,
    commissioning,
    some_counters,
)
from v2g_daemon.control import site_limits
from v2g_daemon.control.decide import decide
from v2g_daemon.control.grid import view_grid
from v2g_daemon.control.limits import SITE_LIMIT_RULES, SiteRule
from v2g_daemon.control.situation import Situation
from v2g_daemon.domain.memory import Memory
from v2g_daemon.domain.policy import ExportPolicy, Policy, Stage
from v2g_daemon.domain.readings import EvseStatus
from v2g_daemon.domain.setpoint import Limit
from v2g_daemon.domain.snapshot import Snapshot


def limit_of(
    rule: SiteRule,
    *,
    snapshot: Snapshot | None = None,
    policy: Policy | None = None,
    status: EvseStatus | None = None,
    last_w: float | None = 0.0,
    good_s: float = 60.0,
    more: tuple[Situation, ...] = (),
) -> Limit | None:
    snapshot = a_snapshot() if snapshot is None else snapshot
    policy = a_policy() if policy is None else policy
    first = a_situation(
        status=status, memory=an_evse_memory(last_w), snapshot=snapshot, policy=policy
    )
    situations = (first, *more)
    memory = Memory(meter_good_since=ago(good_s))
    grid = view_grid(situations, memory, snapshot, policy.grid, policy.timing)
    return rule(situations, grid, snapshot, policy)


def highest(limit: Limit | None) -> float:
    assert limit is not None, "the rule does not apply"
    assert limit.permitted.lowest_w == -inf
    return limit.permitted.highest_w


def lowest(limit: Limit | None) -> float:
    assert limit is not None, "the rule does not apply"
    assert limit.permitted.highest_w == inf
    return limit.permitted.lowest_w


def with_grid(**changes: Any) -> Policy:
    return a_policy(grid=a_grid(**changes))


def metered(power_w: float, **changes: Any) -> Snapshot:
    return a_snapshot(meter=a_meter(power_w, **changes))


# --- main fuse: 25 A x 230 V = 5750 W a phase, less 2 % = 5635 W


def test_the_fuse_leaves_what_the_fullest_phase_has_left() -> None:
    meter = a_meter(4500.0, phase_power_w=(500.0, 3000.0, 1000.0))
    limit = limit_of(site_limits.main_fuse, snapshot=a_snapshot(meter=meter))
    assert highest(limit) == pytest.approx(3 * (5635.0 - 3000.0))


def test_the_evses_own_charge_does_not_count_against_it() -> None:
    meter = a_meter(6000.0, phase_power_w=(2000.0, 2000.0, 2000.0))
    limit = limit_of(
        site_limits.main_fuse,
        snapshot=a_snapshot(meter=meter),
        status=an_evse_status(power_w=3000.0),
    )
    assert highest(limit) == pytest.approx(3 * (5635.0 - 1000.0))


def test_a_single_phase_evse_is_bound_by_its_own_phase_only() -> None:
    policy = a_policy(evses=(an_evse(phases=1),))
    meter = a_meter(7000.0, phase_power_w=(500.0, 6000.0, 500.0))
    limit = limit_of(site_limits.main_fuse, snapshot=a_snapshot(meter=meter), policy=policy)
    assert highest(limit) == pytest.approx(5135.0)


def test_without_phase_powers_the_total_must_do() -> None:
    limit = limit_of(site_limits.main_fuse, snapshot=metered(4905.0, phase_power_w=()))
    assert highest(limit) == pytest.approx(3 * 5635.0 - 4905.0)


def test_an_overloaded_phase_permits_no_charge_but_still_0_w() -> None:
    meter = a_meter(9000.0, phase_power_w=(9000.0, 0.0, 0.0))
    assert highest(limit_of(site_limits.main_fuse, snapshot=a_snapshot(meter=meter))) == 0.0


def test_headroom_made_by_a_discharge_is_not_lent() -> None:
    # The house draws 18 kW, 3 kW of them from the car: 16905 - 18000 W leave nothing to charge.
    status = an_evse_status(power_w=-3000.0)
    assert (
        highest(limit_of(site_limits.main_fuse, snapshot=metered(15_000.0), status=status)) == 0.0
    )


@pytest.mark.parametrize("age_s", [5.1, -0.1, None])
def test_with_a_stale_meter_the_fuse_leaves_the_static_safe_current(age_s: float | None) -> None:
    meter = None if age_s is None else a_meter(-3000.0, age_s=age_s)
    limit = limit_of(site_limits.main_fuse, snapshot=a_snapshot(meter=meter))
    assert highest(limit) == 4140.0


def test_a_second_old_meter_value_of_5_s_is_still_used() -> None:
    assert highest(limit_of(site_limits.main_fuse, snapshot=metered(0.0, age_s=5.0))) == (
        pytest.approx(16_905.0)
    )


def test_two_blind_evses_share_the_fuse_less_the_largest_other_load() -> None:
    # 2 x 6 A would be 8280 W; 25 - 16 = 9 A a phase leave 6210 W for both.
    second = a_situation()
    limit = limit_of(site_limits.main_fuse, snapshot=a_snapshot(meter=None), more=(second,))
    assert highest(limit) == pytest.approx(6210.0)


def test_where_nobody_is_commanded_the_blind_fuse_is_nobodys() -> None:
    unplugged = an_evse_status(plugged_in=False)
    limit = limit_of(site_limits.main_fuse, snapshot=a_snapshot(meter=None), status=unplugged)
    assert highest(limit) == 4140.0


# --- import limit and grid operator


def test_the_import_limit_keeps_its_margin() -> None:
    policy = with_grid(import_limit_w=8000.0)  # less 2 %: 7840 W
    assert highest(limit_of(site_limits.import_limit, snapshot=metered(2000.0), policy=policy)) == (
        5840.0
    )
    assert limit_of(site_limits.import_limit) is None


def test_without_a_meter_value_the_evses_alone_stay_under_the_import_limit() -> None:
    policy = with_grid(import_limit_w=3000.0)
    limit = limit_of(site_limits.import_limit, snapshot=a_snapshot(meter=None), policy=policy)
    assert highest(limit) == 2900.0


def test_the_grid_operators_dimming_binds() -> None:
    policy = with_grid(grid_operator_import_w=5000.0)
    assert highest(limit_of(site_limits.grid_operator, policy=policy)) == 5000.0
    assert limit_of(site_limits.grid_operator) is None


def test_dimming_never_goes_below_4200_w_per_device() -> None:
    policy = with_grid(grid_operator_import_w=0.0)
    assert highest(limit_of(site_limits.grid_operator, policy=policy)) == 4200.0
    two = limit_of(site_limits.grid_operator, policy=policy, more=(a_situation(),))
    assert highest(two) == 8400.0


# --- export at the PCC: 4000 W less a margin of 100 W


def test_discharge_may_serve_the_house_and_export_up_to_the_limit() -> None:
    assert lowest(limit_of(site_limits.export_limit, snapshot=metered(500.0))) == -4400.0


def test_pv_takes_from_the_export_that_the_car_may_use() -> None:
    assert lowest(limit_of(site_limits.export_limit, snapshot=metered(-3000.0))) == -900.0
    assert lowest(limit_of(site_limits.export_limit, snapshot=metered(-6000.0))) == 0.0


def test_a_running_discharge_is_not_counted_twice() -> None:
    limit = limit_of(
        site_limits.export_limit,
        snapshot=metered(-3500.0),
        status=an_evse_status(power_w=-4000.0),
        last_w=-4000.0,
    )
    assert lowest(limit) == -4400.0


def test_an_unknown_export_limit_permits_no_export() -> None:
    policy = with_grid(export_limit_w=None)
    limit = limit_of(site_limits.export_limit, snapshot=metered(2000.0), policy=policy)
    assert lowest(limit) == -1900.0
    assert limit is not None
    assert limit.reason.detail == "the export limit is unknown, so nothing is exported"


def test_the_export_policy_never_serves_the_own_load_only() -> None:
    policy = a_policy(export_policy=ExportPolicy.NEVER)
    assert lowest(limit_of(site_limits.export_limit, snapshot=metered(2000.0), policy=policy)) == (
        -1900.0
    )


def test_stage_v2h_serves_the_own_load_only() -> None:
    policy = a_policy(stage_wanted=Stage.V2H)
    assert lowest(limit_of(site_limits.export_limit, snapshot=metered(2000.0), policy=policy)) == (
        -1900.0
    )


def test_a_charge_only_neighbour_does_not_take_away_the_export() -> None:
    status = an_evse_status(serial="OTHER")
    neighbour = a_situation(status=status, snapshot=a_snapshot(commissioning=commissioning()))
    assert neighbour.stage is Stage.V1G
    assert lowest(limit_of(site_limits.export_limit, more=(neighbour,))) == -4400.0


@pytest.mark.parametrize("age_s", [5.1, -0.1, None])
def test_a_stale_meter_ends_the_discharge(age_s: float | None) -> None:
    meter = None if age_s is None else a_meter(8000.0, age_s=age_s)
    limit = limit_of(site_limits.export_limit, snapshot=a_snapshot(meter=meter), last_w=-4000.0)
    assert lowest(limit) == 0.0


@pytest.mark.parametrize(("age_s", "good_s"), [(3.1, 60.0), (0.0, 29.0)], ids=["late", "just back"])
def test_a_late_or_just_recovered_meter_permits_no_more_than_is_commanded(
    age_s: float, good_s: float
) -> None:
    snapshot = metered(-1500.0, age_s=age_s)
    status = an_evse_status(power_w=-2000.0)
    limit = limit_of(
        site_limits.export_limit, snapshot=snapshot, status=status, last_w=-2000.0, good_s=good_s
    )
    assert lowest(limit) == -2000.0


def test_a_late_meter_may_still_reduce_the_discharge() -> None:
    # 6 kW flow out: the limit of 4 kW less margin leaves 4000 - 2100 = 1900 W of discharge.
    status = an_evse_status(power_w=-4000.0)
    limit = limit_of(
        site_limits.export_limit,
        snapshot=metered(-6000.0, age_s=4.0),
        status=status,
        last_w=-4000.0,
    )
    assert lowest(limit) == -1900.0


def test_charging_is_not_a_discharge_to_be_kept() -> None:
    snapshot = metered(3500.0, age_s=4.0)
    status = an_evse_status(power_w=3000.0)
    assert (
        lowest(limit_of(site_limits.export_limit, snapshot=snapshot, status=status, last_w=3000.0))
        == 0.0
    )


# --- export depth: min(10 kWh, 20 % of 60 kWh) from noon to noon


def depth_limit(exported_wh: float | None, **changes: Any) -> Limit | None:
    snapshot = metered(2000.0)
    snapshot = replace(snapshot, counters=(some_counters(exported_today_wh=exported_wh),))
    return limit_of(site_limits.export_depth, snapshot=snapshot, **changes)


def test_once_the_depth_is_spent_the_car_serves_the_own_load_only() -> None:
    assert lowest(depth_limit(10_000.0)) == -1900.0
    assert lowest(depth_limit(12_000.0)) == -1900.0


def test_the_last_of_the_depth_is_given_out_slowly_enough_to_stop_in_time() -> None:
    # 5 Wh within the next 10 s: 1800 W of export beside the own load
    assert lowest(depth_limit(9_995.0)) == pytest.approx(-3700.0)


def test_at_long_ticks_the_depth_looks_two_ticks_ahead() -> None:
    # 5 Wh within 72 s: 250 W
    policy = a_policy(timing=a_timing(tick_s=36.0))
    assert lowest(depth_limit(9_995.0, policy=policy)) == pytest.approx(-2150.0)


def test_the_depth_is_also_a_share_of_the_pack() -> None:
    policy = a_policy(vehicles=(a_vehicle(capacity_wh=20_000.0),))
    assert lowest(depth_limit(4_000.0, policy=policy)) == -1900.0


def test_an_unreadable_day_counter_forbids_discharge() -> None:
    assert lowest(depth_limit(None)) == 0.0
    assert lowest(limit_of(site_limits.export_depth, snapshot=a_snapshot(counters=()))) == 0.0


def test_a_guest_has_no_depth_and_a_stale_meter_is_left_to_the_export_limit() -> None:
    assert limit_of(site_limits.export_depth, status=an_evse_status(identity=None)) is None
    assert limit_of(site_limits.export_depth, snapshot=a_snapshot(meter=None)) is None


# --- a real-time market's price of the moment


def at_a_price(told_s_ago: float, **changes: Any) -> Limit | None:
    start_utc = ago(told_s_ago).utc
    curve = a_price_curve((17.5,), (17.5,), hours=1 / 12, start_utc=start_utc)
    snapshot = metered(2000.0, **changes)
    snapshot = replace(snapshot, prices=replace(curve, real_time_s=300))
    return limit_of(site_limits.price_known, snapshot=snapshot)


def test_a_price_binds_nothing_while_its_interval_runs() -> None:
    assert at_a_price(0.0) is None
    assert at_a_price(299.0) is None


def test_after_its_interval_a_price_permits_no_export_but_the_own_load() -> None:
    assert lowest(at_a_price(300.0)) == -1900.0


def test_a_house_whose_load_is_unknown_discharges_nothing_at_an_unknown_price() -> None:
    assert lowest(at_a_price(300.0, observed_at=ago(60.0))) == 0.0


# --- phase imbalance


def test_a_single_phase_evse_stays_under_the_permitted_imbalance() -> None:
    policy = a_policy(evses=(an_evse(phases=1),), grid=a_grid(max_phase_imbalance_w=4600.0))
    limit = limit_of(site_limits.phase_imbalance, policy=policy)
    assert limit is not None
    assert (limit.permitted.lowest_w, limit.permitted.highest_w) == (-4600.0, 4600.0)


def test_a_three_phase_evse_and_a_house_without_the_rule_are_not_bound() -> None:
    assert limit_of(
        site_limits.phase_imbalance, policy=with_grid(max_phase_imbalance_w=4600.0)
    ) is (None)
    assert (
        limit_of(site_limits.phase_imbalance, policy=a_policy(evses=(an_evse(phases=1),))) is None
    )


# --- the table


def test_every_rule_of_the_module_stands_in_the_table() -> None:
    assert {rule.__name__ for rule in SITE_LIMIT_RULES} == {
        "main_fuse", "import_limit", "grid_operator", "export_limit", "export_depth",
        "phase_imbalance", "grid_quality", "price_known",
    }  # fmt: skip


def test_a_house_without_evses_decides_nothing() -> None:
    assert decide(a_memory(), a_snapshot(evses=()), a_policy())[1].evses == ()
