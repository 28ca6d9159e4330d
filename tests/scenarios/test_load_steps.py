"""Loads that come and go beside a running charger: back inside the limits in seconds, and calm."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

from tests.builders import a_cadence, a_grid, a_policy, a_snapshot, an_evse, an_override
from tests.scenarios.engine import House, World
from v2g_daemon.domain.decision import Decision
from v2g_daemon.domain.goals import OverrideKind
from v2g_daemon.domain.policy import Policy

FUSE_W = 3 * 25.0 * 230.0
SHARE_OVER = 1.05
WITHIN_S = 5
UP_W_PER_S, DOWN_W_PER_S = 500.0, 3700.0
MOST_REVERSALS_A_MINUTE = 3


class SlowHouse(House):
    """A charger that begins to obey a second later, and ramps."""

    def __init__(self, policy: Policy, world: World) -> None:
        super().__init__(policy, world)
        self.told_w = 0.0

    def tick(self, at_s: float) -> Decision:
        """What was told a second ago moves the power; what is told now waits its turn."""
        now_w, told_w = self.power_w, self.told_w
        decision = super().tick(at_s)
        self.told_w = self.power_w
        toward_0 = abs(told_w) < abs(now_w) or told_w * now_w < 0.0
        step_w = DOWN_W_PER_S if toward_0 else UP_W_PER_S
        self.power_w = now_w + min(max(told_w - now_w, -step_w), step_w)
        return decision


def powers(house: SlowHouse, load_w: float, seconds: range) -> Iterator[tuple[float, float]]:
    """The power at the connection and at the car in each of these seconds."""
    house.world = replace(house.world, load_w=load_w)
    for at_s in seconds:
        house.tick(float(at_s))
        yield load_w + house.power_w, house.power_w


def reversals(powers_w: list[float]) -> int:
    """How often the car's power turned from falling to rising or back, by more than 100 W."""
    steps = [after - before for before, after in pairwise(powers_w) if abs(after - before) > 100.0]
    return sum(1 for before, after in pairwise(steps) if before * after < 0.0)


def a_house(policy: Policy, **world: Any) -> SlowHouse:
    return SlowHouse(policy, World(**world))


def test_seven_kilowatts_beside_a_full_charge_are_shed_in_five_seconds_without_swinging() -> None:
    evse = an_evse(phases=3, max_charge_w=11_000.0, cadence=a_cadence(ramp_up_w_per_s=500.0))
    policy = a_policy(evses=(evse,), grid=a_grid(main_fuse_a=25.0))
    charge = a_snapshot(overrides=(an_override(OverrideKind.CHARGE),)).overrides
    house = a_house(policy, load_w=3000.0, soc=0.5, snapshot={"overrides": charge})
    before = list(powers(house, 3000.0, range(120)))
    assert before[-1][1] >= 7000.0
    after = list(powers(house, 12_000.0, range(120, 300)))
    assert max(pcc_w for pcc_w, _ in after) > FUSE_W
    assert all(pcc_w <= FUSE_W * SHARE_OVER for pcc_w, _ in after[WITHIN_S:])
    assert after[-1][1] > 2000.0  # what the fuse leaves is used
    minutes = [[w for _, w in after[start : start + 60]] for start in (0, 60, 120)]
    assert all(reversals(one) <= MOST_REVERSALS_A_MINUTE for one in minutes)


def test_an_oven_that_goes_off_beside_a_discharge_exports_for_seconds_only() -> None:
    cadence = a_cadence(dwell_on_s=0.0, dwell_off_s=0.0)
    policy = a_policy(
        evses=(an_evse(cadence=cadence),), grid=a_grid(export_limit_w=0.0, main_fuse_a=25.0)
    )
    house = a_house(policy, load_w=5000.0, soc=0.7, worth=0.0)
    before = list(powers(house, 5000.0, range(150)))
    assert before[-1][1] <= -4000.0
    after = list(powers(house, 2000.0, range(150, 240)))
    exported_w = [max(-pcc_w, 0.0) for pcc_w, _ in after]
    assert max(exported_w) > 0.0
    assert all(power_w <= 50.0 for power_w in exported_w[WITHIN_S:])
    assert sum(exported_w[:60]) / 60.0 <= 200.0
    assert after[-1][1] <= -1400.0  # the discharge goes on for the load that is left
