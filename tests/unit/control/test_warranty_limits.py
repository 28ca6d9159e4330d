"""Warranty budgets, paced over their term, and the month's cycles."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.builders import (
    NOW,
    a_snapshot,
    a_vehicle,
    an_evse_status,
    some_counters,
    warranty_terms,
)
from tests.unit.control.rules import NO_DISCHARGE, bounds, limit_of, with_car
from v2g_daemon.battery.budgets import warranty_budgets
from v2g_daemon.control import evse_limits
from v2g_daemon.domain.budget import DischargeBudget
from v2g_daemon.domain.setpoint import Limit
from v2g_daemon.domain.vehicle import WarrantyTerms


def warranty_limit(terms: WarrantyTerms | None, **counted: Any) -> Limit | None:
    snapshot = a_snapshot(counters=(some_counters(**counted),))
    return limit_of(evse_limits.warranty, snapshot=snapshot, policy=with_car(warranty=terms))


def budgets_of(terms: WarrantyTerms, **counted: Any) -> tuple[DischargeBudget, ...]:
    return warranty_budgets(a_vehicle(warranty=terms), some_counters(**counted), NOW.utc)


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


# 2024-12-11 18:00 is 345.75 of 2922 days into the term, and 3/32 of it are open from the start:
# 21.2 %. A lease of 90 s and a tick at 7.4 kW may still take 187 Wh.
@pytest.mark.parametrize(
    ("terms", "within", "beyond"),
    [
        ({"discharge_wh": 1_000_000.0}, {"discharged_life_wh": 211_800.0},
         {"discharged_life_wh": 212_000.0}),
        ({"discharge_s": 1_000_000.0}, {"discharging_life_s": 211_900.0},
         {"discharging_life_s": 212_000.0}),
        ({"equivalent_cycles": 100.0}, {"discharged_life_wh": 1_272_200.0},
         {"discharged_life_wh": 1_272_400.0}),
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


@pytest.mark.parametrize(
    ("changes", "open_share"),
    [({"start_date": date(2025, 1, 1)}, 0.0), ({"years": 0.0}, 0.0), ({}, 0.212)],
)
def test_before_its_start_and_without_a_term_nothing_of_a_budget_is_open(
    changes: dict[str, Any], open_share: float
) -> None:
    (budget,) = budgets_of(warranty_terms(discharge_wh=1e6, **changes))
    assert budget.open_share == pytest.approx(open_share, abs=5e-4)
    assert (warranty_limit(warranty_terms(discharge_wh=1e6, **changes)) is None) is (open_share > 0)


def test_what_the_terms_allow_for_life_is_not_allowed_again_once_they_are_over() -> None:
    over = warranty_terms(start_date=date(2010, 1, 1), discharge_wh=1_000_000.0)
    assert warranty_limit(over, discharged_life_wh=999_800.0) is None
    assert bounds(warranty_limit(over, discharged_life_wh=999_900.0)) == NO_DISCHARGE
    assert bounds(warranty_limit(over, discharged_life_wh=2_000_000.0)) == NO_DISCHARGE


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
