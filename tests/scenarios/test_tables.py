"""Stories of a house as tables: the second, what is commanded and why, and what happens then."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.builders import (
    a_cadence,
    a_goal,
    a_grid,
    a_policy,
    a_price_curve,
    an_evse,
    an_override,
    goals,
    in_hours,
)
from tests.scenarios.engine import Step, World, expected, play, step
from v2g_daemon.domain.goals import OverrideKind
from v2g_daemon.domain.policy import Policy, Stage
from v2g_daemon.domain.readings import VehicleIdentity

SELL, BUY = 0.0, 0.6
RESTLESS = a_policy(evses=(an_evse(cadence=a_cadence(dwell_on_s=0.0, dwell_off_s=0.0)),))
STOP, CHARGE = OverrideKind.STOP, OverrideKind.CHARGE


def check(
    steps: Sequence[Step], *, policy: Policy | None = None, world: World | None = None
) -> None:
    assert play(steps, policy=policy, world=world) == expected(steps)


def test_a_silenced_meter_stops_increases_then_the_discharge_and_is_trusted_again_slowly() -> None:
    check(
        [
            step(0, -4400.0, "plan_discharge", worth=SELL),
            step(40, -4400.0, "plan_discharge", meter=False),
            step(44, -4400.0, "plan_discharge"),  # the last value is 5 s old
            step(45, 0.0, "static_safe"),
            step(60, 0.0, "export_limit", meter=True),
            step(89, 0.0, "export_limit"),
            step(90, -4400.0, "plan_discharge"),
        ],
        policy=RESTLESS,
    )


def test_with_a_late_meter_a_larger_house_load_earns_no_larger_discharge() -> None:
    check(
        [
            step(0, -4400.0, "plan_discharge", worth=SELL),
            step(40, -4400.0, "plan_discharge", load_w=1500.0),
            step(51, -5400.0, "plan_discharge"),  # wanted for 10 s
            step(85, -5400.0, "plan_discharge", load_w=2500.0),
            step(96, -6400.0, "plan_discharge"),
            step(97, -6400.0, "plan_discharge", load_w=3500.0, meter=False),
        ],
        policy=RESTLESS,
    )


def test_a_charge_falls_back_to_the_static_safe_current_while_the_meter_is_silent() -> None:
    check(
        [
            step(0, 7400.0, "plan_charge", worth=BUY),
            step(10, 7400.0, "plan_charge", meter=False),
            step(15, 4140.0, "static_safe"),
            step(60, 4140.0, "plan_charge", meter=True),
            step(71, 7400.0, "plan_charge"),  # wanted for 10 s
        ]
    )


def test_a_growing_house_load_takes_the_charge_back_within_a_tick() -> None:
    # 16905 W under the fuse
    check(
        [
            step(0, 7400.0, "charge_at_once"),
            step(10, 4905.0, "main_fuse", load_w=12_000.0),
            step(11, 0.0, "main_fuse", load_w=16_000.0),
            step(20, -1400.0, "overload_relief", load_w=17_500.0),
            step(30, 7400.0, "charge_at_once", load_w=500.0),
        ]
    )


def test_pv_that_breaks_through_takes_the_export_back_within_a_tick() -> None:
    check(
        [
            step(0, -4400.0, "plan_discharge", worth=SELL),
            step(10, -2400.0, "plan_discharge", load_w=-1500.0),
            step(11, 0.0, "plan_idle", load_w=-5000.0),
        ],
        policy=RESTLESS,
    )


def test_a_car_that_arrives_at_12_percent_reaches_its_floor_without_any_plan() -> None:
    quiet = World(status={"plugged_in": False}, snapshot={"prices": None})
    goal = {"prices": None, "goals": goals(a_goal(30.0, 0.35))}
    check(
        [
            step(0, None, "no_car"),
            step(30, 7400.0, "below_floor", status={}, soc=0.12, snapshot=goal),
            step(300, 7400.0, "below_floor", soc=0.20),
            step(900, 7400.0, "below_floor", soc=0.30),
            step(1200, 0.0, "waiting_without_prices", soc=0.31),
        ],
        world=quiet,
    )


def test_a_guest_is_charged_and_never_discharged_whatever_the_plan_says() -> None:
    guest = {"identity": VehicleIdentity(evccid="0200000000FF")}
    check(
        [
            step(0, 7400.0, "charge_at_once", worth=SELL, status=guest),
            step(5, 7400.0, "charge_at_once", worth=BUY),
            step(6, 0.0, "main_fuse", load_w=30_000.0),
        ]
    )


def test_one_point_of_soc_noise_never_turns_the_power_round() -> None:
    # Around the floor, every five minutes: selling may stop and start, but never becomes charging.
    steps = [step(0, -4400.0, "plan_discharge", worth=SELL, soc=0.32)]
    for index in range(1, 12):
        steps.append(step(index * 301, 0.0, "", soc=0.30 if index % 2 else 0.31))
    powers_w = [seen.target_w for seen in play(steps)]
    assert all(power_w is not None and power_w <= 0.0 for power_w in powers_w)
    assert powers_w[-1] == 0.0


def test_noise_while_the_floor_is_restored_does_not_interrupt_the_charge() -> None:
    check(
        [
            step(0, 7400.0, "below_floor", soc=0.29, worth=SELL),
            step(10, 7400.0, "below_floor", soc=0.30),
            step(20, 7400.0, "below_floor", soc=0.29),
            step(30, 7400.0, "below_floor", soc=0.30),
        ]
    )


def test_a_plan_that_changes_its_mind_is_followed_calmly() -> None:
    check(
        [
            step(0, -4400.0, "plan_discharge", worth=SELL),
            step(100, -4400.0, "plan_charge", worth=BUY),
            step(599, -4400.0, "plan_charge"),
            step(600, 7400.0, "plan_charge"),
        ]
    )


def test_a_stop_gives_way_to_the_trip_until_it_is_confirmed() -> None:
    urgent = {"goals": goals(a_goal(1.0, 0.6))}
    unsure = {**urgent, "overrides": (an_override(STOP),)}
    sure = {**urgent, "overrides": (an_override(STOP, confirmed=True),)}
    check(
        [
            step(0, 7400.0, "commute_must_charge", snapshot=urgent),
            step(60, 7400.0, "commute_must_charge", snapshot=unsure),
            step(120, 0.0, "override_stop", snapshot=sure),
            step(300, 7400.0, "commute_must_charge", snapshot=urgent),
        ]
    )


def test_an_override_ends_by_itself() -> None:
    until = an_override(CHARGE, until_utc=in_hours(0.5))
    check(
        [
            step(0, 7400.0, "override_charge", worth=SELL, snapshot={"overrides": (until,)}),
            step(1799, 7400.0, "override_charge"),
            step(1800, -4400.0, "plan_discharge"),
        ]
    )


def test_a_stalled_recorder_ends_the_discharge_after_three_minutes() -> None:
    check(
        [
            step(0, -4400.0, "plan_discharge", worth=SELL),
            step(10, -4400.0, "plan_discharge", recorder=False),
            step(189, -4400.0, "plan_discharge"),
            step(190, 0.0, "recording"),
        ]
    )


def test_a_station_that_comes_back_is_decided_anew() -> None:
    check(
        [
            step(0, -4400.0, "plan_discharge", worth=SELL),
            step(10, None, "no_station", status={"connected": False}),
            step(60, -4400.0, "plan_discharge", status={}),
        ],
        policy=RESTLESS,
    )


def test_until_the_clock_is_trusted_only_the_trip_is_charged_for() -> None:
    untrusted = {"clock_trusted": False, "goals": goals(a_goal(12.0, 0.6))}
    trusted = {"goals": goals(a_goal(12.0, 0.6))}
    check(
        [
            step(0, 7400.0, "commute_must_charge", worth=SELL, snapshot=untrusted),
            step(60, -4400.0, "plan_discharge", snapshot=trusted),
        ],
        policy=RESTLESS,
    )


@pytest.mark.parametrize(
    ("stage", "target_w", "rule"),
    [
        (Stage.WATCH, None, "watch"),
        (Stage.V1G, 0.0, "plan_idle"),
        (Stage.V2H, -1900.0, "plan_discharge"),
        (Stage.V2G, -5900.0, "plan_discharge"),
    ],
)
def test_each_stage_lets_the_same_plan_go_further(
    stage: Stage, target_w: float | None, rule: str
) -> None:
    check(
        [step(0, target_w, rule, worth=SELL, load_w=2000.0)],
        policy=a_policy(stage_wanted=stage),
    )


def test_a_house_without_a_meter_charges_safely_in_the_cheapest_hours() -> None:
    prices = a_price_curve([0.10, 0.30, 0.09, 0.40, 0.40])
    wanted = {"prices": prices, "goals": goals(a_goal(5.0, 0.6))}
    check(
        [
            step(0, 4140.0, "static_safe", meter=False, snapshot=wanted),
            step(1800, 4140.0, "static_safe"),
            step(3601, 0.0, "cheapest_slots", soc=0.565),
            step(7200, 4140.0, "static_safe"),
        ],
        policy=a_policy(
            grid=a_grid(has_meter=False),
            evses=(an_evse(cadence=a_cadence(dwell_on_s=0.0, dwell_off_s=0.0)),),
        ),
    )
