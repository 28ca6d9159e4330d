"""The plant: what a held setpoint moves in a quarter hour, worked out by hand."""

from __future__ import annotations

import pytest

from tests.unit.rehearsal.toys import a_plant
from v2g_daemon.domain.loss import LossCurve
from v2g_daemon.rehearsal.plant import Flow, Plant, Surroundings, held

# 0.15 kW + 3 % of the power + 0.003 kW per kW².
LOSSY = LossCurve(constant_w=150.0, linear=0.03, quadratic_per_w=3e-6)


def around(load_w: float = 0.0, pv_w: float = 0.0, export_per_kwh: float = 0.1) -> Surroundings:
    return Surroundings(load_w=load_w, pv_w=pv_w, export_per_kwh=export_per_kwh)


def flow(
    setpoint_w: float,
    energy_wh: float,
    where: Surroundings | None = None,
    plant: Plant | None = None,
) -> Flow:
    plant = a_plant() if plant is None else plant
    where = around() if where is None else where
    return held(plant, setpoint_w, energy_wh, where, ceiling_wh=plant.ceiling_wh)


def test_rest_leaves_the_house_alone() -> None:
    assert flow(0.0, 30_000.0, around(load_w=800.0)) == Flow(
        power_w=0.0, share=0.0, pack_wh=0.0, import_wh=200.0, export_wh=0.0
    )


def test_a_charge_adds_to_the_load() -> None:
    moved = flow(4000.0, 30_000.0, around(load_w=800.0))
    assert (moved.pack_wh, moved.import_wh, moved.export_wh) == (1000.0, 1200.0, 0.0)


def test_a_charge_loses_on_its_way_and_a_discharge_too() -> None:
    lossy = a_plant(loss=LOSSY)
    # 7400 W lose 150 + 222 + 164.28 = 536.28 W.
    assert flow(7400.0, 30_000.0, plant=lossy).pack_wh == pytest.approx(1715.93)
    given = flow(-7400.0, 30_000.0, around(load_w=6000.0), lossy)
    assert given.pack_wh == pytest.approx(-1984.07)


def test_a_discharge_covers_the_load_and_exports_the_rest() -> None:
    moved = flow(-4000.0, 30_000.0, around(load_w=1000.0))
    assert (moved.pack_wh, moved.import_wh, moved.export_wh) == (-1000.0, 0.0, 750.0)


def test_full_power_is_all_there_is() -> None:
    assert flow(20_000.0, 30_000.0).power_w == 7400.0
    assert flow(-20_000.0, 30_000.0, around(load_w=6000.0)).power_w == -7400.0


def test_the_car_gives_way_to_the_import_limit_and_rests_below_its_least() -> None:
    assert flow(7400.0, 30_000.0, around(load_w=6000.0)).power_w == 5000.0
    assert flow(7400.0, 30_000.0, around(load_w=9700.0)).power_w == 0.0


def test_the_car_gives_way_to_the_export_limit_and_rests_below_its_least() -> None:
    assert flow(-7400.0, 30_000.0, around(load_w=500.0)).power_w == -5500.0
    assert flow(-7400.0, 30_000.0, around(pv_w=4000.0)).power_w == 0.0
    assert flow(-7400.0, 30_000.0, around(pv_w=9000.0)).power_w == 0.0


def test_less_than_the_least_power_is_rest() -> None:
    assert flow(1399.0, 30_000.0).power_w == 0.0
    assert flow(-1399.0, 30_000.0).power_w == 0.0
    assert flow(1400.0, 30_000.0).power_w == 1400.0


def test_a_charge_stops_at_the_ceiling_inside_the_quarter_hour() -> None:
    moved = flow(4000.0, 53_750.0, around(load_w=800.0))
    assert moved.share == 0.25
    assert (moved.pack_wh, moved.import_wh) == (250.0, 450.0)


def test_a_discharge_stops_at_the_floor_inside_the_quarter_hour() -> None:
    moved = flow(-4000.0, 12_500.0, around(load_w=8000.0))
    assert moved.share == 0.5
    assert (moved.pack_wh, moved.import_wh) == (-500.0, 1500.0)


def test_below_the_floor_only_charging_works() -> None:
    assert flow(-4000.0, 11_000.0).pack_wh == 0.0
    assert flow(4000.0, 11_000.0).pack_wh == 1000.0


def test_a_trip_may_be_charged_for_above_the_ceiling() -> None:
    plant = a_plant()
    moved = held(plant, 4000.0, 54_000.0, around(), ceiling_wh=plant.ceiling_of(58_000.0))
    assert moved.pack_wh == 1000.0
    assert plant.ceiling_of(20_000.0) == 54_000.0


def test_sun_beyond_the_export_limit_is_not_produced_where_it_can_be_throttled() -> None:
    sunny = around(load_w=1000.0, pv_w=8000.0)
    assert flow(0.0, 30_000.0, sunny).export_wh == 1250.0
    assert flow(0.0, 30_000.0, sunny, a_plant(curtails=False)).export_wh == 1750.0


def test_no_sun_is_exported_while_that_costs_money() -> None:
    negative = around(load_w=1000.0, pv_w=3000.0, export_per_kwh=-0.05)
    assert flow(0.0, 30_000.0, negative).export_wh == 0.0
    assert flow(0.0, 30_000.0, negative, a_plant(curtails=False)).export_wh == 500.0
    # What the car gives is exported all the same: 2000 W, and the sun's 2000 W are not produced.
    assert flow(-2000.0, 30_000.0, negative).export_wh == 500.0


def test_a_car_above_its_taper_takes_less() -> None:
    tapering = a_plant(taper_above_wh=45_000.0, ceiling_wh=60_000.0)
    # Half-way from 75 % to full it takes 1 − 0.5 × 0.75 = 62.5 % of 7400 W, 4625 W, and 37 % of
    # that less with each hour: 4625 × (1 − e^−0.0925) / 0.0925 on average.
    assert flow(7400.0, 52_500.0, plant=tapering).power_w == pytest.approx(4417.0, rel=0.005)
    assert flow(7400.0, 42_000.0, plant=tapering).power_w == 7400.0


def test_a_shorter_slot_moves_its_part_of_a_quarter_hour() -> None:
    plant, where = a_plant(loss=LOSSY), around(load_w=800.0)
    whole = held(plant, -4000.0, 30_000.0, where, ceiling_wh=54_000.0)
    third = held(plant, -4000.0, 30_000.0, where, ceiling_wh=54_000.0, slot_h=1.0 / 12.0)
    assert third.power_w == whole.power_w
    for part, all_of_it in (
        (third.pack_wh, whole.pack_wh),
        (third.import_wh, whole.import_wh),
        (third.export_wh, whole.export_wh),
    ):
        assert part == pytest.approx(all_of_it / 3.0)
