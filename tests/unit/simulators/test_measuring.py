"""What the simulated grid meter tells beside the power."""

from __future__ import annotations

from simulators.faults import FaultBoard
from simulators.household import House, constant
from simulators.measuring import Measuring
from simulators.meters.table import MeterTable
from simulators.world import World
from tests.unit.simulators.rig import HandClock
from tests.unit.simulators.worlds import EVEN, START_S


def test_the_digits_move_in_a_house_that_draws_the_same_for_ever() -> None:
    clock = HandClock()
    house = House(load=constant(1000.0), pv=constant(0.0), load_shares=EVEN, pv_shares=EVEN)
    world = World(
        start_s=START_S,
        house=house,
        outlets=[],
        vehicles=[],
        frequency_hz=60.0,
        frequency_sway_hz=0.02,
    )
    measuring = Measuring(
        table=MeterTable(),
        world=world,
        clock=clock,  # type: ignore[arg-type]
        faults=FaultBoard(),
    )
    samples = []
    for second in range(60):
        clock.at_s = START_S + second
        samples.append(measuring.sample())
    assert {sample.power_w[0] for sample in samples} == {1000.0}
    assert len({round(sample.frequency_hz, 2) for sample in samples}) >= 3
    assert all(abs(sample.frequency_hz - 60.0) <= 0.02 for sample in samples)
