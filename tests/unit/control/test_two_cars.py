"""Two cars in one house: each serves what the other leaves, and neither fills the other."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import (
    NOW,
    a_goal,
    a_meter,
    a_plan,
    a_snapshot,
    an_evse_memory,
    an_evse_status,
    commissioning,
    goals,
    some_counters,
    target_of,
)
from tests.two_cars import POLICY, YARD, a_van_in_the_yard
from v2g_daemon.control.decide import decide
from v2g_daemon.domain.memory import Memory
from v2g_daemon.domain.plan import PeakCap
from v2g_daemon.domain.power import load_beside
from v2g_daemon.domain.snapshot import Snapshot

OVER_PER_KWH = 20.0
LEAST_CHARGE_W = 1400.0


def house(load_w: float, *, worth: tuple[float, float]) -> Snapshot:
    """Both cars idle at 50 %; a kWh in each is worth so much, 0.30 is asked and 0.05 paid."""
    first, second = worth
    quiet = a_snapshot()
    assert quiet.prices is not None
    slots = tuple(replace(slot, export_per_kwh=0.05) for slot in quiet.prices.slots)
    return replace(
        quiet,
        meter=a_meter(load_w),
        evses=(an_evse_status(), a_van_in_the_yard()),
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


def test_nothing_is_sold_into_a_pack_that_must_be_filled() -> None:
    # An export would pay 0.50, but what the first gives beyond the load never leaves the house.
    late = replace(
        house(3000.0, worth=(0.15, 0.15)),
        goals=goals(a_goal(1.0, 0.8), vehicle_id="van"),
    )
    assert late.prices is not None
    slots = tuple(replace(slot, export_per_kwh=0.50) for slot in late.prices.slots)
    paid = replace(late, prices=replace(late.prices, slots=slots))
    assert targets_w(replace(paid, goals=()))[0] < -4000.0
    assert targets_w(paid)[0] == -3000.0


def under_cap(
    snapshot: Snapshot, cap_w: float, *, planned_w: tuple[float, float] = (0.0, 0.0)
) -> Snapshot:
    """The house whose plans keep its import to a cap, and charge so much now."""
    cap = PeakCap(name="demand", cap_w=cap_w, over_per_kwh=OVER_PER_KWH, counts=(True,) * 192)
    plans = tuple(
        replace(
            plan,
            peak_caps=(cap,),
            slots=(replace(plan.slots[0], power_w=power_w), *plan.slots[1:]),
        )
        for plan, power_w in zip(snapshot.plans, planned_w, strict=True)
    )
    return replace(snapshot, plans=plans)


def test_the_room_under_a_cap_is_used_once_and_as_both_plan() -> None:
    # Alone each would charge with 7.4 kW; 8 kW less the house's 1 kW leave 7 kW for both.
    eager = house(1000.0, worth=(0.60, 0.60))
    shared = under_cap(eager, 8000.0, planned_w=(2000.0, 3000.0))
    assert targets_w(shared) == pytest.approx((4000.0, 3000.0))
    # Who plans nothing now leaves it to the other.
    assert targets_w(under_cap(eager, 8000.0)) == pytest.approx((7000.0, 0.0))


def test_the_sun_is_no_import_under_a_cap() -> None:
    sunny = under_cap(house(-4000.0, worth=(0.60, 0.60)), 5000.0)
    assert targets_w(sunny) == pytest.approx((7400.0, 1600.0), abs=1.0)


def test_what_nobody_still_wants_is_kept_for_nobody() -> None:
    # The second planned to charge, but a kWh in it is worth less than one costs.
    snapshot = house(1000.0, worth=(0.60, 0.10))
    found_w = targets_w(under_cap(snapshot, 8000.0, planned_w=(2000.0, 5000.0)))
    assert found_w == pytest.approx((7000.0, 0.0))


def test_a_car_that_must_charge_takes_its_power_and_the_other_what_is_left_of_the_cap() -> None:
    eager = house(1000.0, worth=(0.60, 0.60))
    late = replace(eager, goals=goals(a_goal(1.0, 0.8), vehicle_id="van"))
    first_w, second_w = targets_w(under_cap(late, 9900.0, planned_w=(3000.0, 0.0)))
    assert second_w == pytest.approx(7400.0, abs=1.0)
    assert first_w == pytest.approx(9900.0 - 1000.0 - second_w, abs=1.0)
    assert targets_w(under_cap(late, 6000.0))[0] == 0.0


@given(
    load_w=st.floats(-6000.0, 6000.0),
    cap_w=st.floats(0.0, 16_000.0),
    worth=st.tuples(st.floats(0.05, 0.90), st.floats(0.05, 0.90)),
    planned_w=st.tuples(st.floats(-3000.0, 7400.0), st.floats(-3000.0, 7400.0)),
)
@settings(max_examples=60, deadline=None)
def test_two_cars_that_need_not_charge_never_lift_the_import_over_the_cap(
    load_w: float,
    cap_w: float,
    worth: tuple[float, float],
    planned_w: tuple[float, float],
) -> None:
    snapshot = under_cap(house(load_w, worth=worth), cap_w, planned_w=planned_w)
    first_w, second_w = targets_w(snapshot)
    lifted_w = load_w + first_w + second_w - max(cap_w, load_w)
    if LEAST_CHARGE_W in (first_w, second_w):
        # Room of a little less than a charger's least power may be overstepped by the little that
        # is missing, as long as that costs less than the energy gains, at 0.05 of sun at the least.
        lifted_w -= LEAST_CHARGE_W * max(max(worth) - 0.05, 0.0) / OVER_PER_KWH
    assert lifted_w <= 1.0


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
