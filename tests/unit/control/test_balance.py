"""The powers of the house add up, or people are told that a meter lies."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.builders import NOW, a_meter, a_policy, a_snapshot, an_evse_status
from v2g_daemon.control.decide import decide
from v2g_daemon.domain.faults import FaultCode
from v2g_daemon.domain.memory import Memory
from v2g_daemon.domain.readings import MeterRole, MeterStatus
from v2g_daemon.domain.snapshot import Snapshot


def a_status(role: MeterRole, power_w: float | None, **changes: Any) -> MeterStatus:
    status = MeterStatus(meter_id=role.value, role=role, power_w=power_w)
    return replace(status, **changes)


def a_house(
    *,
    grid_w: float,
    pv_w: float | None = None,
    battery_w: float | None = None,
    evse_w: float = 0.0,
    sub_w: float | None = None,
    roles: tuple[MeterRole, ...] = (MeterRole.GRID, MeterRole.PV, MeterRole.BATTERY),
) -> Snapshot:
    """What its meters say; PV as its meter sees it, out of the roof with a minus."""
    powers = {
        MeterRole.GRID: grid_w,
        MeterRole.PV: None if pv_w is None else -pv_w,
        MeterRole.BATTERY: battery_w,
        MeterRole.SUB: sub_w,
    }
    return a_snapshot(
        meter=a_meter(grid_w),
        pv_power_w=pv_w,
        battery_power_w=battery_w,
        evses=(an_evse_status(power_w=evse_w),),
        meters=tuple(a_status(role, powers[role]) for role in roles if powers[role] is not None),
    )


def told_after(seconds_s: float, snapshot: Snapshot) -> str | None:
    """The fault of the balance once the same house has stood for a while."""
    memory, details = Memory(), None
    for at_s in (0.0, seconds_s):
        later = replace(
            snapshot,
            now=NOW.later(at_s),
            meter=None
            if snapshot.meter is None
            else replace(snapshot.meter, observed_at=NOW.later(at_s)),
        )
        memory, decision = decide(memory, later, a_policy())
        found = [one for one in decision.faults if one.code is FaultCode.POWER_BALANCE]
        details = found[0].detail if found else None
    return details


@pytest.mark.parametrize(
    "house",
    [
        # grid + PV − battery − car = what the rest of the house draws
        a_house(grid_w=500.0, pv_w=0.0),
        a_house(grid_w=-3000.0, pv_w=4000.0),
        a_house(grid_w=-500.0, pv_w=4000.0, battery_w=2500.0),
        a_house(grid_w=-3500.0, pv_w=0.0, evse_w=-4000.0),
        a_house(grid_w=4500.0, battery_w=-500.0, evse_w=4800.0),
        a_house(grid_w=-200.0, pv_w=0.0),  # within 300 W: meters do not sample at one moment
    ],
)
def test_a_house_that_adds_up_is_no_fault(house: Snapshot) -> None:
    assert told_after(120.0, house) is None


@pytest.mark.parametrize(
    ("house", "left"),
    [
        (a_house(grid_w=-3000.0, pv_w=500.0), "-2500 W"),
        (a_house(grid_w=400.0, pv_w=-2000.0), "-1600 W"),  # a PV meter with the wrong sign
        (a_house(grid_w=500.0, battery_w=3000.0), "-2500 W"),
        (a_house(grid_w=1000.0, pv_w=0.0, evse_w=4000.0), "-3000 W"),
    ],
)
def test_powers_that_leave_the_house_less_than_nothing_are_told_after_a_minute(
    house: Snapshot, left: str
) -> None:
    assert told_after(59.0, house) is None
    detail = told_after(60.0, house)
    assert detail is not None
    assert f"leave {left} for the rest of the house" in detail
    assert "a meter is missing, has the wrong sign, or measures something else" in detail


def test_a_roof_without_a_meter_may_feed_the_grid() -> None:
    house = a_house(grid_w=-3000.0, roles=(MeterRole.GRID,))
    assert told_after(120.0, house) is None


def test_a_late_meter_says_nothing_about_the_balance() -> None:
    house = a_house(grid_w=-3000.0, pv_w=500.0)
    late = tuple(
        replace(one, power_w=None) if one.role is MeterRole.PV else one for one in house.meters
    )
    assert told_after(120.0, replace(house, meters=late)) is None


def test_a_sub_meter_cannot_draw_more_than_the_house() -> None:
    roles = (MeterRole.GRID, MeterRole.SUB)
    assert told_after(120.0, a_house(grid_w=900.0, sub_w=1100.0, roles=roles)) is None
    detail = told_after(120.0, a_house(grid_w=900.0, sub_w=2900.0, roles=roles))
    assert detail is not None
    assert "sub-meter sub reads 2900 W in a house that draws 900 W" in detail


def test_a_meter_in_trouble_is_named() -> None:
    snapshot = a_snapshot(meters=(a_status(MeterRole.PV, None, trouble="10.0.0.5 is silent"),))
    _, decision = decide(Memory(), snapshot, a_policy())
    assert [(one.code, one.detail) for one in decision.faults] == [
        (FaultCode.METER_TROUBLE, "meter pv: 10.0.0.5 is silent")
    ]


def test_a_stale_grid_meter_says_why() -> None:
    trouble = "10.0.0.4 reads a power of 65535 W"
    snapshot = a_snapshot(meter=None, meters=(a_status(MeterRole.GRID, None, trouble=trouble),))
    _, decision = decide(Memory(), snapshot, a_policy())
    assert [one.detail for one in decision.faults] == [f"the grid meter gives no value: {trouble}"]
