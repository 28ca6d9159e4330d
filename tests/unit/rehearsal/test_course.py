"""A course through the days: trips, targets, and going on where one was broken off."""

from __future__ import annotations

import pytest

from tests.unit.rehearsal.toys import a_plant, days_of, stay
from v2g_daemon.rehearsal.course import Done, begun, course
from v2g_daemon.rehearsal.days import Days
from v2g_daemon.rehearsal.rules import Scripted

FLAT = [0.30] * 16
TWO_STAYS = (stay(0, 4, target_wh=34_000.0), stay(8, 12, trip_wh=20_000.0, target_wh=20_000.0))


def driven(days: Days, setpoints_w: list[float], *, until: int | None = None) -> tuple[Done, ...]:
    driver = Scripted(setpoint_w=tuple(setpoints_w))
    end = days.count if until is None else until
    return course(days, a_plant(), driver, begun(driver, energy_wh=30_000.0), until=end)[1]


def test_a_trip_leaves_the_pack_as_the_car_comes_back() -> None:
    done = driven(days_of(FLAT, stays=TWO_STAYS), [4000.0] * 16)
    # Four quarter hours of 1000 Wh, a trip of 20 kWh, four more.
    assert [one.energy_wh for one in done[:4]] == [31_000.0, 32_000.0, 33_000.0, 34_000.0]
    assert done[7].energy_wh == 34_000.0
    assert [one.energy_wh for one in done[8:]] == [15e3, 16e3, 17e3, 18e3, 18e3, 18e3, 18e3, 18e3]


def test_what_a_departure_lacks_is_missing_at_its_last_slot_and_nowhere_else() -> None:
    done = driven(days_of(FLAT, stays=TWO_STAYS), [4000.0] * 16)
    assert done[3].missing_wh == 0.0
    assert done[11].missing_wh == 2000.0
    assert [slot for slot, one in enumerate(done) if one.missing_wh is not None] == [3, 11]


def test_a_trip_that_wants_more_than_there_is_strands_the_rest() -> None:
    done = driven(days_of(FLAT, stays=(stay(2, 4, trip_wh=45_000.0),)), [0.0] * 16)
    assert done[2].stranded_wh == 15_000.0
    assert done[2].energy_wh == 0.0


def test_without_a_car_no_setpoint_is_obeyed() -> None:
    done = driven(days_of(FLAT, stays=TWO_STAYS, load_w=400.0), [4000.0] * 16)
    assert {(one.setpoint_w, one.import_milliwh) for one in done[4:8]} == {(0.0, 100_000)}


def test_the_registers_of_the_slots_add_up_whatever_each_is_rounded_to() -> None:
    # 0.1 W for a quarter hour is 25 mWh; a third of it is rounded, and the sum must not drift.
    days = days_of([0.30] * 96, load_w=0.1 / 3.0)
    done = driven(days, [0.0] * 96)
    assert sum(one.import_milliwh for one in done) == 800
    assert {one.import_milliwh for one in done} == {8, 9}


def test_a_charger_that_stopped_inside_a_slot_draws_nothing_at_its_end() -> None:
    days = days_of(FLAT, stays=(stay(0, 16),))
    seen: list[float] = []

    class Watched(Scripted):
        def drive(self, state, moment):
            seen.append(moment.power_w)
            return super().drive(state, moment)

    driver = Watched(setpoint_w=(7400.0,) * 16)
    course(days, a_plant(), driver, begun(driver, energy_wh=52_500.0), until=3)
    assert seen == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("cut", [1, 3, 4, 7, 8, 9, 12, 15])
def test_a_course_broken_off_and_gone_on_with_is_the_same(cut: int) -> None:
    days, plant = days_of(FLAT, stays=TWO_STAYS, load_w=333.3), a_plant()
    driver = Scripted(setpoint_w=tuple(1500.0 + 100.0 * slot for slot in range(16)))
    whole = course(days, plant, driver, begun(driver, energy_wh=30_000.0), until=16)
    standing, first = course(days, plant, driver, begun(driver, energy_wh=30_000.0), until=cut)
    end, second = course(days, plant, driver, standing, until=16)
    assert (end, first + second) == whole


def test_stays_that_overlap_are_refused() -> None:
    with pytest.raises(ValueError, match="a stay in slots 3–6 overlaps"):
        days_of(FLAT, stays=(stay(0, 4), stay(3, 6)))
    with pytest.raises(ValueError, match="series of 16 and of"):
        days_of(FLAT, pv_w=[0.0] * 15)
