"""The view of the grid: how old the meter is, and whose power it contains, worked by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from tests.builders import (
    NOW,
    a_grid,
    a_meter,
    a_policy,
    a_situation,
    a_snapshot,
    a_timing,
    ago,
    an_evse,
    an_evse_memory,
    an_evse_status,
)
from v2g_daemon.control.grid import EvseDraw, GridView, follow_meter, view_grid
from v2g_daemon.control.situation import Situation
from v2g_daemon.domain.memory import Memory
from v2g_daemon.domain.policy import GridConnection, Stage
from v2g_daemon.domain.snapshot import Snapshot


def view(
    snapshot: Snapshot,
    *situations: Situation,
    grid: GridConnection | None = None,
    good_s: float = 60,
) -> GridView:
    memory = Memory(meter_good_since=ago(good_s))
    return view_grid(situations, memory, snapshot, a_grid() if grid is None else grid, a_timing())


def charging(
    measured_w: float | None, commanded_w: float | None, *, age_s: float = 0.0
) -> Situation:
    status = an_evse_status(power_w=measured_w, power_observed_at=ago(age_s))
    return a_situation(status=status, memory=an_evse_memory(commanded_w))


# The rule of room: the highest EVSE power with which the PCC stays at or below 10 kW.


def test_a_prompt_measurement_alone_says_what_room_there_is() -> None:
    # The house draws 6 - 4 = 2 kW: 8 kW are left.
    draw = EvseDraw(measured_w=4000.0, commanded_w=0.0, measured_late=False)
    assert draw.room_below(10_000.0, 6000.0) == 8000.0
    # 5 kW of export permitted: the house draws 1 kW, so 6 kW may be discharged.
    draw = EvseDraw(measured_w=-4000.0, commanded_w=0.0, measured_late=False)
    assert draw.room_above(-5000.0, -3000.0) == -6000.0


@pytest.mark.parametrize(
    ("measured_w", "commanded_w", "pcc_w", "room_w", "why"),
    [
        (0.0, 5000.0, 7000.0, 5000.0, "commanded is not forbidden by a measurement before it"),
        (0.0, 5000.0, 1000.0, 9000.0, "by measurement 9 kW are free, by command 14"),
        (5000.0, 0.0, 1000.0, 9000.0, "it has stopped already: 9 kW are free, not 14"),
        (0.0, 5000.0, 12_000.0, 3000.0, "the PCC is over: the command itself must shrink by 2 kW"),
    ],
)
def test_a_late_measurement_neither_forbids_the_command_nor_permits_more(
    measured_w: float, commanded_w: float, pcc_w: float, room_w: float, why: str
) -> None:
    draw = EvseDraw(measured_w=measured_w, commanded_w=commanded_w, measured_late=True)
    assert draw.room_below(10_000.0, pcc_w) == room_w, why
    mirrored = EvseDraw(measured_w=-measured_w, commanded_w=-commanded_w, measured_late=True)
    assert mirrored.room_above(-10_000.0, -pcc_w) == -room_w, why


def test_discharge_beyond_our_command_is_lent_to_nobody() -> None:
    # PCC 1 kW thanks to 3 kW that another EVSE discharges on its own: 10 - 1 - 3 = 6 kW.
    draw = EvseDraw(measured_w=0.0, commanded_w=0.0, measured_late=False, unlent_w=3000.0)
    assert draw.room_below(10_000.0, 1000.0) == 6000.0


# Whose power counts.


def test_the_house_without_its_evse_is_the_pcc_less_the_measured_power() -> None:
    snapshot = a_snapshot(meter=a_meter(6000.0))
    assert view(snapshot, charging(4000.0, 3500.0)).net_load_w == 2000.0


def test_a_late_evse_counts_as_commanded() -> None:
    snapshot = a_snapshot(meter=a_meter(6000.0))
    seen = view(snapshot, charging(4000.0, 3500.0, age_s=1.5))
    assert seen.total.measured_late
    assert seen.net_load_w == 2500.0
    assert not view(snapshot, charging(4000.0, 3500.0, age_s=1.0)).total.measured_late


@pytest.mark.parametrize(("changed_s_ago", "late"), [(0.5, True), (1.0, False)])
def test_a_sample_within_a_tick_of_a_new_command_may_be_from_before_it(
    changed_s_ago: float, *, late: bool
) -> None:
    just_told = a_situation(
        status=an_evse_status(power_w=0.0),
        memory=an_evse_memory(3500.0, changed_at=ago(changed_s_ago)),
    )
    assert view(a_snapshot(meter=a_meter(6000.0)), just_told).total.measured_late is late


def test_an_evse_whose_report_is_too_old_counts_as_commanded() -> None:
    seen = view(a_snapshot(), charging(4000.0, 3500.0, age_s=31.0))
    assert seen.total.measured_w == 3500.0


def test_after_a_restart_the_measured_power_stands_for_the_command() -> None:
    assert view(a_snapshot(), charging(-4000.0, None)).total.commanded_w == -4000.0
    assert view(a_snapshot(), charging(None, None)).total.commanded_w == 0.0


def test_a_sample_that_arrives_within_a_tick_of_a_new_setpoint_is_late() -> None:
    status = an_evse_status(power_w=-1500.0, power_observed_at=ago(0.4))
    for changed_s, late in ((1.0, True), (1.5, False)):
        memory = replace(an_evse_memory(-4900.0), changed_at=ago(changed_s))
        seen = view(a_snapshot(), a_situation(status=status, memory=memory))
        assert seen.total.measured_late is late


def test_an_evse_that_never_reported_makes_the_measurement_late() -> None:
    status = an_evse_status(power_w=None, power_observed_at=None)
    seen = view(a_snapshot(), a_situation(status=status, memory=an_evse_memory(3000.0)))
    assert seen.total.measured_late


def test_an_evse_without_link_is_part_of_the_house() -> None:
    # 3 kW charged on its own are house load; 3 kW discharged on its own are lent to nobody.
    gone = a_situation(status=an_evse_status(connected=False, power_w=3000.0))
    seen = view(a_snapshot(meter=a_meter(6000.0)), gone)
    assert (seen.net_load_w, seen.total.unlent_w) == (6000.0, 0.0)
    gone = a_situation(status=an_evse_status(connected=False, power_w=-3000.0))
    seen = view(a_snapshot(meter=a_meter(1000.0)), gone)
    assert (seen.net_load_w, seen.total.unlent_w) == (1000.0, 3000.0)


def test_what_an_evse_without_link_once_discharged_is_forgotten_when_it_is_old() -> None:
    status = an_evse_status(connected=False, power_w=-3000.0, power_observed_at=ago(31.0))
    assert view(a_snapshot(), a_situation(status=status)).total.unlent_w == 0.0
    status = an_evse_status(connected=False, power_w=None)
    assert view(a_snapshot(), a_situation(status=status)).total.unlent_w == 0.0


def test_a_house_whose_policy_has_no_meter_looks_at_none() -> None:
    seen = view(a_snapshot(), charging(0.0, 0.0), grid=a_grid(has_meter=False))
    assert (seen.usable, seen.may_increase, seen.meter) == (False, False, None)


def test_a_watched_evse_is_part_of_the_house() -> None:
    policy = a_policy(stage_wanted=Stage.WATCH)
    watched = a_situation(status=an_evse_status(power_w=3000.0), policy=policy)
    assert view(a_snapshot(meter=a_meter(6000.0)), watched).net_load_w == 6000.0


def test_a_single_phase_evse_hangs_on_the_first_phase() -> None:
    policy = a_policy(evses=(an_evse(phases=1),))
    lone = a_situation(status=an_evse_status(power_w=3000.0), policy=policy)
    seen = view(a_snapshot(), lone)
    assert [draw.measured_w for draw in seen.phases] == [3000.0, 0.0, 0.0]
    assert seen.largest_phase_share == (1.0, 0.0, 0.0)
    seen = view(a_snapshot(), charging(3000.0, None))
    assert [draw.measured_w for draw in seen.phases] == pytest.approx([1000.0, 1000.0, 1000.0])


def test_a_three_phase_evse_on_a_single_phase_connection_has_its_power_there() -> None:
    seen = view(a_snapshot(), charging(3000.0, None), grid=a_grid(phases=1))
    assert [draw.measured_w for draw in seen.phases] == [3000.0]


# How old.


@pytest.mark.parametrize(
    ("age_s", "usable", "may_increase"),
    [(0.0, True, True), (3.0, True, True), (3.1, True, False), (5.0, True, False),
     (5.1, False, False), (-1.0, False, False)],
)  # fmt: skip
def test_the_meters_age_decides_what_it_is_good_for(
    age_s: float, *, usable: bool, may_increase: bool
) -> None:
    seen = view(a_snapshot(meter=a_meter(age_s=age_s)), charging(0.0, 0.0))
    assert (seen.usable, seen.may_increase) == (usable, may_increase)
    assert (seen.net_load_w is None) is not usable


@pytest.mark.parametrize(("good_s", "may_increase"), [(29.9, False), (30.0, True)])
def test_after_a_loss_more_discharge_waits_for_30_good_seconds(
    good_s: float, *, may_increase: bool
) -> None:
    assert view(a_snapshot(), charging(0.0, 0.0), good_s=good_s).may_increase is may_increase


def test_a_gap_restarts_the_30_seconds() -> None:
    timing, memory = a_timing(), Memory()
    moments = [(0.0, 0.0), (10.0, 0.0), (20.0, 6.0), (21.0, 0.0), (40.0, 4.0)]
    seen: list[datetime | None] = []
    for at_s, age_s in moments:
        now = NOW.later(at_s)
        meter = replace(a_meter(), observed_at=now.later(-age_s))
        memory = follow_meter(memory, a_snapshot(now=now, meter=meter), timing)
        since = memory.meter_good_since
        seen.append(None if since is None else since.utc)
    start, back = NOW.utc, NOW.later(21.0).utc
    assert seen == [start, start, None, back, back]


def test_without_a_meter_reading_nothing_is_good() -> None:
    assert follow_meter(Memory(), a_snapshot(meter=None), a_timing()).meter_good_since is None
    seen = view(a_snapshot(meter=None), charging(0.0, 0.0))
    assert (seen.usable, seen.may_increase, seen.net_load_w) == (False, False, None)


def test_what_a_home_battery_takes_is_not_the_cars_to_serve() -> None:
    # 1 kW at the PCC, of which 3 kW go into the battery: the rest of the house gives 2 kW.
    snapshot = a_snapshot(meter=a_meter(1000.0), battery_power_w=3000.0)
    grid = view(snapshot, charging(0.0, 0.0))
    assert grid.net_load_w == 1000.0
    assert grid.served_load_w == -2000.0


def test_what_a_home_battery_gives_the_car_may_take_over() -> None:
    snapshot = a_snapshot(meter=a_meter(0.0), battery_power_w=-1500.0)
    assert view(snapshot, charging(0.0, 0.0)).served_load_w == 1500.0


def test_without_a_battery_meter_all_of_the_load_is_served() -> None:
    assert view(a_snapshot(meter=a_meter(700.0)), charging(0.0, 0.0)).served_load_w == 700.0
    assert view(a_snapshot(meter=None), charging(0.0, 0.0)).served_load_w is None
