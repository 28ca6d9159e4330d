"""A course broken off and gone on with is the same course: a year is its twelve months."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.rehearsal.test_virtual_house import house_of, summer_days
from tests.unit.rehearsal.weeks import days_from
from v2g_daemon.rehearsal.course import Done, begun, course
from v2g_daemon.rehearsal.job import columns
from v2g_daemon.rehearsal.knowledge import Knowledge
from v2g_daemon.rehearsal.rules import Plain
from v2g_daemon.rehearsal.score import Score, scored
from v2g_daemon.rehearsal.strategies import Strategy


def test_our_v2g_in_pieces_is_our_v2g() -> None:
    case = summer_days(2)
    house = house_of(case, lambda rows: None)
    count = case.days.count
    _, whole = course(
        case.days, case.plant, house, begun(house, energy_wh=case.start_wh), until=count
    )
    standing = begun(house, energy_wh=case.start_wh)
    pieces: list[Done] = []
    for until in (31, 77, 96, 150, count):
        standing, done = course(case.days, case.plant, house, standing, until=until)
        pieces += done
    assert tuple(pieces) == whole


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 671), max_size=6))
def test_plain_charging_is_the_same_wherever_it_is_broken_off(breaks: list[int]) -> None:
    case = days_from("nl2024pv", date(2024, 6, 8), 7)
    driver = Plain(plant=case.plant)
    start = begun(driver, energy_wh=case.start_wh)
    _, whole = course(case.days, case.plant, driver, start, until=672)
    standing, pieces = start, list[Done]()
    for until in (*sorted(breaks), 672):
        standing, done = course(case.days, case.plant, driver, standing, until=until)
        pieces += done
    assert tuple(pieces) == whole


def test_the_months_money_adds_up_to_that_of_all_days() -> None:
    # Five weeks over the turn of a month, and of the clocks.
    case = days_from("nl2023pv", date(2023, 3, 10), 35)
    driver = Plain(plant=case.plant)
    start = begun(driver, energy_wh=case.start_wh)
    _, done = course(case.days, case.plant, driver, start, until=case.days.count)

    def score_of(first: int, end: int) -> Score:
        still = [replace(one, import_milliwh=0, export_milliwh=0) for one in done]
        kept: list[Done] = [*still[:first], *done[first:end], *still[end:]]
        job = case.job(Strategy.PLAIN, Knowledge.TOLD)
        return scored(job, columns(kept), case.market)

    april = case.days.slot_at(case.days.start_utc) + 22 * 96 - 4
    parts = score_of(0, april).energy_cost + score_of(april, case.days.count).energy_cost
    whole = score_of(0, case.days.count).energy_cost
    assert whole > Decimal(100)
    assert float(parts) == pytest.approx(float(whole), abs=1e-9)
