"""The simulated world: PCC power is the sum of its parts, and energy is conserved."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from simulators.recorded import StepSeries, resolve, step_series
from simulators.vehicle import Event, Movement
from tests.unit.simulators.worlds import START_S, Demand, electronics, house, vehicle, world


def test_an_hour_of_steady_charging_is_worth_what_the_hand_says() -> None:
    sim = world(Demand((START_S, 4000.0)), charger=electronics(ramp_up_w_per_s=1e9))
    sim.advance_to(START_S + 3600.0)
    outlet, truth = sim.outlets["S1"], sim.truth
    assert outlet.charge_wh == pytest.approx(4000.0, abs=0.01)
    assert truth.loss_wh == pytest.approx(318.0, abs=0.01)
    assert sim.vehicles["car"].energy_wh == pytest.approx(33_682.0, abs=0.01)
    assert truth.pcc_import_wh == pytest.approx(4600.0, abs=0.01)
    assert truth.pcc_import_wh_per_phase == pytest.approx([4600.0 / 3] * 3, abs=0.01)
    assert truth.pcc_export_wh == 0.0


def test_a_discharge_takes_its_loss_from_the_pack_too() -> None:
    sim = world(Demand((START_S, -4000.0)), charger=electronics(ramp_up_w_per_s=1e9))
    sim.advance_to(START_S + 3600.0)
    assert sim.outlets["S1"].discharge_wh == pytest.approx(4000.0, abs=0.01)
    assert sim.vehicles["car"].energy_wh == pytest.approx(25_682.0, abs=0.01)
    assert sim.truth.pcc_export_wh == pytest.approx(3400.0, abs=0.01)


def test_energy_is_conserved_on_a_recorded_day_with_a_nervous_controller() -> None:
    draw = random.Random(7)
    steps = [(START_S + 97.0 * i, draw.uniform(-8000.0, 8000.0)) for i in range(890)]
    path = resolve("demo:house_fr_load_pv_30min_2024_2025.csv.gz", Path())
    home = house(
        load=step_series(path, "load_w", shift_s=180 * 86_400.0),
        pv=step_series(path, "pv_w", shift_s=180 * 86_400.0),
    )
    sim = world(Demand(*steps), home=home)
    while sim.now_s < START_S + 86_400.0:
        sim.advance_to(sim.now_s + draw.uniform(0.1, 300.0))
    outlet, truth = sim.outlets["S1"], sim.truth
    net_pcc_wh = truth.pcc_import_wh - truth.pcc_export_wh
    assert net_pcc_wh == pytest.approx(
        truth.load_wh - truth.pv_wh + outlet.charge_wh - outlet.discharge_wh, abs=1e-6
    )
    per_phase_wh = sum(truth.pcc_import_wh_per_phase) - sum(truth.pcc_export_wh_per_phase)
    assert per_phase_wh == pytest.approx(net_pcc_wh, abs=1e-6)
    assert sim.vehicles["car"].energy_wh == pytest.approx(
        30_000.0 + outlet.charge_wh - outlet.discharge_wh - truth.loss_wh, abs=1e-6
    )
    assert sum(i.pcc_import_wh for i in truth.intervals) == pytest.approx(truth.pcc_import_wh)
    assert sum(i.evse_discharge_wh for i in truth.intervals) == pytest.approx(outlet.discharge_wh)
    assert outlet.discharge_wh > 1000.0
    assert outlet.charge_wh > 1000.0
    assert truth.pv_wh > 1000.0


def test_asking_often_or_once_gives_the_same_day() -> None:
    demand = Demand((START_S, 5000.0), (START_S + 5000.0, -3000.0))
    once, often = world(demand), world(demand)
    once.advance_to(START_S + 10_000.0)
    for second in range(1, 10_001):
        often.advance_to(START_S + second)
    assert often.vehicles["car"].energy_wh == pytest.approx(
        once.vehicles["car"].energy_wh, rel=1e-9
    )


def test_intervals_are_utc_quarter_hours_with_partial_ends() -> None:
    sim = world(Demand())
    sim.advance_to(START_S + 1000.0)
    first, second = sim.truth.intervals
    assert (first.start_s, first.end_s) == (START_S, START_S + 900.0)
    assert (second.start_s, second.end_s) == (START_S + 900.0, START_S + 1000.0)
    assert first.load_wh == pytest.approx(150.0)
    assert second.pcc_import_wh == pytest.approx(600.0 * 100.0 / 3600.0)


def test_a_recorded_step_takes_effect_at_its_very_second() -> None:
    load = StepSeries(times_s=(START_S, START_S + 301.0), values=(600.0, 1200.0))
    sim = world(Demand(), home=house(load=load))
    sim.advance_to(START_S + 602.0)
    assert sim.truth.load_wh == pytest.approx(600.0 * 301.0 / 3600.0 + 1200.0 * 301.0 / 3600.0)


def test_the_car_stops_at_its_own_limit_and_never_goes_below_its_own_minimum() -> None:
    full = world(Demand((START_S, 7400.0)), car=vehicle(soc=0.79, upper_limit_soc=0.8))
    full.advance_to(START_S + 7200.0)
    assert full.vehicles["car"].soc == pytest.approx(0.8, abs=0.0002)
    assert full.outlets["S1"].power_w == 0.0
    empty = world(Demand((START_S, -7400.0)), car=vehicle(soc=0.12))
    empty.advance_to(START_S + 7200.0)
    assert empty.vehicles["car"].soc == pytest.approx(0.1, abs=0.0002)
    assert empty.outlets["S1"].power_w == 0.0


def test_charging_tapers_towards_a_full_pack() -> None:
    car = vehicle(soc=0.975)
    # Half way from 0.95 to 1.0 the share is half way from 1 to 0.25: 0.625 x 7400 W
    assert car.charge_limit_w(7400.0) == pytest.approx(4625.0)


def test_a_trip_is_logged_at_departure_and_paid_at_return() -> None:
    events = iter(
        [
            Event(at_s=START_S + 600.0, movement=Movement.DEPARTS, trip_wh=9000.0, needed_soc=0.6),
            Event(at_s=START_S + 4200.0, movement=Movement.RETURNS, trip_wh=9000.0),
        ]
    )
    sim = world(Demand((START_S, -4000.0)), car=vehicle(soc=0.58, events=events))
    sim.advance_to(START_S + 700.0)
    (departure,) = sim.truth.departures
    assert (departure.met, departure.driven) == (False, True)
    assert sim.outlet_of(sim.vehicles["car"]) is None
    assert sim.outlets["S1"].power_w == 0.0
    left_wh = sim.vehicles["car"].energy_wh
    sim.advance_to(START_S + 4200.0)
    assert sim.outlet_of(sim.vehicles["car"]) is sim.outlets["S1"]
    assert sim.vehicles["car"].energy_wh == pytest.approx(left_wh - 9000.0)
    assert sim.outlets["S1"].plug_count == 2


def test_the_watch_counts_only_what_is_over_the_limit_and_whose_it_is() -> None:
    home = house(load_w=0.0, pv_w=3000.0)
    demand = Demand((START_S, -2000.0), (START_S + 600.0, 0.0))
    sim = world(demand, home=home, charger=electronics(ramp_up_w_per_s=1e9), export_limit_w=4000.0)
    sim.advance_to(START_S + 1800.0)
    assert sim.truth.export_watch.seconds_over == pytest.approx(600.0, abs=0.3)
    assert sim.truth.export_watch.worst_over_w == pytest.approx(1000.0)
    assert sim.truth.discharge_watch.longest_episode_s == pytest.approx(600.0, abs=0.3)
    sunny = world(Demand(), home=house(load_w=0.0, pv_w=5000.0), export_limit_w=4000.0)
    sunny.advance_to(START_S + 100.0)
    assert sunny.truth.export_watch.seconds_over == pytest.approx(100.0)
    assert sunny.truth.discharge_watch.seconds_over == 0.0


def test_a_single_phase_charger_loads_one_phase() -> None:
    charger = electronics(phases=1, ramp_up_w_per_s=1e9)
    sim = world(Demand((START_S, 4600.0)), charger=charger)
    sim.advance_to(START_S + 10.0)
    assert sim.pcc_w_per_phase() == pytest.approx((4800.0, 200.0, 200.0))
    assert sim.truth.max_phase_current_a == pytest.approx(4800.0 / 230.0)


def test_overrides_replace_the_house_until_they_are_taken_back() -> None:
    sim = world(Demand())
    sim.house.override(load_w=None, pv_w=None, load_w_per_phase=(5000.0, 0.0, 0.0))
    assert sim.pcc_w_per_phase() == pytest.approx((5000.0, 0.0, 0.0))
    sim.house.override(load_w=None, pv_w=900.0, load_w_per_phase=None)
    assert sum(sim.pcc_w_per_phase()) == pytest.approx(-300.0)
