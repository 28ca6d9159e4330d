"""Limits that bind one EVSE: each rule, and what it does when its input is missing or stale."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import pytest

from tests.builders import (
    a_capability,
    a_goal,
    a_grid,
    a_memory,
    a_meter,
    a_plan,
    a_policy,
    a_situation,
    a_snapshot,
    a_vehicle,
    ago,
    an_evse,
    an_evse_status,
    commissioning,
    decided,
    goals,
    in_hours,
    rules_of,
)
from tests.unit.control.rules import NO_DISCHARGE, bounds, limit_of, with_car
from v2g_daemon.control import evse_limits
from v2g_daemon.control.limits import LIMIT_RULES
from v2g_daemon.domain.memory import DischargeLatch
from v2g_daemon.domain.policy import Stage
from v2g_daemon.domain.power import PowerRange
from v2g_daemon.domain.readings import PowerControl, VehicleIdentity
from v2g_daemon.domain.snapshot import CommissioningStep, RecordingHealth

# --- device


def test_the_weakest_of_charger_station_and_car_bounds_the_power_both_ways() -> None:
    policy = a_policy(
        evses=(an_evse(max_charge_w=7000.0, max_discharge_w=7000.0),),
        vehicles=(a_vehicle(max_charge_w=6000.0, max_discharge_w=5000.0),),
    )
    assert bounds(limit_of(evse_limits.device, policy=policy)) == (-5000.0, 6000.0)
    offer = a_capability(power=PowerRange(lowest_w=-3000.0, highest_w=3500.0))
    status = an_evse_status(capability=offer)
    assert bounds(limit_of(evse_limits.device, status=status, policy=policy)) == (-3000.0, 3500.0)


def test_without_data_of_station_or_car_it_is_charge_only() -> None:
    assert bounds(limit_of(evse_limits.device, status=an_evse_status(capability=None))) == (
        0.0,
        7400.0,
    )


@pytest.mark.parametrize("control", [PowerControl.CHARGE_LIMIT, PowerControl.NONE])
def test_a_station_that_takes_no_signed_power_is_charge_only(control: PowerControl) -> None:
    status = an_evse_status(capability=a_capability(control=control))
    assert bounds(limit_of(evse_limits.device, status=status)) == (0.0, 7400.0)


def test_a_station_that_offers_no_discharge_is_charge_only() -> None:
    offer = a_capability(power=PowerRange(lowest_w=1400.0, highest_w=7400.0))
    status = an_evse_status(capability=offer)
    assert bounds(limit_of(evse_limits.device, status=status)) == (0.0, 7400.0)


def test_charge_power_tapers_above_the_taper_soc() -> None:
    # 95 % is half way from 90 % to 100 %, where a quarter is left: 7400 x (1 - 0.5 x 0.75) = 4625 W
    limit = limit_of(evse_limits.device, status=an_evse_status(soc=0.95))
    assert bounds(limit) == pytest.approx((-7400.0, 4625.0))


def test_the_taper_never_goes_below_the_least_charging_power() -> None:
    policy = a_policy(evses=(an_evse(min_charge_w=3000.0),))
    limit = limit_of(evse_limits.device, status=an_evse_status(soc=1.0), policy=policy)
    assert bounds(limit) == (-7400.0, 3000.0)


# --- telemetry


def test_an_evse_that_reported_30_s_ago_may_discharge() -> None:
    assert (
        limit_of(evse_limits.telemetry, status=an_evse_status(power_observed_at=ago(30.0))) is None
    )


@pytest.mark.parametrize("age_s", [30.1, -1.0, None])
def test_without_recent_power_from_the_evse_nothing_is_discharged(age_s: float | None) -> None:
    status = an_evse_status(power_observed_at=None if age_s is None else ago(age_s))
    assert bounds(limit_of(evse_limits.telemetry, status=status)) == NO_DISCHARGE


# --- main fuse, the EVSE's own part


def test_a_house_without_a_meter_charges_at_the_static_safe_current_only() -> None:
    policy = a_policy(grid=a_grid(has_meter=False))
    limit = limit_of(evse_limits.static_safe, snapshot=a_snapshot(meter=None), policy=policy)
    assert bounds(limit) == (0.0, 4140.0)  # 6 A x 230 V x 3
    assert limit is not None
    assert limit.reason.detail == "no meter: at most 6 A, charge only"


@pytest.mark.parametrize("age_s", [5.1, -0.5, None])
def test_a_stale_meter_leaves_the_static_safe_current_and_no_discharge(age_s: float | None) -> None:
    meter = None if age_s is None else a_meter(age_s=age_s)
    limit = limit_of(evse_limits.static_safe, snapshot=a_snapshot(meter=meter))
    assert bounds(limit) == (0.0, 4140.0)


def test_a_fresh_meter_lifts_the_static_safe_current() -> None:
    assert limit_of(evse_limits.static_safe, snapshot=a_snapshot(meter=a_meter(age_s=5.0))) is None


def test_a_single_phase_evse_has_a_third_of_the_static_safe_power() -> None:
    policy = a_policy(grid=a_grid(has_meter=False), evses=(an_evse(phases=1),))
    limit = limit_of(evse_limits.static_safe, snapshot=a_snapshot(meter=None), policy=policy)
    assert bounds(limit) == (0.0, 1380.0)


# --- permission


def test_without_commissioning_records_nothing_is_discharged() -> None:
    limit = limit_of(evse_limits.permission, snapshot=a_snapshot(commissioning=()))
    assert bounds(limit) == NO_DISCHARGE
    assert limit is not None
    assert limit.reason.detail == (
        "stage V1G: not recorded for this charger: permission_to_operate, sign_test, owner_consent"
    )


@pytest.mark.parametrize(
    "missing",
    [
        CommissioningStep.PERMISSION_TO_OPERATE,
        CommissioningStep.SIGN_TEST,
        CommissioningStep.OWNER_CONSENT,
    ],
)
def test_each_missing_record_forbids_discharge(missing: CommissioningStep) -> None:
    rest = tuple(record for record in commissioning() if record.step is not missing)
    limit = limit_of(evse_limits.permission, snapshot=a_snapshot(commissioning=rest))
    assert bounds(limit) == NO_DISCHARGE
    assert limit is not None
    assert missing.value in limit.reason.detail


def test_with_all_records_discharge_is_permitted() -> None:
    assert limit_of(evse_limits.permission) is None


def test_a_house_that_wants_only_v1g_never_discharges_whatever_is_recorded() -> None:
    limit = limit_of(evse_limits.permission, policy=a_policy(stage_wanted=Stage.V1G))
    assert bounds(limit) == NO_DISCHARGE


# --- identity


def test_a_guest_is_never_discharged() -> None:
    status = an_evse_status(identity=VehicleIdentity(evccid="0200000000FF"))
    assert bounds(limit_of(evse_limits.identity, status=status)) == NO_DISCHARGE


def test_an_unidentified_car_is_a_guest() -> None:
    assert (
        bounds(limit_of(evse_limits.identity, status=an_evse_status(identity=None))) == NO_DISCHARGE
    )


def test_a_known_car_may_be_discharged() -> None:
    assert limit_of(evse_limits.identity) is None


# --- SoC known, commute buffer, ceiling


def test_an_unknown_soc_forbids_discharge() -> None:
    assert bounds(limit_of(evse_limits.soc_known, status=an_evse_status(soc=None))) == NO_DISCHARGE


def test_a_soc_less_certain_than_5_points_forbids_discharge() -> None:
    # half a step is the sigma of a fresh reading: 0.06 > 0.05
    limit = limit_of(evse_limits.soc_known, policy=with_car(soc_step=0.12))
    assert bounds(limit) == NO_DISCHARGE
    assert limit is not None
    assert limit.reason.detail == "the SoC is only known to ±6 points"


def test_a_soc_certain_to_5_points_permits_discharge() -> None:
    assert limit_of(evse_limits.soc_known, policy=with_car(soc_step=0.10)) is None


def test_a_discharge_goes_on_until_soc_less_sigma_is_at_the_floor() -> None:
    running = -4000.0
    high = limit_of(evse_limits.commute_buffer, status=an_evse_status(soc=0.306), last_w=running)
    assert high is None  # 30.6 % - 0.5 points = 30.1 %
    low = limit_of(evse_limits.commute_buffer, status=an_evse_status(soc=0.304), last_w=running)
    assert bounds(low) == NO_DISCHARGE


def test_a_discharge_starts_only_a_soc_step_above_the_floor() -> None:
    assert (
        bounds(limit_of(evse_limits.commute_buffer, status=an_evse_status(soc=0.314)))
        == NO_DISCHARGE
    )
    assert limit_of(evse_limits.commute_buffer, status=an_evse_status(soc=0.316)) is None


def test_what_the_trip_can_no_longer_regain_is_kept() -> None:
    # 0.9 x 7400 W = 6660 W; 60 % of 60 kWh wanted in 2 h; at 50 %: 36 - 29.7 = 6.3 kWh needed,
    # 3405 s of charging, margin 0.15 x 3405 + 300 + 2 = 813 s; 7200 - 813 s = 11.8 kWh regained
    # = 19.7 points: the reserve is 40.3 %.
    snapshot = a_snapshot(goals=goals(a_goal(2.0, 0.6)))
    assert limit_of(evse_limits.commute_buffer, snapshot=snapshot) is None
    situation = a_situation(snapshot=snapshot)
    assert situation.commute is not None
    assert situation.commute.reserve_soc == pytest.approx(0.403, abs=0.0005)
    # In 1 h only 5.2 kWh could be regained: 51.4 % must stay, and 50 % is there.
    snapshot = a_snapshot(goals=goals(a_goal(1.0, 0.6)))
    limit = limit_of(evse_limits.commute_buffer, snapshot=snapshot)
    assert bounds(limit) == NO_DISCHARGE
    assert limit is not None
    assert limit.reason.detail == "50 % is kept for the trip at 20:00, which needs 51 %"


def test_a_goal_in_energy_lets_nothing_out() -> None:
    snapshot = a_snapshot(goals=goals(a_goal(12.0, None, energy_wh=8000.0)))
    assert bounds(limit_of(evse_limits.commute_buffer, snapshot=snapshot)) == NO_DISCHARGE


def test_the_buffer_of_a_guest_or_an_unknown_soc_is_left_to_the_rules_for_them() -> None:
    assert limit_of(evse_limits.commute_buffer, status=an_evse_status(soc=None)) is None


def test_at_the_ceiling_charging_ends() -> None:
    assert bounds(limit_of(evse_limits.soc_ceiling, status=an_evse_status(soc=0.8))) == (-inf, 0.0)
    assert limit_of(evse_limits.soc_ceiling, status=an_evse_status(soc=0.79)) is None


def test_a_goal_above_the_ceiling_lifts_it_to_the_goal() -> None:
    snapshot = a_snapshot(goals=goals(a_goal(30.0, 0.95)))
    assert (
        limit_of(evse_limits.soc_ceiling, status=an_evse_status(soc=0.9), snapshot=snapshot) is None
    )
    limit = limit_of(evse_limits.soc_ceiling, status=an_evse_status(soc=0.95), snapshot=snapshot)
    assert bounds(limit) == (-inf, 0.0)


def test_without_a_soc_no_ceiling_stops_the_charge() -> None:
    assert limit_of(evse_limits.soc_ceiling, status=an_evse_status(soc=None)) is None


# --- latch, recording, clock


def test_a_latch_keeps_discharge_off_even_in_a_new_session() -> None:
    latch = DischargeLatch(
        evse_id="carport", rule="wrong_direction", detail="it charged", since_utc=in_hours(-5.0)
    )
    memory = replace(a_memory(session_id="an older one"), latches=(latch,))
    decision = decided(a_snapshot(plans=(a_plan(0.01),)), memory=memory)
    assert "latch" in rules_of(decision)
    other = replace(latch, evse_id="garage")
    decision = decided(a_snapshot(), memory=replace(memory, latches=(other,)))
    assert "latch" not in rules_of(decision)


@pytest.mark.parametrize(
    "health",
    [
        RecordingHealth(last_durable_at=ago(180.1), queue_full=False, records_lost=0),
        RecordingHealth(last_durable_at=None, queue_full=False, records_lost=0),
        RecordingHealth(last_durable_at=ago(-1.0), queue_full=False, records_lost=0),
        RecordingHealth(last_durable_at=ago(0.0), queue_full=True, records_lost=0),
    ],
    ids=["older than 180 s", "never", "in the future", "queue full"],
)
def test_nothing_is_discharged_while_nothing_is_recorded(health: RecordingHealth) -> None:
    assert (
        bounds(limit_of(evse_limits.recording, snapshot=a_snapshot(recording=health)))
        == NO_DISCHARGE
    )


def test_a_commit_180_s_ago_is_recent_enough() -> None:
    health = RecordingHealth(last_durable_at=ago(180.0), queue_full=False, records_lost=3)
    assert limit_of(evse_limits.recording, snapshot=a_snapshot(recording=health)) is None


def test_an_untrusted_clock_forbids_discharge() -> None:
    assert bounds(limit_of(evse_limits.clock, snapshot=a_snapshot(clock_trusted=False))) == (
        NO_DISCHARGE
    )
    assert limit_of(evse_limits.clock) is None


# --- the table


def test_every_rule_of_the_module_stands_in_the_table() -> None:
    assert {rule.__name__ for rule in LIMIT_RULES} == {
        "device", "telemetry", "static_safe", "permission", "identity", "soc_known",
        "commute_buffer", "soc_ceiling", "warranty", "monthly_cycles", "latch", "first_discharge",
        "countercheck", "distrust", "write_budget", "recording", "clock",
    }  # fmt: skip


def test_only_the_device_limit_speaks_where_all_is_well() -> None:
    decision = decided(a_snapshot())
    assert rules_of(decision) == set()
    assert [limit.reason.rule for limit in decision.limits] == [
        "device", "main_fuse", "export_limit", "export_depth",
    ]  # fmt: skip
