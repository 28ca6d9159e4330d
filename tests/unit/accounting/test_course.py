"""A boundary between two readings is told by the step in power between them."""

from __future__ import annotations

import pytest

from tests.unit.accounting.house import decided, meter, plugged, policy, snapshot
from v2g_daemon.accounting.course import course, courses
from v2g_daemon.accounting.metering import Metering, advance
from v2g_daemon.domain.ledger import EvseInterval, LedgerRow, PccInterval

HOUSE = policy()


def test_a_car_that_left_after_20_of_50_seconds_took_everything_before() -> None:
    # 7.2 kW for 20 s are 40 Wh.
    left = course(40_000, before_w=7200.0, after_w=0.0, span_s=50.0)
    assert left is not None
    assert left.step_s == pytest.approx(20.0)
    assert left.part(10.0) == pytest.approx(0.5)
    assert (left.part(0.0), left.part(20.0), left.part(40.0), left.part(50.0)) == (0, 1, 1, 1)


def test_a_load_that_doubles_halfway_uses_a_third_before() -> None:
    # 3.6 kW for 30 s are 30 Wh, 7.2 kW for 30 s are 60 Wh.
    doubled = course(90_000, before_w=3600.0, after_w=7200.0, span_s=60.0)
    assert doubled is not None
    assert doubled.part(30.0) == pytest.approx(1 / 3)
    assert doubled.part(45.0) == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("milliwh", "before_w", "after_w"),
    [
        (0, 3600.0, 0.0),
        (60_000, 3600.0, 3600.0),
        (70_000, 3600.0, 2000.0),  # more than either power gives in 60 s
        (20_000, 3600.0, 2000.0),  # less
    ],
)
def test_an_energy_that_one_step_cannot_explain_has_no_course(
    milliwh: int, before_w: float, after_w: float
) -> None:
    assert course(milliwh, before_w=before_w, after_w=after_w, span_s=60.0) is None


def test_crossing_zero_each_register_gets_its_side() -> None:
    # 3.6 kW in for 20 s, then 7.2 kW out for 40 s.
    taken, given = courses((20_000, 80_000), before_w=3600.0, after_w=-7200.0, span_s=60.0)
    assert taken is not None
    assert given is not None
    assert [taken.part(10.0), taken.part(20.0)] == pytest.approx([0.5, 1.0])
    assert [given.part(20.0), given.part(40.0)] == pytest.approx([0.0, 0.5])


def test_without_a_power_on_either_side_there_is_no_course() -> None:
    assert courses((20, 0), before_w=None, after_w=0.0, span_s=60.0) == (None, None)
    assert courses((20, 0), before_w=0.0, after_w=None, span_s=60.0) == (None, None)


def rows_around_the_turn(*, power_w: float) -> list[LedgerRow]:
    """7.2 kW flow in until second 900 exactly; readings at 880 and 930 s."""
    state = Metering()
    rows: list[LedgerRow] = []
    readings = ((0.0, 0, 7200.0), (880.0, 1_760_000, power_w), (930.0, 1_800_000, 0.0))
    for at_s, milliwh, now_w in readings:
        one = snapshot(
            at_s,
            pcc=meter(at_s, imported=milliwh, exported=0, power_w=now_w),
            evses=[plugged(at_s, charged=milliwh, discharged=0, power_w=now_w)],
        )
        state, more = advance(state, one, decided(soc=0.5), HOUSE)
        rows.extend(more)
    return rows


def test_power_that_ends_at_the_turn_of_the_quarter_hour_is_booked_before_it() -> None:
    rows = rows_around_the_turn(power_w=7200.0)
    assert [row.import_milliwh for row in rows if isinstance(row, PccInterval)] == [1_800_000]
    assert [row.charge_milliwh for row in rows if isinstance(row, EvseInterval)] == [1_800_000]


def test_powers_that_explain_nothing_leave_a_line() -> None:
    rows = rows_around_the_turn(power_w=100.0)  # 20 of the 50 s: two fifths of 40 Wh
    assert [row.import_milliwh for row in rows if isinstance(row, PccInterval)] == [1_776_000]
    assert [row.charge_milliwh for row in rows if isinstance(row, EvseInterval)] == [1_776_000]
