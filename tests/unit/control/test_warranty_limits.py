"""Warranty budgets, paced over their term, and the month's cycles."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.builders import (
    a_snapshot,
    an_evse_status,
    in_hours,
    some_counters,
    warranty_terms,
)
from tests.unit.control.rules import NO_DISCHARGE, bounds, limit_of, with_car
from v2g_daemon.control import evse_limits
from v2g_daemon.domain.setpoint import Limit
from v2g_daemon.domain.vehicle import WarrantyTerms


def warranty_limit(terms: WarrantyTerms | None, **counted: Any) -> Limit | None:
    snapshot = a_snapshot(counters=(some_counters(**counted),))
    return limit_of(evse_limits.warranty, snapshot=snapshot, policy=with_car(warranty=terms))


def test_unknown_warranty_terms_forbid_discharge_until_the_owner_acknowledges() -> None:
    assert bounds(warranty_limit(None)) == NO_DISCHARGE
    assert bounds(warranty_limit(warranty_terms(acknowledged=False))) == NO_DISCHARGE
    assert warranty_limit(warranty_terms(acknowledged=True)) is None


def test_a_charger_that_the_warranty_does_not_approve_forbids_discharge() -> None:
    assert bounds(warranty_limit(warranty_terms(approved_serials=("OTHER-7",)))) == NO_DISCHARGE
    assert warranty_limit(warranty_terms(approved_serials=("SIM-1",))) is None


def test_the_warrantys_least_soc_holds() -> None:
    assert bounds(warranty_limit(warranty_terms(min_soc=0.5))) == NO_DISCHARGE  # 49.5 % for sure
    assert warranty_limit(warranty_terms(min_soc=0.49)) is None


# 2024-12-11 18:00 is 345.75 days into the term, and today's share counts: 346.75 of 2922 days.
@pytest.mark.parametrize(
    ("terms", "within", "beyond"),
    [
        ({"discharge_wh": 1_000_000.0}, {"discharged_life_wh": 118_000.0},
         {"discharged_life_wh": 119_000.0}),
        ({"discharge_s": 1_000_000.0}, {"discharging_life_s": 118_000.0},
         {"discharging_life_s": 119_000.0}),
        ({"equivalent_cycles": 100.0}, {"discharged_life_wh": 711_000.0},
         {"discharged_life_wh": 713_000.0}),
    ],
)  # fmt: skip
def test_a_warranty_budget_is_paced_over_its_term(
    terms: dict[str, float], within: dict[str, float], beyond: dict[str, float]
) -> None:
    assert warranty_limit(warranty_terms(**terms), **within) is None
    assert bounds(warranty_limit(warranty_terms(**terms), **beyond)) == NO_DISCHARGE


def test_unreadable_warranty_counters_forbid_discharge() -> None:
    assert bounds(warranty_limit(warranty_terms(), discharged_life_wh=None)) == NO_DISCHARGE
    hours = warranty_terms(discharge_s=1_000_000.0)
    assert bounds(warranty_limit(hours, discharging_life_s=None)) == NO_DISCHARGE
    limit = limit_of(evse_limits.warranty, snapshot=a_snapshot(counters=()))
    assert bounds(limit) == NO_DISCHARGE


def test_before_its_start_and_without_a_term_a_warranty_gives_no_budget() -> None:
    early = warranty_terms(start_date=date(2025, 1, 1))
    assert evse_limits.paced_share(early, in_hours(0.0)) == 0.0
    assert evse_limits.paced_share(warranty_terms(years=0.0), in_hours(0.0)) == 0.0
    over = warranty_terms(start_date=date(2010, 1, 1))
    assert evse_limits.paced_share(over, in_hours(0.0)) == 1.0


def test_a_guest_books_neither_warranty_nor_cycles() -> None:
    guest = an_evse_status(identity=None)
    assert limit_of(evse_limits.warranty, status=guest) is None
    assert limit_of(evse_limits.monthly_cycles, status=guest) is None


def test_the_months_cycles_are_bounded() -> None:
    # 10 cycles of 60 kWh
    below = a_snapshot(counters=(some_counters(discharged_month_wh=599_999.0),))
    assert limit_of(evse_limits.monthly_cycles, snapshot=below) is None
    spent = a_snapshot(counters=(some_counters(discharged_month_wh=600_000.0),))
    assert bounds(limit_of(evse_limits.monthly_cycles, snapshot=spent)) == NO_DISCHARGE


def test_the_counters_belong_to_the_car() -> None:
    vans = some_counters(vehicle_id="van", discharged_month_wh=1e9)
    both = a_snapshot(counters=(vans, some_counters()))
    assert limit_of(evse_limits.monthly_cycles, snapshot=both) is None


def test_an_unreadable_month_counter_forbids_discharge() -> None:
    unreadable = a_snapshot(counters=(some_counters(discharged_month_wh=None),))
    assert bounds(limit_of(evse_limits.monthly_cycles, snapshot=unreadable)) == NO_DISCHARGE
    assert (
        bounds(limit_of(evse_limits.monthly_cycles, snapshot=a_snapshot(counters=())))
        == NO_DISCHARGE
    )
