"""A meter that shows the same digits while the car moves is not believed."""

from __future__ import annotations

from dataclasses import replace

from tests.builders import NOW, a_meter, a_policy, a_snapshot, an_evse_status
from v2g_daemon.control.decide import decide
from v2g_daemon.domain.decision import Decision
from v2g_daemon.domain.faults import FaultCode
from v2g_daemon.domain.memory import Memory
from v2g_daemon.domain.policy import Policy

Sample = tuple[float, float]


def watched(
    meter_w: list[float], evse_w: list[float], *, policy: Policy | None = None
) -> list[Decision]:
    """One decision a second; a value per second of meter and car."""
    memory, decisions = Memory(meter_good_since=NOW.later(-60.0)), []
    for second, (grid_w, car_w) in enumerate(zip(meter_w, evse_w, strict=True)):
        now = NOW.later(float(second))
        snapshot = replace(
            a_snapshot(
                meter=replace(a_meter(grid_w), observed_at=now),
                evses=(an_evse_status(power_w=car_w, power_observed_at=now),),
            ),
            now=now,
        )
        memory, decision = decide(memory, snapshot, a_policy() if policy is None else policy)
        decisions.append(decision)
    return decisions


def frozen_seconds(decisions: list[Decision]) -> list[int]:
    return [
        second
        for second, decision in enumerate(decisions)
        if FaultCode.METER_FROZEN in {fault.code for fault in decision.faults}
    ]


def lowest_permitted_w(decision: Decision) -> float:
    """What the export limit permits, which is what the meter is needed for."""
    (limit,) = [one for one in decision.evses[0].limits if one.reason.rule == "export_limit"]
    return limit.permitted.lowest_w


def test_a_frozen_meter_is_stale_within_its_age_of_the_cars_move() -> None:
    # The car moves by 3 kW at second 10; 5 s later the meter should long have shown it.
    decisions = watched([500.0] * 20, [0.0] * 10 + [-3000.0] * 10)
    assert frozen_seconds(decisions) == [15, 16, 17, 18, 19]
    assert lowest_permitted_w(decisions[14]) < 0.0
    assert lowest_permitted_w(decisions[15]) == 0.0


def test_a_meter_that_moves_by_a_watt_lives() -> None:
    moving = [500.0 + second % 2 for second in range(40)]
    assert frozen_seconds(watched(moving, [0.0] * 10 + [-3000.0] * 30)) == []


def test_a_still_house_with_a_still_car_is_no_fault() -> None:
    assert frozen_seconds(watched([500.0] * 200, [-3000.0] * 200)) == []


def test_a_car_that_moves_by_less_than_a_kilowatt_proves_nothing() -> None:
    assert frozen_seconds(watched([500.0] * 60, [0.0] * 10 + [-1000.0] * 50)) == []


def test_a_charger_that_tells_late_does_not_make_a_meter_frozen() -> None:
    # The meter shows the step at once, the charger five seconds later.
    meter_w = [500.0] * 10 + [-2500.0] * 30
    assert frozen_seconds(watched(meter_w, [0.0] * 15 + [-3000.0] * 25)) == []


def test_discharge_grows_again_only_half_a_minute_after_the_thaw() -> None:
    meter_w = [500.0] * 20 + [520.0 + second % 3 for second in range(40)]
    decisions = watched(meter_w, [0.0] * 10 + [-3000.0] * 50)
    assert frozen_seconds(decisions) == [15, 16, 17, 18, 19]
    assert lowest_permitted_w(decisions[49]) == 0.0
    assert lowest_permitted_w(decisions[50]) < 0.0


def test_a_meter_that_is_away_is_stale_and_not_frozen() -> None:
    snapshot = a_snapshot(meter=None)
    _, decision = decide(Memory(), snapshot, a_policy())
    assert {fault.code for fault in decision.faults} == {FaultCode.METER_STALE}
