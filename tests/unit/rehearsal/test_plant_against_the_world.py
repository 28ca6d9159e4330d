"""Two plants on purpose: the rehearsal's and the simulators' world agree on the same setpoints."""

from __future__ import annotations

import random

import pytest

from simulators.charger import LossCurve as WorldLoss
from simulators.recorded import StepSeries
from tests.unit.rehearsal.toys import a_plant
from tests.unit.simulators.worlds import START_S, Demand, electronics, house, vehicle, world
from v2g_daemon.domain.loss import LossCurve
from v2g_daemon.rehearsal.course import Registers
from v2g_daemon.rehearsal.plant import Surroundings, held

WITHIN = 0.001
SLOT_S = 900.0
LOSS = LossCurve(constant_w=150.0, linear=0.03, quadratic_per_w=0.000003)
PLANT = a_plant(
    pack_wh=60_000.0,
    floor_wh=6_000.0,
    ceiling_wh=60_000.0,
    taper_above_wh=57_000.0,
    loss=LOSS,
    import_limit_w=50_000.0,
    export_limit_w=50_000.0,
    curtails=False,
)


def stepwise(values_w: list[float]) -> StepSeries:
    starts = tuple(START_S + SLOT_S * slot for slot in range(len(values_w)))
    return StepSeries(times_s=starts, values=tuple(values_w))


@pytest.mark.parametrize("seed", range(2))
def test_both_plants_move_the_same_energy(seed: int) -> None:
    draw = random.Random(seed)
    count = 4 * 24
    # Runs of a few quarter hours, as a plan has them, in the middle of the pack.
    asked_w: list[float] = []
    while len(asked_w) < count:
        power_w = draw.choice([0.0, draw.uniform(1400.0, 7400.0), -draw.uniform(1400.0, 7400.0)])
        asked_w += [power_w] * draw.randint(1, 6)
    asked_w = asked_w[:count]
    load_w = [draw.uniform(200.0, 3000.0) for _ in range(count)]
    pv_w = [draw.uniform(0.0, 4000.0) for _ in range(count)]
    sim = world(
        Demand(*((START_S + SLOT_S * slot, power_w) for slot, power_w in enumerate(asked_w))),
        car=vehicle(soc=0.5, minimum_discharge_soc=0.1),
        home=house(load=stepwise(load_w), pv=stepwise(pv_w)),
        charger=electronics(
            ramp_up_w_per_s=1e9,
            ramp_down_w_per_s=1e9,
            loss=WorldLoss(constant_w=150.0, linear=0.03, square_per_kw=0.003),
        ),
    )
    energy_wh, registers = 30_000.0, Registers()
    for slot in range(count):
        around = Surroundings(load_w=load_w[slot], pv_w=pv_w[slot], export_per_kwh=0.1)
        flow = held(PLANT, asked_w[slot], energy_wh, around, ceiling_wh=PLANT.ceiling_wh)
        energy_wh, registers = energy_wh + flow.pack_wh, registers.after(flow, 0.25)
        sim.advance_to(START_S + SLOT_S * (slot + 1))
        assert sim.vehicles["car"].energy_wh == pytest.approx(energy_wh, rel=WITHIN)
    outlet, truth = sim.outlets["S1"], sim.truth
    assert outlet.charge_wh == pytest.approx(registers.charge_wh, rel=WITHIN)
    assert outlet.discharge_wh == pytest.approx(registers.discharge_wh, rel=WITHIN)
    assert truth.pcc_import_wh == pytest.approx(registers.import_wh, rel=WITHIN)
    assert truth.pcc_export_wh == pytest.approx(registers.export_wh, rel=WITHIN)
    assert registers.charge_wh > 20_000.0
    assert registers.discharge_wh > 20_000.0
