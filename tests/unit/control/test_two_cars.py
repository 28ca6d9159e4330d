"""Two cars in one house: each serves what the other leaves, and neither fills the other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.builders import (
    NOW,
    a_goal,
    a_meter,
    a_plan,
    a_policy,
    a_snapshot,
    a_vehicle,
    an_evse,
    an_evse_memory,
    an_evse_status,
    commissioning,
    goals,
    some_counters,
    target_of,
)
from v2g_daemon.control.decide import decide
from v2g_daemon.domain.memory import Memory
from v2g_daemon.domain.power import load_beside
from v2g_daemon.domain.readings import VehicleIdentity
from v2g_daemon.domain.snapshot import Snapshot

YARD = "yard"
POLICY = a_policy(
    evses=(an_evse(), an_evse(evse_id=YARD)),
    vehicles=(a_vehicle(), a_vehicle(vehicle_id="van", evccid="VAN")),
)


def house(load_w: float, *, worth: tuple[float, float]) -> Snapshot:
    """Both cars idle at 50 %; a kWh in each is worth so much, 0.30 is asked and 0.05 paid."""
    first, second = worth
    yard = an_evse_status(
        evse_id=YARD, serial="SIM-2", session_id="s2", identity=VehicleIdentity(evccid="VAN")
    )
    quiet = a_snapshot()
    assert quiet.prices is not None
    slots = tuple(replace(slot, export_per_kwh=0.05) for slot in quiet.prices.slots)
    return replace(
        quiet,
        meter=a_meter(load_w),
        evses=(an_evse_status(), yard),
        prices=replace(quiet.prices, slots=slots),
        plans=(
            a_plan(first),
            a_plan(second, evse_id=YARD, vehicle_id="van", plan_id="p2"),
        ),
        commissioning=(*commissioning(), *commissioning("SIM-2")),
        counters=(some_counters(), some_counters(vehicle_id="van")),
    )


def targets_w(snapshot: Snapshot) -> tuple[float, float]:
    memory = Memory(
        meter_good_since=NOW.later(-3600.0),
        evses=(an_evse_memory(), an_evse_memory(evse_id=YARD, session_id="s2")),
    )
    first, second = decide(memory, snapshot, POLICY)[1].evses
    return target_of(first), target_of(second)


def test_a_load_is_served_once() -> None:
    assert targets_w(house(3000.0, worth=(0.15, 0.15))) == (-3000.0, 0.0)


def test_the_second_car_serves_what_the_first_cannot() -> None:
    # Charger and car give 7.4 kW; the rest is worth 0.30 too.
    first_w, second_w = targets_w(house(9400.0, worth=(0.15, 0.15)))
    assert first_w + second_w == pytest.approx(-9400.0)
    assert second_w < -1400.0


def test_the_sun_is_taken_once() -> None:
    first_w, second_w = targets_w(house(-3000.0, worth=(0.25, 0.25)))
    assert (first_w, second_w) == (3000.0, 0.0)


def test_no_car_serves_what_the_other_charges() -> None:
    # The first buys at 0.30 what is worth 0.60 to it; the second would sell at 0.15.
    first_w, second_w = targets_w(house(2000.0, worth=(0.60, 0.15)))
    assert first_w > 0.0
    assert second_w == 0.0
    # Whichever of them comes first.
    first_w, second_w = targets_w(house(2000.0, worth=(0.15, 0.60)))
    assert first_w == 0.0
    assert second_w > 0.0


def test_no_car_takes_for_sun_what_the_other_gives() -> None:
    # Exports pay the first as if they were dear; the second would take a surplus at 0.05.
    dear = house(1000.0, worth=(0.01, 0.25))
    first_w, second_w = targets_w(dear)
    assert first_w < -1000.0
    assert second_w == 0.0


def test_a_car_that_must_charge_takes_the_sun_and_leaves_the_load_to_the_other() -> None:
    late = replace(
        house(3000.0, worth=(0.15, 0.15)),
        goals=goals(a_goal(1.0, 0.8), vehicle_id="van"),
    )
    first_w, second_w = targets_w(late)
    assert first_w == -3000.0
    assert second_w > 0.0
    sunny = replace(late, meter=a_meter(-3000.0), plans=(a_plan(0.25), late.plans[1]))
    first_w, second_w = targets_w(sunny)
    assert first_w == 0.0
    assert second_w > 3000.0


@pytest.mark.parametrize(
    ("load_w", "power_w", "left_w"),
    [
        (2000.0, -500.0, 1500.0),
        (2000.0, -3000.0, 0.0),
        (2000.0, 7000.0, 0.0),
        (-2000.0, 500.0, -1500.0),
        (-2000.0, 3000.0, 0.0),
        (-2000.0, -7000.0, 0.0),
        (-2000.0, 0.0, -2000.0),
        (0.0, 7000.0, 0.0),
        (0.0, -7000.0, 0.0),
    ],
)
def test_what_is_left_beside_an_evse(load_w: float, power_w: float, left_w: float) -> None:
    assert load_beside(load_w, power_w) == left_w
