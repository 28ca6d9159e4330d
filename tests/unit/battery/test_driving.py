"""Distances as energy: with the car's consumption, above its floor, and never more than a pack."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import a_vehicle, in_hours
from v2g_daemon.battery.driving import departure_goal, driven_wh, held, missing_km
from v2g_daemon.domain.needs import Distance, Energy, Need, Share

# 60 kWh above a floor of 30 %; 200 Wh/km, and a quarter more for the cold.
CAR = a_vehicle(consumption_wh_per_km=200.0, consumption_margin_fraction=0.25)


@pytest.mark.parametrize(
    ("need", "soc", "energy_wh"),
    [
        (Share(soc=0.75), 0.75, None),
        (Energy(energy_wh=12_000.0), 0.5, 12_000.0),
        # 120 km × 250 Wh/km = 30 kWh, half of the pack.
        (Distance(distance_km=120.0), 0.8, 30_000.0),
        (Distance(distance_km=1000.0), 1.0, 250_000.0),
        (None, 0.8, None),
    ],
)
def test_a_need_is_held_above_the_floor(
    need: Need | None, soc: float, energy_wh: float | None
) -> None:
    wanted = held(need, CAR)
    assert wanted.soc == pytest.approx(soc)
    assert wanted.energy_wh == (None if energy_wh is None else pytest.approx(energy_wh))


def test_a_trip_takes_what_is_expected_without_the_margin() -> None:
    assert driven_wh(Distance(distance_km=50.0), CAR) == pytest.approx(10_000.0)


def test_a_distance_of_unknown_consumption_says_which_key_is_missing() -> None:
    with pytest.raises(ValueError, match=r"car 'car' .* consumption_wh_per_km .* \[\[vehicle\]\]"):
        held(Distance(distance_km=50.0), a_vehicle())


def test_a_trip_without_a_need_is_what_is_needed() -> None:
    goal = departure_goal(
        None,
        Distance(distance_km=48.0),
        CAR,
        leaves_utc=in_hours(3.0),
        returns_at_utc=in_hours(9.0),
    )
    assert (goal.ready_by_utc, goal.returns_at_utc) == (in_hours(3.0), in_hours(9.0))
    assert goal.soc == pytest.approx(0.5)
    assert goal.energy_wh == pytest.approx(12_000.0)
    assert goal.trip_wh == pytest.approx(9600.0)


def test_a_need_of_its_own_outranks_the_trip() -> None:
    goal = departure_goal(
        Share(soc=0.9),
        Energy(energy_wh=9000.0),
        CAR,
        leaves_utc=in_hours(3.0),
        returns_at_utc=None,
    )
    assert (goal.soc, goal.energy_wh, goal.trip_wh) == (0.9, None, 9000.0)


def test_what_a_full_pack_lacks_is_told_in_kilometres() -> None:
    # 42 kWh above the floor are 168 km.
    assert missing_km(Distance(distance_km=200.0), CAR) == pytest.approx(32.0)
    assert missing_km(Distance(distance_km=168.0), CAR) == pytest.approx(0.0)
    assert missing_km(Share(soc=1.0), CAR) == 0.0


@given(
    distance_km=st.floats(0.1, 2000.0),
    floor=st.floats(0.0, 0.9),
    consumption_wh=st.floats(50.0, 1000.0),
    margin=st.floats(0.0, 2.0),
)
def test_the_floor_is_never_driven_on(
    distance_km: float, floor: float, consumption_wh: float, margin: float
) -> None:
    car = a_vehicle(
        soc_floor=floor,
        consumption_wh_per_km=consumption_wh,
        consumption_margin_fraction=margin,
    )
    need = Distance(distance_km=distance_km)
    soc = held(need, car).soc
    assert floor <= soc <= 1.0
    left = soc - driven_wh(need, car) / car.capacity_wh
    assert left >= floor - 1e-9 or soc == 1.0
